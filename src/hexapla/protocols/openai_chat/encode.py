"""Events as a Chat Completions stream.

Every chunk carries the same id, time and model.  The role stands in the first delta, one chunk carries the finish reason,
a usage chunk follows when the client asked for it, then [DONE].  After an error there is no [DONE].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import GatewayError, Kind
from hexapla.ir.content import Media, Opaque, Reasoning, Text, ToolCall
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
from hexapla.ir.fold import append_details
from hexapla.ir.loss import LossLog
from hexapla.ir.response import ResponsePart, Usage
from hexapla.protocols.base import Reply
from hexapla.protocols.openai_chat.errors import error_body
from hexapla.protocols.openai_chat.parts import render_citation
from hexapla.protocols.openai_chat.reasoning import details_of, text_detail
from hexapla.protocols.openai_chat.response import finish_of, native_of, render_image
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.openai_chat.words import render_usage
from hexapla.wire.sse import comment, frame

_json = msgspec.json.Encoder().encode
_HEARTBEAT = comment("hexapla")
_DONE = b"data: [DONE]\n\n"


class ChatEncoder:
    """See StreamEncoder."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._usage: Usage | None = None
        self._blocks: dict[int, ResponsePart] = {}
        self._call_index: dict[int, int] = {}
        self._said: set[int] = set()  # calls whose arguments were not empty, summaries that have begun
        self._head = b""
        self.losses = LossLog()

    def encode(self, event: AnyEvent) -> bytes:
        return _ENCODE[type(event)](self, event)

    def close(self) -> bytes:
        return b""

    def _start(self, event: MessageStart) -> bytes:
        reply = self._reply
        self._usage = event.usage
        fields = {
            "id": event.id or reply.id,
            "object": "chat.completion.chunk",
            "created": event.created or reply.created,
            "model": event.model or reply.model,
        }
        if event.service_tier is not None:
            fields["service_tier"] = event.service_tier
        self._head = b"data: " + _json(fields)[:-1]
        return self._delta(b'{"role":"assistant","content":""}')

    def _delta(self, delta: bytes, tail: bytes = b'"finish_reason":null') -> bytes:
        return b'%b,"choices":[{"index":0,"delta":%b,%b}]}\n\n' % (self._head, delta, tail)

    def _block_start(self, event: BlockStart) -> bytes:
        part = event.part
        self._blocks[event.index] = part
        if isinstance(part, Text):
            return self._text(part.text) if part.text else b""
        if isinstance(part, ToolCall):
            return self._call(event.index, part)
        if isinstance(part, Reasoning):
            return self._thought(part, part.readable) if part.readable else b""
        if isinstance(part, Media | Opaque):
            return b""  # said whole when it stops
        return self._delta(b'{"refusal":%b}' % _json(part.text)) if part.text else b""

    def _text(self, text: str, logprobs: tuple[Raw, ...] = ()) -> bytes:
        tail = b'"finish_reason":null'
        if logprobs:
            tail = b'"logprobs":{"content":%b,"refusal":null},%b' % (_json(logprobs), tail)
        return self._delta(b'{"content":%b}' % _json(text), tail)

    def _call(self, index: int, part: ToolCall) -> bytes:
        place = self._call_index[index] = len(self._call_index)
        if part.kind == "custom":
            inner: dict[str, Any] = {"type": "custom", "custom": {"name": part.name, "input": part.arguments}}
        else:
            inner = {"type": "function", "function": {"name": part.name, "arguments": part.arguments}}
        if part.arguments:
            self._said.add(index)
        call = {"index": place, "id": part.id, **inner, **part.extras.get(NAME, {})}
        return self._delta(b'{"tool_calls":[%b]}' % _json(call))

    def _block_delta(self, event: BlockDelta) -> bytes:
        return _DELTAS[type(event.delta)](self, event.index, event.delta)

    def _text_delta(self, index: int, delta: TextDelta) -> bytes:
        part = self._blocks[index]
        if type(part) is Text:
            return self._text(delta.text, delta.logprobs)
        if isinstance(part, ToolCall):
            return self._arguments(index, part, delta.text)
        if isinstance(part, Reasoning):
            return self._thought(part, delta.text)
        return self._delta(b'{"refusal":%b}' % _json(delta.text))

    def _arguments(self, index: int, part: ToolCall, text: str) -> bytes:
        self._said.add(index)
        inner = {"custom": {"input": text}} if part.kind == "custom" else {"function": {"arguments": text}}
        return self._delta(b'{"tool_calls":[%b]}' % _json({"index": self._call_index[index], **inner}))

    def _thought(self, part: Reasoning, text: str) -> bytes:
        said = _json(text)
        return self._delta(
            b'{"reasoning_content":%b,"reasoning":%b,"reasoning_details":%b}' % (said, said, text_detail(part, text))
        )

    def _summary(self, index: int, delta: SummaryDelta) -> bytes:
        part = self._blocks[index]
        assert isinstance(part, Reasoning)
        first = index not in self._said
        begun = len(part.summary) > delta.part
        self._said.add(index)
        if not begun:
            self._blocks[index] = replace(part, summary=(*part.summary, ""))
        text = delta.text if begun or first else "\n\n" + delta.text
        return self._thought(part, text)

    def _state(self, index: int, delta: ReasoningDelta) -> bytes:
        """State that came late is kept until the block stops."""
        part = self._blocks[index]
        assert isinstance(part, Reasoning)
        known = {n: v for n in ("signature", "encrypted", "id") if (v := getattr(delta, n)) is not None}
        self._blocks[index] = replace(part, details=append_details(part.details, delta.details), **known)
        return b""

    def _citation(self, index: int, delta: CitationDelta) -> bytes:
        return self._delta(b'{"annotations":[%b]}' % bytes(render_citation(delta.citation)))

    def _part(self, index: int, delta: PartDelta) -> bytes:
        self._blocks[index] = delta.part
        return b""

    def _block_stop(self, event: BlockStop) -> bytes:
        part = self._blocks.pop(event.index)
        if isinstance(part, ToolCall):
            empty = event.index not in self._said and part.kind == "function"
            return self._arguments(event.index, part, "{}") if empty else b""
        if isinstance(part, Reasoning):
            details = details_of(part, with_text=False)
            return self._delta(b'{"reasoning_details":%b}' % bytes(details)) if details is not None else b""
        if isinstance(part, Media):
            return self._media(part)
        if isinstance(part, Opaque):
            self.losses.add(f"content[{event.index}]", f"Chat Completions has no place for {part.type}", "content")
        return b""

    def _media(self, part: Media) -> bytes:
        if part.kind == "image":
            return self._delta(b'{"images":[%b]}' % _json(render_image(part)))
        return self._delta(b'{"audio":%b}' % _json({"data": part.data, **part.extras.get(NAME, {})}))

    def _usage_report(self, event: UsageReport) -> bytes:
        self._usage = event.usage if self._usage is None else self._usage.merge(event.usage)
        return b""

    def _ping(self, event: Ping) -> bytes:
        return _HEARTBEAT

    def _stop(self, event: MessageStop) -> bytes:
        tail = b'"finish_reason":%b' % _json(finish_of(event.stop))
        if event.stop is not None and (native := native_of(event.stop)) is not None:
            tail += b',"native_finish_reason":' + _json(native)
        finish = self._delta(b"{}", tail)
        return finish + self._usage_chunk() + _DONE

    def _usage_chunk(self) -> bytes:
        if not self._reply.include_usage or self._usage is None:
            return b""
        return b'%b,"choices":[],"usage":%b}\n\n' % (self._head, bytes(render_usage(self._usage)))

    def _error(self, event: StreamError) -> bytes:
        error = GatewayError(Kind(event.kind), event.message, code=event.code, type=event.type, status=event.status)
        return frame(error_body(error))


_ENCODE: dict[type, Callable[[ChatEncoder, Any], bytes]] = {
    MessageStart: ChatEncoder._start,
    BlockStart: ChatEncoder._block_start,
    BlockDelta: ChatEncoder._block_delta,
    BlockStop: ChatEncoder._block_stop,
    UsageReport: ChatEncoder._usage_report,
    Ping: ChatEncoder._ping,
    MessageStop: ChatEncoder._stop,
    StreamError: ChatEncoder._error,
}
_DELTAS: dict[type, Callable[[ChatEncoder, int, Any], bytes]] = {
    TextDelta: ChatEncoder._text_delta,
    SummaryDelta: ChatEncoder._summary,
    ReasoningDelta: ChatEncoder._state,
    CitationDelta: ChatEncoder._citation,
    PartDelta: ChatEncoder._part,
}
