"""Streams as servers that speak Messages really send them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from messageswire import CLAUDE, STOP, answer, begin, delta, end, events, failure, finish, sse, start, text, twin

from hexapla.ir.content import Opaque, Reasoning, Text, ToolCall
from hexapla.ir.event import BlockDelta, MessageStop, TextDelta
from hexapla.ir.fold import fold
from hexapla.ir.response import Stop, Usage
from hexapla.protocols.anthropic_messages import ANTHROPIC_MESSAGES

CALL = [begin(0, type="tool_use", id="t1", name="f", input={}), delta(0, "input_json", partial_json='{"a":'),
        delta(0, "input_json", partial_json=""), delta(0, "input_json", partial_json="1}"), end(0)]  # fmt: skip
PLAIN = [start(), *text(0, "Hel", "lo \U0001f600"), finish(), STOP]


def calls(*found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(id, name, arguments) of the calls of an answer."""
    return [(p.id, p.name, p.arguments) for p in answer(start(), *found).content if isinstance(p, ToolCall)]


def test_text_and_usage() -> None:
    """The plain case; counts of the start and of the end are one report."""
    response = answer(*PLAIN)
    assert response.content == (Text(text="Hello \U0001f600"),)
    assert (response.id, response.model, response.usage) == ("msg_1", "up", Usage(input=3, output=2))
    assert response.stop == Stop(reason="stop", native="end_turn")


@pytest.mark.parametrize("cut", [1, 2, 7, 64])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_split_invariance(cut: int, line_end: bytes) -> None:
    """However the bytes are cut and the lines end, the events are the same."""
    stream = sse(*PLAIN[:-2], {"type": "ping"}, *PLAIN[-2:])
    assert events(stream.replace(b"\n", line_end), cut) == events(sse(*PLAIN))


@pytest.mark.parametrize(
    "stream",
    [
        sse(*PLAIN, named=False),
        sse(*PLAIN) + b"data: [DONE]\n\n",
        sse(*PLAIN[:-1]),  # the end of the bytes after a stop reason
        sse(*PLAIN).rstrip(b"\n"),
        sse(start(), *text(0, "Hello \U0001f600")[:-1], finish(), STOP),  # a block that nobody stopped
        sse(PLAIN[0], PLAIN[0], *PLAIN[1:]),
        sse(start(), {"type": "new_event", "x": [1]}, delta(0, "text", text="Hello \U0001f600"), finish(), STOP),
        sse(start(), begin(0, type="text", text="Hel"), delta(0, "text", text="lo \U0001f600"), end(0), finish(), STOP),
        sse(start(), *text(7, "Hello \U0001f600"), finish(), STOP),
        b": comment\n\n" + sse(*PLAIN),
        sse(*PLAIN).replace(b'"type": "message_start", ', b"").replace(b'"type": "message_delta", ', b""),
    ],
    ids=["no event lines", "[DONE]", "no message_stop", "no last blank line", "no block stop", "two starts", "unknown",
         "text in the start", "index from 7", "comment", "type in the event line only"],
)  # fmt: skip
def test_poor_and_odd_streams_say_the_same(stream: bytes) -> None:
    """None of these differs from the plain case."""
    response = fold(events(stream))
    assert response.content == (Text(text="Hello \U0001f600"),)
    assert response.stop == Stop(reason="stop", native="end_turn")


def test_no_message_start() -> None:
    """llama.cpp leaves it out when its first token is half a character; Claude Code fails then, we do not."""
    response = answer(*text(0, "\u00e9"), finish(), STOP)
    assert response.content == (Text(text="\u00e9"),) and response.id is None


@pytest.mark.parametrize(
    "last",
    [
        {"input_tokens": 12, "output_tokens": 9},
        {"input_tokens": 12, "output_tokens": 9, "cache_read_input_tokens": None},
    ],
)
def test_a_report_replaces_the_fields_that_it_names(last: dict[str, Any]) -> None:
    """The sum is made of all fields: a later input count does not take the cached tokens away."""
    first = {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 5, "output_tokens": 1}
    usage = answer(start(usage=first), *text(0, "x"), finish(usage=last), STOP).usage
    assert usage == Usage(input=117, output=9, cached=100, cache_write=5)


def test_counts_that_come_at_the_end_only() -> None:
    """Cached tokens reported beside an earlier input count are added to it; nothing is not zero."""
    late = finish(usage={"cache_read_input_tokens": 40, "output_tokens": 9})
    assert answer(start(), *text(0, "x"), late, STOP).usage == Usage(input=43, output=9, cached=40)
    assert answer(start(usage=None), *text(0, "x"), finish(usage={}), STOP).usage is None


def test_own_counts_are_kept() -> None:
    """One-hour writes, thinking tokens and what only this API counts."""
    said = {
        "input_tokens": 1,
        "output_tokens": 5,
        "cache_creation_input_tokens": 7,
        "service_tier": "standard",
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        "output_tokens_details": {"thinking_tokens": 4},
    }
    usage = answer(start(), *text(0, "x"), finish(usage=said), STOP).usage
    assert usage is not None and (usage.input, usage.cache_write, usage.cache_write_1h, usage.reasoning) == (8, 7, 4, 4)
    assert bytes(usage.extras["anthropic_messages"]["service_tier"]) == b'"standard"'


def test_searches_are_counted() -> None:
    """They are billed apart from tokens; the count stays what the vendor's own clients read."""
    said = {"output_tokens": 4, "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0}}
    usage = answer(start(), *text(0, "x"), finish(usage=said), STOP).usage
    assert usage is not None and usage.searches == 2 and "server_tool_use" in usage.extras["anthropic_messages"]


def test_a_call_in_pieces() -> None:
    assert calls(*CALL, finish("tool_use"), STOP) == [("t1", "f", '{"a":1}')]


@pytest.mark.parametrize("repeated", [False, True])
def test_input_in_the_start_of_a_call(repeated: bool) -> None:
    """Some say the input whole when the call begins, and some of them say it again in deltas."""
    whole = begin(0, type="tool_use", id="t1", name="f", input={"a": 1})
    again = CALL[1:-1] if repeated else []
    assert calls(whole, *again, end(0), finish("tool_use"), STOP) == [
        ("t1", "f", '{"a":1}' if repeated else '{"a": 1}')
    ]


def test_blocks_interleave_and_stop_late() -> None:
    """llama.cpp opens a second block before the first is stopped; every delta finds its own."""
    second = begin(1, type="tool_use", id="t2", name="g", input={})
    found = [CALL[0], second, delta(1, "input_json", partial_json="{}"), *CALL[1:4], end(0), end(1)]
    assert calls(*found, finish("tool_use"), STOP) == [("t1", "f", '{"a":1}'), ("t2", "g", "{}")]


def test_thinking_and_its_proof() -> None:
    """Thinking with a signature, thinking of which only the signature came, redacted thinking; estimates say nothing."""
    found = [begin(0, type="thinking", thinking="", signature=""), delta(0, "thinking", thinking="Hm."),
             delta(0, "thinking", thinking="", estimated_tokens=50), delta(0, "signature", signature="sig"), end(0),
             begin(1, type="thinking", thinking=""), delta(1, "signature", signature="s2"), end(1),
             begin(2, type="redacted_thinking", data="xyz"), end(2)]  # fmt: skip
    assert answer(start(), *found, finish(), STOP).content == (
        Reasoning(text="Hm.", signature="sig", form="thinking", origin=CLAUDE),
        Reasoning(signature="s2", form="thinking", origin=CLAUDE),
        Reasoning(encrypted="xyz", form="redacted_thinking", origin=CLAUDE),
    )


def test_the_proof_of_a_thought_that_is_none() -> None:
    found = [
        begin(0, type="text", text=""),
        delta(0, "text", text="Hi."),
        delta(0, "signature", signature="sig"),
        end(0),
    ]
    said = events(sse(start(), *found, finish(), STOP))
    assert [event.delta for event in said if isinstance(event, BlockDelta)] == [TextDelta("Hi.")]


def test_citations_come_one_by_one() -> None:
    note = {
        "type": "web_search_result_location",
        "url": "https://a",
        "title": "A",
        "cited_text": "c",
        "encrypted_index": "e",
    }
    found = [begin(0, type="text", text="", citations=[]), delta(0, "citations", citation=note), *text(0, "x")[1:]]
    part = answer(start(), *found, finish(), STOP).content[0]
    assert isinstance(part, Text) and [(c.url, c.title, c.cited_text) for c in part.citations] == [
        ("https://a", "A", "c")
    ]


def test_server_tools_are_gathered_whole() -> None:
    """The vendor's own blocks stay what they are, with their streamed input; compaction, whose deltas are new, as well."""
    found = [begin(0, type="server_tool_use", id="s1", name="web_search", input={}),
             delta(0, "input_json", partial_json='{"query":"x"}'), end(0),
             begin(1, type="web_search_tool_result", tool_use_id="s1", content=[{"type": "web_search_result"}]), end(1),
             begin(2, type="compaction", content=None), delta(2, "compaction", content="All of it."), end(2)]  # fmt: skip
    parts = answer(start(), *found, finish("pause_turn"), STOP).content
    assert [type(part) for part in parts] == [Opaque] * 3
    bodies = [json.loads(bytes(part.data)) for part in parts if isinstance(part, Opaque)]
    assert bodies[0]["input"] == {"query": "x"} and bodies[1]["content"] and bodies[2]["content"] == "All of it."


def test_the_whole_message_in_its_start() -> None:
    """Programmatic calls: everything stands in message_start, and no message_delta follows."""
    block = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}
    stream = sse(start(content=[block], stop_reason="tool_use"), STOP)
    assert events(stream)[-1] == MessageStop(stop=Stop(reason="tool_calls", native="tool_use"))


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop_sequence"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "pause"),
        ("compaction", "pause"),
        ("refusal", "content_filter"),
        ("brand_new", "stop"),
    ],
)
def test_stop_reasons(native: str, reason: str) -> None:
    """Every word of the API, and one of tomorrow; a stream and its twin agree, and the sequence is kept."""
    streamed = answer(start(), finish(native, stop_sequence="END"), STOP).stop
    assert (
        streamed
        == twin(stop_reason=native, stop_sequence="END").stop
        == Stop(reason=reason, native=native, sequence="END")
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (b"", "upstream_truncated"),
        (sse(start(), *text(0, "x")), "upstream_truncated"),
        (sse(start(), begin(0, type="text", text=""))[:-9], "upstream_truncated"),
        (sse(STOP), "upstream_empty"),
        (sse(start()) + b'data: {"type":"content_block_start","index":0,"content_blo\n\n', "upstream_protocol"),
        (sse(start(), {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}), "overloaded"),
        (b'event: error\ndata: {"type":"api_error","message":"Overloaded"}\n\n', "upstream_error"),
        (b'event: error\ndata: [{"error":{"code":429,"message":"Overloaded"}}]\n\n', "rate_limit"),
        (sse(start()) + b'data: {"error":{"code":500,"message":"Overloaded","type":"server_error"}}\n\n', "upstream_error"),
    ],
)  # fmt: skip
def test_failures_of_the_stream(stream: bytes, kind: str) -> None:
    """No end is no success, whatever was said before; errors are told in whichever form they came."""
    error = failure(stream)
    assert error.kind == kind
    assert "Overloaded" in error.message or not kind.startswith(("over", "rate", "upstream_error"))


def test_wrong_types_cost_only_themselves() -> None:
    """A number where a string belongs loses the field, not the event."""
    odd = start(id=77, model=5, stop_sequence=1)
    response = answer(
        odd, *text(0, "x"), finish(stop_sequence=7, usage={"input_tokens": "many", "output_tokens": 4}), STOP
    )
    assert response.content == (Text(text="x"),) and response.stop == Stop(reason="stop", native="end_turn")
    assert response.id is None and response.usage is not None and response.usage.output == 4
    whole = twin({"type": "text", "text": "x"}, id=77, stop_sequence=1)
    assert whole.content == (Text(text="x"),) and whole.id is None


def test_half_characters() -> None:
    """An emoji that was cut between two chunks is joined; in a whole answer a lone half costs only itself."""
    pieces = sse(start(), begin(0, type="text", text="")).decode()
    pieces += 'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\ud83d"}}\n\n'
    pieces += 'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\ude00!"}}\n\n'
    response = fold(events(pieces.encode() + sse(end(0), finish(), STOP)))
    assert response.content == (Text(text="\U0001f600!"),)
    body = b'{"type":"message","content":[{"type":"text","text":"a\\ud83d"}],"stop_reason":"end_turn"}'
    assert ANTHROPIC_MESSAGES.parse_response(body).content == (Text(text="a\ufffd"),)
