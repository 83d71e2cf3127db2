"""`hexapla usage`: tokens and money from the ledger."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from rich.table import Column, Table

from hexapla.cli.console import table_console
from hexapla.cli.words import Say
from hexapla.config import load_config
from hexapla.ledger import Cost, Generation, Ledger, UsageRow

DAY = 86_400
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
    table = Table(*(say(f"usage-{name}") for name in (by, *SUMS, "cost")), box=None)
    for row in rows:
        table.add_row(row.group, *(f"{getattr(row, name):,}" for name in SUMS), money(row.cost))
    table_console().print(table)


def _show_recent(generations: Sequence[Generation], as_json: bool, say: Say) -> None:
    if as_json:
        print(msgspec.json.encode(generations).decode())
        return
    columns = ("time", "id", "model", "lane", "input", "output", "cost", "seconds", "outcome")
    table = Table(*(Column(say(f"usage-{name}"), no_wrap=name in ("time", "id")) for name in columns), box=None)
    for one in generations:
        cost = money((one.cost,) if one.cost else ())
        table.add_row(
            datetime.fromtimestamp(one.created, UTC).strftime("%m-%d %H:%M:%S"),
            one.id,
            f"{one.provider}/{one.model}",
            one.lane,
            str(one.usage.input or "") + ("~" if one.estimated else ""),
            str(one.usage.output or ""),
            cost,
            f"{one.latency:.2f}",
            one.outcome,
        )
    table_console().print(table)


def money(costs: Sequence[Cost]) -> str:
    """Sums in their own currencies, in whole units: `0.0123 USD + 0.5 CNY`."""
    return " + ".join(f"{cost.nanos / 1e9:.6g} {cost.currency}" for cost in costs)
