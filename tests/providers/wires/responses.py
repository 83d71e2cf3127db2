"""Responses, at OpenAI and at those who imitate it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from providers.facts import Wire
from providers.script import SECRET, THOUGHT, TOOL, Turn, pieces
from providers.wires.frames import CREATED, Heard, comments, dumps, event, text_of

Json = dict[str, Any]

COUNTS = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 800},
    "output_tokens": 70,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 1070,
}
BROKEN = 'event: error\ndata: {"type":"error","code":"server_error","message":"The server failed.","param":null}\n\n'


def hear(body: Json, wire: Wire) -> Heard:
    """What a request says."""
    heard = Heard()
    items = body["input"] if isinstance(body["input"], list) else []
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            heard.roles.append(item["role"])
        elif kind == "function_call":
            heard.calls.append(item["call_id"])
            assert isinstance(item["arguments"], str)
        elif kind == "function_call_output":
            heard.results[item["call_id"]] = text_of(item["output"])
        elif kind == "reasoning" and _is_ours(item, wire):
            heard.thoughts.append(THOUGHT)
    return heard


def _is_ours(item: Json, wire: Wire) -> bool:
    if wire.reasoning == "summary":
        return item.get("encrypted_content") == SECRET
    return text_of(item.get("content")) == THOUGHT


def whole(turn: Turn, wire: Wire, model: str) -> bytes:
    """The answer as one object."""
    return dumps(_response(turn, wire, model, _items(turn, wire))).encode()


def _items(turn: Turn, wire: Wire) -> list[Json]:
    items: list[Json] = []
    if turn.thought and wire.reasoning:
        items.append({"id": "rs_01", "type": "reasoning", "summary": [], **_thought(turn, wire)})
    if turn.text:
        part = {"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}
        items.append({"id": "msg_01", "type": "message", "status": "completed", "role": "assistant", "content": [part]})
    for at, arguments in enumerate(turn.calls):
        call = {"call_id": wire.ids[at], "name": TOOL, "arguments": arguments}
        items.append({"id": f"fc_0{at}", "type": "function_call", "status": "completed", **call})
    return items


def _thought(turn: Turn, wire: Wire) -> Json:
    if wire.reasoning == "summary":
        return {"summary": [{"type": "summary_text", "text": turn.thought}], "encrypted_content": SECRET}
    return {"content": [{"type": "reasoning_text", "text": turn.thought}]}


def _response(turn: Turn, wire: Wire, model: str, items: list[Json], status: str = "") -> Json:
    status = status or ("incomplete" if turn.stop == "length" else "completed")
    return {
        "id": "resp_0b1c2d",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "model": model,
        "output": items,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": None if status == "in_progress" else wire.counts or COUNTS,
        **wire.frame,
    }


def stream(turn: Turn, wire: Wire, model: str, *, counted: bool) -> list[bytes]:
    """The answer as events."""
    begun = _response(turn, wire, model, [], "in_progress")
    events: list[Json] = [{"type": f"response.{word}", "response": begun} for word in ("created", "in_progress")]
    items = _items(turn, wire)
    for at, item in enumerate(items):
        events += ({"output_index": at, **each} for each in _item(item))
    if wire.wandering_ids:
        _wander(events)
    last = _response(turn, wire, model, [] if wire.empty_output else items)
    events.append({"type": f"response.{last['status']}", "response": last})
    said = [event(wire, dumps(each | {"sequence_number": at}), each["type"]) for at, each in enumerate(events)]
    return [*comments(wire), *said, (wire.ends or "").encode()]


def _wander(events: list[Json]) -> None:
    """Give every event of an item another id."""
    for number, each in enumerate(events):
        if "item_id" in each:
            each["item_id"] = f"{each['item_id']}-{number}"
        elif "item" in each:
            each["item"] = each["item"] | {"id": f"{each['item']['id']}-{number}"}


def _item(item: Json) -> Iterator[Json]:
    kind = item["type"]
    empty = {"message": {"content": []}, "function_call": {"arguments": ""}, "reasoning": {"summary": []}}[kind]
    begun = {name: value for name, value in item.items() if name not in ("encrypted_content", "content")}
    status = {"status": "in_progress"} if "status" in item else {}
    yield {"type": "response.output_item.added", "item": begun | empty | status}
    yield from _INSIDE[kind](item)
    yield {"type": "response.output_item.done", "item": item}


def _words(item: Json) -> Iterator[Json]:
    place = {"item_id": item["id"], "content_index": 0}
    part = item["content"][0]
    yield {"type": "response.content_part.added", **place, "part": part | {"text": ""}}
    for piece in pieces(part["text"]):
        yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": part}


def _call(item: Json) -> Iterator[Json]:
    place = {"item_id": item["id"]}
    for piece in pieces(item["arguments"]):
        yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
    yield {"type": "response.function_call_arguments.done", **place, "arguments": item["arguments"]}


def _thinking(item: Json) -> Iterator[Json]:
    if item["summary"]:
        place = {"item_id": item["id"], "summary_index": 0}
        part = item["summary"][0]
        yield {"type": "response.reasoning_summary_part.added", **place, "part": part | {"text": ""}}
        for piece in pieces(part["text"]):
            yield {"type": "response.reasoning_summary_text.delta", **place, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", **place, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", **place, "part": part}
    for at, part in enumerate(item.get("content", ())):
        place = {"item_id": item["id"], "content_index": at}
        for piece in pieces(part["text"]):
            yield {"type": "response.reasoning_text.delta", **place, "delta": piece}
        yield {"type": "response.reasoning_text.done", **place, "text": part["text"]}


_INSIDE = {"message": _words, "function_call": _call, "reasoning": _thinking}
