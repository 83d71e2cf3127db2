"""Events in the middle of a stream that cannot be read: what the Verbatim lane and the Hub do about them."""

from __future__ import annotations

import pytest

from hexapla.errors import Kind
from hexapla.ir.event import StreamError
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.summary import Summary
from hexapla.translate.verbatim import VerbatimStream
from server.wire import CHAT, GEMINI, MESSAGES, RESPONSES, TERMINATORS, ending, opening, piece

ALL = (CHAT, RESPONSES, MESSAGES, GEMINI)
TEXT = "abcdef"

protocols = pytest.mark.parametrize("protocol", ALL)


def told(protocol: str, middle: bytes) -> tuple[bytes, Summary]:
    """What a client hears of a stream with `middle` in it, in the Verbatim lane."""
    summary = Summary()
    reply = Reply(id="gen-1", created=1, model="m")
    stream = VerbatimStream(PROTOCOLS[protocol], reply, summary, hide_usage=False)
    parts = (opening(protocol) + piece(protocol, TEXT[:3]), middle, piece(protocol, TEXT[3:]), ending(protocol, TEXT))
    return b"".join([stream.feed(part) for part in parts]) + stream.close(), summary


@protocols
def test_noise_passes(protocol: str) -> None:
    """Nothing of the answer is in it: the Verbatim lane hands it on, decoders skip it."""
    heard, summary = told(protocol, b"data: hello\n\n")
    assert b"data: hello\n\n" in heard and summary.error is None and summary.stop == "stop"
    events = PROTOCOLS[protocol].decoder().feed(opening(protocol) + b"data: hello\n\n" + piece(protocol, TEXT))
    assert not any(isinstance(event, StreamError) for event in events)


@protocols
@pytest.mark.parametrize("spoilt", [b"data: {nonsense\n\n", b'data: {"type":"x","choices":[\n\n'])
def test_half_an_event_is_an_error_in_its_place(protocol: str, spoilt: bytes) -> None:
    heard, summary = told(protocol, spoilt)
    assert summary.error is not None and summary.error.kind == Kind.UPSTREAM_PROTOCOL
    assert spoilt not in heard and TEXT[3:].encode() not in heard
    assert protocol == GEMINI or TERMINATORS[protocol] not in heard


@protocols
def test_what_looks_like_content_is_not_read(protocol: str) -> None:
    """But for Chat, where reading is cheaper than looking; the client's SDK reads it, and raises."""
    spoilt = piece(protocol, "xyz").replace(b'"xyz"', b'"x"yz"')
    heard, summary = told(protocol, spoilt)
    assert (spoilt in heard) == (summary.error is None) == (protocol != CHAT)
