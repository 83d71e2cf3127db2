"""What a curated model does not say, taken from the table.

Rules of this file: pure; where the two contradict each other, the curated model is right.
"""

from __future__ import annotations

from msgspec.structs import replace

from hexapla.catalog.schema import Model

FILLED = (
    "name",
    "context",
    "max_input",
    "max_output",
    "input_modalities",
    "output_modalities",
    "price",
    "services",
    "released",
    "knowledge",
    "retired",
)
"""Fields in which a curated model takes what it does not know itself."""

NOTHING: tuple[object, ...] = (None, "", (), {})


def filled(model: Model, more: Model) -> Model:
    """`model` with what `more` knows besides."""
    wanted = [name for name in FILLED if getattr(model, name) in NOTHING and not (name == "price" and model.free)]
    fresh = {name: found for name in wanted if (found := getattr(more, name)) not in NOTHING}
    capabilities = tuple(dict.fromkeys((*model.capabilities, *more.capabilities)))
    if not fresh and capabilities == model.capabilities:
        return model
    return replace(model, **fresh, capabilities=capabilities, sources=(*model.sources, *more.sources))
