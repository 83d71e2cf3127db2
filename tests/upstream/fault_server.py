"""A raw TCP upstream that misbehaves on command: what it does is chosen by the request's path."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Writer = asyncio.StreamWriter
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


class FaultServer:
    """Counts connections and requests; `base` is its URL."""

    def __init__(self, tls: bool) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.closed = asyncio.Event()  # set whenever a client closes
        self.base = ""
        self.tls = tls

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
                path = head.split(b" ", 2)[1].decode().partition("?")[0].strip("/").partition("/")[2] or "ok"
                self.requests.append(head)
                if path == "early":
                    await respond(writer, b"413 Too Large", b'{"error":"big"}', b"connection: close\r\n")
                    return
                await reader.readexactly(length)
                if path == "stale" and len(self.requests) == 1:
                    await respond(writer, b"200 OK", b"{}")
                    await asyncio.sleep(0.02)
                    return
                if await FAULTS[path](writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.set()
        finally:
            writer.close()


async def respond(writer: Writer, status: bytes, body: bytes, headers: bytes = b"") -> None:
    writer.write(b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n\r\n%b" % (status, headers, len(body), body))
    await writer.drain()


def raw(data: bytes, *, close: bool = True, reset: bool = False) -> Callable[[Writer], Awaitable[bool]]:
    async def fault(writer: Writer) -> bool:
        writer.write(data)
        await writer.drain()
        if reset:
            await asyncio.sleep(0.02)
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


async def silence(writer: Writer) -> bool:
    await asyncio.sleep(30)
    return True


async def stall(writer: Writer) -> bool:
    writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
    await writer.drain()
    await asyncio.sleep(30)
    return True


async def pour(writer: Writer) -> bool:
    """Sends without end, as fast as it is read."""
    writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n")
    block = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    while not writer.transport.is_closing():
        writer.write(block)
        await writer.drain()
    return True


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"


BOMB = gzip.compress(b"\0" * (8 * 1024 * 1024))
GZIP = gzip.compress(b"hello" * 100)
ENCODED = HEAD + b"content-encoding: gzip\r\n"

FAULTS: dict[str, Callable[[Writer], Awaitable[bool]]] = {
    "ok": raw(HEAD + b"content-length: 5\r\n\r\nhello", close=False),
    "chunked": raw(HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunked(b"hel", b"lo"), close=False),
    "stale": raw(HEAD + b"content-length: 5\r\n\r\nhello", close=False),
    "to-the-end": raw(b"HTTP/1.1 200 OK\r\n\r\nhello"),
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
    "length-and-chunks": raw(HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(b"hello")),
    "interim-flood": raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 50),
    "big-head": raw(HEAD + b"x-big: " + b"y" * 100_000 + b"\r\n\r\n"),
    "many-headers": raw(HEAD + b"".join(b"x-%d: y\r\n" % n for n in range(400)) + b"\r\n"),
    "banner": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "cut-gzip": raw(ENCODED + b"content-length: %d\r\n\r\n%b" % (len(GZIP) - 9, GZIP[:-9])),
    "not-gzip": raw(ENCODED + b"content-length: 5\r\n\r\nhello"),
    "bomb": raw(ENCODED + b"content-length: %d\r\n\r\n%b" % (len(BOMB), BOMB)),
    "brotli": raw(HEAD + b"content-encoding: br\r\ncontent-length: 5\r\n\r\nhello"),
    "redirect": raw(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", close=False),
    "trailing": raw(HEAD + b"content-length: 5\r\n\r\nhelloEXTRA", close=False),
    "large": raw(HEAD + b"content-length: 5000\r\n\r\n" + b"x" * 5000),
    "dripped-head": slowly(HEAD * 20, 0.02),
    "silence": silence,
    "stall": stall,
    "pour": pour,
}


@asynccontextmanager
async def serving(context: ssl.SSLContext | None = None) -> AsyncIterator[FaultServer]:
    faults = FaultServer(context is not None)
    server = await asyncio.start_server(faults.serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    faults.base = f"{'https' if context else 'http'}://127.0.0.1:{port}/v1"
    try:
        yield faults
    finally:
        server.close()
