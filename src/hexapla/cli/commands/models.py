"""`hexapla models`: every model of the catalogue, with what it takes and what it costs."""

from __future__ import annotations

import argparse

import msgspec
from rich.table import Table

from hexapla.catalog.schema import Price
from hexapla.cli.console import table_console
from hexapla.cli.words import Say
from hexapla.config import load_config


def run(arguments: argparse.Namespace, say: Say) -> int:
    catalog = load_config(arguments.config).catalog
    wanted = arguments.filter.lower()
    found = [
        (f"{provider}/{model.id}", model)
        for provider, listed in sorted(catalog.models.items())
        for model in listed
        if wanted in f"{provider}/{model.id} {model.name} {' '.join(model.aliases)}".lower()
    ]
    if arguments.json:
        rows = [{"name": name, **msgspec.to_builtins(model)} for name, model in found]
        print(msgspec.json.encode(rows).decode())
        return 0
    if not found:
        print(say("nothing"))
        return 1
    table = Table(*(say(word) for word in ("name", "kind", "context", "max-output", "price", "can")), box=None)
    for name, model in found:
        table.add_row(
            name,
            model.kind,
            _count(model.context),
            _count(model.max_output),
            price_text(model.price, say) if model.price or not model.free else say("free"),
            " ".join(model.capabilities),
        )
    table_console().print(table)
    return 0


def _count(tokens: int | None) -> str:
    return f"{tokens:,}" if tokens is not None else ""


def price_text(price: Price | None, say: Say) -> str:
    """Input and output per million tokens, in the price's own currency."""
    if price is None or (price.input is None and price.output is None):
        return ""
    if not price.input and not price.output:
        return say("free")
    sign = {"USD": "$", "CNY": "¥"}[price.currency]
    entered, left = (f"{value:g}" if value is not None else "?" for value in (price.input, price.output))
    return f"{sign}{entered} / {sign}{left}"
