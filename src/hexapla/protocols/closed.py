"""A schema whose objects hold nothing but their properties, which an answer's schema means in every dialect.

Chat and Responses hold it to that only where `strict` is said, and programs leave `additionalProperties` out (instructor
1.17 in its JSON_SCHEMA mode, 2026-11-28); Gemini has no word for it.  Messages refuses an object that does not say it
(https://platform.claude.com/docs/en/build-with-claude/structured-outputs, 2026-11-24).
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from hexapla.wire.rawjson import dump, load

_OBJECTS = ("object", ["object", "null"])


def closed_text(schema: Raw) -> Raw:
    """`closed`, of a schema as it is written; what is none stays as it is."""
    found = load(schema, dict[str, Any])
    return schema if found is None or (said := closed(found)) == found else dump(said)


def closed(schema: Any) -> Any:
    """The schema with `additionalProperties: false` in every object that says its properties and nothing of others."""
    if isinstance(schema, list):
        return [closed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    said = {name: closed(inner) for name, inner in schema.items()}
    silent = "properties" in said and "additionalProperties" not in said and said.get("type") in _OBJECTS
    return said | ({"additionalProperties": False} if silent else {})
