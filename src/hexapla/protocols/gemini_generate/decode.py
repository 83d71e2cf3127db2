"""Gemini's answers, decoded: streams of chunks, and whole answers, which are one chunk.

A chunk holds parts; parts of one kind that follow one another are one block.  Signatures are state: on a thought they
prove it, on a call or a text they become a Reasoning part beside it, which any client dialect can carry.  Sources and
reasons may come in any chunk, and older models say STOP in every one, so they are told at the end.

Terminal rules: the wire has no terminator.  A clean end of the bytes is an answer if the last word was a finishReason or
a blocked prompt; anything else is truncation.

Rules of this file: nothing raises; an unknown part stays whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.errors import Kind
from hexapla.ir.content import Citation, Media, Opaque, Reasoning, Text, ToolCall
from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    CitationDelta,
    MessageStart,
    MessageStop,
    ReasoningDelta,
    TextDelta,
    UsageReport,
)
from hexapla.ir.response import ResponsePart, Stop
from hexapla.protocols.base import UNREADABLE
from hexapla.protocols.blocks import Blocks
from hexapla.protocols.failures import classify_value
from hexapla.protocols.frames import FrameDecoder
from hexapla.protocols.gemini_generate.fields import standard
from hexapla.protocols.gemini_generate.media import media_kind
from hexapla.protocols.gemini_generate.signature import mark
from hexapla.protocols.gemini_generate.sources import citations_of, logprobs_of
from hexapla.protocols.gemini_generate.wire import (
    CANDIDATE_EXTRAS,
    CHUNK_EXTRAS,
    LOOK,
    PART,
    WireBlob,
    WireCall,
    WireCandidate,
    WireChunk,
    WirePart,
    blocked,
    decode_chunk,
)
from hexapla.protocols.gemini_generate.words import BLOCKED, NAME, ORIGIN, made_id, reason_of, stop_of, usage_of
from hexapla.wire.lenient import fit
from hexapla.wire.rawjson import UNDECODABLE, broken, copied, dump, load
from hexapla.wire.sse import Frame

_KEY = "open"  # one block is open at a time


def read_chunk(data: bytes | Raw) -> WireChunk | None:
    """A chunk, as far as it can be read; None for what is no object."""
    try:
        return decode_chunk(data)
    except UNDECODABLE:
        return fit(data, WireChunk)


class GeminiDecoder(FrameDecoder):
    """See StreamDecoder (base.py)."""

    LOOK = LOOK

    def __init__(self) -> None:
        super().__init__()
        self._blocks = Blocks()
        self._open = ""  # "", text or thought
        self._mark: str | None = None  # the open text's signature
        self._text: list[str] = []  # all text so far, which places of sources count in
        self._id = ""
        self._calls = 0
        self._reason: str | None = None
        self._usage = b""
        self._candidate: dict[str, Raw] = {}
        self._extras: dict[str, Raw] = {}

    def whole(self, chunks: Iterable[WireChunk]) -> list[AnyEvent]:
        """A whole answer: its chunk, or the list of chunks of a stream that was asked for without alt=sse."""
        for chunk in chunks:
            self.chunk(chunk)
        if not self.done:
            self._finish(self._stop())
        return self._take()

    def _frame(self, frame: Frame) -> None:
        if self.done or (frame.event == "error" and self._complain(frame)):
            return
        try:
            chunk: WireChunk | None = self._read(frame.data)
        except UNDECODABLE:
            chunk = self._read_again(frame.data) or self._odd(frame)
        if chunk is not None:
            self.chunk(chunk)

    def _odd(self, frame: Frame) -> WireChunk | None:
        """Data that is no chunk: half characters, fields of other types, an error of any form, a foreign [DONE], noise."""
        chunk = read_chunk(self._halves.mend(frame.data))
        if chunk is None and not self._complain(frame) and broken(frame.data):
            self._fail(Kind.UPSTREAM_PROTOCOL, UNREADABLE)
        return chunk

    def chunk(self, chunk: WireChunk) -> None:
        """One chunk's news, in order: parts, sources, counts, reason."""
        if chunk.error and copied(chunk.error) is not None:
            self._error(chunk.error)
            return
        if not self._started:
            self._start(chunk)
        reason = blocked(chunk.prompt_feedback) if chunk.prompt_feedback else None
        for candidate in chunk.candidates or ():
            if not candidate.index:  # of several candidates, the first is the answer
                reason = self._on_candidate(candidate) or reason
        if chunk.usage_metadata and bytes(chunk.usage_metadata) != self._usage:
            self._count(chunk.usage_metadata)
        for field, name in CHUNK_EXTRAS.items():
            if (raw := getattr(chunk, field)) and (found := copied(raw)) is not None:
                self._extras[name] = found
        self._reason = reason or self._reason
        self.settled = reason is not None

    def _start(self, chunk: WireChunk) -> None:
        self._started = True
        self._id = chunk.response_id or ""
        self._events.append(MessageStart(id=chunk.response_id, model=chunk.model_version or None, origin=NAME))

    def _count(self, raw: Raw) -> None:
        self._usage = bytes(raw)
        usage = usage_of(raw)
        if usage is not None:
            self._events.append(UsageReport(usage))

    def _on_candidate(self, candidate: WireCandidate) -> str | None:
        for raw in (candidate.content.parts if candidate.content is not None else None) or ():
            self._on_part(raw)
        if candidate.logprobs_result:
            self._on_logprobs(candidate.logprobs_result)
        for field, name in CANDIDATE_EXTRAS.items():
            if (raw := getattr(candidate, field)) and (found := copied(raw)) is not None:
                self._candidate[name] = found
        return reason_of(candidate.finish_reason) if candidate.finish_reason is not None else None

    # parts

    def _on_part(self, raw: Raw) -> None:
        try:
            part = (PART.strict if self._looks else PART.read)(raw)
        except UNDECODABLE:
            part = self._odd_part(raw)
        if part.function_call is not None:
            self._on_call(part.function_call, part.thought_signature)
        elif part.inline_data is not None or part.file_data is not None:
            self._on_blob(part.inline_data or part.file_data or WireBlob(), part.thought_signature)
        elif part.thought:
            self._on_thought(part.text or "", part.thought_signature)
        elif part.text is not None or part.thought_signature is not None:
            self._on_text(raw, part)
        else:
            self._on_other(raw)

    def _odd_part(self, raw: Raw) -> WirePart:
        """A part with something unknown, or something wrong, in it."""
        if self._looks:
            self._note(f"candidates.content.parts.{name}" for name in PART.names(raw))
        try:
            return PART.read(raw)
        except UNDECODABLE:
            return fit(raw, WirePart) or WirePart()

    def _on_text(self, raw: Raw, part: WirePart) -> None:
        if part.text is None and self._on_other(raw):
            return
        text = part.text or ""
        if text:
            if self._open != "text" or self._mark is not None:
                self._begin("text", Text(text=""))
            self._text.append(text)
            self._delta(TextDelta(text))
        if part.thought_signature:
            if self._open != "text" or self._mark is not None:
                self._stop_open()
                self._whole(mark(part.thought_signature))
            else:
                self._mark = part.thought_signature

    def _on_thought(self, text: str, signature: str | None) -> None:
        if self._open != "thought":
            self._begin("thought", Reasoning(form="thought", origin=ORIGIN))
        if text:
            self._delta(TextDelta(text))
        if signature:
            self._delta(ReasoningDelta(signature=signature))
            self._stop_open()

    def _on_call(self, call: WireCall, signature: str | None) -> None:
        self._stop_open()
        arguments = bytes(call.args).decode("utf-8", "replace") if copied(call.args) is not None else "{}"
        if (text := load(call.args, str)) is not None:
            arguments = text
        name = call.name or ""
        call_id = call.id or made_id(self._id, self._calls, name, arguments)
        self._calls += 1
        if signature:
            self._whole(mark(signature, call_id))
        self._events.append(self._blocks.open(_KEY, ToolCall(id=call_id, name=name)))
        self._delta(TextDelta(arguments))
        self._stop_open()

    def _on_blob(self, blob: WireBlob, signature: str | None) -> None:
        self._stop_open()
        extras = {NAME: {"thoughtSignature": dump(signature)}} if signature else {}
        kind = media_kind(blob.mime_type, blob.file_uri or "")
        if blob.file_uri is not None:
            self._whole(Media(kind=kind, url=blob.file_uri, media_type=blob.mime_type, extras=extras))
        else:
            self._whole(Media(kind=kind, data=standard(blob.data or ""), media_type=blob.mime_type, extras=extras))

    def _on_other(self, raw: Raw) -> bool:
        """A part that only Gemini knows stays whole; False for one that holds nothing but a signature."""
        fields = load(raw, dict[str, Raw]) or {}
        kind = next((name for name in fields if name not in ("thought", "thoughtSignature")), None)
        if kind is None:
            return not fields
        self._stop_open()
        self._whole(Opaque(origin=ORIGIN, type=kind, data=Raw(bytes(raw))))
        return True

    def _on_logprobs(self, raw: Raw) -> None:
        found = logprobs_of(raw)
        if found and self._open == "text":
            self._delta(TextDelta("", found))

    # blocks

    def _begin(self, what: str, part: ResponsePart) -> None:
        self._stop_open()
        self._open = what
        self._events.append(self._blocks.open(_KEY, part))

    def _delta(self, delta: Any) -> None:
        index = self._blocks.index(_KEY)
        if index is not None:
            self._events.append(BlockDelta(index, delta))

    def _whole(self, part: ResponsePart) -> None:
        self._events.append(self._blocks.open(_KEY, part))
        self._events.extend(self._blocks.close(_KEY))

    def _stop_open(self) -> None:
        self._events.extend(self._blocks.close(_KEY))
        self._open = ""
        signature, self._mark = self._mark, None
        if signature is not None:
            self._whole(mark(signature))

    # the end

    def _over(self) -> None:
        if self._reason is not None:
            self._finish(self._stop())
        else:
            super()._over()

    def _stop(self) -> Stop | None:
        if self._reason is None:
            return None
        stop = stop_of(self._reason, called=self._calls > 0, extras=self._candidate)
        if blocked(self._extras.get(BLOCKED, Raw())) == self._reason:
            return msgspec.structs.replace(stop, reason="content_filter")
        return stop

    def _finish(self, stop: Stop | None) -> None:
        grounding, cited = (self._candidate.get(name, Raw()) for name in ("groundingMetadata", "citationMetadata"))
        if grounding or cited:
            self._cite(citations_of(grounding, cited, "".join(self._text)))
        self._stop_open()
        self._events.append(MessageStop(stop=stop, extras={NAME: self._extras} if self._extras else {}))
        self.done = self.settled = True

    def _cite(self, citations: list[Citation]) -> None:
        """Sources come last; where the answer ends with a call they have an empty text to stand on."""
        if citations and self._open != "text":
            self._begin("text", Text(text=""))
        for citation in citations:
            self._delta(CitationDelta(citation))

    def _error(self, raw: Raw) -> None:
        self._refuse(classify_value({"error": msgspec.json.decode(raw)}))
