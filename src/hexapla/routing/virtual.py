"""`auto` and `free`: names that stand for whichever model can do what the request needs.

    auto  the cheapest capable model within a cost tier.  All capable models with a known price are put in the order of
          their prices (three parts input, one part output) and cut into five equal bands, low, medium, high, xhigh and max;
          within the band the cheapest is asked first, the next ones stand behind it
    free  capable models that cost nothing, in random order

OpenRouter's routers of these names rank by what its customers spend, which nobody else knows; ours is a rule that can be
foretold (https://openrouter.ai/docs/guides/routing/routers/auto-router and free-router, 2026-08-22).  `allowed_models`,
`excluded_models` and `cost_tier` mean what they mean there.

Rules of this file: pure; a fact that is not known of a model is held against it, since there are others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from hexapla.catalog.listing import Listed
from hexapla.catalog.quirks import matches, merge
from hexapla.catalog.schema import Model
from hexapla.plugins.asked import Wish
from hexapla.plugins.native import way
from hexapla.routing.filters import costless
from hexapla.routing.rank import blended

VIRTUAL = {"auto": "auto", "openrouter/auto": "auto", "free": "free", "openrouter/free": "free"}
"""What a request may call them; OpenRouter's own names are its own where its key is here."""

MOST = 5  # models that are tried for one request

TIERS = ("low", "medium", "high", "xhigh", "max")


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What a request needs of a model.  `tokens`: of its prompt, by estimate; `search`: of the web, by the model's own
    endpoint."""

    tools: bool = False
    images: bool = False
    schema: bool = False
    search: Wish | None = None
    tokens: int = 0
    max_tokens: int = 0


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """OpenRouter's `auto-router` plugin: patterns with wildcards, and a band of prices."""

    allowed_models: tuple[str, ...] = ()
    excluded_models: tuple[str, ...] = ()
    cost_tier: Literal["low", "medium", "high", "xhigh", "max"] = "low"


def chosen(
    kind: str,
    rows: Sequence[Listed],
    demand: Demand,
    choice: Choice,
    usd: Mapping[str, float],
    chance: Callable[[], float],
) -> list[str]:
    """The names of the models to try, in order; none where nothing fits."""
    able = candidates(kind, rows, demand, choice, usd)
    if kind == "free":
        return [row.name for row in sorted(able, key=lambda row: chance())][:MOST]
    return [row.name for row in _band(able, TIERS.index(choice.cost_tier))][:MOST]


def candidates(
    kind: str, rows: Sequence[Listed], demand: Demand, choice: Choice, usd: Mapping[str, float]
) -> list[Listed]:
    """Who is chosen among: those that can and may, and cost nothing (`free`) or something that is known, the cheapest
    first (`auto`)."""
    able = [row for row in rows if _can(row, demand) and _admitted(row, choice)]
    if kind == "free":
        return [row for row in able if costs_nothing(row)]
    priced = [(price, row) for row in able if (price := blended(row.model.price, usd)) and not row.model.free]
    priced.sort(key=lambda pair: (pair[0], pair[1].name))
    return [row for _, row in priced]


def costs_nothing(row: Listed) -> bool:
    """Whether a model is free for certain."""
    return row.model.free or costless(row.model.price)


def _band(priced: Sequence[Listed], tier: int) -> Sequence[Listed]:
    """A fifth of the models, at least one: the tiers are percentiles, 0-20 ... 80-100."""
    first, last = len(priced) * tier // len(TIERS), len(priced) * (tier + 1) // len(TIERS)
    return priced[min(first, len(priced) - 1) : max(last, first + 1)] if priced else ()


def _can(row: Listed, demand: Demand) -> bool:
    model = row.model
    outputs = model.output_modalities or ("text",)
    if model.kind != "chat" or "text" not in outputs or "text" not in (model.input_modalities or ("text",)):
        return False
    if demand.tools and "tools" not in model.capabilities:
        return False
    if demand.schema and "json_schema" not in model.capabilities:
        return False
    if demand.images and not takes_images(model):
        return False
    if demand.search is not None and not _searches(row, demand.search):
        return False
    if demand.max_tokens and model.max_output is not None and demand.max_tokens > model.max_output:
        return False
    return (model.context or 0) >= demand.tokens + demand.max_tokens


def _searches(row: Listed, wish: Wish) -> bool:
    served = (e for e in row.provider.endpoints if not e.models or matches(e.models, row.model.id))
    return any(way(wish, merge(each.quirks, row.model.id).search, configured=False) for each in served)


def takes_images(model: Model) -> bool:
    """Whether it is known to."""
    return "image" in model.input_modalities or "vision" in model.capabilities


def _admitted(row: Listed, choice: Choice) -> bool:
    names = (row.name, row.model.id)
    if choice.allowed_models and not _matches(names, choice.allowed_models):
        return False
    return not _matches(names, choice.excluded_models)


def _matches(names: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
