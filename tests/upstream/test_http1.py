"""The default transport against an upstream that does everything wrong."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

import pytest
import trustme
import uvloop
from fault_server import FaultServer, serving

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.transport import READ_HIGH_WATER, Request, Timeouts

QUICK = Timeouts(connect=0.5, head=0.3, idle=0.3)


def request(faults: FaultServer, path: str, body: bytes = b"{}", **more: object) -> Request:
    return Request(url=f"{faults.base}/{path}", body=body, timeouts=QUICK, **more)  # type: ignore[arg-type]


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


@pytest.mark.parametrize("path", ["ok", "chunked", "to-the-end", "interim", "gzip"])
def test_good_answers_arrive_whole(path: str) -> None:
    """Every framing that HTTP/1.1 allows, interim answers, and gzip."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        status, body = await fetch(transport, request(faults, path))
        assert status == 200 and body.startswith(b"hello")

    play(scene)


BROKEN: dict[str, set[Kind]] = {
    "no-answer": {Kind.UPSTREAM_CONNECT},
    "reset-before": {Kind.UPSTREAM_CONNECT},
    "half-head": {Kind.UPSTREAM_PROTOCOL},
    "short": {Kind.UPSTREAM_TRUNCATED},
    "reset-inside": {Kind.UPSTREAM_TRUNCATED},
    "no-last-chunk": {Kind.UPSTREAM_TRUNCATED},
    "bad-chunk": {Kind.UPSTREAM_PROTOCOL, Kind.UPSTREAM_TRUNCATED},
    "two-lengths": {Kind.UPSTREAM_PROTOCOL},
    "length-and-chunks": {Kind.UPSTREAM_PROTOCOL},
    "interim-flood": {Kind.UPSTREAM_PROTOCOL},
    "big-head": {Kind.UPSTREAM_PROTOCOL},
    "many-headers": {Kind.UPSTREAM_PROTOCOL},
    "banner": {Kind.UPSTREAM_PROTOCOL},
    "cut-gzip": {Kind.UPSTREAM_TRUNCATED},
    "not-gzip": {Kind.UPSTREAM_PROTOCOL, Kind.UPSTREAM_TRUNCATED},
    "bomb": {Kind.UPSTREAM_PROTOCOL},
    "brotli": {Kind.UPSTREAM_PROTOCOL},
    "dripped-head": {Kind.TIMEOUT},
    "silence": {Kind.TIMEOUT},
    "stall": {Kind.TIMEOUT},
}


@pytest.mark.parametrize("path", BROKEN)
def test_broken_answers_are_errors_of_their_kind(path: str) -> None:
    """Each fault is one UpstreamError, within its deadline; the next request works and no connection is left."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        began = asyncio.get_running_loop().time()
        with pytest.raises(UpstreamError) as caught:
            await fetch(transport, request(faults, path))
        assert caught.value.kind in BROKEN[path]
        assert asyncio.get_running_loop().time() - began < 2
        assert transport.busy == 0 and transport.idle == 0
        assert (await fetch(transport, request(faults, "ok")))[1] == b"hello"

    play(scene)


def test_connections_are_kept_and_reused() -> None:
    """A hundred requests one after the other need one connection."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        for path in ("ok", "chunked", "gzip", "redirect") * 25:
            await fetch(transport, request(faults, path))
        assert faults.connections == 1 and transport.idle == 1 and transport.busy == 0

    play(scene)


def test_a_stale_connection_is_retried_once_for_free() -> None:
    """A pooled connection that the server closed meanwhile is not the request's fault."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        await fetch(transport, request(faults, "stale"))
        assert (await fetch(transport, request(faults, "stale")))[1] == b"hello"
        await asyncio.sleep(0.05)
        assert (await fetch(transport, request(faults, "stale")))[1] == b"hello"

    play(scene)


def test_an_early_answer_ends_the_upload() -> None:
    """A 413 in the middle of a large upload is the answer."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        status, body = await fetch(transport, request(faults, "early", b"x" * 5_000_000))
        assert status == 413 and b"big" in body

    play(scene)


def test_redirects_are_not_followed() -> None:
    """A redirect is an answer like any other; its target sees nothing."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        assert (await fetch(transport, request(faults, "redirect")))[0] == 302
        assert len(faults.requests) == 1

    play(scene)


def test_bytes_after_the_answer_poison_nothing() -> None:
    """A server that sends more than it said is not trusted with the next request."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        assert (await fetch(transport, request(faults, "trailing")))[1] == b"hello"
        assert (await fetch(transport, request(faults, "ok")))[1] == b"hello"
        assert faults.connections == 2

    play(scene)


def test_the_size_of_an_answer_is_limited() -> None:
    """Above the limit the connection is closed."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        with pytest.raises(UpstreamError, match="larger than 1000"):
            await fetch(transport, request(faults, "large", max_response_bytes=1000))
        assert transport.busy == transport.idle == 0

    play(scene)


def test_a_slow_reader_slows_the_upstream() -> None:
    """Unread bytes are bounded; the rest waits at the sender."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        response = await transport.send(request(faults, "pour"))
        await asyncio.sleep(0.3)
        connection = next(iter(transport._busy))
        assert connection._buffered < READ_HIGH_WATER + 512 * 1024
        chunks = response.chunks()
        assert len(await anext(chunks)) > 0
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


def test_leaving_closes_the_upstream_within_100_ms() -> None:
    """The server sees the end of the connection right after the cancellation."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        task = asyncio.ensure_future(fetch(transport, request(faults, "pour")))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait_for(faults.closed.wait(), 0.1)

    play(scene)


def test_nobody_listening_and_no_such_name() -> None:
    """Refused connections and unknown names are connection errors that name the place."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        for url in ("http://127.0.0.1:1/v1", "http://no-such-host.invalid/v1"):
            with pytest.raises(UpstreamError) as caught:
                await fetch(transport, Request(url=url, timeouts=QUICK))
            assert caught.value.kind in (Kind.UPSTREAM_CONNECT, Kind.TIMEOUT)
        with pytest.raises(UpstreamError, match="no http"):
            await fetch(transport, Request(url="ftp://x/", timeouts=QUICK))

    play(scene)


def test_headers_cannot_be_smuggled() -> None:
    """A header value with a line end is refused, and the secret in it is not shown."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        asked = request(faults, "ok", headers=(("x-a", "sk-secret\r\nx-b: 1"),))
        with pytest.raises(UpstreamError, match="line end") as caught:
            await fetch(transport, asked)
        assert "sk-secret" not in str(caught.value) and not faults.requests

    play(scene)


AUTHORITY = trustme.CA()


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@pytest.mark.parametrize(
    ("certificate", "trusted", "good"),
    [
        (AUTHORITY.issue_cert("127.0.0.1"), True, True),
        (AUTHORITY.issue_cert("other.example"), True, False),
        (AUTHORITY.issue_cert("127.0.0.1"), False, False),
        (trustme.CA().issue_cert("127.0.0.1"), True, False),
    ],
    ids=["good", "wrong-host", "unknown-authority", "foreign-authority"],
)
def test_certificates_are_verified(certificate: trustme.LeafCert, trusted: bool, good: bool) -> None:
    """A certificate that is not right ends the request before any HTTP byte is sent."""

    async def run() -> None:
        transport = Http1Transport(ssl_context=client_context() if trusted else None)
        async with serving(server_context(certificate)) as faults:
            if good:
                assert (await fetch(transport, request(faults, "ok")))[1] == b"hello"
            else:
                with pytest.raises(UpstreamError) as caught:
                    await fetch(transport, request(faults, "ok"))
                assert caught.value.kind is Kind.UPSTREAM_TLS and not faults.requests
        await transport.aclose()

    uvloop.run(run())


def test_proxies_are_asked_to_connect() -> None:
    """CONNECT with credentials goes to the proxy, the request through it; a refusal names no secret."""

    async def scene(faults: FaultServer, transport: Http1Transport) -> None:
        seen: list[bytes] = []

        async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            seen.append(head)
            if b"good" not in seen[0] and len(seen) > 1:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                writer.close()
                return
            port = int(head.split(b" ")[1].rpartition(b":")[2])
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(pipe(reader, other_writer), pipe(other_reader, writer))

        server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        proxy = f"http://user:s3cret@127.0.0.1:{port}"
        assert (await fetch(transport, request(faults, "ok", proxy=proxy)))[1] == b"hello"
        assert b"CONNECT 127.0.0.1:" in seen[0] and b"Proxy-Authorization: Basic" in seen[0]
        await transport.aclose()
        fresh = Http1Transport()
        with pytest.raises(UpstreamError) as caught:
            await fetch(fresh, request(faults, "ok", proxy=proxy))
        assert caught.value.kind is Kind.EGRESS_PROXY and "s3cret" not in str(caught.value)
        server.close()

    play(scene)


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()
