"""OpenRouter's `provider` object: what is read, what is refused, what the operator's defaults keep."""

from __future__ import annotations

import json

import pytest

from hexapla.errors import ProtocolError
from hexapla.routing.preferences import (
    NONE,
    Cutoffs,
    MaxPrice,
    Preferences,
    Sort,
    read_preferences,
    suffixed,
)


def read(default: Preferences = NONE, **fields: object) -> Preferences:
    return read_preferences(json.dumps(fields).encode(), default)


def test_nothing_is_the_default() -> None:
    """An empty object, explicit nulls and unknown fields wish nothing."""
    assert read() == NONE
    assert (
        read(order=None, sort=None, max_price=None, zdr=None, allow_fallbacks=None, preferred_max_latency=None) == NONE
    )
    assert read(experimental={"a": 1}) == NONE


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        ("price", Sort(by="price")),
        ({"by": "latency"}, Sort(by="latency", partition="model")),
        ({"by": "throughput", "partition": "none"}, Sort(by="throughput", partition="none")),
    ],
)
def test_sort_in_both_forms(sent: object, read_as: Sort) -> None:
    """A word, or an object with a partition."""
    assert read(sort=sent).sort == read_as


def test_a_bare_number_bounds_the_median() -> None:
    """A number means p50, an object names its percentiles."""
    wish = read(preferred_min_throughput=50, preferred_max_latency={"p90": 1.5, "p99": 3})
    assert wish.preferred_min_throughput == Cutoffs(p50=50)
    assert wish.preferred_max_latency == Cutoffs(p90=1.5, p99=3)


def test_prices_may_be_strings() -> None:
    """OpenRouter's schema has strings where its examples have numbers."""
    assert read(max_price={"prompt": "0.5", "completion": 2}).max_price == MaxPrice(prompt=0.5, completion=2.0)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"order": "openai"}, "$.provider.order"),
        ({"only": [1]}, "$.provider.only[0]"),
        ({"sort": "cheapest"}, "$.provider.sort"),
        ({"data_collection": "no"}, "$.provider.data_collection"),
        ({"quantizations": ["fp9"]}, "$.provider.quantizations[0]"),
        ({"max_price": {"prompt": "cheap"}}, "$.provider.max_price.prompt"),
    ],
)
def test_a_mistake_is_named_by_its_place(fields: dict[str, object], path: str) -> None:
    """The client is told which field cannot be read."""
    with pytest.raises(ProtocolError) as raised:
        read(**fields)
    assert raised.value.path == path


def test_privacy_can_only_be_tightened() -> None:
    """What the operator denies stays denied; what he ignores stays ignored."""
    operator = Preferences(zdr=True, data_collection="deny", ignore=("acme",), order=("a",), allow_fallbacks=False)
    wish = read(operator, zdr=False, data_collection="allow", ignore=["beta"], order=["b"], allow_fallbacks=True)
    assert (wish.zdr, wish.data_collection, wish.ignore) == (True, "deny", ("acme", "beta"))
    assert (wish.order, wish.allow_fallbacks) == (("b",), True)
    assert read(Preferences(), zdr=True, data_collection="deny").zdr


def test_slugs_are_read_in_any_case() -> None:
    """OpenRouter's names of providers are written in several ways."""
    assert read(order=["OpenAI"], only=["Azure"], ignore=["DeepInfra/Turbo"]) == Preferences(
        order=("openai",), only=("azure",), ignore=("deepinfra/turbo",)
    )


def test_suffixes_are_sorts() -> None:
    """:nitro and :floor are short for a sort, and a sort that was said stands above them."""
    assert suffixed(NONE, ":nitro").sort.by == "throughput"
    assert suffixed(NONE, ":floor").sort.by == "price"
    assert suffixed(NONE, ":thinking") is NONE
    assert suffixed(read(sort="latency"), ":floor").sort.by == "latency"
