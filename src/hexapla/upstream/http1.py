"""The default transport: a pooled HTTP/1.1 client on httptools.

Moving bytes is what a gateway is for, and a general client costs five to two hundred times as much a request
(docs/measurements.md).  This one does what an LLM endpoint needs: keep-alive pool, TLS, CONNECT proxies, deadlines by one
sweeper, back-pressure, one free retry of a stale connection, and a pool that cancellation cannot leak.
"""

from __future__ import annotations

import asyncio
import ssl

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.connection import Connection, StaleError
from hexapla.upstream.dial import dial
from hexapla.upstream.exchange import Exchange
from hexapla.upstream.head import Letterhead, letterhead_of
from hexapla.upstream.origin import Origin
from hexapla.upstream.pool import Pool
from hexapla.upstream.tls import context_of
from hexapla.upstream.transport import Request, Timeouts

TICK, LEAST_TICK = 0.25, 0.05  # seconds between two looks at the deadlines, and between two that are short
SHARE = 0.1  # of a deadline: how far apart looks at it may be
IDLE_SECONDS = 60.0  # a pooled connection is kept this long


class Http1Transport:
    """See Transport.

    ssl_context  for TLS to upstreams that name no certificates; None is the system's trust store
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None, idle_seconds: float = IDLE_SECONDS) -> None:
        self._ssl = ssl_context
        self._idle_seconds = idle_seconds
        self._pools: dict[Origin, Pool] = {}  # as long as there is one, there is a timer
        self._timer: asyncio.TimerHandle | None = None
        self._tick = TICK
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
        try:
            return await self._sent(connection, letterhead, request.body)
        except StaleError as error:
            raise UpstreamError(Kind.UPSTREAM_CONNECT, f"{origin} closed the connection without an answer.") from error

    def reserve(self, origin: Origin) -> Connection | None:
        """The most recently used idle connection that is still open, for an exchange that `Connection.begin` begins at
        once; None when there is none."""
        pool = self._pools.get(origin)
        while pool is not None and pool.waiting:
            connection = pool.waiting.pop()
            if not connection.closed and not connection.is_closing():  # in use it would not be here
                pool.busy.add(connection)
                return connection
            connection.close()
        return None

    async def aclose(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    async def _sent(self, connection: Connection, letterhead: Letterhead, body: bytes) -> Exchange:
        try:
            return await connection.send(letterhead, body)
        except BaseException:
            connection.close()
            raise

    async def _open(self, origin: Origin, request: Request) -> Connection:
        context = self._context(origin) if origin.tls else None
        self._tick = min(self._tick, _tick_for(request.timeouts))
        connection = await dial(origin, context, request.timeouts.connect)
        if self._closed:  # while it was dialled: nobody would close it any more
            connection.close()
            raise UpstreamError(Kind.UPSTREAM_CONNECT, f"{origin} is not asked any more: the gateway is closed.")
        pool = connection.pool = self._pool(origin)
        pool.busy.add(connection)
        return connection

    def _context(self, origin: Origin) -> ssl.SSLContext:
        if origin.certificates is not None:
            return context_of(origin.certificates)
        if self._ssl is None:
            self._ssl = context_of(None)
        return self._ssl

    def _pool(self, origin: Origin) -> Pool:
        """Where the connections to `origin` are."""
        pool = self._pools.get(origin)
        if pool is None:
            loop = asyncio.get_running_loop()
            pool = self._pools[origin] = Pool(loop.time())
            if self._timer is None:
                self._timer = loop.call_later(self._tick, self._sweep)
        return pool

    def _sweep(self) -> None:
        """One look at every connection; what is empty goes."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for origin, pool in tuple(self._pools.items()):
            pool.look(now, self._idle_seconds)
            if not pool.busy and not pool.waiting:
                del self._pools[origin]
        if self._pools:
            self._timer = loop.call_later(self._tick, self._sweep)
        else:
            self._timer, self._tick = None, TICK

    @property
    def idle(self) -> int:
        """How many connections wait in a pool."""
        return sum(len(pool.waiting) for pool in self._pools.values())

    @property
    def busy(self) -> int:
        """How many connections carry an exchange."""
        return sum(len(pool.busy) for pool in self._pools.values())


def _tick_for(times: Timeouts) -> float:
    """How often these deadlines must be looked at: a connection's may be two looks late."""
    shortest = min(times.head or TICK / SHARE, times.idle or TICK / SHARE)
    return max(LEAST_TICK, min(TICK, shortest * SHARE))
