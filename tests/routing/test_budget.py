"""How many retries the whole gateway may make."""

from __future__ import annotations

from hexapla.routing.budget import FLOOR, HEDGES, MOST, SHARE, RetryBudget


def test_an_outage_is_not_amplified() -> None:
    """When every request fails and wants a retry, a fifth of them gets one, and a few a second more."""
    now = 0.0
    budget = RetryBudget(lambda: now)
    while budget.spend():
        pass
    granted = 0
    for _ in range(10_000):
        now += 0.001
        budget.requests += 1
        granted += budget.spend()
    assert granted <= 10_000 * SHARE + 10 * FLOOR + 1
    assert granted >= 10_000 * SHARE


def test_a_quiet_gateway_may_retry() -> None:
    """What was saved up while nothing happened is bounded."""
    now = 0.0
    budget = RetryBudget(lambda: now)
    now = 3600.0
    assert sum(budget.spend() for _ in range(1000)) == MOST


def test_hedges_are_earned_and_not_saved_up_by_time() -> None:
    """One request in twenty; an idle hour earns nothing."""
    now = 0.0
    budget = RetryBudget(lambda: now, share=HEDGES, floor=0.0, saved=0.0)
    granted = 0
    for _ in range(1000):
        budget.requests += 1
        granted += budget.spend()
    assert granted in (49, 50)
    now = 3600.0
    assert not budget.spend()
