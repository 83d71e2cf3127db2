"""Pydantic's `genai-prices`: prices by model, tiered and by the hour, as Python source.

Format: https://github.com/pydantic/genai-prices (2026-11), a literal of nested calls.  It is read as a syntax tree and
never run: what was downloaded is data.

Rules of this file: of a price's history the entry in force; variants for other service levels are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from hexapla.catalog.merge.facts import Facts, Fields, Rates, price, priced, provider_id, tier, told
from hexapla.catalog.schema import Price, Tier

RATES = {
    "input": ("input_mtok", 1.0),
    "output": ("output_mtok", 1.0),
    "cached": ("cache_read_mtok", 1.0),
    "cache_write": ("cache_write_mtok", 1.0),
    "cache_write_1h": ("cache_write_1h_mtok", 1.0),
    "reasoning": ("output_reasoning_mtok", 1.0),
    "audio_input": ("input_audio_mtok", 1.0),
    "audio_output": ("output_audio_mtok", 1.0),
    "image_input": ("input_image_mtok", 1.0),
    "image_output": ("output_image_mtok", 1.0),
    "characters": ("input_mchars", 1.0),
    "request": ("requests_kcount", 1e-3),
    "search": ("web_searches_kcount", 1e-3),
    "page": ("input_document_kpages", 1e-3),
    "second": ("input_audio_hours", 1 / 3600),
}
"""Our field -> theirs, and what theirs is multiplied by."""

TIER_RATES = ("input", "output", "cached", "cache_write", "cache_write_1h")

Call = dict[str, Any]
"""A call's keyword arguments, with its name under "call"."""


def read(source: str, today: str) -> Facts:
    """The facts of `data.py`, with the prices that hold on `today`.  Raises ValueError or SyntaxError for what is none."""
    facts: Facts = {}
    for each in _providers(ast.parse(source)):
        provider = provider_id(each["id"])
        for model in each["models"]:
            upstream = f"bedrock/{model['id']}" if provider == "bedrock_litellm" else model["id"]
            facts[provider, upstream] = told(_model(provider, model, today))
    return facts


def _providers(tree: ast.Module) -> list[Call]:
    for statement in tree.body:
        if isinstance(statement, ast.AnnAssign) and getattr(statement.target, "id", "") == "providers":
            found = _value(statement.value)
            if isinstance(found, list):
                return found
    raise ValueError("there is no list of providers in this table")


def _value(node: ast.expr | None) -> Any:
    """A literal's value; a call becomes its keyword arguments, a number its digits."""
    match node:
        case ast.Constant():
            return node.value
        case ast.List() | ast.Tuple():
            return [_value(each) for each in node.elts]
        case ast.Dict():
            return {_value(key): _value(value) for key, value in zip(node.keys, node.values)}
        case ast.Call(func=ast.Name(id="Decimal")):
            return float(_value(node.args[0]))
        case ast.Call(func=ast.Attribute(attr="date")):
            return date(*(_value(each) for each in node.args)).isoformat()
        case ast.Call(func=ast.Attribute(attr="time")):
            return ":".join(f"{_value(each):02}" for each in (*node.args, ast.Constant(0))[:2])
        case ast.Call(func=ast.Name(id=name)):
            return {"call": name} | {str(word.arg): _value(word.value) for word in node.keywords}
    return None


def _model(provider: str, model: Call, today: str) -> Fields:
    charged = _price(model.get("prices"), today) if priced(provider) else None
    free = charged is not None and not charged.input and not charged.output and model["id"].endswith(":free")
    known = charged is not None and (free or any(getattr(charged, name) for name in RATES))
    return {
        "name": model.get("name"),
        "context": model.get("context_window"),
        "price": charged if known else None,
        "free": free,
    }


def _price(prices: Call | list[Call] | None, today: str) -> Price | None:
    if isinstance(prices, Mapping):
        return _rates(prices, ())
    base: Call | None = None
    hours: list[Tier] = []
    for entry in prices or ():
        rule = entry.get("constraint") or {}
        if rule.get("call") == "TimeOfDateConstraint":
            window = f"{rule['start_time']}-{rule['end_time']}"
            hours.append(tier(_all(entry["prices"], TIER_RATES), window=window))
        elif rule.get("start_date", "") <= today:
            base = entry["prices"]
    return _rates(base, hours) if base is not None else None


def _rates(prices: Mapping[str, Any], hours: list[Tier] | tuple[()]) -> Price:
    return price(_all(prices, RATES), (*_tiers(prices), *hours))


def _all(prices: Mapping[str, Any], names: Iterable[str]) -> Rates:
    return {name: _base(prices, name) for name in names}


def _base(prices: Mapping[str, Any], name: str) -> float | None:
    field, factor = RATES[name]
    rate = prices.get(field)
    if isinstance(rate, Mapping):
        rate = rate["base"]
    return None if rate is None else round(float(rate) * factor, 12)


def _tiers(prices: Mapping[str, Any]) -> Iterator[Tier]:
    """Tiers by prompt length; theirs stand at each rate, ours hold all rates of one length."""
    steps: dict[int, Rates] = {}
    for name in TIER_RATES:
        rate = prices.get(RATES[name][0])
        for step in rate["tiers"] if isinstance(rate, Mapping) else ():
            steps.setdefault(step["start"], {})[name] = step["price"]
    for above, rates in sorted(steps.items()):
        yield tier(rates, above=above)
