"""Every row of a published table of providers is here, with its address, its protocol and the models that it names."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from hexapla.auth.api_key import needs_key
from hexapla.catalog.address import normalise
from hexapla.catalog.resolve import Catalog
from hexapla.catalog.schema import Provider
from hexapla.config import Config, assemble

TABLE = Path(__file__).with_name("listed_providers.tsv").read_text(encoding="utf-8")
LISTED = list(csv.DictReader(TABLE.splitlines(), delimiter="\t"))

WHERE = {
    "AZURE_OPENAI_ENDPOINT": "https://YOUR_RESOURCE.openai.azure.com",
    "ANTHROPIC_VERTEX_PROJECT_ID": "PROJECT",
    "CLOUD_ML_REGION": "REGION",
}
CATALOG: Catalog = assemble(Config(), WHERE).catalog

MOVED = {
    "together": "https://api.together.ai/v1",
    "azure_openai": "https://YOUR_RESOURCE.openai.azure.com/openai/v1",
    "gitlab_duo": "https://cloud.gitlab.com/ai/v1/proxy/openai/v1",
    "qwen_subscription": "https://coding.dashscope.aliyuncs.com/v1",
}
"""Where the table's address is not, or no longer, the vendor's (docs/seed-notes.md)."""

FORBIDDEN = {"claude_subscription", "gemini_subscription"}
"""Logins that their vendors keep to their own programs."""

ANY_MODEL = {"ollama"}
"""Servers that name what was pulled into them."""


def row_id(row: dict[str, str]) -> str:
    return row["provider"]


def provider(row: dict[str, str]) -> Provider:
    return CATALOG.providers[row["provider"]]


def test_every_row_is_there() -> None:
    """Twenty-five rows, each a provider of its own."""
    assert len(LISTED) == 25
    assert len({row["provider"] for row in LISTED}) == 25


@pytest.mark.parametrize("row", LISTED, ids=row_id)
def test_the_protocol_is_spoken_at_the_address(row: dict[str, str]) -> None:
    """Whoever pastes the listed address reaches an endpoint of the listed protocol; what is forbidden says why."""
    known = provider(row)
    if known.id in FORBIDDEN:
        assert known.unavailable and not known.endpoints
        return
    bases = {normalise(end.protocol, end.base_url) for end in known.endpoints if end.protocol == row["protocol"]}
    wanted = MOVED.get(known.id, row["base"]).replace("localhost", "127.0.0.1")
    assert normalise(row["protocol"], wanted) in bases


@pytest.mark.parametrize("row", LISTED, ids=row_id)
def test_the_login_is_as_listed(row: dict[str, str]) -> None:
    """A key or a login where the table has one, none where it has none."""
    assert needs_key(provider(row).auth) == (row["login"] != "none")


@pytest.mark.parametrize("row", [row for row in LISTED if row["models"]], ids=row_id)
def test_the_models_are_known(row: dict[str, str]) -> None:
    """With what goes in and comes out, so that they can be listed and priced."""
    if row["provider"] in ANY_MODEL:
        return
    for name in row["models"].split():
        facts = CATALOG.facts(row["provider"], name)
        assert facts is not None and facts.input_modalities, name
