"""Responses answers of servers that speak it after OpenAI."""

from __future__ import annotations

import json
from typing import Any

from hearing import RESPONSES, Call, Heard
from quirk import Quirk

USED = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0}}  # fmt: skip
HEAD = {"id": "resp_1", "object": "response", "created_at": 1, "model": "up", "parallel_tool_calls": True,
        "tool_choice": "auto", "tools": []}  # fmt: skip
ARGS = '{"city":"Bern"}'
ONE = Heard(calls=(Call("get_weather", {"city": "Bern"}),), stop="tool_calls", usage=(3, 2))
TWO = Heard(calls=(Call("get_weather", {"city": "Bern"}), Call("run", {})), stop="tool_calls", usage=(3, 2))


def whole(*output: dict[str, Any], status: str = "completed", **fields: Any) -> bytes:
    return json.dumps(HEAD | {"status": status, "output": list(output), "usage": USED} | fields).encode()


def call(name: str = "get_weather", arguments: str = ARGS, status: str = "completed", **ids: Any) -> dict[str, Any]:
    return {"type": "function_call", "status": status, "name": name, "arguments": arguments, **ids}


def event(kind: str, number: int, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': number, **fields})}\n\n".encode()


def stream(*output: dict[str, Any], last: list[dict[str, Any]] | None = None) -> bytes:
    """The items, each begun, told and ended."""
    begun = HEAD | {"status": "in_progress", "output": []}
    said = [("response.created", {"response": begun}), ("response.in_progress", {"response": begun})]
    for place, item in enumerate(output):
        own: dict[str, Any] = {"output_index": place}
        told = own | {"item_id": item.get("id") or f"item_{place}"}
        said += [
            ("response.output_item.added", own | {"item": item | {"arguments": "", "status": "in_progress"}}),
            ("response.function_call_arguments.delta", told | {"delta": item["arguments"]}),
            ("response.function_call_arguments.done", told | {"arguments": item["arguments"], "name": item["name"]}),
            ("response.output_item.done", own | {"item": item}),
        ]
    final = HEAD | {"status": "completed", "output": list(output) if last is None else last, "usage": USED}
    said.append(("response.completed", {"response": final}))
    return b"".join(event(kind, number, **fields) for number, (kind, fields) in enumerate(said))


def both(*output: dict[str, Any]) -> dict[str, bytes]:
    return {"whole": whole(*output), "stream": stream(*output)}


FIRST, SECOND = {"id": "fc_1"}, {"id": "fc_2"}

QUIRKS = [
    Quirk("a call without call_id", RESPONSES, ONE, **both(call(**FIRST))),
    Quirk("a call whose call_id is null", RESPONSES, ONE, **both(call(**FIRST, call_id=None))),
    Quirk("a call whose call_id is empty", RESPONSES, ONE, **both(call(**FIRST, call_id=""))),
    Quirk("two calls without call_id", RESPONSES, TWO, **both(call(**FIRST), call("run", "{}", **SECOND))),
    Quirk("a call without any id", RESPONSES, ONE, **both(call())),
    Quirk("two calls without any id", RESPONSES, TWO, **both(call(), call("run", "{}"))),
    Quirk(
        "one of two calls has a call_id",
        RESPONSES,
        TWO,
        **both(call(**FIRST, call_id="c"), call("run", "{}", **SECOND)),
    ),
    Quirk("a call without call_id, and an empty last output", RESPONSES, ONE, stream=stream(call(**FIRST), last=[])),
    Quirk(
        "two calls under one call_id",
        RESPONSES,
        TWO,
        apart=True,
        **both(call(**FIRST, call_id="c"), call("run", "{}", **SECOND, call_id="c")),
    ),
]
