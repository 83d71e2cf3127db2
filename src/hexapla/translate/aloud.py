"""A Chat answer's thought in the fields where OpenRouter's clients look for it.

Chat providers say thought in reasoning_content and other fields of their own; OpenRouter says it in `reasoning`, and once
more as an entry of `reasoning_details`, which is what its clients bring back (https://openrouter.ai/docs/use-cases/reasoning-tokens,
2026-08).  `@openrouter/ai-sdk-provider` and LiteLLM's `openrouter/` read nothing else.

Rules of this file: for /api/v1 only; fields are added and none is changed; what is no answer passes as it is.
"""

from __future__ import annotations

import re
from operator import is_

from msgspec import Raw

from hexapla.protocols.openai_chat.reasoning import readable
from hexapla.protocols.openai_chat.schema import Delta
from hexapla.wire.rawjson import NULL, dump, join, load

THOUGHT = re.compile(rb'"(?:reasoning(?:_content|_text|_details)?|thinking|thought)"\s*:')
"""A field without which nothing is to do; inside of a text its quotes would be escaped."""


def aloud(data: bytes) -> bytes:
    """A chunk, or a whole answer."""
    fields = load(data, dict[str, Raw]) or {}
    choices = load(fields.get("choices", NULL), list[dict[str, Raw]]) or []
    said = [_choice(choice) for choice in choices]
    return data if all(map(is_, said, choices)) else join({**fields, "choices": dump(said)})


def _choice(choice: dict[str, Raw]) -> dict[str, Raw]:
    name = "delta" if "delta" in choice else "message"
    message = load(choice.get(name, NULL), dict[str, Raw])
    delta = load(choice.get(name, NULL), Delta)
    text = readable(delta)[1] if delta is not None else ""
    if not text or not message:
        return choice
    entry = {"type": "reasoning.text", "text": text, "index": 0}
    missing = {"reasoning": dump(text), "reasoning_details": dump([entry])}
    added = {field: value for field, value in missing.items() if message.get(field, NULL) == NULL}
    return {**choice, name: dump({**message, **added})} if added else choice
