"""Finish reasons and usage: the words and numbers of Chat Completions and of its many relatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from hexapla.ir.response import Stop, StopReason, Usage
from hexapla.wire.rawjson import dump, load

FINISH: dict[str, StopReason] = {
    "stop": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "complete": "stop",
    "completed": "stop",
    "end": "stop",
    "done": "stop",
    "stop_str": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_length": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "recitation": "content_filter",
    "refusal": "content_filter",
    "prohibited_content": "content_filter",
}

FAILED = frozenset(
    {"error", "network_error", "insufficient_system_resource", "engine_error", "abort", "malformed_function_call"}
)
"""Finish reasons that say that the provider failed (docs.bigmodel.cn, api-docs.deepseek.com, 2026-08)."""

SAID: dict[StopReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "pause": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "error": "stop",
}


def stop_of(native: str | None, *, calls: bool) -> Stop | None:
    """A finish reason as ours.  `stop` beside tool calls is tool_calls; an unknown word is stop, kept as native."""
    if not native:
        return Stop(reason="tool_calls") if calls else None
    reason = FINISH.get(native.lower(), "stop")
    if calls and reason == "stop":
        reason = "tool_calls"
    return Stop(reason=reason, native=native)


def usage_of(raw: Raw) -> Usage | None:
    """A usage object, wherever it stood, as ours.  Counts that are no numbers are not counts."""
    said = load(raw, dict[str, Any]) if raw else None
    if not said:
        return None
    prompt, completion = _details(said, "prompt_tokens_details"), _details(said, "completion_tokens_details")
    output, reasoning = _count(said, "completion_tokens"), _first(_count(completion, "reasoning_tokens"), said)
    usage = Usage(
        input=_count(said, "prompt_tokens"),
        output=_with_reasoning(said, output, reasoning),
        cached=_cached(said, prompt),
        cache_write=_written(said, prompt),
        reasoning=reasoning,
        audio_input=_count(prompt, "audio_tokens"),
        audio_output=_count(completion, "audio_tokens"),
        cost=_cost(said),
    )
    return None if usage == Usage() else usage


def render_usage(usage: Usage) -> Raw:
    """Usage in OpenAI's form; a count that nobody reported is 0 where the SDK's types demand a number."""
    prompt = {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write, "audio_tokens": usage.audio_input}
    completion = {"reasoning_tokens": usage.reasoning, "audio_tokens": usage.audio_output}
    said: dict[str, object] = {
        "prompt_tokens": usage.input or 0,
        "completion_tokens": usage.output or 0,
        "total_tokens": (usage.input or 0) + (usage.output or 0),
    }
    for name, details in (("prompt_tokens_details", prompt), ("completion_tokens_details", completion)):
        known = {key: value for key, value in details.items() if value is not None}
        if known:
            said[name] = known
    if usage.cost is not None:
        said["cost"] = usage.cost
    return dump(said)


def _details(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = said.get(name)
    return value if isinstance(value, dict) else {}


def _count(said: Mapping[str, Any], name: str) -> int | None:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value != value:
        return None
    return int(value)


def _first(found: int | None, said: Mapping[str, Any]) -> int | None:
    return _count(said, "reasoning_tokens") if found is None else found


def _with_reasoning(said: Mapping[str, Any], output: int | None, reasoning: int | None) -> int | None:
    """xAI leaves reasoning out of completion_tokens; its total tells (https://docs.x.ai, 2026-08)."""
    entered, total = _count(said, "prompt_tokens"), _count(said, "total_tokens")
    if output is None or entered is None or not reasoning or total != entered + output + reasoning:
        return output
    return output + reasoning


def _cached(said: Mapping[str, Any], prompt: Mapping[str, Any]) -> int | None:
    """Cached tokens: OpenAI's place, DeepSeek's hit counter, the top level (Together, Moonshot), Anthropic's name."""
    for where, name in (
        (prompt, "cached_tokens"),
        (said, "prompt_cache_hit_tokens"),
        (said, "cached_tokens"),
        (said, "cache_read_input_tokens"),
    ):
        if (count := _count(where, name)) is not None:
            return count
    return None


def _written(said: Mapping[str, Any], prompt: Mapping[str, Any]) -> int | None:
    for where, name in (
        (prompt, "cache_write_tokens"),
        (prompt, "cache_creation_tokens"),
        (said, "cache_creation_input_tokens"),
    ):
        if (count := _count(where, name)) is not None:
            return count
    return None


def _cost(said: Mapping[str, Any]) -> float | None:
    """OpenRouter's own bill in US dollars; other providers' `cost` objects are not money of a known kind."""
    cost = said.get("cost")
    return float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) and cost >= 0 else None
