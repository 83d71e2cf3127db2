"""The conversation of a client's Responses body: its items.

Accepts what agents really send: items with and without type and id, reasoning with null content, results in parts, items
of tools that only the vendor knows, our own envelopes.  Items of one assistant turn are gathered into one message, results
into another, which is the canonical shape.  Kinds that nobody knows yet are carried whole.

Rules of this file: a Struct says what an item may hold, a function what it means, found by table (`parts.py` reads the
parts of messages); what cannot be right is refused with its path, which is a `$.input[2].content[0]` of the client's own
body.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import Media, Opaque, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.envelope import MARK, open_envelope
from hexapla.ir.request import Message, Role
from hexapla.protocols.openai_responses.parts import parse_own_part, parse_part
from hexapla.protocols.openai_responses.words import NAME, ORIGIN
from hexapla.protocols.typed import Reader, Rest, is_text, present, read_list, string
from hexapla.wire.rawjson import split

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "developer"}


class WireKind(msgspec.Struct):
    type: str | None = None
    role: Raw = Raw()


class WireMessage(msgspec.Struct, forbid_unknown_fields=True):
    role: str
    content: str | list[Raw]
    type: str | None = None


class WireParagraph(msgspec.Struct, forbid_unknown_fields=True):
    type: str | None = None
    text: str | None = None


class WireReasoning(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    id: str | None = None
    summary: list[WireParagraph] | None = None
    content: list[WireParagraph] | None = None
    encrypted_content: str | None = None


class WireCall(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    call_id: str
    name: str
    arguments: str | None = None
    namespace: str | None = None


class WireCustomCall(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    call_id: str
    name: str
    input: str | None = None
    namespace: str | None = None


class WireResult(msgspec.Struct, forbid_unknown_fields=True):
    """call_id  missing where nobody called: the output then names its tool (openai-python 3.57, 2026-11)"""

    type: str
    call_id: str | None = None
    output: str | list[Raw] | None = None


_KIND = Reader(WireKind)


def parse_input(raw: Raw) -> tuple[Message, ...]:
    """All messages.  Raises ProtocolError."""
    path = "$.input"
    said = present(raw)
    if said is None:
        return ()
    if is_text(said):
        text = string(said, path)
        return (Message(role="user", content=(Text(text=text),), plain=True),) if text else ()
    messages: list[Message] = []
    for index, each in enumerate(read_list(said, path)):
        _gather(messages, _item(each, f"{path}[{index}]"))
    return tuple(messages)


def _gather(messages: list[Message], message: Message) -> None:
    """Neighbouring assistant items are one turn, neighbouring results one message."""
    last = messages[-1] if messages else None
    if last is not None and last.role == message.role and message.role in ("assistant", "tool"):
        messages[-1] = Message(role=last.role, content=last.content + message.content)
    else:
        messages.append(message)


def _item(raw: Raw, path: str) -> Message:
    item, _ = _KIND.read(raw, path)
    kind = item.type or ("message" if present(item.role) is not None else "item_reference")
    known = _ITEMS.get(kind)
    if known is None:
        role: Role = "tool" if kind.endswith("_output") else "assistant"
        return Message(role=role, content=(Opaque(origin=ORIGIN, type=kind, data=raw),))
    reader, parse = known
    typed, rest = reader.read(raw, path)
    return parse(typed, rest, raw, path)


def _message(message: WireMessage, rest: Rest, _: Raw, path: str) -> Message:
    role = _ROLES.get(message.role)
    if role is None:
        why = f"{message.role!r} is no role; use one of {', '.join(_ROLES)}"
        raise ProtocolError(why, path=f"{path}.role")
    extras = {NAME: rest} if rest else {}
    said = message.content
    if isinstance(said, str) and role == "assistant":
        return Message(role=role, content=(Text(text=said, extras=extras),))
    if isinstance(said, str):
        return Message(role=role, content=(Text(text=said),), plain=True, extras=extras)
    places = [(raw, f"{path}.content[{index}]") for index, raw in enumerate(said)]
    if role == "assistant":
        return Message(role=role, content=tuple([parse_own_part(raw, place, extras) for raw, place in places]))
    return Message(role=role, content=tuple([parse_part(raw, place) for raw, place in places]), extras=extras)


def _reasoning(item: WireReasoning, rest: Rest, raw: Raw, _: str) -> Message:
    encrypted = item.encrypted_content or None
    if encrypted is not None and encrypted.startswith(MARK):
        beside = {NAME: rest} if rest else {}
        restored = open_envelope(encrypted, beside)  # a broken one proves nothing to anyone
        return Message(role="assistant", content=() if restored is None else (restored,))
    content = [paragraph.text or "" for paragraph in item.content or ()]
    if len(content) > 1:
        rest = {**rest, "content": split(raw)["content"]}  # the bounds between several
    thought = Reasoning(
        text="".join(content),
        summary=tuple([paragraph.text or "" for paragraph in item.summary or ()]),
        encrypted=encrypted,
        id=item.id,
        form="reasoning",
        origin=ORIGIN,
        extras={NAME: rest} if rest else {},
    )
    return Message(role="assistant", content=(thought,))


def _call(item: WireCall, rest: Rest, raw: Raw, path: str) -> Message:
    call = ToolCall(
        id=item.call_id,
        name=item.name,
        arguments=item.arguments or "",
        namespace=item.namespace,
        extras={NAME: rest} if rest else {},
    )
    return Message(role="assistant", content=(call,))


def _custom_call(item: WireCustomCall, rest: Rest, raw: Raw, path: str) -> Message:
    call = ToolCall(
        id=item.call_id,
        name=item.name,
        arguments=item.input or "",
        kind="custom",
        namespace=item.namespace,
        extras={NAME: rest} if rest else {},
    )
    return Message(role="assistant", content=(call,))


def _result(item: WireResult, rest: Rest, raw: Raw, path: str) -> Message:
    if item.call_id is None:
        if item.type != "function_call_output" or "name" not in rest:
            raise ProtocolError("call_id is required", path=f"{path}.call_id")
        text = item.output if isinstance(item.output, str) else ""
        return Message(role="tool", content=(Opaque(origin=ORIGIN, type=item.type, data=raw, text=text),))
    said = item.output
    if isinstance(said, list):
        parts = [parse_part(each, f"{path}.output[{index}]") for index, each in enumerate(said)]
    else:
        parts = [] if said is None else [Text(text=said)]
    result = ToolResult(
        call_id=item.call_id,
        content=tuple([part for part in parts if isinstance(part, Text | Media | Opaque)]),
        plain=not isinstance(said, list),
        kind="custom" if item.type == "custom_tool_call_output" else "function",
        extras={NAME: rest} if rest else {},
    )
    return Message(role="tool", content=(result,))


_ITEMS: dict[str, tuple[Reader[Any], Callable[[Any, Rest, Raw, str], Message]]] = {
    "message": (Reader(WireMessage), _message),
    "reasoning": (Reader(WireReasoning), _reasoning),
    "function_call": (Reader(WireCall), _call),
    "custom_tool_call": (Reader(WireCustomCall), _custom_call),
    "function_call_output": (Reader(WireResult), _result),
    "custom_tool_call_output": (Reader(WireResult), _result),
}
