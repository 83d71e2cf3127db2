"""Service tiers as offers of their own, by each way of asking for one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from playbook import candidate

from hexapla.catalog.schema import Model, Price, Quirks
from hexapla.errors import Kind, UpstreamError
from hexapla.routing.bench import Bench
from hexapla.routing.candidate import Candidate
from hexapla.routing.filters import slugs
from hexapla.routing.health import Health
from hexapla.routing.plan import Wanted, planned
from hexapla.routing.preferences import NONE, Preferences, Sort, suffixed
from hexapla.routing.rank import Scene
from hexapla.routing.tiers import at_tier, by_tier


def price(each: float) -> Price:
    return Price(input=each, output=each)


def offer(name: str, plain: float, **services: float) -> Candidate:
    facts = Model(id="m", price=price(plain), services={tier: price(each) for tier, each in services.items()})
    found = candidate(name)
    return replace(found, facts=facts, slugs=slugs(found.provider), credential="k")


A, B, C = offer("a", 4.0, flex=2.0, priority=8.0), offer("b", 3.0, priority=6.0), offer("c", 3.5, flex=1.0)


def order(wishes: Preferences = NONE, said: str = "", suffix: str = "", *, health: Health | None = None) -> str:
    """`provider` or `provider/tier` in the order in which they are tried."""
    wishes = suffixed(wishes, suffix) if suffix else wishes
    wanted = [
        Wanted(name="m", candidates=offers, preferences=wished)
        for offers, wished in by_tier((A, B, C), wishes, said, suffix)
    ]
    scene = Scene(health=health or Health(), now=100.0, chance=lambda: 0.0, usd={})
    found = planned(wanted, scene).candidates
    return " ".join(each.provider.id + (f"/{each.tier}" if each.tier else "") for each in found)


CHEAPEST = Preferences(sort=Sort(by="price"))


@pytest.mark.parametrize(
    ("wishes", "said", "suffix", "expected"),
    [
        (CHEAPEST, "", "", "b c a"),
        (CHEAPEST, "auto", "", "b c a"),
        (NONE, "flex", "", "c/flex a/flex"),
        (Preferences(only=("a",)), "flex", "", "a/flex"),
        (Preferences(only=("b",)), "flex", "", "b"),
        (CHEAPEST, "priority", "", "b/priority a/priority b/default c a/default"),
        (CHEAPEST, "fast", "", "b/priority a/priority b/default c a/default"),
        (Preferences(sort=Sort(by="price"), allow_fallbacks=False), "priority", "", "b/priority"),
        (Preferences(only=("a/priority",)), "", "", "a/priority"),
        (Preferences(only=("a/priority", "b"), sort=Sort(by="price")), "", "", "b a/priority"),
        (Preferences(order=("a/flex",)), "", "", "a/flex a b c"),
        (Preferences(order=("a/flex",), allow_fallbacks=False), "", "", "a/flex"),
        (NONE, "", ":floor", "c/flex a/flex b c a"),
        (NONE, "default", ":floor", "b c a"),
        (Preferences(order=("a",)), "", ":floor", "a b c"),
        (Preferences(ignore=("c",)), "", ":floor", "a/flex b a"),
    ],
)  # fmt: skip
def test_who_is_tried_at_which_tier(wishes: Preferences, said: str, suffix: str, expected: str) -> None:
    """As OpenRouter's table of tier selection has it."""
    assert order(wishes, said, suffix) == expected


def test_nitro_lets_priority_in_where_it_is_the_quickest() -> None:
    """It competes by its measured speed and gets nothing for its name."""
    health = Health()
    for track, speed in (("a", 50.0), ("b", 40.0), ("a priority", 45.0)):
        for _ in range(5):
            health.tracks[track].answered(100.0, latency=0.1, throughput=speed)
    assert order(suffix=":nitro", health=health) == "a a/priority b c b/priority"


def test_a_tier_that_is_slow_is_no_slow_endpoint() -> None:
    """Who is far slower than its equals goes behind them; flex is slow by nature and is compared with flex alone."""
    health = Health()
    for track, latency in (("a", 0.5), ("b", 0.5), ("c", 9.0), ("a flex", 20.0), ("c flex", 20.0)):
        for _ in range(10):
            health.tracks[track].answered(100.0, latency=latency)
    assert order(suffix=":floor", health=health) == "c/flex a/flex b a c"


def test_a_tier_is_an_offer_of_its_own() -> None:
    """With its own price, statistics and limits; not where it has no price, or where the endpoint is not told of it."""
    found = at_tier(A, "flex")
    assert found is not None and found.facts is not None and found.facts.price == price(2.0)
    assert found.track != A.track and found.facts.services["default"] == price(4.0)
    assert at_tier(B, "flex") is None
    assert at_tier(replace(A, quirks=Quirks(strip=("service_tier",))), "flex") is None
    bench = Bench()
    bench.heard(found, UpstreamError(Kind.RATE_LIMIT, "busy"), 0.0)
    assert bench.choose([found, A], 1.0) == [A]
