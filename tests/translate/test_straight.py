"""The lane that is found straight away is the one that a search for it finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import fields

from hexapla.catalog.schema import Quirks
from hexapla.errors import GatewayError, ProtocolError
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.translate.adapt.foreign import BILLING
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import LARGE, check_conversation, peek
from hexapla.translate.straight import straight_to

CHAT, MESSAGES, RESPONSES = "openai_chat", "anthropic_messages", "openai_responses"
BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5, "user": "u"}


def opened(protocol: str, body: dict[str, Any], target: Target, quirks: Quirks) -> tuple[bytes, str] | None:
    """The body and lane of both ways, which must agree; None where the straight way is not open."""
    peeked = peek(protocol, json.dumps(body).encode())
    check_conversation(peeked)
    way = straight_to(target, quirks).get(protocol)
    short = way.open(peeked, "g", 0.0) if way is not None else None
    if short is None:
        return None
    lane = Translation(peeked, Reply(id="g", created=0, model="m")).open(target, quirks)
    assert (short.body, short.name, short.losses) == (lane.body, lane.name, lane.losses)
    for answer, stream in zip(ANSWERS, STREAMS, strict=True) if protocol == CHAT and peeked.stream else ():
        assert heard(short, answer, stream) == heard(lane, answer, stream)
    return short.body, short.name


def at(protocol: str, model: str = "m", **facts: Any) -> Target:
    return Target(origin=Origin(provider="p", protocol=protocol), model=model, **facts)


@pytest.mark.parametrize("protocol", [CHAT, MESSAGES])
@pytest.mark.parametrize("model", ["m", "another"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("asks", [False, True])
def test_texts_pass_as_they_are(protocol: str, model: str, stream: bool, asks: bool) -> None:
    found = opened(protocol, BODY | {"stream": stream}, at(protocol, model, stream_usage=asks), Quirks())
    usage = {"stream_options": {"include_usage": True}} if stream and asks and protocol == CHAT else {}
    assert found is not None and json.loads(found[0]) == {**BODY, "model": model, "stream": stream} | usage


def test_what_nobody_looks_through_passes_as_it_is() -> None:
    """But where the target cares for the inside, it is looked for."""
    long = {**BODY, "messages": [{"role": "developer", "content": [{"type": "text", "text": "word " * LARGE}]}]}
    assert opened(CHAT, long, at(CHAT, "another"), Quirks()) is not None
    assert opened(CHAT, long, at(CHAT, developer_role=False), Quirks()) is None


@pytest.mark.parametrize(
    ("body", "target", "quirks"),
    [
        ({**BODY, "stream": True, "stream_options": {}}, at(CHAT), Quirks()),
        ({**BODY, "provider": {}}, at(CHAT), Quirks()),
        ({**BODY, "tools": []}, at(CHAT), Quirks()),
        ({**BODY, "messages": [{"role": "user", "content": []}]}, at(CHAT), Quirks()),
        ({**BODY, "messages": [{"role": "developer", "content": "x"}]}, at(CHAT, developer_role=False), Quirks()),
        (BODY, at(CHAT), Quirks(strip=("user",))),
        (BODY, at(MESSAGES), Quirks()),
        ({"model": "m", "input": "hi"}, at(RESPONSES), Quirks()),
    ],
    ids=["stream", "wish", "tools", "parts", "concern", "quirk", "dialect", "no texts"],
)
def test_whatever_is_looked_into_goes_the_longer_way(body: dict[str, Any], target: Target, quirks: Quirks) -> None:
    protocol = RESPONSES if "input" in body else CHAT
    assert opened(protocol, body, target, quirks) is None


# from one dialect to another

SAID = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
FACTS: list[dict[str, Any]] = [
    {},
    *(
        {each.name: not each.default}
        for each in fields(Target)
        if isinstance(each.default, bool) and each.name != "stream"
    ),
    {"max_output": 4},
    {"max_output": 5},
    {"max_tokens_field": "max_completion_tokens"},
    {"unsupported": frozenset({"sampling.temperature", "seed"})},
    {"unsupported": frozenset({"sampling.seed", "store"})},
    {
        "cache_marks": 0,
        "tool_name_pattern": "^a$",
        "tool_id_pattern": "^a$",
        "custom_tools": False,
        "namespaces": False,
    },
    {
        "replay_reasoning": "never",
        "reasoning_field": "thought",
        "reasoning_style": "thinking",
        "effort_levels": ("low",),
    },
    {"json_schema": "tool"},
]
"""Everything that can be known of a target."""
assert {name for facts in FACTS for name in facts} == {*Target.__struct_fields__} - {"origin", "model", "stream"}
QUIRKS = [
    Quirks(),
    Quirks(rename={"max_tokens": "max_completion_tokens"}),
    Quirks(set={"seed": 1}, default={"top_p": 0.5}, clamp={"temperature": (0.1, 1.0)}),
    Quirks(strip=("temperature",)),
    Quirks(think_tags=True),
    Quirks(reencode=True),
]
USER, ASSISTANT, SYSTEM = ({"role": role, "content": role} for role in ("user", "assistant", "system"))
ASKED: list[dict[str, Any]] = [
    {},
    *({"max_tokens": most} for most in (None, 4, 6, 5.0, 5.5, "5")),
    *({"temperature": heat} for heat in (None, 0, 1, 2.5, "1")),
    *({"stop_sequences": stop} for stop in (None, [], ["x", ""], "x")),
    *({"stream": stream} for stream in (None, False, True, "yes")),
    *({"system": said} for said in (None, "", "be kind", [{"type": "text", "text": "x"}], f"{BILLING} cc_version=2")),
    {"system": "be kind", "temperature": 0.5, "top_p": 0.5, "top_k": 3, "stop_sequences": ["x"], "stream": True},
    *({name: value} for name, value in {"top_p": 0.5, "top_k": 3, "metadata": {"user_id": "u"}, "odd": 1}.items()),
    *(
        {"messages": turns}
        for turns in (
            [],
            [USER, ASSISTANT, USER],
            [USER, USER],
            [USER, ASSISTANT],
            [USER, SYSTEM],
            [SYSTEM, USER],
            [USER, SYSTEM, USER],
            [{"role": "tool", "content": "x"}, USER],
            [{**USER, "content": ""}],
            [{**USER, "content": "\u00e9\n\U0001f600"}],
            [{**USER, "content": [{"type": "text", "text": "x"}]}],
            [{**USER, "name": "n"}],
        )
    ),
]
"""What is said beside, or in the place of, the simplest."""
CALL = {"id": "call 1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
MESSAGE = {"role": "assistant", "content": "Hello"}


def whole(message: dict[str, Any], finish: str = "stop") -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return json.dumps({"id": "r", "model": "up", "choices": [choice], "usage": usage}).encode()


ANSWERS = [
    whole(MESSAGE),
    whole({**MESSAGE, "content": "<think>hm</think>Hello"}),
    whole({**MESSAGE, "reasoning_content": "hm", "odd": 1}),
    whole({**MESSAGE, "tool_calls": [CALL]}, "tool_calls"),
    whole(MESSAGE, "error"),
    b'{"error":{"message":"no"}}',
    b"[]",
]


def played(*deltas: dict[str, Any], finish: str = "stop") -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    chunks = [{"id": "r", "model": "up", "choices": [choice]} for choice in choices]
    chunks.append({"id": "r", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    return b"".join([b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks]) + b"data: [DONE]\n\n"


STREAMS = [
    played({"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo"}, {"content": "!"}),
    played({"content": "<think>hm</think>"}, {"content": "Hello"}),
    played({"reasoning_content": "hm"}, {"content": "Hello", "odd": 1}),
    played({"content": "Hel"}, {"tool_calls": [{"index": 0, **CALL}]}, finish="tool_calls"),
    played({"content": "Hel"}, finish="error"),
    b'data: {"error":{"message":"no"}}\n\n',
    b"",
]


def heard(lane: Lane, answer: bytes, stream: bytes) -> object:
    """What a client hears of an answer, what of it is lost, and what is remembered of it."""
    telling = lane.stream()
    told = telling.feed(stream) + telling.close()
    try:
        said: object = lane.answer(answer)
    except GatewayError as error:
        said = repr(error)
    return told, said, lane.losses, lane.summary


def both(body: dict[str, Any], target: Target, quirks: Quirks) -> tuple[Lane | None, Callable[[], Lane]]:
    """The straight way, and the other one."""
    peeked = peek(MESSAGES, json.dumps(body).encode())
    reply = Reply(id="g", created=7, model=peeked.model)
    way = straight_to(target, quirks).get(MESSAGES)
    return way and way.open(peeked, "g", 7.5), lambda: Translation(peeked, reply).open(target, quirks)


KNOWN = [*((facts, Quirks()) for facts in FACTS), *(({}, quirks) for quirks in QUIRKS[1:])]


@pytest.mark.parametrize(("facts", "quirks"), KNOWN)
@pytest.mark.parametrize("protocol", [CHAT, MESSAGES])
@pytest.mark.parametrize("stream", [False, True])
def test_the_same_dialect_is_asked_the_same_by_both_ways(
    facts: dict[str, Any], quirks: Quirks, protocol: str, stream: bool
) -> None:
    for more in ({}, {"system": "x"}, {"messages": [USER, ASSISTANT]}, {"messages": [SYSTEM, USER]}):
        opened(protocol, {**BODY, **more, "stream": stream}, at(protocol, "another", **facts), quirks)


@pytest.mark.parametrize(("facts", "quirks"), KNOWN)
def test_another_dialect_is_asked_the_same_by_both_ways(facts: dict[str, Any], quirks: Quirks) -> None:
    for more in ASKED:
        try:
            straight, other = both({**SAID, **more}, at(CHAT, "another", **facts), quirks)
        except ProtocolError:
            continue  # of the first look: nobody is asked
        if straight is not None:
            lane = other()
            assert (straight.name, straight.body, straight.begun) == (lane.name, lane.body, lane.begun), more
            assert straight.losses == lane.losses == (), more


@pytest.mark.parametrize("quirks", QUIRKS)
@pytest.mark.parametrize(("answer", "stream"), [*zip(ANSWERS, STREAMS, strict=True)])
def test_another_dialect_hears_the_same_by_both_ways(quirks: Quirks, answer: bytes, stream: bytes) -> None:
    straight, other = both(SAID, at(CHAT, "another"), quirks)
    assert straight is None or heard(straight, answer, stream) == heard(other(), answer, stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("quirks", QUIRKS[:3])
def test_texts_go_straight_into_another_dialect(quirks: Quirks, stream: bool) -> None:
    said = {**SAID, "system": "be kind", "stop_sequences": ["x"], "temperature": 1, "stream": stream}
    straight, other = both(said, at(CHAT, "another"), quirks)
    assert straight is not None and straight.body == other().body


@pytest.mark.parametrize("facts", [facts for facts in FACTS if facts != {"alternation": True}])
def test_what_a_target_cannot_take_is_no_hindrance_where_it_is_not_said(facts: dict[str, Any]) -> None:
    straight, _ = both({**SAID, "max_tokens": 4}, at(CHAT, **facts), Quirks())
    named = "max_tokens_field" in facts or "sampling.temperature" in facts.get("unsupported", ())
    assert (straight is None) == named


@pytest.mark.parametrize(
    "more",
    [
        {"tools": []},
        {"metadata": {"user_id": "u"}},
        {"system": [{"type": "text", "text": "x"}]},
        {"system": f"{BILLING} cc_version=2"},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        {"messages": [{"role": "user", "content": "x", "cache_control": {"type": "ephemeral"}}]},
        {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]},
        {"messages": [{"role": "user", "content": "x"}, {"role": "system", "content": "y"}]},
    ],
)
def test_whatever_is_more_than_texts_is_looked_into(more: dict[str, Any]) -> None:
    straight, _ = both({**SAID, **more}, at(CHAT), Quirks())
    assert straight is None
