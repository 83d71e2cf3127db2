"""`:thinking` behind a model's name: reasoning is on where the request says nothing of it.

Rules of this file: pure; a request that says anything of reasoning is left as it is.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ClientError, Kind
from hexapla.protocols.levels import LEAST_BUDGET
from hexapla.translate.peek import Peek
from hexapla.wire.rawjson import dump, join, load

SAID = frozenset({"reasoning", "reasoning_effort", "include_reasoning", "thinking", "enable_thinking"})
NESTED = (("output_config", b'"effort"'), ("generationConfig", b'"thinkingConfig"'))
"""Fields inside of which a dialect speaks of reasoning."""


def thinking(peeked: Peek) -> Peek:
    """`peeked` with reasoning of middling effort.  Raises ClientError where its limit on output leaves no room."""
    fields = peeked.fields
    if not SAID.isdisjoint(fields) or any(mark in bytes(fields.get(name, b"")) for name, mark in NESTED):
        return peeked
    fields = fields | _ON[peeked.protocol](fields)
    return replace(peeked, fields=fields, body=join(fields))


def _budget(fields: dict[str, Raw]) -> dict[str, Raw]:
    most = load(fields.get("max_tokens", b""), int)
    budget = max(LEAST_BUDGET, (most or 4 * LEAST_BUDGET) // 2)
    if most is not None and most <= budget:
        message = f"max_tokens must be above {LEAST_BUDGET} for a model that is asked for with :thinking."
        raise ClientError(Kind.INVALID_REQUEST, message, param="max_tokens")
    return {"thinking": dump({"type": "enabled", "budget_tokens": budget})}


def _config(fields: dict[str, Raw]) -> dict[str, Raw]:
    config = load(fields.get("generationConfig", b""), dict[str, Any]) or {}
    return {"generationConfig": dump({**config, "thinkingConfig": {"includeThoughts": True}})}


_ON = {
    "openai_chat": lambda fields: {"reasoning_effort": dump("medium")},
    "openai_responses": lambda fields: {"reasoning": dump({"effort": "medium"})},
    "anthropic_messages": _budget,
    "gemini_generate": _config,
}
