"""Every tool call with its result, every result with its call.

Providers refuse a conversation in which they do not match.  A result without a call is the client's error and gets a
clear one; a call without a result (an interrupted agent) is answered with a stand-in, and said.  Responses lets somebody
speak between a call and its result, as when Codex is told more while a tool runs; elsewhere the result comes first.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter

from msgspec.structs import replace

from hexapla.errors import ClientError, Kind
from hexapla.ir.content import Text, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message

NO_RESULT = "No result was provided for this tool call."


def pair_calls(request: GenerateRequest, losses: LossLog) -> GenerateRequest:
    """`request` with every call answered.  Raises ClientError for a result without a call and for repeated ids."""
    if _paired(request):
        return request
    request = _results_first(request, losses)
    known: set[str] = set()
    messages: list[Message] = []
    waiting: dict[str, ToolCall] = {}
    for index, message in enumerate(request.messages):
        if message.role == "tool":
            missing = waiting.keys() - _answered(message, known, index)
            if missing:
                calls = [call for name, call in waiting.items() if name in missing]
                message = replace(message, content=message.content + _stand_in(calls, losses, index).content)
            waiting = {}
        elif waiting:
            messages.append(_stand_in([*waiting.values()], losses, index))
            waiting = {}
        if message.role == "assistant":
            waiting = _calls(message, index)
            known |= waiting.keys()
        messages.append(message)
    if waiting:
        messages.append(_stand_in([*waiting.values()], losses, len(messages)))
    return replace(request, messages=tuple(messages))


def _paired(request: GenerateRequest) -> bool:
    """Whether each turn's calls are what the next turn answers, each once, as in nearly every conversation."""
    waiting: list[str] = []
    for message in request.messages:
        if message.role == "tool":
            answered = [part.call_id for part in message.content if type(part) is ToolResult]
            if answered != waiting and sorted(answered) != sorted(waiting):
                return False
            waiting = []
        elif waiting:
            return False
        elif message.role == "assistant":
            waiting = [part.id for part in message.content if type(part) is ToolCall]
            if len(waiting) > 1 and len({*waiting}) < len(waiting):
                return False
    return not waiting


def _results_first(request: GenerateRequest, losses: LossLog) -> GenerateRequest:
    """`request` in which every result that comes later than its call's next turn stands there."""
    late = _late(request.messages)
    if not late:
        return request
    moved = {id(part) for parts in late.values() for part in parts}
    messages: list[Message] = []
    for index, message in enumerate(request.messages):
        content = tuple([part for part in message.content if id(part) not in moved])
        here = tuple(late.get(index - 1, ()))
        if here:
            losses.add(f"messages[{index}]", "a tool's result was moved to its call", "cosmetic")
        if here and message.role != "tool":
            messages.append(Message(role="tool", content=here))
            here = ()
        if content or here or not message.content:
            messages.append(replace(message, content=content + here))
    return replace(request, messages=tuple(messages))


def _late(messages: Sequence[Message]) -> dict[int, list[ToolResult]]:
    """Turns by place -> the results of their calls that come neither at once nor after another call of that id."""
    called: dict[str, list[int]] = {}
    told: dict[str, list[tuple[int, ToolResult]]] = {}
    for index, message in enumerate(messages):
        for part in message.content:
            if isinstance(part, ToolCall):
                called.setdefault(part.id, []).append(index)
            elif isinstance(part, ToolResult):
                told.setdefault(part.call_id, []).append((index, part))
    late: dict[int, list[ToolResult]] = {}
    for call_id, places in called.items():
        results = told.get(call_id, [])
        for place, again in pairwise([*places, len(messages)]):
            first = bisect(results, place, key=itemgetter(0))
            if first < len(results) and place + 1 < results[first][0] <= again:
                late.setdefault(place, []).append(results[first][1])
    return late


def _calls(message: Message, index: int) -> dict[str, ToolCall]:
    """The calls of a turn by id."""
    calls: dict[str, ToolCall] = {}
    for part in message.content:
        if isinstance(part, ToolCall):
            if part.id in calls:
                raise called_twice(part.id, f"messages[{index}]")
            calls[part.id] = part
    return calls


def _answered(message: Message, known: set[str], index: int) -> set[str]:
    """The ids of the calls that a turn answers, each of which was made."""
    seen: set[str] = set()
    for part in message.content:
        if not isinstance(part, ToolResult):
            continue
        if part.call_id not in known:
            raise not_called(part.call_id, f"messages[{index}]")
        if part.call_id in seen:
            raise answered_twice(part.call_id, f"messages[{index}]")
        seen.add(part.call_id)
    return seen


def called_twice(call_id: str, where: str) -> ClientError:
    """Two calls with one id."""
    message = f"Two tool calls of one assistant turn share the id {call_id!r}; give each call its own id."
    return ClientError(Kind.INVALID_REQUEST, message, param=where)


def not_called(call_id: str, where: str) -> ClientError:
    """A result without its call."""
    message = (
        f"The tool result for {call_id!r} has no matching tool call earlier in the conversation; "
        "send the assistant turn that made the call, with the same id."
    )
    return ClientError(Kind.INVALID_REQUEST, message, param=where)


def answered_twice(call_id: str, where: str) -> ClientError:
    """Two results of one call."""
    message = f"Two results of one turn answer the same tool call {call_id!r}; send one result for each call."
    return ClientError(Kind.INVALID_REQUEST, message, param=where)


def _stand_in(calls: list[ToolCall], losses: LossLog, index: int) -> Message:
    losses.add(f"messages[{index}]", "a tool call without a result was given a placeholder result", "content")
    content = tuple(
        ToolResult(call_id=call.id, content=(Text(text=NO_RESULT),), is_error=True, kind=call.kind) for call in calls
    )
    return Message(role="tool", content=content)
