"""Runs an exchange: executes its commands on a transport and a client sink, and hands the facts back.

All decisions are the exchange's.  The driver adds what a generator cannot do: awaiting, and one sweeper for all timers
of all running exchanges (a 250 ms tick costs less than a timer per chunk, and a time-out may be late by that much).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, Protocol

from hexapla.errors import UpstreamError
from hexapla.routing.exchange import (
    Beat,
    Chunk,
    Command,
    Drop,
    End,
    Expired,
    Fact,
    Failed,
    Finish,
    Forward,
    Head,
    Note,
    Outcome,
    Receive,
    Send,
    Sleep,
    Start,
    Tried,
)
from hexapla.upstream.transport import Request, Response, Transport

TICK = 0.25  # seconds


class Sink(Protocol):
    """Where the client hears the answer."""

    async def start(self, start: Start) -> None: ...

    async def send(self, data: bytes) -> None:
        """Hand bytes to the client; waits while the client is slow, which slows the upstream down."""
        ...

    async def finish(self, data: bytes) -> None:
        """Hand over the last bytes; nothing follows."""
        ...


class Sweeper:
    """Wakes drivers whose deadline has passed or whose client waits for a heartbeat."""

    def __init__(self, beat_seconds: float) -> None:
        self.beat_seconds = beat_seconds
        self._drivers: set[Driver] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, driver: Driver) -> None:
        self._drivers.add(driver)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)

    def remove(self, driver: Driver) -> None:
        self._drivers.discard(driver)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for driver in tuple(self._drivers):
            driver.sweep(now)
        self._timer = loop.call_later(TICK, self._tick) if self._drivers else None


class Driver:
    """Runs one exchange to its end.

    note  told of every attempt that is over
    """

    def __init__(
        self,
        transport: Callable[[Request], Transport],
        sink: Sink,
        sweeper: Sweeper,
        note: Callable[[Tried], None],
    ) -> None:
        self._transport = transport
        self._sink = sink
        self._sweeper = sweeper
        self._note = note
        self._response: Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None
        self._deadline = float("inf")
        self._beat: Beat | None = None
        self._spoke = 0.0  # when the client last heard anything
        self._started = False
        self._expired = False
        self._beating: asyncio.Task[None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._cancels = 0  # cancellations of the task that were there before this exchange
        self._loop = asyncio.get_running_loop()
        self.first: float | None = None  # loop time at which the first bytes of the answer went out

    async def run(self, steps: Generator[Command, Fact, Outcome]) -> Outcome:
        """Execute `steps`; cancelling this closes the upstream connection at once."""
        self._task = asyncio.current_task()
        assert self._task is not None
        self._cancels = self._task.cancelling()
        self._spoke = self._loop.time()
        self._sweeper.add(self)
        fact: Fact = None
        try:
            while True:
                command = steps.send(fact)
                fact = await _EXECUTE[type(command)](self, command)
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome
        finally:
            self._sweeper.remove(self)
            steps.close()
            self._close()
            if self._beating is not None:
                self._beating.cancel()

    def sweep(self, now: float) -> None:
        """Called by the sweeper: interrupt a wait that took too long, or send a heartbeat."""
        if now >= self._deadline and not self._expired:
            self._expired = True
            assert self._task is not None
            self._task.cancel()
        elif self._beat is not None and self._quiet(now):
            self._spoke = now
            self._beating = self._loop.create_task(self._send_beat(self._beat))

    def _quiet(self, now: float) -> bool:
        """The client has heard nothing for a while, and the heartbeat before this one is out."""
        seconds = self._sweeper.beat_seconds
        return bool(seconds) and now - self._spoke >= seconds and (self._beating is None or self._beating.done())

    async def _send_beat(self, beat: Beat) -> None:
        start, data = beat()
        if not self._started:
            self._started = True
            await self._sink.start(start)
        if data:
            await self._sink.send(data)

    async def _settle_beat(self) -> None:
        """Let a heartbeat that is being sent finish before anything else is said."""
        if self._beating is not None:
            beating, self._beating = self._beating, None
            await beating

    async def _timed(self, deadline: float, beat: Beat | None, wait: Awaitable[Fact]) -> Fact:
        """Await `wait` until `deadline`."""
        self._deadline, self._beat = deadline, beat
        try:
            return await wait
        except UpstreamError as error:
            return Failed(error)
        except asyncio.CancelledError:
            if not self._expired:
                raise
            assert self._task is not None
            if self._task.uncancel() > self._cancels:
                raise  # the client left in the same moment; the deadline is nobody's concern any more
            return Expired()
        finally:
            self._deadline, self._beat, self._expired = float("inf"), None, False

    async def _send(self, command: Send) -> Fact:
        self._close()
        assert isinstance(command.request, Request)
        return await self._timed(command.deadline, command.beat, self._open(command.request))

    async def _open(self, request: Request) -> Fact:
        response = await self._transport(request).send(request)
        self._response = response
        self._chunks = response.chunks()
        return Head(response.status, response.headers)

    async def _receive(self, command: Receive) -> Fact:
        return await self._timed(command.deadline, command.beat, self._next())

    async def _next(self) -> Fact:
        assert self._chunks is not None
        try:
            return Chunk(await self._chunks.__anext__())
        except StopAsyncIteration:
            return End()

    async def _sleep(self, command: Sleep) -> None:
        await asyncio.sleep(command.seconds)

    async def _start(self, command: Start) -> None:
        await self._settle_beat()
        if not self._started:
            self._started = True
            await self._sink.start(command)

    async def _forward(self, command: Forward) -> None:
        await self._settle_beat()
        self._spoke = self._loop.time()
        if self.first is None:
            self.first = self._spoke
        await self._sink.send(command.data)

    async def _finish(self, command: Finish) -> None:
        await self._settle_beat()
        if self.first is None:
            self.first = self._loop.time()
        await self._sink.finish(command.data)

    async def _drop(self, command: Drop) -> None:
        self._close()

    async def _on_note(self, command: Note) -> None:
        self._note(command.tried)

    def _close(self) -> None:
        response, self._response, self._chunks = self._response, None, None
        if response is not None:
            response.close()


_EXECUTE: dict[type, Callable[[Driver, Any], Awaitable[Fact]]] = {
    Send: Driver._send,
    Receive: Driver._receive,
    Sleep: Driver._sleep,
    Start: Driver._start,
    Forward: Driver._forward,
    Finish: Driver._finish,
    Drop: Driver._drop,
    Note: Driver._on_note,
}
