"""The tokens that a gateway holds: fetched once for all, renewed in time, and never by a waiter that leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hexapla.auth.grant import Token
from hexapla.auth.keeper import REST, Keeper
from hexapla.auth.sources import Source
from hexapla.auth.steps import Steps
from hexapla.errors import ConfigError, HexaplaError, Kind, UpstreamError

OVER = UpstreamError(Kind.UPSTREAM_AUTH, "log in again")
DOWN = UpstreamError(Kind.UPSTREAM_CONNECT, "nobody answers")


class World:
    """A login server that hands out tokens of an hour, and a clock."""

    def __init__(self) -> None:
        self.now = 1e6
        self.fetched = 0
        self.trouble: list[HexaplaError] = []
        self.open = asyncio.Event()
        self.open.set()
        source = Source(name="login", kind="login", obtain=lambda now, refused: iter(()))  # type: ignore[arg-type,return-value]
        self.keeper = Keeper(source, self._run, lambda: self.now)

    async def _run(self, steps: Steps[Token]) -> Token:
        self.fetched += 1
        await self.open.wait()
        if self.trouble:
            raise self.trouble.pop(0)
        return Token(secret=f"t{self.fetched}", expires=self.now + 3600, obtained=self.now)


def play(scene: Callable[[World], Awaitable[None]]) -> None:
    async def act() -> None:
        await scene(World())

    asyncio.run(act())


def test_many_wait_for_one() -> None:
    """Fifty waiters, one fetch."""

    async def scene(world: World) -> None:
        tokens = await asyncio.gather(*(world.keeper.fresh() for _ in range(50)))
        assert {token.secret for token in tokens} == {"t1"} and world.fetched == 1

    play(scene)


def test_a_good_token_serves_while_its_successor_is_fetched() -> None:
    """In its last minutes nobody waits; after its end everybody does."""

    async def scene(world: World) -> None:
        await world.keeper.fresh()
        world.open.clear()
        world.now += 3400
        assert (await world.keeper.fresh()).secret == "t1"
        assert (await world.keeper.fresh()).secret == "t1"
        world.open.set()
        await world.keeper.settle(5)
        assert (await world.keeper.fresh()).secret == "t2" and world.fetched == 2
        world.now += 4000
        assert (await world.keeper.fresh()).secret == "t3"

    play(scene)


def test_a_waiter_that_leaves_ends_nobodys_refresh() -> None:
    """The refresh goes on, and its answer is kept."""

    async def scene(world: World) -> None:
        world.open.clear()
        waiter = asyncio.create_task(world.keeper.fresh())
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        world.open.set()
        await world.keeper.settle(5)
        assert (await world.keeper.fresh()).secret == "t1" and world.fetched == 1

    play(scene)


def test_a_refused_token_is_renewed_once_for_all_who_had_it() -> None:
    """Ten requests were refused with the same token: one renewal."""

    async def scene(world: World) -> None:
        old = await world.keeper.fresh()
        world.now += 60
        tokens = await asyncio.gather(*(world.keeper.renewed(old) for _ in range(10)))
        assert {token.secret for token in tokens} == {"t2"} and world.fetched == 2
        assert (await world.keeper.renewed(old)).secret == "t2" and world.fetched == 2

    play(scene)


def test_a_new_token_that_is_refused_is_not_renewed_at_once() -> None:
    """A provider that refuses everything is not served a refresh for each request."""

    async def scene(world: World) -> None:
        first = await world.keeper.fresh()
        second = await world.keeper.renewed(first)
        with pytest.raises(UpstreamError, match="a token that is new"):
            await world.keeper.renewed(second)
        world.now += REST
        assert (await world.keeper.renewed(second)).secret == "t3"

    play(scene)


def test_an_ended_login_is_left_alone_for_a_while() -> None:
    """The same error, without asking; later a new login is seen."""

    async def scene(world: World) -> None:
        world.trouble = [OVER]
        for _ in range(3):
            with pytest.raises(UpstreamError, match="log in again"):
                await world.keeper.fresh()
        assert world.fetched == 1
        world.now += REST
        assert (await world.keeper.fresh()).secret == "t2"

    play(scene)


def test_a_server_that_is_down_is_asked_again() -> None:
    """Nobody knows when it comes back; the exchange decides how often."""

    async def scene(world: World) -> None:
        world.trouble = [DOWN, DOWN]
        for _ in range(2):
            with pytest.raises(UpstreamError, match="nobody answers"):
                await world.keeper.fresh()
        assert (await world.keeper.fresh()).secret == "t3"

    play(scene)


def test_a_mistake_in_the_configuration_is_an_upstream_error() -> None:
    """A request that needs the token fails with its words."""

    async def scene(world: World) -> None:
        world.trouble = [ConfigError("The key is no PEM key.")]
        with pytest.raises(UpstreamError, match="no PEM key"):
            await world.keeper.fresh()

    play(scene)
