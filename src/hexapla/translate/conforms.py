"""Whether a value conforms to a JSON schema, as far as that is cheap to see.

Looked at are the keywords that programs give the arguments of their tools: types, what must be there, what may be there,
lists of values, and schemas inside of schemas, also by reference within the same document.  Everything else (patterns,
formats, bounds, conditions) is passed over, so an answer of False is certain and one of True is not.

Rules of this file: pure and total; whatever is not understood conforms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Json = Any

DEEPEST = 24  # levels that are followed; references may go in circles

TYPES: dict[str, Callable[[Json], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: not isinstance(value, bool) and (isinstance(value, int) or _whole(value)),
}


def conforms(value: Json, schema: Json, root: Json = None, depth: int = 0) -> bool:
    """Say whether `value` may be meant by `schema`; `root`: the document that references point into."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        return schema is not False
    root = schema if root is None else root
    if value is None and schema.get("nullable") is True:  # OpenAPI's word, which Google uses
        return True
    return all(test(value, schema, root, depth + 1) for word, test in TESTS.items() if word in schema)


def _whole(value: Json) -> bool:
    return isinstance(value, float) and value.is_integer()


def _typed(value: Json, schema: Mapping[str, Json], root: Json, depth: int) -> bool:
    said = schema["type"]
    names = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    tests = [TYPES.get(name.lower()) for name in names if isinstance(name, str)]  # Google writes OBJECT
    return not tests or any(test is None or test(value) for test in tests)


def _listed(value: Json, schema: Mapping[str, Json], root: Json, depth: int) -> bool:
    among = schema["enum"]
    return not isinstance(among, list) or any(_same(value, each) for each in among)


def _constant(value: Json, schema: Mapping[str, Json], root: Json, depth: int) -> bool:
    return _same(value, schema["const"])


def _same(one: Json, other: Json) -> bool:
    """JSON's equality: true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _complete(value: Json, schema: Mapping[str, Json], root: Json, depth: int) -> bool:
    names = schema["required"]
    if not isinstance(value, dict) or not isinstance(names, list):
        return True
    return all(name in value for name in names if isinstance(name, str))


def _inside(value: Json, schema: Mapping[str, Json], root: Json, depth: int) -> bool:
    known = schema["properties"]
    if not isinstance(value, dict) or not isinstance(known, dict):
        return True
    return all(conforms(inner, known[name], root, depth) for name, inner in value.items() if name in known)


def _closed(value: Json, schema: Mapping[str, Json], root: Json, depth: int) -> bool:
    if not isinstance(value, dict) or "patternProperties" in schema:
        return True
    known, more = schema.get("properties"), schema["additionalProperties"]
    named = known if isinstance(known, dict) else {}
    return all(conforms(inner, more, root, depth) for name, inner in value.items() if name not in named)


def _items(value: Json, schema: Mapping[str, Json], root: Json, depth: int) -> bool:
    each = schema["items"]
    if not isinstance(value, list) or not isinstance(each, dict) or "prefixItems" in schema:
        return True
    return all(conforms(inner, each, root, depth) for inner in value)


def _any(value: Json, schema: Mapping[str, Json], root: Json, depth: int) -> bool:
    choices = schema.get("anyOf", schema.get("oneOf"))
    return not isinstance(choices, list) or any(conforms(value, each, root, depth) for each in choices)


def _all(value: Json, schema: Mapping[str, Json], root: Json, depth: int) -> bool:
    parts = schema["allOf"]
    return not isinstance(parts, list) or all(conforms(value, each, root, depth) for each in parts)


def _referred(value: Json, schema: Mapping[str, Json], root: Json, depth: int) -> bool:
    where = schema["$ref"]
    if not isinstance(where, str) or not where.startswith("#/"):
        return True
    found = root
    for step in where[2:].split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found is None or conforms(value, found, root, depth)


TESTS: dict[str, Callable[[Json, Mapping[str, Json], Json, int], bool]] = {
    "type": _typed,
    "enum": _listed,
    "const": _constant,
    "required": _complete,
    "properties": _inside,
    "additionalProperties": _closed,
    "items": _items,
    "anyOf": _any,
    "oneOf": _any,
    "allOf": _all,
    "$ref": _referred,
}
"""Keyword -> whether a value does what it says."""
