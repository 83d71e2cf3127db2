"""Events as a Chat Completions stream.

Every chunk carries the same id, time and model.  The role stands in the first delta, one chunk carries the finish reason,
a usage chunk follows when the client asked for it, then [DONE].  After an error there is no [DONE].

Calls are said one after the other, whatever the upstream did: OpenAI's SDK takes a call for complete when the next one
begins (openai-python 3.54, lib/streaming/chat/_completions.py).

A chunk is one template around a piece of JSON text: most chunks of most streams carry a few letters, and this is the
hottest path of the Hub lane.

Rules of this file: one method for each event, found by table; what Chat cannot say is a Loss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from hexapla.errors import STATUS, Kind
from hexapla.ir.content import Citation, Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    BlockStart,
    BlockStop,
    CitationDelta,
    Delta,
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
from hexapla.ir.fold import error_of
from hexapla.ir.loss import LossLog
from hexapla.ir.response import ResponsePart, Usage
from hexapla.protocols.base import Reply, heartbeat
from hexapla.protocols.blocks import Nesting
from hexapla.protocols.error_types import ERROR_TYPES
from hexapla.protocols.extras import put
from hexapla.protocols.openai_chat.answer import finish_of, head_of, media_fields, native_of, tier_of
from hexapla.protocols.openai_chat.old import lose_call, speaks_old
from hexapla.protocols.openai_chat.parts import in_answer, render_citation
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.openai_chat.thought import Thoughts, ThoughtWriter
from hexapla.protocols.openai_chat.usage import render_usage
from hexapla.protocols.openai_errors import error_body
from hexapla.wire.rawjson import load
from hexapla.wire.sse import frame

_json = msgspec.json.Encoder().encode
_DONE = b"data: [DONE]\n\n"


class _Call:
    """A tool call that is being said: its place among the calls, and whether any arguments came."""

    __slots__ = ("inner", "place", "said")

    def __init__(self, place: int, inner: bytes, *, said: bool) -> None:
        self.place = place
        self.inner = inner
        self.said = said


class ChatEncoder:
    """See StreamEncoder."""

    def __init__(self, reply: Reply, losses: LossLog | None = None) -> None:
        self._reply = reply
        self._usage: Usage | None = None
        self._parts: dict[int, ResponsePart] = {}
        self._calls: dict[int, _Call] = {}
        self._nesting = Nesting()
        self._thoughts = Thoughts()
        self._thinking: dict[int, ThoughtWriter] = {}  # open blocks of thought
        self._count = 0  # calls so far
        self._length = 0  # characters of text so far
        self._begun: dict[int, int] = {}  # where texts began
        self._unplaced: dict[int, list[Citation]] = {}  # that stand for the whole of their text
        self._places: Counter[str] = Counter()  # citations and images so far: the SDK joins lists by place
        self._fields: dict[str, Any] = {}
        self._head = b""
        self._old = speaks_old(reply)
        self.losses = LossLog() if losses is None else losses

    def encode(self, event: AnyEvent) -> bytes:
        return _ENCODE[type(event)](self, event)

    def more(self, index: int, text: str) -> bytes:
        return self._text(text)

    def close(self) -> bytes:
        return b""

    def _start(self, event: MessageStart) -> bytes:
        self._usage = event.usage
        self._fields = head_of(event, self._reply, "chat.completion.chunk", self.losses)
        self._head = _head(self._fields)
        return self._delta(b'{"role":"assistant","content":""}')

    def _delta(self, delta: bytes) -> bytes:
        return b'%b{"index":0,"delta":%b,"finish_reason":null}]}\n\n' % (self._head, delta)

    # blocks

    def _block_start(self, event: BlockStart) -> bytes:
        self._parts[event.index] = event.part
        if type(event.part) is ToolCall:
            return self._nested(event)
        start = _STARTS.get(type(event.part))
        return b"" if start is None else start(self, event.index, event.part)

    def _text_start(self, index: int, part: Text) -> bytes:
        self._begun[index] = self._length
        said = self._text(part.text) if part.text else b""
        return said + b"".join([self._citation(index, CitationDelta(citation)) for citation in part.citations])

    def _refusal_start(self, index: int, part: Refusal) -> bytes:
        return self._refusal(part.text) if part.text else b""

    def _nested(self, event: BlockStart | BlockDelta | BlockStop) -> bytes:
        """What may be said of the calls now."""
        return b"".join([_CALLS[type(nested)](self, nested) for nested in self._nesting.feed(event)])

    def _call_start(self, event: BlockStart) -> bytes:
        index, part = event.index, event.part
        assert isinstance(part, ToolCall)
        custom = part.kind == "custom"
        inner: dict[str, Any] = {"name": part.name, "input" if custom else "arguments": part.arguments}
        form = b'"custom":{"input":%b}' if custom else b'"function":{"arguments":%b}'
        self._calls[index] = _Call(self._count, form, said=bool(part.arguments) or custom)
        call: dict[str, Any] = {"index": self._count, "id": part.id, "type": part.kind, part.kind: inner}
        self._count += 1
        if self._old and self._count > 1:
            lose_call(self._count - 1, self.losses)
            return b""
        if self._old:
            return self._function(inner)
        return self._delta(b'{"tool_calls":[%b]}' % _json(put(call, part.extras.get(NAME, {}))))

    def _function(self, inner: dict[str, Any]) -> bytes:
        """A call, or more of its arguments, for whoever knows no other."""
        return self._delta(b'{"function_call":%b}' % _json(inner))

    def _thought_start(self, index: int, part: Reasoning) -> bytes:
        writer = self._thinking[index] = ThoughtWriter(part, self._thoughts, self._delta)
        return writer.start()

    # deltas

    def _block_delta(self, event: BlockDelta) -> bytes:
        index = event.index
        part = self._parts[index]
        if type(part) is Text and type(event.delta) is TextDelta:
            return self._text(event.delta.text, event.delta)
        if type(part) is ToolCall:
            return self._nested(event)
        if type(part) is Reasoning:
            return self._think(index, event.delta)
        return _DELTAS[type(event.delta)](self, index, event.delta)

    def _text(self, text: str, delta: TextDelta | None = None) -> bytes:
        self._length += len(text)
        if delta is None or not delta.logprobs:
            return b'%b{"index":0,"delta":{"content":%b},"finish_reason":null}]}\n\n' % (self._head, _json(text))
        logprobs = b'{"content":%b,"refusal":null}' % _json(delta.logprobs)
        choice = b'{"index":0,"delta":{"content":%b},"logprobs":%b,"finish_reason":null}' % (_json(text), logprobs)
        return b"%b%b]}\n\n" % (self._head, choice)

    def _refusal(self, text: str) -> bytes:
        return self._delta(b'{"refusal":%b}' % _json(text))

    def _refusal_delta(self, index: int, delta: TextDelta) -> bytes:
        return self._refusal(delta.text)

    def _call_delta(self, event: BlockDelta) -> bytes:
        call = self._calls[event.index]
        assert isinstance(event.delta, TextDelta)
        call.said = True
        return self._arguments(call, event.delta.text)

    def _arguments(self, call: _Call, text: str) -> bytes:
        if self._old:
            return b"" if call.place else self._function({"arguments": text})
        return self._delta(b'{"tool_calls":[{"index":%d,%b}]}' % (call.place, call.inner % _json(text)))

    def _think(self, index: int, delta: Delta) -> bytes:
        return _THOUGHTS[type(delta)](self._thinking[index], delta)

    def _citation(self, index: int, delta: CitationDelta) -> bytes:
        if (delta.citation.start, delta.citation.end) != (None, None):
            return self._annotation(in_answer(delta.citation, self._begun.get(index, 0), self._length))
        self._unplaced.setdefault(index, []).append(delta.citation)
        return b""

    def _annotation(self, citation: Citation) -> bytes:
        return self._placed("annotations", load(render_citation(citation), dict[str, Any]) or {})

    def _placed(self, field: str, entry: dict[str, Any]) -> bytes:
        """One more entry of a list that is not said in one piece."""
        entry = {**entry, "index": self._places[field]}
        self._places[field] += 1
        return self._delta(b'{"%b":[%b]}' % (field.encode(), _json(entry)))

    def _part(self, index: int, delta: PartDelta) -> bytes:
        self._parts[index] = delta.part
        return b""

    # ends

    def _block_stop(self, event: BlockStop) -> bytes:
        part = self._parts.pop(event.index)
        if type(part) is ToolCall:
            return self._nested(event)
        stop = _STOPS.get(type(part))
        return b"" if stop is None else stop(self, event.index, part)

    def _text_stop(self, index: int, part: Text) -> bytes:
        begin, citations = self._begun.pop(index), self._unplaced.pop(index, ())
        return b"".join([self._annotation(citation.placed(begin, self._length)) for citation in citations])

    def _call_stop(self, event: BlockStop) -> bytes:
        """A call without arguments says {}: many clients parse them unseen."""
        call = self._calls.pop(event.index)
        return b"" if call.said else self._arguments(call, "{}")

    def _thought_stop(self, index: int, part: Reasoning) -> bytes:
        return self._thinking.pop(index).stop()

    def _whole(self, index: int, part: Media | Opaque) -> bytes:
        """Images, sound and parts of other dialects are said, or lost, in one piece."""
        fields = media_fields(part, f"content[{index}]", self.losses)
        if "images" in fields:
            return self._placed("images", fields["images"][0])
        return self._delta(_json(fields)) if fields else b""

    def _usage_report(self, event: UsageReport) -> bytes:
        self._usage = event.usage if self._usage is None else self._usage.merge(event.usage)
        return b""

    def _ping(self, event: Ping) -> bytes:
        return heartbeat(self._reply)

    def _stop(self, event: MessageStop) -> bytes:
        if event.service_tier is not None:
            self._head = _head(self._fields | tier_of(event, self.losses))
        choice = {
            "index": 0,
            "delta": {},
            "finish_reason": finish_of(event.stop, self._reply),
            **native_of(event.stop, self._reply, self.losses),
        }
        return b"%b%b]}\n\n%b%b" % (self._head, _json(choice), self._usage_chunk(), _DONE)

    def _usage_chunk(self) -> bytes:
        if not self._reply.include_usage or self._usage is None:
            return b""
        return b'%b],"usage":%b}\n\n' % (self._head, bytes(render_usage(self._usage)))

    def _error(self, event: StreamError) -> bytes:
        if self._reply.openrouter:
            return self._last_chunk(event)
        return frame(error_body(error_of(event), typed=True))

    def _last_chunk(self, event: StreamError) -> bytes:
        """The error as OpenRouter says it: a chunk with a choice that ends."""
        if not self._head:
            self._start(MessageStart())
        status = event.status or STATUS[Kind(event.kind)]
        error: dict[str, Any] = {"code": status, "message": event.message}
        error["metadata"] = {"error_type": ERROR_TYPES[Kind(event.kind)]}
        if event.code and status != STATUS[Kind.INTERNAL]:
            error["metadata"]["provider_code"] = event.code
        choice = b'{"index":0,"delta":{"content":""},"finish_reason":"error"}'
        return b'%b%b],"error":%b}\n\n' % (self._head, choice, _json(error))


def _head(fields: dict[str, Any]) -> bytes:
    """A chunk as far as its choices."""
    return b'data: %b,"choices":[' % _json(fields)[:-1]


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
_STARTS: dict[type, Callable[[ChatEncoder, int, Any], bytes]] = {
    Text: ChatEncoder._text_start,
    Refusal: ChatEncoder._refusal_start,
    Reasoning: ChatEncoder._thought_start,
}
_CALLS: dict[type, Callable[[ChatEncoder, Any], bytes]] = {
    BlockStart: ChatEncoder._call_start,
    BlockDelta: ChatEncoder._call_delta,
    BlockStop: ChatEncoder._call_stop,
}
_DELTAS: dict[type, Callable[[ChatEncoder, int, Any], bytes]] = {
    TextDelta: ChatEncoder._refusal_delta,
    CitationDelta: ChatEncoder._citation,
    PartDelta: ChatEncoder._part,
}
_THOUGHTS: dict[type, Callable[[ThoughtWriter, Any], bytes]] = {
    TextDelta: ThoughtWriter.text,
    SummaryDelta: ThoughtWriter.summary,
    ReasoningDelta: ThoughtWriter.state,
}
_STOPS: dict[type, Callable[[ChatEncoder, int, Any], bytes]] = {
    Text: ChatEncoder._text_stop,
    Reasoning: ChatEncoder._thought_stop,
    Media: ChatEncoder._whole,
    Opaque: ChatEncoder._whole,
}
