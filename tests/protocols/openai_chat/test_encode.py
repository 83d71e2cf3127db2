"""Streams for Chat clients: what OpenAI's own SDK makes of them."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from chatwire import CLAUDE, DONE, EVERYTHING, PROBS, REPLY, chunk, client, encoded, events, frames, sse
from msgspec import Raw
from msgspec.structs import replace
from openai.types.chat import ChatCompletionChunk
from pydantic import TypeAdapter

from hexapla.ir.content import Citation, Origin, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    BlockStart,
    BlockStop,
    MessageStart,
    MessageStop,
    Ping,
    ReasoningDelta,
    StreamError,
    SummaryDelta,
    TextDelta,
    UsageReport,
)
from hexapla.ir.fold import unfold
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop, Usage
from hexapla.protocols.openai_chat import OPENAI_CHAT
from hexapla.protocols.openai_chat.encode import ChatEncoder

STRICT = TypeAdapter(ChatCompletionChunk)


def blocks(*parts: ResponsePart) -> list[AnyEvent]:
    """A stream of these parts."""
    return [*unfold(GenerateResponse(id="r1", model="m", content=parts, stop=Stop(reason="stop")))]


def deltas(stream: bytes) -> list[dict[str, Any]]:
    """The deltas of a stream that say something."""
    return [
        d
        for f in frames(stream)
        for c in f["choices"]
        if (d := c["delta"]) and d != {"role": "assistant", "content": ""}
    ]


def test_envelope() -> None:
    """Role first, one finish chunk, usage without choices, the terminator; one id, time and model throughout."""
    stream = encoded([*unfold(EVERYTHING)])
    found = frames(stream)
    assert stream.endswith(DONE)
    assert {(f["id"], f["created"], f["model"], f["object"]) for f in found} == {
        ("msg_1", REPLY.created, "claude", "chat.completion.chunk")
    }
    assert found[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    finishes = [c["finish_reason"] for f in found for c in f["choices"]]
    assert [reason for reason in finishes if reason] == ["tool_calls"]
    assert finishes[-1] == "tool_calls"
    assert found[-1]["choices"] == []
    assert found[-1]["usage"] == {
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": 0.1,
        "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2},
    }  # fmt: skip


def test_strict_types() -> None:
    """Every chunk passes the strict types of the official SDK, which know no custom calls in streams."""
    functions = [part for part in EVERYTHING.content if getattr(part, "kind", "") != "custom"]
    for block in encoded([*unfold(replace(EVERYTHING, content=tuple(functions)))]).split(b"\n\n"):
        if block.startswith(b"data: {"):
            STRICT.validate_json(block[6:], strict=True)


def test_usage_only_on_request() -> None:
    """A client that did not ask gets no chunk without choices: many read choices[0] of every chunk."""
    quiet = encoded([*unfold(EVERYTHING)], replace(REPLY, include_usage=False))
    assert all(found["choices"] for found in frames(quiet))
    unknown = encoded([*unfold(replace(EVERYTHING, usage=None))])
    assert all(found["choices"] for found in frames(unknown))


def test_reply_fills_in() -> None:
    """An upstream that named nothing gets our id, time and model."""
    head = frames(encoded([MessageStart(), MessageStop(stop=None)]))
    assert {(f["id"], f["created"], f["model"]) for f in head} == {(REPLY.id, REPLY.created, REPLY.model)}
    assert head[-1]["choices"][0]["finish_reason"] == "stop"


def test_error_ends_without_terminator() -> None:
    """After an error there is no finish chunk and no [DONE]."""
    error = StreamError(kind="upstream_truncated", message="cut")
    stream = encoded([MessageStart(), BlockStart(0, Text(text="")), BlockDelta(0, TextDelta("x")), error])
    assert b"[DONE]" not in stream
    assert frames(stream)[-1] == {
        "error": {
            "message": "cut",
            "type": "server_error",
            "param": None,
            "code": "upstream_truncated",
            "metadata": {"error_type": "provider_unavailable"},
        }
    }
    assert all(c["finish_reason"] is None for f in frames(stream)[:-1] for c in f["choices"])


def test_ping_is_a_comment() -> None:
    """Life without content is a comment, which every client ignores."""
    assert encoded([Ping()]).startswith(b": ")


def test_calls() -> None:
    """Calls are numbered by themselves, say their arguments in pieces, and {} when they have none."""
    found = deltas(
        encoded(blocks(Text(text="x"), ToolCall(id="1", name="f", arguments="{}"), ToolCall(id="2", name="g")))
    )
    assert [d["tool_calls"][0] for d in found[1:]] == [
        {"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": "{}"}},
        {"index": 1, "id": "2", "type": "function", "function": {"name": "g", "arguments": ""}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]


def interleaved() -> list[AnyEvent]:
    """Two calls whose pieces alternate, and text between them."""
    return [
        MessageStart(),
        *[BlockStart(0, ToolCall(id="1", name="f")), BlockStart(1, ToolCall(id="2", name="g"))],
        *[BlockDelta(1, TextDelta("{")), BlockDelta(0, TextDelta('{"a":'))],
        *[BlockStart(2, Text(text="")), BlockDelta(2, TextDelta("x")), BlockStop(2)],
        *[BlockDelta(0, TextDelta("1}")), BlockDelta(1, TextDelta("}")), BlockStop(1), BlockStop(0)],
        MessageStop(stop=Stop(reason="tool_calls")),
    ]


def test_interleaved_calls() -> None:
    """Calls whose pieces alternate are said one after the other; text does not wait for them."""
    found = deltas(encoded(interleaved()))
    pieces = [d.get("tool_calls", [d])[0] for d in found]
    assert [p.get("content") or (p["index"], p["function"]["arguments"]) for p in pieces] == [
        (0, ""), (0, '{"a":'), "x", (0, "1}"), (1, ""), (1, "{"), (1, "}"),
    ]  # fmt: skip


def test_sdk_reads_interleaved_calls() -> None:
    """The SDK's helper takes a call for complete when the next begins; it finds both whole."""
    with client(encoded(interleaved())).chat.completions.stream(
        model="m", messages=[{"role": "user", "content": "hi"}], tools=[]
    ) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls
    assert [call.function.arguments for call in calls or []] == ['{"a":1}', "{}"]


def test_signature_goes_out_with_its_call() -> None:
    """Fields that only Chat knows stand on the call again, the function's own inside it."""
    extra = {"openai_chat": {"extra_content": Raw(b'{"a":1}'), "function": {"thought_signature": Raw(b'"s"')}}}
    part = ToolCall(id="1", name="f", arguments="{}", extras=extra)
    (first, *_) = deltas(encoded(blocks(part)))
    assert first["tool_calls"][0]["extra_content"] == {"a": 1}
    assert first["tool_calls"][0]["function"] == {"name": "f", "arguments": "", "thought_signature": "s"}


def test_foreign_thought_in_pieces() -> None:
    """Claude's thought: readable in both fields, an entry of details with each piece, the signature at the end."""
    found = deltas(encoded(blocks(Reasoning(text="hm", signature="sig", form="thinking", origin=CLAUDE))))
    entry = {"type": "reasoning.text", "index": 0}
    named = {"format": "anthropic-claude-v1", "origin": "anthropic_messages/anthropic"}
    assert found == [
        {"reasoning_content": "hm", "reasoning": "hm", "reasoning_details": [{**entry, "text": "hm", **named}]},
        {"reasoning_details": [{**entry, "signature": "sig"}]},
    ]


def test_summary_paragraphs() -> None:
    """Paragraphs of a summary are entries of their own, and a blank line apart where people read."""
    origin = Origin("openai_responses", "openai")
    start = BlockStart(0, Reasoning(id="rs_1", form="reasoning", origin=origin))
    more = [SummaryDelta(0, "a"), SummaryDelta(0, "b"), SummaryDelta(1, "c"), ReasoningDelta(encrypted="xyz")]
    found = deltas(encoded([MessageStart(), start, *[BlockDelta(0, d) for d in more], BlockStop(0), MessageStop()]))
    assert "".join(d.get("reasoning", "") for d in found) == "ab\n\nc"
    entries = [entry for d in found for entry in d["reasoning_details"]]
    assert [(e["type"], e["index"], e.get("summary", e.get("data")), e.get("id")) for e in entries] == [
        ("reasoning.summary", 0, "a", "rs_1"), ("reasoning.summary", 0, "b", None),
        ("reasoning.summary", 1, "c", "rs_1"), ("reasoning.encrypted", 2, "xyz", "rs_1"),
    ]  # fmt: skip


OWN = [
    [{"reasoning": "a", "reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}]},
     {"reasoning": "b", "reasoning_details": [{"type": "reasoning.text", "text": "b", "index": 0}]},
     {"reasoning_details": [{"type": "reasoning.text", "text": "", "signature": "s", "index": 0}]}],
    [{"reasoning_details": [{"type": "reasoning.encrypted", "data": "x", "id": "rs", "index": 0}]}],
    [{"reasoning_details": [{"type": "reasoning.summary", "summary": "a", "index": 0}]},
     {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x", "index": 1}]}],
]  # fmt: skip


@pytest.mark.parametrize("pieces", OWN)
def test_own_details_verbatim(pieces: list[dict[str, Any]]) -> None:
    """Details of a Chat provider reach a Chat client in the pieces in which they came, each once."""
    found = deltas(encoded(events(sse(*[chunk(piece) for piece in pieces], chunk({"content": "x"}, "stop")))))
    details = [entry for d in found for entry in d.get("reasoning_details", [])]
    assert details == [entry for piece in pieces for entry in piece["reasoning_details"]]


def test_own_details_of_a_whole_answer() -> None:
    """Played from a whole answer, text and details are said together, so that nobody counts the text twice."""
    details = Raw(b'[{"type":"reasoning.text","text":"hm","signature":"s","index":0}]')
    part = Reasoning(text="hm", details=details, form="reasoning", origin=Origin("openai_chat"))
    (only,) = deltas(encoded(blocks(part)))
    assert only == {"reasoning_content": "hm", "reasoning": "hm", "reasoning_details": json.loads(bytes(details))}


def test_own_thought_without_details_has_none() -> None:
    """A provider that sends text only is not given details it never had."""
    found = deltas(encoded(events(sse(chunk({"reasoning_content": "a"}), chunk({"content": "x"}, "stop")))))
    assert found[0] == {"reasoning_content": "a", "reasoning": "a"}


def test_losses() -> None:
    """What Chat has no place for is named."""
    encoder = ChatEncoder(REPLY)
    for event in unfold(EVERYTHING):
        encoder.encode(event)
    assert {loss.field for loss in encoder.losses.losses} == {"content[8]", "service_tier"}


def test_refusal_and_logprobs() -> None:
    """A refusal has its own field, log probabilities stand beside their delta."""
    found = frames(encoded(blocks(Text(text="x", logprobs=(PROBS,)), Refusal(text="no"))))
    assert found[1]["choices"][0]["logprobs"] == {"content": [json.loads(bytes(PROBS))], "refusal": None}
    assert found[2]["choices"][0]["delta"] == {"refusal": "no"}


def test_sdk_stream_helper() -> None:
    """chat.completions.stream() gathers text, calls and usage, and is content with the order of things."""
    cited = Text(text="", citations=(Citation(url="https://b"),))
    answer = replace(EVERYTHING, content=(*EVERYTHING.content[:5], cited, EVERYTHING.content[6], EVERYTHING.content[6]))
    with client(encoded([*unfold(answer)])).chat.completions.stream(
        model="m", messages=[{"role": "user", "content": "hi"}]
    ) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    message = final.choices[0].message
    assert message.content == "Hi"
    assert [entry["type"] for entry in message.reasoning_details] == ["reasoning.text", "reasoning.encrypted"]
    assert message.reasoning_details[0]["signature"] == "sig"
    assert message.reasoning_details[0]["format"] == "anthropic-claude-v1"
    assert len(message.images) == 2
    assert [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or []] == [
        ("t1", "f", '{"a":1}'),
        ("t2", "g", "{}"),
    ]
    assert final.choices[0].finish_reason == "tool_calls"
    assert final.usage is not None
    assert final.usage.total_tokens == 15
    assert {"content.delta", "content.done", "tool_calls.function.arguments.done"} <= set(kinds)


def test_sdk_raises_on_error() -> None:
    """An error inside the stream is an APIError for the SDK, with our message."""
    stream = encoded([MessageStart(), StreamError(kind="overloaded", message="busy")])
    with pytest.raises(openai.APIError, match="busy"):
        list(client(stream).chat.completions.create(model="m", messages=[], stream=True))


def test_encoding_is_stable() -> None:
    """What we encode, decoded and encoded again, is the same stream."""
    whole = replace(EVERYTHING, content=EVERYTHING.content[2:5], service_tier=None)
    once = encoded(events(encoded([*unfold(whole)])))
    assert encoded(events(once)) == once


def test_usage_reports_merge() -> None:
    """The chunk at the end holds the latest counts of all reports."""
    stop = MessageStop(stop=Stop(reason="stop"))
    reports = [UsageReport(Usage(input=5)), UsageReport(Usage(output=2)), UsageReport(Usage(output=3))]
    found = frames(encoded([MessageStart(usage=Usage(input=1)), *reports, stop]))
    assert found[-1]["usage"] == {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}


def test_openrouters_clients_hear_its_words() -> None:
    """Its heartbeat, and an error as a chunk that ends, also where nothing was said before; a 500 tells no code."""
    told = replace(REPLY, openrouter=True, provider="Acme")
    encoder = ChatEncoder(told)
    assert encoder.encode(Ping()) == b": OPENROUTER PROCESSING\n\n"
    (last,) = frames(encoder.encode(StreamError(kind="overloaded", message="busy", code="1113")))
    assert last["error"] == {
        "code": 503,
        "message": "busy",
        "metadata": {"error_type": "provider_overloaded", "provider_code": "1113"},
    }
    assert last["choices"][0]["finish_reason"] == "error" and last["provider"] == "Acme"
    (last,) = frames(ChatEncoder(told).encode(StreamError(kind="internal", message="x", code="1", status=500)))
    assert last["error"]["metadata"] == {"error_type": "server"}


def test_a_citation_without_a_place_stands_on_its_whole_text() -> None:
    """Messages cites with a block, Responses counts from a part's beginning; Chat joins them, streamed and whole."""
    page, passage = Citation(url="https://a"), Citation(url="https://b", start=1, end=2, origin="openai_responses")
    parts = (Text(text="First, "), Text(text="second", citations=(page, passage)), Text(text=".", citations=(page,)))
    places = {("https://a", 7, 13), ("https://b", 8, 9), ("https://a", 13, 14)}
    streamed = [note for delta in deltas(encoded(blocks(*parts))) for note in delta.get("annotations", ())]
    whole = json.loads(OPENAI_CHAT.render_response(replace(EVERYTHING, content=parts), REPLY, LossLog()))
    for notes in (streamed, whole["choices"][0]["message"]["annotations"]):
        told = [note["url_citation"] for note in notes]
        assert {(each["url"], each["start_index"], each["end_index"]) for each in told} == places
