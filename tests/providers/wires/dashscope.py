"""DashScope's native text generation: Chat's messages and choices inside an envelope, always as a stream."""

from __future__ import annotations

import json
from typing import Any

from providers.facts import Wire
from providers.script import Turn
from providers.wires import chat
from providers.wires.frames import Heard, dumps

Json = dict[str, Any]

BROKEN = (
    "id:9\nevent:error\n:HTTP_STATUS/500\n"
    'data:{"code":"InternalError.Algo","message":"An internal error has occured.","request_id":"3f1a"}\n\n'
)
_COUNTS = {
    "input_tokens": 1000,
    "output_tokens": 70,
    "total_tokens": 1070,
    "prompt_tokens_details": {"cached_tokens": 800},
    "output_tokens_details": {"reasoning_tokens": 20},
}


def hear(body: Json, wire: Wire) -> Heard:
    """What a request says."""
    assert body["parameters"]["result_format"] == "message" and body["parameters"]["incremental_output"] is True
    return chat.hear(body["input"], wire)


def stream(turn: Turn, wire: Wire, model: str, *, counted: bool) -> list[bytes]:
    """The answer as events: Chat's own deltas, as messages under `output`."""
    chunks = [json.loads(frame[6:]) for frame in chat.stream(turn, wire, model, counted=False)[:-1]]
    return [_event(number, chunk["choices"][0]) for number, chunk in enumerate(chunks, 1)]


def _event(number: int, choice: Json) -> bytes:
    message = {"role": "assistant", "content": "", **choice["delta"]}
    output = {"choices": [{"message": message, "finish_reason": choice["finish_reason"] or "null"}]}
    data = dumps({"output": output, "usage": _COUNTS, "request_id": "3f1a-9b2c"})
    return f"id:{number}\nevent:result\n:HTTP_STATUS/200\ndata:{data}\n\n".encode()
