"""Calls of one conversation have ids of their own, for clients and for vendors that refuse others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.catalog.schema import Quirks
from hexapla.ir.content import Origin, Text, ToolCall
from hexapla.ir.fold import fold, unfold
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, Stop
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
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


def test_ids_that_are_counted_count_on() -> None:
    """A model goes on in the form that it finds in the conversation."""
    ids = Distinct({"run:0", "run:1", "functions.Read:9", "call_007"}, "seed")
    assert [ids.take(each) for each in ("run:0", "run:0", "functions.Read:9", "run:0")] == [
        "run:2",
        "run:3",
        "functions.Read:10",
        "run:4",
    ]
    assert ids.take("call_007").startswith("call_") and len(ids.take("7")) == 1 and len(ids.take("7")) > 1


# in the Verbatim lane


def history(dialect: str, *ids: str) -> dict[str, Any]:
    """A conversation with these calls in it, and their results, each a turn of its own."""
    said: list[dict[str, Any]] = [{"role": "user", "content": f'call "{SAME}" again'}]
    for each in ids:
        if dialect == "openai_chat":
            said += turn(each)
        elif dialect == "openai_responses":
            said.append({"type": "function_call", "call_id": each, "name": "run", "arguments": "{}"})
            said.append({"type": "function_call_output", "call_id": each, "output": "ok"})
        else:
            said.append(
                {"role": "assistant", "content": [{"type": "tool_use", "id": each, "name": "run", "input": {}}]}
            )
            said.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": each, "content": "ok"}]})
    return {"input": said} if dialect == "openai_responses" else {"messages": said, "max_tokens": 9}


ANSWER = GenerateResponse(
    id="r1",
    model="m",
    content=(Text(text="Look."), ToolCall(id=SAME, name="run", arguments='{"a":1}'), ToolCall(id="x", name="run")),
    stop=Stop(reason="tool_calls"),
)
VERBATIM = ("openai_chat", "openai_responses", "anthropic_messages")


def passed(dialect: str, known: tuple[str, ...], size: int) -> tuple[bytes, bytes]:
    """An answer that calls tools, and what a client hears of it.  `size`: of the pieces of a stream; 0: it is whole."""
    protocol = PROTOCOLS[dialect]
    body = {"model": "p/m", "stream": bool(size), **history(dialect, *known)}
    lane = Translation(peek(dialect, json.dumps(body).encode()), REPLY).open(
        Target(origin=Origin(dialect, "p"), model="m"), Quirks()
    )
    assert lane.name == "verbatim"
    if not size:
        data = protocol.render_response(ANSWER, REPLY, LossLog())
        return data, lane.answer(data)
    encoder = protocol.encoder(REPLY)
    data = b"".join(map(encoder.encode, unfold(ANSWER))) + encoder.close()
    stream = lane.stream()
    heard = b"".join(stream.feed(data[at : at + size]) for at in range(0, len(data), size)) + stream.close()
    return data, heard


def calls_heard(dialect: str, heard: bytes, size: int) -> list[str]:
    protocol = PROTOCOLS[dialect]
    decoder = protocol.decoder()
    answer = fold([*decoder.feed(heard), *decoder.close()]) if size else protocol.parse_response(heard)
    return [part.id for part in answer.content if isinstance(part, ToolCall)]


@pytest.mark.parametrize("size", [0, 7, 100_000])
@pytest.mark.parametrize("dialect", VERBATIM)
def test_an_id_that_returns_in_a_later_turn(dialect: str, size: int) -> None:
    """It counts on, wherever the answer says it; what is not a call of the conversation is not known by it."""
    data, heard = passed(dialect, (SAME, "run:1"), size)
    assert calls_heard(dialect, heard, size) == ["run:2", "x"]
    assert heard == data.replace(b'"run:0"', b'"run:2"')


@pytest.mark.parametrize("size", [0, 7, 100_000])
@pytest.mark.parametrize("known", [(), ("run:1",)])
@pytest.mark.parametrize("dialect", VERBATIM)
def test_an_id_that_was_only_spoken_of_passes_byte_for_byte(dialect: str, known: tuple[str, ...], size: int) -> None:
    data, heard = passed(dialect, known, size)
    assert heard == data


@pytest.mark.parametrize("dialect", VERBATIM)
def test_a_conversation_goes_on(dialect: str) -> None:
    """With the ids that the client was given, turn after turn."""
    known: list[str] = []
    for turns in range(4):
        _, heard = passed(dialect, tuple(known), 0)
        known += calls_heard(dialect, heard, 0)[:1]
        assert len({*known}) == turns + 1
    assert known == ["run:0", "run:1", "run:2", "run:3"]
