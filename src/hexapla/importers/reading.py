"""Foreign values as what they should be; anything else is nothing.  Foreign files are written by hand, and a wrong type
in one place is no reason to lose the rest."""

from __future__ import annotations

from typing import Any

Table = dict[str, Any]


def text(value: Any) -> str:
    """A string without white space around it; numbers are written out; anything else is ""."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def table(value: Any) -> Table:
    return {str(key): inner for key, inner in value.items()} if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def texts(value: Any) -> list[str]:
    """A list of strings, or one string with commas."""
    parts = value.split(",") if isinstance(value, str) else rows(value)
    return [found for part in parts if (found := text(part))]


def strings(value: Any) -> dict[str, str]:
    """A table of strings."""
    return {key: text(inner) for key, inner in table(value).items() if text(inner)}


def number(value: Any) -> float | None:
    """A positive number, also one that is written as text."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if 0 < found < float("inf") else None


def whole(value: Any) -> int | None:
    found = number(value)
    return int(found) if found is not None and found >= 1 else None
