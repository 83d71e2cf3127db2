"""A call's arguments where a dialect demands an object, as Messages and Gemini do; elsewhere they are the model's own text.

Rules of this file: key order and numbers survive; text that is no object is wrapped, never repaired.
"""

from __future__ import annotations

from msgspec import Raw

from hexapla.ir.content import ToolCall
from hexapla.ir.loss import LossLog
from hexapla.wire.rawjson import dump, load


def object_of(part: ToolCall, path: str, losses: LossLog) -> Raw:
    """The arguments as an object.  Text that is none is wrapped: a Loss, but where the tool takes any text."""
    text = part.arguments.strip()
    if not text:
        return Raw(b"{}")
    freeform = part.kind != "function"
    raw = Raw(text.encode("utf-8", "replace"))
    if not freeform and text.startswith("{") and load(raw, dict[str, Raw]) is not None:
        return raw
    if not freeform:
        losses.add(f"{path}.arguments", "the arguments are not a JSON object and were wrapped", "content")
    return dump({"input": part.arguments})
