"""The driver's waits: deadlines, leavers, and both in the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from typing import Any, cast

import pytest

from hexapla.routing.commands import Chunk, Command, Expired, Fact, Receive, Send, Start
from hexapla.routing.exchange import Outcome
from hexapla.upstream.driver import Driver, Sink, Sweeper
from hexapla.upstream.transport import Request

NEVER = float("inf")
DONE = Outcome(error=None, started=False, lane=None, candidate=None, tried=1)


class Silent:
    """A response that says nothing after its head; counts how often it was asked for and closed."""

    status = 200
    headers: dict[str, str] = {}  # noqa: RUF012 - the protocol's own shape

    def __init__(self) -> None:
        self.asked = self.closed = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    def close(self) -> None:
        self.closed += 1

    async def send(self, request: Request) -> Silent:
        self.asked += 1
        return self


class Slow:
    """A client that takes nothing until it is told to; counts what is being said to it."""

    def __init__(self) -> None:
        self.takes = asyncio.Event()
        self.sends = 0
        self.full = False

    def start(self, start: Start) -> None:
        pass

    def send(self, data: bytes) -> None:
        self.sends += 1
        self.full = True

    def finish(self, data: bytes) -> None:
        pass

    async def drain(self) -> None:
        await self.takes.wait()
        self.full = False


def driver(response: Silent, sink: Slow | None = None, beat: float = 0.0) -> Driver:
    return Driver(lambda _: cast(Any, response), cast(Sink, sink), Sweeper(beat), lambda _: None)


def waits(facts: list[Fact], receive: Receive) -> Generator[Command, Fact, Outcome]:
    """Send, then one Receive; what answers it is noted."""
    yield Send(Request(url="http://h"), NEVER)
    facts.append((yield receive))
    return DONE


def tries_again(receive: Receive) -> Generator[Command, Fact, Outcome]:
    """Send, one Receive, and after whatever answers it the same again."""
    while True:
        yield Send(Request(url="http://h"), NEVER)
        yield receive


def test_a_deadline_is_a_fact() -> None:
    """A wait that takes too long is answered with Expired, and the task goes on unharmed."""

    async def main() -> None:
        facts: list[Fact] = []
        response = Silent()
        running = driver(response)
        task = asyncio.create_task(running.run(waits(facts, Receive(5.0))))
        await asyncio.sleep(0.01)
        running.sweep(4.9)
        await asyncio.sleep(0)
        assert not facts
        running.sweep(5.0)
        assert await task is DONE
        assert isinstance(facts[0], Expired)
        assert task.cancelling() == 0
        assert response.closed == 1

    asyncio.run(main())


def test_a_leaver_is_no_deadline() -> None:
    """A cancelled wait ends the exchange and closes the response."""

    async def main() -> None:
        facts: list[Fact] = []
        response = Silent()
        task = asyncio.create_task(driver(response).run(waits(facts, Receive(5.0))))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not facts
        assert response.closed == 1

    asyncio.run(main())


@pytest.mark.parametrize("deadline_first", [True, False])
def test_a_leaver_in_the_moment_of_the_deadline(deadline_first: bool) -> None:
    """When both happen in one round of the loop, the client is gone: nothing more is tried for nobody."""

    async def main() -> None:
        response = Silent()
        running = driver(response)
        task = asyncio.create_task(running.run(tries_again(Receive(5.0))))
        await asyncio.sleep(0.01)
        if deadline_first:
            running.sweep(6.0)
            task.cancel()
        else:
            task.cancel()
            running.sweep(6.0)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert response.asked == 1
        assert response.closed == 1

    asyncio.run(main())


def test_one_heartbeat_at_a_time() -> None:
    """A client that is too slow for a heartbeat gets no second one on top."""

    async def main() -> None:
        sink = Slow()
        response = Silent()
        running = driver(response, sink, beat=1.0)
        start = Start(cast(Any, None), cast(Any, None), True, 1, 0.0)
        task = asyncio.create_task(running.run(waits([], Receive(NEVER, lambda: (start, b": ping\n\n")))))
        await asyncio.sleep(0.01)
        now = asyncio.get_running_loop().time()
        for seconds in (2, 4, 6):
            running.sweep(now + seconds)
            await asyncio.sleep(0)
        assert sink.sends == 1
        sink.takes.set()
        await asyncio.sleep(0.01)
        running.sweep(now + 8)
        await asyncio.sleep(0)
        assert sink.sends == 2
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_chunk_is_handed_over() -> None:
    """The control: a response that speaks is heard."""

    class Speaks(Silent):
        async def chunks(self) -> AsyncIterator[bytes]:
            yield b"hello"

    async def main() -> None:
        facts: list[Fact] = []
        assert await driver(Speaks()).run(waits(facts, Receive(NEVER))) is DONE
        assert facts == [Chunk(b"hello")]

    asyncio.run(main())
