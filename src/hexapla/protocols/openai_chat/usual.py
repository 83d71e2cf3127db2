"""Turns and tools in the shape that nearly all have, as Chat writes them.

An agent's request is a hundred turns of plain texts, calls and results, and a dozen functions: nothing in them is special
to any target, so nothing can be lost and no place need be named, which halves what writing them costs.  What is more than
that is None here, and `turns.py` and `render.py` say it; they say the usual as well, and the same
(tests/protocols/openai_chat/test_usual.py).

Rules of this file: in doubt None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hexapla.ir.content import AnyPart, Text, ToolCall, ToolResult
from hexapla.ir.request import Message, ServerTool, Tool

Json = dict[str, Any]

_SPEAKERS = ("user", "assistant")


def usual_turn(message: Message, *, strings: bool) -> list[Json] | None:
    """What a user, an assistant or the tools said, in Chat's messages.  `strings`: the target takes no lists of parts."""
    if message.name is not None or message.extras:
        return None
    said = message.content
    if message.plain and len(said) == 1 and message.role in _SPEAKERS:
        text = _text(said[0])
        return None if text is None else [{"role": message.role, "content": text}]
    if message.role == "tool":
        results = [_result(part) for part in said]
        return None if None in results else results  # type: ignore[return-value]
    text = _text(said[0]) if said else None
    if message.role == "assistant":
        return _assistant(text, said[1:]) if text is not None else _assistant(None, said) if said else None
    if message.role != "user":
        return None
    return None if message.plain or strings or text is None else _parts(said)


def usual_tool(tool: Tool | ServerTool) -> Json | None:
    """A function, with its description and its parameters."""
    if type(tool) is not Tool or tool.kind != "function" or tool.extras or tool.cache is not None:
        return None
    if tool.strict is not None or tool.deferred is not None or tool.namespace is not None:
        return None
    if tool.namespace_description is not None:
        return None
    inner: Json = {"name": tool.name}
    if tool.description is not None:
        inner["description"] = tool.description
    if tool.parameters is not None:
        inner["parameters"] = tool.parameters
    return {"type": "function", "function": inner}


def _text(part: AnyPart) -> str | None:
    """A text and nothing beside."""
    if type(part) is not Text or part.cache is not None or part.extras or part.citations or part.logprobs:
        return None
    return part.text


def _parts(said: Sequence[AnyPart]) -> list[Json] | None:
    parts = [{"type": "text", "text": _text(part)} for part in said]
    return None if any(part["text"] is None for part in parts) else [{"role": "user", "content": parts}]


def _assistant(text: str | None, others: Sequence[AnyPart]) -> list[Json] | None:
    """A text, if there is one, then calls."""
    if not others:
        return [{"role": "assistant", "content": text}]
    calls = [_call(part) for part in others]
    return None if None in calls else [{"role": "assistant", "content": text, "tool_calls": calls}]


def _call(part: AnyPart) -> Json | None:
    if type(part) is not ToolCall or part.kind != "function" or part.extras:
        return None
    if part.namespace is not None or part.cache is not None:
        return None
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments or "{}"}}


def _result(part: AnyPart) -> Json | None:
    if type(part) is not ToolResult or part.is_error or part.extras or len(part.content) != 1:
        return None
    text = _text(part.content[0])
    if text is None or part.name is not None or part.cache is not None:
        return None
    return {"role": "tool", "tool_call_id": part.call_id, "content": text}
