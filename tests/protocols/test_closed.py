"""Schemas of answers, whose objects hold nothing but their properties."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from hexapla.protocols.closed import closed_text

OPEN: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED = {**OPEN, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (OPEN, CLOSED),
        (CLOSED, CLOSED),
        ({**OPEN, "type": ["object", "null"]}, {**CLOSED, "type": ["object", "null"]}),
        ({"type": "array", "items": OPEN}, {"type": "array", "items": CLOSED}),
        (
            {"$defs": {"x": OPEN}, "anyOf": [OPEN, {"type": "null"}]},
            {"$defs": {"x": CLOSED}, "anyOf": [CLOSED, {"type": "null"}]},
        ),
        ({**OPEN, "additionalProperties": {"type": "string"}}, {**OPEN, "additionalProperties": {"type": "string"}}),
        ({"type": "object"}, {"type": "object"}),
        ({"type": "string"}, {"type": "string"}),
    ],
)
def test_objects_that_say_nothing_of_others(schema: Any, said: Any) -> None:
    assert json.loads(bytes(closed_text(Raw(json.dumps(schema).encode())))) == said


@pytest.mark.parametrize("text", [b"true", b"[1]", b"not JSON", b'{"a":' * 2000, b'{ "\x7f" : 1.0 }'])
def test_what_needs_nothing_stays_as_it_is_written(text: bytes) -> None:
    assert bytes(closed_text(Raw(text))) == text
