"""A stream that passes by ends once, at its own last event, however that is said and whatever else comes."""

from __future__ import annotations

import json

import pytest

from hexapla.catalog.schema import Quirks
from hexapla.errors import Kind
from hexapla.ir.content import Origin
from hexapla.ir.event import StreamError
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.translate.lane import Stream
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek
from hexapla.wire.sse import MAX_EVENT
from server.wire import CHAT, DIALECTS, MESSAGES, RESPONSES, TERMINATORS, ask, ending, opening, piece

DONE = b"data: [DONE]\n\n"
AFTER = {
    "done": DONE,
    "ping": b'event: ping\ndata: {"type":"ping","cost":"0"}\n\n',  # OpenCode Zen's Responses, with what it cost
    "ghost": b"",  # another piece of text
    "again": b"",  # all of the end once more
    "error": b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"boom"}}\n\n',
    "comment": b": bye\n\n",
    "half": b'data: {"id":"c1","choi',
}
PARTS = {protocol: (opening(protocol), piece(protocol, "Hello"), ending(protocol, "Hello")) for protocol in DIALECTS}


def after(protocol: str, name: str) -> bytes:
    return AFTER[name] or (piece(protocol, "ghost") if name == "ghost" else PARTS[protocol][2])


def opened(protocol: str) -> Stream:
    fields = {"stream_options": {"include_usage": True}} if protocol == CHAT else {}
    peeked = peek(protocol, ask(protocol, "m", stream=True, **fields))
    lane = Translation(peeked, Reply(id="gen-1", created=1, model="m")).open(
        Target(origin=Origin(protocol, "p"), model="m"), Quirks()
    )
    assert lane.name == "verbatim"
    return lane.stream()


def incomplete(data: bytes) -> bytes:
    return data.replace(b"response.completed", b"response.incomplete").replace(
        b'"status": "completed", "model"', b'"status": "incomplete", "model"'
    )


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("name", AFTER)
@pytest.mark.parametrize("protocol", DIALECTS)
def test_what_follows_the_last_event_is_nobodys(protocol: str, name: str, apart: bool) -> None:
    """In the same bytes, or in others."""
    begun, text, end = PARTS[protocol]
    stream = opened(protocol)
    heard = stream.feed(begun) + stream.feed(text)
    if apart:
        heard += stream.feed(end) + stream.feed(after(protocol, name))
    else:
        heard += stream.feed(end + after(protocol, name))
    assert stream.done and not stream.failed
    assert heard + stream.close() == begun + text + end
    assert stream.summary.stop == "stop"


@pytest.mark.parametrize("protocol", DIALECTS)
def test_an_end_stands_whatever_fails_later(protocol: str) -> None:
    """An event without end, or a connection that breaks."""
    data = b"".join(PARTS[protocol])
    stream = opened(protocol)
    assert stream.feed(data) == data
    assert stream.feed(b"x" * (MAX_EVENT + 1)) == b""
    assert stream.fail(StreamError(kind=Kind.UPSTREAM_CONNECT, message="gone")) == stream.close() == b""
    assert not stream.failed


@pytest.mark.parametrize("name", ["done", "ghost", "error"])
def test_an_answer_that_reached_its_limit_ends_as_one(name: str) -> None:
    begun, text, end = PARTS[RESPONSES]
    stream = opened(RESPONSES)
    heard = stream.feed(begun + text + incomplete(end) + after(RESPONSES, name)) + stream.close()
    assert heard == begun + text + incomplete(end) and stream.summary.stop == "length"


@pytest.mark.parametrize("name", AFTER)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_a_failure_is_the_last_word(name: str, line_end: bytes) -> None:
    begun, text, _ = PARTS[RESPONSES]
    response = {"id": "resp_1", "status": "failed", "error": {"code": "server_error", "message": "no"}}
    failed = f"event: response.failed\ndata: {json.dumps({'type': 'response.failed', 'response': response})}\n\n"
    data = (begun + text + failed.encode() + after(RESPONSES, name)).replace(b"\n", line_end)
    stream = opened(RESPONSES)
    heard = stream.feed(data) + stream.close()
    assert stream.failed and heard.count(b"event: response.failed") == 1
    assert heard.startswith((begun + text).replace(b"\n", line_end))
    assert json.loads(heard.splitlines()[-2].removeprefix(b"data: "))["type"] == "response.failed"


@pytest.mark.parametrize("left", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize("protocol", DIALECTS)
def test_a_last_event_without_its_blank_line_is_said_once(protocol: str, left: bytes) -> None:
    """Two streams of 2,459 end so."""
    data = b"".join(PARTS[protocol])
    stream = opened(protocol)
    heard = stream.feed(data[:-2] + left) + stream.close()
    assert heard == data and not stream.failed and stream.close() == b""
    assert heard.count(b"event: " + TERMINATORS[protocol]) == (protocol != CHAT)


@pytest.mark.parametrize("cut", range(1, len(DONE) - 2))
def test_half_a_last_word_is_said_whole(cut: int) -> None:
    """A program that reads `[DO` as JSON would fail at an answer that is all there."""
    begun, text, end = PARTS[CHAT]
    stream = opened(CHAT)
    heard = stream.feed(begun + text + end.removesuffix(DONE) + DONE[:cut]) + stream.close()
    assert heard == begun + text + end and not stream.failed


def test_a_hidden_count_stays_hidden_in_a_last_event_without_its_blank_line() -> None:
    usage = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
    begun, text, end = PARTS[CHAT]
    lane = Translation(peek(CHAT, ask(CHAT, "m", stream=True)), Reply(id="gen-1", created=1, model="m")).open(
        Target(origin=Origin(CHAT, "p"), model="m"), Quirks()
    )
    stream = lane.stream()
    heard = stream.feed(begun + text + end.removesuffix(DONE) + usage[:-2]) + stream.close()
    assert b'"choices":[]' not in heard and heard.endswith(DONE)
    assert stream.summary.usage is not None and stream.summary.usage.output == 2


def test_text_that_is_whole_without_its_blank_line_is_heard_before_the_failure() -> None:
    begun, text, _ = PARTS[MESSAGES]
    stream = opened(MESSAGES)
    heard = stream.feed(begun + text + text[:-2]) + stream.close()
    assert heard.startswith(begun + text + text) and heard.count(b"event: error") == 1 and stream.failed
