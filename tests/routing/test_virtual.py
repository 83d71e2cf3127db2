"""What `auto` and `free` stand for: a rule that can be foretold."""

from __future__ import annotations

from typing import Any

import pytest

from hexapla.catalog.listing import Listed
from hexapla.catalog.schema import Model, Price, Provider
from hexapla.routing.virtual import Choice, Demand, chosen


def row(name: str, price: float | None, **facts: Any) -> Listed:
    cost = None if price is None else Price(input=price, output=price)
    model = Model(id=name, price=cost, context=facts.pop("context", 8000), **facts)
    return Listed(name=f"acme/{name}", model=model, provider=Provider(id="acme"))


TEN = [row(f"m{price}", price) for price in (5, 3, 9, 1, 7, 2, 10, 4, 8, 6)]
NOTHING = [row("gratis", 0), row("given", 5, free=True)]


def pick(kind: str, rows: list[Listed], demand: Demand | None = None, **choice: Any) -> list[str]:
    found = chosen(kind, rows, demand or Demand(), Choice(**choice), {}, chance=iter((0.9, 0.1, 0.5)).__next__)
    return [name.removeprefix("acme/") for name in found]


@pytest.mark.parametrize(
    ("tier", "models"),
    [("low", "m1 m2"), ("medium", "m3 m4"), ("high", "m5 m6"), ("xhigh", "m7 m8"), ("max", "m9 m10")],
)
def test_tiers_are_fifths_by_price(tier: str, models: str) -> None:
    """The cheapest of a band is asked first; what costs nothing or nobody knows is in no band."""
    assert pick("auto", [*TEN, *NOTHING, row("unknown", None)], cost_tier=tier) == models.split()


def test_without_a_tier_it_is_the_lowest() -> None:
    """And a band is never empty while anything fits."""
    assert pick("auto", TEN) == ["m1", "m2"]
    assert [pick("auto", [row("only", 3)], cost_tier=tier) for tier in ("low", "max")] == [["only"], ["only"]]
    assert pick("auto", []) == []


def test_patterns_allow_and_exclude() -> None:
    """With wildcards, by our name or the provider's own; exclusion is the last word."""
    assert pick("auto", TEN, allowed_models=("acme/m7", "m8")) == ["m7"]
    assert pick("auto", TEN, allowed_models=("acme/*",), excluded_models=("*/m1",), cost_tier="low") == ["m2"]


@pytest.mark.parametrize(
    ("demand", "facts"),
    [
        (Demand(tools=True), {"capabilities": ("tools",)}),
        (Demand(images=True), {"input_modalities": ("text", "image")}),
        (Demand(schema=True), {"capabilities": ("json_schema",)}),
        (Demand(tokens=9000), {"context": 100_000}),
        (Demand(tokens=7000, max_tokens=2000), {"context": 10_000}),
    ],
)
def test_who_cannot_is_passed_over(demand: Demand, facts: dict[str, Any]) -> None:
    """However cheap; for `free` as well."""
    assert pick("auto", [row("poor", 1), row("able", 9, **facts)], demand) == ["able"]
    assert pick("free", [row("poor", 0), row("able", 0, **facts)], demand) == ["able"]


def test_short_answers_and_other_kinds() -> None:
    """A model that cannot say so much, and one that does not say text, are none."""
    assert (
        pick("auto", [row("short", 1, max_output=100), row("painter", 1, kind="image")], Demand(max_tokens=101)) == []
    )


def test_free_is_drawn() -> None:
    """In the order of the draws, among those that cost nothing for certain."""
    assert pick("free", [*TEN, row("a", 0), row("b", None, free=True), row("c", 0)]) == ["b", "c", "a"]
