"""The connections to one origin: those that carry an exchange, and those that wait for the next one.

A request takes a connection out and puts it back, so both are done where they happen (Http1Transport.reserve,
Connection.finish) and cost no call and no look at the clock.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hexapla.upstream.connection import Connection


class Pool:
    """See above.

    waiting  the one that has waited longest comes first
    now      the time of the latest look, in the loop's seconds
    """

    __slots__ = ("busy", "now", "waiting")

    def __init__(self, now: float = 0.0) -> None:
        self.busy: set[Connection] = set()
        self.waiting: deque[Connection] = deque()
        self.now = now

    def look(self, now: float, idle_seconds: float) -> None:
        """Look at every deadline, and close those that have waited so long or cannot be used any more."""
        self.now = now
        for connection in tuple(self.busy):
            connection.check(now)
        waiting = self.waiting
        while waiting and (now - waiting[0].since > idle_seconds or not waiting[0].reusable):
            waiting.popleft().close()

    def close(self) -> None:
        """Close all of them."""
        for connection in (*self.busy, *self.waiting):
            connection.close()
        self.waiting.clear()
