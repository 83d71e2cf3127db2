"""The default transport: a pooled HTTP/1.1 client on httptools.

Moving bytes is what a gateway is for, and a general client costs five to two hundred times as much a request
(docs/measurements.md).  This one does what an LLM endpoint needs: keep-alive pool, TLS, CONNECT proxies, deadlines by one
sweeper, back-pressure, one free retry of a stale connection, and a pool that cancellation cannot leak.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Iterator

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.connection import Connection, StaleError
from hexapla.upstream.dial import dial
from hexapla.upstream.exchange import Exchange
from hexapla.upstream.head import Letterhead, letterhead_of
from hexapla.upstream.origin import Origin
from hexapla.upstream.tls import context_of
from hexapla.upstream.transport import Request

TICK = 0.25  # seconds between two looks at the deadlines
IDLE_SECONDS = 60.0  # a pooled connection is kept this long


class Http1Transport:
    """See Transport.

    ssl_context  for TLS to upstreams that name no certificates; None is the system's trust store
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None, idle_seconds: float = IDLE_SECONDS) -> None:
        self._ssl = ssl_context
        self._idle_seconds = idle_seconds
        self._pool: dict[Origin, deque[Connection]] = {}
        self._busy: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def send(self, request: Request) -> Exchange:
        letterhead = letterhead_of(request)
        origin = letterhead.origin
        connection = self.reserve(origin)
        if connection is not None:
            try:
                return await self._sent(connection, letterhead, request.body)
            except StaleError:
                pass  # the server closed it while it was idle and has seen nothing: ask again on a fresh one
        connection = await self._open(origin, request)
        self._busy.add(connection)
        self._arm()
        try:
            return await self._sent(connection, letterhead, request.body)
        except StaleError as error:
            raise UpstreamError(Kind.UPSTREAM_CONNECT, f"{origin} closed the connection without an answer.") from error

    def reserve(self, origin: Origin) -> Connection | None:
        """The most recently used idle connection that is still open, for an exchange that `Connection.begin` begins at
        once; None when there is none."""
        pooled = self._pool.get(origin)
        while pooled:
            connection = pooled.pop()
            if not connection.closed and not connection.is_closing():  # in use it would not be here
                self._busy.add(connection)
                if self._timer is None:
                    self._arm()
                return connection
            connection.close()
        return None

    async def aclose(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in (*self._busy, *(c for pooled in self._pool.values() for c in pooled)):
            connection.close()
        self._busy.clear()
        self._pool.clear()

    async def _sent(self, connection: Connection, letterhead: Letterhead, body: bytes) -> Exchange:
        try:
            return await connection.send(letterhead, body)
        except BaseException:
            connection.close()
            raise

    async def _open(self, origin: Origin, request: Request) -> Connection:
        context = self._context(origin) if origin.tls else None
        return await dial(origin, context, request.timeouts.connect, self._released)

    def _context(self, origin: Origin) -> ssl.SSLContext:
        if origin.certificates is not None:
            return context_of(origin.certificates)
        if self._ssl is None:
            self._ssl = context_of(None)
        return self._ssl

    def _released(self, connection: Connection) -> None:
        """A connection's exchange is over: keep it if it can be used again."""
        self._busy.discard(connection)
        if not connection.closed and not self._closed and connection.origin is not None:
            pooled = self._pool.get(connection.origin)
            if pooled is None:
                pooled = self._pool[connection.origin] = deque()
            pooled.append(connection)
            if self._timer is None:
                self._arm()

    def _arm(self) -> None:
        if self._timer is None and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._sweep)

    def _sweep(self) -> None:
        """One look at every deadline and every idle connection."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in tuple(self._busy):
            connection.check(now)
        for idle in self._expired(now):
            idle.close()
        alive = bool(self._busy or self._pool)
        self._timer = loop.call_later(TICK, self._sweep) if alive else None

    def _expired(self, now: float) -> Iterator[Connection]:
        for origin, pooled in list(self._pool.items()):
            while pooled and (now - pooled[0].since > self._idle_seconds or not pooled[0].reusable):
                yield pooled.popleft()
            if not pooled:
                del self._pool[origin]

    @property
    def idle(self) -> int:
        """How many connections wait in the pool."""
        return sum(len(pooled) for pooled in self._pool.values())

    @property
    def busy(self) -> int:
        """How many connections carry an exchange."""
        return len(self._busy)
