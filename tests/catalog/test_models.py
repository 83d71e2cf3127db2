"""The packaged models say what the vendors' lists said."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from hexapla.catalog.resolve import Catalog, resolve
from hexapla.catalog.schema import Model
from hexapla.config import Config, assemble, builtin_models, builtin_providers

TABLE = Path(__file__).with_name("listed.tsv").read_text(encoding="utf-8")
LISTED = list(csv.DictReader(TABLE.splitlines(), delimiter="\t"))
"""A hundred and ninety-nine rows of vendors' tables, as they were printed: an independent copy of the same facts."""

MODELS = [(provider, model) for provider, listed in builtin_models().items() for model in listed]
CATALOG = Catalog(builtin_providers(), builtin_models())
FREE_OF_DATES = {"demo"}


def row_id(row: dict[str, str]) -> str:
    return f"{row['provider']}/{row['listed']}"


def number(text: str) -> int | None:
    return int(text) if text else None


def test_every_listed_row_is_there() -> None:
    """No row of the lists is missing, and the rows that name one model twice are one model."""
    assert len(LISTED) == 199
    assert len({(row["provider"], row["sent"]) for row in LISTED}) == 189
    known = {(provider, model.id) for provider, model in MODELS}
    assert {(row["provider"], row["sent"]) for row in LISTED} <= known


@pytest.mark.parametrize("row", LISTED, ids=row_id)
def test_a_listed_name_leads_to_its_model(row: dict[str, str]) -> None:
    """Whoever types the name as it was printed reaches the id that the vendor wants to hear, with its facts."""
    found = resolve(CATALOG, f"{row['provider']}/{row['listed']}")
    assert {match.model for match in found} == {row["sent"]}
    assert all(match.facts is not None and match.facts.kind == row["kind"] for match in found)


@pytest.mark.parametrize("row", [row for row in LISTED if row["context"]], ids=row_id)
def test_limits_are_as_listed(row: dict[str, str]) -> None:
    """Context and limits that a list printed are the catalogue's."""
    facts = CATALOG.facts(row["provider"], row["sent"])
    assert facts is not None
    assert facts.context == number(row["context"])
    if row["provider"] == "dashscope":
        assert (facts.max_input, facts.max_output) == (number(row["input"]), number(row["output"]))


@pytest.mark.parametrize("row", [row for row in LISTED if row["price"]], ids=row_id)
def test_prices_are_as_listed(row: dict[str, str]) -> None:
    """A price has its own currency and unit, and free models cost nothing."""
    facts = CATALOG.facts(row["provider"], row["sent"])
    assert facts is not None and facts.price is not None
    price = facts.price
    assert price.currency == row["currency"]
    assert facts.free == (row["free"] == "free")
    unit, _, amount = row["price"].rpartition(":")
    if unit:
        assert {"image": price.image, "video": price.request}[unit] == float(amount)
    else:
        assert f"{price.input:g}/{price.output:g}" == row["price"]


def test_a_short_name_is_sent_as_it_is() -> None:
    """A name that the vendor itself understands is not replaced by the dated one, but brings its facts."""
    (first, *_) = resolve(CATALOG, "dashscope/qwen-max-0919")
    assert first.model == "qwen-max-0919"
    assert first.facts is not None and first.facts.id == "qwen-max-2024-09-19"


def test_moving_names_say_what_they_stand_for() -> None:
    """Nineteen Qwen names stand for a dated one, and each of those is listed too, with the same context or none."""
    moving = [model for provider, model in MODELS if provider == "dashscope" and model.snapshot]
    assert len(moving) == 19
    for model in moving:
        stands_for = CATALOG.facts("dashscope", model.snapshot)
        assert stands_for is not None, model.id


@pytest.mark.parametrize(("provider", "model"), MODELS, ids=[f"{provider}/{model.id}" for provider, model in MODELS])
def test_a_model_is_well_told(provider: str, model: Model) -> None:
    """Every model belongs to a provider, says what goes in and comes out, has dated sources, and limits that fit."""
    assert provider in CATALOG.providers
    assert model.input_modalities and model.output_modalities
    assert len(set(model.aliases)) == len(model.aliases) and model.id not in model.aliases
    for limit in (model.max_input, model.max_output):
        assert limit is None or model.context is None or limit <= model.context
    if provider not in FREE_OF_DATES:
        assert model.sources
        assert all(re.match(r"https://\S+.* \(20\d\d-\d\d-\d\d\): ", source) for source in model.sources)


def test_no_name_is_two_models_of_one_provider() -> None:
    """Within a provider a name, in any case, means one model."""
    for provider, listed in builtin_models().items():
        meant: dict[str, str] = {}
        for model in listed:
            for name in {known.lower() for known in (model.id, model.name, *model.also, *model.aliases)} - {""}:
                assert meant.setdefault(name, model.id) == model.id, f"{provider}/{name}"


def test_own_models_stand_before_the_packaged_ones() -> None:
    """A model of the user's own configuration replaces the packaged one of the same id."""
    own = Config(models={"openai": (Model(id="gpt-4o", context=7),)})
    facts = assemble(own, {}).catalog.facts("openai", "gpt-4o")
    assert facts is not None and facts.context == 7
