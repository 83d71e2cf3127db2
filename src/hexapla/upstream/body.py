"""An answer's body as the driver reads it: take what has arrived, and be told when more has.

A reader that is called when bytes arrive needs no task of its own to be woken for every chunk, which costs more than
all else that is done to a chunk.  The default transport's responses are read like this by nature (connection.py);
`Pulled` makes it of any other response.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from hexapla.upstream.exchange import Exchange
from hexapla.upstream.transport import Response


class Body(Protocol):
    """See above.  Reading begins with the first `tell`; what nobody takes holds the upstream up."""

    def take(self) -> bytes | None:
        """What has arrived; b"" when the body is complete, None when there is nothing yet.  Raises UpstreamError."""
        ...

    @property
    def ended(self) -> bool:
        """Nothing follows what was taken.  False where that is not known yet."""
        ...

    def tell(self, heard: Callable[[], None] | None) -> None:
        """Call `heard` whenever `take` has something to say, once for each thing; None: nobody listens any more."""
        ...


class Pulled:
    """The body of a response that hands out its chunks one by one, to whoever awaits them."""

    ended = False

    def __init__(self, response: Response) -> None:
        self._chunks = response.chunks()
        self._heard: Callable[[], None] | None = None
        self._next: asyncio.Task[bytes] | None = None

    def take(self) -> bytes | None:
        if self._next is not None and self._next.done():
            found, self._next = self._next, None
            return found.result()
        self._pull()
        return None

    def tell(self, heard: Callable[[], None] | None) -> None:
        self._heard = heard
        self._pull()

    def close(self) -> None:
        """Stop reading."""
        self._heard = None
        if self._next is not None:
            self._next.cancel()

    def _pull(self) -> None:
        """Wait for the next chunk, if anybody wants to hear of it."""
        if self._heard is not None and self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._chunk())
            self._next.add_done_callback(self._arrived)

    async def _chunk(self) -> bytes:
        return await anext(self._chunks, b"")

    def _arrived(self, chunk: asyncio.Task[bytes]) -> None:
        if not chunk.cancelled():
            chunk.exception()  # whether anybody takes it or not, it is not news
        if self._heard is not None:
            self._heard()
            self._pull()


def body_of(response: Response) -> Body:
    """The body of `response`."""
    return response if isinstance(response, Exchange) else Pulled(response)
