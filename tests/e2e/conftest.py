"""A fake upstream, a gateway in front of it, and the doors that clients are pointed at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.doors import PROVIDERS, Door, configuration, gateway, provider
from e2e.programs import programs
from fakes.running import Fake, running

DOORS = ("direct", *PROVIDERS)
THINKS = '[[models.f_resp]]\nid = "think-tool"\ncapabilities = ["tools", "reasoning"]\n'
IMPATIENT = "[timeouts]\nfirst = 8\nidle = 2\n[retry]\nbase = 0.05\n"


@pytest.fixture(scope="session")
def _fake() -> Iterator[Fake]:
    with running() as fake:
        yield fake


@pytest.fixture
def fake(_fake: Fake) -> Fake:
    """The upstream, with an empty journal."""
    _fake.journal.clear()
    return _fake


@pytest.fixture(scope="session")
def gateway_url(_fake: Fake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway whose providers are the fake's dialects."""
    providers = "".join(provider(name, protocol, _fake.url) for name, protocol in PROVIDERS.items())
    with gateway(configuration(IMPATIENT + providers + THINKS, tmp_path_factory.mktemp("gateway"))) as url:
        yield url


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, fake: Fake) -> Door:
    """Each way to the fake: directly, and through the gateway by each upstream dialect."""
    url = fake.url if request.param == "direct" else request.getfixturevalue("gateway_url")
    return Door(request.param, url)


@pytest.fixture(params=PROVIDERS)
def inside(request: pytest.FixtureRequest, fake: Fake, gateway_url: str) -> Door:
    """The gateway's doors."""
    return Door(request.param, gateway_url)


@pytest.fixture(scope="session")
def clients() -> Path:
    """The folder of the agents' command lines."""
    return programs("agents")
