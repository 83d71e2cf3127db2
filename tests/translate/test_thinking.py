"""`:thinking` turns reasoning on where the request is silent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.errors import ClientError
from hexapla.translate.peek import peek
from hexapla.translate.thinking import thinking

SILENT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def thought(protocol: str, **more: Any) -> dict[str, Any]:
    """The request that becomes of one; the rest of it is checked to be as it was."""
    asked = {**SILENT, **more}
    peeked = thinking(peek(protocol, json.dumps(asked).encode(), model="m", stream=False))
    found: dict[str, Any] = json.loads(peeked.body)
    assert {name: found[name] for name in asked if name != "generationConfig"} == {
        name: value for name, value in asked.items() if name != "generationConfig"
    }
    return found


@pytest.mark.parametrize(
    ("protocol", "more", "said"),
    [
        ("openai_chat", {}, {"reasoning_effort": "medium"}),
        ("openai_responses", {}, {"reasoning": {"effort": "medium"}}),
        ("anthropic_messages", {"max_tokens": 4000}, {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        ("anthropic_messages", {"max_tokens": 1100}, {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        (
            "gemini_generate",
            {"generationConfig": {"topK": 3}},
            {"generationConfig": {"topK": 3, "thinkingConfig": {"includeThoughts": True}}},
        ),
    ],
)
def test_every_dialect_says_it_its_own_way(protocol: str, more: dict[str, Any], said: dict[str, Any]) -> None:
    """Of middling effort, and nothing else changes."""
    found = thought(protocol, **more)
    assert {name: found[name] for name in said} == said


@pytest.mark.parametrize(
    ("protocol", "more"),
    [
        ("openai_chat", {"reasoning_effort": "low"}),
        ("openai_chat", {"reasoning": {"enabled": False}}),
        ("anthropic_messages", {"max_tokens": 9, "thinking": {"type": "disabled"}}),
        ("anthropic_messages", {"max_tokens": 9, "output_config": {"effort": "low"}}),
        ("gemini_generate", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}),
    ],
)
def test_who_speaks_of_it_is_left_alone(protocol: str, more: dict[str, Any]) -> None:
    """Whatever was said."""
    assert thought(protocol, **more) == {**SILENT, **more}


def test_no_room_for_thought() -> None:
    """Anthropic wants at least 1024 tokens of it, below max_tokens."""
    with pytest.raises(ClientError, match="max_tokens"):
        thought("anthropic_messages", max_tokens=1024)
