"""What only the second transport can: HTTP/2, client certificates, and proxies that are no HTTP."""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
import struct
from collections.abc import Callable

import pytest
from authority import AUTHORITY, good
from fault_server import Handle, Proxy, Writer, listening, serving

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream import _optional
from hexapla.upstream.reqwest import ReqwestTransport, installed
from hexapla.upstream.transport import Request, Timeouts

pytestmark = pytest.mark.skipif(not installed(), reason="the extra hexapla[reqwest] is not installed")

PATIENT = Timeouts(connect=5, head=5, idle=5)
TRUSTED = AUTHORITY.cert_pem.bytes()


async def fetch(transport: ReqwestTransport, url: str, **more: str) -> tuple[int, bytes]:
    response = await transport.send(Request(url=url, body=b"{}", timeouts=PATIENT, **more))  # type: ignore[arg-type]
    try:
        return response.status, await response.read(10_000)
    finally:
        response.close()


def test_no_file_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process may open no more, the library cannot be read at its first use, and can at the next."""

    def refuse(name: str) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), name)

    async def play() -> None:
        transport = ReqwestTransport()
        with monkeypatch.context() as patched:
            patched.setattr(_optional, "import_module", refuse)
            with pytest.raises(UpstreamError, match="cannot be reached: Too many open files") as told:
                await fetch(transport, "http://127.0.0.1:9/v1")
        assert told.value.kind is Kind.UPSTREAM_CONNECT
        with pytest.raises(UpstreamError, match="refused"):
            await fetch(transport, "http://127.0.0.1:9/v1")
        await transport.aclose()

    asyncio.run(play())


def test_a_header_that_is_not_ascii() -> None:
    """The library does not say its value; the others are there, and so is the body."""

    async def handle(reader: asyncio.StreamReader, writer: Writer) -> None:
        await reader.readuntil(b"{}")
        head = b"HTTP/1.1 200 OK\r\nx-a: 1\r\nx-b: \xe4\xb8\xad\r\nX-C: 2\r\nx-c: 3\r\ncontent-length: 2\r\n\r\n"
        writer.write(head + b"hi")
        await writer.drain()

    async def play() -> None:
        transport = ReqwestTransport()
        async with listening(handle) as port:
            response = await transport.send(Request(url=f"http://127.0.0.1:{port}/", body=b"{}", timeouts=PATIENT))
            assert response.headers == {"x-a": "1", "x-c": "2, 3", "content-length": "2"}
            assert await response.read(10) == b"hi"
        await transport.aclose()

    asyncio.run(play())


# frames of HTTP/2 (https://www.rfc-editor.org/rfc/rfc9113), just enough to answer or to refuse

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
REFUSED_STREAM, ENHANCE_YOUR_CALM = 7, 11
STATUS_200 = b"\x88"  # HPACK's static table
NO_WINDOW = struct.pack(">HI", 4, 0)  # SETTINGS_INITIAL_WINDOW_SIZE is 0


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def answered(stream: int) -> bytes:
    return frame(HEADERS, END_HEADERS, stream, STATUS_200) + frame(DATA, END_STREAM, stream, b"hello")


def refused(stream: int) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", REFUSED_STREAM))


def broken_off(stream: int) -> bytes:
    begun = frame(HEADERS, END_HEADERS, stream, STATUS_200) + frame(DATA, 0, stream, b"hel")
    return begun + frame(RST_STREAM, 0, stream, struct.pack(">I", 2))


def silent(stream: int) -> bytes:
    return b""


def going_away(stream: int) -> bytes:
    """The stream was not looked at: the last one that was is 0."""
    return frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0))


def too_much(stream: int) -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", stream, ENHANCE_YOUR_CALM) + b"calm down")


class Http2:
    """An HTTP/2 server that says `scripts` to its requests in turn; the last one to all that follow.

    settings  how it begins;  taken: bytes of bodies that came
    """

    def __init__(self, *scripts: Callable[[int], bytes], settings: bytes = b"") -> None:
        self.scripts = list(scripts)
        self.settings = settings
        self.requests = self.taken = 0

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        await reader.readexactly(24)  # the client's preface
        writer.write(frame(SETTINGS, 0, 0, self.settings))
        try:
            while True:
                head = await reader.readexactly(9)
                size = len(await reader.readexactly(int.from_bytes(head[:3])))
                kind, flags, stream = struct.unpack(">BBI", head[3:])
                if kind == SETTINGS and not flags & ACK:
                    writer.write(frame(SETTINGS, ACK, 0))
                self.taken += size * (kind == DATA)
                if kind == HEADERS:
                    script = self.scripts[min(self.requests, len(self.scripts) - 1)]
                    self.requests += 1
                    writer.write(script(stream))
                    if script in (going_away, too_much):
                        await writer.drain()
                        return
        except asyncio.IncompleteReadError:
            return


def http2(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_alpn_protocols(["h2"])
    return context


def play(server: Handle, context: ssl.SSLContext) -> tuple[int, bytes]:
    """Ask `server` once."""

    async def run() -> tuple[int, bytes]:
        transport = ReqwestTransport(authorities=TRUSTED)
        try:
            async with listening(server, context) as port:
                return await fetch(transport, f"https://127.0.0.1:{port}/v1")
        finally:
            await transport.aclose()

    return asyncio.run(run())


def test_a_host_that_speaks_nothing_but_http2() -> None:
    """TLS negotiates it."""
    server = Http2(answered)
    assert play(server.serve, http2(good())) == (200, b"hello")


@pytest.mark.parametrize("script", [refused, going_away])
def test_f60_what_was_not_looked_at_is_sent_again(script: Callable[[int], bytes]) -> None:
    """REFUSED_STREAM and GOAWAY say that nothing was done: one free retry."""
    server = Http2(script, answered)
    assert play(server.serve, http2(good())) == (200, b"hello")
    assert server.requests == 2


@pytest.mark.parametrize(
    ("script", "kind"),
    [(too_much, Kind.UPSTREAM_CONNECT), (broken_off, Kind.UPSTREAM_TRUNCATED)],
    ids=["calm", "broken-off"],
)
def test_f60_what_was_looked_at_is_not(script: Callable[[int], bytes], kind: Kind) -> None:
    """A server that wants less, or a stream that breaks off, is an error after one request."""
    server = Http2(script)
    with pytest.raises(UpstreamError) as caught:
        play(server.serve, http2(good()))
    assert caught.value.kind is kind, str(caught.value)
    assert server.requests == 1


def test_f60_no_window_for_the_request() -> None:
    """A server that takes the head and not the body, but for what a client may send before it knows, is given up when the
    time for its answer is over: it acknowledges every byte, so that the kernel sees nothing wrong."""
    server, body = Http2(silent, settings=NO_WINDOW), b"x" * 200_000

    async def run() -> UpstreamError:
        transport = ReqwestTransport(authorities=TRUSTED)
        async with listening(server.serve, http2(good())) as port:
            times = Timeouts(connect=5, write=0.2, head=0.5)
            with pytest.raises(UpstreamError) as caught:
                await transport.send(Request(url=f"https://127.0.0.1:{port}/v1", body=body, timeouts=times))
        await transport.aclose()
        return caught.value

    assert asyncio.run(run()).kind is Kind.TIMEOUT
    assert server.requests == 1 and server.taken < len(body)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_proxy_that_is_reached_by_tls(secure: bool) -> None:
    """What its password and the way of the request are, nobody on the way to it can read."""

    async def run() -> None:
        transport, proxy = ReqwestTransport(authorities=TRUSTED), Proxy(b"HTTP/1.1 200 OK\r\n\r\n")
        async with serving(good() if secure else None) as faults, listening(proxy.serve, good()) as port:
            asked = Request(url=f"{faults.base}/ok", body=b"{}", proxy=f"https://user:s3cret@127.0.0.1:{port}")
            response = await transport.send(asked)
            assert await response.read(100) == b"hello"
            response.close()
        assert len(proxy.heads) == 1 and b"proxy-authorization" in proxy.heads[0].lower()
        await transport.aclose()

    asyncio.run(run())
