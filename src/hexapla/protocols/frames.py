"""What every decoder of server-sent events does alike: bytes to frames, heartbeats to pings, an end to exactly one verdict.

A protocol's decoder says what a frame means (`_frame`) and what it means that the bytes are over (`_over`).

Rules of this file: nothing of any dialect; the shortest way through for a frame, because every token takes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar

from msgspec.structs import replace

from hexapla.errors import Kind, ProtocolError, UpstreamError
from hexapla.ir.event import AnyEvent, Ping, StreamError, UsageReport
from hexapla.ir.fold import event_of
from hexapla.protocols.failures import complaint
from hexapla.protocols.unread import Look
from hexapla.wire.rawjson import UNDECODABLE, broken
from hexapla.wire.sse import Frame, SSEDecoder
from hexapla.wire.surrogates import Halves

CUT_OFF = "The provider's stream ended before the answer was complete."
NO_ANSWER = "The provider's stream held no answer."


MOST_LOOKS = 4
"""Frames with something unknown in them that are looked through; vendors say the same of every one."""


class FrameDecoder:
    """The common part of a StreamDecoder (base.py).

    LOOK     reads the dialect's frames
    unread   what nobody reads of them, once `look` was called
    """

    LOOK: ClassVar[Look[Any]]

    def __init__(self) -> None:
        self._read = self.LOOK.read
        self._looks = 0
        self.unread: dict[str, None] = {}
        self._sse = SSEDecoder()
        self._halves = Halves()
        self._events: list[AnyEvent] = []
        self._between = False  # two events, as far as one knows
        self._started = False
        self._comments = 0
        self.text_index = -1
        self.done = False
        self.settled = False

    def look(self) -> None:
        """Look for what nobody reads."""
        self._read, self._looks = self.LOOK.strict, MOST_LOOKS

    def expect(self, names: Collection[str]) -> None:
        """The request has tools of these names."""

    def piece(self, data: bytes) -> str:
        """More of the open text, and nothing else; "" for what must be fed."""
        return ""

    def late(self, data: bytes) -> list[UsageReport]:
        """What is said after the end, and counts all the same."""
        return []

    def _read_again(self, data: bytes) -> Any:
        """What `_read` could not decode, where it only refused what is unknown in it; None for anything else."""
        if not self._looks:
            return None
        try:
            found = self.LOOK.read(data)
        except UNDECODABLE:
            return None
        self._note(self.LOOK.names(data))
        return found

    def _note(self, names: Iterable[str]) -> None:
        self.unread |= dict.fromkeys(names)
        self._looks -= 1
        if not self._looks:
            self._read = self.LOOK.read

    def feed(self, data: bytes) -> list[AnyEvent]:
        if self.done:
            return []
        try:
            frames = self._sse.feed(data)
        except ProtocolError as error:
            self._fail(Kind.UPSTREAM_PROTOCOL, error.message)
            return self._take()
        self._between = self._sse.between
        if self._sse.comments != self._comments:
            self._comments = self._sse.comments
            self._events.append(Ping())
        for frame in frames:
            self._frame(frame)
        return self._take()

    def close(self) -> list[AnyEvent]:
        if self.done:
            return []
        for frame in self._sse.close():
            if not broken(frame.data):  # half an event is no event: how the stream ended is told below
                self._frame(frame)
        if not self.done:
            self._over()
        return self._take()

    def _frame(self, frame: Frame) -> None:
        """Take in one frame; whatever comes after the terminal one is ignored."""
        raise NotImplementedError

    def _over(self) -> None:
        """The bytes are over, and no terminal event has come."""
        self._fail(Kind.UPSTREAM_TRUNCATED, CUT_OFF)

    def _fail(self, kind: Kind, message: str) -> None:
        self._events.append(StreamError(kind=kind, message=message))
        self.done = True

    def _complain(self, frame: Frame) -> bool:
        """Whether a frame that is none of the dialect says that the provider failed; then it did."""
        error = complaint(frame.event, frame.data)
        if error is not None:
            self._refuse(error)
        return error is not None

    def _refuse(self, error: UpstreamError) -> None:
        """The provider says that it failed."""
        self._events.append(replace(event_of(error), status=error.upstream_status))
        self.done = True

    def _take(self) -> list[AnyEvent]:
        events = self._events[:]
        self._events.clear()
        return events
