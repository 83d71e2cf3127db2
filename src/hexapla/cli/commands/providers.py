"""`hexapla providers`: who there is, how to log in, and whether a key was found."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec
from rich.table import Table

from hexapla.auth.api_key import env_names, key_page, needs_key
from hexapla.catalog.schema import Auth, Provider
from hexapla.cli.console import table_console
from hexapla.cli.words import Say
from hexapla.config import load_config
from hexapla.engine.routes import Routes


def run(arguments: argparse.Namespace, say: Say) -> int:
    routes = Routes(load_config(arguments.config))
    wanted = arguments.filter.lower()
    usable = set(routes.usable())
    found = [p for p in routes.catalog.providers.values() if wanted in f"{p.id} {p.name} {p.name_zh}".lower()]
    if arguments.json:
        print(msgspec.json.encode([_row(provider, provider.id in usable) for provider in found]).decode())
        return 0
    table = Table(*(say(word) for word in ("provider", "name", "protocols", "how-to-log-in", "ready")), box=None)
    for provider in found:
        row = _row(provider, provider.id in usable)
        name = provider.name_zh if say.language == "zh" and provider.name_zh else provider.name
        table.add_row(provider.id, name, " ".join(row["protocols"]), row["login"], "✓" if row["usable"] else "")
    table_console().print(table)
    return 0


def _logins(auth: Auth) -> tuple[str, ...]:
    """Every way to log in, in the order in which they are tried."""
    more = (auth.token_env, "login" if auth.login is not None and not auth.login.ended else "", auth.cloud)
    found = (*env_names(auth), *(each for each in more if each))
    return found or (auth.kind,)


def _row(provider: Provider, usable: bool) -> dict[str, Any]:
    return {
        "id": provider.id,
        "name": provider.name,
        "name_zh": provider.name_zh,
        "protocols": [endpoint.protocol for endpoint in provider.endpoints],
        "base_urls": [endpoint.base_url for endpoint in provider.endpoints],
        "login": " | ".join(_logins(provider.auth)) if needs_key(provider.auth) else "-",
        "usable": usable,
        "status": provider.status,
        "key_page": key_page(provider),
        "docs": provider.docs,
    }
