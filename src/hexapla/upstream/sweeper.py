"""One timer for all running exchanges, instead of one for every wait (docs/decisions/2026-11-24-sweeper.md)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hexapla.upstream.driver import Driver

TICK = 0.25  # seconds


class Sweeper:
    """Wakes drivers whose deadline has passed or whose client waits for a heartbeat."""

    def __init__(self, beat_seconds: float) -> None:
        self.beat_seconds = beat_seconds
        self._drivers: set[Driver] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, driver: Driver) -> None:
        self._drivers.add(driver)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)

    def remove(self, driver: Driver) -> None:
        self._drivers.discard(driver)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = loop.call_later(TICK, self._tick) if self._drivers else None
        for driver in tuple(self._drivers):
            driver.sweep(now)
