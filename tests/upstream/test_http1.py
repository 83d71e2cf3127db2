"""What only the default transport promises: its pool, its free retry, its dialling, and the traps that it avoids."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from fault_server import FaultServer, listening, serving

import hexapla
from hexapla.errors import Kind, UpstreamError
from hexapla.upstream import dial, origin
from hexapla.upstream.connection import Connection
from hexapla.upstream.http1 import LEAST_TICK, TICK, Http1Transport
from hexapla.upstream.transport import READ_HIGH_WATER, Request, Timeouts

PATIENT = Timeouts(connect=5, head=5, idle=5)


def request(faults: FaultServer, path: str, **more: Any) -> Request:
    return Request(url=f"{faults.base}/{path}", body=b"{}", timeouts=PATIENT, **more)


def busy(transport: Http1Transport) -> set[Connection]:
    return set().union(*(pool.busy for pool in transport._pools.values()))


async def fetch(transport: Http1Transport, asked: Request) -> tuple[int, bytes]:
    response = await transport.send(asked)
    try:
        return response.status, await response.read(10_000_000)
    finally:
        response.close()


def play(scene: Callable[[FaultServer, Http1Transport], Awaitable[None]]) -> None:
    """Run a scene on the loop that the server uses."""

    async def run() -> None:
        transport = Http1Transport()
        async with serving() as faults:
            try:
                await scene(faults, transport)
            finally:
                await transport.aclose()

    uvloop.run(run())


def test_connections_are_kept_and_reused() -> None:
    """A hundred requests one after the other need one connection: httptools tells only inside of one callback whether it
    may be kept, and asked later says no, so that every request would pay for a new one and nobody would notice."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        for path in ("ok", "chunked", "gzip", "redirect-302") * 25:
            await fetch(transport, request(faults, path))
        assert faults.connections == 1 and transport.idle == 1 and transport.busy == 0

    play(scene)


@pytest.mark.parametrize("path", ["stale", "stale-reset"])
def test_f07_a_stale_connection_is_retried_once_for_free(path: str) -> None:
    """A pooled connection that ends before any byte of an answer was closed while it was idle: ask again."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        assert (await fetch(transport, request(faults, path)))[1] == b"hello"
        assert (await fetch(transport, request(faults, path)))[1] == b"hello"
        assert len(faults.requests) == 3 and faults.connections == 2

    play(scene)


def test_an_answer_that_began_is_not_asked_for_again() -> None:
    """A pooled connection that ends after a byte of an answer has carried the request: a retry could do it twice."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        await fetch(transport, request(faults, "stale-half-head"))
        with pytest.raises(UpstreamError) as caught:
            await fetch(transport, request(faults, "stale-half-head"))
        assert caught.value.kind is Kind.UPSTREAM_PROTOCOL
        assert len(faults.requests) == 2

    play(scene)


def test_cut_gzip_that_ends_with_the_connection() -> None:
    """Where the connection's end is the body's, the compressed body still has an end of its own."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        with pytest.raises(UpstreamError) as caught:
            await fetch(transport, request(faults, "cut-gzip-to-the-end"))
        assert caught.value.kind is Kind.UPSTREAM_TRUNCATED

    play(scene)


@pytest.mark.parametrize("path", ["short", "bad-chunk", "trailing", "stall", "large"])
def test_no_connection_is_left(path: str) -> None:
    """After a fault the connection is in no pool."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        times = Timeouts(connect=5, head=5, idle=0.2)
        asked = Request(url=f"{faults.base}/{path}", timeouts=times, max_response_bytes=1000)
        await asyncio.gather(fetch(transport, asked), return_exceptions=True)
        assert transport.busy == transport.idle == 0

    play(scene)


def test_short_deadlines_are_looked_at_more_often() -> None:
    """A tenth of the shortest, within bounds, as long as there are connections with such."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        for times, tick in (
            (Timeouts(head=600, idle=0), TICK),
            (Timeouts(head=0, idle=1), 0.1),
            (Timeouts(head=0.2, idle=5), LEAST_TICK),
            (Timeouts(head=600, idle=300), LEAST_TICK),
        ):
            held = await transport.send(Request(url=f"{faults.base}/stall", timeouts=times))
            assert transport._tick == tick
            held.close()
        transport._sweep()
        assert transport._tick == TICK and not transport._pools

    play(scene)


def test_unread_bytes_are_bounded() -> None:
    """Reading pauses above the mark, whatever the upstream sends."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        response = await transport.send(request(faults, "pour"))
        await asyncio.sleep(0.3)
        (connection,) = busy(transport)
        assert connection._size - connection._taken < READ_HIGH_WATER + 512 * 1024
        response.close()
        assert transport.busy == 0

    play(scene)


@pytest.mark.parametrize("path", ["silence", "stall", "pour", "ok"])
@pytest.mark.parametrize("steps", range(0, 12, 2))
def test_cancelling_anywhere_leaks_nothing(path: str, steps: int) -> None:
    """Cancelled at any step, the connection is closed at once and the pool is whole."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        task = asyncio.ensure_future(fetch(transport, request(faults, path)))
        for _ in range(steps):
            await asyncio.sleep(0)
        await asyncio.sleep(0.001 * steps)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert transport.busy == 0
        assert (await fetch(transport, request(faults, "ok")))[1] == b"hello"
        assert transport.idle == 1

    play(scene)


def test_a_dial_that_ends_after_the_transport_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would close its connection any more: it carries no request, and the server sees its end."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    plain = dial._knock

    async def knock(address: dial.Address) -> socket.socket:
        sock = await plain(address)
        reached.set()
        await go_on.wait()
        return sock

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        monkeypatch.setattr(dial, "_knock", knock)
        asked = asyncio.ensure_future(fetch(transport, request(faults, "ok")))
        await reached.wait()
        await transport.aclose()
        go_on.set()
        with pytest.raises(UpstreamError, match="closed") as caught:
            await asked
        assert caught.value.kind is Kind.UPSTREAM_CONNECT
        await asyncio.wait_for(faults.closed.wait(), 5)
        assert transport.busy == transport.idle == 0 and transport._timer is None and not faults.requests

    play(scene)


def test_a_silent_address_does_not_hide_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first address of a name leads nowhere, the second answers within the same call (F02)."""
    knocked: list[Any] = []
    plain = dial._knock

    async def knock(address: dial.Address) -> socket.socket:
        knocked.append(address)
        if len(knocked) == 1:
            await asyncio.Event().wait()
        return await plain(address)

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        port = int(faults.base.split(":")[2].partition("/")[0])

        async def addresses(host: str, _: int) -> list[dial.Address]:
            return [(socket.AF_INET, ("192.0.2.1", port)), (socket.AF_INET, ("127.0.0.1", port))]

        monkeypatch.setattr(dial, "_addresses", addresses)
        monkeypatch.setattr(dial, "_knock", knock)
        assert (await fetch(transport, request(faults, "ok")))[1] == b"hello"
        assert len(knocked) == 2
        assert len([task for task in asyncio.all_tasks() if "_knock" in repr(task)]) == 0

    play(scene)


@pytest.mark.parametrize("refused", [1, 2])
def test_a_refusing_address_does_not_hide_the_next(refused: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused addresses cost no waiting; when all refuse, the error is the first one's."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        port = int(faults.base.split(":")[2].partition("/")[0])
        ports = [1] * refused + [port] * (2 - refused)

        async def addresses(host: str, _: int) -> list[dial.Address]:
            return [(socket.AF_INET, ("127.0.0.1", one)) for one in ports]

        monkeypatch.setattr(dial, "_addresses", addresses)
        monkeypatch.setattr(dial, "ATTEMPT_DELAY", 60.0)
        if refused == 1:
            assert (await fetch(transport, request(faults, "ok")))[1] == b"hello"
        else:
            with pytest.raises(UpstreamError, match="refused") as caught:
                await fetch(transport, request(faults, "ok"))
            assert caught.value.kind is Kind.UPSTREAM_CONNECT

    play(scene)


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".test"])
def test_f03_a_name_that_cannot_exist(host: str) -> None:
    """Python's resolver refuses it with a UnicodeError, which is nobody's to handle."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        with pytest.raises(UpstreamError, match="cannot be resolved") as caught:
            await transport.send(Request(url=f"http://{host}/v1"))
        assert caught.value.kind is Kind.UPSTREAM_CONNECT

    play(scene)


def test_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four addresses of two families: one of each, then the others; the resolver's first stays first."""
    answer = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 443, 0, 0)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::2", 443, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    hosts = [address[1][0] for address in asyncio.run(dial._addresses("h", 443))]
    assert hosts == ["2001:db8::1", "192.0.2.1", "2001:db8::2"]


def test_an_ipv6_host_is_spelled_in_brackets() -> None:
    """In the Host header, and in what errors say."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        with pytest.raises(UpstreamError, match=r"\[::1\]:1 cannot be reached"):
            await fetch(transport, Request(url="http://[::1]:1/v1", timeouts=PATIENT))

    play(scene)
    assert str(origin.Origin("::1", 8080, tls=False)) == "[::1]:8080"


def test_small_writes_are_sent_at_once() -> None:
    """TCP_NODELAY on the upstream's connections: without it a request of two writes waits 40 ms for nothing."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        response = await transport.send(request(faults, "stall"))
        (connection,) = busy(transport)
        assert connection._transport is not None
        sock = connection._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        response.close()

    play(scene)


def test_large_bodies_are_not_joined_to_their_head() -> None:
    """A megabyte arrives whole, although its head and itself are written apart."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        heard: list[bytes] = []

        async def reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            heard.append(await reader.readexactly(1_000_000))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            await reader.read()

        async with listening(reads) as port:
            asked = Request(url=f"http://127.0.0.1:{port}/", body=b"x" * 1_000_000, timeouts=PATIENT)
            assert (await fetch(transport, asked))[0] == 200
        assert heard == [b"x" * 1_000_000]

    play(scene)


def test_what_is_known_to_hurt_is_not_used() -> None:
    """httpx costs milliseconds a request with many connections and leaks them when cancelled; eager tasks never answer on
    uvloop."""
    root = Path(hexapla.__file__).parent
    text = "\n".join(file.read_text(encoding="utf-8") for file in root.rglob("*.py"))
    assert not re.search(r"^\s*(import|from) httpx", text, re.MULTILINE)
    assert "eager_task_factory" not in text


def test_the_sweeper_sleeps_when_nothing_runs() -> None:
    """Idle connections are closed in time, and then no timer ticks."""

    async def run() -> None:
        transport = Http1Transport(idle_seconds=0.01)
        async with serving() as faults:
            await fetch(transport, request(faults, "ok"))
            assert transport.idle == 1
            until = time.monotonic() + 5
            while transport._timer is not None and time.monotonic() < until:  # noqa: ASYNC110 - two reasons
                await asyncio.sleep(0.05)
            assert transport.idle == 0 and transport._timer is None
        await transport.aclose()

    uvloop.run(run())
