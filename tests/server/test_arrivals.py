"""Nobody who is connected waits for the turns of a busy loop."""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvloop

from hexapla.server.arrivals import AT_ONCE, Arrivals


class Heard(asyncio.Protocol):
    """Notes in which turn of the loop its connection was made."""

    turn = 0

    def __init__(self, made: list[int]) -> None:
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._made.append(Heard.turn)
        sock = transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), "what is said goes out at once"
        transport.close()


async def turns(clients: int, listening: socket.socket) -> list[int]:
    """In which turns so many clients, who are there before the loop looks, were let in."""
    made: list[int] = []
    waiting = [socket.create_connection(listening.getsockname()) for _ in range(clients)]
    arrivals = Arrivals(lambda: Heard(made), [listening])
    server = await asyncio.get_running_loop().create_server(arrivals, sock=listening)
    Heard.turn = 0
    while len(made) < clients and Heard.turn < 1000:
        Heard.turn += 1
        await asyncio.sleep(0)
    server.close()
    for each in waiting:
        each.close()
    return made


@pytest.mark.parametrize("clients", [1, AT_ONCE, 3 * AT_ONCE])
def test_those_who_wait_come_in_together(clients: int) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        made = uvloop.run(turns(clients, listening))
    assert len(made) == clients
    assert made[-1] <= 10, "a few turns, not one for each"


def test_a_client_that_has_gone_is_nobodys_trouble() -> None:
    """Closed before it was taken: the next one is."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        for _ in range(5):
            socket.create_connection(listening.getsockname()).close()
        made = uvloop.run(turns(8, listening))
    assert len(made) >= 8
