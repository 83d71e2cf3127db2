"""The function_call of 2023: programs that ask with `functions` look for one, and small servers answer with one.

Rules of this file: an answer has room for one; whatever is more is a loss.
"""

from __future__ import annotations

from typing import Any

from hexapla.ir.loss import LossLog
from hexapla.protocols.base import Reply
from hexapla.protocols.openai_chat.schema import ToolDelta

Json = dict[str, Any]


def speaks_old(reply: Reply) -> bool:
    """Whether the client knows calls as function_call only."""
    return reply.request is not None and reply.request.functions


def as_function(message: Json, losses: LossLog) -> Json:
    """A message whose first call is a function_call."""
    first, *others = message.pop("tool_calls")
    for place, _ in enumerate(others, 1):
        lose_call(place, losses)
    return message | {"function_call": first.get("function") or {"name": first["custom"]["name"], "arguments": "{}"}}


def lose_call(place: int, losses: LossLog) -> None:
    losses.add(f"tool_calls[{place}]", "a request with functions hears of one call", "content")


def only(call: ToolDelta) -> ToolDelta:
    """A piece of a function_call, which is the only call of its answer."""
    call.index = 0
    return call
