"""Events as a Responses stream.

The full envelope in order, numbered from 0: created, in_progress, each item added and done with its parts, and the whole
answer in completed, incomplete or failed.  Items may be open at the same time, as the dialect allows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import GatewayError, Kind
from hexapla.ir.content import Citation, Media, Opaque, Reasoning, Refusal, Text, ToolCall
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
from hexapla.protocols.openai_responses.errors import stream_code
from hexapla.protocols.openai_responses.items import (
    ITEM_FIELDS,
    item_id,
    reasoning_item,
    refusal_part,
    render_citation,
    render_item,
    text_part,
)
from hexapla.protocols.openai_responses.response import envelope, finish
from hexapla.protocols.openai_responses.words import NAME, render_usage
from hexapla.wire.rawjson import load
from hexapla.wire.sse import comment, frame

Json = dict[str, Any]

_json = msgspec.json.Encoder().encode
_HEARTBEAT = comment("hexapla")


class _Item:
    """An open item: where it stands, its id, and what has been said of it."""

    __slots__ = ("citations", "id", "logprobs", "part", "place", "summary", "text")

    def __init__(self, part: ResponsePart, place: int, item: str) -> None:
        self.part = part
        self.place = place
        self.id = item
        self.text: list[str] = []
        self.summary: list[list[str]] = []
        self.citations: list[Citation] = []
        self.logprobs: list[Raw] = []


class ResponsesEncoder:
    """See StreamEncoder."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._sequence = 0
        self._usage: Usage | None = None
        self._items: dict[int, _Item] = {}
        self._output: dict[int, Json] = {}
        self._places = 0
        self._envelope: Json = {}
        self._id = reply.id
        self.losses = LossLog()

    def encode(self, event: AnyEvent) -> bytes:
        return _ENCODE[type(event)](self, event)

    def close(self) -> bytes:
        return b""

    def _event(self, kind: str, body: Json) -> bytes:
        number, self._sequence = self._sequence, self._sequence + 1
        return frame(_json({"type": kind, "sequence_number": number, **body}), kind)

    def _start(self, event: MessageStart) -> bytes:
        self._id = event.id or self._reply.id
        self._usage = event.usage
        self._envelope = envelope(self._reply, self._id, event.model, event.created, event.service_tier)
        begun = {"response": self._envelope}
        return self._event("response.created", begun) + self._event("response.in_progress", begun)

    # items

    def _block_start(self, event: BlockStart) -> bytes:
        part = event.part
        item = _Item(part, self._places, self._item_id(part, event.index))
        self._items[event.index] = item
        if isinstance(part, Media | Opaque):
            return b""  # said whole when it stops, since only then it is known
        self._places += 1
        added = {"output_index": item.place, "item": _shell(part, item.id)}
        out = self._event("response.output_item.added", added)
        if isinstance(part, Text | Refusal):
            out += self._part_event("response.content_part.added", item, _empty(part))
        if isinstance(part, Reasoning) and part.summary:
            out += b"".join([self._summarise(item, number, text) for number, text in enumerate(part.summary)])
        text = _text_of(part)
        return out + (self._more(item, text) if text else b"")

    def _item_id(self, part: ResponsePart, index: int) -> str:
        """The native id where the item has one, else one made of the answer's id and the place."""
        if isinstance(part, Text | ToolCall | Reasoning):
            own = part.extras.get(NAME, {}).get("id")
            found = load(own, str) if own is not None else None
            native = part.id if isinstance(part, Reasoning) and part.origin.protocol == NAME else None
            if found or native:
                return found or native or ""
        prefix = _PREFIX[type(part)]
        if isinstance(part, ToolCall) and part.kind == "custom":
            prefix = "ctc"
        return item_id(prefix, self._id, index)

    def _part_event(self, kind: str, item: _Item, part: Json) -> bytes:
        where = {"item_id": item.id, "output_index": item.place, "content_index": 0}
        return self._event(kind, {**where, "part": part})

    # deltas

    def _block_delta(self, event: BlockDelta) -> bytes:
        return _DELTAS[type(event.delta)](self, self._items[event.index], event.delta)

    def _text(self, item: _Item, delta: TextDelta) -> bytes:
        item.logprobs.extend(delta.logprobs)
        return self._more(item, delta.text, delta.logprobs)

    def _more(self, item: _Item, text: str, logprobs: tuple[Raw, ...] = ()) -> bytes:
        """A piece of text, arguments or thought, in the event of its kind."""
        part = item.part
        if isinstance(part, Reasoning) and part.origin.protocol != NAME:
            return self._summarise(item, 0, text)
        item.text.append(text)
        number, self._sequence = self._sequence, self._sequence + 1
        kind, extra = _delta_kind(part)
        if isinstance(part, Text):
            extra = b',"content_index":0,"logprobs":%b' % (_json(logprobs) if logprobs else b"[]")
        return (
            b'event: %b\ndata: {"type":"%b","sequence_number":%d,"item_id":%b,"output_index":%d%b,"delta":%b}\n\n'
            % (kind, kind, number, _json(item.id), item.place, extra, _json(text))
        )

    def _summary(self, item: _Item, delta: SummaryDelta) -> bytes:
        return self._summarise(item, delta.part, delta.text)

    def _summarise(self, item: _Item, number: int, text: str) -> bytes:
        out = b""
        while len(item.summary) <= number:
            out += self._close_paragraph(item)
            item.summary.append([])
            part = {"type": "summary_text", "text": ""}
            out += self._paragraph_event("response.reasoning_summary_part.added", item, {"part": part})
        item.summary[number].append(text)
        return out + self._paragraph_event("response.reasoning_summary_text.delta", item, {"delta": text})

    def _paragraph_event(self, kind: str, item: _Item, body: Json) -> bytes:
        where = {"item_id": item.id, "output_index": item.place, "summary_index": len(item.summary) - 1}
        return self._event(kind, {**where, **body})

    def _close_paragraph(self, item: _Item) -> bytes:
        if not item.summary:
            return b""
        text = "".join(item.summary[-1])
        done = self._paragraph_event("response.reasoning_summary_text.done", item, {"text": text})
        part = {"type": "summary_text", "text": text}
        return done + self._paragraph_event("response.reasoning_summary_part.done", item, {"part": part})

    def _state(self, item: _Item, delta: ReasoningDelta) -> bytes:
        part = item.part
        assert isinstance(part, Reasoning)
        known = {n: v for n in ("signature", "encrypted", "id") if (v := getattr(delta, n)) is not None}
        item.part = replace(part, details=append_details(part.details, delta.details), **known)
        return b""

    def _citation(self, item: _Item, delta: CitationDelta) -> bytes:
        index = len(item.citations)
        item.citations.append(delta.citation)
        where = {"item_id": item.id, "output_index": item.place, "content_index": 0, "annotation_index": index}
        return self._event(
            "response.output_text.annotation.added", {**where, "annotation": render_citation(delta.citation)}
        )

    def _whole_part(self, item: _Item, delta: PartDelta) -> bytes:
        item.part = delta.part
        return b""

    # the end of an item

    def _block_stop(self, event: BlockStop) -> bytes:
        item = self._items.pop(event.index)
        out, body = _CLOSE[type(item.part)](self, item, event.index)
        if body is None:
            return out
        self._output[item.place] = body
        return out + self._event("response.output_item.done", {"output_index": item.place, "item": body})

    def _close_text(self, item: _Item, index: int) -> tuple[bytes, Json | None]:
        part = item.part
        assert isinstance(part, Text)
        text = "".join(item.text)
        content = text_part(text, [render_citation(c) for c in item.citations], item.logprobs)
        where = {"item_id": item.id, "output_index": item.place, "content_index": 0}
        out = self._event("response.output_text.done", {**where, "text": text, "logprobs": item.logprobs})
        out += self._part_event("response.content_part.done", item, content)
        return out, _shell(part, item.id) | {"status": "completed", "content": [content]}

    def _close_refusal(self, item: _Item, index: int) -> tuple[bytes, Json | None]:
        text = "".join(item.text)
        where = {"item_id": item.id, "output_index": item.place, "content_index": 0}
        out = self._event("response.refusal.done", {**where, "refusal": text})
        out += self._part_event("response.content_part.done", item, refusal_part(text))
        return out, _shell(item.part, item.id) | {"status": "completed", "content": [refusal_part(text)]}

    def _close_call(self, item: _Item, index: int) -> tuple[bytes, Json | None]:
        part = item.part
        assert isinstance(part, ToolCall)
        out = b""
        if part.kind == "function" and not any(item.text):
            out = self._more(item, "{}")  # clients parse arguments as JSON
        text = "".join(item.text)
        where = {"item_id": item.id, "output_index": item.place}
        if part.kind == "custom":
            out += self._event("response.custom_tool_call_input.done", {**where, "input": text})
            return out, _shell(part, item.id) | {"input": text}
        done = {**where, "name": part.name, "arguments": text}
        out += self._event("response.function_call_arguments.done", done)
        return out, _shell(part, item.id) | {"arguments": text, "status": "completed"}

    def _close_thought(self, item: _Item, index: int) -> tuple[bytes, Json | None]:
        part = item.part
        assert isinstance(part, Reasoning)
        out = self._close_paragraph(item)
        said = "".join(item.text)
        if said and part.origin.protocol == NAME:
            where = {"item_id": item.id, "output_index": item.place, "content_index": 0}
            out += self._event("response.reasoning_text.done", {**where, "text": said})
        paragraphs = tuple("".join(pieces) for pieces in item.summary)
        if part.origin.protocol == NAME or part.summary:
            whole = replace(part, text=said, summary=paragraphs)
        else:
            whole = replace(part, text="".join(paragraphs), summary=())
        return out, reasoning_item(whole, item.id)

    def _close_whole(self, item: _Item, index: int) -> tuple[bytes, Json | None]:
        body = render_item(item.part, self._id, index, self.losses)
        if body is None:
            return b"", None
        item.place, self._places = self._places, self._places + 1
        return self._event("response.output_item.added", {"output_index": item.place, "item": body}), body

    # the end of the answer

    def _usage_report(self, event: UsageReport) -> bytes:
        self._usage = event.usage if self._usage is None else self._usage.merge(event.usage)
        return b""

    def _ping(self, event: Ping) -> bytes:
        return _HEARTBEAT

    def _stop(self, event: MessageStop) -> bytes:
        ended = finish(event.stop)
        answer = self._answer() | ended
        return self._event(f"response.{ended['status']}", {"response": answer})

    def _answer(self) -> Json:
        usage = render_usage(self._usage) if self._usage is not None else None
        return self._envelope | {"output": [self._output[place] for place in sorted(self._output)], "usage": usage}

    def _error(self, event: StreamError) -> bytes:
        error = GatewayError(Kind(event.kind), event.message, code=event.code, type=event.type)
        if not self._envelope:
            self._envelope = envelope(self._reply, self._id, None, None, None)
        said = {"code": stream_code(error), "message": error.message}
        return self._event("response.failed", {"response": self._answer() | {"status": "failed", "error": said}})


def _shell(part: ResponsePart, item: str) -> Json:
    """An item as output_item.added says it: what is known at once."""
    if isinstance(part, Text | Refusal):
        own = part.extras.get(NAME, {}) if isinstance(part, Text) else {}
        own = {name: value for name, value in own.items() if name in ITEM_FIELDS}
        return {"id": item, "type": "message", "role": "assistant", "status": "in_progress", "content": []} | own
    if isinstance(part, ToolCall):
        body: Json = {"id": item, "call_id": part.id, "name": part.name}
        body |= {"namespace": part.namespace} if part.namespace is not None else {}
        body |= part.extras.get(NAME, {})
        if part.kind == "custom":
            return {"type": "custom_tool_call", "input": "", **body}
        return {"type": "function_call", "arguments": "", "status": "in_progress", **body}
    return {"id": item, "type": "reasoning", "summary": []}


def _empty(part: ResponsePart) -> Json:
    return text_part("") if isinstance(part, Text) else refusal_part("")


def _text_of(part: ResponsePart) -> str:
    if isinstance(part, ToolCall):
        return part.arguments
    return part.text if isinstance(part, Text | Refusal | Reasoning) else ""


def _delta_kind(part: ResponsePart) -> tuple[bytes, bytes]:
    """(event type, fields between output_index and delta)."""
    if isinstance(part, ToolCall):
        custom = part.kind == "custom"
        return b"response.custom_tool_call_input.delta" if custom else b"response.function_call_arguments.delta", b""
    return _DELTA_KINDS[type(part)], b',"content_index":0'


_DELTA_KINDS = {
    Text: b"response.output_text.delta",
    Refusal: b"response.refusal.delta",
    Reasoning: b"response.reasoning_text.delta",
}
_PREFIX: dict[type, str] = {
    Text: "msg",
    Refusal: "msg",
    ToolCall: "fc",
    Reasoning: "rs",
    Media: "ig",
    Opaque: "item",
}
_ENCODE: dict[type, Callable[[ResponsesEncoder, Any], bytes]] = {
    MessageStart: ResponsesEncoder._start,
    BlockStart: ResponsesEncoder._block_start,
    BlockDelta: ResponsesEncoder._block_delta,
    BlockStop: ResponsesEncoder._block_stop,
    UsageReport: ResponsesEncoder._usage_report,
    Ping: ResponsesEncoder._ping,
    MessageStop: ResponsesEncoder._stop,
    StreamError: ResponsesEncoder._error,
}
_DELTAS: dict[type, Callable[[ResponsesEncoder, _Item, Any], bytes]] = {
    TextDelta: ResponsesEncoder._text,
    SummaryDelta: ResponsesEncoder._summary,
    ReasoningDelta: ResponsesEncoder._state,
    CitationDelta: ResponsesEncoder._citation,
    PartDelta: ResponsesEncoder._whole_part,
}
_CLOSE: dict[type, Callable[[ResponsesEncoder, _Item, int], tuple[bytes, Json | None]]] = {
    Text: ResponsesEncoder._close_text,
    Refusal: ResponsesEncoder._close_refusal,
    ToolCall: ResponsesEncoder._close_call,
    Reasoning: ResponsesEncoder._close_thought,
    Media: ResponsesEncoder._close_whole,
    Opaque: ResponsesEncoder._close_whole,
}
