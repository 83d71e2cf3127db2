"""Responses answers of servers that speak it after OpenAI."""

from __future__ import annotations

import json
import re
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


def told(*events: tuple[str, dict[str, Any]]) -> bytes:
    """These events, after the two that begin an answer."""
    begun = HEAD | {"status": "in_progress", "output": []}
    said = [("response.created", {"response": begun}), ("response.in_progress", {"response": begun}), *events]
    return b"".join(event(kind, number, **fields) for number, (kind, fields) in enumerate(said))


def ended(*output: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "response.completed", {"response": HEAD | {"status": "completed", "output": list(output), "usage": USED}}


def message(text: str, item_id: str = "msg_1") -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "message", "id": item_id, "status": "completed", "role": "assistant", "content": [part]}


def speaking(text: str, ids: tuple[str, ...] = ("msg_1",) * 6) -> bytes:
    """A message in all its events."""
    at: dict[str, Any] = {"output_index": 0, "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    begun = {**message(text, ids[0]), "status": "in_progress", "content": []}
    return told(
        ("response.output_item.added", {"output_index": 0, "item": begun}),
        ("response.content_part.added", {**at, "item_id": ids[1], "part": empty}),
        *[
            ("response.output_text.delta", {**at, "item_id": ids[2], "delta": letter, "logprobs": []})
            for letter in text
        ],
        ("response.output_text.done", {**at, "item_id": ids[3], "text": text, "logprobs": []}),
        ("response.content_part.done", {**at, "item_id": ids[4], "part": empty | {"text": text}}),
        ("response.output_item.done", {"output_index": 0, "item": message(text, ids[5])}),
        ended(message(text, ids[5])),
    )


A = {"id": "fc_1", "call_id": "call_1"}
HI = Heard("Hi", usage=(3, 2))
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
    # items
    Quirk(
        "arguments in the whole item only",
        RESPONSES,
        ONE,
        source="https://github.com/Gitlawb/openclaude/issues/1259",
        stream=told(
            ("response.output_item.added", {"output_index": 0, "item": call(arguments="", status="in_progress", **A)}),
            ("response.output_item.done", {"output_index": 0, "item": call(**A)}),
            ended(call(**A)),
        ),
    ),
    Quirk(
        "arguments in their own end only",
        RESPONSES,
        ONE,
        apart=True,
        stream=told(
            ("response.output_item.added", {"output_index": 0, "item": call(arguments="", status="in_progress", **A)}),
            ("response.function_call_arguments.done", {"output_index": 0, "item_id": "fc_1", "arguments": ARGS}),
            ended(),
        ),
    ),
    Quirk(
        "arguments in the item's beginning",
        RESPONSES,
        ONE,
        apart=True,
        stream=told(
            ("response.output_item.added", {"output_index": 0, "item": call(**A)}),
            ("response.output_item.done", {"output_index": 0, "item": call(**A)}),
            ended(call(**A)),
        ),
    ),
    Quirk(
        "arguments as an object", RESPONSES, ONE, apart=True, whole=whole({**call(**A), "arguments": {"city": "Bern"}})
    ),
    Quirk("no arguments", RESPONSES, ONE._replace(calls=(Call("run", {}),)), apart=True, **both(call("run", "", **A))),
    Quirk("only a last event", RESPONSES, HI, apart=True, stream=told(ended(message("Hi")))),
    Quirk(
        "an answer in items alone",
        RESPONSES,
        HI,
        apart=True,
        stream=told(("response.output_item.done", {"output_index": 0, "item": message("Hi")}), ended()),
    ),
    Quirk(
        "deltas alone",
        RESPONSES,
        HI,
        apart=True,
        stream=told(*[("response.output_text.delta", {"delta": letter}) for letter in "Hi"], ended()),
    ),
    Quirk(
        "another item id in every event",
        RESPONSES,
        HI,
        apart=True,
        stream=speaking("Hi", ids=("a", "b", "c", "d", "e", "f")),
    ),
    Quirk(
        "no places",
        RESPONSES,
        HI,
        apart=True,
        stream=re.sub(rb'"(?:output|content)_index": \d+, ', b"", speaking("Hi")),
    ),
    Quirk("no numbers", RESPONSES, HI, stream=re.sub(rb'"sequence_number": \d+, ', b"", speaking("Hi"))),
    Quirk("no event lines", RESPONSES, HI, stream=re.sub(rb"event: .*\n", b"", speaking("Hi"))),
    Quirk("[DONE] at the end", RESPONSES, HI, stream=speaking("Hi") + b"data: [DONE]\n\n"),
    Quirk(
        "response.done",
        RESPONSES,
        HI,
        apart=True,
        stream=speaking("Hi").replace(b"response.completed", b"response.done"),
    ),
    Quirk(
        "heartbeats",
        RESPONSES,
        HI,
        apart=True,
        stream=b": wait\n\n"
        + speaking("Hi").replace(
            b"event: response.output_text.delta",
            b'event: keepalive\ndata: {"type":"keepalive","sequence_number":3}\n\nevent: response.output_text.delta',
        ),
    ),
    Quirk("a content that is a text", RESPONSES, HI, apart=True, whole=whole({**message("Hi"), "content": "Hi"})),
    Quirk("no status", RESPONSES, HI, apart=True, whole=whole(message("Hi"), status=None)),
    Quirk("created as text", RESPONSES, HI, apart=True, whole=whole(message("Hi"), created_at="2026-01-01T00:00:00Z")),
    Quirk("usage null", RESPONSES, HI._replace(usage=None), whole=whole(message("Hi"), usage=None)),
    Quirk("several messages", RESPONSES, HI, whole=whole(message("H", "m1"), message("i", "m2"))),
    Quirk(
        "thought without a text",
        RESPONSES,
        HI,
        whole=whole({"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "x"}, message("Hi")),
    ),
    Quirk(
        "thought as content",
        RESPONSES,
        HI._replace(thought="Hm."),
        whole=whole(
            {"type": "reasoning", "id": "rs", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
            message("Hi"),
        ),
    ),
    Quirk(
        "cut off",
        RESPONSES,
        HI._replace(stop="length"),
        whole=whole(message("Hi"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
    ),
    # failures
    Quirk(
        "response.failed",
        RESPONSES,
        Heard(stop="", error="boom"),
        stream=told(
            (
                "response.failed",
                {
                    "response": HEAD
                    | {"status": "failed", "output": [], "error": {"code": "server_error", "message": "boom"}}
                },
            )
        ),
    ),
    Quirk(
        "an error event",
        RESPONSES,
        Heard(stop="", error="boom"),
        stream=told(("error", {"code": "server_error", "message": "boom", "param": None})),
    ),
    Quirk(
        "an error in Chat's form",
        RESPONSES,
        Heard(stop="", error="boom"),
        stream=told() + b'data: {"error":{"message":"boom","type":"server_error"}}\n\n',
    ),
    Quirk(
        "a whole answer that failed",
        RESPONSES,
        Heard(stop="", error="boom"),
        whole=whole(status="failed", error={"code": "server_error", "message": "boom"}),
    ),
    Quirk(
        "a stream that only ends",
        RESPONSES,
        Heard(stop="", error="ended before"),
        stream=speaking("Hi").rpartition(b"event:")[0],
    ),
]
