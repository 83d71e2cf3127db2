"""Chat Completions, in the ways of its many vendors."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from providers.facts import Wire
from providers.script import SECRET, THOUGHT, TOOL, Turn, pieces
from providers.wires.frames import CREATED, Heard, comments, dumps, event, text_of

Json = dict[str, Any]

STOPS = {"stop": "stop", "tool": "tool_calls", "length": "length"}
COUNTS = {
    "prompt_tokens": 1000,
    "completion_tokens": 70,
    "total_tokens": 1070,
    "prompt_tokens_details": {"cached_tokens": 800},
    "completion_tokens_details": {"reasoning_tokens": 20},
}
_SIGNED = {"google": {"thought_signature": SECRET}}
BROKEN = 'data: {"error":{"message":"The server failed.","type":"server_error","param":null,"code":null}}\n\n'


def hear(body: Json, wire: Wire) -> Heard:
    """What a request says."""
    heard = Heard()
    for message in body["messages"]:
        heard.roles.append(message["role"])
        if message["role"] == "tool":
            heard.results[message["tool_call_id"]] = text_of(message["content"])
        for call in message.get("tool_calls") or ():
            heard.calls.append(call["id"])
            assert isinstance(call["function"]["arguments"], str)
        if message.get("tool_calls") and (thought := _state(message, wire)):
            heard.thoughts.append(thought)
    return heard


def _state(message: Json, wire: Wire) -> str:
    """The thought that a turn carries, if it is all there."""
    if wire.reasoning == "details":
        return THOUGHT if message.get("reasoning_details") == [_detail(wire, THOUGHT)] else ""
    if wire.reasoning == "opaque":
        return message.get("reasoning_text", "") if message.get("reasoning_opaque") == SECRET else ""
    if wire.reasoning == "part":
        parts = message["content"] if isinstance(message["content"], list) else []
        return "".join(text_of(part["thinking"]) for part in parts if part["type"] == "thinking")
    if wire.reasoning == "signed_call":
        signed = [call.get("extra_content") == _SIGNED for call in message["tool_calls"][:1]]
        return THOUGHT if all(signed) else ""
    return message.get(wire.reasoning) or ""


def whole(turn: Turn, wire: Wire, model: str) -> bytes:
    """The answer as one object."""
    message: Json = {"role": "assistant", "content": turn.text or None, **_thought(turn, wire)}
    if wire.reasoning == "part" and turn.thought:
        message["content"] = [_part(turn.thought), {"type": "text", "text": turn.text}]
    if wire.reasoning == "tags" and turn.thought:
        message["content"] = f"<think>\n{turn.thought}\n</think>\n\n{turn.text}"
    if turn.calls:
        message["tool_calls"] = [
            _call(wire, at, arguments) | ({} if wire.calls == "unnumbered" else {"index": at})
            for at, arguments in enumerate(turn.calls)
        ]
    choice: Json = {"index": 0, "message": message, "finish_reason": _stop(turn, wire)}
    if wire.usage == "choice":
        choice["usage"] = counts(wire)
    answer = _frame("chat.completion", wire, model) | {"choices": [choice], "usage": counts(wire)}
    return dumps(answer).encode()


def _thought(turn: Turn, wire: Wire) -> Json:
    """The fields of a whole message that hold its thought."""
    if not turn.thought:
        return {}
    if wire.reasoning == "details":
        return {wire.beside: turn.thought, "reasoning_details": [_detail(wire, turn.thought)]}
    if wire.reasoning == "opaque":
        return {"reasoning_text": turn.thought, "reasoning_opaque": SECRET}
    return {wire.reasoning: turn.thought} if wire.reasoning in ("reasoning_content", "reasoning") else {}


def _detail(wire: Wire, thought: str) -> Json:
    """The one entry of reasoning_details."""
    return wire.detail | {"text": thought} | ({"signature": SECRET} if wire.signed else {})


def _part(text: str) -> Json:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _call(wire: Wire, at: int, arguments: str) -> Json:
    call: Json = {"id": wire.ids[at], "type": "function", "function": {"name": TOOL, "arguments": arguments}}
    if wire.reasoning == "signed_call" and at == 0:  # Gemini signs the first of several calls
        call["extra_content"] = _SIGNED
    return call


def stream(turn: Turn, wire: Wire, model: str, *, counted: bool) -> list[bytes]:
    """The answer as events.  `counted`: the request asked for usage."""
    frame = _frame("chat.completion.chunk", wire, model)
    chunks = [_chunk(frame, {"role": "assistant", "content": ""})]
    chunks += [_chunk(frame, delta) for delta in _deltas(turn, wire)]
    last = _chunk(frame, {}, _stop(turn, wire))
    chunks.append(last)
    if wire.usage == "always" or (wire.usage == "chunk" and counted):
        chunks.append(frame | {"choices": [], "usage": counts(wire)})
    elif wire.usage == "last":
        last["usage"] = counts(wire)
    elif wire.usage == "choice":
        last["choices"][0]["usage"] = counts(wire)
    elif wire.usage == "groq":
        last["x_groq"] = {"id": "req_01", "usage": counts(wire)}
    elif wire.usage == "every":
        chunks = [chunk | {"usage": counts(wire)} for chunk in chunks]
    ends = "data: [DONE]\n\n" if wire.ends is None else wire.ends
    said = [*wire.opening, *map(dumps, chunks)]
    return [*comments(wire), *(event(wire, data) for data in said), ends.encode()]


def _deltas(turn: Turn, wire: Wire) -> Iterator[Json]:
    if turn.thought:
        yield from _thinking(turn.thought, wire)
    yield from ({"content": piece} for piece in pieces(turn.text))
    calls = [_calling(wire, at, arguments) for at, arguments in enumerate(turn.calls)]
    rounds = zip_longest(*calls) if wire.interleave and wire.calls != "whole" else [[d for call in calls for d in call]]
    yield from ({"tool_calls": [delta]} for together in rounds for delta in together if delta)


def _thinking(thought: str, wire: Wire) -> Iterator[Json]:
    said = pieces(thought)
    if wire.reasoning == "details":
        yield from ({wire.beside: p, "reasoning_details": [wire.detail | {"text": p}]} for p in said)
        if wire.signed:
            yield {"reasoning_details": [wire.detail | {"signature": SECRET}]}
    elif wire.reasoning == "opaque":
        yield from ({"reasoning_text": piece} for piece in said)
        yield {"reasoning_opaque": SECRET}
    elif wire.reasoning == "part":
        yield from ({"content": [_part(piece)]} for piece in said)
    elif wire.reasoning == "tags":
        yield from ({"content": piece} for piece in pieces(f"<think>\n{thought}\n</think>\n\n"))
    elif wire.reasoning in ("reasoning_content", "reasoning"):
        yield from ({wire.reasoning: piece} for piece in said)


def _calling(wire: Wire, at: int, arguments: str) -> Iterator[Json]:
    number = {} if wire.calls == "unnumbered" else {"index": at}
    if wire.calls in ("whole", "unnumbered"):
        yield number | _call(wire, at, arguments)
        return
    yield number | _call(wire, at, "")
    again = {"id": ""} if wire.calls == "empty_ids" else {}
    yield from (number | again | {"function": {"arguments": piece}} for piece in pieces(arguments))


def _stop(turn: Turn, wire: Wire) -> str:
    return wire.stops.get(turn.stop, STOPS[turn.stop])


def _frame(kind: str, wire: Wire, model: str) -> Json:
    return {"id": "chatcmpl-Bq7fT2", "object": kind, "created": CREATED, "model": model, **wire.frame}


def _chunk(frame: Json, delta: Json, stop: str | None = None) -> Json:
    return frame | {"choices": [{"index": 0, "delta": delta, "finish_reason": stop}]}


def counts(wire: Wire) -> Json:
    """The usage object."""
    return wire.counts or COUNTS
