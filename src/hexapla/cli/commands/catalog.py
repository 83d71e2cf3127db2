"""`hexapla catalog`: how old the large table of models is, and a newer one."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import msgspec

from hexapla.catalog.merge.build import Changes, Read, compare, renew
from hexapla.catalog.table import Table, TableError
from hexapla.cli import drawing
from hexapla.cli.packages import download, read_packages
from hexapla.cli.words import Say
from hexapla.config import load_config, model_table, user_table
from hexapla.errors import ConfigError

TOLD = 20  # names of each kind of change that are listed


def run(arguments: argparse.Namespace, say: Say) -> int:
    environment = load_config(arguments.config).environment
    before = model_table(environment)
    if arguments.action == "status":
        _only_for_update(arguments, say)
        return _status(before, user_table(environment), arguments, say)
    after, data = _renewed(arguments, before, say)
    changes = compare(before, after)
    if not arguments.check:
        _write(user_table(environment), data)
    _tell(changes, after, arguments, say)
    return 0


def _only_for_update(arguments: argparse.Namespace, say: Say) -> None:
    given = {"--check": arguments.check, "--from": arguments.files, "--large": arguments.large}
    if names := [name for name, said in given.items() if said]:
        raise ConfigError(say("update-only", names=", ".join(names)))


def _status(table: Table | None, own: Path, arguments: argparse.Namespace, say: Say) -> int:
    if table is None:
        raise ConfigError(say("no-table"))
    header = table.header
    sources = [msgspec.to_builtins(source) for source in header.sources]
    said = {"made": header.made, "models": len(table), "providers": len(header.providers), "sources": sources}
    if arguments.json:
        print(msgspec.json.encode(said | {"own": str(own) if own.is_file() else None}).decode())
        return 0
    console = drawing.table_console()
    console.print(say("catalog-is", models=len(table), providers=len(header.providers), made=header.made))
    for source in header.sources:
        console.print(f"  {source.name} {source.version}  {source.date}  {source.url}", highlight=False)
    return 0


def _renewed(arguments: argparse.Namespace, before: Table | None, say: Say) -> tuple[Table, bytes]:
    """The new table and its bytes: a file of ours as it is, anything else merged."""
    files = [Path(name) for name in arguments.files or ()]
    if len(files) == 1 and (ready := _ready(files[0])) is not None:
        return Table(ready), ready
    packages = read_packages(files) if files else _fetched(arguments, say)
    try:
        data = renew(packages, before, time.strftime("%Y-%m-%d", time.gmtime()))
    except (LookupError, TypeError, ValueError, SyntaxError, AttributeError) as error:
        # another format than ours: whatever its reader stumbled over
        names = ", ".join(packages)
        raise ConfigError(say("unknown-format", names=names, why=f"{type(error).__name__}: {error}")) from None
    return Table(data), data


def _fetched(arguments: argparse.Namespace, say: Say) -> dict[str, Read]:
    drawing.table_console().print(say("catalog-fetching"), style="dim") if not arguments.json else None
    return download(large=arguments.large)


def _ready(file: Path) -> bytes | None:
    """The file's bytes if it is a table of ours."""
    try:
        data = file.read_bytes()
        Table(data)
    except (OSError, TableError):
        return None
    return data


def _write(file: Path, data: bytes) -> None:
    """Replace the user's own table at once, so that whoever maps the old one keeps it whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=file.name, delete=False) as fresh:
        fresh.write(data)
        fresh.flush()
        os.fsync(fresh.fileno())
    Path(fresh.name).replace(file)


def _tell(changes: Changes, after: Table, arguments: argparse.Namespace, say: Say) -> None:
    if arguments.json:
        print(msgspec.json.encode({"models": len(after), **msgspec.to_builtins(changes)}).decode())
        return
    console = drawing.table_console()
    if not changes:
        console.print(say("catalog-same", models=len(after)))
        return
    summary = {"added": len(changes.added), "removed": len(changes.removed), "prices": len(changes.prices)}
    console.print(say("catalog-changes", models=len(after), changed=changes.changed, **summary), highlight=False)
    for sign, names in (("+", changes.added), ("-", changes.removed)):
        for name in names[:TOLD]:
            console.print(f"  {sign} {name}", highlight=False)
        if len(names) > TOLD:
            console.print(f"  {sign} … {len(names) - TOLD}", highlight=False)
    for name, (was, now) in list(changes.prices.items())[:TOLD]:
        console.print(f"  ~ {name}: {was} → {now}", highlight=False)
    console.print(say("catalog-checked" if arguments.check else "catalog-written"), style="dim")
