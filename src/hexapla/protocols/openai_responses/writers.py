"""Open items of a client's stream: one writer for each kind.

A writer says that its item was added, passes on what comes, and says the whole again at its end, part by part and as an
item, which is what OpenAI's own stream does and what the SDK's helper and Codex rely on.  Deltas are the hot path: the
bytes around them are made once for each item.

Rules of this file: a writer knows its own item only; order and numbers are the stream's (`Lines`); text is kept in pieces.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.ir.content import Citation, Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import CitationDelta, Delta, PartDelta, ReasoningDelta, SummaryDelta, TextDelta
from hexapla.ir.fold import append_details
from hexapla.ir.loss import LossLog
from hexapla.ir.response import ResponsePart
from hexapla.protocols.openai_responses.output import (
    call_item,
    identify,
    message_item,
    part_extras,
    reasoning_item,
    refusal_part,
    render_citation,
    render_logprob,
    text_part,
    whole_item,
)
from hexapla.protocols.openai_responses.words import NAME, Ids
from hexapla.wire.rawjson import split
from hexapla.wire.sse import frame

Json = dict[str, Any]

_json = msgspec.json.Encoder().encode


class Lines:
    """The numbered lines of one stream, and what its items share: ids, places in the output, losses."""

    __slots__ = ("ids", "losses", "next_number", "next_place")

    def __init__(self, ids: Ids, losses: LossLog) -> None:
        self.ids = ids
        self.losses = losses
        self.next_number = itertools.count().__next__
        self.next_place = itertools.count().__next__

    def event(self, kind: str, body: Json) -> bytes:
        """One event.  Raw values keep the line ends between their tokens, which no frame can hold and no JSON needs."""
        data = _json({"type": kind, "sequence_number": self.next_number(), **body})
        if b"\n" in data or b"\r" in data:
            data = data.translate(None, b"\r\n")
        return frame(data, kind)


class Writer:
    """One open item.

    item   the whole item after `end`; None where Responses has none for it
    place  its place in the output (`output_index`)
    """

    def __init__(self, part: Any, index: int, lines: Lines) -> None:
        self.part = part
        self.lines = lines
        self.index = index
        self.item: Json | None = None
        self.place = -1

    def begin(self) -> bytes:
        raise NotImplementedError

    def delta(self, delta: Delta) -> bytes:
        raise NotImplementedError

    def end(self) -> bytes:
        raise NotImplementedError

    def unfinished(self) -> Json | None:
        """The item as far as it got, for an answer that failed; None where half of it is worse than nothing."""
        return None

    def _added(self, item: Json) -> bytes:
        self.place = self.lines.next_place()
        return self.lines.event("response.output_item.added", {"output_index": self.place, "item": item})

    def _done(self, item: Json) -> bytes:
        self.item = item
        return self.lines.event("response.output_item.done", {"output_index": self.place, "item": item})


class _TextLike(Writer):
    """An item whose content arrives as text, in events that differ in nothing but the text.

    kind   what its delta events are called
    extra  the fields of a delta between output_index and delta, as JSON
    """

    kind = b""
    extra = b""

    def __init__(self, part: Any, index: int, lines: Lines) -> None:
        super().__init__(part, index, lines)
        self.id = identify(part, lines.ids, index)
        self.pieces: list[str] = []
        self._template = b""

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def where(self) -> Json:
        """The fields that every event of the item has."""
        return {"item_id": self.id, "output_index": self.place}

    def more(self, text: str) -> bytes:
        """A piece of the text."""
        self.pieces.append(text)
        template = self._template or self._make()
        return template % (self.lines.next_number(), _json(text))

    def _make(self) -> bytes:
        named = _json(self.id).replace(b"%", b"%%")
        self._template = (
            (b"event: " + self.kind + b'\ndata: {"type":"' + self.kind + b'","sequence_number":%d,"item_id":' + named)
            + b',"output_index":%d' % self.place
            + self.extra
            + b',"delta":%b}\n\n'
        )
        return self._template

    def delta(self, delta: Delta) -> bytes:
        return self.more(delta.text) if type(delta) is TextDelta else b""


class _Content(_TextLike):
    """A message item of one content part."""

    def shell(self, content: list[Json], status: str) -> Json:
        extras = self.part.extras if isinstance(self.part, Text) else {}
        return message_item(self.id, content, extras, status)

    def content(self) -> Json:
        raise NotImplementedError

    def where(self) -> Json:
        return {**super().where(), "content_index": 0}

    def begin(self) -> bytes:
        empty = self.content()
        out = self._added(self.shell([], "in_progress"))
        out += self.lines.event("response.content_part.added", {**self.where(), "part": empty})
        return out + (self.more(self.part.text) if self.part.text else b"")

    def end(self) -> bytes:
        content = self.content()
        out = self.lines.event("response.content_part.done", {**self.where(), "part": content})
        return out + self._done(self.shell([content], "completed"))

    def unfinished(self) -> Json | None:
        return self.shell([self.content()], "incomplete")


class TextWriter(_Content):
    """Text with its citations and probabilities."""

    kind = b"response.output_text.delta"
    extra = b',"content_index":0,"logprobs":[]'

    def __init__(self, part: Text, index: int, lines: Lines) -> None:
        super().__init__(part, index, lines)
        self.citations: list[Citation] = []
        self.unplaced: list[Citation] = []  # that stand for the whole text
        self.logprobs: list[Raw] = []

    def content(self) -> Json:
        return text_part(self.text, [*self.citations, *self._whole()], self.logprobs) | part_extras(self.part)

    def begin(self) -> bytes:
        return super().begin() + b"".join([self._cite(citation) for citation in self.part.citations])

    def delta(self, delta: Delta) -> bytes:
        if type(delta) is TextDelta:
            return self._probable(delta) if delta.logprobs else self.more(delta.text)
        return self._cite(delta.citation) if isinstance(delta, CitationDelta) else b""

    def _probable(self, delta: TextDelta) -> bytes:
        logprobs = [render_logprob(probability) for probability in delta.logprobs]
        self.logprobs.extend(logprobs)
        self.pieces.append(delta.text)
        return self.lines.event(self.kind.decode(), {**self.where(), "logprobs": logprobs, "delta": delta.text})

    def _whole(self) -> list[Citation]:
        return [citation.placed(0, len(self.text)) for citation in self.unplaced]

    def _cite(self, citation: Citation) -> bytes:
        if (citation.start, citation.end) == (None, None):
            self.unplaced.append(citation)
            return b""
        number = len(self.citations)
        self.citations.append(citation)
        said = {**self.where(), "annotation_index": number, "annotation": render_citation(citation)}
        return self.lines.event("response.output_text.annotation.added", said)

    def end(self) -> bytes:
        placed, self.unplaced = self._whole(), []
        cited = b"".join([self._cite(citation) for citation in placed])
        said = {**self.where(), "text": self.text, "logprobs": self.logprobs}
        return cited + self.lines.event("response.output_text.done", said) + super().end()


class RefusalWriter(_Content):
    """A refusal."""

    kind = b"response.refusal.delta"
    extra = b',"content_index":0'

    def content(self) -> Json:
        return refusal_part(self.text)

    def end(self) -> bytes:
        return self.lines.event("response.refusal.done", {**self.where(), "refusal": self.text}) + super().end()


class CallWriter(_TextLike):
    """A call of a function.  One without arguments says {}: clients parse them unseen."""

    kind = b"response.function_call_arguments.delta"

    def begin(self) -> bytes:
        out = self._added(call_item(replace(self.part, arguments=""), self.id, "in_progress"))
        return out + (self.more(self.part.arguments) if self.part.arguments else b"")

    def end(self) -> bytes:
        out = b"" if any(self.pieces) else self.more("{}")
        done = {**self.where(), "name": self.part.name, "arguments": self.text}
        out += self.lines.event("response.function_call_arguments.done", done)
        return out + self._done(call_item(replace(self.part, arguments=self.text), self.id))


class CustomCallWriter(CallWriter):
    """A call of a freeform tool."""

    kind = b"response.custom_tool_call_input.delta"

    def end(self) -> bytes:
        done = {**self.where(), "input": self.text}
        out = self.lines.event("response.custom_tool_call_input.done", done)
        return out + self._done(call_item(replace(self.part, arguments=self.text), self.id))


class ThoughtWriter(_TextLike):
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
        names = ("signature", "encrypted") if self._native else ("signature", "encrypted", "id")
        known = {name: value for name in names if (value := getattr(delta, name)) is not None}
        self.part = replace(self.part, details=append_details(self.part.details, delta.details), **known)
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


class WholeWriter(Writer):
    """An item that comes in one piece: announced at once where it is the vendor's own, else said when it is known."""

    def begin(self) -> bytes:
        if isinstance(self.part, Opaque) and self.part.origin.protocol == NAME:
            self._first = dict(split(self.part.data))
            return self._added(self._first)
        return b""

    def delta(self, delta: Delta) -> bytes:
        if isinstance(delta, PartDelta):
            self.part = delta.part
        return b""

    def end(self) -> bytes:
        item = whole_item(self.part, self.lines.ids, self.index, self.lines.losses)
        if item is None:
            return b""
        out = b""
        if self.place < 0:
            out = self._added(item)
        elif "id" in self._first:
            item["id"] = self._first["id"]  # Copilot changes ids; an item keeps the one under which it was announced
        return out + self._done(item)


_WRITERS: dict[type, type[Writer]] = {
    Text: TextWriter,
    Refusal: RefusalWriter,
    Reasoning: ThoughtWriter,
    ToolCall: CallWriter,
    Media: WholeWriter,
    Opaque: WholeWriter,
}


def open_writer(part: ResponsePart, index: int, lines: Lines) -> Writer:
    """A writer for a part that begins as block `index`."""
    if isinstance(part, ToolCall) and part.kind == "custom":
        return CustomCallWriter(part, index, lines)
    return _WRITERS[type(part)](part, index, lines)
