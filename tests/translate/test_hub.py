"""The Hub where an upstream answers in the other way than asked: whole for a stream, a stream for a whole answer."""

from __future__ import annotations

import pytest

from hexapla.catalog.schema import Quirks
from hexapla.errors import Kind, UpstreamError
from hexapla.ir.content import Media, Origin, Text
from hexapla.ir.event import (
    BlockDelta,
    BlockStart,
    BlockStop,
    MessageStart,
    MessageStop,
    StreamError,
    TextDelta,
    UsageReport,
)
from hexapla.ir.fold import unfold
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, Stop, Usage
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.hub import Hub
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek

REPLY = Reply(id="gen-1", created=1, model="m", include_usage=True)
CHAT, MESSAGES, GEMINI = (PROTOCOLS[name] for name in ("openai_chat", "anthropic_messages", "gemini_generate"))
RESPONSES = PROTOCOLS["openai_responses"]


def opened(upstream: str, *, stream: bool) -> Hub:
    body = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":%b}' % (b"true" if stream else b"false")
    lane = Translation(peek("openai_chat", body), REPLY).open(
        Target(origin=Origin(upstream, "p"), model="up"), Quirks()
    )
    assert isinstance(lane, Hub)
    return lane


def test_what_a_played_stream_cannot_say_is_a_loss() -> None:
    """As it is where the upstream streams itself."""
    video = Media(kind="video", data="AAAA", media_type="video/mp4")
    answer = GenerateResponse(id="r", content=(Text(text="Look."), video), stop=Stop(reason="stop"))
    played, passed = opened(GEMINI.name, stream=True), opened(GEMINI.name, stream=True)
    played.simulate(GEMINI.render_response(answer, REPLY, LossLog()))
    stream, encoder = passed.stream(), GEMINI.encoder(REPLY)
    for event in unfold(answer):
        stream.feed(encoder.encode(event))
    stream.close()
    assert played.losses == passed.losses and [loss.field for loss in played.losses] == ["content[1]"]


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_end_tells_is_a_loss_as_well(stream: bool) -> None:
    """Fields of the whole answer stand at a stream's end, and an end may have no reason."""
    lane = opened(MESSAGES.name, stream=stream)
    if stream:
        events = (
            b'{"type":"message_start","message":{}}',
            b'{"type":"message_delta","delta":{"container":{"id":"c"}}}',
            b'{"type":"message_stop"}',
        )
        lane.stream().feed(b"".join([b"data: %b\n\n" % event for event in events]))
    else:
        lane.answer(b'{"type":"message","content":[{"type":"text","text":"x"}],"container":{"id":"c"}}')
    assert {loss.field for loss in lane.losses} == {"stop", "extras.anthropic_messages.container"}


def test_the_tier_that_served_reaches_the_books_and_the_client() -> None:
    """Responses begins a stream with the tier that was asked for and ends it with the one that served."""
    lane = opened(RESPONSES.name, stream=True)
    passed, encoder = lane.stream(), RESPONSES.encoder(REPLY)
    events = (MessageStart(id="r", service_tier="auto"), BlockStart(0, Text(text="x")), BlockStop(0))
    told = [passed.feed(encoder.encode(event)) for event in (*events, MessageStop(service_tier="flex"))]
    assert lane.summary.tier == "flex"
    assert b'"service_tier":"auto"' in told[0] and b'"service_tier":"flex"' in told[-1]


def test_a_gathered_stream_that_fails_is_noted() -> None:
    """What it used until then is in the books, and why it failed."""
    lane, encoder = opened(MESSAGES.name, stream=False), MESSAGES.encoder(REPLY)
    events = (
        MessageStart(id="r", usage=Usage(input=7, output=1)),
        BlockStart(0, Text(text="")),
        BlockDelta(0, TextDelta("Hel")),
        UsageReport(Usage(input=7, output=3)),
        StreamError(kind=Kind.OVERLOADED, message="boom"),
    )
    with pytest.raises(UpstreamError, match="boom"):
        lane.gather(b"".join([encoder.encode(event) for event in events]))
    summary = lane.summary
    assert summary.error is not None and summary.usage is not None and summary.usage.input == 7
