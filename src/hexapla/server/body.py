"""Reading a request body with limits on size and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from hexapla.config import Limits
from hexapla.errors import ClientError, Kind
from hexapla.routing.memory import PIECE, REQUEST, WEIGHT, Memory

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Headers = Iterable[tuple[bytes, bytes]]


class ClientGone(Exception):  # noqa: N818 - not an error: nobody is left to hear one
    """The client closed the connection before its request was complete."""


@asynccontextmanager
async def read_body(headers: Headers, receive: Receive, limits: Limits, memory: Memory) -> AsyncIterator[bytes]:
    """The whole body, and room for it in `memory` as long as it is needed.

    Raises ClientError too_large above `body_bytes` (before anything came, where the head tells it), ClientError timeout
    (408) when it takes longer than `body_seconds`, CrowdedError where there is no room, and ClientGone when the client
    leaves.
    """
    if announced(headers) > limits.body_bytes:
        raise too_large(limits.body_bytes)
    pieces = _Pieces(limits.body_bytes, memory)
    try:
        yield await _read(receive, pieces, limits.body_seconds)
    finally:
        memory.held -= pieces.held


class _Pieces:
    """What has come of a body."""

    def __init__(self, limit: int, memory: Memory) -> None:
        self._limit = limit
        self._memory = memory
        self._size = 0
        self._pieces: list[bytes] = []
        self.held = 0

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise too_large(self._limit)
        more = WEIGHT * max(len(piece), PIECE) + (0 if self.held else REQUEST)
        self._memory.held += more
        self.held += more
        if self._memory.crowded():
            raise self._memory.refusal()
        self._pieces.append(piece)

    def joined(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _read(receive: Receive, pieces: _Pieces, seconds: float) -> bytes:
    """The timer is armed only for a body that does not come at once."""
    if not _taken(await receive(), pieces):
        try:
            async with asyncio.timeout(seconds or None):
                while not _taken(await receive(), pieces):
                    pass
        except TimeoutError:
            raise late(seconds) from None
    return pieces.joined()


def _taken(message: MutableMapping[str, Any], pieces: _Pieces) -> bool:
    """Whether this was the last piece."""
    if message["type"] == "http.disconnect":
        raise ClientGone
    pieces.add(message.get("body", b""))
    return not message.get("more_body")


def announced(headers: Headers) -> int:
    """The body's length as the head tells it; 0 where it does not."""
    told = next((value for name, value in headers if name == b"content-length"), b"")
    return int(told) if told.isdigit() else 0


def late(seconds: float) -> ClientError:
    """The refusal of a body that did not come in time."""
    return ClientError(
        Kind.TIMEOUT,
        f"The request body did not arrive within {seconds:g} seconds; send it in one go.",
        status=408,
    )


def too_large(limit: int) -> ClientError:
    """The refusal of a body above the limit."""
    return ClientError(
        Kind.TOO_LARGE,
        f"The request body is larger than {limit} bytes. Send less, or raise limits.body_bytes in hexapla.toml.",
    )
