"""Open items of a client's stream: one writer for each kind.

A writer says that its item was added, passes on what comes, and says the whole again at its end, part by part and as an
item, which is what OpenAI's own stream does and what the SDK's helper and Codex rely on.

Rules of this file: a writer knows its own item only; order and numbers are the stream's (`Lines`, in `writer.py`); text is
kept in pieces.
"""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace

from hexapla.ir.content import Citation, Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import CitationDelta, Delta, PartDelta, TextDelta
from hexapla.ir.response import ResponsePart
from hexapla.protocols.openai_responses.output import (
    call_item,
    message_item,
    part_extras,
    refusal_part,
    render_citation,
    render_logprob,
    text_part,
    whole_item,
)
from hexapla.protocols.openai_responses.thought import ThoughtWriter
from hexapla.protocols.openai_responses.words import NAME
from hexapla.protocols.openai_responses.writer import Json, Lines, Piecewise, Writer
from hexapla.wire.rawjson import split


class _Content(Piecewise):
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


class CallWriter(Piecewise):
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
