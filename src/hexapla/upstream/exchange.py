"""An answer on a connection, as whoever asked for it reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

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
        self.take = connection.take  # asked for every chunk

    def chunks(self) -> Exchange:
        return self

    def __aiter__(self) -> Exchange:
        return self

    async def __anext__(self) -> bytes:
        return await self._connection.next_chunk()

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
