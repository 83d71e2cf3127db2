"""The parts of a conversation: which kinds there are, and the ones that a bend concerns bent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from hexapla.ir.content import AnyPart, ToolCall, ToolResult
from hexapla.ir.request import GenerateRequest, Message

Kinds = set[type] | frozenset[type]

TOOLED: Kinds = frozenset({ToolCall, ToolResult})
"""What stands in a conversation in which tools were used."""


def parts_of(request: GenerateRequest) -> list[AnyPart]:
    """All parts of a conversation."""
    return [part for message in request.messages for part in message.content]


def kinds_of(parts: Sequence[AnyPart]) -> Kinds:
    """The types of these parts, those inside of results included."""
    kinds: set[type] = {*map(type, parts)}
    if ToolResult in kinds:
        kinds |= {type(each) for part in parts if type(part) is ToolResult for each in part.content}
    return kinds


def bend_parts(request: GenerateRequest, kinds: Kinds, bend: Callable[[AnyPart], AnyPart]) -> GenerateRequest:
    """`request` with every part of these kinds bent."""

    def bent(message: Message) -> Message:
        if kinds.isdisjoint(map(type, message.content)):
            return message
        return replace(
            message, content=tuple([bend(part) if type(part) in kinds else part for part in message.content])
        )

    return replace(request, messages=tuple(map(bent, request.messages)))
