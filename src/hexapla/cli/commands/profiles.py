"""`hexapla profiles`: who answers to which slot, and whether the keys for it are there."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from hexapla.catalog.profile import DEFAULT, SLOTS, Profile
from hexapla.cli import drawing
from hexapla.cli.words import Say
from hexapla.config import load_config
from hexapla.engine.routes import Routes
from hexapla.errors import RoutingError


def run(arguments: argparse.Namespace, say: Say) -> int:
    loaded = load_config(arguments.config)
    routes = Routes(loaded)
    rows = [_row(name, profile, routes) for name, profile in loaded.profiles.items() if arguments.filter in name]
    if arguments.json:
        print(msgspec.json.encode(rows).decode())
        return 0
    if not rows:
        print(say("no-profile"))
        return 0
    table = drawing.Table(
        *(say(word) for word in ("profile-name", "main-model")), *SLOTS, say("backups"), say("ready"), box=None
    )
    for row in rows:
        models, ready = row["models"], "✓" if row["ready"] else ""
        named = (models.get(slot, "") for slot in SLOTS)
        main = models.get(DEFAULT) or row["provider"]
        table.add_row(row["name"], main, *named, " ".join(row["backups"]), ready)
    drawing.table_console().print(table)
    return 0


def _row(name: str, profile: Profile, routes: Routes) -> dict[str, Any]:
    return {
        "name": name,
        "provider": profile.provider,
        "models": profile.models(),
        "backups": profile.backups,
        "own_login": profile.subscription,
        "ready": bool(profile.subscription) or _ready(name, routes),
    }


def _ready(name: str, routes: Routes) -> bool:
    """Whether the main model, or a backup of it, can be asked."""
    try:
        routes.first(DEFAULT, name)
    except RoutingError:
        return False
    return True
