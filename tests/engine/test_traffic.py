"""What traffic teaches of one attempt."""

from __future__ import annotations

import pytest

from hexapla.config import RoutingConfig, assemble, parse_config
from hexapla.engine.routes import Routes
from hexapla.engine.traffic import SOON, Planned, Traffic
from hexapla.errors import Kind, UpstreamError
from hexapla.routing.commands import Tried

ONE = Routes(assemble(parse_config("", "", {}), {"OPENAI_API_KEY": "k"})).first("openai/gpt-4o")


def tried(seconds: float, error: UpstreamError | None = None) -> Tried:
    ended = 100.0 + seconds
    first = None if error else ended
    return Tried(candidate=ONE, lane="hub", started=100.0, ended=ended, first=first, error=error)


def test_late_is_later_than_nearly_always() -> None:
    """Not known before anything was heard; then the p95 of the first contents, and never at once."""
    traffic = Traffic(RoutingConfig(), lambda: 100.0, lambda: 0.0)
    plan = Planned(candidates=())
    assert traffic.late(ONE) is None
    traffic.heard(tried(0.1), plan)
    assert traffic.late(ONE) == SOON
    traffic = Traffic(RoutingConfig(), lambda: 100.0, lambda: 0.0)
    for number in range(100):
        traffic.heard(tried(1 + number / 100), plan)
    assert traffic.late(ONE) == pytest.approx(1.95)


def test_a_lost_race_is_no_failure() -> None:
    """The breaker does not open, the key keeps playing, and how long it took is remembered."""
    traffic = Traffic(RoutingConfig(), lambda: 100.0, lambda: 0.0)
    plan = Planned(candidates=())
    for _ in range(20):
        assert traffic.admit(ONE, plan.load) == 0.0
        traffic.heard(tried(3.0, UpstreamError(Kind.CANCELLED, "lost")), plan)
    assert traffic.late(ONE) == 3.0
    assert traffic.health.error_rate(ONE.track) == 0.0
