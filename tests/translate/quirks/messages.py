"""Messages answers of servers that speak it after Anthropic."""

from __future__ import annotations

import json
from typing import Any

from hearing import MESSAGES, Call, Heard
from quirk import Quirk

USED = {"input_tokens": 3, "output_tokens": 2}
BERN, ROME = {"city": "Bern"}, {"city": "Rome"}
TWO = Heard(calls=(Call("get_weather", BERN), Call("get_weather", ROME)), stop="tool_calls", usage=(3, 2))
ONE = Heard(calls=(Call("get_weather", BERN),), stop="tool_calls", usage=(3, 2))


def whole(*content: dict[str, Any], stop: str | None = "tool_use", **fields: Any) -> bytes:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "up", "content": list(content)}
    return json.dumps(head | {"stop_reason": stop, "stop_sequence": None, "usage": USED} | fields).encode()


def use(given: dict[str, Any], use_id: Any = "get_weather:0") -> dict[str, Any]:
    own = {} if use_id is ... else {"id": use_id}
    return {"type": "tool_use", **own, "name": "get_weather", "input": given}


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def started() -> bytes:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "up", "content": [],
               "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 0}}  # fmt: skip
    return event("message_start", message=message)


def ended(stop: str = "tool_use") -> bytes:
    delta = {"stop_reason": stop, "stop_sequence": None}
    return event("message_delta", delta=delta, usage={"output_tokens": 2}) + event("message_stop")


def using(index: int, given: dict[str, Any], use_id: Any = "get_weather:0") -> bytes:
    said = json.dumps(given)
    pieces = [said[:5], said[5:]]
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return b"".join(
        [
            event("content_block_start", index=index, content_block=use({}, use_id)),
            *[event("content_block_delta", index=index, delta=delta) for delta in deltas],
            event("content_block_stop", index=index),
        ]
    )


def twice(*ids: Any) -> dict[str, bytes]:
    """Two calls, under these ids, whole and streamed."""
    first, second = ids
    stream = started() + using(0, BERN, first) + using(1, ROME, second) + ended()
    return {"whole": whole(use(BERN, first), use(ROME, second)), "stream": stream}


QUIRKS = [
    Quirk(
        "one id for two calls",
        MESSAGES,
        TWO,
        **twice("get_weather:0", "get_weather:0"),
        source="https://github.com/HKUDS/nanobot/issues/4473",
    ),
    Quirk("no id for two calls", MESSAGES, TWO, **twice("", "")),
    Quirk("one id for two calls that is an Anthropic id", MESSAGES, TWO, **twice("toolu_1", "toolu_1")),
]
