"""A raw TCP upstream that misbehaves on command: what it does is chosen by the request's path."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from urllib.parse import urlsplit

Writer = asyncio.StreamWriter
Handle = Callable[[asyncio.StreamReader, Writer], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


class FaultServer:
    """Counts connections and requests; `base` is its URL."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.asked = asyncio.Event()  # set by the first request
        self.closed = asyncio.Event()  # set whenever a client closes
        self.poured = 0  # bytes that "pour" got rid of
        self.base = ""

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.lower().split(b"\r\n")
                        if line.startswith(b"content-length")
                    ),
                    0,
                )
                path = urlsplit(head.split(b" ", 2)[1].decode()).path.strip("/").partition("/")[2] or "ok"
                self.requests.append(head)
                self.asked.set()
                if path == "early":
                    await respond(writer, b"413 Too Large", b'{"error":"big"}', b"connection: close\r\n")
                    await asyncio.sleep(0.1)  # a close before the client has read would reset what it is to read
                    return
                if path == "deaf":  # it takes no more than its system takes for it
                    await asyncio.Event().wait()
                await reader.readexactly(length)
                if path in STALE and len(self.requests) != 2:
                    path = "ok"
                if path == "pour":
                    await self.pour(writer)
                elif await FAULTS[path](writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.set()

    async def pour(self, writer: Writer) -> None:
        """Send without end, as fast as it is read."""
        writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        block = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        while not writer.transport.is_closing():
            writer.write(block)
            await writer.drain()
            self.poured += len(block)
        raise ConnectionResetError


async def respond(writer: Writer, status: bytes, body: bytes, headers: bytes = b"") -> None:
    writer.write(b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n\r\n%b" % (status, headers, len(body), body))
    await writer.drain()


def raw(data: bytes, *, close: bool = True, reset: bool = False) -> Callable[[Writer], Awaitable[bool]]:
    async def fault(writer: Writer) -> bool:
        writer.write(data)
        await writer.drain()
        if reset:
            await asyncio.sleep(0.02)  # for the bytes before it to arrive: a reset overtakes them
            linger = struct.pack("ii", 1, 0)  # the connection is reset, not closed
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        return close

    return fault


def slowly(data: bytes, pause: float) -> Callable[[Writer], Awaitable[bool]]:
    async def fault(writer: Writer) -> bool:
        for i in range(len(data)):
            writer.write(data[i : i + 1])
            await writer.drain()
            await asyncio.sleep(pause)
        return True

    return fault


STALE = ("stale", "stale-reset", "stale-half-head")
"""Faults of the second request of a connection, after a good answer; a third request is answered well."""


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"


BOMB = gzip.compress(b"\0" * (8 * 1024 * 1024))
GZIP = gzip.compress(b"hello" * 100)
ENCODED = HEAD + b"content-encoding: gzip\r\n"

NO_COMMON_PROTOCOL = b"\x15\x03\x03\x00\x02\x02\x78"  # the TLS alert no_application_protocol (RFC 7301, 3.2)

REDIRECTS = (301, 302, 303, 307, 308)

ANSWER = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant",'
    b'"content":"Hello."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
)

FAULTS: dict[str, Callable[[Writer], Awaitable[bool]]] = {
    "answer": raw(HEAD + b"content-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER), close=False),
    "ok": raw(HEAD + b"content-length: 5\r\n\r\nhello", close=False),
    "chunked": raw(HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunked(b"hel", b"lo"), close=False),
    "stale": raw(b""),
    "stale-reset": raw(b"", reset=True),
    "stale-half-head": raw(b"HTTP/1.1 200 OK\r\ncontent-ty"),
    "to-the-end": raw(b"HTTP/1.1 200 OK\r\n\r\nhello"),
    "trailers": raw(
        HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\ncontent-type: text/html\r\nx-error: 1\r\n\r\n",
        close=False,
    ),
    "interim": raw(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 3 + HEAD + b"content-length: 5\r\n\r\nhello"),
    "gzip": raw(ENCODED + b"content-length: %d\r\n\r\n%b" % (len(GZIP), GZIP), close=False),
    "no-answer": raw(b""),
    "reset-before": raw(b"", reset=True),
    "half-head": raw(b"HTTP/1.1 200 OK\r\ncontent-ty"),
    "short": raw(HEAD + b"content-length: 50\r\n\r\nhello"),
    "reset-inside": raw(HEAD + b"content-length: 50\r\n\r\nhello", close=False, reset=True),
    "no-last-chunk": raw(HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    "bad-chunk": raw(HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n"),
    "two-lengths": raw(HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
    "switch": raw(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhello"),
    "length-and-chunks": raw(HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(b"hello")),
    "interim-flood": raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 50),
    "big-head": raw(HEAD + b"x-big: " + b"y" * 100_000 + b"\r\n\r\n"),
    "huge-head": raw(HEAD + b"x-big: " + b"y" * 1_000_000 + b"\r\n\r\n"),
    "many-headers": raw(HEAD + b"".join(b"x-%d: y\r\n" % n for n in range(400)) + b"\r\n"),
    "bad-header": raw(HEAD + b"x\0y: z\r\ncontent-length: 5\r\n\r\nhello"),
    "banner": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "tls-alert": raw(b"\x15\x03\x03\x00\x02\x02\x46"),
    "http-0.9": raw(b"<html>hello</html>"),
    "cut-gzip": raw(ENCODED + b"content-length: %d\r\n\r\n%b" % (len(GZIP) - 9, GZIP[:-9])),
    "cut-gzip-to-the-end": raw(ENCODED + b"\r\n" + GZIP[:-9]),
    "not-gzip": raw(ENCODED + b"content-length: 5\r\n\r\nhello"),
    "bomb": raw(ENCODED + b"content-length: %d\r\n\r\n%b" % (len(BOMB), BOMB)),
    "brotli": raw(HEAD + b"content-encoding: br\r\ncontent-length: 5\r\n\r\nhello"),
    "zstd": raw(HEAD + b"content-encoding: zstd\r\ncontent-length: 5\r\n\r\nhello"),
    **{
        f"redirect-{status}": raw(
            b"HTTP/1.1 %d Moved\r\nlocation: /v1/ok\r\ncontent-length: 0\r\n\r\n" % status, close=False
        )
        for status in REDIRECTS
    },
    "trailing": raw(HEAD + b"content-length: 5\r\n\r\nhelloEXTRA", close=False),
    "trailing-head": raw(HEAD + b"content-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n", close=False),
    "large": raw(HEAD + b"content-length: 5000\r\n\r\n" + b"x" * 5000, close=False),
    "dripped-head": slowly(HEAD * 20, 0.02),
    "silence": raw(b"", close=False),
    "stall": raw(HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", close=False),
}


@asynccontextmanager
async def listening(handle: Handle, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on a free port, whose connections are gone when it is."""
    tasks: set[asyncio.Task[None]] = set()

    async def held(reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handle(reader, writer)
        except asyncio.CancelledError:
            pass  # the server stops: nobody is to hear of it
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(held, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)


@asynccontextmanager
async def serving(context: ssl.SSLContext | None = None) -> AsyncIterator[FaultServer]:
    """A fault server."""
    faults = FaultServer()
    async with listening(faults.serve, context) as port:
        faults.base = f"{'https' if context else 'http'}://127.0.0.1:{port}/v1"
        yield faults


class Proxy:
    """An HTTP proxy.  It answers CONNECT with `says`; after a 200 it carries bytes, after b"" it is silent.  What is asked
    for by its whole URL it carries as well, unless `says` is a refusal."""

    def __init__(self, says: bytes) -> None:
        self.says = says
        self.heads: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            target = head.split(b" ")[1]
            if target.startswith(b"http://") and b" 200 " in self.says:  # servers understand whole URLs as well
                await self.carry(urlsplit(target).port or 80, reader, writer, head)
                return
            writer.write(self.says)
            if b" 200 " in self.says:
                await self.carry(int(target.rpartition(b":")[2]), reader, writer)
            elif not self.says:
                await reader.read()
        writer.close()

    async def carry(self, port: int, reader: asyncio.StreamReader, writer: Writer, first: bytes = b"") -> None:
        """Bytes both ways, from here to a port of this machine."""
        from_there, there = await asyncio.open_connection("127.0.0.1", port)
        there.write(first)
        try:
            await asyncio.gather(_pipe(reader, there), _pipe(from_there, writer))
        finally:
            there.transport.abort()


async def _pipe(reader: asyncio.StreamReader, writer: Writer) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def proxying(says: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> AsyncIterator[Proxy]:
    """A proxy."""
    proxy = Proxy(says)
    async with listening(proxy.serve) as proxy.port:
        yield proxy


@contextmanager
def black_hole() -> Iterator[int]:
    """A port that takes no further connection: its queue is full, so that who dials hears nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for one in waiting:
            one.close()
