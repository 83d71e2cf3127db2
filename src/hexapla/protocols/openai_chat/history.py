"""The conversation of a client's Chat body: messages, calls and results.

Accepts a superset of the published types: cache marks on parts, messages and calls, thought in every spelling, legacy
functions, explicit nulls.  What only Chat knows travels in extras or whole; what cannot be right is refused with its
path.

Rules of this file: a Struct says what a message may hold, a function what it means, found by table (`content.py` reads
what is said in them).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.content import AnyPart, CacheMark, Media, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult
from hexapla.ir.request import Message, Role
from hexapla.protocols.extras import MARK
from hexapla.protocols.openai_chat.content import parse_content
from hexapla.protocols.openai_chat.reasoning import FORMS, history_thought
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.typed import NO_REST, Reader, Rest, is_text, present, read_list, string
from hexapla.wire.rawjson import dump, load

# messages


class WireUser(msgspec.Struct, tag_field="role", tag="user", forbid_unknown_fields=True):
    """A message of somebody who only speaks."""

    speaker: ClassVar[Role] = "user"

    content: str | list[Raw]
    name: str | None = None
    cache_control: CacheMark | None = None


class WireSystem(WireUser, tag="system"):
    speaker: ClassVar[Role] = "system"


class WireDeveloper(WireUser, tag="developer"):
    speaker: ClassVar[Role] = "developer"


class WireAssistant(msgspec.Struct, tag_field="role", tag="assistant", forbid_unknown_fields=True):
    content: str | list[Raw] | None = None
    refusal: str | None = None
    tool_calls: list[Raw] | None = None
    function_call: Raw = Raw()
    reasoning_content: Raw = Raw()
    reasoning: Raw = Raw()
    thinking: Raw = Raw()
    reasoning_text: Raw = Raw()
    thought: Raw = Raw()
    reasoning_details: Raw = Raw()
    reasoning_opaque: str | None = None
    name: str | None = None
    cache_control: CacheMark | None = None


class WireResult(msgspec.Struct, tag_field="role", tag="tool", forbid_unknown_fields=True):
    content: str | list[Raw] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    cache_control: CacheMark | None = None


class WireFunctionResult(WireResult, tag="function"):
    """The results of 2023, which name the function."""


class WireRole(msgspec.Struct):
    role: str


AnyMessage = WireUser | WireSystem | WireDeveloper | WireAssistant | WireResult | WireFunctionResult

_ROLE = Reader(WireRole)
_MESSAGES: dict[str, Reader[Any]] = {
    "system": Reader(WireSystem),
    "developer": Reader(WireDeveloper),
    "user": Reader(WireUser),
    "assistant": Reader(WireAssistant),
    "tool": Reader(WireResult),
    "function": Reader(WireFunctionResult),
}


def parse_messages(raw: Raw) -> tuple[Message, ...]:
    """All messages; neighbouring tool messages are one, which is the canonical shape.  Raises ProtocolError."""
    path = "$.messages"
    known = load(raw, list[AnyMessage])  # they say nothing unknown, as nearly all do
    if known is not None:
        found: list[tuple[AnyMessage, Rest]] = [(message, NO_REST) for message in known]
    else:
        found = [_read(each, f"{path}[{i}]") for i, each in enumerate(read_list(raw, path))]
    gathered: list[Message] = []
    for index, (wire, rest) in enumerate(found):
        message = _PARSE[type(wire)](wire, rest, f"{path}[{index}]")
        last = gathered[-1] if gathered else None
        if message.role == "tool" and last is not None and last.role == "tool":
            gathered[-1] = Message(role="tool", content=last.content + message.content)
        else:
            gathered.append(message)
    if not gathered:
        raise ProtocolError("messages: at least one message is required", path=path)
    freeform = {
        part.id for said in gathered for part in said.content if type(part) is ToolCall and part.kind == "custom"
    }
    return tuple(_of_kind(message, freeform) for message in gathered) if freeform else tuple(gathered)


def _of_kind(message: Message, freeform: set[str]) -> Message:
    """Results of freeform calls are freeform; Chat says it of the calls alone, and Responses pairs the two by kind."""
    if message.role != "tool":
        return message
    return replace(message, content=tuple(_of_call(part, freeform) for part in message.content))


def _of_call(part: AnyPart, freeform: set[str]) -> AnyPart:
    return replace(part, kind="custom") if isinstance(part, ToolResult) and part.call_id in freeform else part


def _read(raw: Raw, path: str) -> tuple[AnyMessage, Rest]:
    role = _ROLE.read(raw, path)[0].role
    reader = _MESSAGES.get(role)
    if reader is None:
        raise ProtocolError(f"{role!r} is no role; use one of {', '.join(_MESSAGES)}", path=f"{path}.role")
    return reader.read(raw, path)


def _said(message: WireUser, rest: Rest, path: str) -> Message:
    if not message.content and not isinstance(message.content, str):
        raise ProtocolError("content is required", path=f"{path}.content")
    return _message(message.speaker, message, parse_content(message.content, path), rest)


def _assistant(message: WireAssistant, rest: Rest, path: str) -> Message:
    content = parse_content(message.content, path) if message.content is not None else ()
    thought = _thought(message, path)
    refusal = (Refusal(text=message.refusal),) if message.refusal else ()
    calls = _calls(message, path) if message.tool_calls or message.function_call else ()
    return _message("assistant", message, (*thought, *content, *refusal, *calls), rest)


def _message(role: Role, message: WireUser | WireAssistant, content: tuple[AnyPart, ...], rest: Rest) -> Message:
    cache = message.cache_control
    if cache is not None:
        content, rest = _marked(content, cache, rest)
    return Message(
        role=role,
        content=content,
        plain=isinstance(message.content, str) and cache is None and len(content) == 1,
        name=message.name,
        extras={NAME: rest} if rest else {},
    )


def _marked(content: tuple[AnyPart, ...], cache: CacheMark, rest: Rest) -> tuple[tuple[AnyPart, ...], Rest]:
    """A message-level cache mark stands on the message's last part, with what it holds beside."""
    last = content[-1] if content else None
    if not isinstance(last, Text | Media | ToolCall):
        return content, rest
    extras = last.extras
    if MARK in rest:
        extras = {NAME: {**extras.get(NAME, {}), MARK: rest[MARK]}}
        rest = {name: value for name, value in rest.items() if name != MARK}
    return (*content[:-1], replace(last, cache=cache, extras=extras)), rest


def _result(message: WireResult, rest: Rest, path: str) -> Message:
    call = message.tool_call_id or message.name  # legacy function messages name the function
    if call is None:
        raise ProtocolError("tool_call_id is required", path=f"{path}.tool_call_id")
    said = message.content
    content = parse_content(said, path) if said is not None else ()
    kept = tuple([part for part in content if isinstance(part, Text | Media | Opaque)])
    result = ToolResult(
        call_id=call,
        content=kept,
        plain=isinstance(said, str) or not kept,
        name=message.name,
        cache=message.cache_control,
        extras={NAME: rest} if rest else {},
    )
    return Message(role="tool", content=(result,))


_PARSE: dict[type, Callable[[Any, Rest, str], Message]] = {
    WireUser: _said,
    WireSystem: _said,
    WireDeveloper: _said,
    WireAssistant: _assistant,
    WireResult: _result,
    WireFunctionResult: _result,
}

# what an assistant's turn holds beside


class WireCall(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    type: str | None = None
    index: Raw = Raw()  # its place in the list, which a client that joined a stream may leave there
    function: Raw = Raw()
    custom: Raw = Raw()
    cache_control: CacheMark | None = None


class WireFunction(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    arguments: Raw = Raw()


class WireCustom(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    input: str | None = None


_CALL, _FUNCTION, _CUSTOM = Reader(WireCall), Reader(WireFunction), Reader(WireCustom)


def _thought(message: WireAssistant, path: str) -> tuple[Reasoning, ...]:
    """The thought in an assistant turn's own fields."""
    forms: dict[str, str] = {}
    for form in FORMS:
        raw: Raw = getattr(message, form)
        if raw and is_text(raw) and (text := string(raw, f"{path}.{form}")):
            forms[form] = text
    if not (forms or message.reasoning_details or message.reasoning_opaque):
        return ()
    return history_thought(forms, present(message.reasoning_details), message.reasoning_opaque)


def _calls(message: WireAssistant, path: str) -> tuple[ToolCall, ...]:
    if message.tool_calls:
        return tuple([_call(raw, f"{path}.tool_calls[{i}]") for i, raw in enumerate(message.tool_calls)])
    path = f"{path}.function_call"
    legacy, rest = _FUNCTION.maybe(message.function_call, path)
    if legacy is None:
        return ()
    extras = {NAME: {"function": rest}} if rest else {}
    return (ToolCall(id=legacy.name, name=legacy.name, arguments=_arguments(legacy.arguments, path), extras=extras),)


def _call(raw: Raw, path: str) -> ToolCall:
    call, rest = _CALL.read(raw, path)
    if call.type == "custom":
        return _custom_call(call, rest, path)
    path = f"{path}.function"
    function, within = _FUNCTION.maybe(call.function, path)
    if function is None:
        raise ProtocolError("function is required", path=path)
    if within or rest or call.type not in (None, "function"):
        rest = _beside(call, rest, within)
    return ToolCall(
        id=call.id,
        name=function.name,
        arguments=_arguments(function.arguments, path),
        cache=call.cache_control,
        extras={NAME: rest} if rest else {},
    )


def _custom_call(call: WireCall, rest: Rest, path: str) -> ToolCall:
    path = f"{path}.custom"
    custom, within = _CUSTOM.maybe(call.custom, path)
    if custom is None:
        raise ProtocolError("custom is required", path=path)
    rest = _beside(call, rest, within)
    return ToolCall(
        id=call.id,
        name=custom.name,
        arguments=custom.input or "",
        kind="custom",
        cache=call.cache_control,
        extras={NAME: rest} if rest else {},
    )


def _beside(call: WireCall, rest: Rest, within: Rest) -> Rest:
    """What else stands in a call: a type of its own, and further fields of its function."""
    said: Rest = dict(rest)
    if call.type not in (None, "function", "custom"):
        said["type"] = dump(call.type)
    if within:
        said["custom" if call.type == "custom" else "function"] = within
    return said


def _arguments(raw: Raw, path: str) -> str:
    """Arguments as text; some clients send the object itself."""
    given = present(raw)
    if given is None:
        return ""
    return string(given, f"{path}.arguments") if is_text(given) else bytes(given).decode("utf-8", "replace")
