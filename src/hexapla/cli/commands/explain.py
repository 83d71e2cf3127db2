"""`hexapla explain FILE`: what would be sent where, in which lane, with which losses.  Nothing is sent."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import msgspec
from msgspec import Raw
from rich.console import Console
from rich.markup import escape

from hexapla.cli.words import Say
from hexapla.config import LedgerConfig, load_config
from hexapla.engine.assemble import open_gateway
from hexapla.engine.client import Ask
from hexapla.errors import ClientError, ConfigError, Kind, ProtocolError
from hexapla.upstream.secrets import HARMLESS
from hexapla.wire.rawjson import dump, join, load, split

GEMINI = "gemini_generate"
"""Its bodies name no model: -m does."""


def run(arguments: argparse.Namespace, say: Say) -> int:
    body = _read(arguments.file, say)
    try:
        fields = split(body)
    except ProtocolError as error:
        raise ClientError(Kind.INVALID_REQUEST, str(error)) from None
    dialect = arguments.dialect or guess(fields)
    if dialect is None:
        raise ConfigError(say("unknown-dialect"))
    model = arguments.model or ""
    if model and dialect != GEMINI:
        body, model = join({**fields, "model": dump(model)}), ""
    ask = Ask(protocol=dialect, body=body, model=model, profile=arguments.profile)
    shown = asyncio.run(_explain(arguments.config, ask))
    if arguments.json:
        print(msgspec.json.encode(shown).decode())
        return 0
    _show(shown)
    return 0


async def _explain(config: str | None, ask: Ask) -> dict[str, object]:
    loaded = load_config(config)
    quiet = msgspec.structs.replace(loaded.config, ledger=LedgerConfig(path=":memory:"))
    gateway = open_gateway(msgspec.structs.replace(loaded, config=quiet))
    try:
        candidate, lane, request = gateway.explain(ask)
    except ProtocolError as error:
        raise ClientError(Kind.INVALID_REQUEST, str(error)) from None
    finally:
        await gateway.aclose()
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
    }


def _show(shown: dict[str, object]) -> None:
    console = Console()
    for name in ("dialect", "provider", "model", "protocol", "lane", "url"):
        console.print(f"[bold]{name:>9}[/]  {escape(str(shown[name]))}", highlight=False, soft_wrap=True)
    losses = shown["losses"]
    assert isinstance(losses, list)
    for loss in losses:
        said = f"{loss['field']}: {loss['why']} ({loss['severity']})"
        console.print(f"[bold yellow]{'loss':>9}[/]  {escape(said)}", highlight=False)
    console.print_json(bytes(msgspec.json.encode(shown["body"])).decode())


def guess(fields: dict[str, Raw]) -> str | None:
    """The dialect that a body's fields tell."""
    if "contents" in fields:
        return GEMINI
    if "input" in fields or "instructions" in fields:
        return "openai_responses"
    if "messages" not in fields:
        return None
    messages = "system" in fields or "anthropic_version" in fields or "thinking" in fields
    tools = load(fields.get("tools", Raw()), list[dict[str, Raw]]) or []
    return "anthropic_messages" if messages or any("input_schema" in tool for tool in tools) else "openai_chat"


def _read(file: str, say: Say) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(say("not-a-file", path=file, why=error.strerror)) from None
