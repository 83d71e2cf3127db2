"""Which dialect a body speaks, where nobody says it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw

from hexapla.wire.rawjson import load

MESSAGES = frozenset({"system", "anthropic_version", "thinking", "output_config", "fallbacks"})
"""Fields that Messages has and Chat has not."""


def guess(fields: Mapping[str, Raw]) -> str | None:
    """The dialect that a body's fields tell; None where they tell none."""
    if "contents" in fields:
        return "gemini_generate"
    if "input" in fields or "instructions" in fields:
        return "openai_responses"
    if "messages" not in fields:
        return None
    tools = load(fields.get("tools", Raw()), list[dict[str, Raw]]) or []
    messages = not MESSAGES.isdisjoint(fields) or any("input_schema" in tool for tool in tools)
    return "anthropic_messages" if messages else "openai_chat"
