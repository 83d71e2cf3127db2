"""One connection and the exchange that it carries.

An asyncio.Protocol: bytes come in by callback, go through httptools, and wait as decoded chunks until somebody asks.  A
waiting reader is one future; nothing else happens per chunk.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import httptools

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.egress import proxy_login
from hexapla.upstream.inflate import Inflate, inflate_of
from hexapla.upstream.stall import give_up_after
from hexapla.upstream.tls import handshake_failed
from hexapla.upstream.transport import READ_HIGH_WATER, Request, smuggled

if TYPE_CHECKING:
    from hexapla.upstream.dial import Origin

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
MAX_INTERIM = 20
NEVER = float("inf")
PROXY_LOGIN = 407  # a status that only a proxy gives
SPLIT_WRITE = 64 * 1024  # larger bodies are written apart from their head, which saves a copy


class StaleError(Exception):
    """A reused connection was closed before any byte of an answer: the server has not seen the request."""


class Exchange:
    """A response whose head has arrived (see transport.Response), with a body to be called back by (see body.Body)."""

    __slots__ = ("_closed", "_connection", "headers", "status")

    def __init__(self, connection: Connection, status: int, headers: dict[str, str]) -> None:
        self._connection = connection
        self._closed = False
        self.status = status
        self.headers = headers

    def chunks(self) -> Exchange:
        return self

    def __aiter__(self) -> Exchange:
        return self

    async def __anext__(self) -> bytes:
        return await self._connection.next_chunk()

    def take(self) -> bytes | None:
        return self._connection.take()

    @property
    def ended(self) -> bool:
        return self._connection.ended

    def tell(self, heard: Callable[[], None] | None) -> None:
        if not self._closed:
            self._connection.heard = heard

    async def read(self, limit: int) -> bytes:
        pieces, size = [], 0
        async for chunk in self:
            size += len(chunk)
            if size > limit:
                self.close()
                raise UpstreamError(Kind.UPSTREAM_PROTOCOL, f"The answer is larger than {limit} bytes.")
            pieces.append(chunk)
        return b"".join(pieces)

    def close(self) -> None:
        if not self._closed:  # closed again, it would end whatever the connection carries by then
            self._closed = True
            self._connection.finish()


class Connection(asyncio.Protocol):
    """`released` is called when an exchange is over and the connection may be used again or forgotten."""

    def __init__(self, released: Callable[[Connection], None]) -> None:
        self._released = released
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: Any = httptools.HttpResponseParser(self)  # for one answer after the other
        self.since = 0.0  # when it was released
        self._served = 0
        self._stalls = 0.0  # seconds that the other end may take nothing
        self._reused = False
        self.closed = False
        self.reset(None)

    def reset(self, origin: Origin | None) -> None:
        """Another exchange begins, if there is an origin."""
        self.origin = origin
        self._waiter: asyncio.Future[None] | None = None
        self.heard: Callable[[], None] | None = None  # told that there is something to take
        self._chunks: list[bytes] = []
        self._buffered = 0
        self._paused = False
        self.head: tuple[int, dict[str, str]] | None = None
        self._headers: dict[str, str] = {}
        self._header_bytes = self._head_bytes = self._interim = self._decoded = 0
        self._complete = self._keep_alive = False
        self._in_use = origin is not None
        self.error: UpstreamError | None = None
        self._answered = False  # any byte of an answer came
        self._inflate: Inflate | None = None
        self._deadline = NEVER
        self._idle = 0.0
        self._limit = 0

    @property
    def ended(self) -> bool:
        """The body is complete, and whole."""
        return self._complete and self.error is None

    @property
    def reusable(self) -> bool:
        transport = self._transport
        return not self.closed and not self._in_use and transport is not None and not transport.is_closing()

    @property
    def certificate(self) -> dict[str, Any] | None:
        """What the server's certificate says (ssl.SSLSocket.getpeercert); None without TLS."""
        secured = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return secured.getpeercert() if secured is not None else None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclass of it

    def data_received(self, data: bytes) -> None:
        if not self._in_use:
            self.close()  # bytes that nobody asked for: this connection cannot be trusted
            return
        self._answered = True
        if self.head is None:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(Kind.UPSTREAM_PROTOCOL, "The provider switched to another protocol.")
        except httptools.HttpParserError as error:
            if not self._complete:
                self._fail(Kind.UPSTREAM_PROTOCOL, f"The provider does not speak HTTP/1.1 ({error}).")
            self._keep_alive = False
        if self.head is None:
            if self._head_bytes > MAX_HEAD_BYTES:
                self._fail(Kind.UPSTREAM_PROTOCOL, "The head of the provider's answer is too large.")
        elif not self._complete:
            self._deadline = self._loop.time() + self._idle if self._idle else NEVER
            if self._buffered > READ_HIGH_WATER and not self._paused and self._transport is not None:
                self._paused = True
                self._transport.pause_reading()
        if self.heard is not None:  # as `_wake` does: this is where every byte comes by
            self.heard()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._in_use and not self._complete and self.error is None:
            self._on_early_end(exc)
        self._wake()

    def _on_early_end(self, exc: Exception | None) -> None:
        """The bytes are over before the answer is, unless the answer's end is the connection's."""
        if self.head is not None and exc is None and self._until_close():
            self._complete, self._deadline = True, NEVER
            self._close_inflate()
            return
        if isinstance(exc, TimeoutError):
            what = f"{self.origin} took nothing more of the request for {self._stalls:g} seconds."
            self.error = UpstreamError(Kind.TIMEOUT, what)
            return
        if isinstance(exc, ssl.SSLError) and self.head is None:  # TLS 1.3 refuses when the handshake is done here
            self.error = handshake_failed(self.origin, exc)
            return
        if self.head is None and not self._answered:
            self.error = None  # `send` decides: stale, or refused without an answer
            return
        self.error = UpstreamError(
            Kind.UPSTREAM_TRUNCATED if self.head is not None else Kind.UPSTREAM_PROTOCOL,
            "The provider closed the connection before its answer was complete.",
        )

    def _until_close(self) -> bool:
        headers = self.head[1] if self.head is not None else {}
        return "content-length" not in headers and "transfer-encoding" not in headers

    # httptools

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("bytes behind the end")  # stops the parser: they must become no other answer's head

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self._headers
        if len(headers) >= MAX_HEADERS:
            self._fail(Kind.UPSTREAM_PROTOCOL, "The provider sends too many headers.")
            return
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEAD_BYTES:
            self._fail(Kind.UPSTREAM_PROTOCOL, "The head of the provider's answer is too large.")
            return
        if self.head is not None:
            return  # a trailer: it must not replace a header that was acted upon
        key, text = _lower(name), value.decode("latin-1")
        before = headers.get(key)
        if before is None:
            if key != "set-cookie":
                headers[key] = text
            return
        if key == "content-length" and before != text:
            self._fail(Kind.UPSTREAM_PROTOCOL, "The provider names two lengths of one answer.")
        headers[key] = f"{before}, {text}"

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._interim += 1
            self._headers = {}
            if self._interim > MAX_INTERIM:
                self._fail(Kind.UPSTREAM_PROTOCOL, "The provider sends interim answers without end.")
            return
        if "content-length" in self._headers and "transfer-encoding" in self._headers:
            self._fail(Kind.UPSTREAM_PROTOCOL, "The provider names a length and sends chunks.")
            return
        self.head = status, self._headers
        if encoding := self._headers.get("content-encoding"):
            try:
                self._inflate = inflate_of(encoding)
            except UpstreamError as error:
                self._give_up(error)

    def on_body(self, body: bytes) -> None:
        if self.error is not None:
            return
        if self._inflate is not None:
            try:
                body = self._inflate.feed(body)
            except UpstreamError as error:
                self._give_up(error)
                return
        self._decoded += len(body)
        if self._limit and self._decoded > self._limit:
            self._fail(Kind.UPSTREAM_PROTOCOL, f"The answer is larger than {self._limit} bytes.")
            return
        if body:
            self._chunks.append(body)
            self._buffered += len(body)

    def on_message_complete(self) -> None:
        if self.head is None:
            return  # an interim answer
        self._complete = True
        self._deadline = NEVER
        # right only inside this callback; asked later it is always False (docs/measurements.md, traps)
        self._keep_alive = self._parser.should_keep_alive() and self.error is None
        if self._inflate is not None:
            self._close_inflate()

    def _close_inflate(self) -> None:
        if self._inflate is not None and self.error is None:
            try:
                self._inflate.close()
            except UpstreamError as error:
                self.error = error

    # the exchange

    def begin(self, request: Request, heard: Callable[[], None] | None = None) -> None:
        """Write the request; whoever is called back by `heard` looks at `head`, `error` and `closed` then.

        Raises UpstreamError for a request that cannot be written.
        """
        self._idle, self._limit = request.timeouts.idle, request.max_response_bytes
        self._reused, self._served = self._served > 0, self._served + 1
        self.heard = heard
        transport, origin, body = self._transport, self.origin, request.body
        assert transport is not None and origin is not None
        if request.timeouts.write != self._stalls:
            self._stalls = request.timeouts.write
            give_up_after(self._stalls, transport)
        try:
            head = _head(request.method, request.url, request.headers, origin)
        except UpstreamError:
            self.close()
            raise
        head = b"%b%d\r\n\r\n" % (head, len(body))
        if len(body) <= SPLIT_WRITE:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        if request.timeouts.head:
            self._deadline = self._loop.time() + request.timeouts.head

    def response(self) -> Exchange:
        """The answer, whose head has come.  Raises what came instead: UpstreamError, or StaleError."""
        if self.head is not None:
            if self.head[0] == PROXY_LOGIN and self.origin is not None and self.origin.forwarded:
                raise wants_login(self.origin)
            return Exchange(self, *self.head)
        if self.error is not None:
            raise self.error
        raise StaleError if self._reused or not self._answered else self._truncated()

    def whole(self) -> bytes:
        """The answer's body, which stays to be taken; b"" unless all of it is there, and it is no refusal."""
        if not self._complete or self.error is not None or self.head is None or self.head[0] >= 300:
            return b""
        if len(self._chunks) != 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0]

    async def send(self, request: Request) -> Exchange:
        """Write the request and wait for the head of the answer."""
        if self._transport is None or self._transport.is_closing():
            raise StaleError
        self.begin(request)
        while self.head is None and self.error is None and not self.closed:
            await self._wait()
        return self.response()

    def _truncated(self) -> UpstreamError:
        return UpstreamError(Kind.UPSTREAM_PROTOCOL, f"{self.origin} closed the connection inside its answer's head.")

    async def next_chunk(self) -> bytes:
        """The next body bytes; StopAsyncIteration when the body is complete."""
        while (chunk := self.take()) is None:
            await self._wait()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def take(self) -> bytes | None:
        """The body bytes that have arrived; b"" when the body is complete, None when there are none yet."""
        if not self._chunks:
            if self.error is not None:
                raise self.error
            return b"" if self._complete else None
        # everything that has arrived is one chunk: a burst costs its reader one round, not one for each HTTP chunk
        chunk = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._paused:
            self._paused = False
            self._deadline = self._loop.time() + self._idle if self._idle else NEVER
            if self._transport is not None and not self.closed:
                self._transport.resume_reading()
        return chunk

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self.heard is not None:
            self.heard()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def check(self, now: float) -> None:
        """Called by the sweeper: give up when the deadline has passed and nobody is holding the reading up."""
        if now < self._deadline or self._paused or self._complete:
            return
        what = "answer" if self.head is None else "continue"
        self._fail(Kind.TIMEOUT, f"{self.origin} did not {what} in time.")
        self._wake()

    def _fail(self, kind: Kind, message: str) -> None:
        self._give_up(UpstreamError(kind, message))

    def _give_up(self, error: UpstreamError) -> None:
        if self.error is None and not self._complete:
            self.error = error
        self._keep_alive = False
        if self._transport is not None:
            self._transport.abort()

    def finish(self) -> None:
        """The exchange is over: keep the connection if the answer was complete, else close it."""
        if not self._in_use:
            return
        self._in_use, self.heard = False, None
        self._chunks.clear()
        if not (self._complete and self._keep_alive and self.error is None):
            self.close()
            return
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        self.since = self._loop.time()
        self._released(self)

    def close(self) -> None:
        """Close at once.  Idempotent."""
        self._in_use, self.heard = False, None
        if not self.closed:
            self.closed = True
            if self._transport is not None:
                self._transport.abort()
        self._released(self)


def wants_login(origin: Origin) -> UpstreamError:
    """What a proxy's 407 means."""
    return UpstreamError(Kind.EGRESS_PROXY, f"The proxy before {origin} refused the login that its URL holds (407).")


@lru_cache(maxsize=1024)
def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()


@lru_cache(maxsize=1024)
def _head(method: str, url: str, headers: tuple[tuple[str, str], ...], origin: Origin) -> bytes:
    """The request's head up to the value of its content-length; the same for every request to one candidate."""
    parts = urlsplit(url)
    path = parts.path or "/"
    if parts.query:
        path = f"{path}?{parts.query}"
    standard = 443 if origin.tls else 80
    host = origin.name if origin.port == standard else str(origin)
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}"]
    if origin.forwarded:
        lines = [f"{method} http://{host}{path} HTTP/1.1", f"host: {host}", *proxy_login(origin.proxy or "")]
    for name, value in headers:
        if "\r" in value or "\n" in value or "\0" in value:
            raise smuggled(name)
        lines.append(f"{name}: {value}")
    return ("\r\n".join(lines) + "\r\ncontent-length: ").encode("latin-1", "replace")
