"""The stream grammar of `event.py`, as a checker.

Tests run every decoder through it; the Hub lane does in debug mode.  Encoders may assume that what they get obeys it.
"""

from __future__ import annotations

from collections.abc import Iterable

from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    BlockStart,
    BlockStop,
    MessageStart,
    MessageStop,
    Ping,
    StreamError,
    UsageReport,
)


class GrammarError(AssertionError):
    """A decoder broke the grammar: a bug of ours."""


class Grammar:
    """Feed events in order; `feed` raises GrammarError at the first that may not stand where it does."""

    __slots__ = ("_count", "_open", "state")

    def __init__(self) -> None:
        self.state = "idle"  # idle -> started -> done
        self._open: set[int] = set()
        self._count = 0

    def feed(self, event: AnyEvent) -> None:
        if self.state == "done":
            raise GrammarError(f"{event!r} after the terminal event")
        _RULES[type(event)](self, event)

    def _start(self, event: AnyEvent) -> None:
        if self.state != "idle":
            raise GrammarError("a second MessageStart")
        self.state = "started"

    def _inside(self, event: AnyEvent) -> None:
        if self.state != "started":
            raise GrammarError(f"{event!r} before MessageStart")

    def _block_start(self, event: AnyEvent) -> None:
        assert isinstance(event, BlockStart)
        self._inside(event)
        if event.index != self._count:
            raise GrammarError(f"block {event.index} opened, {self._count} was next")
        self._count += 1
        self._open.add(event.index)

    def _block_delta(self, event: AnyEvent) -> None:
        assert isinstance(event, BlockDelta)
        self._inside(event)
        if event.index not in self._open:
            raise GrammarError(f"delta for block {event.index}, which is not open")

    def _block_stop(self, event: AnyEvent) -> None:
        assert isinstance(event, BlockStop)
        self._inside(event)
        if event.index not in self._open:
            raise GrammarError(f"stop of block {event.index}, which is not open")
        self._open.remove(event.index)

    def _stop(self, event: AnyEvent) -> None:
        self._inside(event)
        if self._open:
            raise GrammarError(f"MessageStop with open blocks {sorted(self._open)}")
        self.state = "done"

    def _error(self, event: AnyEvent) -> None:
        self.state = "done"

    def _ping(self, event: AnyEvent) -> None:
        pass


_RULES = {
    MessageStart: Grammar._start,
    BlockStart: Grammar._block_start,
    BlockDelta: Grammar._block_delta,
    BlockStop: Grammar._block_stop,
    UsageReport: Grammar._inside,
    Ping: Grammar._ping,
    MessageStop: Grammar._stop,
    StreamError: Grammar._error,
}


def check(events: Iterable[AnyEvent], *, complete: bool = True) -> None:
    """Raise GrammarError unless `events` obey the grammar (and, with `complete`, end with a terminal event)."""
    grammar = Grammar()
    for event in events:
        grammar.feed(event)
    if complete and grammar.state != "done":
        raise GrammarError("the stream ended without a terminal event")
