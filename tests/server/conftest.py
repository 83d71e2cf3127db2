"""One upstream and one gateway for the whole folder; tests that end a gateway start their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.running import Gateway, gateway, providers
from server.upstream import Upstream

SETTINGS = """
[timeouts]
first = 5
idle = 5
[retry]
base = 0.02
[limits]
body_bytes = 400000
body_seconds = 1.0
head_seconds = 1.0
"""


@pytest.fixture(scope="session")
def _upstream() -> Iterator[Upstream]:
    with Upstream().running() as upstream:
        yield upstream


@pytest.fixture
def upstream(_upstream: Upstream) -> Upstream:
    """The upstream, with nothing remembered."""
    _upstream.visits.clear()
    _upstream.arrived.clear()
    return _upstream


@pytest.fixture(scope="session")
def served(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that needs no key."""
    with gateway(tmp_path_factory.mktemp("gateway"), SETTINGS + providers(_upstream.url)) as running:
        yield running
