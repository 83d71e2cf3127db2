"""Whether a value conforms to a schema: what is certain to be wrong is seen, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from hexapla.translate.conforms import conforms

PLACE = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"enum": ["C", "F"]},
        "days": {"type": "array", "items": {"type": "integer"}},
        "at": {"$ref": "#/$defs/point"},
        "kind": {"const": 1},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"point": {"type": "object", "required": ["x"], "properties": {"x": {"type": ["number", "null"]}}}},
}
GOOGLE = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER", "nullable": True}}, "required": ["n"]}
EITHER = {"anyOf": [{"type": "string"}, {"type": "object", "required": ["id"]}]}
CIRCLE: dict[str, Any] = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (PLACE, {"city": "Ulm", "unit": "C", "days": [1, 2.0], "at": {"x": None, "y": 2}, "kind": 1}),
        (GOOGLE, {"n": None}),
        (GOOGLE, {"n": 3}),
        (EITHER, {"id": 1}),
        ({"type": "string", "pattern": "^a", "minLength": 5, "format": "date"}, "b"),
        ({"type": "whatever"}, 1),
        ({"type": 7, "enum": "C", "required": "x", "properties": [], "items": [1], "$ref": "elsewhere.json"}, {"a": 1}),
        ({"$ref": "#/nowhere"}, 1),
        ({"additionalProperties": False, "patternProperties": {"^x": {}}}, {"xa": 1}),
        (CIRCLE, 1),
        (True, 1),
        ("no schema at all", 1),
    ],
)
def test_what_may_be_meant(schema: Any, value: Any) -> None:
    assert conforms(value, schema)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (PLACE, {}),
        (PLACE, []),
        (PLACE, {"city": 7}),
        (PLACE, {"city": "Ulm", "country": "DE"}),
        (PLACE, {"city": "Ulm", "unit": "K"}),
        (PLACE, {"city": "Ulm", "days": ["Monday"]}),
        (PLACE, {"city": "Ulm", "at": {}}),
        (PLACE, {"city": "Ulm", "at": {"x": "one"}}),
        (PLACE, {"city": "Ulm", "kind": True}),
        (GOOGLE, {}),
        (GOOGLE, {"n": 1.5}),
        (EITHER, {"name": "x"}),
        ({"allOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1}),
        ({"oneOf": [{"type": "string"}]}, 1),
        ({"type": "number"}, True),
        ({"additionalProperties": {"type": "string"}}, {"a": 1}),
        (False, 1),
    ],
)
def test_what_is_certainly_wrong(schema: Any, value: Any) -> None:
    assert not conforms(value, schema)
