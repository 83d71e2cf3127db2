"""`hexapla config check|show|path`: whether the configuration is right, what is in force, where it comes from."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import tomlkit

from hexapla.catalog.resolve import resolve
from hexapla.cli.words import Say
from hexapla.config import Loaded, load_config
from hexapla.config.shown import without_secrets
from hexapla.errors import RoutingError


def run(arguments: argparse.Namespace, say: Say) -> int:
    loaded = load_config(arguments.config)
    return {"check": _check, "show": _show, "path": _path}[arguments.action](loaded, arguments.json, say)


def _check(loaded: Loaded, as_json: bool, say: Say) -> int:
    """Loading has found every mistake of form; what is left are names that mean nothing."""
    unknown = dict(_unknown(loaded))
    if as_json:
        print(msgspec.json.encode({"file": loaded.config.file, "ok": not unknown, "unknown": unknown}).decode())
        return 1 if unknown else 0
    for key, why in unknown.items():
        print(f"{loaded.config.file}: {key}: {why}", file=sys.stderr)
    if not unknown:
        print(say("config-right", file=loaded.config.file or say("config-none")))
    return 1 if unknown else 0


def _unknown(loaded: Loaded) -> Iterator[tuple[str, str]]:
    """(key, complaint) for every name of a model that resolves to nothing."""
    config = loaded.config
    named: dict[str, tuple[str, ...]] = {f"aliases.{alias}": (model,) for alias, model in config.aliases.items()}
    named |= {f"chains.{model}": (model, *further) for model, further in config.chains.items()}
    for name, profile in config.profiles.items():
        if not profile.subscription:
            backups = (backup for backup in profile.backups if backup not in loaded.profiles)
            named[f"profiles.{name}"] = (*profile.models().values(), *backups)
    for key, models in named.items():
        for model in models:
            try:
                resolve(loaded.catalog, model)
            except RoutingError as error:
                yield key, error.message


def _show(loaded: Loaded, as_json: bool, say: Say) -> int:
    shown = shown_config(loaded)
    print(msgspec.json.encode(shown).decode() if as_json else tomlkit.dumps(shown).rstrip())
    return 0


def shown_config(loaded: Loaded) -> dict[str, Any]:
    """Everything that is in force, defaults included, without a secret."""
    shown = without_secrets(msgspec.to_builtins(loaded.config), loaded.environment)
    assert isinstance(shown, dict)
    return shown


def _path(loaded: Loaded, as_json: bool, say: Say) -> int:
    read = [str(file) for file in loaded.files if file.is_file()]
    if as_json:
        print(msgspec.json.encode({"file": loaded.config.file, "read": read}).decode())
        return 0
    print(loaded.config.file or say("config-none"))
    for file in read:
        if file != loaded.config.file:
            print(file)
    return 0
