"""A client that reads nothing slows the upstream down; it does not fill the gateway's memory."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from server.client import begin
from server.running import SHORT, Gateway
from server.upstream import Upstream, Visit
from server.wire import CHAT, MESSAGES, PATHS, STREAM, ask, chunk, opening, piece

POUR = 200 * 1024 * 1024
GROWTH = 10 * 1024 * 1024
KERNEL = 16 * 1024 * 1024  # what socket buffers on both sides of the gateway may hold


async def pours(visit: Visit) -> None:
    """200 MB of text, as fast as they are taken."""
    block = chunk(piece(visit.protocol, "x" * 2000) * 32)
    await visit.write(STREAM + chunk(opening(visit.protocol)))
    while visit.written < POUR:
        await visit.write(block)


@pytest.mark.parametrize("provider", [CHAT, MESSAGES], ids=["verbatim", "hub"])
def test_client_that_does_not_read(provider: str, upstream: Upstream, served: Gateway) -> None:
    """200 MB wait in the upstream, not in the gateway, and are gone when the client leaves."""
    model = f"{SHORT[provider]}/{upstream.play(pours)}"
    before = served.memory()
    with closing(begin(served.url, PATHS[CHAT], ask(CHAT, model, stream=True), receive_buffer=64 * 1024)):
        visit = upstream.last()
        written, peak = -1, 0
        deadline = time.monotonic() + 8
        while visit.written != written and time.monotonic() < deadline:
            written = visit.written
            time.sleep(0.3)
            peak = max(peak, served.memory() - before)
        assert 0 < visit.written < KERNEL
        assert peak < GROWTH
        assert served.alive()
        left = time.monotonic()
    assert visit.over.wait(3)
    print(f"{provider}: upstream wrote {visit.written / 1e6:.1f} MB, gateway grew {peak / 1e6:.1f} MB, ", end="")
    print(f"closed after {(visit.gone - left) * 1000:.0f} ms")
