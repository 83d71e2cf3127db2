"""What a Messages client reads, streamed and whole: the full envelope, however poor the upstream's was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from messageswire import CLAUDE, OPENAI, REPLY, encoded, frames, playing, said
from msgspec import Raw

from hexapla.errors import Kind
from hexapla.ir.content import Citation, Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.envelope import open_envelope
from hexapla.ir.event import (
    BlockDelta,
    BlockStart,
    BlockStop,
    CitationDelta,
    MessageStart,
    MessageStop,
    Ping,
    ReasoningDelta,
    StreamError,
    SummaryDelta,
    TextDelta,
    UsageReport,
)
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, Stop, Usage
from hexapla.protocols.anthropic_messages import ANTHROPIC_MESSAGES
from hexapla.protocols.anthropic_messages.encode import MessagesEncoder
from hexapla.protocols.base import Reply
from hexapla.wire.rawjson import dump

FOREIGN = Reasoning(summary=("One.", "Two."), encrypted="gAA", id="rs_1", form="reasoning", origin=OPENAI)


def kinds(stream: bytes) -> list[str]:
    return [frame["type"] for frame in frames(stream)]


def blocks(stream: bytes) -> list[dict[str, Any]]:
    """The stream's blocks put together, as a client does it; one is open at a time."""
    made: list[dict[str, Any]] = []
    is_open = False
    for frame in frames(stream):
        if frame["type"] == "content_block_start":
            assert not is_open and frame["index"] == len(made)
            made.append({**frame["content_block"], "json": ""})
            is_open = True
        elif frame["type"] == "content_block_delta":
            assert is_open and frame["index"] == len(made) - 1
            for name, value in frame["delta"].items():
                field = {"partial_json": "json"}.get(name, name)
                if name == "citation":
                    made[-1]["citations"] = [*(made[-1]["citations"] or []), value]
                elif name != "type":
                    made[-1][field] = made[-1][field] + value
        elif frame["type"] == "content_block_stop":
            is_open = False
    return made


def test_the_envelope() -> None:
    """Events in order, a whole message in message_start, usage and reason in one message_delta."""
    found = [*playing(Text(text="Hi"))[:-1], UsageReport(Usage(input=100, output=5, cached=80)), MessageStop(stop=None)]
    stream = encoded(found)
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    assert kinds(stream) == ["message_start", *block, "message_delta", "message_stop"]
    first, last = frames(stream)[0]["message"], frames(stream)[-2]
    assert (first["id"], first["model"], first["role"], first["content"]) == ("r1", "m", "assistant", [])
    assert last["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert (last["usage"]["input_tokens"], last["usage"]["cache_read_input_tokens"]) == (20, 80)


def test_what_the_upstream_did_not_say() -> None:
    """No id, no model, no counts: ours, and an estimate of the input until the truth is known."""
    reply = Reply(id="gen-1", created=1, model="m", input_estimate=33)
    message = frames(encoded([MessageStart(), MessageStop(stop=Stop(reason="stop"))], reply))[0]["message"]
    assert (message["id"], message["model"], message["usage"]["input_tokens"]) == ("gen-1", "m", 33)


def test_interleaved_blocks_are_nested() -> None:
    """Calls that the upstream mixed come one after the other."""
    one, two = ToolCall(id="t1", name="f"), ToolCall(id="t2", name="g")
    mixed = [BlockStart(0, one), BlockStart(1, two), BlockDelta(1, TextDelta('{"b"')), BlockDelta(0, TextDelta('{"a":1}')),
             BlockDelta(1, TextDelta(":2}")), BlockStop(1), BlockStop(0)]  # fmt: skip
    stream = encoded([MessageStart(), *mixed, MessageStop(stop=Stop(reason="tool_calls"))])
    assert [(b["id"], b["name"], b["json"]) for b in blocks(stream)] == [("t1", "f", '{"a":1}'), ("t2", "g", '{"b":2}')]


def test_own_thought_goes_out_as_it_came() -> None:
    parts = (
        Reasoning(text="Hm.", signature="sig", form="thinking", origin=CLAUDE),
        Reasoning(encrypted="xyz", form="redacted_thinking", origin=CLAUDE),
        Reasoning(signature="s2", form="thinking", origin=CLAUDE),
    )
    found = blocks(encoded(playing(*parts)))
    assert [b.get("thinking", b.get("data")) for b in found] == ["Hm.", "xyz", ""]
    assert [b.get("signature") for b in found] == ["sig", None, "s2"]
    whole = said(GenerateResponse(content=parts))["content"]
    assert [b["type"] for b in whole] == ["thinking", "redacted_thinking", "thinking"]


def test_foreign_thought_travels_in_an_envelope() -> None:
    """Readable thought is a thinking block whose signature holds all of it; unreadable thought is redacted thinking."""
    hidden = Reasoning(encrypted="gBB", id="rs_2", form="reasoning", origin=OPENAI)
    shown, redacted = blocks(encoded(playing(FOREIGN, hidden)))
    assert (shown["type"], shown["thinking"]) == ("thinking", "One.\n\nTwo.")
    assert open_envelope(shown["signature"]) == FOREIGN
    assert redacted["type"] == "redacted_thinking" and open_envelope(redacted["data"]) == hidden
    assert open_envelope(said(GenerateResponse(content=(FOREIGN,)))["content"][0]["signature"]) == FOREIGN


@pytest.mark.parametrize("opened", [True, False])
def test_a_summary_is_said_once(opened: bool) -> None:
    """Whether or not an empty piece opens the paragraph first, and across paragraphs."""
    pieces = [SummaryDelta(0, "One"), SummaryDelta(0, "."), SummaryDelta(1, "Two.")]
    deltas = [BlockDelta(0, piece) for piece in ([SummaryDelta(0, "")] if opened else []) + pieces]
    bare = Reasoning(id="rs_1", form="reasoning", origin=OPENAI)
    late = BlockDelta(0, ReasoningDelta(encrypted="gAA"))
    found = [MessageStart(), BlockStart(0, bare), *deltas, late, BlockStop(0), MessageStop(stop=None)]
    [block] = blocks(encoded(found))
    assert block["thinking"] == "One.\n\nTwo." and open_envelope(block["signature"]) == FOREIGN


def test_freeform_calls_are_wrapped() -> None:
    """Messages knows objects only."""
    call = ToolCall(id="t1", name="patch", arguments="*** Begin", kind="custom")
    assert json.loads(blocks(encoded(playing(call)))[0]["json"]) == {"input": "*** Begin"}
    assert said(GenerateResponse(content=(call,)))["content"][0]["input"] == {"input": "*** Begin"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [("", {}), ("{}", {}), ('{"a": 1}', {"a": 1}), ("[1]", {"input": "[1]"}), ('{"a', {"input": '{"a'})],
)
def test_arguments_become_an_object(arguments: str, expected: Any) -> None:
    """Text that is no object is wrapped in a whole answer, never repaired."""
    losses = LossLog()
    response = GenerateResponse(content=(ToolCall(id="t1", name="f", arguments=arguments),))
    [block] = json.loads(ANTHROPIC_MESSAGES.render_response(response, REPLY, losses))["content"]
    assert block["input"] == expected
    assert [loss.field for loss in losses.losses] == (["content[0].arguments"] if "input" in expected else [])


def test_tokens_that_say_nothing_begin_no_block() -> None:
    """An empty text would be refused when it comes back."""
    call, token = ToolCall(id="t1", name="f", arguments="{}"), BlockDelta(1, TextDelta("", (Raw(b"{}"),)))
    found = [*playing(call)[:-1], BlockStart(1, Text(text="")), token, BlockStop(1), MessageStop(stop=None)]
    assert [block["type"] for block in blocks(encoded(found))] == ["tool_use"]


def test_a_summary_and_the_thought_itself_are_two_paragraphs() -> None:
    """As in a whole answer."""
    both = Reasoning(summary=("Short.",), text="Long.", form="reasoning", origin=OPENAI)
    [streamed] = blocks(encoded(playing(both)))
    parts = [BlockDelta(0, SummaryDelta(0, "Short.")), BlockDelta(0, TextDelta("Lo")), BlockDelta(0, TextDelta("ng."))]
    bare = Reasoning(form="reasoning", origin=OPENAI)
    [pieces] = blocks(encoded([MessageStart(), BlockStart(0, bare), *parts, BlockStop(0), MessageStop(stop=None)]))
    assert said(GenerateResponse(content=(both,)))["content"][0]["thinking"] == "Short.\n\nLong."
    assert streamed["thinking"] == pieces["thinking"] == "Short.\n\nLong."


def test_an_hour_of_writes_is_never_more_than_all() -> None:
    """Counts that contradict themselves make no negative one."""
    usage = said(GenerateResponse(usage=Usage(input=10, output=1, cache_write=40, cache_write_1h=30)))["usage"]
    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 10}


def test_citations() -> None:
    """Those with an address are search results; the vendor's own go out as they came; others are a loss."""
    own = {"type": "char_location", "cited_text": "c", "document_index": 0, "document_title": None,
           "start_char_index": 0, "end_char_index": 1, "file_id": None}  # fmt: skip
    citations = (
        Citation(url="https://a", title="A", origin="openai_chat"),
        Citation(origin="anthropic_messages", native=dump(own)),
        Citation(title="no address", origin="openai_chat"),
    )
    losses = LossLog()
    response = GenerateResponse(content=(Text(text="x", citations=citations),))
    body = json.loads(ANTHROPIC_MESSAGES.render_response(response, REPLY, losses))
    assert [c["type"] for c in body["content"][0]["citations"]] == ["web_search_result_location", "char_location"]
    assert [loss.field for loss in losses.losses] == ["content[0].citations"]
    assert [c["type"] for c in blocks(encoded(playing(Text(text="x", citations=citations))))[0]["citations"]] == [
        "web_search_result_location", "char_location"]  # fmt: skip


@pytest.mark.parametrize("part", [Text(text="x"), Refusal(text="x")])
def test_no_citations_are_an_empty_list(part: Text | Refusal) -> None:
    """The AI SDK's schema takes no null, OpenRouter's SDK wants the field."""
    body = json.loads(ANTHROPIC_MESSAGES.render_response(GenerateResponse(content=(part,)), REPLY, LossLog()))
    assert body["content"] == [{"type": "text", "text": "x", "citations": []}]


def test_sources_without_a_text_are_lost() -> None:
    """An empty text after a call would be refused when it comes back; one that is cited before it begins is not empty."""
    page = Citation(url="https://a")
    call = ToolCall(id="a", name="f", arguments="{}")
    content = (Text(text="x"), call, Text(text="", citations=(page,)))
    losses = LossLog()
    whole = json.loads(ANTHROPIC_MESSAGES.render_response(GenerateResponse(content=content), REPLY, losses))
    assert [block["type"] for block in whole["content"]] == ["text", "tool_use"]
    encoder = MessagesEncoder(REPLY, streamed := LossLog())
    told = b"".join(encoder.encode(event) for event in playing(*content))
    assert [block["type"] for block in blocks(told)] == ["text", "tool_use"]
    assert [loss.field for log in (losses, streamed) for loss in log.losses] == ["content[2].citations"] * 2
    cited = [
        BlockStart(2, Text(text="")),
        BlockDelta(2, CitationDelta(page)),
        BlockDelta(2, TextDelta("y")),
        BlockStop(2),
    ]
    events = playing(*content[:2])
    assert [block["type"] for block in blocks(encoded([*events[:-1], *cited, events[-1]]))] == [
        "text",
        "tool_use",
        "text",
    ]


def test_a_summary_and_the_thought_itself_are_both_shown() -> None:
    """A Responses item may hold both; a stream says both, and a whole answer must not say less."""
    thought = Reasoning(text="the thought", summary=("one", "two"), origin=OPENAI)
    body = json.loads(ANTHROPIC_MESSAGES.render_response(GenerateResponse(content=(thought,)), REPLY, LossLog()))
    assert body["content"][0]["thinking"] == "one\n\ntwo\n\nthe thought"


def test_what_messages_has_no_block_for() -> None:
    """Pictures and other dialects' items are a loss, and leave no hole in the numbering."""
    foreign = Opaque(origin=OPENAI, type="web_search_call", data=dump({"type": "web_search_call"}))
    block = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    own = Opaque(origin=CLAUDE, type="server_tool_use", data=dump(block))
    response = GenerateResponse(content=(Media(kind="image", data="AAAA"), foreign, own, Text(text="x")))
    losses = LossLog()
    body = json.loads(ANTHROPIC_MESSAGES.render_response(response, REPLY, losses))
    assert [b["type"] for b in body["content"]] == ["server_tool_use", "text"]
    assert [(loss.field, loss.severity) for loss in losses.losses] == [
        ("content[0]", "content"),
        ("content[1]", "content"),
    ]
    assert [b["type"] for b in blocks(encoded(playing(*response.content)))] == ["server_tool_use", "text"]


@pytest.mark.parametrize(
    ("stop", "reason", "sequence"),
    [
        (None, "end_turn", None),
        (Stop(reason="stop", native="stop"), "end_turn", None),
        (Stop(reason="length", native="length"), "max_tokens", None),
        (Stop(reason="length", native="model_context_window_exceeded"), "model_context_window_exceeded", None),
        (Stop(reason="tool_calls", native="stop"), "tool_use", None),
        (Stop(reason="content_filter"), "refusal", None),
        (Stop(reason="stop_sequence", sequence="END"), "stop_sequence", "END"),
        (Stop(reason="stop_sequence"), "end_turn", None),
        (Stop(reason="pause", native="pause_turn"), "pause_turn", None),
        (Stop(reason="pause", native="in_progress"), "pause_turn", None),
        # a relay's own word and the vendor's beside it: what was decided counts
        (Stop(reason="length", native="end_turn"), "max_tokens", None),
        (Stop(reason="tool_calls", native="end_turn"), "tool_use", None),
        (Stop(reason="stop", native="tool_use"), "end_turn", None),
    ],
)
def test_stop_reasons(stop: Stop | None, reason: str, sequence: str | None) -> None:
    """Streamed and whole, the same."""
    delta = frames(encoded(playing(Text(text="x"), stop=stop)))[-2]["delta"]
    whole = said(GenerateResponse(content=(Text(text="x"),), stop=stop))
    assert (delta["stop_reason"], delta["stop_sequence"]) == (reason, sequence)
    assert (whole["stop_reason"], whole["stop_sequence"]) == (reason, sequence)


def test_a_refusal_alone_is_the_reason() -> None:
    stop = Stop(reason="stop", native="completed")
    assert frames(encoded(playing(Refusal(text="No."), stop=stop)))[-2]["delta"]["stop_reason"] == "refusal"
    assert said(GenerateResponse(content=(Refusal(text="No."),), stop=stop))["stop_reason"] == "refusal"
    assert said(GenerateResponse(content=(Refusal(text="No."), Text(text="x")), stop=stop))["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(input=100, output=5), (100, 0, 0, 5)),
        (Usage(input=100, output=5, cached=80, cache_write=15), (5, 80, 15, 5)),
        (Usage(input=10, output=5, cached=80), (0, 10, 0, 5)),  # a provider that counts cached tokens apart
        (Usage(output=5), (0, 0, 0, 5)),
    ],
)
def test_usage_is_split(usage: Usage, expected: tuple[int, ...]) -> None:
    """The three input counts always add up to the input."""
    counts = said(GenerateResponse(content=(), usage=usage))["usage"]
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
    assert tuple(counts[name] for name in names) == expected


def test_a_heartbeat_is_a_ping() -> None:
    assert encoded([Ping()]) == b'event: ping\ndata: {"type":"ping"}\n\n'


@pytest.mark.parametrize(
    ("kind", "said_type", "expected"),
    [
        (Kind.OVERLOADED, None, "overloaded_error"),
        (Kind.RATE_LIMIT, "requests", "rate_limit_error"),
        (Kind.UPSTREAM_TRUNCATED, None, "api_error"),
        (Kind.UPSTREAM_ERROR, "overloaded_error", "overloaded_error"),
    ],
)
def test_an_error_ends_the_stream(kind: Kind, said_type: str | None, expected: str) -> None:
    """The dialect's own error event, and no message_stop after it."""
    stream = encoded([MessageStart(), StreamError(kind=kind, message="boom", type=said_type)])
    last = frames(stream)[-1]
    word = {"overloaded": "provider_overloaded", "rate_limit": "rate_limit_exceeded"}.get(kind, "provider_unavailable")
    assert last == {"type": "error", "error": {"type": expected, "message": "boom", "error_type": word}}
    assert b"message_stop" not in stream
