"""Every tool call with its result, every result with its call.

Providers refuse a conversation in which they do not match.  A result without a call is the client's error and gets a
clear one; a call without a result (an interrupted agent) is answered with a stand-in, and said.
"""

from __future__ import annotations

from msgspec.structs import replace

from hexapla.errors import ClientError, Kind
from hexapla.ir.content import Text, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message

NO_RESULT = "No result was provided for this tool call."


def pair_calls(request: GenerateRequest, losses: LossLog) -> GenerateRequest:
    """`request` with every call answered.  Raises ClientError for a result without a call and for repeated ids."""
    known: set[str] = set()
    messages: list[Message] = []
    waiting: list[ToolCall] = []
    for index, message in enumerate(request.messages):
        if message.role == "tool":
            _check_results(message, known, index)
            message = _complete(message, waiting, losses, index)
            waiting = []
        elif waiting:
            messages.append(_stand_in(waiting, losses, index))
            waiting = []
        if message.role == "assistant":
            waiting = _calls(message, index)
            known.update(call.id for call in waiting)
        messages.append(message)
    if waiting:
        messages.append(_stand_in(waiting, losses, len(messages)))
    return replace(request, messages=tuple(messages))


def _calls(message: Message, index: int) -> list[ToolCall]:
    calls = [part for part in message.content if isinstance(part, ToolCall)]
    seen: set[str] = set()
    for call in calls:
        if call.id in seen:
            raise called_twice(call.id, f"messages[{index}]")
        seen.add(call.id)
    return calls


def _check_results(message: Message, known: set[str], index: int) -> None:
    seen: set[str] = set()
    for part in message.content:
        if not isinstance(part, ToolResult):
            continue
        if part.call_id not in known:
            raise not_called(part.call_id, f"messages[{index}]")
        if part.call_id in seen:
            raise answered_twice(part.call_id, f"messages[{index}]")
        seen.add(part.call_id)


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


def _complete(message: Message, waiting: list[ToolCall], losses: LossLog, index: int) -> Message:
    answered = {part.call_id for part in message.content if isinstance(part, ToolResult)}
    missing = [call for call in waiting if call.id not in answered]
    if not missing:
        return message
    return replace(message, content=message.content + _stand_in(missing, losses, index).content)


def _stand_in(calls: list[ToolCall], losses: LossLog, index: int) -> Message:
    losses.add(f"messages[{index}]", "a tool call without a result was answered with a stand-in", "content")
    content = tuple(
        ToolResult(call_id=call.id, content=(Text(text=NO_RESULT),), is_error=True, kind=call.kind) for call in calls
    )
    return Message(role="tool", content=content)
