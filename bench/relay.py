"""The least that a proxy in this language costs: `python -m bench.relay PORT UPSTREAM_PORT` passes bytes on, unread.

A machine's speed, its kernel and its noise touch a relay as they touch the gateway, so the ratio of the two tells of the
gateway alone.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop


class Side(asyncio.Protocol):
    """One of the two connections that are tied together; what comes before the other one is there waits."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self.other: Side | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop does not derive its own

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self.other is None or self.other.transport is None:
            self._waiting.append(data)
        else:
            self.other.transport.write(data)

    def tie(self, other: Side) -> None:
        """The other side is there."""
        self.other, other.other = other, self
        assert other.transport is not None
        other.transport.writelines(self._waiting)

    def connection_lost(self, exc: Exception | None) -> None:
        """One end is the end of both."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Front(Side):
    """The client's side, which dials the upstream."""

    def __init__(self, upstream: int) -> None:
        super().__init__()
        self._upstream = upstream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Dial."""
        super().connection_made(transport)
        self._dialling = asyncio.get_running_loop().create_task(self._dial())

    async def _dial(self) -> None:
        _, back = await asyncio.get_running_loop().create_connection(Side, "127.0.0.1", self._upstream)
        self.tie(back)


async def serve(port: int, upstream: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(lambda: Front(upstream), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
