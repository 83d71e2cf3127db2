"""Numbers that cannot be so many do not reach the books, whatever dialect says them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.ir.response import Usage
from hexapla.protocols import PROTOCOLS

ANSWERS: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "openai_chat": (
        {"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]},
        "usage",
        ("prompt_tokens", "completion_tokens", "cost"),
    ),
    "openai_responses": ({"status": "completed", "output": []}, "usage", ("input_tokens", "output_tokens", "cost")),
    "anthropic_messages": (
        {"type": "message", "content": [], "stop_reason": "end_turn"},
        "usage",
        ("input_tokens", "output_tokens", "cache_read_input_tokens"),
    ),
    "gemini_generate": (
        {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]},
        "usageMetadata",
        ("promptTokenCount", "candidatesTokenCount", "cachedContentTokenCount"),
    ),
}


@pytest.mark.parametrize("said", ["1e300", "9" * 30, "-1", "true", '"many"', "{}"])
@pytest.mark.parametrize("protocol", ANSWERS)
def test_no_count(protocol: str, said: str) -> None:
    answer, place, names = ANSWERS[protocol]
    body = json.dumps({**answer, place: dict.fromkeys(names, "?")}).replace('"?"', said).encode()
    usage = PROTOCOLS[protocol].parse_response(body).usage or Usage()
    known = {name: getattr(usage, name) for name in Usage.__struct_fields__ if name != "extras"}
    assert {name: value for name, value in known.items() if value} == {}
