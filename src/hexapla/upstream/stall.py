"""A peer that takes nothing any more: the kernel breaks the connection off when that has lasted too long.

It alone knows.  What was written lies in its buffers, which hold megabytes, and of what was handed to TLS nothing can be
seen from here; a peer that is slow and one that has stopped look the same until the kernel is asked.
TCP_USER_TIMEOUT is both: no window for so long, or no acknowledgement (tcp(7); RFC 5482).

Rules of this file: where the system has no such timer (macOS), there is none, and the total time of a request remains.
"""

from __future__ import annotations

import asyncio
import socket

_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)


def give_up_after(seconds: float, transport: asyncio.BaseTransport | None) -> None:
    """Let the connection end when its peer takes nothing for so long; 0 is the system's own patience."""
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is not None and _USER_TIMEOUT is not None:
        sock.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, int(seconds * 1000))
