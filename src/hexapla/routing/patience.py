"""How long an exchange waits, and for what.

A silent endpoint, one that only sends pings and one that never ends are three different faults with a timer each; the
whole request has one more, which no attempt outlives.

Rules of this file: pure; deadlines are times of the exchange's clock, infinity is none.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hexapla.translate.lane import Stream

SETTLE_SECONDS = 0.5  # how long a terminator may take after everything that matters was seen


class Timers(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds; 0 means none.  `first` and `progress` count content, `idle` counts any byte, pings included."""

    first: float = 120.0
    idle: float = 120.0
    progress: float = 300.0
    total: float = 1800.0
    beat: float = 15.0


class Patience:
    """The deadlines of one request.  `timers.total` begins now."""

    def __init__(self, timers: Timers, clock: Callable[[], float], *, stream: bool) -> None:
        self._timers = timers
        self._stream = stream
        self.clock = clock
        self.end = _after(clock(), timers.total)

    @property
    def late(self) -> bool:
        return self.clock() >= self.end

    def head(self) -> float:
        """For the head of an answer; a whole one may take as long as the request."""
        return self.content() if self._stream else self.end

    def content(self) -> float:
        """For the first content."""
        return min(self.end, _after(self.clock(), self._timers.first))

    def more(self) -> float:
        """For the next bytes of a body."""
        return min(self.end, _after(self.clock(), self._timers.idle if self._stream else 0.0))

    def flow(self, stream: Stream, progressed: float) -> float:
        """For the next bytes of a stream whose content grew last at `progressed`."""
        if stream.settled:
            return self.settle()
        now, timers = self.clock(), self._timers
        content = _after(progressed, timers.progress if stream.committed else timers.first)
        return min(self.end, content, _after(now, timers.idle))

    def settle(self) -> float:
        """For a terminator, or the end of the body, when everything that matters is there."""
        return min(self.end, self.clock() + SETTLE_SECONDS)


def _after(now: float, seconds: float) -> float:
    return now + seconds if seconds else float("inf")
