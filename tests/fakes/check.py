"""RequestErrors, and the few checks that all dialects need."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any


class RequestError(Exception):
    """The request is answered with an error.  `param` is the path of what is wrong, where one is to blame."""

    def __init__(self, message: str, param: str = "", status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.status = status
        self.headers = headers or {}


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


def need(condition: object, message: str, param: str = "") -> None:
    """Refuse with 400 unless `condition`."""
    if not condition:
        raise RequestError(message, param)


def keys(value: Any, known: Collection[str], where: str, required: Collection[str] = ()) -> dict[str, Any]:
    """`value` as an object that has only known keys and all required ones."""
    need(isinstance(value, dict), f"{where}: expected an object, got {type(value).__name__}", where)
    for key in value:
        need(key in known, f"{where}: unknown key {key!r}", f"{where}.{key}")
    for key in required:
        need(key in value, f"{where}: {key!r} is missing", f"{where}.{key}")
    return value


def rows(value: Any, where: str) -> list[Any]:
    """`value` as an array."""
    need(isinstance(value, list), f"{where}: expected an array, got {type(value).__name__}", where)
    return value


def text(value: Any, where: str, pattern: str = r"[\s\S]*") -> str:
    """`value` as a string that matches `pattern` whole."""
    need(isinstance(value, str), f"{where}: expected a string, got {type(value).__name__}", where)
    need(re.fullmatch(pattern, value), f"{where}: {value[:80]!r} does not match {pattern}", where)
    return value


def number(value: Any, where: str, low: float, high: float) -> None:
    """`value` within [low, high], or null."""
    right = value is None or (isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high)
    need(right, f"{where}: {value!r} is not within [{low}, {high}]", where)


def one_of(value: Any, known: Collection[Any], where: str) -> None:
    """`value` is one of `known`."""
    need(value in known, f"{where}: {value!r} is none of {sorted(map(str, known))}", where)


def closed_schema(schema: Any, where: str, *, demand_all: bool = True) -> None:
    """Structured output: objects are closed and, at OpenAI, demand all their properties.

    https://platform.openai.com/docs/guides/structured-outputs and
    https://platform.claude.com/docs/en/build-with-claude/structured-outputs
    (both 2026-11-24)
    """
    if isinstance(schema, list):
        for inner in schema:
            closed_schema(inner, where, demand_all=demand_all)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        need(schema.get("additionalProperties") is False, f"{where}: 'additionalProperties' must be false", where)
        missing = set(schema.get("properties", {})) - set(schema.get("required", []))
        need(not missing or not demand_all, f"{where}: 'required' must name {sorted(missing)}", where)
    for inner in schema.values():
        closed_schema(inner, where, demand_all=demand_all)


def sample(schema: Any, root: Any = None) -> Any:
    """A value that fits a JSON schema, always the same one."""
    root = schema if root is None else root
    if "$ref" in schema:
        found = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return sample(found, root)
    for chosen in ("enum", "anyOf", "oneOf"):
        if chosen in schema:
            return schema[chosen][0] if chosen == "enum" else sample(schema[chosen][0], root)
    if "const" in schema:
        return schema["const"]
    return _SAMPLES.get(schema.get("type", "object"), _object)(schema, root)


def _object(schema: Any, root: Any) -> Any:
    return {name: sample(inner, root) for name, inner in schema.get("properties", {}).items()}


_SAMPLES = {
    "object": _object,
    "array": lambda schema, root: [sample(schema.get("items", {"type": "string"}), root)],
    "string": lambda schema, root: "Zürich",
    "integer": lambda schema, root: 7,
    "number": lambda schema, root: 1.5,
    "boolean": lambda schema, root: True,
    "null": lambda schema, root: None,
}
