"""LiteLLM's `model_prices_and_context_window.json`: the widest table, a key for each model, dollars for one token.

Format: https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json (2026-11).  A zero is its
"unknown", so a model that costs nothing on both sides is a model without a price.

Rules of this file: prices of the service tiers flex and priority are told beside the plain one; variants for batches and
regions are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hexapla.catalog.merge.facts import Facts, Fields, Rates, price, priced, provider_id, tier, told
from hexapla.catalog.schema import Price, Tier

KINDS = {
    "chat": "chat",
    "responses": "chat",
    "completion": "chat",
    "embedding": "embedding",
    "image_generation": "image",
    "image_edit": "image",
    "audio_transcription": "transcription",
    "audio_speech": "speech",
    "video_generation": "video",
    "rerank": "rerank",
    "moderation": "moderation",
}
OUTPUTS = {
    "chat": "text",
    "embedding": "embedding",
    "image": "image",
    "transcription": "text",
    "speech": "audio",
    "video": "video",
    "rerank": "text",
    "moderation": "text",
}
INPUTS = (
    ("supports_vision", "image"),
    ("supports_pdf_input", "pdf"),
    ("supports_audio_input", "audio"),
    ("supports_video_input", "video"),
)
CAPABILITIES = (
    ("supports_vision", "vision"),
    ("supports_function_calling", "tools"),
    ("supports_reasoning", "reasoning"),
    ("supports_response_schema", "json_schema"),
    ("supports_prompt_caching", "cache"),
    ("supports_web_search", "web_search"),
    ("supports_computer_use", "computer_use"),
)
TOKEN_PRICES = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
}
"""Prices that tiers repeat."""

MORE_TOKEN_PRICES = TOKEN_PRICES | {
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "audio_input": "input_cost_per_audio_token",
    "audio_output": "output_cost_per_audio_token",
    "image_input": "input_cost_per_image_token",
    "image_output": "output_cost_per_image_token",
    "characters": "input_cost_per_character",
}
TIERED = frozenset({"azure_openai", "gemini", "openai"})
"""Providers that are asked for a service tier in the request's body: Vertex AI wants a header, and what a proxy makes of it
is not known."""

SERVICES = ("flex", "priority")
SERVICE_PRICES = TOKEN_PRICES | {"audio_input": "input_cost_per_audio_token"}

PIECE_PRICES = {
    "image": ("output_cost_per_image", "input_cost_per_image"),
    "second": ("output_cost_per_second", "input_cost_per_second", "output_cost_per_video_per_second"),
    "page": ("ocr_cost_per_page",),
    "request": ("input_cost_per_query",),
}
_TIER = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
_ELSEWHERE = re.compile(
    r"^(azure/(eu|us|global|global-standard)/|bedrock/[a-z]{2}(-[a-z]+)+-\d/|\d+-x-\d+|[\w-]+/\d+-x-\d+)"
)
"""Keys of one region, or of one size of an image."""

_PERHAPS = frozenset({"bedrock_litellm", "vertex_anthropic", "vertex_gemini"})
"""Clouds that print the earliest day on which a model may be switched off, not the day."""

_BEDROCK = frozenset({"bedrock", "bedrock_converse"})


def read(table: Mapping[str, Mapping[str, Any]]) -> Facts:
    """The facts of LiteLLM's table."""
    return {key: fields for name, entry in table.items() for key, fields in _entry(name, entry)}


def _entry(name: str, entry: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Fields]]:
    source = entry.get("litellm_provider")
    kind = KINDS.get(str(entry.get("mode")))
    if not isinstance(source, str) or kind is None or name == "sample_spec" or _ELSEWHERE.match(name):
        return
    provider = provider_id(source)
    limit = entry.get("max_input_tokens")
    fields = {
        "kind": kind,
        "context": _whole(limit),
        "max_input": _whole(limit) if kind == "embedding" else None,
        "max_output": _whole(entry.get("max_output_tokens")) if kind == "chat" else None,
        "input_modalities": _inputs(entry, kind),
        "output_modalities": _outputs(entry, kind),
        "capabilities": tuple(word for flag, word in CAPABILITIES if entry.get(flag) is True),
        "price": _price(entry) if priced(provider) else None,
        "services": _services(entry) if provider in TIERED and kind == "chat" else None,
        "retired": entry.get("deprecation_date") if provider not in _PERHAPS else None,
    }
    yield (provider, _id(name, source)), told(fields)


def _id(name: str, source: str) -> str:
    """What the upstream wants to hear: the key without LiteLLM's own prefix; LiteLLM's proxy itself wants it whole."""
    if source in _BEDROCK:
        return name if name.startswith("bedrock/") else f"bedrock/{name}"
    prefixes = (f"{source}/", f"{source.partition('-')[0]}/")
    return next((name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix)), name)


def _inputs(entry: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    first = "audio" if kind == "transcription" else "text"
    said = [each for each in entry.get("supported_modalities") or () if isinstance(each, str)]
    flagged = [word for flag, word in INPUTS if entry.get(flag) is True]
    return tuple(dict.fromkeys((*(said or [first]), *flagged)))


def _outputs(entry: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    said = [each for each in entry.get("supported_output_modalities") or () if isinstance(each, str)]
    return tuple(said or [OUTPUTS[kind]]) if kind == "chat" else (OUTPUTS[kind],)


def _price(entry: Mapping[str, Any]) -> Price | None:
    rates: Rates = _rates(entry, MORE_TOKEN_PRICES)
    for name, fields in PIECE_PRICES.items():
        rates[name] = next((each for field in fields if (each := _number(entry.get(field)))), None)
    search = entry.get("search_context_cost_per_query")
    if isinstance(search, Mapping):
        rates["search"] = _number(search.get("search_context_size_medium"))
    known = {name: rate for name, rate in rates.items() if rate or (rate == 0 and name in ("input", "output"))}
    if not any(known.values()):
        return None
    return price(known, (*_long_prompts(entry), *_ranges(entry), *_hours(entry)))


def _services(entry: Mapping[str, Any]) -> dict[str, Price] | None:
    """What the model costs at each service tier that it is sold at."""
    found: dict[str, Price] = {}
    for tier_name in SERVICES:
        rates = _rates(entry, {name: f"{field}_{tier_name}" for name, field in SERVICE_PRICES.items()})
        if rates["input"] and rates["output"]:
            found[tier_name] = price(rates, _long_prompts(entry, f"_{tier_name}"))
    return found or None


def _long_prompts(entry: Mapping[str, Any], service: str = "") -> Iterator[Tier]:
    for field in sorted(entry):
        if found := _TIER.fullmatch(field.removesuffix(service) if service else field):
            suffix = f"_above_{found[1]}k_tokens{service}"
            if f"input_cost_per_token{suffix}" != field:
                continue
            fields = {name: field + suffix for name, field in TOKEN_PRICES.items()}
            yield tier(_rates(entry, fields), above=int(found[1]) * 1000)


def _ranges(entry: Mapping[str, Any]) -> Iterator[Tier]:
    for step in entry.get("tiered_pricing") or ():
        start = int(step["range"][0])
        if start:
            yield tier(_rates(step, TOKEN_PRICES), above=start)


def _hours(entry: Mapping[str, Any]) -> Iterator[Tier]:
    off_peak = entry.get("off_peak_pricing") or {}
    rates = _rates(off_peak, TOKEN_PRICES)
    for rule in off_peak.get("windows") or ():
        hours = rule.get("hours_utc") or ()
        names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        days = ",".join(names[day - 1] for day in rule.get("weekdays") or ())
        for window in (hours,) if isinstance(hours, str) else hours:
            yield tier(rates, window=window, days=days)


def _rates(entry: Mapping[str, Any], fields: Mapping[str, str]) -> Rates:
    return {name: _million(entry.get(field)) for name, field in fields.items()}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _million(value: object) -> float | None:
    """A price for one token as one for a million, without the noise of a binary fraction."""
    number = _number(value)
    return None if number is None else float(f"{number * 1e6:.9g}")


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number else None
