"""Group commit: one `fdatasync` for all who wait.

A sync costs 0.05 to 10 ms whatever it carries, so requests do not sync: they ask, one thread syncs, and everybody who
asked before it started is told.  While it runs, the next group gathers.

Rules of this file: an event loop is only touched through `call_soon_threadsafe`; a waiter that was cancelled, or whose
loop is gone, is nobody's problem.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable

_Waiter = asyncio.Future[OSError | None]


class GroupCommit:
    """Runs `sync` in a thread for all who `wait`."""

    def __init__(self, sync: Callable[[], OSError | None]) -> None:
        self._sync = sync
        self._lock = threading.Lock()
        self._waiters: list[_Waiter] = []
        self._asked = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="hexapla-ledger-commit", daemon=True)
        self._thread.start()

    async def wait(self) -> OSError | None:
        """Return when everything written before the call survives a power cut; the error if it may not."""
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._closing:
                return self._sync()
            self._waiters.append(waiter)
        self._asked.set()
        return await waiter

    def close(self) -> None:
        """Serve those who wait, then stop."""
        with self._lock:
            self._closing = True
        self._asked.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing or self._waiters:
            self._asked.wait()
            self._asked.clear()
            with self._lock:
                waiters, self._waiters = self._waiters, []
            if waiters:
                _tell(waiters, self._sync())


def _tell(waiters: list[_Waiter], result: OSError | None) -> None:
    groups: dict[asyncio.AbstractEventLoop, list[_Waiter]] = defaultdict(list)
    for waiter in waiters:
        groups[waiter.get_loop()].append(waiter)
    for loop, group in groups.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(_resolve, group, result)


def _resolve(waiters: list[_Waiter], result: OSError | None) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(result)
