"""What stands at once is waited for at once, and let go of one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from hexapla.auth.grant import Token
from hexapla.auth.keeper import Keeper
from hexapla.auth.sources import Source
from hexapla.auth.steps import Steps
from hexapla.errors import Kind, UpstreamError
from hexapla.routing.commands import Chunk, Expired, Failed, Head, LogIn, Of, Race, Receive, Send, Sleep
from hexapla.upstream.racing import NEVER, Racing
from hexapla.upstream.transport import Request, Response

ASKED, REFUSED = Request(url="http://a.test/"), Request(url="http://b.test/")


class Answer:
    """One piece, and then nothing more."""

    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.closed = False

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.Event().wait()

    async def read(self, limit: int) -> bytes:
        raise AssertionError

    def close(self) -> None:
        self.closed = True


class Upstream:
    """Answers one request, refuses the other."""

    def __init__(self) -> None:
        self.answer = Answer()

    async def send(self, request: Request) -> Response:
        if request is REFUSED:
            raise UpstreamError(Kind.UPSTREAM_CONNECT, "nobody")
        return self.answer

    async def aclose(self) -> None: ...


def keeper() -> Keeper:
    async def run(steps: Steps[Token]) -> Token:
        return Token(secret="s")

    source = Source(name="x", kind="login", obtain=lambda now, refused: iter(()))  # type: ignore[arg-type,return-value]
    return Keeper(source, run)


def test_the_first_fact_is_of_whoever_brings_it() -> None:
    async def scene() -> None:
        upstream = Upstream()
        racing = Racing(lambda request: upstream)
        asleep = Sleep(60.0)
        assert await racing.first(Race({0: asleep}, asyncio.get_running_loop().time())) == Expired()
        found = await racing.first(Race({0: asleep, 1: Send(REFUSED, NEVER)}, NEVER))
        assert isinstance(found, Of) and isinstance(found.fact, Failed) and found.number == 1
        found = await racing.first(Race({0: asleep, 1: LogIn(keeper(), None, NEVER)}, NEVER))
        assert isinstance(found, Of) and isinstance(found.fact, Token)
        assert await racing.first(Race({0: asleep, 1: Send(ASKED, NEVER)}, NEVER)) == Of(1, Head(200, {}))
        assert await racing.first(Race({0: asleep, 1: Receive(NEVER)}, NEVER)) == Of(1, Chunk(b"first"))
        late = Receive(asyncio.get_running_loop().time())
        assert await racing.first(Race({0: asleep, 1: late}, NEVER)) == Of(1, Expired())
        racing.drop(0)
        assert not upstream.answer.closed
        racing.close()
        assert upstream.answer.closed

    asyncio.run(scene())


def test_who_is_adopted_is_not_closed() -> None:
    async def scene() -> None:
        upstream = Upstream()
        racing = Racing(lambda request: upstream)
        await racing.first(Race({1: Send(ASKED, NEVER)}, NEVER))
        line = racing.adopt(1)
        racing.close()
        assert line is not None and line.response is upstream.answer and not upstream.answer.closed

    asyncio.run(scene())
