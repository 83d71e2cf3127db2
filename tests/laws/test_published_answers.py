"""Answers for everything that is published: each thing that a vendor's own types let an answer say, whole and as a stream.

The SDKs' models of the three dialects are walked (`published.py`); every value of theirs is told to a client of every
other dialect.  Nothing breaks; what the client gets is what its own SDK's types allow, strictly; a stream has exactly one
end; and a thing makes a difference in what is said or in what is named as lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter, ValidationError
from test_answers import lane
from test_published import differing

from hexapla.errors import GatewayError
from hexapla.protocols.openai_responses.schema import WHOLE as RESPONSES_LOOK
from hexapla.wire.sse import SSEDecoder
from published import NOTHING, fields_of, spread

Json = dict[str, Any]

WHOLE: dict[str, tuple[Any, ...]] = {
    "openai_chat": (ChatCompletion,),
    "openai_responses": (Response,),
    "anthropic_messages": (Message, BetaMessage),
}
EVENTS: dict[str, tuple[Any, ...]] = {
    "openai_chat": (ChatCompletionChunk,),
    "openai_responses": (ResponseStreamEvent,),
    "anthropic_messages": (RawMessageStreamEvent, BetaRawMessageStreamEvent),
}
STRICT = {client: TypeAdapter(kinds[0]).validate_json for client, kinds in WHOLE.items()}
STRICT_EVENT = {client: TypeAdapter(kinds[0]).validate_json for client, kinds in EVENTS.items()}

SILENT: dict[str, str] = {
    # what is not told although it makes a difference where it comes from, by client, vendor and place, and why
    r"\S+ \S+ (choices\.)?usage": "counts: what two dialects count alike is carried, each one's further counts are its own",
    r"\S+ openai_chat choices\.logprobs": "probabilities stand on the text that they are of",
    r"anthropic_messages openai_chat (service_tier|system_fingerprint)": "which of its machines a vendor took",
    r"\S+ anthropic_messages content\.citations\.file_id": "sources are said in the client's own form",
    r"\S+ anthropic_messages (stop_details|stop_sequence)": "they belong to a reason, without which they say nothing",
    r"anthropic_messages openai_responses (service_tier|status)": "an answer that has an end has been served",
    r"\S+ openai_responses output\.(id|status|namespace)": "a call's item, and a name that nobody asked by",
}
ECHOED = (*RESPONSES_LOOK._quiet, "error", "incomplete_details")
"""Fields of a Response that repeat its request, or say that it is none."""

across = pytest.mark.parametrize(
    ("client", "upstream"), [(client, upstream) for client in WHOLE for upstream in WHOLE if client != upstream]
)


@cache
def answers(upstream: str) -> list[tuple[Json, Any]]:
    """(an answer that says something, the same without that one thing)."""
    found: dict[str, tuple[Json, Any]] = {}
    for kind in WHOLE[upstream]:
        least = next(spread(kind))[0]
        for name, (hint, needed) in fields_of(kind).items():
            if name in ECHOED and upstream == "openai_responses":
                continue
            for value, without in spread(hint, name):
                body = least | {name: value}
                rest = NOTHING if needed else {n: v for n, v in least.items() if n != name}
                found.setdefault(json.dumps(body), (body, rest if without is NOTHING else least | {name: without}))
    return list(found.values())


def told(client: str, upstream: str, body: Json) -> tuple[bytes, frozenset[str]] | None:
    """(what the client gets, what is named as lost); None for an answer that is an error."""
    opened = lane(client, upstream, stream=False)
    try:
        out = opened.answer(json.dumps(body).encode())
    except GatewayError as error:
        assert body.get("status") in ("failed", "cancelled") or "the answer has no choices" in str(error)
        return None
    return out, frozenset(loss.field for loss in opened.losses)


@across
def test_whatever_is_published_of_an_answer_is_told(client: str, upstream: str) -> None:
    """Whole: strictly valid, and nothing silent."""
    silent: dict[str, Any] = {}
    for body, without in answers(upstream):
        said = told(client, upstream, body)
        if said is None:
            continue
        STRICT[client](said[0], strict=True)
        if without is NOTHING or ": null" in json.dumps(body) or told(client, upstream, without) != said:
            continue
        fields = " ".join(sorted(set(differing(body, without))))
        around = any(loss.endswith("]") or "extras" in loss for loss in said[1])
        if fields and not around and not any(re.match(rule, f"{client} {upstream} {fields}") for rule in SILENT):
            silent[fields] = (body, said)
    assert not silent


RESPONSE: Json = next(spread(Response))[0] | {"id": "r1", "model": "m"}
BEGUN: dict[str, Json] = {
    # items and blocks that an event speaks of, by a word in its name
    "output_text": {"type": "message", "id": "call_1", "role": "assistant", "status": "in_progress", "content": []},
    "content_part": {"type": "message", "id": "call_1", "role": "assistant", "status": "in_progress", "content": []},
    "refusal": {"type": "message", "id": "call_1", "role": "assistant", "status": "in_progress", "content": []},
    "reasoning": {"type": "reasoning", "id": "call_1", "summary": []},
    "function_call": {"type": "function_call", "id": "call_1", "call_id": "call_1", "name": "w", "arguments": ""},
    "custom_tool_call": {"type": "custom_tool_call", "id": "call_1", "call_id": "call_1", "name": "w", "input": ""},
    "text_delta": {"type": "text", "text": ""},
    "citations_delta": {"type": "text", "text": ""},
    "input_json_delta": {"type": "tool_use", "id": "t1", "name": "w", "input": {}},
    "thinking_delta": {"type": "thinking", "thinking": "", "signature": ""},
    "signature_delta": {"type": "thinking", "thinking": "", "signature": ""},
    "compaction_delta": {"type": "compaction", "content": ""},
}
MESSAGE: Json = {
    "id": "m1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
ENDED = [
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 3},
    },
    {"type": "message_stop"},
]
CLOSED = {"type": "content_block_stop", "index": 0}
CHUNK: Json = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def _chat(event: Json) -> list[Json]:
    first = {"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return [CHUNK | {"choices": [first]}, event, CHUNK | {"choices": [last]}]


def _responses(event: Json) -> list[Json]:
    kind = event["type"]
    begun = [{"type": "response.created", "sequence_number": 0, "response": RESPONSE | {"output": []}}]
    if kind in ("response.completed", "response.incomplete", "response.failed", "error"):
        return [*begun, event]
    item = next((item for word, item in BEGUN.items() if f".{word}" in kind), None)
    if item is not None:
        begun.append({"type": "response.output_item.added", "output_index": 0, "sequence_number": 1, "item": item})
    done = [event | {"type": "response.output_item.done"}] if kind == "response.output_item.added" else []
    ended = {
        "type": "response.completed",
        "sequence_number": 9,
        "response": RESPONSE | {"output": [], "status": "completed"},
    }
    return [*begun, event, *done, ended]


def _messages(event: Json) -> list[Json]:
    kind, start = event["type"], {"type": "message_start", "message": MESSAGE}
    if kind == "message_start":
        return [event, *ENDED]
    if kind == "message_delta":
        return [start, event, ENDED[1]]
    if kind == "message_stop":
        return [start, ENDED[0], event]
    if kind == "content_block_start":
        return [start, event, CLOSED, *ENDED]
    block = BEGUN.get(event.get("delta", {}).get("type"), BEGUN["text_delta"])
    between = [event] if kind != "content_block_stop" else []
    return [start, {"type": "content_block_start", "index": 0, "content_block": block}, *between, CLOSED, *ENDED]


AROUND = {"openai_chat": _chat, "openai_responses": _responses, "anthropic_messages": _messages}
"""A stream in which an event stands where it may."""

ENDS = {
    "openai_chat": (b"data: [DONE]", b'data: {"error"'),
    "openai_responses": (b"event: response.completed", b"event: response.incomplete", b"event: response.failed"),
    "anthropic_messages": (b"event: message_stop", b"event: error"),
}
NOT_IN_THE_SDK = (b'"type":"custom"', b'{"error":')
"""What a chunk holds that the SDK's type does not know: freeform calls, and how a stream says that it failed."""


@cache
def events(upstream: str) -> list[Json]:
    """Every event, with each thing that it may say; of one that holds an answer, the least: `answers` says the others."""
    found: dict[str, Json] = {}
    for kind in EVENTS[upstream]:
        for event, _ in spread(kind):
            key = (
                event["type"]
                if "response" in event or ("message" in event and isinstance(event["message"], dict))
                else None
            )
            found.setdefault(key or json.dumps(event), event)
    return list(found.values())


def frames(upstream: str, event: Json) -> bytes:
    said = AROUND[upstream](event)
    names = [f"event: {each['type']}\n" if "type" in each else "" for each in said]
    ends = "data: [DONE]\n\n" if upstream == "openai_chat" else ""
    return ("".join(f"{name}data: {json.dumps(each)}\n\n" for name, each in zip(names, said)) + ends).encode()


def _wrong(client: str, out: bytes) -> Iterator[str]:
    """What a client would stumble over."""
    ends = sum(out.count(end) for end in ENDS[client])
    if ends != 1:
        yield f"{ends} ends"
    for frame in SSEDecoder().feed(out):
        if frame.data == b"[DONE]" or (client == "openai_chat" and any(sign in frame.data for sign in NOT_IN_THE_SDK)):
            continue
        try:
            STRICT_EVENT[client](frame.data, strict=True)
        except ValidationError as error:
            yield f"{frame.data!r}: {error}" if frame.event != "error" else ""


@across
def test_whatever_is_published_of_a_stream_is_told(client: str, upstream: str) -> None:
    """As a stream: every event is valid, and there is one end."""
    wrong: dict[str, list[str]] = {}
    for event in events(upstream):
        stream = lane(client, upstream, stream=True).stream()
        out = stream.feed(frames(upstream, event)) + stream.close()
        if found := [each for each in _wrong(client, out) if each]:
            wrong[json.dumps(event)] = found
    assert not wrong


def test_the_walk_sees_what_there_is() -> None:
    """The walk is not empty, and can find fault."""
    assert {part["type"] for body, _ in answers("anthropic_messages") for part in body["content"]} > {
        "text",
        "tool_use",
    }
    assert len({event["type"] for event in events("openai_responses")}) > 50
    assert list(_wrong("openai_chat", b"data: {}\n\n"))
