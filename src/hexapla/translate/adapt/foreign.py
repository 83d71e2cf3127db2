"""Blocks that only their own dialect understands, said in words to the others.

A search result or a reference to a tool means something that text can say.  Left out, it would leave an empty tool result,
which a model takes for "nothing was found".

What Claude Code says to Anthropic's billing, though, is for nobody else: it stands before everything, and a hash in it
changes with every request, so that no prompt of its user would ever be cached
(https://github.com/anthropics/claude-code/issues/68900, 2026-06).
"""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from hexapla.ir.content import AnyPart, Opaque, Text, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message

P = TypeVar("P")

BILLING = "x-anthropic-billing-header:"


def say_foreign(request: GenerateRequest, protocol: str, losses: LossLog) -> GenerateRequest:
    """`request` with every Opaque part of another dialect than `protocol` as its text, where it has one."""
    if request.protocol == protocol:
        return request
    messages = tuple(
        _message(message, f"messages[{i}]", protocol, losses) for i, message in enumerate(_unbilled(request, losses))
    )
    same = len(messages) == len(request.messages) and all(new is old for new, old in zip(messages, request.messages))
    return request if same else replace(request, messages=messages)


def _unbilled(request: GenerateRequest, losses: LossLog) -> tuple[Message, ...]:
    """The messages without a first system text for Anthropic's billing."""
    messages = request.messages
    first = messages[0].content[0] if messages and messages[0].role == "system" and messages[0].content else None
    if not isinstance(first, Text) or not first.text.startswith(BILLING):
        return messages
    losses.add("messages[0].content[0]", "it is for Anthropic's billing only", "cosmetic")
    left = messages[0].content[1:]
    return (replace(messages[0], content=left), *messages[1:]) if left else messages[1:]


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
