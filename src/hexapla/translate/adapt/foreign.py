"""Blocks that only their own dialect understands, said in words to the others.

A search result or a reference to a tool means something that text can say.  Left out, it would leave an empty tool result,
which a model takes for "nothing was found".
"""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from hexapla.ir.content import AnyPart, Opaque, Text, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message

P = TypeVar("P")


def say_foreign(request: GenerateRequest, protocol: str, losses: LossLog) -> GenerateRequest:
    """`request` with every Opaque part of another dialect than `protocol` as its text, where it has one."""
    if request.protocol == protocol:
        return request
    messages = tuple(
        _message(message, f"messages[{i}]", protocol, losses) for i, message in enumerate(request.messages)
    )
    same = all(new is old for new, old in zip(messages, request.messages))
    return request if same else replace(request, messages=messages)


def _message(message: Message, path: str, protocol: str, losses: LossLog) -> Message:
    content = tuple(_part(part, f"{path}.content[{i}]", protocol, losses) for i, part in enumerate(message.content))
    same = all(new is old for new, old in zip(content, message.content))
    return message if same else replace(message, content=content)


def _part(part: AnyPart, path: str, protocol: str, losses: LossLog) -> AnyPart:
    if isinstance(part, ToolResult):
        inner = tuple(_said(each, f"{path}.content[{i}]", protocol, losses) for i, each in enumerate(part.content))
        return part if all(new is old for new, old in zip(inner, part.content)) else replace(part, content=inner)
    return _said(part, path, protocol, losses) if isinstance(part, Opaque) else part


def _said(part: P, path: str, protocol: str, losses: LossLog) -> P | Text:
    if not isinstance(part, Opaque) or not part.text or part.origin.protocol == protocol:
        return part
    losses.add(path, f"{part.type} is said as text", "cosmetic")
    return Text(text=part.text, cache=part.cache)
