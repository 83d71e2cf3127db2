"""A client that leaves takes its upstream connection with it, at once, wherever the answer is."""

from __future__ import annotations

import asyncio
import socket
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hexapla.upstream.reqwest import installed
from server.client import begin, dial, hear, request
from server.running import SHORT, Gateway, gateway, providers
from server.upstream import Script, Upstream, Visit
from server.wire import CHAT, DIALECTS, MESSAGES, OK, PATHS, RESPONSES, STREAM, ask, chunk, opening, piece, refusal

CROSS = {CHAT: MESSAGES, RESPONSES: CHAT, MESSAGES: RESPONSES}
WAYS = [pytest.param(client, up, id=f"{client}-{up}") for client in DIALECTS for up in (client, CROSS[client])]

AT_ONCE = 0.1  # seconds: what the gateway promises
BUSY = 0.15  # what a busy machine may add to a single measurement


async def before_head(visit: Visit) -> None:
    await visit.until_gone()


async def before_event(visit: Visit) -> None:
    await visit.write(STREAM)
    await visit.until_gone()


async def before_content(visit: Visit) -> None:
    await visit.write(STREAM + chunk(opening(visit.protocol)))
    await visit.until_gone()


async def mid_stream(visit: Visit) -> None:
    await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "first")))
    await visit.until_gone()


async def mid_pour(visit: Visit) -> None:
    await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "first")))
    pouring = asyncio.ensure_future(_pour(visit))
    await visit.until_gone()
    pouring.cancel()


async def _pour(visit: Visit) -> None:
    while True:
        await visit.write(chunk(piece(visit.protocol, "more ")))
        await asyncio.sleep(0.005)


async def mid_body(visit: Visit) -> None:
    await visit.write(OK + b"content-type: application/json\r\ncontent-length: 1000\r\n\r\n{")
    await visit.until_gone()


MOMENTS: dict[str, tuple[Script, bool, bytes]] = {
    "whole_before_head": (before_head, False, b""),
    "whole_mid_body": (mid_body, False, b""),
    "stream_before_head": (before_head, True, b""),
    "stream_before_event": (before_event, True, b""),
    "stream_before_content": (before_content, True, b""),
    "stream_mid": (mid_stream, True, b"first"),
    "stream_pouring": (mid_pour, True, b"first"),
}


def until(condition: Callable[[], bool], seconds: float = 3.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return condition()


def logged(gateway: Gateway, model: str) -> dict[str, Any]:
    """The log line of the one request for `model`, which is written a moment after its end."""

    def lines() -> list[dict[str, Any]]:
        return [line for line in gateway.log() if line["model"] == model]

    assert until(lambda: bool(lines()))
    (line,) = lines()
    return line


def leave(gateway: Gateway, upstream: Upstream, protocol: str, model: str, stream: bool, word: bytes) -> float:
    """Ask, listen up to `word`, leave; the seconds until the upstream saw its connection close."""
    upstream.visits.clear()
    upstream.arrived.clear()
    sock = begin(gateway.url, PATHS[protocol], ask(protocol, model, stream=stream))
    visit = upstream.last()
    if word:
        assert word in hear(sock, word)
    else:
        time.sleep(0.05)
    left = time.monotonic()
    sock.close()
    assert visit.over.wait(3), "the upstream's connection stayed open"
    return visit.gone - left


@pytest.mark.parametrize(("protocol", "provider"), WAYS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_leaver_ends_the_upstream(
    moment: str, protocol: str, provider: str, upstream: Upstream, served: Gateway
) -> None:
    """The upstream's connection is closed within 100 ms, the record says cancelled, nothing keeps running."""
    script, stream, word = MOMENTS[moment]
    played = upstream.play(script)
    assert leave(served, upstream, protocol, f"{SHORT[provider]}/{played}", stream, word) < AT_ONCE + BUSY
    assert until(lambda: served.running() == 0)
    record = served.generation(logged(served, played)["id"])
    assert (record["outcome"], record["status"]) == ("cancelled", 499)
    (attempt,) = record["attempts"]
    assert attempt["outcome"] == "cancelled" and attempt["provider"] == SHORT[provider]


@pytest.mark.skipif(not installed(), reason="the extra hexapla[reqwest] is not installed")
def test_leaver_ends_the_upstream_of_the_second_transport(upstream: Upstream, tmp_path: Path) -> None:
    """At every moment but before the head, which is its library's (reqwest.py)."""
    with gateway(tmp_path, providers(upstream.url).replace('/v1"\n', '/v1"\ntransport = "reqwest"\n')) as running:
        for moment, (script, stream, word) in MOMENTS.items():
            if "head" not in moment:
                model = f"{SHORT[CHAT]}/{upstream.play(script)}"
                assert leave(running, upstream, CHAT, model, stream, word) < AT_ONCE + BUSY, moment
        assert until(lambda: running.running() == 0)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("protocol", DIALECTS)
def test_leaver_ends_a_back_off(protocol: str, stream: bool, upstream: Upstream, served: Gateway) -> None:
    """A client that leaves while the gateway waits to try again is noticed at once; no further attempt is made."""

    async def limited(visit: Visit) -> None:
        await visit.write(refusal(visit.protocol, 429, "retry-after: 2"))

    played = upstream.play(limited)
    sock = begin(served.url, PATHS[protocol], ask(protocol, f"{SHORT[protocol]}/{played}", stream=stream))
    upstream.last()
    time.sleep(0.1)
    assert served.running() == 1
    left = time.monotonic()
    sock.close()
    assert until(lambda: served.running() == 0)
    assert time.monotonic() - left < AT_ONCE + BUSY
    record = served.generation(logged(served, played)["id"])
    assert record["outcome"] == "cancelled"
    assert len(record["attempts"]) == 1
    assert len(upstream.visits) == 1


def test_leavers_leave_nothing_behind(upstream: Upstream, served: Gateway) -> None:
    """Many leavers at every moment: no socket and no exchange stays; the median of the latencies keeps the promise."""
    before = served.sockets()
    took = []
    for script, stream, word in MOMENTS.values():
        for protocol in DIALECTS:
            model = f"{SHORT[protocol]}/{upstream.play(script)}"
            took += [leave(served, upstream, protocol, model, stream, word) for _ in range(3)]
    assert statistics.median(took) < AT_ONCE
    assert until(lambda: served.running() == 0)
    assert until(lambda: served.sockets() <= before + 1)
    assert until(lambda: upstream.connections <= 1)
    assert served.alive()
    print(f"median {statistics.median(took) * 1000:.1f} ms, worst {max(took) * 1000:.1f} ms of {len(took)}")


def test_who_leaves_with_a_request_behind_is_gone(upstream: Upstream, served: Gateway) -> None:
    """Also where uvicorn has both requests, and tells of the leaving only the later one."""
    model = upstream.play(mid_pour)
    path = f"/v1beta/models/{SHORT[CHAT]}/{model}:streamGenerateContent?alt=sse"
    with dial(served.url) as sock:
        sock.sendall(request(path, b'{"contents": [{"parts": [{"text": "Hello"}]}]}') * 2)
        hear(sock, b"first")
    assert upstream.last().over.wait(5)
    assert logged(served, model)["outcome"] == "cancelled"


def test_a_client_that_closes_its_side_is_gone(upstream: Upstream, served: Gateway) -> None:
    """docs/decisions/2026-11-28-half-closed.md"""
    model = f"{SHORT[CHAT]}/{upstream.play(mid_stream)}"
    with begin(served.url, PATHS[CHAT], ask(CHAT, model, stream=True)) as sock:
        hear(sock, b"first")
        sock.shutdown(socket.SHUT_WR)
        assert upstream.last().over.wait(5)
        assert hear(sock, b"nothing more") == b""
