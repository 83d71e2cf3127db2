"""The packaged models say what the vendors' lists said."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from hexapla.catalog.resolve import Catalog, resolve
from hexapla.catalog.schema import Model
from hexapla.config import Config, assemble, builtin_models, builtin_providers

TABLE = Path(__file__).with_name("listed.tsv").read_text(encoding="utf-8")
LISTED = list(csv.DictReader(TABLE.splitlines(), delimiter="\t"))
"""A hundred and ninety-nine rows of vendors' tables, as they were printed: an independent copy of the same facts."""

MODELS = [(provider, model) for provider, listed in builtin_models().items() for model in listed]
CATALOG = Catalog(builtin_providers(), builtin_models())
OPEN = Catalog({name: replace(each, unavailable="") for name, each in builtin_providers().items()}, builtin_models())
"""The same, with providers that cannot be asked taken for open."""

FREE_OF_DATES = {"demo"}


def row_id(row: dict[str, str]) -> str:
    return f"{row['provider']}/{row['listed']}"


def test_every_listed_row_is_there() -> None:
    """No row of the lists is missing, and the rows that name one model twice are one model."""
    assert Counter(row["list"] for row in LISTED) == {"000": 60, "002": 11, "003": 52, "004": 76}
    assert len({(row["provider"], row["sent"]) for row in LISTED}) == 189
    known = {(provider, model.id) for provider, model in MODELS}
    assert {(row["provider"], row["sent"]) for row in LISTED} <= known


@pytest.mark.parametrize("row", LISTED, ids=row_id)
def test_a_listed_name_leads_to_its_model(row: dict[str, str]) -> None:
    """Whoever types the name as it was printed reaches the id that the vendor wants to hear, with its facts."""
    found = resolve(CATALOG, f"{row['provider']}/{row['listed']}")
    assert {match.model for match in found} == {row["sent"]}
    assert all(match.facts is not None and match.facts.kind == row["kind"] for match in found)


def curated(row: dict[str, str]) -> Model:
    facts = CATALOG.facts(row["provider"], row["sent"])
    assert facts is not None
    return facts


@pytest.mark.parametrize("row", LISTED, ids=row_id)
def test_limits_are_as_listed(row: dict[str, str]) -> None:
    """Context and limits that a list printed are the catalogue's; a row without any is like the one that it names."""
    facts = curated(row)
    printed = {
        "context": facts.context,
        "input": facts.max_input,
        "output": facts.max_output,
        "image": facts.max_image_tokens,
    }
    for column, value in printed.items():
        assert row[column] in ("", str(value)), column
    if row["like"]:
        like = CATALOG.facts(row["provider"], row["like"])
        assert like is not None and like.context is not None
        assert (facts.context, facts.max_input, facts.max_output) == (like.context, like.max_input, like.max_output)


@pytest.mark.parametrize("row", LISTED, ids=row_id)
def test_what_goes_in_and_out_is_as_listed(row: dict[str, str]) -> None:
    """Kind, modalities, abilities, voices and rate class; the catalogue may know of more, never of less."""
    facts = curated(row)
    assert facts.kind == row["kind"]
    assert set(row["takes"].split()) <= set(facts.input_modalities)
    assert row["gives"].split() == list(facts.output_modalities)
    assert set(row["can"].split()) <= set(facts.capabilities)
    assert row["voices"].split() == list(facts.voices)
    assert row["rate"] in ("", facts.rate_class)


@pytest.mark.parametrize("row", [row for row in LISTED if row["name"]], ids=row_id)
def test_a_shown_name_leads_to_its_model(row: dict[str, str]) -> None:
    """Whoever types what a list shows to people, with or without the provider, in any case, reaches that model."""
    for name in (row["name"], row["name"].upper(), row["name"].lower()):
        assert {match.model for match in resolve(CATALOG, f"{row['provider']}/{name}")} & sent_for(row), name
        bare = [(match.provider.id, match.model) for match in resolve(OPEN, name)]
        assert {(row["provider"], sent) for sent in sent_for(row)} & set(bare), name


def sent_for(row: dict[str, str]) -> set[str]:
    """What may be sent: the id, or a name that the vendor itself understands."""
    return {row["sent"], *curated(row).also}


@pytest.mark.parametrize("row", [row for row in LISTED if row["also"] or row["stands"]], ids=row_id)
def test_other_names_are_as_listed(row: dict[str, str]) -> None:
    """Short forms are sent as they are and bring the facts of the long one; a moving name says what it stands for."""
    for name in row["also"].split():
        assert all(match.model == name for match in resolve(CATALOG, f"{row['provider']}/{name}"))
        facts = CATALOG.facts(row["provider"], name)
        assert facts is not None and facts.id == row["sent"]
    assert curated(row).snapshot == row["stands"]


@pytest.mark.parametrize("row", [row for row in LISTED if row["price"] or row["free"]], ids=row_id)
def test_prices_are_as_listed(row: dict[str, str]) -> None:
    """A price has its own currency and unit, and free models cost nothing."""
    facts = curated(row)
    assert facts.free == (row["free"] == "free")
    if not row["price"]:
        return
    price = facts.price
    assert price is not None and price.currency == row["currency"]
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
