"""Why this provider: what is told before anything is sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from hexapla.config import LedgerConfig, assemble, parse_config
from hexapla.engine.assemble import open_gateway
from hexapla.engine.client import Ask
from hexapla.engine.way import way
from hexapla.errors import Kind, RoutingError, UpstreamError

CONFIG = "".join(
    f"""
[providers.{name}]
auth = {{ kind = "none" }}
privacy = {{ training = false, retention = "{kept}" }}
[[providers.{name}.endpoints]]
protocol = "{protocol}"
base_url = "http://127.0.0.1:1/{name}"
[[models.{name}]]
id = "owl"
price = {{ input = {price}, output = {price}, cached = 0.1 }}
{more}
"""
    for name, price, protocol, kept, more in (
        ("dear", 9, "openai_chat", "none", "services = { flex = { input = 0.5, output = 0.5 } }"),
        ("cheap", 1, "anthropic_messages", "30 days", ""),
    )
)


def told(more: str = "", learn: bool = False, model: str = "owl") -> dict[str, Any]:
    """What is said of a Chat request.  `learn`: `dear` has failed once before."""
    loaded = assemble(parse_config(CONFIG, "hexapla.toml", {}), {})
    quiet = replace(loaded.config, ledger=LedgerConfig(path=":memory:"))
    body = f'{{"model":"{model}","max_tokens":9,"messages":[{{"role":"user","content":"hi"}}]{more}}}'

    async def ask() -> dict[str, Any]:
        gateway = open_gateway(replace(loaded, config=quiet))
        try:
            if learn:
                traffic = gateway.routes.traffic
                track = gateway.routes.candidates("dear/owl")[0].track
                traffic.health.failed(track, traffic.clock(), UpstreamError(Kind.OVERLOADED, "busy"))
            return way(gateway, *gateway.planned(Ask(protocol="openai_chat", body=body.encode())))
        finally:
            await gateway.aclose()

    return asyncio.run(ask())


def test_candidates_in_order_with_what_speaks_of_them() -> None:
    """Lane, losses, price; nothing is known of their speed yet."""
    shown = told(',"provider":{"sort":"price"},"seed":7')
    cheap, dear = shown["candidates"]
    assert shown["why"] == "sort-price" and shown["models"] == ["owl"]
    assert (cheap["provider"], cheap["lane"], [loss["field"] for loss in cheap["losses"]]) == (
        "cheap", "hub", ["sampling.seed"],
    )  # fmt: skip
    assert (dear["provider"], dear["lane"], dear["losses"], dear["latency"]) == ("dear", "verbatim", [], None)
    assert dear["price"] == {"currency": "USD", "input": 9.0, "output": 9.0, "cached": 0.1}


def test_who_was_left_out_and_why() -> None:
    """By the wish's name and in words; and the refusal when nobody is left is the request's own."""
    shown = told(',"provider":{"zdr":true}')
    assert [each["provider"] for each in shown["candidates"]] == ["dear"] and shown["why"] == "only"
    assert shown["rejected"] == [{"endpoint": "cheap/owl", "filter": "data_policy:zdr", "why": "cheap keeps prompts"}]
    with pytest.raises(RoutingError, match="keeps prompts"):
        told(',"provider":{"zdr":true,"ignore":["dear"]}')


def test_who_failed_comes_last() -> None:
    """Without a wish those without a recent failure stand first."""
    shown = told(learn=True)
    assert shown["why"] == "balanced"
    assert [(each["provider"], each["recent_failure"]) for each in shown["candidates"]] == [
        ("cheap", False), ("dear", True),
    ]  # fmt: skip


def test_a_suffix_and_a_tier_decide_as_well() -> None:
    """As the sort that they stand for."""
    assert told(model="owl:floor")["why"] == "sort-price"
    assert told(model="owl:nitro")["why"] == "sort-throughput"
    assert [each["tier"] for each in told(model="owl:floor")["candidates"]] == ["flex", None, None]


def test_who_could_not_be_asked_this() -> None:
    """With `require_parameters` whoever would lose one refuses, and says which."""
    shown = told(',"provider":{"require_parameters":true,"order":["cheap"]},"seed":7')
    assert shown["why"] == "order"
    assert [(each["lane"], "seed" in (each["refused"] or "")) for each in shown["candidates"]] == [
        (None, True), ("verbatim", False),
    ]  # fmt: skip
