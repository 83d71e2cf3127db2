"""One event loop, all fakes and one gateway for the whole suite; tests that bench keys have gateways of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from providers.facts import ROWS
from providers.fake import Fake
from providers.house import FALLBACK, QUICK, House, open_fakes


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def _fakes(loop: asyncio.Runner) -> Iterator[dict[str, Fake]]:
    fakes = loop.run(open_fakes())
    yield fakes
    for fake in fakes.values():
        fake.close()


@pytest.fixture
def fakes(_fakes: dict[str, Fake]) -> dict[str, Fake]:
    """The fakes, with nothing remembered."""
    for fake in _fakes.values():
        fake.visits.clear()
        fake.bad_keys.clear()
    return _fakes


@pytest.fixture(scope="session")
def house(loop: asyncio.Runner, _fakes: dict[str, Fake]) -> Iterator[House]:
    """A gateway that asks once, with one good key for everybody."""
    yield from _opened(loop, _fakes, QUICK)


@pytest.fixture(scope="session")
def standby(loop: asyncio.Runner, _fakes: dict[str, Fake]) -> Iterator[House]:
    """The same, with another model behind every vendor's."""
    chains = "".join(f'"{provider}/{row.model}" = ["{FALLBACK}"]\n' for provider, row in ROWS.values())
    yield from _opened(loop, _fakes, f"{QUICK}[chains]\n{chains}")


def _opened(loop: asyncio.Runner, fakes: dict[str, Fake], settings: str) -> Iterator[House]:
    async def opened() -> House:
        return House(fakes, settings)

    made = loop.run(opened())
    yield made
    loop.run(made.aclose())
