"""Who does far worse than its equals goes behind them, and never more than half of them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from playbook import candidate

from hexapla.catalog.schema import Model, Price
from hexapla.errors import Kind, UpstreamError
from hexapla.routing.health import FLAWED, WINDOW, Health
from hexapla.routing.outliers import ALONE, LEAST, clumsy, outliers
from hexapla.routing.preferences import NONE, Preferences, Sort
from hexapla.routing.rank import Scene, ranked

FAILED = UpstreamError(Kind.UPSTREAM_ERROR, "no")


def known(**endpoints: tuple[float, float]) -> Health:
    """Endpoints by name: share of failures, seconds to the first content."""
    health = Health()
    for name, (share, latency) in endpoints.items():
        for number in range(20):
            failed = int((number + 1) * share) > int(number * share)
            if failed:
                health.failed(name, 100.0, FAILED)
            else:
                health.tracks[name].answered(100.0, latency)
    return health


@pytest.mark.parametrize(
    ("endpoints", "out"),
    [
        ({"a": (0.0, 0.5), "b": (0.0, 0.5)}, set()),
        ({"a": (0.35, 0.5), "b": (0.0, 0.5)}, {0}),
        ({"a": (0.15, 0.5), "b": (0.0, 0.5)}, set()),
        ({"a": (0.35, 0.5), "b": (0.3, 0.5), "c": (0.35, 0.5)}, set()),
        ({"a": (0.0, 5.0), "b": (0.0, 0.5), "c": (0.0, 0.6)}, {0}),
        ({"a": (0.0, 0.09), "b": (0.0, 0.01), "c": (0.0, 0.01)}, set()),
        ({"a": (0.0, 9.0), "b": (0.45, 0.5), "c": (0.0, 0.5), "d": (0.0, 0.5)}, {0, 1}),
        ({"a": (0.0, 9.0), "b": (0.45, 0.5), "c": (0.0, 0.5)}, {0}),
        ({"a": (0.0, 9.0), "b": (0.0, 0.5)}, {0}),
    ],
    ids=["equals", "fails", "a bit", "all fail", "slow", "hardly slow", "two of four", "one of three", "two"],
)
def test_who_is_far_from_the_others(endpoints: dict[str, tuple[float, float]], out: set[int]) -> None:
    """Failures and latency against the median of the others; the worst first, up to half."""
    assert outliers(list(endpoints), known(**endpoints), 100.0) == out


def test_what_is_hardly_known_is_no_outlier() -> None:
    """A few answers tell nothing, and neither does an endpoint without an equal."""
    health = known(b=(0.0, 0.5))
    for _ in range(LEAST - 1):
        health.tracks["a"].answered(100.0, latency=9.0)
    assert outliers(["a", "b"], health, 100.0) == set()
    health.tracks["a"].answered(100.0, latency=9.0)
    assert outliers(["a", "b"], health, 100.5) == set(), "what was found holds for a second"
    assert outliers(["a", "b"], health, 101.5) == {0}
    assert outliers(["a"], health, 100.0) == set()
    assert outliers(["a", "new"], health, 100.0) == set()


def test_nobody_is_put_back_for_ever() -> None:
    """Failures count for a minute, latencies for five: then it is asked again, and is known again by what it does."""
    assert outliers(["a", "b"], known(a=(0.35, 0.5), b=(0.0, 0.5)), 100.0 + ALONE) == set()
    assert outliers(["a", "b"], known(a=(0.0, 9.0), b=(0.0, 0.5)), 101.0 + WINDOW) == set()


def test_an_outlier_is_tried_later_unless_it_was_listed() -> None:
    """It stays in the plan; the client's own order stands above what is known."""
    groups = [[candidate(name)] for name in ("a", "b")]
    scene = Scene(health=known(a=(0.35, 0.5), b=(0.0, 0.5)), now=140.0, chance=lambda: 0.0, usd={})

    def order(preferences: Preferences, *, equals: bool = True) -> list[str]:
        return [group[0].provider.id for group in ranked(groups, preferences, scene, equals=equals)]

    assert order(NONE) == ["b", "a"]
    assert order(NONE, equals=False) == ["a", "b"]
    listed = [[replace(group[0], slugs=frozenset({group[0].provider.id}))] for group in groups]
    groups[:] = listed
    assert order(replace(NONE, order=("a",))) == ["a", "b"]


# tools


def calling(now: float = 100.0, **flaws: int) -> Health:
    """Endpoints by name: how many of twenty answers with calls were flawed."""
    health = Health()
    for name, count in flaws.items():
        for number in range(20):
            health.called(name, now, flawed=number < count)
    return health


@pytest.mark.parametrize(
    ("flaws", "out"),
    [
        ({"a": 0, "b": 0}, set()),
        ({"a": 2, "b": 0}, set()),
        ({"a": 3, "b": 0}, {0}),
        ({"a": 10, "b": 9, "c": 10}, set()),
        ({"a": 20, "b": 4, "c": 1}, {0, 1}),
        ({"a": 10}, set()),
        ({"a": 11}, {0}),
    ],
    ids=["equals", "a bit", "worse", "all are", "most are", "half, and the other one is new", "most, and it is new"],
)
def test_who_calls_tools_far_worse(flaws: dict[str, int], out: set[int]) -> None:
    """Ten points more flawed answers than the best; who is hardly known is not judged."""
    assert clumsy([*flaws, "new"], calling(**flaws), 100.0) == out


def tried(health: Health, wishes: Preferences, now: float = 100.0, *, tools: bool = True) -> str:
    """The order of a, b and c, which cost 1, 2 and 3."""
    prices = {name: Model(id="m", price=Price(input=each, output=each)) for each, name in enumerate("abc", 1)}
    groups = [[replace(candidate(name), facts=facts, slugs=frozenset({name}))] for name, facts in prices.items()]
    scene = Scene(health=health, now=now, chance=lambda: 0.0, usd={})
    return "".join(group[0].track for group in ranked(groups, wishes, scene, tools=tools))


@pytest.mark.parametrize(
    ("wishes", "tools", "expected"),
    [
        (NONE, True, "bca"),
        (NONE, False, "abc"),
        (Preferences(sort=Sort(by="price")), True, "abc"),
        (Preferences(order=("a",)), True, "abc"),
        (Preferences(sort=Sort(by="exacto")), False, "bca"),
        (Preferences(sort=Sort(by="exacto")), True, "bca"),
    ],
    ids=["tools", "no tools", "sort", "order", "exacto", "exacto with tools"],
)
def test_who_calls_tools_far_worse_is_tried_later(wishes: Preferences, tools: bool, expected: str) -> None:
    """With tools and without a wish of the request's own; `exacto` asks for it; after a while there is another chance."""
    health = calling(a=5, b=0, c=1)
    assert tried(health, wishes, tools=tools) == expected
    if wishes is NONE:
        assert tried(health, wishes, 100.0 + FLAWED) == "abc"


def test_exacto_puts_the_proven_before_the_unknown() -> None:
    """By the share of flawed answers; nobody's calls being known, by failures."""
    by_quality = Preferences(sort=Sort(by="exacto"))
    assert tried(calling(b=1, c=0), by_quality) == "cba"
    health = calling()
    health.failed("a", 100.0, FAILED)
    assert tried(health, by_quality) == "bca"
