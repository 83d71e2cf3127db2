"""Messages, at Anthropic and at those who imitate it."""

from __future__ import annotations

import json
from typing import Any

from providers.facts import Wire
from providers.script import SECRET, THOUGHT, TOOL, Turn, pieces
from providers.wires.frames import Heard, comments, dumps, event, text_of

Json = dict[str, Any]

STOPS = {"stop": "end_turn", "tool": "tool_use", "length": "max_tokens"}
COUNTS = {
    "input_tokens": 150,
    "cache_creation_input_tokens": 50,
    "cache_read_input_tokens": 800,
    "output_tokens": 70,
}
BROKEN = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'


def hear(body: Json, wire: Wire) -> Heard:
    """What a request says."""
    heard = Heard()
    for message in body["messages"]:
        heard.roles.append(message["role"])
        blocks = message["content"] if isinstance(message["content"], list) else []
        called = [block["id"] for block in blocks if block["type"] == "tool_use"]
        heard.calls += called
        for block in blocks:
            if block["type"] == "tool_result":
                heard.results[block["tool_use_id"]] = text_of(block.get("content"))
            elif block["type"] == "thinking" and called and _is_ours(block, wire):
                heard.thoughts.append(block["thinking"])
            elif block["type"] == "tool_use":
                assert isinstance(block["input"], dict)
    return heard


def _is_ours(block: Json, wire: Wire) -> bool:
    return block["thinking"] == THOUGHT and (not wire.signed or block.get("signature") == SECRET)


def whole(turn: Turn, wire: Wire, model: str) -> bytes:
    """The answer as one object."""
    answer = _frame(wire, model) | {"content": _blocks(turn, wire), "stop_reason": _stop(turn, wire)}
    return dumps(answer | {"usage": _counts(wire)}).encode()


def _blocks(turn: Turn, wire: Wire) -> list[Json]:
    blocks: list[Json] = []
    if turn.thought and wire.reasoning:
        blocks.append({"type": "thinking", "thinking": turn.thought} | ({"signature": SECRET} if wire.signed else {}))
    if turn.text:
        blocks.append({"type": "text", "text": turn.text})
    for at, arguments in enumerate(turn.calls):
        blocks.append({"type": "tool_use", "id": wire.ids[at], "name": TOOL, "input": json.loads(arguments)})
    return blocks


def _first_call(turn: Turn, wire: Wire) -> int:
    """How many blocks stand before the calls."""
    return bool(turn.text) + bool(turn.thought and wire.reasoning)


def stream(turn: Turn, wire: Wire, model: str, *, counted: bool) -> list[bytes]:
    """The answer as events."""
    counts = _counts(wire)
    begun = counts | {"output_tokens": 1}
    if wire.usage == "end":  # input counts are known at the end only
        begun = {name: 0 for name in counts if isinstance(counts[name], int)}
    final = counts if wire.usage == "end" else {"output_tokens": counts["output_tokens"]}
    start = _frame(wire, model) | {"content": [], "stop_reason": None, "usage": begun}
    events: list[Json] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for at, block in enumerate(_blocks(turn, wire)):
        events += _block(at, block, turn, _first_call(turn, wire))
    delta = {"stop_reason": _stop(turn, wire), "stop_sequence": None}
    events += [{"type": "message_delta", "delta": delta, "usage": final}, {"type": "message_stop"}]
    return [*comments(wire), *(event(wire, dumps(each), each["type"]) for each in events), (wire.ends or "").encode()]


def _block(at: int, block: Json, turn: Turn, first_call: int) -> list[Json]:
    kind = block["type"]
    if kind == "text":
        empty, deltas = {"text": ""}, [{"type": "text_delta", "text": p} for p in pieces(block["text"])]
    elif kind == "thinking":
        empty = {"thinking": ""} | ({"signature": ""} if "signature" in block else {})
        deltas = [{"type": "thinking_delta", "thinking": p} for p in pieces(block["thinking"])]
        deltas += [{"type": "signature_delta", "signature": SECRET}] if "signature" in block else []
    else:
        said = turn.calls[at - first_call]
        empty = {"input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces(said)]]
    start = {"type": "content_block_start", "index": at, "content_block": block | empty}
    middle = [{"type": "content_block_delta", "index": at, "delta": delta} for delta in deltas]
    return [start, *middle, {"type": "content_block_stop", "index": at}]


def _stop(turn: Turn, wire: Wire) -> str:
    return wire.stops.get(turn.stop, STOPS[turn.stop])


def _frame(wire: Wire, model: str) -> Json:
    return {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": model,
        "stop_sequence": None,
        **wire.frame,
    }


def _counts(wire: Wire) -> Json:
    return wire.counts or COUNTS
