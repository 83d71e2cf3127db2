"""Both transports against an upstream that does everything wrong: the contract of upstream/transport.py.

The ids F01 to F62 are those of a list of faults that LLM gateways meet.  What a transport cannot see alone has its
tests elsewhere: an answer that is no answer (F36) and streams that end without their end (F44) in
server/test_broken_streams.py, a body that trickles for ever (F42) in routing/test_exchange.py and
server/test_timers.py, clients that leave (F62) in server/test_leaving.py.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop
from authority import AUTHORITY, BAD, good
from fault_server import NO_COMMON_PROTOCOL, REDIRECTS, FaultServer, black_hole, listening, proxying, serving

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.reqwest import ReqwestTransport, installed
from hexapla.upstream.tls import ONLY_HTTP2
from hexapla.upstream.transport import READ_HIGH_WATER, Request, Timeouts, Transport

QUICK = Timeouts(connect=0.5, head=0.4, idle=0.4)
PATIENT = Timeouts(connect=5, head=5, idle=5)
SOON = 5.0  # seconds in which even a busy machine is through with anything that QUICK allows

Scene = Callable[[FaultServer, Transport], Awaitable[None]]


def http1() -> Transport:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return Http1Transport(ssl_context=context)


def reqwest() -> Transport:
    if not installed():
        pytest.skip("the extra hexapla[reqwest] is not installed")
    return ReqwestTransport(authorities=AUTHORITY.cert_pem.bytes())


TRANSPORTS: dict[str, Callable[[], Transport]] = {"http1": http1, "reqwest": reqwest}


@pytest.fixture(params=TRANSPORTS)
def make(request: pytest.FixtureRequest) -> Callable[[], Transport]:
    """Makes the transport under test, which trusts AUTHORITY."""
    return TRANSPORTS[request.param]


def play(make: Callable[[], Transport], scene: Scene, context: ssl.SSLContext | None = None) -> None:
    """Run a scene on the loop that the server uses."""

    async def run() -> None:
        transport = make()
        async with serving(context) as faults:
            try:
                await scene(faults, transport)
            finally:
                await transport.aclose()

    uvloop.run(run())


def request(faults: FaultServer, path: str, body: bytes = b"{}", **more: Any) -> Request:
    return Request(url=f"{faults.base}/{path}", body=body, **{"timeouts": QUICK, **more})


async def fetch(transport: Transport, asked: Request) -> tuple[int, bytes]:
    response = await transport.send(asked)
    try:
        return response.status, await response.read(10_000_000)
    finally:
        response.close()


async def fails(transport: Transport, asked: Request) -> UpstreamError:
    """The error of a request that cannot succeed; it comes soon."""
    with pytest.raises(UpstreamError) as caught:
        async with asyncio.timeout(SOON):
            await fetch(transport, asked)
    return caught.value


@pytest.mark.parametrize("path", ["ok", "chunked", "to-the-end", "interim", "gzip"])
def test_good_answers_arrive_whole(path: str, make: Callable[[], Transport]) -> None:
    """Every framing that HTTP/1.1 allows, interim answers (F10), and gzip."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        status, body = await fetch(transport, request(faults, path, timeouts=PATIENT))
        assert status == 200 and body.startswith(b"hello")

    play(make, scene)


CONNECT, PROTOCOL, TRUNCATED = Kind.UPSTREAM_CONNECT, Kind.UPSTREAM_PROTOCOL, Kind.UPSTREAM_TRUNCATED

BROKEN: dict[str, tuple[str, set[Kind]]] = {
    "no-answer": ("F08", {CONNECT}),
    "reset-before": ("F08", {CONNECT}),
    "silence": ("F11", {Kind.TIMEOUT}),
    "dripped-head": ("F12", {Kind.TIMEOUT}),
    "half-head": ("F13", {PROTOCOL, CONNECT}),
    "huge-head": ("F13", {PROTOCOL}),
    "many-headers": ("F13", {PROTOCOL}),
    "bad-header": ("F13", {PROTOCOL}),
    "interim-flood": ("F10", {PROTOCOL, CONNECT}),
    "banner": ("F14", {PROTOCOL}),
    "tls-alert": ("F14", {PROTOCOL}),
    "http-0.9": ("F14", {PROTOCOL}),
    "switch": ("F14", {PROTOCOL}),
    "short": ("F37", {TRUNCATED}),
    "reset-inside": ("F43", {TRUNCATED}),
    "no-last-chunk": ("F38", {TRUNCATED}),
    "bad-chunk": ("F38", {PROTOCOL, TRUNCATED}),
    "two-lengths": ("F38", {PROTOCOL}),
    "length-and-chunks": ("F38", {PROTOCOL}),
    "cut-gzip": ("F39", {TRUNCATED}),
    "not-gzip": ("F39", {PROTOCOL, TRUNCATED}),
    "brotli": ("F39", {PROTOCOL}),
    "zstd": ("F39", {PROTOCOL}),
    "bomb": ("F40", {PROTOCOL}),
    "stall": ("F45", {Kind.TIMEOUT}),
}


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: f"{BROKEN[path][0]}-{path}")
def test_broken_answers_are_errors_of_their_kind(path: str, make: Callable[[], Transport]) -> None:
    """Each fault is one UpstreamError, in time, after one request (nothing is tried twice in secret); the next request
    works."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        error = await fails(transport, request(faults, path))
        assert error.kind in BROKEN[path][1], str(error)
        assert len(faults.requests) == 1
        assert (await fetch(transport, request(faults, "ok", timeouts=PATIENT)))[1] == b"hello"

    play(make, scene)


def test_f01_nobody_listens(make: Callable[[], Transport]) -> None:
    """A refused connection is a connection error that names the place."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        error = await fails(transport, Request(url="http://127.0.0.1:1/v1", timeouts=PATIENT))
        assert error.kind is CONNECT and "127.0.0.1:1" in str(error)

    play(make, scene)


def test_f02_nobody_answers_the_dialling(make: Callable[[], Transport]) -> None:
    """A connection that is not taken is given up after the time for connecting, long before that for the answer."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        with black_hole() as port:
            times = Timeouts(connect=0.3, head=60)
            error = await fails(transport, Request(url=f"http://127.0.0.1:{port}/v1", timeouts=times))
        assert error.kind is Kind.TIMEOUT

    play(make, scene)


def test_f03_no_such_name(make: Callable[[], Transport]) -> None:
    """An unknown name is a connection error; a name server that is silent counts as time for connecting."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        error = await fails(transport, Request(url="http://no-such-host.invalid/v1", timeouts=QUICK))
        assert error.kind in (CONNECT, Kind.TIMEOUT) and "no-such-host.invalid" in str(error)

    play(make, scene)


def test_no_http_url(make: Callable[[], Transport]) -> None:
    """A URL that is none is the operator's mistake, and says so."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        for url in ("ftp://127.0.0.1/", "127.0.0.1/v1", "http://", "http://127.0.0.1:99999/", "http://[::1/"):
            assert (await fails(transport, Request(url=url, timeouts=QUICK))).kind is Kind.UPSTREAM_MISCONFIGURED

    play(make, scene)


def test_f05_a_good_certificate(make: Callable[[], Transport]) -> None:
    """The control of what follows: verification lets the right one pass."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        assert (await fetch(transport, request(faults, "ok", timeouts=PATIENT)))[1] == b"hello"

    play(make, scene, good())


@pytest.mark.parametrize("certificate", BAD)
def test_f04_f05_a_bad_certificate(certificate: str, make: Callable[[], Transport]) -> None:
    """Expired, of another host (also what a name that leads elsewhere shows), of a stranger, of an old protocol: no HTTP
    byte is sent, and so no key."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        error = await fails(transport, request(faults, "ok", timeouts=PATIENT))
        assert error.kind is Kind.UPSTREAM_TLS, str(error)
        assert not faults.requests

    play(make, scene, BAD[certificate]())


H2_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"  # how an HTTP/2 server begins (RFC 9113, 3.4)


@pytest.mark.parametrize(
    ("says", "kinds"), [(None, {Kind.TIMEOUT}), (b"", {Kind.UPSTREAM_TLS}), (b"no TLS at all", {Kind.UPSTREAM_TLS})]
)
def test_f05_no_handshake(says: bytes | None, kinds: set[Kind], make: Callable[[], Transport]) -> None:
    """A handshake that stalls, is broken off or is none."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        async def speaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            if says is None:
                await reader.read()
            else:
                writer.write(says)
            writer.close()

        async with listening(speaks) as port:
            error = await fails(transport, Request(url=f"https://127.0.0.1:{port}/v1", timeouts=QUICK))
        assert error.kind in kinds, str(error)

    play(make, scene)


@pytest.mark.parametrize(
    ("says", "kind"),
    [(NO_COMMON_PROTOCOL, Kind.UPSTREAM_TLS), (None, PROTOCOL)],
    ids=["refuses", "speaks-h2-all-the-same"],
)
def test_f05_nothing_but_another_protocol(says: bytes | None, kind: Kind, make: Callable[[], Transport]) -> None:
    """A host with which no protocol is agreed on (ALPN): most end the handshake, and no HTTP byte is sent; some go on as if
    theirs were."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        async def speaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(says or H2_SETTINGS)
            await writer.drain()
            await reader.read()

        context = good() if says is None else None
        if context is not None:
            context.set_alpn_protocols(["h3"])
        async with listening(speaks, context) as port:
            error = await fails(transport, Request(url=f"https://127.0.0.1:{port}/v1", timeouts=PATIENT))
        assert error.kind is kind, str(error)
        if says and isinstance(transport, Http1Transport):
            assert ONLY_HTTP2 in str(error)

    play(make, scene)


def test_proxies_are_asked_to_connect(make: Callable[[], Transport]) -> None:
    """CONNECT with credentials goes to the proxy; TLS and the request go through it, and it sees neither."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        async with proxying() as proxy:
            url = f"http://user:s3%40cret@127.0.0.1:{proxy.port}"
            asked = request(faults, "ok", proxy=url, timeouts=PATIENT, headers=(("authorization", "Bearer sk-key"),))
            assert (await fetch(transport, asked))[1] == b"hello"
            (head,) = proxy.heads
        assert head.startswith(b"CONNECT 127.0.0.1:")
        assert b"authorization: basic " + base64.b64encode(b"user:s3@cret").lower() in head.lower()
        assert b"sk-key" not in head
        assert b"proxy-authorization" not in faults.requests[0].lower()

    play(make, scene, good())


def test_plain_http_is_asked_of_the_proxy_itself(make: Callable[[], Transport]) -> None:
    """By its whole URL, with credentials, as curl does: many proxies allow CONNECT to port 443 alone.  The next request
    takes the same connection, which is not the one of requests without a proxy."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        async with proxying() as proxy:
            url = f"http://user:s3%40cret@127.0.0.1:{proxy.port}"
            asked = request(
                faults, "ok?a=b", proxy=url, timeouts=PATIENT, headers=(("authorization", "Bearer sk-key"),)
            )
            for _ in range(2):
                assert (await fetch(transport, asked))[1] == b"hello"
            (head,) = proxy.heads
        where = faults.base.removeprefix("http://").removesuffix("/v1").encode()
        assert head.startswith(b"POST http://%b/v1/ok?a=b HTTP/1.1\r\n" % where)
        assert b"\r\nhost: %b\r\n" % where in head.lower()
        assert b"proxy-authorization: basic " + base64.b64encode(b"user:s3@cret").lower() in head.lower()
        assert (await fetch(transport, request(faults, "ok", timeouts=PATIENT)))[1] == b"hello"
        assert len(faults.requests) == 3 and b"proxy-authorization" not in faults.requests[2].lower()

    play(make, scene)


def test_f06_a_proxy_that_wants_another_login_before_plain_http(make: Callable[[], Transport]) -> None:
    """Its 407 is the proxy's error and not the provider's answer."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        async with proxying(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n") as proxy:
            error = await fails(transport, request(faults, "ok", proxy=f"http://user:s3cret@127.0.0.1:{proxy.port}"))
        assert error.kind is Kind.EGRESS_PROXY and "s3cret" not in str(error)
        assert not faults.requests

    play(make, scene)


@pytest.mark.parametrize(
    ("says", "kinds"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", {Kind.EGRESS_PROXY}),
        (b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", {Kind.EGRESS_PROXY}),
        (b"hello\r\n\r\n", {Kind.EGRESS_PROXY}),
        (b"", {Kind.TIMEOUT}),
    ],
    ids=["407", "502", "no-http", "stall"],
)
def test_f06_a_proxy_that_refuses(says: bytes, kinds: set[Kind], make: Callable[[], Transport]) -> None:
    """The proxy's refusal is told as its own, in time, without its password; the upstream hears nothing."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        async with proxying(says) as proxy:
            url = f"http://user:s3cret@127.0.0.1:{proxy.port}"
            error = await fails(transport, request(faults, "ok", proxy=url))
        assert error.kind in kinds, str(error)
        assert "s3cret" not in str(error)
        assert not faults.requests

    play(make, scene, good())


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid", "127.0.0.1:99999"])
def test_f06_no_proxy_there(host: str, make: Callable[[], Transport]) -> None:
    """A proxy that nobody runs, or that cannot be, is the proxy's error, not the provider's."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        error = await fails(transport, request(faults, "ok", proxy=f"http://u:s3cret@{host}", timeouts=PATIENT))
        assert error.kind is Kind.EGRESS_PROXY, str(error)
        assert "s3cret" not in str(error) and "Unknown error" not in str(error)

    play(make, scene, good())


def test_f09_an_early_answer_ends_the_upload(make: Callable[[], Transport]) -> None:
    """A 413 in the middle of a large upload is the answer."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        status, body = await fetch(transport, request(faults, "early", b"x" * 5_000_000, timeouts=PATIENT))
        assert status == 413 and b"big" in body

    play(make, scene)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux tells when nothing is taken any more")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_f63_a_request_that_nobody_takes(secure: bool, make: Callable[[], Transport]) -> None:
    """A peer that stops reading in the middle of a large upload is given up long before the time for its answer, and
    what was being sent is let go."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        times = Timeouts(connect=5, write=0.6, head=60)
        error = await fails(transport, request(faults, "deaf", b"x" * 20_000_000, timeouts=times))
        assert error.kind is Kind.TIMEOUT, str(error)
        assert (await fetch(transport, request(faults, "ok", timeouts=PATIENT)))[1] == b"hello"

    play(make, scene, good() if secure else None)


@pytest.mark.parametrize("status", REDIRECTS)
def test_f15_redirects_are_not_followed(status: int, make: Callable[[], Transport]) -> None:
    """A redirect is an answer like any other; its target sees nothing."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        assert (await fetch(transport, request(faults, f"redirect-{status}", timeouts=PATIENT)))[0] == status
        assert len(faults.requests) == 1

    play(make, scene)


@pytest.mark.parametrize("path", ["trailing", "trailing-head"])
def test_f38_bytes_after_the_answer_poison_nothing(path: str, make: Callable[[], Transport]) -> None:
    """A server that sends more than it said, or the beginning of an answer that nobody asked for, is not trusted with the
    next request."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        assert (await fetch(transport, request(faults, path, timeouts=PATIENT)))[1] == b"hello"
        assert (await fetch(transport, request(faults, "ok", timeouts=PATIENT)))[1] == b"hello"
        assert faults.connections == 2

    play(make, scene)


@pytest.mark.parametrize("path", ["large", "pour"])
def test_f41_the_size_of_an_answer_is_limited(path: str, make: Callable[[], Transport]) -> None:
    """Above the limit the connection is closed, whether the answer names its length or never ends."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        error = await fails(transport, request(faults, path, max_response_bytes=1000, timeouts=PATIENT))
        assert error.kind is PROTOCOL and "larger than 1000" in str(error)
        if path == "pour":  # the other one has nothing left to say
            await asyncio.wait_for(faults.closed.wait(), SOON)

    play(make, scene)


def test_f41_no_more_is_held_than_the_limit(make: Callable[[], Transport]) -> None:
    """Of an answer without end its reader gets no byte above it."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        limit, heard = 3_000_000, 0
        response = await transport.send(request(faults, "pour", max_response_bytes=limit, timeouts=PATIENT))
        with pytest.raises(UpstreamError, match=f"larger than {limit}"):
            async for piece in response.chunks():
                heard += len(piece)
        assert limit - 2 * READ_HIGH_WATER < heard <= limit
        response.close()
        await asyncio.wait_for(faults.closed.wait(), SOON)

    play(make, scene)


def test_f61_trailers_replace_nothing(make: Callable[[], Transport]) -> None:
    """What stands behind the body is no header: nothing that was acted upon changes."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        response = await transport.send(request(faults, "trailers", timeouts=PATIENT))
        assert await response.read(100) == b"hello"
        assert response.headers["content-type"] == "application/json"
        assert "x-error" not in response.headers
        response.close()

    play(make, scene)


@pytest.mark.parametrize("path", ["silence", "stall", "pour"])
def test_f62_leaving_closes_the_upstream(path: str, make: Callable[[], Transport]) -> None:
    """Cancelled before the head, while waiting or in the middle: the server sees the end of the connection at once (but
    see reqwest.py for its one exception: before the head, when the head's time is over)."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        late = path == "silence" and isinstance(transport, ReqwestTransport)
        task = asyncio.ensure_future(fetch(transport, request(faults, path, timeouts=QUICK if late else PATIENT)))
        await asyncio.wait_for(faults.asked.wait(), SOON)
        await asyncio.sleep(0.02)
        task.cancel()
        began = asyncio.get_running_loop().time()
        await asyncio.wait_for(faults.closed.wait(), SOON)
        assert late or asyncio.get_running_loop().time() - began < 0.5  # 100 ms are promised; the machine may be busy

    play(make, scene)


def test_a_small_piece_is_not_held_back(make: Callable[[], Transport]) -> None:
    """Five bytes come when they come, not when a buffer is full (the library's default of one waits for 64 KiB)."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        response = await transport.send(request(faults, "stall", timeouts=PATIENT))
        assert await asyncio.wait_for(anext(response.chunks()), 2) == b"hello"
        response.close()

    play(make, scene)


def test_a_slow_reader_slows_the_upstream(make: Callable[[], Transport]) -> None:
    """Unread bytes are bounded; the rest waits at the sender."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        response = await transport.send(request(faults, "pour", timeouts=PATIENT))
        written = -1
        while written != faults.poured:
            written = faults.poured
            await asyncio.sleep(0.1)
        assert written < READ_HIGH_WATER + 16 * 1024 * 1024  # what the kernel's buffers may hold on top
        assert len(await anext(response.chunks())) > 0
        response.close()

    play(make, scene)


def test_headers_cannot_be_smuggled(make: Callable[[], Transport]) -> None:
    """A header value with a line end is refused, and the secret in it is not shown."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        asked = request(faults, "ok", headers=(("x-a", "sk-secret\r\nx-b: 1"),))
        error = await fails(transport, asked)
        assert error.kind is Kind.UPSTREAM_MISCONFIGURED and "x-a" in str(error)
        assert "sk-secret" not in str(error) and not faults.requests

    play(make, scene)


def test_a_hundred_at_once(make: Callable[[], Transport]) -> None:
    """Concurrent requests keep their answers apart."""

    async def scene(faults: FaultServer, transport: Transport) -> None:
        paths = ["ok", "chunked", "gzip", "short", "no-answer"] * 20
        asked = [fetch(transport, request(faults, path, timeouts=PATIENT)) for path in paths]
        for path, heard in zip(paths, await asyncio.gather(*asked, return_exceptions=True)):
            good = path in ("ok", "chunked", "gzip")
            assert isinstance(heard, tuple if good else UpstreamError)

    play(make, scene)
