"""The outer shape of a request: one system message, alternating roles, limits of cache marks and of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from msgspec.structs import replace

from hexapla.ir.content import AnyPart, Text
from hexapla.ir.loss import LossLog
from hexapla.ir.request import SYSTEM, GenerateRequest, Message, ServerTool, Tool
from hexapla.translate.adapt.parts import parts_of


def speak_up(request: GenerateRequest, losses: LossLog) -> GenerateRequest:
    """Nothing but system messages, which Chat answers: where somebody has to speak, the user says the last of them."""
    if any(message.role not in SYSTEM for message in request.messages):
        return request
    *before, last = request.messages
    losses.add(f"messages[{len(before)}].role", "the target answers user messages only", "cosmetic")
    return replace(request, messages=(*before, replace(last, role="user")))


def join_system(request: GenerateRequest, losses: LossLog) -> GenerateRequest:
    """All system and developer messages joined into the first, in order."""
    system = [message for message in request.messages if message.role in SYSTEM]
    if len(system) < 2 and (not system or request.messages[0] is system[0]):
        return request
    losses.add("messages", "the target takes one system message; they were joined in order", "cosmetic")
    joined = replace(system[0], content=_joined([message.content for message in system]), plain=False)
    others = tuple(message for message in request.messages if message.role not in SYSTEM)
    return replace(request, messages=(joined, *others))


def _joined(contents: list[tuple[AnyPart, ...]]) -> tuple[AnyPart, ...]:
    """Parts of several messages one after the other, a blank line between two that are plain text."""
    parts = [part for content in contents for part in content]
    if all(isinstance(part, Text) and part.cache is None and not part.extras for part in parts):
        return (Text(text="\n\n".join(part.text for part in parts if isinstance(part, Text))),)
    return tuple(parts)


def alternate(request: GenerateRequest, losses: LossLog) -> GenerateRequest:
    """Consecutive messages of one role joined."""
    runs = [list(run) for _, run in groupby(request.messages, key=lambda message: message.role)]
    if len(runs) == len(request.messages):
        return request
    losses.add(
        "messages", "the target wants alternating roles; consecutive messages of one role were joined", "cosmetic"
    )
    return replace(request, messages=tuple(run[0] if len(run) == 1 else _join(run) for run in runs))


def _join(run: list[Message]) -> Message:
    content = tuple(part for message in run for part in message.content)
    return replace(run[0], content=content, plain=False)


def offer_all(request: GenerateRequest, losses: LossLog) -> GenerateRequest:
    """Every tool at once.  One that is kept back is found by a search of its own dialect, and by no other: the model would
    never see it."""
    for tool in request.tools:
        if isinstance(tool, Tool) and tool.deferred is not None:
            break
    else:
        return request
    tools = tuple(_offered(tool, f"tools[{index}]", losses) for index, tool in enumerate(request.tools))
    return replace(request, tools=tools)


def _offered(tool: Tool | ServerTool, path: str, losses: LossLog) -> Tool | ServerTool:
    if not isinstance(tool, Tool) or tool.deferred is None:
        return tool
    if tool.deferred:
        losses.add(
            f"{path}.deferred", "the target looks for no tools of this dialect; it is offered at once", "cosmetic"
        )
    return replace(tool, deferred=None)


def limit_output(request: GenerateRequest, most: int, losses: LossLog) -> GenerateRequest:
    """No more than the model can say.  Messages demands a limit, so its programs guess one: Claude Code asks models that it
    does not know for 32,000 tokens, and many servers refuse a limit above their own."""
    if request.max_tokens is None or request.max_tokens <= most:
        return request
    losses.add("max_tokens", f"the model answers with at most {most} tokens", "cosmetic")
    return replace(request, max_tokens=most)


def limit_marks(request: GenerateRequest, most: int, losses: LossLog) -> GenerateRequest:
    """At most `most` cache marks; the last ones win, since they cover the longest prefix."""
    if most == 0:  # where the target takes none, the renderer says so place by place
        return request
    surplus = marks_of(parts_of(request), request) - most
    if surplus <= 0:
        return request
    dropper = _Dropper(surplus, losses)
    tools = tuple(dropper.tool(index, tool) for index, tool in enumerate(request.tools))
    messages = tuple(dropper.message(index, message) for index, message in enumerate(request.messages))
    return replace(request, tools=tools, messages=messages)


def marks_of(parts: Sequence[AnyPart], request: GenerateRequest) -> int:
    """How many cache marks stand on the parts and the tools of a request."""
    marked = [part for part in parts if getattr(part, "cache", None)]
    return len(marked) + (len([tool for tool in request.tools if tool.cache]) if request.tools else 0)


class _Dropper:
    """Takes the first `surplus` marks away."""

    def __init__(self, surplus: int, losses: LossLog) -> None:
        self._left = surplus
        self._losses = losses

    def tool(self, index: int, tool: Tool | ServerTool) -> Tool | ServerTool:
        if tool.cache is None or not self._take(f"tools[{index}].cache"):
            return tool
        return replace(tool, cache=None)

    def message(self, index: int, message: Message) -> Message:
        if not self._left:
            return message
        parts = tuple(self._part(f"messages[{index}].content[{i}].cache", p) for i, p in enumerate(message.content))
        return replace(message, content=parts)

    def _part(self, path: str, part: AnyPart) -> AnyPart:
        if getattr(part, "cache", None) is None or not self._take(path):
            return part
        return replace(part, cache=None)

    def _take(self, path: str) -> bool:
        if not self._left:
            return False
        self._left -= 1
        self._losses.add(path, "the target takes fewer cache marks; the last ones were kept", "cosmetic")
        return True
