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
    """`request`, of another dialect than `protocol`, with every Opaque part as its text, where it has one."""
    messages = [_message(message, f"messages[{i}]", protocol, losses) for i, message in enumerate(request.messages)]
    return replace(request, messages=tuple(messages))


def leave_billing(request: GenerateRequest, losses: LossLog) -> GenerateRequest:
    """`request` without a first system text for Anthropic's billing."""
    first = request.messages[0] if request.messages else None
    if first is None or first.role != "system" or not first.content:
        return request
    said, left = first.content[0], first.content[1:]
    if not isinstance(said, Text) or not said.text.startswith(BILLING):
        return request
    losses.add("messages[0].content[0]", "it is for Anthropic's billing only", "cosmetic")
    others = request.messages[1:]
    return replace(request, messages=(replace(first, content=left), *others) if left else others)


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
