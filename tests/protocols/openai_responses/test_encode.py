"""What a Responses client reads, streamed and whole: the envelope in order, numbers, ids, and the SDK's strict helpers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace
from responseswire import (
    CLAUDE,
    EVENT,
    EVERYTHING,
    OPENAI,
    REPLY,
    WHOLE,
    client,
    encoded,
    final,
    frames,
    playing,
    said,
)

from hexapla.errors import ClientError, GatewayError, Kind, UpstreamError
from hexapla.ir.content import Citation, Media, Opaque, Reasoning, Text, ToolCall
from hexapla.ir.envelope import open_envelope
from hexapla.ir.event import MessageStart, Ping, StreamError, UsageReport
from hexapla.ir.fold import unfold
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop, Usage
from hexapla.protocols.openai_responses import OPENAI_RESPONSES
from hexapla.wire.rawjson import dump

ALL = encoded([*unfold(EVERYTHING)])


def kinds(stream: bytes) -> list[str]:
    return [frame["type"].removeprefix("response.") for frame in frames(stream)]


def both(*parts: ResponsePart) -> list[list[dict[str, Any]]]:
    """The output of a stream's last event, and of the whole answer."""
    return [final(encoded(playing(*parts)))["output"], said(GenerateResponse(content=parts))["output"]]


def test_the_envelope() -> None:
    """Every event of a text, in order."""
    assert kinds(encoded(playing(Text(text="Hi")))) == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.done",
        "content_part.done", "output_item.done", "completed"]  # fmt: skip


def test_numbers_places_and_ids() -> None:
    """Sequence numbers without a gap; each item is added and done under one place and one id; the end holds them all."""
    found = frames(ALL)
    assert [frame["sequence_number"] for frame in found] == list(range(len(found)))
    added = {f["output_index"]: f["item"]["id"] for f in found if f["type"] == "response.output_item.added"}
    done = {f["output_index"]: f["item"]["id"] for f in found if f["type"] == "response.output_item.done"}
    assert added == done and list(added) == list(range(len(EVERYTHING.content)))
    assert len(set(added.values())) == len(added)
    assert [item["id"] for item in found[-1]["response"]["output"]] == list(done.values())
    assert all(f["item_id"] == added[f["output_index"]] for f in found if "item_id" in f)


def test_every_event_is_strictly_valid() -> None:
    for frame in frames(ALL):
        if "custom_tool_call" not in json.dumps(frame):
            EVENT.validate_json(json.dumps(frame), strict=True)
    WHOLE.validate_json(json.dumps(said(EVERYTHING)), strict=True)


def test_a_stream_and_its_twin_end_alike() -> None:
    """But for ids that are made of places, the last event holds what the whole answer is."""
    assert final(ALL)["output"] == said(EVERYTHING)["output"]
    assert final(ALL)["usage"] == said(EVERYTHING)["usage"]


def test_the_official_helper_reads_it() -> None:
    """`responses.stream()` is strict about ids, places and order."""
    plain = GenerateResponse(id="r1", model="m", content=(Text(text="Hi"), ToolCall(id="t1", name="f", arguments="{}")))
    stream = encoded([*unfold(plain)])
    with client(stream).responses.stream(model="m", input="hi") as helper:
        texts = [event.delta for event in helper if event.type == "response.output_text.delta"]
        answer = helper.get_final_response()
    assert texts == ["Hi"] and answer.output_text == "Hi" and answer.output[1].type == "function_call"


def test_foreign_thought_travels_in_an_envelope() -> None:
    """As a summary that the client may show, with everything that must come back; the vendor's own goes out as it came."""
    foreign = Reasoning(text="Hm.", signature="sig", form="thinking", origin=CLAUDE)
    hidden = Reasoning(encrypted="xyz", form="redacted_thinking", origin=CLAUDE)
    own = Reasoning(summary=("One.", "Two."), encrypted="gAA", id="rs_9", form="reasoning", origin=OPENAI)
    for output in both(foreign, hidden, own):
        shown, silent, native = output
        assert [part["text"] for part in shown["summary"]] == ["Hm."] and silent["summary"] == []
        assert open_envelope(shown["encrypted_content"]) == foreign
        assert open_envelope(silent["encrypted_content"]) == hidden
        assert (native["id"], native["encrypted_content"], len(native["summary"])) == ("rs_9", "gAA", 2)


def test_pictures_and_foreign_items() -> None:
    """A picture keeps the fields of its item; what another vendor's tool did has no item here."""
    size = {"openai_responses": {"id": dump("ig_7"), "size": dump("1x1")}}
    picture = Media(kind="image", data="AAAA", extras=size)
    foreign = Opaque(origin=CLAUDE, type="server_tool_use", data=dump({"type": "server_tool_use"}))
    for output in both(picture, foreign):
        [item] = output
        assert (item["type"], item["id"], item["result"], item["size"]) == (
            "image_generation_call",
            "ig_7",
            "AAAA",
            "1x1",
        )


@pytest.mark.parametrize(
    ("stop", "status", "reason"),
    [
        (None, "completed", None),
        (Stop(reason="stop"), "completed", None),
        (Stop(reason="tool_calls"), "completed", None),
        (Stop(reason="length"), "incomplete", "max_output_tokens"),
        (Stop(reason="content_filter"), "incomplete", "content_filter"),
        (Stop(reason="pause", native="pause_turn"), "completed", None),
    ],
)
def test_ends(stop: Stop | None, status: str, reason: str | None) -> None:
    stream = encoded(playing(Text(text="x"), stop=stop))
    whole = said(GenerateResponse(content=(Text(text="x"),), stop=stop))
    assert kinds(stream)[-1] == status
    for answer in (final(stream), whole):
        assert (answer["status"], (answer["incomplete_details"] or {}).get("reason")) == (status, reason)


def test_usage_stands_in_the_last_event() -> None:
    counts = Usage(input=10, output=5, cached=4, reasoning=2)
    stream = encoded([*playing(Text(text="x"))[:-1], UsageReport(counts), playing()[-1]])
    usage = final(stream)["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (10, 5, 15)
    assert usage["input_tokens_details"]["cached_tokens"] == 4
    assert frames(stream)[0]["response"]["usage"] is None


def test_a_heartbeat_is_a_comment() -> None:
    assert encoded([Ping()]).startswith(b":")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Kind.CONTEXT_LENGTH, "context_length_exceeded"),
        (Kind.UPSTREAM_BILLING, "insufficient_quota"),
        (Kind.RATE_LIMIT, "rate_limit_exceeded"),
        (Kind.CONTENT_FILTER, "invalid_prompt"),
        (Kind.UPSTREAM_TRUNCATED, "server_error"),
    ],
)
def test_an_error_ends_in_failed(kind: Kind, code: str) -> None:
    """With what was said until then, and the words that Codex knows."""
    begun = playing(Text(text="Hi"))[:-2]
    stream = encoded([*begun, StreamError(kind=kind, message="boom")])
    answer = final(stream)
    assert kinds(stream)[-1] == "failed" and answer["status"] == "failed"
    assert answer["error"] == {"code": code, "message": "boom"}
    assert [item["status"] for item in answer["output"]] == ["incomplete"]


def test_an_error_before_anything_was_said() -> None:
    """The helper wants to hear of an answer first; a wait stands where Codex looks for it."""
    stream = encoded([StreamError(kind=Kind.RATE_LIMIT, message="Slow down.", retry_after=2.5)])
    assert kinds(stream) == ["created", "in_progress", "failed"]
    assert final(stream)["error"]["message"] == "Slow down. Please try again in 2.5s."


def test_a_stream_that_stops_is_a_failure() -> None:
    encoder = OPENAI_RESPONSES.encoder(REPLY)
    stream = encoder.encode(MessageStart()) + encoder.close()
    assert kinds(stream)[-1] == "failed" and encoder.close() == b""


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        (ClientError(Kind.INVALID_REQUEST, "bad", param="input[0]"), 400, ("invalid_request_error", None, "input[0]")),
        (UpstreamError(Kind.RATE_LIMIT, "bad", type="requests", code="x"), 429, ("requests", "x", None)),
        (UpstreamError(Kind.OVERLOADED, "bad"), 503, ("server_error", "server_is_overloaded", None)),
        (UpstreamError(Kind.UPSTREAM_TLS, "bad"), 502, ("server_error", "upstream_tls", None)),
    ],
)
def test_errors_as_the_sdk_knows_them(error: GatewayError, status: int, expected: tuple[Any, ...]) -> None:
    found, body = OPENAI_RESPONSES.render_error(error)
    inner = json.loads(body)["error"]
    assert found == status and (inner["type"], inner["code"], inner["param"]) == expected


def test_openrouters_clients_hear_its_words() -> None:
    """Its heartbeat, and `error_type` on a response that failed."""
    encoder = OPENAI_RESPONSES.encoder(replace(REPLY, openrouter=True))
    assert encoder.encode(Ping()) == b": OPENROUTER PROCESSING\n\n"
    failed = frames(encoder.encode(StreamError(kind="timeout", message="slow")))[-1]
    assert failed["type"] == "response.failed" and failed["response"]["error_type"] == "timeout"


def test_a_citation_without_a_place_stands_on_its_whole_text() -> None:
    """Messages cites with a block, which is a text of its own here; it is told when the text is known."""
    cited = Text(text="second", citations=(Citation(url="https://a"),))
    for output in both(Text(text="First, "), cited):
        (note,) = output[1]["content"][0]["annotations"]
        assert (note["start_index"], note["end_index"]) == (0, 6)
    told = frames(encoded(playing(cited)))
    (added,) = [frame for frame in told if frame["type"] == "response.output_text.annotation.added"]
    assert (added["annotation"]["end_index"], added["annotation_index"]) == (6, 0)
