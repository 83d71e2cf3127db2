"""The open item of a stretch of thought.

Rules of this file: what is kept is what came; what is shown depends on whose thought it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from hexapla.ir.content import Reasoning
from hexapla.ir.event import CitationDelta, Delta, PartDelta, ReasoningDelta, SummaryDelta, TextDelta
from hexapla.ir.fold import with_state
from hexapla.protocols.openai_responses.output import reasoning_item
from hexapla.protocols.openai_responses.words import NAME
from hexapla.protocols.openai_responses.writer import Json, Lines, Piecewise


class ThoughtWriter(Piecewise):
    """A stretch of thought.

    What came is kept as it came, for the item or for the envelope; what is shown is another matter: the vendor's own
    thought is shown as such, anyone else's as summary paragraphs, and its text only where it has no summary.
    """

    kind = b"response.reasoning_text.delta"
    extra = b',"content_index":0'

    def __init__(self, part: Reasoning, index: int, lines: Lines) -> None:
        super().__init__(part, index, lines)
        self._native = part.origin.protocol == NAME
        self._shown: list[list[str]] = []
        self._summary: list[list[str]] = []
        self._shift = 0  # 1 where text stands before the first summary paragraph

    def begin(self) -> bytes:
        out = self._added({"id": self.id, "type": "reasoning", "summary": []})
        out += b"".join([self._summarise(SummaryDelta(n, text)) for n, text in enumerate(self.part.summary)])
        return out + (self._think(self.part.text) if self.part.text else b"")

    def delta(self, delta: Delta) -> bytes:
        return _THOUGHTS[type(delta)](self, delta)

    def _think(self, text: str) -> bytes:
        if self._native:
            return self.more(text)
        self.pieces.append(text)
        if self._summary:
            return b""
        self._shift = 1
        return self._show(0, text)

    def _summarise(self, delta: SummaryDelta) -> bytes:
        self._summary.extend([] for _ in range(delta.part + 1 - len(self._summary)))
        self._summary[delta.part].append(delta.text)
        return self._show(delta.part + self._shift, delta.text)

    def _state(self, delta: ReasoningDelta) -> bytes:
        """State that came late.  The item keeps the id under which it was announced."""
        self.part = with_state(self.part, replace(delta, id=None) if self._native else delta)
        return b""

    def _show(self, number: int, text: str) -> bytes:
        """More of a paragraph that the client sees."""
        out = b""
        while len(self._shown) <= number:
            out += self._close_paragraph()
            self._shown.append([])
            part = {"type": "summary_text", "text": ""}
            out += self._paragraph("response.reasoning_summary_part.added", {"part": part})
        self._shown[number].append(text)
        if not text:
            return out
        said = {**self.where(), "summary_index": number, "delta": text}
        return out + self.lines.event("response.reasoning_summary_text.delta", said)

    def _paragraph(self, kind: str, body: Json) -> bytes:
        """An event of the paragraph that was opened last."""
        return self.lines.event(kind, {**self.where(), "summary_index": len(self._shown) - 1, **body})

    def _close_paragraph(self) -> bytes:
        if not self._shown:
            return b""
        text = "".join(self._shown[-1])
        done = self._paragraph("response.reasoning_summary_text.done", {"text": text})
        part = {"type": "summary_text", "text": text}
        return done + self._paragraph("response.reasoning_summary_part.done", {"part": part})

    def end(self) -> bytes:
        out = self._close_paragraph()
        if self._native and self.pieces:
            done = {**self.where(), "content_index": 0, "text": self.text}
            out += self.lines.event("response.reasoning_text.done", done)
        return out + self._done(self._whole())

    def _whole(self) -> Json:
        part = replace(self.part, text=self.text, summary=tuple(["".join(pieces) for pieces in self._summary]))
        item = reasoning_item(part, self.id)
        if not self._native:
            shown = ["".join(pieces) for pieces in self._shown]
            item["summary"] = [{"type": "summary_text", "text": text} for text in shown]
        return item

    def unfinished(self) -> Json | None:
        return self._whole()


_THOUGHTS: dict[type, Callable[[ThoughtWriter, Any], bytes]] = {
    TextDelta: lambda writer, delta: writer._think(delta.text),
    SummaryDelta: ThoughtWriter._summarise,
    ReasoningDelta: ThoughtWriter._state,
    CitationDelta: lambda writer, delta: b"",
    PartDelta: lambda writer, delta: b"",
}
