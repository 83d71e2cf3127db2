"""How long an exchange waits, and for what.

A silent endpoint, one that only sends pings and one that never ends are three different faults with a timer each; the
whole request has one more, which no attempt outlives.  Each candidate has timers of its own, since a model that thinks for
ten minutes and one that answers in two seconds are both well.

The defaults are longer than a fast failover would like (30 s for a head, 20 s between bytes), because models of today fall
silent for minutes while they think, without a ping: a timer that cuts off a healthy answer is the worse fault.  Codex waits
300 s for the next event of a stream, Claude Code 180 s (stream_idle_timeout_ms in openai/codex docs/config.md,
CLAUDE_STREAM_IDLE_TIMEOUT_MS, 2026-11).  Whoever wants to go on sooner hedges.

Rules of this file: pure; deadlines are times of the exchange's clock, infinity is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from hexapla.translate.lane import Stream  # a configuration names timers, and needs no translation for that

INFINITY = float("inf")
SETTLE_SECONDS = 0.5  # how long a terminator may take after everything that matters was seen


class Timers(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds; 0 means none.  `first` and `progress` count content, `idle` counts any byte, pings included.

    connect  name lookup, TCP, proxy and TLS together: two lost packets are made good within it
    write    in which the provider takes nothing more of the request (kept by the transport)
    head     until the head of an answer, which may be all the time that a whole one takes; once it has begun,
             `progress` is the time to complete it
    total    of the request, counted from its beginning
    """

    connect: float = 5.0
    write: float = 120.0
    head: float = 600.0
    first: float = 120.0
    idle: float = 120.0
    progress: float = 300.0
    total: float = 1800.0
    beat: float = 15.0


class Patience:
    """The deadlines of one candidate, in a request that `began` then."""

    def __init__(self, timers: Timers, clock: Callable[[], float], began: float, *, stream: bool) -> None:
        self._timers = timers
        self._stream = stream
        self.clock = clock
        self.end = began + timers.total if timers.total else INFINITY

    @property
    def late(self) -> bool:
        return self.clock() >= self.end

    def head(self) -> float:
        """For the head of an answer."""
        now, timers = self.clock(), self._timers
        head = now + timers.head if timers.head else INFINITY
        return min(self.end, head, _after(now, timers.first) if self._stream else INFINITY)

    def content(self) -> float:
        """For the first content."""
        return min(self.end, _after(self.clock(), self._timers.first))

    def more(self, begun: float | None) -> float:
        """For the next bytes of a body that began at `begun`: whoever has begun to say an answer knows all of it."""
        idle = _after(self.clock(), self._timers.idle) if self._stream else INFINITY
        return min(self.end, idle, INFINITY if begun is None else _after(begun, self._timers.progress))

    def flow(self, stream: Stream, progressed: float, heard: float) -> float:
        """For the next bytes of a stream that was `heard` last, and whose content grew last at `progressed`."""
        if stream.settled:
            return min(self.end, heard + SETTLE_SECONDS)
        timers = self._timers
        content = _after(progressed, timers.progress if stream.committed else timers.first)
        return min(self.end, content, _after(heard, timers.idle))

    def settle(self) -> float:
        """For the end of the body, when everything that matters is there."""
        return min(self.end, self.clock() + SETTLE_SECONDS)


def _after(now: float, seconds: float) -> float:
    return now + seconds if seconds else INFINITY
