"""Thought in OpenRouter's fields, and the way back to vendors that take it in one of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.translate.aloud import THOUGHT, aloud
from server.wire import CHAT
from translate.test_prefill import QUESTION, asking, opened

SAID = {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}]}
OWN = [{"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1", "index": 0}]


def heard(name: str, said: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps({"id": "c", "choices": [{"index": 0, name: said, "finish_reason": None}], "x": 1.50}).encode()
    assert THOUGHT.search(data)
    told = json.loads(aloud(data))
    assert (told["id"], told["x"], told["choices"][0]["index"]) == ("c", 1.5, 0)
    found: dict[str, Any] = told["choices"][0][name]
    return found


@pytest.mark.parametrize("name", ["delta", "message"])
@pytest.mark.parametrize(
    "said", [{"reasoning_content": "hm", "reasoning": None}, {"thinking": {"content": "hm"}}, {"reasoning": "hm"}]
)
def test_thought_is_said_where_it_is_looked_for(name: str, said: dict[str, Any]) -> None:
    """In whichever field it came, which stays."""
    assert heard(name, {"content": "x", **said}) == {"content": "x", **said, **SAID}


def test_what_a_vendor_says_itself_stays() -> None:
    assert heard("delta", {"reasoning": "h", "reasoning_details": OWN})["reasoning_details"] == OWN
    assert heard("delta", {"reasoning_details": OWN}) == {"reasoning_details": OWN, "reasoning": "hm"}


@pytest.mark.parametrize(
    "data",
    [
        b"[DONE]",
        b'{"choices":[],"thinking": 1}',
        b'{"choices":[{"delta":{"reasoning_content":null,"content":"x"}}]}',
        b'{"choices":[{"delta":null,"reasoning_content":"hm"}]}',
        b'{"choices":3,"reasoning":"hm"}',
        b'{"error":{"reasoning":"hm"}',
    ],
)
def test_what_thinks_nothing_passes_byte_for_byte(data: bytes) -> None:
    assert aloud(data) is data
    assert not THOUGHT.search(json.dumps({"content": '"reasoning": he said'}).encode())


@pytest.mark.parametrize("model", ["deepseek/deepseek-v4-pro", "moonshot/kimi-k2.6"])
@pytest.mark.parametrize(
    "fields", [("reasoning",), ("reasoning_details",), ("reasoning", "reasoning_details")], ids=str
)
def test_it_comes_back_in_the_vendors_field(fields: tuple[str, ...], model: str) -> None:
    """A loop of tools is refused without it."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turn = {"role": "assistant", "content": None, "tool_calls": [call], **{name: SAID[name] for name in fields}}
    result = {"role": "tool", "tool_call_id": "c1", "content": "1"}
    lane = opened(asking(CHAT, QUESTION, turn, result), *model.split("/"))
    told = json.loads(lane.body)["messages"][1]
    assert told["reasoning_content"] == "hm" and SAID.keys().isdisjoint(told)
