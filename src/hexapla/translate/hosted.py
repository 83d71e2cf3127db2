"""Tools that OpenRouter runs itself, where somebody else is asked: `openrouter:datetime`, `openrouter:fusion` and others.

No other vendor knows them, and most refuse a request that names one.  Between dialects they are lost as any vendor's own
tool is; within one dialect, where tools pass as they are, they are taken out here and said to be lost.  (A search of the
web is done for the request where it can be: plugins/.)

Rules of this file: pure; a request without such a tool is left as it is.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.ir.loss import Loss
from hexapla.plugins.asked import SERVER_TOOL
from hexapla.translate.peek import Peek
from hexapla.wire.rawjson import dump, join, load

HOSTED = b'"openrouter:'
"""What a body has in it that names such a tool."""

BESIDE = ("tool_choice", "parallel_tool_calls")
"""Fields that mean nothing without tools."""


class _Tool(msgspec.Struct):
    type: str = ""


def without_hosted(peeked: Peek) -> tuple[Peek, tuple[Loss, ...]]:
    """`peeked` without these tools, and what is lost with them."""
    listed = load(peeked.fields.get("tools", b""), list[Raw]) or []
    types = [(load(raw, _Tool) or _Tool()).type for raw in listed]
    hosted = {place for place, kind in enumerate(types) if kind.startswith("openrouter:") and kind != SERVER_TOOL}
    if not hosted:
        return peeked, ()
    kept = [raw for place, raw in enumerate(listed) if place not in hosted]
    gone = () if kept else ("tools", *BESIDE)
    fields = {name: raw for name, raw in (peeked.fields | {"tools": dump(kept)}).items() if name not in gone}
    lost = (Loss(f"tools[{place}]", f"{types[place]} is a tool that OpenRouter runs", "content") for place in hosted)
    return replace(peeked, fields=fields, body=join(fields)), tuple(lost)
