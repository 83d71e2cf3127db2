"""Names to addresses: one look-up of a name at a time, and what was known of it where the resolver fails.

The system's resolver blocks a thread for as long as it takes, half a minute where no name server answers, and the loop has
four (libuv).  So everybody who needs the same name waits for the same look-up: a provider whose name cannot be resolved
holds one thread, and not those of all others.  A look-up goes on when whoever asked has given up, and serves the next one.

A name that was known a while ago is worth a try while the resolver fails (RFC 8767); TLS says who answers there.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

STALE_SECONDS = 3600.0  # for which addresses are used that the resolver does not confirm
MOST = 1024  # names; operators choose them, but a URL of an image need not be

Found = list[tuple[Any, ...]]  # as getaddrinfo has it


class Names:
    """See above."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, int], asyncio.Task[Found]] = {}
        self._known: dict[tuple[str, int], tuple[float, Found]] = {}

    async def look_up(self, host: str, port: int) -> Found:
        """The addresses of `host`.  Raises OSError when the resolver fails and nothing recent is known."""
        loop = asyncio.get_running_loop()
        place = host, port
        task = self._running.get(place)
        if task is None or task.get_loop() is not loop:
            task = self._running[place] = loop.create_task(_resolved(host, port))
            task.add_done_callback(lambda done: self._ended(place, done, loop.time()))
        try:
            return await asyncio.shield(task)
        except socket.gaierror:
            since, found = self._known.get(place, (0.0, []))
            if not found or loop.time() - since > STALE_SECONDS:
                raise
            return found

    def _ended(self, place: tuple[str, int], task: asyncio.Task[Found], now: float) -> None:
        if self._running.get(place) is task:
            del self._running[place]
        if task.cancelled() or task.exception() is not None:
            return
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[place] = now, task.result()


async def _resolved(host: str, port: int) -> Found:
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


NAMES = Names()
