"""Events as Gemini's stream: server-sent events, each a small GenerateContentResponse.

Text and thought flow piece by piece; a call is one part, so it waits for its last byte.  The last chunk holds the reason,
the sources and the counts, and an empty text, because google-genai takes a content without parts for no content at all.
There is no terminator.  A heartbeat is an empty line: google-genai reads a comment as a broken answer (3.6.1,
_api_client.py).

Rules of this file: one method for each event, found by table; what Gemini cannot say is a Loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import GatewayError, Kind
from hexapla.ir.content import Citation, Media, Opaque, Reasoning, Refusal, Text, ToolCall, Unknown
from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    BlockStart,
    BlockStop,
    CitationDelta,
    MessageStart,
    MessageStop,
    PartDelta,
    Ping,
    ReasoningDelta,
    StreamError,
    SummaryDelta,
    TextDelta,
    UsageReport,
)
from hexapla.ir.fold import with_state, with_summary
from hexapla.ir.loss import LossLog
from hexapla.ir.response import ResponsePart, Usage
from hexapla.protocols.base import Reply
from hexapla.protocols.blocks import Nesting
from hexapla.protocols.gemini_generate.errors import error_value
from hexapla.protocols.gemini_generate.parts import Json, Parts
from hexapla.protocols.gemini_generate.response import answer_body, candidate_end
from hexapla.protocols.gemini_generate.sources import render_logprobs
from hexapla.protocols.gemini_generate.words import NAME
from hexapla.wire.rawjson import join
from hexapla.wire.sse import frame

_json = msgspec.json.Encoder().encode
_BEAT = b"\n"


class GeminiEncoder:
    """See StreamEncoder."""

    def __init__(self, reply: Reply, losses: LossLog | None = None) -> None:
        self._reply = reply
        self._nesting = Nesting()
        self.losses = LossLog() if losses is None else losses
        self._parts = Parts(self.losses)
        self._usage: Usage | None = None
        self._part: ResponsePart = Text(text="")
        self._pieces: list[str] = []
        self._text: list[str] = []
        self._citations: list[Citation] = []
        self._extras: dict[str, Unknown] = {}
        self._spoken = self._refused = self._thought = False
        self._tail = b"}"

    def encode(self, event: AnyEvent) -> bytes:
        if isinstance(event, BlockStart | BlockDelta | BlockStop):
            return b"".join([_BLOCKS[type(nested)](self, nested) for nested in self._nesting.feed(event)])
        return _ENCODE[type(event)](self, event)

    def more(self, index: int, text: str) -> bytes:
        return self.encode(BlockDelta(index, TextDelta(text)))

    def close(self) -> bytes:
        return b""

    def _start(self, event: MessageStart) -> bytes:
        self._usage = event.usage
        self._extras = dict(event.extras.get(NAME, {}))
        model, answer_id = event.model or self._reply.model, event.id or self._reply.id
        self._tail = b',"modelVersion":%b,"responseId":%b}' % (_json(model), _json(answer_id))
        return b""

    def _say(self, part: Json, **more: Any) -> bytes:
        """A chunk with one part."""
        candidate = {"content": {"parts": [part], "role": "model"}, "index": 0, **more}
        return frame(b'{"candidates":[%b]%b' % (_json(candidate), self._tail))

    def _piece(self, text: str, logprobs: tuple[Raw, ...] = ()) -> bytes:
        """A piece of text or thought."""
        if isinstance(self._part, Reasoning):
            self._thought = True
            return self._say({"text": text, "thought": True})
        said = render_logprobs(logprobs) if logprobs else None
        if not text and said is None:
            return b""
        if isinstance(self._part, Text):
            self._spoken = self._spoken or bool(text)
            self._text.append(text)
        else:
            self._refused = True
        return self._say(self._parts.signed({"text": text}), **({"logprobsResult": said} if said is not None else {}))

    def _block_start(self, event: BlockStart) -> bytes:
        part = event.part
        self._part, self._pieces, self._thought = part, [], False
        if isinstance(part, Text | Refusal) and part.text:
            return self._piece(part.text)
        if isinstance(part, Reasoning) and part.readable:
            return self._piece(part.readable)
        return b""

    def _block_delta(self, event: BlockDelta) -> bytes:
        return _DELTAS[type(event.delta)](self, event.delta)

    def _text_delta(self, delta: TextDelta) -> bytes:
        part = self._part
        if isinstance(part, Text | Refusal):
            return self._piece(delta.text, delta.logprobs)
        self._pieces.append(delta.text)
        return self._piece(delta.text) if isinstance(part, Reasoning) and delta.text else b""

    def _summary_delta(self, delta: SummaryDelta) -> bytes:
        """Summary paragraphs as one text, a blank line between two."""
        part = self._part
        assert isinstance(part, Reasoning)
        gap = "\n\n" if delta.part >= len(part.summary) > 0 else ""
        self._part = with_summary(part, delta)
        return self._piece(gap + delta.text) if gap + delta.text else b""

    def _reasoning_delta(self, delta: ReasoningDelta) -> bytes:
        assert isinstance(self._part, Reasoning)
        self._part = with_state(self._part, delta)
        return b""

    def _citation_delta(self, delta: CitationDelta) -> bytes:
        self._citations.append(delta.citation)
        return b""

    def _part_delta(self, delta: PartDelta) -> bytes:
        self._part = delta.part
        return b""

    def _block_stop(self, event: BlockStop) -> bytes:
        part, text = self._part, "".join(self._pieces)
        if isinstance(part, Reasoning):
            return self._close_thought(replace(part, text=part.text + text))
        if isinstance(part, ToolCall):
            part = replace(part, arguments=part.arguments + text)
        if isinstance(part, ToolCall | Media | Opaque):
            said = self._parts.render(part, f"content[{event.index}]")
            return b"".join([self._say(each) for each in said])
        if isinstance(part, Text):
            self._citations += part.citations
        return b""

    def _close_thought(self, part: Reasoning) -> bytes:
        """What must come back: the vendor's own signature, or our envelope with the next part."""
        if part.origin.protocol != NAME:
            self._parts.keep(part)
            return b""
        if self._thought:
            signed = part.signature is not None
            return self._say({"text": "", "thought": True, "thoughtSignature": part.signature}) if signed else b""
        return b"".join([self._say(each) for each in self._parts.render(part, "content")])

    def _usage_report(self, event: UsageReport) -> bytes:
        self._usage = event.usage if self._usage is None else self._usage.merge(event.usage)
        return b""

    def _ping(self, event: Ping) -> bytes:
        return _BEAT

    def _stop(self, event: MessageStop) -> bytes:
        last = self._parts.rest() or [{"text": ""}]
        refused = self._refused and not self._spoken
        closing = candidate_end(event.stop, self._citations, "".join(self._text), refused=refused)
        candidate: Json = {"content": {"parts": last, "role": "model"}, "index": 0, **closing}
        own = {**self._extras, **event.extras.get(NAME, {})}
        body = answer_body([candidate], {NAME: own} if own else {}, self._usage, event.stop)
        head = join({name: Raw(_json(value)) for name, value in body.items()})
        return frame(head[:-1] + self._tail)

    def _error(self, event: StreamError) -> bytes:
        error = GatewayError(
            Kind(event.kind),
            event.message,
            type=event.type,
            code=event.code,
            status=event.status,
            retry_after=event.retry_after,
        )
        return frame(_json(error_value(error)))


_ENCODE: dict[type, Callable[[GeminiEncoder, Any], bytes]] = {
    MessageStart: GeminiEncoder._start,
    UsageReport: GeminiEncoder._usage_report,
    Ping: GeminiEncoder._ping,
    MessageStop: GeminiEncoder._stop,
    StreamError: GeminiEncoder._error,
}
_BLOCKS: dict[type, Callable[[GeminiEncoder, Any], bytes]] = {
    BlockStart: GeminiEncoder._block_start,
    BlockDelta: GeminiEncoder._block_delta,
    BlockStop: GeminiEncoder._block_stop,
}
_DELTAS: dict[type, Callable[[GeminiEncoder, Any], bytes]] = {
    TextDelta: GeminiEncoder._text_delta,
    SummaryDelta: GeminiEncoder._summary_delta,
    ReasoningDelta: GeminiEncoder._reasoning_delta,
    CitationDelta: GeminiEncoder._citation_delta,
    PartDelta: GeminiEncoder._part_delta,
}
