"""One table for each preference: who passes, who does not, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from playbook import candidate

from hexapla.catalog.schema import Model, Price, Privacy, Provider, Quirks, Search
from hexapla.plugins.asked import Wish
from hexapla.routing.candidate import Candidate
from hexapla.routing.filters import HARD, SOFT, Need, sift, slugs
from hexapla.routing.preferences import MaxPrice, Preferences


def offer(name: str, *, aliases: tuple[str, ...] = (), privacy: Privacy | None = None, **facts: Any) -> Candidate:
    found = candidate(name)
    provider = replace(found.provider, aliases=aliases, privacy=privacy or Privacy())
    return replace(found, provider=provider, slugs=slugs(provider), facts=Model(id="m", **facts) if facts else None)


ALPHA = offer("alpha")
BETA = offer("beta", aliases=("b-corp",))
FINDS = replace(offer("finds"), quirks=Quirks(search=Search(tool={"type": "web_search"})))
CHEAP = offer("cheap", price=Price(input=0.5, output=1.5))
DEAR = offer("dear", price=Price(input=5, output=15))
YUAN = offer("yuan", price=Price(currency="CNY", input=7, output=14))
FREE = offer("free", price=Price(input=0, output=0))
KEEPS = offer("keeps", privacy=Privacy(training=True, retention="30 days"))
DISCREET = offer("discreet", privacy=Privacy(training=False, retention="30 days"))
SILENT = offer("silent", privacy=Privacy(training=False, retention="none"))
FP8 = offer("fp8", quantization="fp8")
MXFP8 = offer("mxfp8", quantization="mxfp8")
BF16 = offer("bf16", quantization="bf16")
SHORT = offer("short", max_output=4096)
LONG = offer("long", max_output=64_000)
TOOLS = offer("tools", capabilities=("tools",))
PLAIN = offer("plain", capabilities=("vision",))
SCHEMA = offer("schema", capabilities=("json_schema",))
THREE = [ALPHA, BETA, CHEAP]

WISHES: list[tuple[str, Preferences, Need, list[Candidate], list[str]]] = [
    ("allowed_providers", Preferences(only=("beta",)), Need(), [ALPHA, BETA], ["beta"]),
    ("allowed_providers", Preferences(only=("b-corp",)), Need(), [ALPHA, BETA], ["beta"]),
    ("allowed_providers", Preferences(ignore=("beta",)), Need(), [ALPHA, BETA], ["alpha"]),
    ("allowed_providers", Preferences(only=("beta",), ignore=("beta",)), Need(), [ALPHA, BETA], []),
    ("allowed_providers", Preferences(order=("beta",)), Need(), [ALPHA, BETA], ["alpha", "beta"]),
    ("allowed_providers", Preferences(order=("beta",), allow_fallbacks=False), Need(), [ALPHA, BETA], ["beta"]),
    ("data_policy:training", Preferences(data_collection="deny"), Need(), [ALPHA, KEEPS, DISCREET], ["discreet"]),
    ("data_policy:zdr", Preferences(zdr=True), Need(), [ALPHA, DISCREET, SILENT], ["silent"]),
    ("quantization", Preferences(quantizations=("fp8",)), Need(), [ALPHA, FP8, MXFP8, BF16], ["fp8", "mxfp8"]),
    ("quantization", Preferences(quantizations=("bf16", "unknown")), Need(), [ALPHA, FP8, BF16], ["alpha", "bf16"]),
    ("max_price", Preferences(max_price=MaxPrice(prompt=1)), Need(), [ALPHA, CHEAP, DEAR], ["alpha", "cheap"]),
    ("max_price", Preferences(max_price=MaxPrice(completion=10)), Need(), [CHEAP, DEAR], ["cheap"]),
    ("max_price", Preferences(max_price=MaxPrice(prompt=0.9)), Need(usd={"CNY": 7.0}), [CHEAP, YUAN], ["cheap"]),
    ("max_price", Preferences(max_price=MaxPrice(prompt=1)), Need(usd={"CNY": 7.0}), [YUAN], ["yuan"]),
    ("free", Preferences(), Need(free=True), [ALPHA, CHEAP, FREE, replace(ALPHA, model="m:free")], ["free", "alpha"]),
    ("context_length", Preferences(), Need(max_tokens=8000), [ALPHA, SHORT, LONG], ["alpha", "long"]),
    ("tools", Preferences(), Need(tools=True), [ALPHA, TOOLS, PLAIN], ["alpha", "tools"]),
    ("response_format", Preferences(), Need(schema=True), [ALPHA, SCHEMA, PLAIN], ["alpha", "schema"]),
    (
        "distillable",
        Preferences(enforce_distillable_text=True),
        Need(),
        [ALPHA, replace(BETA, delegate=True)],
        ["beta"],
    ),
    ("online", Preferences(), Need(search=Wish()), [ALPHA, replace(BETA, delegate=True), FINDS], ["beta", "finds"]),
    ("online", Preferences(), Need(search=Wish(), configured=True), [ALPHA, FINDS], ["alpha", "finds"]),
    ("online", Preferences(), Need(search=Wish(engine="native"), configured=True), [ALPHA, FINDS], ["finds"]),
    ("online", Preferences(), Need(search=Wish(engine="exa")), [FINDS, replace(BETA, delegate=True)], ["beta"]),
    ("online", Preferences(), Need(search=Wish(must=False)), [ALPHA], ["alpha"]),
    ("allowed_providers", Preferences(ceiling=("alpha", "beta"), only=("beta", "cheap")), Need(), THREE, ["beta"]),
]


@pytest.mark.parametrize(("name", "preferences", "need", "candidates", "pass_"), WISHES)
def test_a_wish_keeps_whom_it_should(
    name: str, preferences: Preferences, need: Need, candidates: list[Candidate], pass_: list[str]
) -> None:
    """Those who fit stay in their order; whoever goes is named with the filter and a reason."""
    kept, rejected = sift(candidates, HARD + SOFT, preferences, need)
    assert [found.provider.id for found in kept] == pass_
    assert {rejection.filter for rejection in rejected} <= {name}
    assert all(rejection.why for rejection in rejected)
    assert len(kept) + len(rejected) == len(candidates)


def test_without_a_wish_everybody_passes() -> None:
    """No filter has an opinion of its own."""
    everybody = [ALPHA, DEAR, KEEPS, FP8, SHORT, PLAIN]
    assert sift(everybody, HARD + SOFT, Preferences(), Need()) == (everybody, [])


@pytest.mark.parametrize(
    ("slug", "means"),
    [("acme", True), ("acme-cloud", True), ("acme/eu", True), ("acme/us", False), ("acm", False)],
)
def test_base_and_exact_slugs(slug: str, means: bool) -> None:
    """A base slug means the provider wherever it is, an exact one its region."""
    assert (slug in slugs(Provider(id="acme", aliases=("acme-cloud",), region="eu"))) is means


def test_one_slug_of_openrouters_for_two_of_ours() -> None:
    """Vertex AI is two providers here, one for each vendor's models."""
    for name in ("vertex_gemini", "vertex_anthropic"):
        assert {"google-vertex", "google-vertex/us-east5", name} <= slugs(Provider(id=name, region="us-east5"))
