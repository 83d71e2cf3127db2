"""The listening socket itself."""

from __future__ import annotations

import asyncio
import socket

import uvloop

from hexapla.server.run import listen


def test_small_writes_are_sent_at_once() -> None:
    """Accepted connections have TCP_NODELAY on the loop that serves.  (asyncio's own sets it only where the listening
    socket was made with a protocol number, and every first token would come 40 ms late.)"""

    async def main() -> None:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        class Looks(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                sock = transport.get_extra_info("socket")
                accepted.set_result(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        (listening,) = listen("127.0.0.1", 0)
        async with await asyncio.get_running_loop().create_server(Looks, sock=listening):
            with socket.create_connection(listening.getsockname()):
                assert await accepted

    uvloop.run(main())
