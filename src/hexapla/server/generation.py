"""One request's record in OpenRouter's words, for GET /api/v1/generation.

Source of names and meanings: OpenRouter's OpenAPI document, GET /generation (2026-08-22).  What has no meaning in a gateway
of one's own is null; the whole record stands in `record`.

Rules of this file: pure; amounts are dollars, and one that was billed in another currency is converted by the rate of
`[routing] usd`, beside the exact `cost`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hexapla.catalog.schema import Provider
from hexapla.engine.story import shown
from hexapla.ledger import Attempt, Generation
from hexapla.ledger.record import whole
from hexapla.routing.virtual import VIRTUAL
from hexapla.server.presets import preset_id

Json = dict[str, Any]

FINISH = {"refusal": "content_filter", "pause": "stop", "stop_sequence": "stop"}
"""Our word for the end of an answer -> theirs, where they differ."""

ABSENT = (
    "app_id", "moderation_latency", "native_tokens_completion_images", "num_media_prompt",
    "num_input_audio_prompt", "num_media_completion", "num_search_results", "num_fetches", "web_search_engine",
    "external_user", "user_agent", "http_referer", "workspace_id", "response_cache_source_id",
)  # fmt: skip


def openrouter(found: Generation, providers: Mapping[str, Provider], usd: Mapping[str, float]) -> Json:
    """The `data` of the answer."""
    usage, cost = found.usage, found.cost
    rate = 1.0 if cost is None or cost.currency == "USD" else usd.get(cost.currency, 0.0)
    dollars = cost.nanos / 1e9 / rate if cost is not None and rate else 0.0
    saved = found.saved / 1e9 / rate if found.saved and rate else None
    kind = VIRTUAL.get(found.requested)
    seconds = None if found.first is None else found.latency - found.first
    return dict.fromkeys(ABSENT) | {
        "id": found.id,
        "upstream_id": found.attempts[-1].upstream_id or None if found.attempts else None,
        "request_id": found.id,
        "session_id": found.session or None,
        "preset_id": preset_id(found.preset) if found.preset else None,
        "service_tier": found.tier or None,
        "created_at": datetime.fromtimestamp(found.created, UTC).isoformat(),
        "model": found.model,
        "provider_name": _name(found.provider, providers),
        "router": f"openrouter/{kind}" if kind else None,
        "api_type": "completions",
        "origin": "",
        "data_region": "global",
        "is_byok": True,
        "streamed": found.stream,
        "cancelled": found.outcome == "cancelled",
        "finish_reason": FINISH.get(found.stop, found.stop) if found.stop else None,
        "native_finish_reason": found.native or found.stop,
        "latency": _milli(found.latency if found.first is None else found.first),
        "generation_time": _milli(seconds),
        "tokens_prompt": usage.input,
        "tokens_completion": usage.output,
        "native_tokens_prompt": usage.input,
        "native_tokens_completion": usage.output,
        "native_tokens_reasoning": usage.reasoning,
        "native_tokens_cached": usage.cached,
        "total_cost": dollars,
        "usage": dollars,
        "upstream_inference_cost": dollars if cost is not None else None,
        "cache_discount": saved,
        "cost": whole(cost),
        "provider_responses": [_response(each, providers) for each in found.attempts],
        "record": whole(found),
    }


def _response(attempt: Attempt, providers: Mapping[str, Provider]) -> Json:
    return {
        "id": attempt.upstream_id,
        "endpoint_id": f"{attempt.provider}/{attempt.protocol}",
        "model_permaslug": attempt.model,
        "provider_name": _name(attempt.provider, providers),
        "status": attempt.status,
        "latency": _milli(attempt.latency),
        "is_byok": True,
    }


def _name(provider: str, providers: Mapping[str, Provider]) -> str:
    known = providers.get(provider)
    return shown(known) if known is not None else provider


def _milli(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
