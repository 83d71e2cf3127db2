"""The upstream of these tests cleans up behind itself, or its sockets would be found open in some later test."""

from __future__ import annotations

import gc

from server.client import begin, hear
from server.upstream import Upstream, Visit
from server.wire import CHAT, PATHS, STREAM, ask, chunk, opening, piece


def test_what_nobody_took_keeps_no_socket_open() -> None:
    """A ResourceWarning is an error here."""

    async def pours(visit: Visit) -> None:
        await visit.write(STREAM + chunk(opening(visit.protocol)))
        while True:
            await visit.write(chunk(piece(visit.protocol, "x" * 2000) * 32))

    upstream = Upstream()
    with upstream.running():
        model = upstream.play(pours)
        sock = begin(upstream.url, PATHS[CHAT], ask(CHAT, model, stream=True), receive_buffer=65536)
        hear(sock, b"x")
    with sock:
        del upstream
        gc.collect()
