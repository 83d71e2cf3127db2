"""Events as a Responses stream.

The full envelope in order, numbered from 0: created, in_progress, each item added and done with its parts, and the whole
answer in completed, incomplete or failed.  Items may be open at the same time, as the dialect allows.  A stream that stops
without a terminal event ends in response.failed, never in silence.

Rules of this file: the envelope and the end; items are said by their writers (`writers.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.errors import Kind
from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    BlockStart,
    BlockStop,
    MessageStart,
    MessageStop,
    Ping,
    StreamError,
    TextDelta,
    UsageReport,
)
from hexapla.ir.loss import LossLog
from hexapla.ir.response import Usage
from hexapla.protocols.base import Reply, heartbeat
from hexapla.protocols.error_types import ERROR_TYPES
from hexapla.protocols.openai_responses.errors import stream_error
from hexapla.protocols.openai_responses.response import ending, envelope, tier_of
from hexapla.protocols.openai_responses.words import Ids, render_usage
from hexapla.protocols.openai_responses.writer import Lines, Writer
from hexapla.protocols.openai_responses.writers import open_writer

Json = dict[str, Any]

_json = msgspec.json.Encoder().encode


class ResponsesEncoder:
    """See StreamEncoder."""

    def __init__(self, reply: Reply, losses: LossLog | None = None) -> None:
        self._reply = reply
        self._usage: Usage | None = None
        self._open: dict[int, Writer] = {}
        self._output: dict[int, Json] = {}  # finished items by place
        self._envelope: Json = {}
        self._ended = False
        self.losses = LossLog() if losses is None else losses
        self._lines = Lines(Ids(reply.id), self.losses)

    def encode(self, event: AnyEvent) -> bytes:
        return _ENCODE[type(event)](self, event)

    def more(self, index: int, text: str) -> bytes:
        return self.encode(BlockDelta(index, TextDelta(text)))

    def close(self) -> bytes:
        if self._ended or not self._envelope:
            return b""
        message = "The stream ended before the answer was complete."
        return self._error(StreamError(kind=Kind.UPSTREAM_TRUNCATED, message=message))

    def _start(self, event: MessageStart) -> bytes:
        self._usage = event.usage
        self._envelope = envelope(event, self._reply, self.losses)
        self._lines.ids = Ids(self._envelope["id"])
        begun = {"response": Raw(_json(self._envelope))}
        return self._lines.event("response.created", begun) + self._lines.event("response.in_progress", begun)

    # items

    def _block_start(self, event: BlockStart) -> bytes:
        writer = self._open[event.index] = open_writer(event.part, event.index, self._lines)
        return writer.begin()

    def _block_delta(self, event: BlockDelta) -> bytes:
        return self._open[event.index].delta(event.delta)

    def _block_stop(self, event: BlockStop) -> bytes:
        writer = self._open.pop(event.index)
        out = writer.end()
        if writer.item is not None:
            self._output[writer.place] = writer.item
        return out

    # the end

    def _usage_report(self, event: UsageReport) -> bytes:
        self._usage = event.usage if self._usage is None else self._usage.merge(event.usage)
        return b""

    def _ping(self, event: Ping) -> bytes:
        return heartbeat(self._reply)

    def _stop(self, event: MessageStop) -> bytes:
        said = ending(event.stop, self.losses)
        said |= tier_of(event, self.losses)
        return self._finish(said["status"], said)

    def _error(self, event: StreamError) -> bytes:
        """A failed answer holds what was said until then; half a call is not said again."""
        begun = b"" if self._envelope else self._start(MessageStart())  # the SDK's helper wants to hear of it first
        for writer in self._open.values():
            if writer.place >= 0 and (item := writer.unfinished()) is not None:
                self._output[writer.place] = item
        kind = ERROR_TYPES[Kind(event.kind)]
        said: Json = {"status": "failed", "error": stream_error(event), "error_type": kind}
        return begun + self._finish("failed", said)

    def _finish(self, status: str, said: Json) -> bytes:
        self._ended = True
        usage = render_usage(self._usage) if self._usage is not None else None
        output = [self._output[place] for place in sorted(self._output)]
        answer = self._envelope | {"output": output, "usage": usage} | said
        return self._lines.event(f"response.{status}", {"response": answer})


_ENCODE: dict[type, Callable[[ResponsesEncoder, Any], bytes]] = {
    MessageStart: ResponsesEncoder._start,
    BlockStart: ResponsesEncoder._block_start,
    BlockDelta: ResponsesEncoder._block_delta,
    BlockStop: ResponsesEncoder._block_stop,
    UsageReport: ResponsesEncoder._usage_report,
    Ping: ResponsesEncoder._ping,
    MessageStop: ResponsesEncoder._stop,
    StreamError: ResponsesEncoder._error,
}
