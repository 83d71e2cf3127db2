"""Buckets: how long a request must wait, and what the vendor's headers teach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexapla.catalog.schema import Rate
from hexapla.routing.allowance import Allowance, allowances
from hexapla.routing.limits import DAY, KEPT, MINUTE, Limits, Load

PLACE = ("acme", "key", "m")
WALL = 1_790_000_000.0


def stated(**rate: int) -> Limits:
    limits = Limits()
    limits.state(PLACE, Rate(**rate))
    return limits


def test_nothing_is_enforced_that_nobody_told() -> None:
    """A place without buckets never waits."""
    limits = Limits()
    limits.state(PLACE, Rate())
    assert not limits.meters
    assert limits.wait(PLACE, Load(tokens=10**9), 0.0) == 0


def test_a_minutes_requests_may_come_at_once_and_the_rest_evenly() -> None:
    """Sixty a minute: sixty now, the next one in a second, the one after it in two."""
    limits = stated(rpm=60)
    for _ in range(60):
        assert limits.wait(PLACE, Load(), 0.0) == 0
        limits.take(PLACE, Load(), 0.0)
    assert limits.wait(PLACE, Load(), 0.0) == pytest.approx(1.0)
    limits.take(PLACE, Load(), 0.0)
    assert limits.wait(PLACE, Load(), 0.0) == pytest.approx(2.0)
    assert limits.wait(PLACE, Load(), 61.0) == 0


def test_the_tightest_limit_decides() -> None:
    """Requests, tokens and images are counted apart, in a minute and in a day."""
    limits = stated(rpm=100, tpm=1000, rpd=2)
    limits.take(PLACE, Load(tokens=900), 0.0)
    assert limits.wait(PLACE, Load(tokens=200), 0.0) == pytest.approx(6.0)
    limits.take(PLACE, Load(), 0.0)
    assert limits.wait(PLACE, Load(), 0.0) == pytest.approx(DAY / 2)
    assert limits.wait(("acme", "other key", "m"), Load(tokens=200), 0.0) == 0


def test_what_was_really_used_is_settled() -> None:
    """An answer that was longer than expected makes the next request wait, a shorter one lets it in sooner."""
    limits = stated(tpm=1000)
    load = Load(tokens=500)
    limits.take(PLACE, load, 0.0)
    limits.settle(PLACE, load, 1000)
    assert limits.wait(PLACE, Load(tokens=100), 0.0) == pytest.approx(6.0)
    limits.settle(PLACE, load, 0)
    assert limits.wait(PLACE, Load(tokens=100), 0.0) == 0


def test_a_request_larger_than_the_limit_is_sent_when_all_of_it_is_free() -> None:
    """The vendor will judge it; it must not wait for ever."""
    limits = stated(tpm=1000)
    assert limits.wait(PLACE, Load(tokens=5000), 0.0) == 0
    limits.take(PLACE, Load(tokens=5000), 0.0)
    assert limits.wait(PLACE, Load(tokens=5000), 0.0) == pytest.approx(MINUTE)


def test_headers_correct_what_was_thought() -> None:
    """Others ask with the same key: what the vendor says is left, is left."""
    limits = stated(rpm=60)
    limits.tell(PLACE, "requests", MINUTE, 60, 0, 100.0)
    assert limits.wait(PLACE, Load(), 100.0) == pytest.approx(1.0)
    limits.tell(PLACE, "requests", MINUTE, 600, 600, 100.0)
    assert limits.wait(PLACE, Load(), 100.0) == 0


def test_meters_are_bounded() -> None:
    """Clients choose models."""
    limits = Limits()
    for n in range(KEPT + 5):
        limits.state(("acme", "key", str(n)), Rate(rpm=1))
    limits.take(("acme", "key", "0"), Load(), 0.0)
    assert limits.wait(("acme", "key", "0"), Load(), 0.0) == 0


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 300)), max_size=40))
def test_never_more_than_twice_a_limit_in_any_window(asked: list[tuple[float, int]]) -> None:
    """A bucket that was full lets its limit pass at once and refills meanwhile; it never lets more through."""
    limits, now, sent = stated(tpm=600), 0.0, list[tuple[float, int]]()
    for gap, tokens in asked:
        now += gap
        load = Load(tokens=tokens)
        now += limits.wait(PLACE, load, now)
        limits.take(PLACE, load, now)
        sent.append((now, tokens))
    for start, _ in sent:
        assert sum(tokens for at, tokens in sent if start <= at < start + MINUTE) <= 1200 + 300


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "1s",
            },
            [Allowance("requests", 60, 59, MINUTE)],
        ),
        (
            {
                "x-ratelimit-limit-requests": "14400",
                "x-ratelimit-remaining-requests": "14370",
                "x-ratelimit-reset-requests": "2m59.56s",
                "x-ratelimit-limit-tokens": "18000",
                "x-ratelimit-remaining-tokens": "17997",
                "x-ratelimit-reset-tokens": "7.66ms",
            },
            [Allowance("requests", 14400, 14370, DAY), Allowance("tokens", 18000, 17997, MINUTE)],
        ),
        (
            {
                "anthropic-ratelimit-tokens-limit": "80000",
                "anthropic-ratelimit-tokens-remaining": "40000",
                "anthropic-ratelimit-tokens-reset": "2026-09-21T14:13:50Z",
            },
            [Allowance("tokens", 80000, 40000, MINUTE)],
        ),
        (
            {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790000060000"},
            [Allowance("requests", 20, 0, MINUTE)],
        ),
        ({"x-ratelimit-limit-requests": "-1", "x-ratelimit-remaining-requests": "0"}, []),
        ({"x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-requests": "some"}, []),
        ({"x-ratelimit-limit-tokens": "10"}, []),
        ({}, []),
    ],
)
def test_headers_of_every_family(headers: dict[str, str], expected: list[Allowance]) -> None:
    """What there is, what is left, and the window that fits the reset."""
    assert list(allowances(headers, WALL)) == expected


@given(st.dictionaries(st.sampled_from(["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]), st.text()))
def test_any_header_is_survived(headers: dict[str, str]) -> None:
    """Nothing that a vendor writes raises."""
    for found in allowances(headers, WALL):
        Limits().tell(PLACE, found.unit, found.window, found.limit, found.remaining, 0.0)
