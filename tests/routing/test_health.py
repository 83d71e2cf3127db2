"""Breakers open, probe and close; percentiles look back five minutes."""

from __future__ import annotations

import time

import pytest

from hexapla.errors import Kind, UpstreamError
from hexapla.routing.health import (
    AT_ONCE,
    CALLS,
    COUNTS,
    FLAWED,
    KEPT,
    LEAST_CALLS,
    OUTAGE,
    SAMPLED,
    WINDOW,
    BreakerPolicy,
    Health,
)

POLICY = BreakerPolicy()


def failure(kind: Kind = Kind.UPSTREAM_ERROR) -> UpstreamError:
    return UpstreamError(kind, "no")


def broken(now: float = 0.0) -> Health:
    """An endpoint "e" whose breaker has just opened."""
    health = Health()
    for _ in range(POLICY.row):
        assert health.enter("e", now)
        health.failed("e", now, failure())
    return health


def test_failures_in_a_row_open_the_breaker() -> None:
    """Nobody is let in until its time is over."""
    health = broken()
    assert not health.enter("e", POLICY.first - 0.01)
    assert health.closed_for("e", 0.25) == POLICY.first - 0.25
    assert health.enter("other", 0.0)


def test_a_success_in_between_keeps_it_closed() -> None:
    """The row begins again."""
    health = Health()
    for _ in range(4):
        health.failed("e", 0.0, failure(Kind.TIMEOUT))
        health.failed("e", 0.0, failure(Kind.TIMEOUT))
        health.tracks["e"].answered(0.0)
    assert health.enter("e", 0.0)


def test_most_of_the_latest_open_it_as_well() -> None:
    """An endpoint that fails two times of three is no better than one that is down; every other time is bearable."""
    health = Health()
    for _ in range(POLICY.least):
        health.tracks["e"].answered(1.0)
        health.failed("e", 1.0, failure(Kind.OVERLOADED))
    assert health.enter("e", 1.0)
    for _ in range(POLICY.least):
        health.tracks["e"].answered(1.0)
        health.failed("e", 1.0, failure(Kind.OVERLOADED))
        health.failed("e", 1.0, failure(Kind.OVERLOADED))
    assert not health.enter("e", 1.0)


def test_exactly_one_probe() -> None:
    """When the time is over one caller is let through, and nobody else until it is back."""
    health = broken()
    later = POLICY.first
    assert [health.enter("e", later) for _ in range(5)] == [True, False, False, False, False]
    health.tracks["e"].answered(later)
    assert all(health.enter("e", later) for _ in range(5))


def test_a_failed_probe_closes_it_for_longer_but_never_for_long() -> None:
    """The time doubles up to the most, so that a recovered endpoint serves again within seconds."""
    health, now, waits = broken(), 0.0, []
    for _ in range(6):
        waits.append(health.closed_for("e", now))
        now += waits[-1]
        assert health.enter("e", now)
        health.failed("e", now, failure(Kind.UPSTREAM_CONNECT))
    assert waits == [1.0, 2.0, 4.0, 4.0, 4.0, 4.0]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in COUNTS])
def test_whoever_refuses_is_alive(kind: Kind) -> None:
    """A bad request or a refused key says nothing against the endpoint, and as a probe it opens the door."""
    health = Health()
    for _ in range(10):
        health.failed("e", 0.0, failure(kind))
    assert health.enter("e", 0.0)
    health = broken()
    assert health.enter("e", POLICY.first)
    health.failed("e", POLICY.first, failure(kind))
    assert all(health.enter("e", POLICY.first) for _ in range(3))


def test_a_probe_whose_client_left_told_nothing() -> None:
    """Another one may probe, and only one."""
    health = broken()
    assert health.enter("e", POLICY.first)
    health.left("e")
    assert [health.enter("e", POLICY.first) for _ in range(3)] == [True, False, False]


def test_an_outage_is_remembered_for_half_a_minute() -> None:
    """After it, or after a success, the endpoint stands where it stood."""
    health = Health()
    assert not health.out("e", 0.0)
    health.failed("e", 10.0, failure(Kind.TIMEOUT))
    assert health.out("e", 10.0 + OUTAGE - 1)
    assert not health.out("e", 10.0 + OUTAGE)
    health.tracks["e"].answered(11.0)
    assert not health.out("e", 11.0)


def test_percentiles_of_the_last_five_minutes() -> None:
    """p90 of latency is what nine in ten kept below, p90 of throughput what nine in ten kept above."""
    health = Health()
    assert health.percentile("e", "latency", 0.5, 0.0) is None
    for n in range(100):
        health.tracks["e"].answered(0.0, latency=n / 100, throughput=float(n))
    assert health.percentile("e", "latency", 0.9, 1.0) == 0.9
    assert health.percentile("e", "throughput", 0.9, 1.0) == 9.0
    assert health.percentile("e", "latency", 0.5, WINDOW + 2) is None


def test_the_load_counts_peaks_and_what_is_on_its_way() -> None:
    """A slow answer is felt at once and fades."""
    health = Health()
    health.tracks["e"].answered(0.0, latency=0.1)
    health.tracks["e"].answered(0.0, latency=2.0)
    assert health.load("e", 0.0) == 2.0
    health.enter("e", 0.0, forced=True)
    assert health.load("e", 0.0) == 4.0
    assert health.load("e", 30.0) < 0.3


def test_the_number_of_tracks_is_bounded() -> None:
    """Clients choose names: they cannot fill the memory."""
    health = Health()
    for n in range(KEPT * 2):
        health.tracks[str(n)].answered(0.0)
    assert sum(health.track(str(n)) is not None for n in range(KEPT * 2)) <= KEPT


def test_flawed_calls_of_tools_are_remembered_for_a_while() -> None:
    """Their share among the latest, once enough are known; whoever made none of late has another chance."""
    health = Health()
    assert health.flaws("a", 0.0) is None
    for number in range(LEAST_CALLS):
        assert health.flaws("a", 0.0) is None
        health.called("a", float(number), flawed=number % 5 == 0)
    assert health.flaws("a", 10.0) == 0.2
    assert health.flaws("a", 5.0 + FLAWED) == 0.0
    for _ in range(CALLS):
        health.called("a", 10.0, flawed=True)
    assert health.flaws("a", 10.0) == 1.0


def test_of_many_answers_a_sample_is_looked_at() -> None:
    """Each of a few; of a flood two a second, for each endpoint."""
    health = Health()
    assert sum(health.listens("a", 0.0) for _ in range(1000)) == AT_ONCE
    assert sum(health.listens("a", number / 100) for number in range(1000)) == pytest.approx(10 / SAMPLED, abs=1)
    assert health.listens("b", 0.0)
    assert all(health.listens("a", 100.0 + number * SAMPLED) for number in range(100))


def test_statistics_are_cheap() -> None:
    """Less than a microsecond an event (a request begins or is over, its calls of tools are looked at and judged) at the
    best of many rounds; the bound leaves room for slow machines."""
    health, best = Health(), float("inf")
    for round_ in range(50):
        began = time.process_time()
        for number in range(100):
            health.enter("p/m", 0.0, forced=True)
            health.tracks["p/m"].answered(round_ + number / 100, 0.2 + number / 1000, 50.0)
            health.listens("p/m", round_ + number / 100)
            health.called("p/m", round_ + number / 100, flawed=not number % 7)
        best = min(best, (time.process_time() - began) / 400)
    assert best < 10e-6, f"{best * 1e6:.2f} us"
    print(f"{best * 1e6:.2f} us an event")


def test_who_lost_a_race_took_at_least_so_long() -> None:
    """Neither a success nor a failure, but its slowness is known: or whoever is hedged would seem ever quicker."""
    health = broken()
    health.enter("e", 0.0, forced=True)
    assert health.enter("e", POLICY.first) and not health.enter("e", POLICY.first)
    health.lost("e", 2.0, 7.0)
    assert health.percentile("e", "latency", 0.5, 2.0) == 7.0
    assert health.error_rate("e") == 1.0 and health.closed_for("e", 0.5) > 0
    assert health.enter("e", POLICY.first), "another one may probe"
