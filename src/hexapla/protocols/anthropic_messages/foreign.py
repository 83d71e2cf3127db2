"""What blocks that only Messages knows say to a reader: a search result, a loaded tool, a document in pieces."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hexapla.wire.rawjson import load

_SAYABLE = frozenset({"tool_reference", "search_result", "document"})


class _Words(msgspec.Struct):
    tool_name: str = ""
    title: str | None = None
    source: str | _Words = ""
    content: str | list[_Words] | None = None
    text: str = ""

    def lines(self) -> list[str]:
        if self.tool_name:
            return [f"Tool loaded: {self.tool_name}"]
        said = [self.title or "", *_lines(self.source), *_lines(self.content), self.text]
        return [line for line in said if line]


def in_words(kind: str, raw: Raw) -> str:
    """The text of a block of this type; "" where words cannot say it."""
    words = load(raw, _Words) if kind in _SAYABLE else None
    return "\n".join(words.lines()) if words is not None else ""


def _lines(said: str | _Words | list[_Words] | None) -> list[str]:
    if isinstance(said, list):
        return [line for piece in said for line in piece.lines()]
    return said.lines() if isinstance(said, _Words) else [said or ""]
