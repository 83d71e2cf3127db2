"""`~author/family-latest` means the newest model of the family."""

from __future__ import annotations

import pytest

from hexapla.catalog.latest import newest
from hexapla.catalog.resolve import Catalog, resolve
from hexapla.catalog.schema import Endpoint, Model, Provider
from hexapla.errors import RoutingError

CHAT = Endpoint(protocol="openai_chat", base_url="https://chat.test/v1")
ACME = [
    "opus-4-20250514", "opus-4-5-20251101", "opus-4-10", "3-opus-20240229", "opus-fast-9", "opus-latest",
    "haiku-4.5", "haiku-5-preview", "haiku-5", "sonnet-5-2026-01-02", "sonnet-5-exp",
]  # fmt: skip


@pytest.mark.parametrize(
    ("family", "model"),
    [("opus", "opus-4-10"), ("haiku", "haiku-5"), ("sonnet", "sonnet-5-2026-01-02"), ("opus-fast", "opus-fast-9")],
)
def test_the_highest_version_of_exactly_the_family(family: str, model: str) -> None:
    """Versions are numbers, dates are none; another word in the name is another family; what is finished comes first."""
    found = newest([Model(id=name) for name in ACME], family)
    assert found is not None and found.id == model


def test_the_day_of_release_decides_between_equals() -> None:
    """And an image model is no member."""
    rows = [
        Model(id="m-5", released="2026-01"),
        Model(id="m-5-preview", released="2026-03"),
        Model(id="m-5-0301", released="2026-02"),
        Model(id="m-6", kind="image"),
    ]
    found = newest(rows, "m")
    assert found is not None and found.id == "m-5-0301"


def test_a_moving_name_is_resolved_like_the_name_it_means() -> None:
    """By the author's alias, with suffixes; a family without a model is an error."""
    catalog = Catalog(
        {"acme": Provider(id="acme", endpoints=(CHAT,), aliases=("acme-ai",))},
        {"acme": [Model(id=name) for name in ACME]},
    )
    (match,) = resolve(catalog, "~acme-ai/opus-latest:nitro")
    assert (match.model, match.suffix) == ("opus-4-10", ":nitro")
    with pytest.raises(RoutingError):
        resolve(catalog, "~acme-ai/whale-latest")
