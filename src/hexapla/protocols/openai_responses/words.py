"""Status and usage of the Responses API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from hexapla.ir.content import Origin
from hexapla.ir.response import Stop, Usage
from hexapla.wire.rawjson import load

NAME = "openai_responses"
ORIGIN = Origin(NAME)


def stop_of(status: str | None, reason: str | None, *, calls: bool) -> Stop | None:
    """A status and its incomplete reason as ours."""
    if status == "incomplete":
        if reason == "content_filter":
            return Stop(reason="content_filter", native=reason)
        return Stop(reason="length", native=reason)
    if status is None and not calls:
        return None
    return Stop(reason="tool_calls" if calls else "stop", native=status)


def status_of(stop: Stop | None) -> tuple[str, str | None]:
    """(status, incomplete reason) for a Responses client."""
    if stop is not None and stop.reason == "length":
        native = stop.native if stop.native in ("max_messages",) else "max_output_tokens"
        return "incomplete", native
    if stop is not None and stop.reason == "content_filter":
        return "incomplete", "content_filter"
    return "completed", None


def usage_of(raw: Raw) -> Usage | None:
    """A usage object as ours: both APIs of OpenAI count alike."""
    said = load(raw, dict[str, Any]) if raw else None
    if not said:
        return None
    entered, left = _details(said, "input_tokens_details"), _details(said, "output_tokens_details")
    usage = Usage(
        input=_count(said, "input_tokens"),
        output=_count(said, "output_tokens"),
        cached=_count(entered, "cached_tokens"),
        cache_write=_count(entered, "cache_write_tokens"),
        reasoning=_count(left, "reasoning_tokens"),
        cost=_cost(said),
    )
    return None if usage == Usage() else usage


def render_usage(usage: Usage) -> dict[str, Any]:
    """Usage as the SDK's strict types want it."""
    entered, left = usage.input or 0, usage.output or 0
    details = {"cached_tokens": usage.cached or 0, "cache_write_tokens": usage.cache_write or 0}
    return {
        "input_tokens": entered,
        "input_tokens_details": details,
        "output_tokens": left,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": entered + left,
    }


def _details(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = said.get(name)
    return value if isinstance(value, dict) else {}


def _count(said: Mapping[str, Any], name: str) -> int | None:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return int(value)


def _cost(said: Mapping[str, Any]) -> float | None:
    cost = said.get("cost")
    return float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) and cost >= 0 else None
