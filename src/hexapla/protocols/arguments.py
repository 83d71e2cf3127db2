"""A call's arguments where a dialect demands an object, as Messages and Gemini do; elsewhere they are the model's own text.

Rules of this file: key order and numbers survive; text that is no object is wrapped, never repaired.
"""

from __future__ import annotations

from msgspec import Raw

from hexapla.ir.content import ToolCall
from hexapla.ir.loss import LossLog
from hexapla.wire.rawjson import dump, load


def object_of(part: ToolCall) -> Raw:
    """The arguments as an object; text that is none is wrapped."""
    found = _object(part)
    return found if found is not None else dump({"input": part.arguments})


def said_object_of(part: ToolCall, path: str, losses: LossLog) -> Raw:
    """The same for a request, in which wrapping is a Loss."""
    found = _object(part)
    if found is not None:
        return found
    losses.add(f"{path}.arguments", "the arguments are not a JSON object and were wrapped", "content")
    return dump({"input": part.arguments})


def _object(part: ToolCall) -> Raw | None:
    text = part.arguments.strip()
    if not text:
        return Raw(b"{}")
    raw = Raw(text.encode("utf-8", "replace"))
    whole = part.kind == "function" and text.startswith("{") and load(raw, dict[str, Raw]) is not None
    return raw if whole else None
