"""Reading a request body with limits on size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from hexapla.errors import ClientError, Kind

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientGone(Exception):  # noqa: N818 - not an error: nobody is left to hear one
    """The client closed the connection before its request was complete."""


async def read_body(receive: Receive, limit: int, seconds: float) -> bytes:
    """The whole body.

    Raises ClientError too_large above `limit` bytes, ClientError timeout (408) when it takes longer than `seconds`, and
    ClientGone when the client leaves.  The timer is armed only for a body that does not come at once.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        return _checked(body, limit)
    try:
        async with asyncio.timeout(seconds or None):
            return await _read_rest(receive, message, limit)
    except TimeoutError:
        raise late(seconds) from None


async def _read_rest(receive: Receive, message: MutableMapping[str, Any], limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        pieces.append(piece)
        if not message.get("more_body"):
            return b"".join(pieces)
        message = await receive()


def _checked(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise too_large(limit)
    return body


def announced(headers: Iterable[tuple[bytes, bytes]]) -> int:
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
