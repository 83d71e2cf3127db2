"""The conversation of a client's Messages body, parsed.

Agents send more than the user's and the model's turns: system messages inside `messages`, message-level output_config, tool
references, results of server tools, our own envelopes in thinking signatures.  Unknown fields travel in extras, unknown
blocks whole, as Opaque parts, with what they say in words (`foreign.py`).

Rules of this file: a Struct says what a block may hold, a function what it means; every complaint names its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import AnyPart, CacheMark, Extras, Media, Opaque, Origin, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.envelope import MARK, open_envelope
from hexapla.ir.request import Message
from hexapla.protocols.anthropic_messages.blocks import parse_citation
from hexapla.protocols.anthropic_messages.foreign import in_words
from hexapla.protocols.anthropic_messages.sources import (
    WireDocument,
    WireImage,
    holds_blocks,
    parse_document,
    parse_image,
)
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.typed import NO_REST, Reader, Rest, read_list
from hexapla.wire.rawjson import UNDECODABLE, load

ORIGIN = Origin(NAME)
Role = Literal["user", "assistant", "system"]
ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


class WireText(msgspec.Struct, tag_field="type", tag="text", forbid_unknown_fields=True, gc=False):
    text: str
    citations: list[Raw] | None = None
    cache_control: CacheMark | None = None


class WireThinking(msgspec.Struct, tag_field="type", tag="thinking", forbid_unknown_fields=True, gc=False):
    thinking: str | None = None
    signature: str | None = None


class WireRedacted(msgspec.Struct, tag_field="type", tag="redacted_thinking", forbid_unknown_fields=True, gc=False):
    data: str


class WireCall(msgspec.Struct, tag_field="type", tag="tool_use", forbid_unknown_fields=True, gc=False):
    id: str
    name: str
    input: Raw = Raw()
    cache_control: CacheMark | None = None


class WireResult(msgspec.Struct, tag_field="type", tag="tool_result", forbid_unknown_fields=True, gc=False):
    tool_use_id: str
    content: str | list[Raw] | None = None
    is_error: bool | None = None
    cache_control: CacheMark | None = None


class WireUsualResult(WireResult, tag_field="type", tag="tool_result", forbid_unknown_fields=True, gc=False):
    """A result that holds nothing unknown."""

    content: str | list[WireText | WireImage] | None = None  # type: ignore[assignment]


class WireBlock(msgspec.Struct):
    """What every block may hold."""

    type: str
    cache_control: CacheMark | None = None


Known = WireText | WireThinking | WireRedacted | WireCall | WireUsualResult | WireImage | WireDocument


class WireTurn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A turn that says nothing unknown, as nearly all are."""

    role: Role
    content: str | list[Known]


class WireAnyTurn(msgspec.Struct, forbid_unknown_fields=True):
    """Any turn; one of the system may have no content where it only says something about what follows (settle.py)."""

    role: str
    content: str | list[Raw] | None = None


_known, _turns = msgspec.json.Decoder(Known).decode, msgspec.json.Decoder(list[WireTurn]).decode
_ANY_TURN, _BLOCK = Reader(WireAnyTurn), Reader(WireBlock)
_BLOCKS: dict[str, Reader[Any]] = {
    "text": Reader(WireText),
    "thinking": Reader(WireThinking),
    "redacted_thinking": Reader(WireRedacted),
    "tool_use": Reader(WireCall),
    "tool_result": Reader(WireResult),
    "image": Reader(WireImage),
    "document": Reader(WireDocument),
}


def parse_turns(raw: Raw) -> list[Message]:
    """`messages`.  Raises ProtocolError."""
    try:
        return _usual(_turns(raw))
    except (*UNDECODABLE, ProtocolError):
        pass  # what follows finds it as well, and says where
    messages: list[Message] = []
    for index, each in enumerate(read_list(raw, "$.messages")):
        where = f"$.messages[{index}]"
        messages += _turn(*_read(each, where), where)
    return messages


def _usual(turns: Sequence[WireTurn]) -> list[Message]:
    """Turns in which everything is known.  Raises ProtocolError that does not say where: a path for every block of a
    long conversation costs more than reading it."""
    messages: list[Message] = []
    for turn in turns:
        content = turn.content
        if type(content) is str:
            messages.append(Message(role=turn.role, content=(Text(text=content),), plain=True))
            continue
        parts = [part for block in content if (part := _PARSE[type(block)](block, NO_REST, "")) is not None]
        kinds = {*map(type, parts)}
        if ToolResult not in kinds:
            messages.append(Message(role=turn.role, content=tuple(parts)))
        elif len(kinds) == 1 and turn.role == "user":
            messages.append(Message(role="tool", content=tuple(parts)))
        else:
            messages += _answers(turn.role, parts, {}, "")
    return messages


def _read(raw: Raw, path: str) -> tuple[WireTurn | WireAnyTurn, Rest]:
    """A turn, and what it says beside."""
    known = load(raw, WireTurn)
    return (known, NO_REST) if known is not None else _ANY_TURN.read(raw, path)


def parse_system(said: str | list[Raw]) -> tuple[Message, ...]:
    """`system`, which is not empty, as the first message."""
    if isinstance(said, str):
        return (Message(role="system", content=(Text(text=said),), plain=True),)
    return (Message(role="system", content=tuple(_parts(said, "$.system"))),)


def _turn(turn: WireTurn | WireAnyTurn, rest: Rest, path: str) -> list[Message]:
    """One message: tool results first as a "tool" message, what else it says after them."""
    role = ROLES.get(turn.role)
    if role is None:
        raise ProtocolError(f"{turn.role!r} is no role; use user, assistant or system", path=f"{path}.role")
    extras = {NAME: rest} if rest else {}
    if isinstance(turn.content, str):
        return [Message(role=role, content=(Text(text=turn.content),), plain=True, extras=extras)]
    path = f"{path}.content"
    if turn.content is None:
        if role != "system" or not rest:
            raise ProtocolError("content is required", path=path)
        return [Message(role=role, extras=extras)]
    parts = _parts(turn.content, path)
    if any(isinstance(part, ToolResult) for part in parts):
        return _answers(role, parts, extras, path)
    return [Message(role=role, content=tuple(parts), extras=extras)]


def _answers(role: Role, parts: Sequence[AnyPart], extras: Extras, path: str) -> list[Message]:
    """A turn in which results stand."""
    if role != "user":
        raise ProtocolError("tool_result blocks can only stand in user messages", path=path)
    results = [part for part in parts if isinstance(part, ToolResult)]
    others = [part for part in parts if not isinstance(part, ToolResult)]
    if not others:
        return [Message(role="tool", content=tuple(results), extras=extras)]
    return [
        Message(role="tool", content=tuple(results)),
        Message(role=role, content=tuple(others), extras=extras),
    ]


def _parts(blocks: Sequence[Known | Raw], path: str) -> list[AnyPart]:
    """The blocks that mean something."""
    parts = [_PARSE[type(block)](block, NO_REST, f"{path}[{i}]") for i, block in enumerate(blocks)]
    return [part for part in parts if part is not None]


def _any(raw: Raw, _: Rest, path: str) -> AnyPart | None:
    """A block that was not read yet: it may have something unknown in it, or be one that only Messages knows."""
    try:
        found = _known(raw)
    except UNDECODABLE:
        pass
    else:
        return _PARSE[type(found)](found, NO_REST, path)
    block, _ = _BLOCK.read(raw, path)
    reader = _BLOCKS.get(block.type)
    if reader is None or (block.type == "document" and holds_blocks(raw)):
        text = in_words(block.type, raw)
        return Opaque(origin=ORIGIN, type=block.type, data=raw, text=text, cache=block.cache_control)
    known, rest = reader.read(raw, path)
    return _PARSE[type(known)](known, rest, path)


def _text(block: WireText, rest: Rest, path: str) -> Text:
    if not rest and not block.citations:
        return Text(text=block.text, cache=block.cache_control)
    return Text(
        text=block.text,
        citations=tuple([parse_citation(each) for each in block.citations]) if block.citations else (),
        cache=block.cache_control,
        extras={NAME: rest} if rest else {},
    )


def _thinking(block: WireThinking, rest: Rest, path: str) -> Reasoning | None:
    signature = block.signature
    if signature is not None and signature.startswith(MARK):
        return open_envelope(signature, {NAME: rest} if rest else {})  # a broken one proves nothing to anyone
    return Reasoning(
        text=block.thinking or "",
        signature=signature,
        form="thinking",
        origin=ORIGIN,
        extras={NAME: rest} if rest else {},
    )


def _redacted(block: WireRedacted, rest: Rest, path: str) -> Reasoning | None:
    extras = {NAME: rest} if rest else {}
    if block.data.startswith(MARK):
        return open_envelope(block.data, extras)
    return Reasoning(encrypted=block.data, form="redacted_thinking", origin=ORIGIN, extras=extras)


def _call(block: WireCall, rest: Rest, path: str) -> ToolCall:
    given = bytes(block.input)
    if given in (b"", b"null"):
        given = b"{}"
    if not given.startswith(b"{"):
        raise ProtocolError("input must be an object", path=f"{path}.input")
    return ToolCall(
        id=block.id,
        name=block.name,
        arguments=given.decode("utf-8", "replace"),
        cache=block.cache_control,
        extras={NAME: rest} if rest else {},
    )


def _result(block: WireResult, rest: Rest, path: str) -> ToolResult:
    said = block.content
    content: tuple[Text | Media | Opaque, ...] = ()
    if isinstance(said, str):
        content = (Text(text=said),)
    elif said is not None:
        parts = _parts(said, f"{path}.content")
        content = tuple([part for part in parts if isinstance(part, Text | Media | Opaque)])
    return ToolResult(
        call_id=block.tool_use_id,
        content=content,
        plain=not isinstance(said, list),
        is_error=block.is_error,
        cache=block.cache_control,
        extras={NAME: rest} if rest else {},
    )


_PARSE: dict[type, Callable[[Any, Rest, str], AnyPart | None]] = {
    WireText: _text,
    WireThinking: _thinking,
    WireRedacted: _redacted,
    WireCall: _call,
    WireResult: _result,
    WireUsualResult: _result,
    WireImage: parse_image,
    WireDocument: parse_document,
    Raw: _any,
}
