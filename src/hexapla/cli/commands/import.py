# ruff: noqa: N999 - a command's module has the command's name, and is loaded by it
"""`hexapla import FILE`: another gateway's configuration as a hexapla.toml, with a report of what was not carried.

The text goes to standard output, or to --write PATH; the report to standard error.  A file is never overwritten, and no
key is ever printed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from hexapla.catalog.resolve import Catalog
from hexapla.cli.words import Say
from hexapla.config import assemble, builtin_models, builtin_providers, parse_config
from hexapla.errors import ConfigError
from hexapla.importers import ccr, claudex, litellm
from hexapla.importers.draft import Draft
from hexapla.importers.load import load, whose
from hexapla.importers.note import Kind, counts, told
from hexapla.importers.render import render

PROGRAMS: dict[str, tuple[str, Callable[[dict[str, Any], Draft], None]]] = {
    "claudex": ("Claudex", claudex.convert),
    "ccr": ("claude-code-router", ccr.convert),
    "litellm": ("LiteLLM", litellm.convert),
}
_SIGNS: dict[Kind, tuple[str, str]] = {
    "changed": ("~", "cyan"),
    "you": ("!", "yellow"),
    "left": ("-", "dim"),
}


def run(arguments: argparse.Namespace, say: Say) -> int:
    if arguments.keep_secrets and not arguments.write:
        raise ConfigError(say("import-keeps"))
    file = arguments.file
    data = load(_read(file, say), file)
    origin, convert = PROGRAMS[arguments.origin or whose(data, file)]
    draft = Draft(Catalog(builtin_providers(), builtin_models()), keep_secrets=arguments.keep_secrets)
    convert(data, draft)
    text = render(draft, origin)
    _prove(text, draft)
    if arguments.write:
        _write(Path(arguments.write), text, say, private=arguments.keep_secrets)
    if arguments.json:
        print(_as_json(draft, "" if arguments.write else text, say))
        return 0
    if not arguments.write:
        print(text, end="")
    _report(draft, say)
    return 0


def _read(file: str, say: Say) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(say("not-a-file", path=file, why=why)) from None


def _prove(text: str, draft: Draft) -> None:
    """What we write, we can read: with every variable set, it loads."""
    environment = dict.fromkeys(draft.safe.variables, "http://127.0.0.1:1")
    assemble(parse_config(text, "hexapla.toml", environment), environment)


def _write(path: Path, text: str, say: Say, *, private: bool) -> None:
    """Write a file that was not there; where it holds secrets, for its owner alone."""
    try:
        descriptor = os.open(path.expanduser(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
    except FileExistsError:
        raise ConfigError(say("import-exists", path=path)) from None
    except OSError as error:
        raise ConfigError(say("import-unwritable", path=path, why=say.sentence(error.strerror or ""))) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)


def _as_json(draft: Draft, text: str, say: Say) -> str:
    notes = [msgspec.to_builtins(note) | {"said": told(note, say.language)} for note in draft.notes]
    shown = {"toml": text, "variables": sorted(draft.safe.variables), "counts": counts(draft.notes), "notes": notes}
    return msgspec.json.encode(shown).decode()


def _report(draft: Draft, say: Say) -> None:
    """What is to be done first, then what was left, then what was changed; what was carried is counted."""
    console = Console(stderr=True)
    order: tuple[Kind, ...] = ("you", "left", "changed")
    for kind in order:
        places: dict[str, list[str]] = {}
        for note in draft.notes:
            if note.kind == kind:
                places.setdefault(told(note, say.language), []).append(note.where)
        sign, style = _SIGNS[kind]
        for said, where in places.items():
            console.print(Text(f"{sign} {', '.join(where)}: {said}", style))
    console.print(Text(say("import-done", **counts(draft.notes))))
    if draft.safe.secrets:
        console.print(Text(say("import-secrets", names=", ".join(sorted(draft.safe.secrets)))))
