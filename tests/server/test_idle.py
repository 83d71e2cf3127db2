"""A connection that asks nothing more is closed in time, and no answer's end looks at a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from server.test_known import request
from server.twin import Connection, say


class Loop:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self._timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, called: Callable[[], None]) -> object:
        self._timers.append((self.now + seconds, called))
        return self

    def cancel(self) -> None: ...

    def pass_to(self, then: float) -> None:
        while due := [timer for timer in self._timers if timer[0] <= then]:
            self.now, called = first = min(due, key=lambda timer: timer[0])
            self._timers.remove(first)
            called()
        self.now = then


def test_an_idle_connection_is_closed_in_time() -> None:
    """Not before its 75 seconds are over, and not long after; none that waits for its answer, however long that takes."""

    async def play() -> None:
        connection, loop = Connection(), Loop()
        connection.door.loop = cast(Any, loop)
        for then in (160.0, 234.0, 1000.0):
            await connection.take(request())
            loop.pass_to(then)
            await connection.take(say)
            loop.pass_to(then + 74)
            assert not connection.transport.closing
        loop.pass_to(1000 + 75 * 1.3)
        assert connection.transport.closing

    asyncio.run(play())
