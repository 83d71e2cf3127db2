"""Reads usage, stop reason, errors and the terminal event from bytes that pass by.

The Verbatim lane must not pay for decoding what it only forwards.  So the tap decodes everything until content has
appeared (an error hidden in a 200 must be seen before anything is committed), and from then on only the events that
can matter: one regular expression per protocol tells a plain content delta from the rest.  The rest goes through the
protocol's own decoder, so there is one place that knows what a finish reason or a usage report looks like.

A false positive costs a microsecond; a false negative cannot happen as long as the expression matches nothing but
events that carry content alone.  What does not end as JSON is looked at too: half an event must not pass as a whole one.
"""

from __future__ import annotations

import re

from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    BlockStart,
    MessageStart,
    MessageStop,
    StreamError,
    TextDelta,
    UsageReport,
)
from hexapla.protocols.base import StreamDecoder
from hexapla.translate.lane import Summary
from hexapla.wire.sse import Frame, SSEDecoder, frame

MATTERS: dict[str, re.Pattern[bytes]] = {
    # a chunk matters unless it only carries a delta: finish reasons, usage, errors, the end
    "openai_chat": re.compile(rb'"finish_reason":\s*"|"usage":\s*\{|"(?:error|x_groq|message)":|^\[DONE\]'),
    "anthropic_messages": re.compile(rb'^(?!.*"type":\s*"content_block_delta")', re.DOTALL),
    "openai_responses": re.compile(rb'^(?!\{\s*"type":\s*"response\.[a-z_]+\.delta")', re.DOTALL),
    # a call decides what STOP means; counts stand in nearly every chunk, so nearly every one is decoded
    "gemini_generate": re.compile(rb'"(?:finishReason|usageMetadata|error|promptFeedback|functionCall)"'),
}


DELTA_BYTES = 4
"""What a content delta counts for when nobody decodes it: providers send about a token a delta, about four bytes."""


class Tap:
    """Feed complete SSE bytes; read `summary` and the flags."""

    __slots__ = ("_decoder", "_frames", "_matters", "committed", "summary")

    def __init__(self, protocol: str, decoder: StreamDecoder, summary: Summary) -> None:
        self._decoder = decoder
        self._matters = MATTERS[protocol].search
        self._frames = SSEDecoder()
        self.summary = summary
        self.committed = False

    @property
    def done(self) -> bool:
        return self._decoder.done

    @property
    def settled(self) -> bool:
        return self._decoder.settled

    def feed(self, data: bytes) -> None:
        """Look at `data`, which passes by."""
        if not self.committed:
            self._note(self._decoder.feed(data))
            return
        for event in self._frames.feed(data):
            if self._matters(event.data) or not event.data.endswith(b"}"):
                self._note(self._decoder.feed(_reframe(event)))
            else:
                self.summary.text_bytes += DELTA_BYTES

    def close(self) -> None:
        """The bytes are over."""
        for event in self._frames.close():
            self._note(self._decoder.feed(_reframe(event)))
        self._note(self._decoder.close())

    def _note(self, events: list[AnyEvent]) -> None:
        for event in events:
            kind = type(event)
            if kind is BlockStart or kind is BlockDelta:
                self.committed = True
            note(self.summary, event)


def _reframe(event: Frame) -> bytes:
    return frame(event.data.replace(b"\n", b"\ndata: "), event.event)


def note(summary: Summary, event: AnyEvent) -> None:
    """Write into `summary` what `event` says of the whole answer."""
    kind = type(event)
    if kind is BlockDelta:
        assert isinstance(event, BlockDelta)
        if type(event.delta) is TextDelta:
            summary.text_bytes += len(event.delta.text)
    elif isinstance(event, MessageStart):
        summary.id = event.id
        summary.model = event.model
        if event.usage is not None:
            summary.usage = event.usage
    elif isinstance(event, UsageReport):
        summary.usage = event.usage if summary.usage is None else summary.usage.merge(event.usage)
    elif isinstance(event, MessageStop):
        summary.stop = event.stop.reason if event.stop else None
    elif isinstance(event, StreamError):
        summary.error = event
