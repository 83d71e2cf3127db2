"""The Hub where an upstream answers in the other way than asked: whole for a stream, a stream for a whole answer."""

from __future__ import annotations

import pytest

from hexapla.catalog.schema import Quirks
from hexapla.errors import Kind, UpstreamError
from hexapla.ir.content import Media, Origin, Text
from hexapla.ir.event import BlockDelta, BlockStart, MessageStart, StreamError, TextDelta, UsageReport
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
