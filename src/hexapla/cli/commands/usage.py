"""`hexapla usage`: tokens and money from the ledger."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from hexapla.cli import drawing
from hexapla.cli.words import Say
from hexapla.config import load_config
from hexapla.ledger import Cost, Generation, Ledger, UsageRow

DAY = 86_400
WIDE = 120  # columns from which there is room for everything
SPARED = ("id", "lane", "seconds")
COLUMNS: dict[str, Callable[[Generation], str]] = {
    "time": lambda one: datetime.fromtimestamp(one.created, UTC).strftime("%m-%d %H:%M:%S"),
    "id": lambda one: one.id,
    "model": lambda one: f"{one.provider}/{one.model}",
    "lane": lambda one: one.lane,
    "input": lambda one: str(one.usage.input or "") + ("~" if one.estimated else ""),
    "output": lambda one: str(one.usage.output or ""),
    "cost": lambda one: money((one.cost,) if one.cost else ()),
    "seconds": lambda one: f"{one.latency:.2f}",
    "outcome": lambda one: one.outcome,
}
"""What is told of a request."""

SUMS = ("requests", "ok", "input", "cached", "output", "reasoning")


def run(arguments: argparse.Namespace, say: Say) -> int:
    ledger = Ledger.open(load_config(arguments.config).config.ledger.path or None)
    try:
        if arguments.recent:
            _show_recent(ledger.recent(arguments.recent), arguments.json, say)
        else:
            rows = ledger.usage(time.time() - arguments.days * DAY, group_by=arguments.by)
            _show_usage(rows, arguments.by, arguments.json, say)
    finally:
        ledger.close()
    return 0


def _show_usage(rows: Sequence[UsageRow], by: str, as_json: bool, say: Say) -> None:
    if as_json:
        print(msgspec.json.encode(rows).decode())
        return
    if not rows:
        print(say("nothing"))
        return
    table = drawing.Table(*(say(f"usage-{name}") for name in (by, *SUMS, "cost")), box=None)
    for row in rows:
        table.add_row(row.group, *(f"{getattr(row, name):,}" for name in SUMS), money(row.cost))
    drawing.table_console().print(table)


def _show_recent(generations: Sequence[Generation], as_json: bool, say: Say) -> None:
    if as_json:
        print(msgspec.json.encode(generations).decode())
        return
    if not generations:
        print(say("nothing"))
        return
    console = drawing.table_console()
    shown = [name for name in COLUMNS if console.width >= WIDE or name not in SPARED]
    table = drawing.Table(
        *(drawing.Column(say(f"usage-{name}"), no_wrap=name in ("time", "id")) for name in shown), box=None
    )
    for one in generations:
        table.add_row(*(COLUMNS[name](one) for name in shown))
    console.print(table)


def money(costs: Sequence[Cost]) -> str:
    """Sums in their own currencies, in whole units: `0.0123 USD + 0.5 CNY`."""
    return " + ".join(f"{cost.nanos / 1e9:.6g} {cost.currency}" for cost in costs)
