"""`hexapla models`: every model that can be asked for, with what it takes and what it costs."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Iterator

import msgspec

from hexapla.catalog import listing
from hexapla.catalog.listing import Fits, Listed
from hexapla.catalog.nearest import Names
from hexapla.cli import drawing
from hexapla.cli.amounts import rates, tokens
from hexapla.cli.words import Say
from hexapla.config import load_config
from hexapla.engine.local import look_once
from hexapla.engine.routes import Routes
from hexapla.errors import ConfigError

LETTERS = {"tools": "T", "reasoning": "R", "vision": "V", "json_schema": "J", "cache": "C", "web_search": "W"}
"""Abilities in a narrow terminal."""

NARROW = 110  # columns below which a row must be short
LAST = float("inf")


def run(arguments: argparse.Namespace, say: Say) -> int:
    routes = Routes(load_config(arguments.config))
    asyncio.run(look_once(routes))
    everything = list(_rows(routes, time.strftime("%Y-%m-%d", time.gmtime()), old=arguments.old))
    _check(arguments, everything, routes, say)
    fits = listing.every(_wanted(arguments))
    found = [row for row in everything if fits(row)]
    shown = [row for row in found if row.usable or arguments.all]
    shown.sort(key=_order(arguments.sort))
    if arguments.json:
        print(msgspec.json.encode([_plain(row) for row in shown]).decode())
        return 0
    console = drawing.table_console()
    if shown:
        drawing.show_table(console, _table(shown, console, say))
    _foot(console, len(shown), len(found), say)
    return 0


def _rows(routes: Routes, today: str, *, old: bool) -> Iterator[Listed]:
    usable = set(routes.usable())
    sold = listing.sold(today)
    for provider in sorted(routes.catalog.providers.values(), key=lambda each: each.id):
        for model in routes.catalog.listed(provider.id):
            name = f"{provider.id}/{model.id}"
            row = Listed(name=name, model=model, provider=provider, usable=provider.id in usable)
            if old or sold(row):
                yield row


def _check(arguments: argparse.Namespace, rows: list[Listed], routes: Routes, say: Say) -> None:
    """Raise ConfigError for an ability or a provider that is none: a list without rows would look like an answer."""
    abilities = sorted({name for row in rows for name in row.model.capabilities})
    for name in arguments.can:
        if name not in abilities:
            raise ConfigError(say("no-ability", name=name, known=", ".join(abilities)))
    providers = {name.lower() for each in routes.catalog.providers.values() for name in listing.called(each)}
    for name in arguments.provider:
        if name.lower() not in providers:
            near = ", ".join(Names(routes.catalog.providers).nearest(name, 3))
            hint = say("nearest", names=near) if near else ""
            raise ConfigError(say("no-provider", name=name, near=hint))


def _wanted(arguments: argparse.Namespace) -> Iterator[Fits]:
    if arguments.filter:
        yield listing.named_like(arguments.filter)
    if arguments.provider:
        yield listing.at_provider(arguments.provider)
    if arguments.kind:
        yield listing.of_kind(arguments.kind)
    if arguments.can:
        yield listing.able(arguments.can)
    if arguments.context is not None:
        yield listing.context_from(arguments.context)
    if arguments.max_price is not None:
        yield listing.costing("input", None, arguments.max_price, (arguments.currency or "").upper())
    if arguments.currency:
        yield listing.billed_in(arguments.currency.upper())
    if arguments.free:
        yield listing.free


def _order(sort: str) -> Callable[[Listed], tuple[float, str]]:
    """What rows are sorted by: a number, then their names; what is not known stands last."""
    value = ORDERS[sort]
    return lambda row: (value(row), row.name)


def _price(row: Listed) -> float:
    price = row.model.price
    rate = 0.0 if row.model.free else price.input if price is not None else None
    return LAST if rate is None else rate


def _age(row: Listed) -> float:
    return -float(row.model.released.replace("-", "").ljust(8, "0") or 0)


ORDERS: dict[str, Callable[[Listed], float]] = {
    "name": lambda row: 0,
    "price": _price,
    "context": lambda row: -(row.model.context or 0),
    "newest": _age,
}


def _plain(row: Listed) -> dict[str, object]:
    named = {"name": row.name, "title": row.model.name, "provider": row.provider.id, "usable": row.usable}
    return {**msgspec.to_builtins(row.model), **named}


def _table(rows: list[Listed], console: drawing.Console, say: Say) -> drawing.Table:
    narrow = console.width < NARROW
    table = drawing.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(say("name"), overflow="fold", min_width=24)
    if not narrow:
        table.add_column(say("kind"), no_wrap=True)
    table.add_column(say("context"), justify="right", no_wrap=True)
    if not narrow:
        table.add_column(say("max-output"), justify="right", no_wrap=True)
    table.add_column(say("price-in"), justify="right", no_wrap=True)
    table.add_column(say("price-out"), justify="right", no_wrap=True)
    table.add_column(say("can"), no_wrap=narrow)
    for row in rows:
        cells = [row.name, row.model.kind, tokens(row.model.context), tokens(row.model.max_output)]
        cells = [cells[0], cells[2]] if narrow else cells
        style = "dim" if row.model.retired or not row.usable else ""
        table.add_row(*cells, *rates(row.model, say), _abilities(row, narrow=narrow), style=style)
    return table


def _abilities(row: Listed, *, narrow: bool) -> str:
    if not narrow:
        return " ".join(row.model.capabilities)
    letters = "".join(letter for name, letter in LETTERS.items() if name in row.model.capabilities)
    return letters if row.model.kind == "chat" else row.model.kind


def _foot(console: drawing.Console, shown: int, found: int, say: Say) -> None:
    said = say("models-shown", shown=shown)
    if found > shown:
        said += " " + say("models-more", more=found - shown)
    if shown and console.width < NARROW:
        said += " " + say("models-letters")
    console.print(said, style="dim", highlight=False)
