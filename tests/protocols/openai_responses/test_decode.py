"""Streams as servers that speak Responses really send them: the whole answer once, however often or rarely they say it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from responseswire import (
    PROBS,
    added,
    answer,
    call,
    completed,
    created,
    delta,
    done,
    events,
    failure,
    message,
    sse,
    twin,
)

from hexapla.ir.content import Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import BlockDelta, SummaryDelta
from hexapla.ir.fold import fold
from hexapla.ir.response import GenerateResponse, Stop, Usage

PART = {"type": "response.content_part.added", "output_index": 0, "content_index": 0, "part": {"type": "output_text"}}
TEXT = [delta("output_text", 0, piece, item_id="msg_1", content_index=0) for piece in ("Hel", "lo")]
SAID = {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "item_id": "msg_1", "text": "Hello"}
OPEN = added(0, {"type": "message", "id": "msg_1", "role": "assistant", "content": []})
FULL = [created(), OPEN, PART, *TEXT, SAID, done(0, message("Hello")), completed(message("Hello"))]


def texts(response: GenerateResponse) -> list[str]:
    return [part.text for part in response.content if isinstance(part, Text)]


def calls(*found: dict[str, Any]) -> list[tuple[str, str, str]]:
    response = answer(created(), *found)
    return [(part.id, part.name, part.arguments) for part in response.content if isinstance(part, ToolCall)]


def cut_off(reason: str) -> dict[str, Any]:
    return completed(status="incomplete", incomplete_details={"reason": reason})


def failed(code: str) -> dict[str, Any]:
    return completed(status="failed", error={"code": code, "message": "boom"})


def without(*kinds: str) -> list[dict[str, Any]]:
    return [event for event in FULL if event["type"].removeprefix("response.") not in kinds]


def bare(*names: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in event.items() if name not in names} for event in FULL]


POOR = {
    "as OpenAI sends it": FULL,
    "deltas only": [created(), *TEXT, completed()],
    "item events only": without("output_text.delta", "output_text.done", "content_part.added"),
    "the final answer only": [completed(message("Hello"))],
    "no deltas": without("output_text.delta"),
    "no item added": without("output_item.added"),
    "no item done": without("output_item.done"),
    "no beginning": without("created"),
    "final output empty (Codex' backend)": [*FULL[:-1], completed()],
    "no output_index (llama.cpp)": bare("output_index"),
    "no item_id": bare("item_id"),
    "no content_index": bare("content_index"),
    "ids change (Copilot)": [e | ({"item_id": f"i{n}"} if "item_id" in e else {}) for n, e in enumerate(FULL)],
    "keepalive": [FULL[0], {"type": "keepalive"}, {"type": "ping"}, *FULL[1:]],
    "queued first": [{**FULL[0], "type": "response.queued"}, *FULL],
    "unknown events": [FULL[0], {"type": "response.rate_limits.updated", "x": 1}, *FULL[1:]],
}


@pytest.mark.parametrize("found", POOR.values(), ids=POOR)
@pytest.mark.parametrize("named", [True, False])
def test_the_answer_is_said_once(found: list[dict[str, Any]], named: bool) -> None:
    response = answer(*found, named=named)
    assert texts(response) == ["Hello"]
    assert response.stop == Stop(reason="stop", native="completed")


@pytest.mark.parametrize("cut", [1, 3, 7, 64])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_split_invariance(cut: int, line_end: bytes) -> None:
    stream = b": hello\n\n" + sse(*FULL) + b"data: [DONE]\n\n"
    assert events(stream.replace(b"\n", line_end), cut) == events(sse(*FULL))


def test_several_messages_and_parts() -> None:
    """Two messages, the first of two parts; phases and other fields of an item stay with their texts."""
    first = message("One", "m1", phase="commentary")
    first["content"].append({"type": "output_text", "text": "Two", "annotations": []})
    second = message("Three", "m2", phase="final_answer")
    streamed = answer(created(), done(0, first), done(1, second), completed(first, second))
    assert texts(streamed) == ["One", "Two", "Three"]
    phases = [part.extras["openai_responses"]["phase"] for part in streamed.content if isinstance(part, Text)]
    assert phases == [Raw(b'"commentary"'), Raw(b'"commentary"'), Raw(b'"final_answer"')]
    assert streamed.content == twin(first, second).content


ARGUMENTS = {
    "type": "response.function_call_arguments.done",
    "output_index": 0,
    "item_id": "fc_1",
    "arguments": '{"a":1}',
}
PIECES = [delta("function_call_arguments", 0, piece, item_id="fc_1") for piece in ('{"a"', ":1}")]


@pytest.mark.parametrize(
    "found",
    [
        [added(0, call("")), *PIECES, ARGUMENTS, done(0, call('{"a":1}')), completed(call('{"a":1}'))],
        [added(0, call("")), *PIECES, completed()],
        [added(0, call("")), ARGUMENTS, completed()],
        [*PIECES, done(0, call('{"a":1}')), completed()],
        [added(0, call('{"a":1}')), *PIECES, done(0, call('{"a":1}')), completed()],
        [completed(call('{"a":1}'))],
    ],
    ids=["whole", "deltas", "arguments done", "no item added", "arguments in added", "final only"],
)
def test_calls(found: list[dict[str, Any]]) -> None:
    assert calls(*found) == [("call_1", "f", '{"a":1}')]


def test_calls_interleave() -> None:
    other = delta("function_call_arguments", 1, "{}")
    found = [added(0, call("", "f", 1)), added(1, call("", "g", 2)), PIECES[0], other, PIECES[1], completed()]
    assert calls(*found) == [("call_1", "f", '{"a":1}'), ("call_2", "g", "{}")]


def test_freeform_and_namespaced_calls() -> None:
    freeform = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "patch", "input": ""}
    spaced = call("{}", "spawn", 2, namespace="agents")
    pieces = [delta("custom_tool_call_input", 0, "*** "), delta("custom_tool_call_input", 0, "Begin")]
    response = answer(created(), added(0, freeform), *pieces, done(1, spaced), completed())
    first, second = response.content
    assert isinstance(first, ToolCall) and (first.kind, first.arguments) == ("custom", "*** Begin")
    assert isinstance(second, ToolCall) and second.namespace == "agents"
    assert response.stop == Stop(reason="tool_calls", native="completed")


PARAGRAPHS = ("One.", "Two.")
SUMMARY = [{"type": "summary_text", "text": text} for text in PARAGRAPHS]
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": SUMMARY, "encrypted_content": "gAA"}
SUMMED = [delta("reasoning_summary_text", 0, text, summary_index=n) for n, text in enumerate(PARAGRAPHS)]


@pytest.mark.parametrize(
    "found",
    [
        [added(0, THOUGHT | {"summary": []}), *SUMMED, done(0, THOUGHT)],
        [added(0, THOUGHT | {"summary": []}), done(0, THOUGHT)],
        [*SUMMED, done(0, THOUGHT)],
        [done(0, THOUGHT)],
        [],
    ],
    ids=["deltas", "no deltas", "no item added", "item done", "final only"],
)
def test_thought(found: list[dict[str, Any]]) -> None:
    part = answer(created(), *found, completed(THOUGHT)).content[0]
    assert isinstance(part, Reasoning)
    assert (part.summary, part.encrypted, part.id) == (("One.", "Two."), "gAA", "rs_1")


def test_thought_as_text_and_without_any() -> None:
    """Readable thought in parts; an item of which only the encrypted state came; an early form of summary deltas."""
    texted = {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    hidden = {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gBB"}
    old = {"type": "response.reasoning_summary.delta", "output_index": 2, "summary_index": 0, "delta": {"text": "Old."}}
    streamed = answer(created(), delta("reasoning_text", 0, "Hm."), done(0, texted), done(1, hidden), old, completed())
    assert [(p.text, p.summary, p.encrypted) for p in streamed.content if isinstance(p, Reasoning)] == [
        ("Hm.", (), None), ("", (), "gBB"), ("", ("Old.",), None)]  # fmt: skip


def test_refusals_citations_and_probabilities() -> None:
    note = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 1}
    cited = {"type": "response.output_text.annotation.added", "output_index": 0, "content_index": 0, "annotation": note}
    probable = delta("output_text", 0, "x", content_index=0, logprobs=[json.loads(bytes(PROBS))])
    refused = delta("refusal", 1, "No.", content_index=0)
    text, refusal = answer(created(), OPEN, probable, cited, refused, completed()).content
    assert isinstance(text, Text) and [c.url for c in text.citations] == ["https://a"] and len(text.logprobs) == 1
    assert refusal == Refusal(text="No.")


def test_the_tier_that_served_is_told_at_the_end() -> None:
    """The first event says what was asked for; a price may hang on the difference."""
    begun = created(service_tier="auto")
    assert answer(begun, completed(message("x"), service_tier="flex")).service_tier == "flex"
    assert answer(begun, completed(message("x"))).service_tier == "auto"


def test_the_name_of_the_event_is_no_type_of_error() -> None:
    """`error` events are flat, so their `type` is the event's."""
    error = failure(sse(created(), {"type": "error", "code": "rate_limit_exceeded", "message": "slow down"}))
    assert (error.type, error.code, error.kind) == (None, "rate_limit_exceeded", "rate_limit")


def test_hosted_items_are_carried_whole() -> None:
    """The vendor's own calls come in their final form; a picture is one that other dialects know, too."""
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "x"}}
    picture = {"type": "image_generation_call", "id": "ig_1", "result": "AAAA", "output_format": "webp", "size": "1x1"}
    begun = [
        added(0, {**search, "action": None}),
        added(1, {"type": "image_generation_call", "id": "ig_1", "result": None}),
    ]
    streamed = answer(created(), *begun, done(0, search), done(1, picture), completed())
    hosted, media = streamed.content
    assert isinstance(hosted, Opaque) and json.loads(bytes(hosted.data)) == search
    assert isinstance(media, Media) and (media.data, media.media_type) == ("AAAA", "image/webp")
    assert streamed.content == twin(search, picture).content


COUNTS = {"usage": {"input_tokens": 1, "output_tokens": 2}}


def test_searches_are_counted() -> None:
    """They are billed by the call, and no usage tells how many there were."""
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "x"}}
    items = (search, {**search, "id": "ws_2"}, message("Hello"))
    streamed = answer(created(), *(done(place, item) for place, item in enumerate(items)), completed(*items, **COUNTS))
    assert streamed.usage is not None and streamed.usage.searches == 2
    assert twin(*items, **COUNTS).usage == streamed.usage


def test_an_action_of_the_client_ends_like_a_call() -> None:
    """One that the vendor acted on itself, whose output follows, does not."""
    action = {"type": "shell_call", "id": "sh_1", "call_id": "c1", "action": {}}
    output = {"type": "shell_call_output", "call_id": "c1", "output": []}
    assert answer(created(), done(0, action), completed()).stop == Stop(reason="tool_calls", native="completed")
    assert answer(created(), done(0, action), done(1, output), completed()).stop == Stop(
        reason="stop", native="completed"
    )


@pytest.mark.parametrize(
    ("last", "stop"),
    [
        (cut_off("max_output_tokens"), Stop(reason="length", native="max_output_tokens")),
        (cut_off("content_filter"), Stop(reason="content_filter", native="content_filter")),
        (cut_off("brand_new"), Stop(reason="length", native="brand_new")),
        (completed() | {"type": "response.done"}, Stop(reason="stop", native="completed")),
        ({"type": "response.completed", "response": {}}, Stop(reason="stop", native="completed")),
    ],
)
def test_ends(last: dict[str, Any], stop: Stop) -> None:
    assert answer(created(), *TEXT, last).stop == stop


def test_usage() -> None:
    counts = {"input_tokens": 9, "output_tokens": 5, "total_tokens": 14, "input_tokens_details": {"cached_tokens": 4},
              "output_tokens_details": {"reasoning_tokens": 3}}  # fmt: skip
    assert answer(created(), *TEXT, completed(usage=counts)).usage == Usage(input=9, output=5, cached=4, reasoning=3)
    assert answer(created(), *TEXT, completed()).usage is None


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (b"", "upstream_truncated"),
        (sse(*FULL[:-1]), "upstream_truncated"),
        (sse(*FULL)[:-9], "upstream_truncated"),
        (sse(FULL[0]) + b'data: {"type":"response.output_text.delta","del\n\n', "upstream_protocol"),
        (sse(created(), {"type": "error", "code": "rate_limit_exceeded", "message": "boom"}), "rate_limit"),
        (sse(created(), {"type": "error", "error": {"code": "server_is_overloaded", "message": "boom"}}), "overloaded"),
        (sse(created()) + b'data: {"error":{"message":"boom","code":500}}\n\n', "upstream_error"),
        (sse(created(), failed("context_length_exceeded")), "context_length"),
        (sse(created(), completed(status="cancelled")), "upstream_error"),
    ],
)  # fmt: skip
def test_failures_of_the_stream(stream: bytes, kind: str) -> None:
    error = failure(stream)
    assert error.kind == kind
    assert "boom" in error.message or kind.startswith("upstream_")


def test_a_failure_keeps_its_counts() -> None:
    counts = {"input_tokens": 9, "output_tokens": 5}
    found = events(sse(created(), *TEXT, completed(status="failed", error={"message": "boom"}, usage=counts)))
    assert any(getattr(event, "usage", None) == Usage(input=9, output=5) for event in found)


def test_wrong_types_cost_only_themselves() -> None:
    odd = [created(created_at="2026-01-01", service_tier=5), *TEXT, completed(message("Hello"), metadata=None, id=7)]
    odd = [event | {"sequence_number": "x", "logprobs": None} for event in odd]
    assert texts(answer(*odd)) == ["Hello"]


def test_half_characters() -> None:
    stream = sse(created()).decode() + "".join(
        f'data: {{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"{half}"}}\n\n'
        for half in ("\\ud83d", "\\ude00!")
    )
    assert texts(fold(events(stream.encode() + sse(completed())))) == ["\U0001f600!"]


@pytest.mark.parametrize(("place", "number"), [(0, 0), (1, 10**7), (1, -1)], ids=["a message's", "far", "before"])
def test_a_summary_that_is_none(place: int, number: int) -> None:
    """Of an item that is no thought, or with a number that would fill the memory: nothing is said of it."""
    kind = "response.reasoning_summary_text.delta"
    odd = {"type": kind, "output_index": place, "summary_index": number, "delta": "Hm."}
    found = events(sse(*FULL[:5], odd, *FULL[5:]))
    assert not [event for event in found if isinstance(event, BlockDelta) and isinstance(event.delta, SummaryDelta)]
    assert texts(fold(found)) == ["Hello"]
