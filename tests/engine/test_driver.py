"""The driver's waits: deadlines, leavers, and both in the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any, cast

import pytest

from hexapla.routing.commands import (
    Adopt,
    Chunk,
    Command,
    Drop,
    End,
    Expired,
    Fact,
    Head,
    Of,
    Race,
    Receive,
    Send,
    Sleep,
    Start,
)
from hexapla.routing.exchange import Outcome
from hexapla.upstream.driver import Driver
from hexapla.upstream.sink import Sink
from hexapla.upstream.sweeper import Sweeper
from hexapla.upstream.transport import Request

NEVER = float("inf")
DONE = Outcome(error=None, started=False, lane=None, tried=1)


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

    def send(self, data: bytes) -> bool:
        self.sends += 1
        self.full = True
        return True

    def voice(self) -> Callable[[bytes], bool]:
        return self.send

    def beat(self, start: Start, data: bytes) -> None:
        self.send(data)

    def finish(self, data: bytes) -> None:
        pass

    async def drain(self) -> None:
        await self.takes.wait()
        self.full = False


def driver(response: Silent, sink: Slow | None = None, beat: float = 0.0) -> Driver:
    return Driver(lambda _: cast(Any, response), cast(Sink, sink or Slow()), Sweeper(beat), lambda _: None)


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


class Line:
    """An endpoint that answers with `pieces` after `delay` seconds, or never; counts how often it was closed."""

    status = 200
    headers: dict[str, str] = {}  # noqa: RUF012 - the protocol's own shape

    def __init__(self, *pieces: bytes, silent: bool = False) -> None:
        self.pieces = pieces
        self.silent = silent
        self.closed = self.cancelled = 0

    async def send(self, request: Request) -> Line:
        if self.silent:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled += 1
        return self

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            await asyncio.sleep(0)
            yield piece

    def close(self) -> None:
        self.closed += 1


def asks(name: str) -> Send:
    return Send(Request(url=f"http://{name}"), NEVER)


def racing(lines: dict[str, Line]) -> Driver:
    return Driver(lambda request: cast(Any, lines[request.url[7:]]), cast(Sink, Slow()), Sweeper(0.0), lambda _: None)


def test_a_race_is_run_side_by_side() -> None:
    """The time comes, a second endpoint is asked while the first stands; its bytes come, the first is cancelled at once."""
    facts: list[Fact] = []

    def steps() -> Generator[Command, Fact, Outcome]:
        facts.append((yield Race({0: asks("slow")}, asyncio.get_running_loop().time() + 0.01)))
        both = {0: asks("slow"), 1: asks("quick")}
        facts.append((yield Race(both, NEVER)))
        facts.append((yield Race({0: both[0], 1: Receive(NEVER)}, NEVER)))
        yield Drop(0)
        yield Adopt(1)
        facts.append((yield Receive(NEVER)))
        facts.append((yield Receive(NEVER)))
        yield Drop()
        return DONE

    async def main() -> None:
        lines = {"slow": Line(silent=True), "quick": Line(b"one", b"two")}
        await racing(lines).run(steps())
        await asyncio.sleep(0)
        assert facts == [Expired(), Of(1, Head(200, {})), Of(1, Chunk(b"one")), Chunk(b"two"), End()]
        assert lines["slow"].cancelled == 1 and lines["quick"].closed == 1

    asyncio.run(main())


def test_a_races_waits_have_deadlines_of_their_own() -> None:
    """A side whose time is over says so; one whose transport fails tells why."""
    facts: list[Fact] = []

    def steps() -> Generator[Command, Fact, Outcome]:
        late = Send(Request(url="http://slow"), asyncio.get_running_loop().time() + 0.01)
        facts.append((yield Race({0: late, 1: Sleep(0.0)}, NEVER)))
        facts.append((yield Race({0: late}, NEVER)))
        return DONE

    async def main() -> None:
        await racing({"slow": Line(silent=True)}).run(steps())

    asyncio.run(main())
    assert facts == [Of(1, None), Of(0, Expired())]


def test_who_leaves_during_a_race_leaves_nothing_behind() -> None:
    """Both sides are cancelled or closed."""

    def steps() -> Generator[Command, Fact, Outcome]:
        yield Race({0: asks("slow"), 1: asks("quick")}, NEVER)
        yield Race({0: asks("slow"), 1: Sleep(60.0)}, NEVER)
        return DONE

    async def main() -> None:
        lines = {"slow": Line(silent=True), "quick": Line(b"one")}
        task = asyncio.create_task(racing(lines).run(steps()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert lines["slow"].cancelled == 1 and lines["quick"].closed == 1
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
