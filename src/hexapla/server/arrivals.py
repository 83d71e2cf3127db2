"""Takes the connections that wait behind one that was taken.

libuv takes one connection of a listening socket in each turn of its loop.  A turn of a busy loop takes milliseconds, so of
256 programs that came at once the last ones were heard after a second, while the first ones asked again and again.
Whoever is taken brings those in who wait behind it, for one more look at the socket, which costs a lone connection 4 µs.

Rules of this file: sockets and the loop, nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

AT_ONCE = 64
"""Connections that are taken in one turn: those who are connected must be heard as well."""


class Arrivals:
    """Makes the protocol of a connection that the loop has taken from one of `sockets`."""

    def __init__(self, make: Callable[..., asyncio.Protocol], sockets: Iterable[socket.socket]) -> None:
        self._make = make
        self._sockets = tuple(sockets)
        for each in self._sockets:
            each.setblocking(False)
        self._tasks: set[asyncio.Task[Any]] = set()

    def __call__(self, **said: Any) -> asyncio.Protocol:
        """`make` with what the server says of each connection."""
        make = partial(self._make, **said)
        for listening in self._sockets:
            self._take(listening, make)
        return make()

    def _take(self, listening: socket.socket, make: Callable[[], asyncio.Protocol]) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(AT_ONCE):
            try:
                sock, _ = listening.accept()
            except OSError:  # nobody waits, or has hung up; without a descriptor left, it is for the loop to say
                return
            sock.setblocking(False)
            task = loop.create_task(loop.connect_accepted_socket(make, sock))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
