"""Runs an exchange: executes its commands on a transport and a client sink, and hands the facts back.

All decisions are the exchange's.  The driver adds what a generator cannot do: awaiting, and one sweeper for all timers
of all running exchanges (a 250 ms tick costs less than a timer per chunk, and a time-out may be late by that much).

Most commands need no waiting, so the task that runs an exchange sleeps through a stream: the callback that brings bytes
from the upstream hands them to the exchange and what comes of them to the client (`_await_bytes`).  The task wakes up
for what takes time: a connection, a pause, a client that is slow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, cast

from hexapla.errors import UpstreamError
from hexapla.routing.commands import (
    Adopt,
    Beat,
    Chunk,
    Command,
    Drop,
    End,
    Expired,
    Fact,
    Finish,
    Forward,
    Head,
    LogIn,
    Note,
    Race,
    Receive,
    Send,
    Sleep,
    Start,
    Tried,
)
from hexapla.routing.exchange import Outcome
from hexapla.routing.race import NEVER
from hexapla.upstream.body import Body, Pulled, body_of
from hexapla.upstream.racing import Racing, failed, token_for
from hexapla.upstream.secrets import secrets_of, without
from hexapla.upstream.sink import Sink
from hexapla.upstream.sweeper import Sweeper
from hexapla.upstream.transport import Request, Response, Transport

Steps = Generator[Command, Fact, Outcome]


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
        self._say: Callable[[bytes], bool] = sink.send  # how what is poured is said
        self._sweeper = sweeper
        self._note = note
        self._response: Response | None = None
        self._body: Body | None = None
        self._secrets: tuple[bytes, ...] = ()
        self._deadline = NEVER
        self._beat: Beat | None = None
        self._spoke = 0.0  # when the client last heard anything, as far as a sweep has seen it
        self._said = False  # and whether it heard anything since
        self._expired = False
        self._flushing: asyncio.Task[None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._cancels = 0  # cancellations of the task that were there before this exchange
        self._hearing: asyncio.Future[Command | None] | None = None  # while the upstream's bytes drive the exchange
        self._receiving = _NOW  # what they are received for
        self._racing: Racing | None = None
        self._loop = asyncio.get_running_loop()

    async def run(self, steps: Steps) -> Outcome:
        """Execute `steps`; cancelling this closes the upstream connection at once."""
        self._task = asyncio.current_task()
        assert self._task is not None
        self._cancels = self._task.cancelling()
        self._spoke = self._loop.time()
        self._steps = steps
        self._sweeper.add(self)
        try:
            command = self._go_on(None)
            while command is not None:
                command = await _WAITING[type(command)](self, command)
            return self._outcome
        finally:
            self._sweeper.remove(self)
            steps.close()
            if self._response is not None:
                self._close()
            if self._racing is not None:
                self._racing.close()
            if self._flushing is not None:
                self._flushing.cancel()

    def _go_on(self, fact: Fact) -> Command | None:
        """Hand `fact` over and execute what needs no waiting; return the first command that does, None at the end."""
        try:
            while True:
                command = self._steps.send(fact)
                at_once = _AT_ONCE.get(type(command))
                if at_once is None or (fact := at_once(self, command)) is _LATER or fact is _SLOW:
                    return command
        except StopIteration as stop:
            self._outcome: Outcome = stop.value
            return None

    def sweep(self, now: float) -> None:
        """Called by the sweeper: interrupt a wait that took too long, or send a heartbeat."""
        if self._said:
            self._said, self._spoke = False, now
        if self._hearing is not None and self._receiving.again is not None:
            self._deadline = self._receiving.again()
        if now >= self._deadline and not self._expired:
            if self._hearing is not None:
                self._hear(Expired())
                return
            self._expired = True
            assert self._task is not None
            self._task.cancel()
        elif self._beat is not None and self._quiet(now):
            self._say_beat(self._beat, now)

    def _quiet(self, now: float) -> bool:
        """The client has heard nothing for a while, and has taken what it was told before."""
        seconds = self._sweeper.beat_seconds
        return bool(seconds) and now - self._spoke >= seconds and not self._sink.full

    def _say_beat(self, beat: Beat, now: float) -> None:
        self._spoke = now
        self._sink.beat(*beat())
        if self._sink.full:  # nobody else is about to wait for the client
            self._flushing = self._loop.create_task(self._sink.drain())

    # What is done at once: an answer to the command, or _LATER

    def _start(self, command: Start) -> None:
        self._sink.start(command)

    def _forward(self, command: Forward) -> object:
        self._said = True
        return _LATER if self._sink.send(command.data) else None

    def _finish(self, command: Finish) -> object:
        self._sink.finish(command.data)
        return _LATER if self._sink.full else None

    def _receive(self, command: Receive) -> object:
        """The next fact, after what the exchange need not hear of; _LATER where there is none yet, _SLOW for the client."""
        while (fact := self._take(command)) is _MORE:
            pass
        return fact

    def _take(self, command: Receive) -> object:
        """What has arrived as a fact, or passed on to the client: then there may be _MORE."""
        body, pour = self._body, command.pour
        assert body is not None
        try:
            data = body.take()
        except UpstreamError as error:
            return failed(error)
        if not data:
            return _LATER if data is None else _END
        if self._secrets:
            data = without(self._secrets, data)
        out = pour(data) if pour is not None else None
        if out is None:
            return Chunk(data, last=body.ended)
        if out:
            self._said = True  # the sweep knows the time; asking for it costs every event of every stream
            if self._say(out):
                return _SLOW
        return _MORE

    def _drop(self, command: Drop) -> None:
        if command.number is None:
            self._close()
        elif self._racing is not None:
            self._racing.drop(command.number)

    def _adopt(self, command: Adopt) -> None:
        line = self._racing.adopt(command.number) if self._racing is not None else None
        if line is not None:
            self._response, self._body, self._secrets = line.response, line.body, line.secrets

    def _on_note(self, command: Note) -> None:
        self._note(command.tried)

    # What is waited for: the next command that needs it

    async def _send(self, command: Send) -> Command | None:
        if self._response is not None:
            self._close()
        assert isinstance(command.request, Request)
        fact = await self._timed(command.deadline, command.beat, self._open(command.request))
        return self._go_on(fact)

    async def _log_in(self, command: LogIn) -> Command | None:
        return self._go_on(await self._timed(command.deadline, None, token_for(command)))

    async def _timed(self, deadline: float, beat: Beat | None, wait: Awaitable[Fact]) -> Fact:
        """What `wait` brings, or what went wrong, until `deadline`."""
        self._deadline, self._beat = deadline, beat
        try:
            return await wait
        except UpstreamError as error:
            return failed(error)
        except asyncio.CancelledError:
            if not self._expired:
                raise
            assert self._task is not None
            if self._task.uncancel() > self._cancels:
                raise  # the client left in the same moment; the deadline is nobody's concern any more
            return Expired()
        finally:
            self._deadline, self._beat, self._expired = NEVER, None, False

    async def _open(self, request: Request) -> Head:
        response = await self._transport(request).send(request)
        self._response = response
        self._body = body_of(response)
        self._secrets = secrets_of(request.headers, refused=response.status >= 400)
        return Head(response.status, response.headers)

    async def _await_bytes(self, command: Receive) -> Command | None:
        """Let arriving bytes drive the exchange, from callback to callback, until something else must be waited for."""
        if command.pour is not None and self._sink.full:
            await self._sink.drain()
            fact = self._receive(command)
            return command if fact is _LATER or fact is _SLOW else self._go_on(cast(Fact, fact))
        assert self._body is not None
        self._expect(command)
        self._hearing = self._loop.create_future()
        self._body.tell(self._heard)
        try:
            return await self._hearing
        finally:
            self._expect(_NOW)
            self._hearing = None
            if self._body is not None:
                self._body.tell(None)

    def _expect(self, command: Receive) -> None:
        self._receiving, self._deadline, self._beat = command, command.deadline, command.beat
        if command.pour is not None:
            self._say = self._sink.voice()

    def _heard(self) -> None:
        """The response has something to say."""
        hearing = self._hearing
        if hearing is None or hearing.done():
            return
        try:
            fact = self._take(self._receiving)
        except Exception as fault:  # the task's, not the upstream connection's (tests/server/test_guard.py)
            hearing.set_exception(fault)
            return
        if fact is _MORE or fact is _LATER:
            return
        if fact is _SLOW:
            hearing.set_result(self._receiving)  # the task waits for the client
        else:
            self._hear(cast(Fact, fact))

    def _hear(self, fact: Fact) -> None:
        """Hand over what `_await_bytes` waits for."""
        hearing = self._hearing
        assert hearing is not None
        if hearing.done():
            return
        try:
            command = self._go_on(fact)
        except Exception as fault:  # the task's, not the upstream connection's (tests/server/test_guard.py)
            hearing.set_exception(fault)
            return
        if type(command) is Receive and not self._sink.full:
            self._expect(command)
        else:
            self._expect(_NOW)
            hearing.set_result(command)

    async def _race(self, command: Race) -> Command | None:
        if self._racing is None:
            self._racing = Racing(self._transport)
        beats = (wait.beat for wait in command.waits.values() if isinstance(wait, Send | Receive))
        self._beat = next((beat for beat in beats if beat is not None), None)
        try:
            fact = await self._racing.first(command)
        finally:
            self._beat = None
        return self._go_on(fact)

    async def _sleep(self, command: Sleep) -> Command | None:
        await asyncio.sleep(command.seconds)
        return self._go_on(None)

    async def _drain(self, command: Forward | Finish) -> Command | None:
        await self._sink.drain()
        return self._go_on(None)

    def _close(self) -> None:
        response, body, self._response, self._body = self._response, self._body, None, None
        if isinstance(body, Pulled):
            body.close()
        if response is not None:
            response.close()


_LATER = object()
_MORE = object()  # there may be more at once; who has just been told of bytes will be told of that as well
_SLOW = object()  # the client must take what it was told before more is said
_END = End()
_NOW = Receive(NEVER)

_AT_ONCE: dict[type, Callable[[Driver, Any], Any]] = {
    Receive: Driver._receive,
    Start: Driver._start,
    Forward: Driver._forward,
    Finish: Driver._finish,
    Drop: Driver._drop,
    Adopt: Driver._adopt,
    Note: Driver._on_note,
}

_WAITING: dict[type, Callable[[Driver, Any], Awaitable[Command | None]]] = {
    Send: Driver._send,
    LogIn: Driver._log_in,
    Receive: Driver._await_bytes,
    Race: Driver._race,
    Sleep: Driver._sleep,
    Forward: Driver._drain,
    Finish: Driver._drain,
}
