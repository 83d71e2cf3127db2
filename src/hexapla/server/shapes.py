"""A model in the words of each dialect's list of models.

OpenAI's own five fields and OpenRouter's many stand in one object: programs of both read what they know.  Amounts are
text for one token, as OpenRouter writes them; a price that is not in dollars names its currency.

Rules of this file: pure; what is not known is null or left out, a price that is not known is "-1" (OpenRouter's own sign
for a price that cannot be told).
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hexapla.catalog.calendar import DAY, window
from hexapla.catalog.listing import Listed, at_endpoint, parameters
from hexapla.catalog.quirks import merge
from hexapla.catalog.schema import Endpoint, Model, Price, Tier

Json = dict[str, Any]

UNKNOWN_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""When a model came out whose day nobody told: all dialects want one."""

UNKNOWN = "-1"
RATES = {
    "prompt": "input",
    "completion": "output",
    "input_cache_read": "cached",
    "input_cache_write": "cache_write",
    "input_cache_write_1h": "cache_write_1h",
    "internal_reasoning": "reasoning",
    "audio": "audio_input",
    "audio_output": "audio_output",
    "image_token": "image_input",
    "character": "characters",
}
"""Their name -> our price per million."""

PIECES = {
    "request": "request",
    "image_output": "image",
    "second": "second",
    "page": "page",
    "web_search": "search",
}
"""Their name -> our price of one."""

INPUTS = {"pdf": "file"}
OUTPUTS = {"embedding": "embeddings"}
BY_KIND = {"speech": "speech", "transcription": "transcription", "rerank": "rerank"}
"""Our word for what goes in and comes out -> OpenRouter's, where they differ."""


# --- OpenAI and OpenRouter --------------------------------------------------------------------------------------------


def openai(row: Listed) -> Json:
    """OpenAI's object, with OpenRouter's fields."""
    model = row.model
    return {
        "id": row.name,
        "object": "model",
        "created": int(released(model).timestamp()),
        "owned_by": row.provider.id,
        "canonical_slug": row.name,
        "name": model.name or row.name,
        "description": f"{model.name or model.id} · {row.provider.name or row.provider.id}",
        "context_length": model.context,
        "max_output_tokens": model.max_output,
        "architecture": architecture(row),
        "pricing": pricing(model.price, free=model.free),
        "top_provider": {
            "context_length": model.context,
            "max_completion_tokens": model.max_output,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": list(parameters(row.provider, model)),
        "default_parameters": None,
        "supported_voices": list(model.voices) or None,
        "expiration_date": model.retired or None,
        "knowledge_cutoff": model.knowledge or None,
        "links": {"details": f"/v1/models/{row.name}/endpoints"},
        "capabilities": list(model.capabilities),
        **_reasoning(model),
    }


def architecture(row: Listed) -> Json:
    """What goes in, what comes out, and which family it is."""
    model = row.model
    inputs = [INPUTS.get(word, word) for word in model.input_modalities] or ["text"]
    outputs = [OUTPUTS.get(word, word) for word in model.output_modalities] or ["text"]
    if model.kind in BY_KIND:
        outputs = [BY_KIND[model.kind]]
    return {
        "modality": f"{'+'.join(inputs)}->{'+'.join(outputs)}",
        "input_modalities": inputs,
        "output_modalities": outputs,
        "tokenizer": row.family,
        "instruct_type": None,
    }


def pricing(price: Price | None, *, free: bool = False) -> Json:
    """Amounts for one token or one piece, as text."""
    said: Json = dict.fromkeys(("prompt", "completion"), "0" if free else UNKNOWN)
    if price is None:
        return said
    said |= {theirs: _each(value) for theirs, ours in RATES.items() if (value := getattr(price, ours)) is not None}
    said |= {theirs: _text(value) for theirs, ours in PIECES.items() if (value := getattr(price, ours)) is not None}
    if price.tiers:
        said["overrides"] = [_override(tier) for tier in price.tiers]
    return said | {"currency": price.currency}


def endpoint(
    row: Listed, at: Endpoint, *, tier: str = "", latency: float | None = None, throughput: float | None = None
) -> Json:
    """One address at which a model is served, as OpenRouter lists it; `tier`: at this service tier, which `row` has the
    price of.  Seconds and tokens a second, medians of late."""
    model = row.model
    return {
        "name": f"{row.provider.name or row.provider.id} | {row.name}",
        "model_id": row.name,
        "model_name": model.name or model.id,
        "context_length": model.context or 0,
        "pricing": pricing(model.price, free=model.free),
        "provider_name": row.provider.name or row.provider.id,
        "tag": f"{row.provider.id}/{tier or at.protocol}",
        "quantization": model.quantization or None,
        "service_tier": tier or None,
        "max_completion_tokens": model.max_output,
        "max_prompt_tokens": model.max_input,
        "supported_parameters": list(at_endpoint(at, model)),
        "supports_tool_choice": _choices(at, model),
        "supports_diarization": False,
        "native_tools": {},
        "status": 0,
        "uptime_last_5m": None,
        "uptime_last_30m": None,
        "uptime_last_1d": None,
        "supports_implicit_caching": "cache" in model.capabilities,
        "latency_last_30m": _same(None if latency is None else latency * 1000),
        "throughput_last_30m": _same(throughput),
        "protocol": at.protocol,
        "usable": row.usable,
    }


def _choices(at: Endpoint, model: Model) -> dict[str, bool]:
    """Which values of `tool_choice` have an effect."""
    facts = merge(at.quirks, model.id).target | model.target
    tools = "tools" in model.capabilities
    forced = tools and bool(facts.get("tool_choice_required", True))
    return {"auto": tools, "none": tools, "required": forced, "function": forced}


def released(model: Model) -> datetime:
    """The day on which a model came out; of a month or a year its first."""
    said = f"{model.released}-01-01"[:10] if len(model.released) in (4, 7) else model.released
    try:
        return datetime.fromisoformat(said).replace(tzinfo=UTC)
    except ValueError:
        return UNKNOWN_DAY


def _reasoning(model: Model) -> Json:
    if "reasoning" not in model.capabilities:
        return {}
    levels = model.target.get("effort_levels")
    return {"reasoning": {"mandatory": False, "supported_efforts": list(levels) if levels else None}}


def _override(tier: Tier) -> Json:
    """A tier's prices with its conditions.  OpenRouter knows lengths and hours; days are told beside them."""
    said: Json = {
        theirs: _each(value) for theirs, ours in RATES.items() if (value := getattr(tier, ours, None)) is not None
    }
    if tier.above:
        said["min_prompt_tokens"] = tier.above + 1
    hours = window(tier.window) if tier.window else None
    if hours is not None:
        start, end, offset = hours
        said |= {"utc_start": _clock(start - offset), "utc_end": _clock(end - offset)}
    if tier.days:
        said["days"] = tier.days
    if tier.except_holidays:
        said["except_holidays"] = tier.except_holidays
    return said


def _clock(minute: int) -> int:
    """A minute of the day as HHMM."""
    hours, minutes = divmod(minute % DAY, 60)
    return hours * 100 + minutes


def _each(per_million: float) -> str:
    return _text(Decimal(str(per_million)) / 1_000_000)


def _text(amount: float | Decimal) -> str:
    return f"{Decimal(str(amount)).normalize():f}"


def _same(value: float | None) -> Json | None:
    """One known figure where OpenRouter tells percentiles."""
    return None if value is None else dict.fromkeys(("p50", "p75", "p90", "p99"), value)


# --- the others -------------------------------------------------------------------------------------------------------


def anthropic(row: Listed) -> Json:
    """Anthropic's ModelInfo (anthropic-sdk-python v2.12.0 types/model_info.py)."""
    model = row.model
    return {
        "type": "model",
        "id": row.name,
        "display_name": model.name or row.name,
        "created_at": f"{released(model):%Y-%m-%dT%H:%M:%SZ}",
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "line": None,
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
        "capabilities": None,
    }


def gemini(row: Listed) -> Json:
    """Google's Model (https://ai.google.dev/api/models, 2026-11)."""
    model = row.model
    methods = (
        ["embedContent"] if model.kind == "embedding" else ["generateContent", "streamGenerateContent", "countTokens"]
    )
    said: Json = {
        "name": f"models/{row.name}",
        "version": "1",
        "displayName": model.name or row.name,
        "description": row.provider.name or row.provider.id,
        "supportedGenerationMethods": methods,
    }
    more: Json = {
        "inputTokenLimit": model.context,
        "outputTokenLimit": model.max_output,
        "thinking": "reasoning" in model.capabilities,
    }
    return said | {field: value for field, value in more.items() if value}
