"""The `model-prices` table: prices of the vendors themselves, each with its source and since when it holds.

Format: https://github.com/wakamex/model-prices (2026-10), a history for each model, the last entry the one in force.

Rules of this file: prices and whether a model is still sold, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hexapla.catalog.merge.facts import Facts, Fields, price, priced, provider_id, tier
from hexapla.catalog.schema import Tier

RATES = {"input": "input", "output": "output", "cached": "cache_read", "cache_write": "cache_write"}


def read(table: Mapping[str, Any], today: str) -> Facts:
    """The prices that hold on `today` (2026-11-28)."""
    facts: Facts = {}
    for source, models in table["prices"].items():
        provider = provider_id(source)
        if not priced(provider):
            continue
        for name, lists in models.items():
            if fields := _model(lists, today):
                facts[provider, f"bedrock/{name}" if provider == "bedrock_litellm" else name] = fields
    return facts


def gone(table: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """The models that their vendors have taken away."""
    said = table.get("status", {}).items()
    return frozenset(
        (provider_id(source), name) for source, models in said for name, how in models.items() if how == "removed"
    )


def _model(lists: Mapping[str, Any], today: str) -> Fields:
    started = [entry for entry in lists.get("standard", ()) if (entry["start"] or "")[:10] <= today]
    rates = started[-1]["rates"] if started else None
    if not rates or not (rates["input"] or rates["output"]):
        return {}
    charged = {ours: rates.get(theirs) for ours, theirs in RATES.items()}
    if hour := rates.get("cache_write_1h_multiple"):
        charged["cache_write_1h"] = round(rates["input"] * hour, 9)
    return {"price": price(charged, _tiers(rates))}


def _tiers(rates: Mapping[str, Any]) -> Iterator[Tier]:
    for step in rates.get("tiers", ()):
        yield tier({ours: step.get(theirs) for ours, theirs in RATES.items()}, above=step["above"])
