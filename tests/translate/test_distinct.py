"""Calls of one conversation have ids of their own, for clients and for vendors that refuse others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.catalog.schema import Quirks
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.translate.distinct import Distinct
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek

REPLY = Reply(id="gen-1", created=1, model="m")
TOOLS = [{"type": "function", "function": {"name": "run", "parameters": {"type": "object"}}}]
SAME = "run:0"  # as Kimi numbers calls, from 0 in every turn


def opened(to: str, *messages: dict[str, Any]) -> Lane:
    body = {"model": "p/m", "messages": [{"role": "user", "content": "hi"}, *messages], "tools": TOOLS}
    translation = Translation(peek("openai_chat", json.dumps(body).encode()), REPLY)
    return translation.open(Target(origin=Origin(to, "p"), model="up"), Quirks())


def turn(*ids: str) -> list[dict[str, Any]]:
    """A turn of calls, and one of their results, which say the place of their call."""
    calls = [{"id": each, "type": "function", "function": {"name": "run", "arguments": "{}"}} for each in ids]
    results = [{"role": "tool", "tool_call_id": each, "content": str(place)} for place, each in enumerate(ids)]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *results]


def answer(*ids: str) -> bytes:
    content = [{"type": "tool_use", "id": each, "name": "run", "input": {}} for each in ids]
    return json.dumps({"id": "msg_1", "type": "message", "content": content, "stop_reason": "tool_use"}).encode()


def streamed(*ids: str) -> bytes:
    said = [{"type": "message_start", "message": {"id": "msg_1"}}]
    for index, each in enumerate(ids):
        block = {"type": "tool_use", "id": each, "name": "run", "input": {}}
        said.append({"type": "content_block_start", "index": index, "content_block": block})
        said.append({"type": "content_block_stop", "index": index})
    said += [{"type": "message_delta", "delta": {"stop_reason": "tool_use"}}, {"type": "message_stop"}]
    return b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in said)


def heard(lane: Lane, *ids: str) -> list[str]:
    """The ids of the calls that the client hears of."""
    body = json.loads(lane.answer(answer(*ids)))
    return [call["id"] for call in body["choices"][0]["message"]["tool_calls"]]


def heard_streamed(lane: Lane, *ids: str) -> list[str]:
    stream = lane.stream()
    said = stream.feed(streamed(*ids)) + stream.close()
    chunks = [json.loads(line[6:]) for line in said.splitlines() if line.startswith(b"data: {")]
    pieces = [piece for chunk in chunks for piece in chunk["choices"][0]["delta"].get("tool_calls", ())]
    return [piece["id"] for piece in pieces if "id" in piece]


@pytest.mark.parametrize("ids", [(SAME, SAME), (SAME, SAME, SAME), ("", ""), ("a", "b"), (SAME, "")])
def test_calls_of_one_answer(ids: tuple[str, ...]) -> None:
    """The first keeps its id; the same answer always gives the same ids, whole and streamed."""
    found = heard(opened("anthropic_messages"), *ids)
    assert found == heard(opened("anthropic_messages"), *ids) == heard_streamed(opened("anthropic_messages"), *ids)
    assert len({*found}) == len(ids) and all(found)
    assert not ids[0] or found[0] == ids[0]
    assert ids != ("a", "b") or found == ["a", "b"]


def test_calls_of_several_turns() -> None:
    """A conversation that goes on with the ids that the client was given never has two calls of one id."""
    known: list[str] = []
    for _ in range(4):
        lane = opened("anthropic_messages", *[message for each in known for message in turn(each)])
        known += heard(lane, SAME)
    assert known[0] == SAME and len({*known}) == 4


@pytest.mark.parametrize("to", ["anthropic_messages", "openai_responses"])
def test_a_history_in_which_ids_return(to: str) -> None:
    """Vendors that refuse it get an id for each call, and each result with its own."""
    body = json.loads(opened(to, *turn(SAME, "x"), *turn(SAME), *turn(SAME)).body)
    if to == "openai_responses":
        calls = [item["call_id"] for item in body["input"] if item.get("type") == "function_call"]
        results = [item["call_id"] for item in body["input"] if item.get("type") == "function_call_output"]
    else:
        blocks = [block for each in body["messages"] if isinstance(each["content"], list) for block in each["content"]]
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    assert calls == results and len({*calls}) == 4


def test_a_history_without_one_stays_as_it_is() -> None:
    body = json.loads(opened("openai_responses", *turn("a", "b"), *turn("c")).body)
    assert [item["call_id"] for item in body["input"] if "call_id" in item] == ["a", "b", "a", "b", "c", "c"]


def test_ids_that_are_free_are_kept() -> None:
    ids = Distinct({"a"}, "seed")
    assert ids.take("b") == "b"
    made = [ids.take("a"), ids.take("a"), ids.take("b")]
    assert len({*made, "a", "b"}) == 5
    assert Distinct({"a"}, "other").take("a") != made[0] == Distinct({"a"}, "seed").take("a")
