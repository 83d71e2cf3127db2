"""An answer on a connection, as whoever asked for it reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from hexapla.errors import UpstreamError
from hexapla.upstream.inflate import Inflate
from hexapla.upstream.transport import read_whole

if TYPE_CHECKING:
    from hexapla.upstream.connection import Connection


class Exchange:
    """A response whose head has arrived (see transport.Response), with a body to be called back by (see body.Body)."""

    __slots__ = ("_closed", "_connection", "headers", "status", "take")

    def __init__(self, connection: Connection, status: int, headers: Mapping[str, str]) -> None:
        self._connection = connection
        self._closed = False
        self.status = status
        self.headers = headers
        self.take: Callable[[], bytes | None] = connection.take  # asked for every chunk

    def chunks(self) -> Exchange:
        return self

    def __aiter__(self) -> Exchange:
        return self

    async def __anext__(self) -> bytes:
        return await self._connection.next_chunk(self.take)

    @property
    def ended(self) -> bool:
        return self._connection.ended

    def tell(self, heard: Callable[[], None] | None) -> None:
        if not self._closed:
            self._connection.heard = heard

    async def read(self, limit: int) -> bytes:
        return await read_whole(self, limit)

    def close(self) -> None:
        if not self._closed:  # closed again, it would end whatever the connection carries by then
            self._closed = True
            self._connection.finish()


class Packed(Exchange):
    """One whose body is packed: it is unpacked as it is taken."""

    __slots__ = ("_heard", "_inflate")

    def __init__(self, connection: Connection, status: int, headers: Mapping[str, str], inflate: Inflate) -> None:
        super().__init__(connection, status, headers)
        self._inflate = inflate
        self._heard: Callable[[], None] | None = None
        self.take = partial(_unpacked, connection, inflate)

    @property
    def ended(self) -> bool:
        return False  # whether it was cut off is known behind its last byte

    def tell(self, heard: Callable[[], None] | None) -> None:
        self._heard = heard
        super().tell(None if heard is None else self._tell)

    def _tell(self) -> None:
        """What has come is more than one thing to hear of: tell until all of it is taken, or nothing is taken any more."""
        given = -1
        while self._heard is not None and given < self._inflate.given:
            given = self._inflate.given
            self._heard()


def _unpacked(connection: Connection, inflate: Inflate) -> bytes | None:
    """See Body.take."""
    try:
        while not (data := inflate.take()):
            packed = connection.take()
            if packed is None:
                return None
            if not packed:
                inflate.close()
                return b""
            inflate.feed(packed)
    except UpstreamError:
        connection.close()  # nobody shall go on with it
        raise
    return data
