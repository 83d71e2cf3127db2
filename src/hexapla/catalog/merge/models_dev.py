"""The models.dev table: names, dates, modalities and limits by provider; dollars for a million tokens.

Format: https://github.com/sst/models.dev (2026-05).  Its `cost` of a subscription is zero.

Rules of this file: a limit of zero is unknown; nothing costs nothing unless the id says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hexapla.catalog.merge.facts import Facts, Fields, price, priced, provider_id, tier, told
from hexapla.catalog.schema import Price, Tier

RATES = {
    "input": "input",
    "output": "output",
    "cached": "cache_read",
    "cache_write": "cache_write",
    "reasoning": "reasoning",
    "audio_input": "input_audio",
    "audio_output": "output_audio",
}
TIER_RATES = ("input", "output", "cached", "cache_write")
CAPABILITIES = (("tool_call", "tools"), ("reasoning", "reasoning"), ("structured_output", "json_schema"))


def read(table: Mapping[str, Mapping[str, Any]]) -> Facts:
    """The facts of models.dev."""
    return {key: fields for source, entry in table.items() for key, fields in _provider(source, entry)}


def _provider(source: str, entry: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Fields]]:
    provider = provider_id(source)
    for name, model in entry["models"].items():
        if model.get("status") != "deprecated":
            upstream = f"bedrock/{name}" if provider == "bedrock_litellm" else name
            yield (provider, upstream), told(_model(provider, model))


def _model(provider: str, model: Mapping[str, Any]) -> Fields:
    limit, modalities = model["limit"], model["modalities"]
    kind = kind_of(model["id"], modalities["input"], modalities["output"])
    capabilities = [word for flag, word in CAPABILITIES if model.get(flag) is True]
    if "image" in modalities["input"] and kind == "chat":
        capabilities.insert(0, "vision")
    if model.get("cost", {}).get("cache_read"):
        capabilities.append("cache")
    return {
        "name": model["name"],
        "kind": kind,
        "context": limit["context"],
        "max_input": limit.get("input"),
        "max_output": limit["output"] if kind == "chat" else None,
        "input_modalities": tuple(modalities["input"]),
        "output_modalities": ("embedding",) if kind == "embedding" else tuple(modalities["output"]),
        "capabilities": tuple(capabilities) if kind == "chat" else (),
        "price": _price(model["id"], model.get("cost", {})) if priced(provider) else None,
        "free": model["id"].endswith(":free"),
        "released": model["release_date"],
        "knowledge": model.get("knowledge"),
    }


def kind_of(name: str, inputs: list[str], outputs: list[str]) -> str:
    """What a model is for, by its name and by what goes in and comes out."""
    lower = name.lower()
    if "rerank" in lower:
        return "rerank"
    if "embed" in lower:
        return "embedding"
    if "text" in outputs:
        return "transcription" if inputs == ["audio"] else "chat"
    return {"image": "image", "video": "video", "audio": "speech"}.get(outputs[0] if outputs else "", "chat")


def _price(name: str, cost: Mapping[str, Any]) -> Price | None:
    rates = {ours: cost[theirs] for ours, theirs in RATES.items() if cost.get(theirs) is not None}
    if not rates or (not any(rates.values()) and not name.endswith(":free")):
        return None
    kept = {ours: rate for ours, rate in rates.items() if rate or ours in ("input", "output")}
    return price(kept, _tiers(cost))


def _tiers(cost: Mapping[str, Any]) -> Iterator[Tier]:
    steps = [(step["tier"]["size"], step) for step in cost.get("tiers", ()) if step["tier"]["type"] == "context"]
    if not steps and "context_over_200k" in cost:
        steps = [(200_000, cost["context_over_200k"])]
    for above, step in steps:
        yield tier({ours: step.get(RATES[ours]) for ours in TIER_RATES}, above=above)
