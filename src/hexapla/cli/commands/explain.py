"""`hexapla explain FILE`: what would be sent where, in which lane, with which losses, and why there.  Nothing is sent."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.cli import drawing
from hexapla.cli.amounts import SIGNS
from hexapla.cli.words import Say
from hexapla.config import LedgerConfig, load_config
from hexapla.engine.assemble import open_gateway
from hexapla.engine.client import Ask
from hexapla.engine.way import way
from hexapla.errors import ClientError, ConfigError, Kind, ProtocolError
from hexapla.translate.dialect import guess
from hexapla.upstream.secrets import HARMLESS
from hexapla.upstream.transport import Request
from hexapla.wire.rawjson import dump, join, load

CHAT = "openai_chat"
GEMINI = "gemini_generate"
"""Its bodies name no model: -m does."""

COLUMNS = ("lane-column", "losses-column", "price-in", "price-out", "first-token", "speed")
NARROW = 78  # columns of a terminal below which only what is needed is shown
NEEDED = 4  # the columns that a narrow terminal shows


def run(arguments: argparse.Namespace, say: Say) -> int:
    body = _read(arguments.file, say)
    fields = load(body, dict[str, Raw])  # what is no object is refused like any other, in words for it
    dialect = arguments.dialect or (CHAT if fields is None else guess(fields))
    if dialect is None:
        raise ConfigError(say("unknown-dialect"))
    model = arguments.model or ""
    if model and fields is not None and dialect != GEMINI:
        body, model = join({**fields, "model": dump(model)}), ""
    ask = Ask(protocol=dialect, body=body, model=model, profile=arguments.profile)
    shown = asyncio.run(_explain(arguments.config, ask))
    if arguments.json:
        print(msgspec.json.encode(shown).decode())
        return 0
    console = drawing.table_console()
    _show(shown, console, say)
    _show_way(shown["route"], console, say)
    return 0


async def _explain(config: str | None, ask: Ask) -> dict[str, object]:
    loaded = load_config(config)
    quiet = msgspec.structs.replace(loaded.config, ledger=LedgerConfig(path=":memory:"))
    gateway = open_gateway(msgspec.structs.replace(loaded, config=quiet))
    try:
        peeked, plan, open_call = gateway.planned(ask)
        candidate = plan.candidates[0]
        call = open_call(candidate)
        route = way(gateway, peeked, plan, open_call)
    except ProtocolError as error:
        raise ClientError(Kind.INVALID_REQUEST, str(error)) from None
    finally:
        await gateway.aclose()
    lane, request = call.lane, call.request
    assert isinstance(request, Request)
    headers = {name: value if name in HARMLESS else "***" for name, value in request.headers}
    return {
        "dialect": ask.protocol,
        "provider": candidate.provider.id,
        "model": candidate.model,
        "protocol": candidate.endpoint.protocol,
        "lane": lane.name,
        "losses": [{"field": loss.field, "why": loss.why, "severity": loss.severity} for loss in lane.losses],
        "url": request.url,
        "headers": headers,
        "body": Raw(request.body),
        "route": route,
    }


def _show(shown: dict[str, object], console: drawing.Console, say: Say) -> None:
    for name in ("dialect", "provider", "model", "protocol", "lane", "url"):
        console.print(
            f"[bold]{_label(name, say)}[/]  {drawing.escape(str(shown[name]))}", highlight=False, soft_wrap=True
        )
    losses = shown["losses"]
    assert isinstance(losses, list)
    for loss in losses:
        said = f"{loss['field']}: {say.sentence(loss['why'])} ({loss['severity']})"
        console.print(f"[bold yellow]{_label('loss', say)}[/]  {drawing.escape(said)}", highlight=False)
    console.print_json(bytes(msgspec.json.encode(shown["body"])).decode())


def _label(name: str, say: Say) -> str:
    """What stands before a line, to the right of its column; a Chinese sign takes two places."""
    said = say(f"shown-{name}")
    return " " * (9 - drawing.cell_len(said)) + said


def _show_way(route: Any, console: drawing.Console, say: Say) -> None:
    """Who would be tried, in order, and who not, and why."""
    console.print(f"\n[bold]{say('why-' + route['why'])}[/]", highlight=False)
    table = drawing.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", justify="right")
    table.add_column(say("name"), overflow="fold", min_width=16)
    columns = COLUMNS if console.width >= NARROW else COLUMNS[:NEEDED]
    for column in columns:
        table.add_column(say(column), justify="left" if column == "lane-column" else "right", no_wrap=True)
    for place, each in enumerate(route["candidates"], 1):
        said = ", ".join([each["tier"], *each["overrides"]] if each["tier"] else each["overrides"])
        name = f"{each['provider']}/{each['model']}" + (f" ({said})" if said else "")
        table.add_row(str(place), drawing.escape(name), *_cells(each)[: len(columns)])
    console.print(table)
    for each in route["rejected"]:
        console.print(
            f"[dim]{drawing.escape(each['endpoint'])}: {drawing.escape(say.sentence(each['why']))} ({each['filter']})[/]",
            highlight=False,
        )


def _cells(each: Any) -> list[str]:
    price = each["price"] or {}
    sign = SIGNS.get(price.get("currency", ""), "")
    entered, left = ("" if price.get(side) is None else f"{sign}{price[side]:g}" for side in ("input", "output"))
    latency = "" if each["latency"] is None else f"{each['latency']:.2f}s"
    speed = "" if each["throughput"] is None else f"{each['throughput']:.0f}/s"
    return [each["lane"] or "✗", str(len(each["losses"]) or ""), entered, left, latency, speed]


def _read(file: str, say: Say) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(say("not-a-body", path=file, why=say.sentence(error.strerror or ""))) from None
