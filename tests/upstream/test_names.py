"""Names are looked up once at a time, and what was known of them helps while the resolver fails."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hexapla.upstream import names
from hexapla.upstream.names import Names

ADDRESS = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]
GONE = socket.gaierror(socket.EAI_NONAME, "no such name")


class Resolver:
    """The system's, as far as a loop asks it: says `answers` in turn, each when it is `told` to."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.told = asyncio.Event()
        self.asked = 0

    async def __call__(self, host: str, port: int, *, type: int) -> Any:  # noqa: A002 - getaddrinfo's own
        self.asked += 1
        answer = self.answers.pop(0)
        await self.told.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer


def play(scene: Callable[[Names, Resolver], Awaitable[None]], *answers: Any) -> None:
    async def run() -> None:
        resolver = Resolver(*answers)
        asyncio.get_running_loop().getaddrinfo = resolver  # type: ignore[method-assign,assignment]
        await scene(Names(), resolver)

    asyncio.run(run())


def test_f03_a_silent_resolver_holds_one_thread() -> None:
    """However many ask for the name, and also when they have given up; what it says at last is everybody's."""

    async def scene(looks: Names, resolver: Resolver) -> None:
        impatient = [asyncio.ensure_future(looks.look_up("silent.test", 443)) for _ in range(9)]
        await asyncio.wait(impatient, timeout=0)
        for one in impatient:
            one.cancel()
        await asyncio.wait(impatient)
        patient = [asyncio.ensure_future(looks.look_up("silent.test", 443)) for _ in range(9)]
        await asyncio.wait(patient, timeout=0)
        resolver.told.set()
        assert await asyncio.gather(*patient) == [ADDRESS] * 9
        assert resolver.asked == 1
        assert await looks.look_up("silent.test", 443) == ADDRESS
        assert resolver.asked == 2  # it is asked again each time: addresses change

    play(scene, ADDRESS, ADDRESS)


def test_f03_what_was_known_serves_while_the_resolver_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """For an hour; a name that was never known is an error."""

    async def scene(looks: Names, resolver: Resolver) -> None:
        resolver.told.set()
        assert await looks.look_up("known.test", 443) == ADDRESS
        assert await looks.look_up("known.test", 443) == ADDRESS
        with pytest.raises(socket.gaierror):
            await looks.look_up("unknown.test", 443)
        monkeypatch.setattr(names, "STALE_SECONDS", -1.0)
        with pytest.raises(socket.gaierror):
            await looks.look_up("known.test", 443)

    play(scene, ADDRESS, GONE, GONE, GONE)
