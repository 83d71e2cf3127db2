"""The conversation of a client's Messages body, parsed.

Agents send more than the user's and the model's turns: system messages inside `messages`, message-level output_config, tool
references, results of server tools, our own envelopes in thinking signatures.  Unknown fields travel in extras, unknown
blocks whole, as Opaque parts, with what they say in words (`words_of`).

Rules of this file: a Struct says what a block may hold, a function what it means; every complaint names its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import AnyPart, CacheMark, Media, Opaque, Origin, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.envelope import MARK, open_envelope
from hexapla.ir.request import Message, Role
from hexapla.protocols.anthropic_messages.blocks import parse_citation
from hexapla.protocols.anthropic_messages.foreign import in_words
from hexapla.protocols.anthropic_messages.sources import holds_blocks, parse_document, parse_image
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.fields import extras_of
from hexapla.protocols.typed import Reader, present, read_list
from hexapla.wire.rawjson import load

ORIGIN = Origin(NAME)
ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


class WireSaid(msgspec.Struct, forbid_unknown_fields=True):
    """A turn that is nothing but a text."""

    role: Literal["user", "assistant", "system"]
    content: str


class WireTurn(msgspec.Struct, forbid_unknown_fields=True):
    role: str
    content: str | list[Raw]


class WireBlock(msgspec.Struct):
    """What every block may hold."""

    type: str
    cache_control: CacheMark | None = None


class WireText(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    text: str
    citations: list[Raw] | None = None
    cache_control: CacheMark | None = None


class WireThinking(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    thinking: str | None = None
    signature: str | None = None


class WireRedacted(msgspec.Struct):
    data: str


class WireCall(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    id: str
    name: str
    input: Raw = Raw()
    cache_control: CacheMark | None = None


class WireResult(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    tool_use_id: str
    content: str | list[Raw] | None = None
    is_error: bool | None = None
    cache_control: CacheMark | None = None


_TURN, _BLOCK, _TEXT = Reader(WireTurn), Reader(WireBlock), Reader(WireText)
_THINKING, _REDACTED = Reader(WireThinking), Reader(WireRedacted)
_CALL, _RESULT = Reader(WireCall), Reader(WireResult)


def parse_turns(raw: Raw) -> list[Message]:
    """`messages`.  Raises ProtocolError."""
    said = load(raw, list[WireSaid])
    if said is not None:  # what people say; programs send blocks, mostly from the first turn on
        return [Message(role=turn.role, content=(Text(text=turn.content),), plain=True) for turn in said]
    path = "$.messages"
    return [message for i, turn in enumerate(read_list(raw, path)) for message in _turn(turn, f"{path}[{i}]")]


def parse_system(said: str | list[Raw]) -> tuple[Message, ...]:
    """`system`, as the first message."""
    if isinstance(said, str):
        return (Message(role="system", content=(Text(text=said),), plain=True),) if said else ()
    parts = _blocks(said, "$.system")
    return (Message(role="system", content=tuple(parts)),) if said else ()


def _turn(raw: Raw, path: str) -> list[Message]:
    """One message: tool results first as a "tool" message, what else it says after them."""
    turn, rest = _TURN.read(raw, path)
    role = ROLES.get(turn.role)
    if role is None:
        raise ProtocolError(f"{turn.role!r} is no role; use user, assistant or system", path=f"{path}.role")
    extras = extras_of(NAME, rest)
    if isinstance(turn.content, str):
        return [Message(role=role, content=(Text(text=turn.content),), plain=True, extras=extras)]
    path = f"{path}.content"
    parts = _blocks(turn.content, path)
    results = [part for part in parts if isinstance(part, ToolResult)]
    if not results:
        return [Message(role=role, content=tuple(parts), extras=extras)]
    if role != "user":
        raise ProtocolError("tool_result blocks can only stand in user messages", path=path)
    others = [part for part in parts if not isinstance(part, ToolResult)]
    if not others:
        return [Message(role="tool", content=tuple(results), extras=extras)]
    return [
        Message(role="tool", content=tuple(results)),
        Message(role=role, content=tuple(others), extras=extras),
    ]


def _blocks(items: list[Raw], path: str) -> list[AnyPart]:
    """The blocks that mean something."""
    return [part for i, raw in enumerate(items) if (part := _block(raw, f"{path}[{i}]")) is not None]


def _block(raw: Raw, path: str) -> AnyPart | None:
    block, _ = _BLOCK.read(raw, path)
    parse = _BLOCKS.get(block.type)
    if parse is None or (block.type == "document" and holds_blocks(raw)):
        return Opaque(
            origin=ORIGIN, type=block.type, data=raw, text=in_words(block.type, raw), cache=block.cache_control
        )
    return parse(raw, path)


def _text(raw: Raw, path: str) -> Text:
    block, rest = _TEXT.read(raw, path)
    return Text(
        text=block.text,
        citations=tuple([parse_citation(each) for each in block.citations]) if block.citations else (),
        cache=block.cache_control,
        extras=extras_of(NAME, rest) if rest else {},
    )


def _thinking(raw: Raw, path: str) -> Reasoning | None:
    block, rest = _THINKING.read(raw, path)
    signature = block.signature
    if signature is not None and signature.startswith(MARK):
        return open_envelope(signature)  # a broken one proves nothing to anyone
    return Reasoning(
        text=block.thinking or "",
        signature=signature,
        form="thinking",
        origin=ORIGIN,
        extras=extras_of(NAME, rest) if rest else {},
    )


def _redacted(raw: Raw, path: str) -> Reasoning | None:
    block, _ = _REDACTED.read(raw, path)
    if block.data.startswith(MARK):
        return open_envelope(block.data)
    return Reasoning(encrypted=block.data, form="redacted_thinking", origin=ORIGIN)


def _call(raw: Raw, path: str) -> ToolCall:
    block, rest = _CALL.read(raw, path)
    given = bytes(present(block.input) or b"{}")
    if not given.startswith(b"{"):
        raise ProtocolError("input must be an object", path=f"{path}.input")
    return ToolCall(
        id=block.id,
        name=block.name,
        arguments=given.decode("utf-8", "replace"),
        cache=block.cache_control,
        extras=extras_of(NAME, rest) if rest else {},
    )


def _result(raw: Raw, path: str) -> ToolResult:
    block, rest = _RESULT.read(raw, path)
    said = block.content
    content: list[AnyPart] = []
    if isinstance(said, str):
        content = [Text(text=said)]
    elif said is not None:
        content = _blocks(said, f"{path}.content")
    return ToolResult(
        call_id=block.tool_use_id,
        content=tuple([part for part in content if isinstance(part, Text | Media | Opaque)]),
        plain=not isinstance(said, list),
        is_error=block.is_error,
        cache=block.cache_control,
        extras=extras_of(NAME, rest) if rest else {},
    )


_BLOCKS: dict[str, Callable[[Raw, str], AnyPart | None]] = {
    "text": _text,
    "image": parse_image,
    "document": parse_document,
    "tool_use": _call,
    "tool_result": _result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}
