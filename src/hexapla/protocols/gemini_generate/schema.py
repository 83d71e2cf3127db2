"""JSON schemas of two kinds: JSON Schema as everybody writes it, and the OpenAPI subset that Gemini began with.

`parametersJsonSchema` and `responseJsonSchema` take JSON Schema as it is, so nothing is translated on the way up unless a
provider knows only the older fields (`parameters`, `responseSchema`): then `to_subset` leaves out what they refuse and
says so.  A Gemini client may write either kind, types in capital letters and all; `from_subset` makes JSON Schema of it.

Sources: https://ai.google.dev/api/caching#Schema and google-genai 3.6.1 types.Schema (2026-11).

Rules of this file: pure; a schema that is no object is passed as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Raw

from hexapla.protocols.closed import closed
from hexapla.wire.rawjson import dump, load

TYPES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})

_KEPT = frozenset(
    {
        "type",
        "format",
        "title",
        "description",
        "nullable",
        "enum",
        "maxItems",
        "minItems",
        "properties",
        "required",
        "minProperties",
        "maxProperties",
        "minLength",
        "maxLength",
        "pattern",
        "example",
        "anyOf",
        "propertyOrdering",
        "default",
        "items",
        "minimum",
        "maximum",
    }
)
_FORMATS = {
    "STRING": frozenset({"enum", "date-time"}),
    "NUMBER": frozenset({"float", "double"}),
    "INTEGER": frozenset({"int32", "int64"}),
}
_QUIET = frozenset({"$schema", "$id", "$comment", "$defs", "definitions", "examples"})
"""Keywords that say nothing to a model, or that were resolved."""

_SNAKE = {
    "any_of": "anyOf",
    "max_items": "maxItems",
    "min_items": "minItems",
    "max_length": "maxLength",
    "min_length": "minLength",
    "max_properties": "maxProperties",
    "min_properties": "minProperties",
    "property_ordering": "propertyOrdering",
    "additional_properties": "additionalProperties",
    "defs": "$defs",
    "ref": "$ref",
}
MAX_DEPTH = 32  # a reference that leads into itself is cut here


def from_subset(schema: Raw, *, close: bool = False) -> Raw:
    """A Gemini schema as JSON Schema: types in small letters, `nullable` as a type; other keywords as they are.

    close  say that objects hold nothing but their properties, which an answer's schema means here and others must hear
    """
    found = load(schema, dict[str, Any])
    if found is None:
        return schema
    said = _plain(found)
    return dump(closed(said) if close else said)


def _plain(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    said: dict[str, Any] = {}
    for given, value in schema.items():
        if value is None:
            continue
        name = _SNAKE.get(str(given), str(given))
        if name in ("properties", "$defs") and isinstance(value, dict):
            said[name] = {key: _plain(inner) for key, inner in value.items()}
        elif name in ("items", "additionalProperties", "not"):
            said[name] = _plain(value)
        elif name in ("anyOf", "oneOf", "allOf", "prefixItems") and isinstance(value, list):
            said[name] = [_plain(inner) for inner in value]
        elif name == "type" and isinstance(value, str) and value in TYPES:
            said[name] = value.lower()
        elif name in _NUMBERS and isinstance(value, str) and value.isdigit():
            said[name] = int(value)  # protocol buffers write 64-bit numbers as text
        else:
            said[name] = value
    if said.pop("nullable", False) is True and isinstance(said.get("type"), str):
        said["type"] = [said["type"], "null"]
    return said


_NUMBERS = frozenset({"maxItems", "minItems", "maxLength", "minLength", "maxProperties", "minProperties"})


def to_subset(schema: Raw, lost: Callable[[str, str], None]) -> Raw:
    """JSON Schema as Gemini's subset; `lost(path, why)` hears of every keyword that it has no place for."""
    found = load(schema, dict[str, Any])
    return schema if found is None else dump(_Subset(found, lost).of(found, "", 0))


class _Subset:
    def __init__(self, root: dict[str, Any], lost: Callable[[str, str], None]) -> None:
        self._defs = {f"#/{name}/{key}": v for name in ("$defs", "definitions") for key, v in _items(root.get(name))}
        self._defs["#"] = root
        self._lost = lost

    def of(self, schema: Any, path: str, depth: int) -> dict[str, Any]:
        if not isinstance(schema, dict):
            if schema is not True:
                self._lost(path, "a schema that allows nothing")
            return {}
        if depth > MAX_DEPTH:
            self._lost(path, "a schema that contains itself is cut off")
            return {"type": "OBJECT"}
        schema = self._resolved(schema, path)
        said: dict[str, Any] = {}
        for name, value in schema.items():
            rule = _RULES.get(name)
            if rule is not None:
                said |= rule(self, value, f"{path}.{name}".lstrip("."), depth)
            elif name in _KEPT:
                said[name] = value
            elif name not in _QUIET:
                self._lost(f"{path}.{name}".lstrip("."), f"Gemini's schemas have no {name}")
        return self._checked(said, path)

    def _resolved(self, schema: dict[str, Any], path: str) -> dict[str, Any]:
        target = schema.get("$ref")
        if target is None:
            return schema
        found = self._defs.get(target) if isinstance(target, str) else None
        if not isinstance(found, dict):
            self._lost(f"{path}.$ref".lstrip("."), "a reference that leads nowhere")
            found = {}
        return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}

    def _checked(self, said: dict[str, Any], path: str) -> dict[str, Any]:
        allowed = _FORMATS.get(said.get("type", ""), frozenset())
        if "format" in said and said["format"] not in allowed:
            self._lost(f"{path}.format".lstrip("."), f"Gemini knows no format {said.pop('format')}")
        if "enum" in said and not all(isinstance(value, str) for value in said["enum"]):
            if said.get("type") == "STRING":
                said["enum"] = [str(value) for value in said["enum"]]
            else:
                self._lost(f"{path}.enum".lstrip("."), "Gemini's enumerations hold text only")
                del said["enum"]
        return said

    def type(self, value: Any, path: str, depth: int) -> dict[str, Any]:
        words = value if isinstance(value, list) else [value]
        kinds = [str(word).upper() for word in words if word != "null"]
        nullable = {"nullable": True} if len(kinds) < len(words) else {}
        if len(kinds) == 1:
            return {"type": kinds[0]} | nullable
        return {"anyOf": [{"type": kind} for kind in kinds]} | nullable

    def properties(self, value: Any, path: str, depth: int) -> dict[str, Any]:
        inner = {key: self.of(each, f"{path}.{key}", depth + 1) for key, each in _items(value)}
        return {"properties": inner} if inner else {}

    def items(self, value: Any, path: str, depth: int) -> dict[str, Any]:
        return {"items": self.of(value, path, depth + 1)}

    def any_of(self, value: Any, path: str, depth: int) -> dict[str, Any]:
        options = value if isinstance(value, list) else []
        kept = [each for each in options if not (isinstance(each, dict) and each.get("type") == "null")]
        said = [self.of(each, f"{path}[{place}]", depth + 1) for place, each in enumerate(kept)]
        nullable = {"nullable": True} if len(kept) < len(options) else {}
        return (said[0] if len(said) == 1 else {"anyOf": said}) | nullable

    def all_of(self, value: Any, path: str, depth: int) -> dict[str, Any]:
        options = value if isinstance(value, list) else []
        if len(options) == 1:
            return self.of(options[0], path, depth + 1)
        self._lost(path, "Gemini's schemas have no allOf")
        return {}

    def const(self, value: Any, path: str, depth: int) -> dict[str, Any]:
        if isinstance(value, str):
            return {"type": "STRING", "enum": [value]}
        self._lost(path, "Gemini's enumerations hold text only")
        return {}


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


_RULES: dict[str, Callable[[_Subset, Any, str, int], dict[str, Any]]] = {
    "type": _Subset.type,
    "properties": _Subset.properties,
    "items": _Subset.items,
    "anyOf": _Subset.any_of,
    "oneOf": _Subset.any_of,
    "allOf": _Subset.all_of,
    "const": _Subset.const,
}
