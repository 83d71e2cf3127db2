"""The fakes cover the catalogue, and the published table says what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hexapla.catalog.quirks import matches
from hexapla.config import builtin_providers
from providers.facts import FOLDER, KINDS, VENDORS
from providers.table import BEGIN, END, files

CARRIED = {name: p for name, p in builtin_providers().items() if p.endpoints and name != "demo"}


def test_every_provider_has_a_fake() -> None:
    """Whoever adds a provider adds its fake; files are named after their providers."""
    assert sorted(VENDORS) == sorted(CARRIED)
    assert sorted(VENDORS) == sorted(file.stem for file in FOLDER.glob("*.toml"))


@pytest.mark.parametrize("name", CARRIED)
def test_every_endpoint_is_there_and_is_asked(name: str) -> None:
    """The fake has a door for each endpoint, and one of its models leads there."""
    vendor = VENDORS[name]
    endpoints = CARRIED[name].endpoints
    assert {door.protocol for door in vendor.doors} == {endpoint.protocol for endpoint in endpoints}
    models = [model for row in vendor.rows for model in (row.model, row.thinker) if model]
    for endpoint in endpoints:
        assert not endpoint.models or any(matches(endpoint.models, model) for model in models), endpoint.protocol


@pytest.mark.parametrize("name", VENDORS)
def test_a_fake_is_made_of_facts(name: str) -> None:
    """Each has dated sources, complains when a key is bad, and its classes of failure are known."""
    vendor = VENDORS[name]
    for source in vendor.sources:
        assert re.match(r"https://\S+.* \(20\d\d-\d\d-\d\d\): .+", source), source
    assert not vendor.doors[0].key or "auth" in vendor.refusals
    for failure, told in vendor.refusals.items():
        assert failure in KINDS or all(each.kind for each in told), failure


@pytest.mark.parametrize("file", files(), ids=lambda file: "/".join(file.parts[-2:]))
def test_the_published_table_is_current(file: Path) -> None:
    """`PYTHONPATH=tests python -m providers.table` writes it."""
    said = file.read_text(encoding="utf-8")
    assert said == files()[file]
    assert not file.name.startswith("README") or said.count(BEGIN) == said.count(END) == 1
