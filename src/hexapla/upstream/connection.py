"""One connection and the exchange that it carries.

An asyncio.Protocol: bytes come in by callback, go through httptools (arrival.py), and wait as decoded chunks until somebody
asks.  A waiting reader is one future; nothing else happens per chunk.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import httptools

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.arrival import MAX_HEAD_BYTES, Arrival
from hexapla.upstream.exchange import Exchange, Packed
from hexapla.upstream.plain import plain
from hexapla.upstream.pool import Pool
from hexapla.upstream.stall import give_up_after
from hexapla.upstream.tls import handshake_failed
from hexapla.upstream.transport import READ_HIGH_WATER

if TYPE_CHECKING:
    from hexapla.upstream.head import Letterhead
    from hexapla.upstream.origin import Origin

PROXY_LOGIN = 407  # a status that only a proxy gives
SPLIT_WRITE = 64 * 1024  # larger bodies are not joined with their head, which saves a copy


class StaleError(Exception):
    """A reused connection was closed before any byte of an answer: the server has not seen the request."""


class Connection(Arrival, asyncio.Protocol):
    """See above.

    pool   where it waits when an exchange is over; one of its own until somebody takes it into another
    since  when it was put there
    """

    __slots__ = (
        "_answered",
        "_idle",
        "_in_use",
        "_loop",
        "_patience",
        "_paused",
        "_reused",
        "_stalls",
        "_transport",
        "_until",
        "_waiter",
        "closed",
        "heard",
        "is_closing",
        "origin",
        "pool",
        "since",
    )

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self.is_closing: Callable[[], bool] = lambda: True  # the transport's, once there is one
        self.since = 0.0
        self._stalls = 0.0  # seconds that the other end may take nothing
        self._reused = False  # it has carried an exchange before
        self.closed = False
        self.origin: Origin | None = None  # of the latest exchange
        self._in_use = False
        self._waiter: asyncio.Future[None] | None = None
        self.heard: Callable[[], None] | None = None  # told that there is something to take
        self._paused = False
        self._answered = False  # any byte of an answer came
        self._idle = 0.0  # seconds that the answer's next bytes may take; 0 is for ever
        self._patience = 0.0  # and its head
        self._until = 0.0  # when that is over; 0 until the sweeper has looked, since bytes come more often than it

    @property
    def reusable(self) -> bool:
        return not self.closed and not self._in_use and not self.is_closing()

    @property
    def flowing(self) -> bool:
        """A good answer has begun, its rest is to come, and it is read as it comes."""
        if self.complete or self._paused or self.closed or self.error is not None or self.head is None:
            return False
        return self.head[0] < 300

    @property
    def certificate(self) -> dict[str, Any] | None:
        """What the server's certificate says (ssl.SSLSocket.getpeercert); None without TLS."""
        secured = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return secured.getpeercert() if secured is not None else None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclass of it
        self.is_closing = self._transport.is_closing

    def data_received(self, data: bytes) -> None:
        if not self._in_use:
            self.close()  # bytes that nobody asked for: this connection cannot be trusted
            return
        if self.head is None:
            if not self._answered:
                self._answered = True
                found = plain(data, self._limit)
                if found is not None:
                    self.head, body = found
                    self._chunks.append(body)
                    self.complete = self._keep_alive = True
                    if self.heard is not None:  # as below
                        self.heard()
                    else:
                        self._wake()
                    return
            self._parsed = True
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(Kind.UPSTREAM_PROTOCOL, "The provider switched to another protocol.")
        except httptools.HttpParserError as error:
            if not self.complete:
                self._fail(Kind.UPSTREAM_PROTOCOL, f"The provider does not speak HTTP/1.1 ({error}).")
            self._keep_alive = False
        if self.head is None:
            if self._head_bytes > MAX_HEAD_BYTES:
                self._fail(Kind.UPSTREAM_PROTOCOL, "The head of the provider's answer is too large.")
        elif not self.complete:
            self._until = 0.0
            if self._size - self._taken > READ_HIGH_WATER and not self._paused and self._transport is not None:
                self._paused = True
                self._transport.pause_reading()
        if self.heard is not None:  # as `_wake` does: this is where every byte comes by
            self.heard()
            if self.heard is not None and (self.complete or self.error is not None):
                self.heard()  # the end is another thing to hear of
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._in_use and not self.complete and self.error is None:
            self._on_early_end(exc)
        self._wake()

    def _on_early_end(self, exc: Exception | None) -> None:
        """The bytes are over before the answer is, unless the answer's end is the connection's."""
        if self.head is not None and exc is None and self._until_close():
            self.complete = True
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

    # the exchange

    def begin(self, letterhead: Letterhead, body: bytes, heard: Callable[[], None] | None = None) -> None:
        """Another exchange begins: write its request.  Whoever is called back by `heard` looks at `head`, `error` and
        `closed` then."""
        if self._parsed:
            self._expect()
        else:  # what the parser sets is as it was
            self.head = None
            self.complete = self._keep_alive = False
        timeouts, transport = letterhead.timeouts, self._transport
        assert transport is not None
        self.origin, self.heard, self._limit = letterhead.origin, heard, letterhead.limit
        self._in_use, self._answered = True, False
        self._idle, self._patience, self._until = timeouts.idle, timeouts.head, 0.0
        if timeouts.write != self._stalls:
            self._stalls = timeouts.write
            give_up_after(self._stalls, transport)
        if len(body) <= SPLIT_WRITE:
            transport.write(b"%b%d\r\n\r\n%b" % (letterhead.head, len(body), body))
        else:
            transport.writelines((b"%b%d\r\n\r\n" % (letterhead.head, len(body)), body))

    def response(self) -> Exchange:
        """The answer, whose head has come.  Raises what came instead: UpstreamError, or StaleError."""
        if self.head is not None:
            if self.head[0] == PROXY_LOGIN and self.origin is not None and self.origin.forwarded:
                raise wants_login(self.origin)
            return Exchange(self, *self.head) if self.inflate is None else Packed(self, *self.head, self.inflate)
        if self.error is not None:
            raise self.error
        raise StaleError if self._reused or not self._answered else self._truncated()

    async def send(self, letterhead: Letterhead, body: bytes) -> Exchange:
        """Write the request and wait for the head of the answer."""
        if not self.reusable:
            raise StaleError
        self.begin(letterhead, body)
        while self.head is None and self.error is None and not self.closed:
            await self._wait()
        return self.response()

    def _truncated(self) -> UpstreamError:
        return UpstreamError(Kind.UPSTREAM_PROTOCOL, f"{self.origin} closed the connection inside its answer's head.")

    async def next_chunk(self, take: Callable[[], bytes | None]) -> bytes:
        """The next body bytes that `take` has; StopAsyncIteration when the body is complete."""
        while (chunk := take()) is None:
            await self._wait()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def take(self) -> bytes | None:
        """The body bytes that have arrived; b"" when the body is complete, None when there are none yet."""
        if not self._chunks:
            if self.error is not None:
                raise self.error
            return b"" if self.complete else None
        # everything that has arrived is one chunk: a burst costs its reader one round, not one for each HTTP chunk
        chunk = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._taken = self._size
        if self._paused:
            self._paused, self._until = False, 0.0
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
        """Called by the sweeper: give up when what is waited for has taken too long and nobody is holding the reading up.

        Time counts from the first look on, so that it may take longer by one look, and never shorter.
        """
        seconds = self._patience if self.head is None else self._idle
        if not seconds or self._paused or self.complete:
            return
        if not self._until:
            self._until = now + seconds
        if now < self._until:
            return
        what = "answer" if self.head is None else "continue"
        self._fail(Kind.TIMEOUT, f"{self.origin} did not {what} in time.")
        self._wake()

    def _give_up(self, error: UpstreamError) -> None:
        super()._give_up(error)
        if self._transport is not None:
            self._transport.abort()

    def finish(self) -> None:
        """The exchange is over: keep the connection if the answer was complete, else close it."""
        if not self._in_use:
            return
        self._in_use, self.heard = False, None
        self._chunks.clear()
        if not (self.complete and self._keep_alive and self.error is None):
            self.close()
            return
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        pool = self.pool
        self._reused, self.since = True, pool.now
        pool.busy.discard(self)
        pool.waiting.append(self)

    def close(self) -> None:
        """Close at once.  Idempotent."""
        self._in_use, self.heard, self.inflate = False, None, None
        self._chunks.clear()  # the parser and this hold each other, so that what is here stays for a while
        if not self.closed:
            self.closed = True
            if self._transport is not None:
                self._transport.abort()
        self.pool.busy.discard(self)


def wants_login(origin: Origin) -> UpstreamError:
    """What a proxy's 407 means."""
    return UpstreamError(Kind.EGRESS_PROXY, f"The proxy before {origin} refused the login that its URL holds (407).")
