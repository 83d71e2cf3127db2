"""Responses streams, decoded.

Items are keyed by output_index (Copilot changes item ids from event to event).  A message item has a block for each of
its content parts, every other item one block.  What only a `.done` event or the final object says is said then, so a
stream without deltas, or one whose final output is empty, still gives the whole answer.

Terminal rules: response.completed and response.incomplete end the stream; response.failed, response.cancelled and error
are failures; the end of the bytes before any of them is truncation.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import Kind, ProtocolError
from hexapla.ir.content import Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
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
from hexapla.ir.response import ResponsePart
from hexapla.protocols.blocks import Blocks
from hexapla.protocols.openai_responses.items import item_extras, parse_citation, parse_item
from hexapla.protocols.openai_responses.response import WireResponse, failure, stop_for
from hexapla.protocols.openai_responses.words import NAME, ORIGIN, usage_of
from hexapla.wire.rawjson import load
from hexapla.wire.sse import Frame, SSEDecoder


class WireEvent(msgspec.Struct):
    """Every field that an event of any kind may carry."""

    type: str | None = None
    output_index: int | None = None
    item_id: str | None = None
    content_index: int | None = None
    summary_index: int | None = None
    delta: str | dict[str, Any] | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    input: str | None = None
    logprobs: list[Raw] | None = None
    annotation: Raw = Raw()
    item: Raw = Raw()
    part: Raw = Raw()
    response: WireResponse | None = None
    error: Raw = Raw()


_decode = msgspec.json.Decoder(WireEvent).decode


class _Said:
    """What has been said of one open block: its text, and how many citations and summary paragraphs."""

    __slots__ = ("citations", "part", "summary", "text")

    def __init__(self, part: ResponsePart) -> None:
        self.part = part
        self.text = ""
        self.summary: list[str] = []
        self.citations = 0


class ResponsesDecoder:
    """See StreamDecoder.  `skipped` counts data lines that were no event of this protocol."""

    def __init__(self) -> None:
        self._sse = SSEDecoder()
        self._blocks = Blocks()
        self._said: dict[Hashable, _Said] = {}  # open blocks by key
        self._items: dict[int, Raw] = {}  # message items as they were added, for their extras
        self._finished: set[int] = set()  # items that are complete
        self._by_id: dict[str, int] = {}  # item id -> output index, for servers that name no index
        self._events: list[AnyEvent] = []
        self._started = False
        self._comments = 0
        self._parts: list[ResponsePart] = []  # every block's head, for the stop reason
        self.skipped = 0
        self.done = False
        self.settled = False

    def feed(self, data: bytes) -> list[AnyEvent]:
        if self.done:
            return []
        try:
            frames = self._sse.feed(data)
        except ProtocolError as error:
            self._fail(Kind.UPSTREAM_PROTOCOL, error.message)
            return self._take()
        if self._sse.comments != self._comments:
            self._comments = self._sse.comments
            self._events.append(Ping())
        for frame in frames:
            self._frame(frame)
        return self._take()

    def close(self) -> list[AnyEvent]:
        if self.done:
            return []
        for frame in self._sse.close():
            self._frame(frame)
        self._bytes_over()
        return self._take()

    def _bytes_over(self) -> None:
        if not self.done:
            self._fail(Kind.UPSTREAM_TRUNCATED, "The provider's stream ended before the answer was complete.")

    def _take(self) -> list[AnyEvent]:
        events, self._events = self._events, []
        return events

    def _frame(self, frame: Frame) -> None:
        if self.done or frame.data.strip() in (b"", b"[DONE]"):
            return
        try:
            event = _decode(frame.data)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            self._odd(frame)
            return
        handler = _EVENTS.get(event.type or frame.event)
        if handler is not None:
            handler(self, event, frame.data)
        elif event.error and event.error != Raw(b"null"):
            self._on_error(event, frame.data)

    def _odd(self, frame: Frame) -> None:
        """Data that is no event: an error in another form, or noise."""
        value = load(frame.data, dict[str, Any])
        if value is not None and (frame.event == "error" or value.get("error") or value.get("type") == "error"):
            self._on_error(WireEvent(), frame.data)
        elif value is None and load(frame.data, Any) is None and frame.data.strip() != b"[DONE]":
            self._fail(Kind.UPSTREAM_PROTOCOL, "The provider's stream holds an event that cannot be read.")
        else:
            self.skipped += 1

    def _index(self, event: WireEvent) -> int:
        """The item an event speaks of."""
        if event.output_index is not None:
            return event.output_index
        if event.item_id is not None:
            return self._by_id.setdefault(event.item_id, len(self._by_id))
        return max(self._items, default=0)

    def _start(self, answer: WireResponse) -> None:
        if self._started:
            return
        self._started = True
        self._events.append(
            MessageStart(
                id=answer.id,
                model=answer.model or None,
                created=int(answer.created_at) if answer.created_at is not None else None,
                service_tier=answer.service_tier,
                origin=NAME,
            )
        )

    def _on_created(self, event: WireEvent, data: bytes) -> None:
        self._start(event.response or WireResponse())

    def _on_ping(self, event: WireEvent, data: bytes) -> None:
        self._events.append(Ping())

    # blocks

    def _open(self, key: Hashable, part: ResponsePart) -> _Said:
        """Open a block under `key`, or find it open."""
        said = self._said.get(key)
        if said is None:
            self._start(WireResponse())
            said = self._said[key] = _Said(part)
            self._parts.append(part)
            self._events.append(self._blocks.open(key, part))
        return said

    def _delta(self, key: Hashable, delta: Any) -> None:
        index = self._blocks.index(key)
        assert index is not None
        self._events.append(BlockDelta(index, delta))

    def _say(self, key: Hashable, part: ResponsePart, text: str, logprobs: tuple[Raw, ...] = ()) -> None:
        said = self._open(key, part)
        said.text += text
        if text or logprobs:
            self._delta(key, TextDelta(text, logprobs))

    def _complete(self, key: Hashable, part: ResponsePart, text: str) -> None:
        """A `.done` event or a whole item: say what the deltas did not."""
        said = self._open(key, part)
        if len(text) > len(said.text) and text.startswith(said.text):
            self._say(key, part, text[len(said.text) :])

    def _close(self, key: Hashable) -> None:
        if self._said.pop(key, None) is not None:
            self._events.extend(self._blocks.close(key))

    # items

    def _on_item_added(self, event: WireEvent, data: bytes) -> None:
        index = self._index(event)
        fields = load(event.item, dict[str, Raw]) or {}
        item_id = load(fields.get("id", Raw()), str)
        if item_id is not None:
            self._by_id.setdefault(item_id, index)
        kind = load(fields.get("type", Raw()), str)
        self._items[index] = Raw(bytes(event.item))
        if kind in ("message", None):
            return  # its blocks are its content parts
        for part in parse_item(event.item):
            self._open(index, _head(part))

    def _on_item_done(self, event: WireEvent, data: bytes) -> None:
        self._finish_item(self._index(event), event.item)

    def _finish_item(self, index: int, item: Raw) -> None:
        """A whole item: say what is missing of it, and close its blocks."""
        if index in self._finished:
            return
        self._finished.add(index)
        self._items.setdefault(index, Raw(bytes(item)))
        texts = 0
        for part in parse_item(item):
            key: Hashable = index
            if isinstance(part, Text | Refusal):
                key, texts = (index, texts), texts + 1
            self._finish_part(key, part)
            self._close(key)
        for key in [k for k in self._said if k == index or (isinstance(k, tuple) and k[0] == index)]:
            self._close(key)

    def _finish_part(self, key: Hashable, part: ResponsePart) -> None:
        if isinstance(part, Text):
            self._complete(key, _head(part), part.text)
            said = self._said[key]
            for citation in part.citations[said.citations :]:
                self._delta(key, CitationDelta(citation))
        elif isinstance(part, Refusal):
            self._complete(key, _head(part), part.text)
        elif isinstance(part, ToolCall):
            self._complete(key, _head(part), part.arguments)
        elif isinstance(part, Reasoning):
            self._finish_thought(key, part)
        else:
            self._open(key, part)
            if self._said[key].part != part:
                self._delta(key, PartDelta(part))

    def _finish_thought(self, key: Hashable, part: Reasoning) -> None:
        said = self._open(key, _head(part))
        for number, paragraph in enumerate(part.summary):
            before = said.summary[number] if number < len(said.summary) else ""
            if number >= len(said.summary) or (len(paragraph) > len(before) and paragraph.startswith(before)):
                self._summarise(key, number, paragraph[len(before) :])
        self._complete(key, _head(part), part.text)
        late = ReasoningDelta(encrypted=part.encrypted, signature=part.signature, details=part.details, id=part.id)
        head = said.part
        assert isinstance(head, Reasoning)
        if late != ReasoningDelta(encrypted=head.encrypted, id=head.id):
            self._delta(key, late)

    def _summarise(self, key: Hashable, number: int, text: str) -> None:
        said = self._open(key, Reasoning(form="reasoning", origin=ORIGIN))
        said.summary.extend("" for _ in range(number + 1 - len(said.summary)))
        said.summary[number] += text
        self._delta(key, SummaryDelta(number, text))

    # deltas

    def _text_key(self, event: WireEvent) -> tuple[int, int]:
        return self._index(event), event.content_index or 0

    def _text_head(self, index: int) -> Text:
        raw = self._items.get(index)
        fields = (load(raw, dict[str, Raw]) or {}) if raw is not None else {}
        return Text(text="", extras=item_extras(fields))

    def _on_part_added(self, event: WireEvent, data: bytes) -> None:
        kind = (load(event.part, _Kind) or _Kind()).type
        if kind in ("output_text", "text"):
            self._open(self._text_key(event), self._text_head(self._index(event)))
        elif kind == "refusal":
            self._open(self._text_key(event), Refusal(text=""))

    def _on_text(self, event: WireEvent, data: bytes) -> None:
        key = self._text_key(event)
        probs = tuple(Raw(bytes(p)) for p in event.logprobs or ())
        head = self._text_head(key[0]) if key not in self._said else Text(text="")
        self._say(key, head, _delta_text(event), probs)

    def _on_text_done(self, event: WireEvent, data: bytes) -> None:
        key = self._text_key(event)
        self._complete(key, self._text_head(key[0]), event.text or "")

    def _on_refusal(self, event: WireEvent, data: bytes) -> None:
        self._say(self._text_key(event), Refusal(text=""), _delta_text(event))

    def _on_refusal_done(self, event: WireEvent, data: bytes) -> None:
        self._complete(self._text_key(event), Refusal(text=""), event.refusal or "")

    def _on_annotation(self, event: WireEvent, data: bytes) -> None:
        key = self._text_key(event)
        said = self._open(key, self._text_head(key[0]))
        said.citations += 1
        self._delta(key, CitationDelta(parse_citation(event.annotation)))

    def _on_summary_part(self, event: WireEvent, data: bytes) -> None:
        number, said = event.summary_index or 0, self._said.get(self._index(event))
        if said is None or number >= len(said.summary):
            self._summarise(self._index(event), number, "")

    def _on_summary(self, event: WireEvent, data: bytes) -> None:
        self._summarise(self._index(event), event.summary_index or 0, _delta_text(event))

    def _on_thought(self, event: WireEvent, data: bytes) -> None:
        self._say(self._index(event), Reasoning(form="reasoning", origin=ORIGIN), _delta_text(event))

    def _on_arguments(self, event: WireEvent, data: bytes) -> None:
        self._say(self._index(event), ToolCall(id="", name=""), _delta_text(event))

    def _on_arguments_done(self, event: WireEvent, data: bytes) -> None:
        text = event.input if event.arguments is None else event.arguments
        self._complete(self._index(event), ToolCall(id="", name=""), text or "")

    # the end

    def _on_end(self, event: WireEvent, data: bytes) -> None:
        answer = event.response or WireResponse()
        self._start(answer)
        for index, item in enumerate(answer.output or ()):
            self._finish_item(index, item)
        for key in list(self._said):
            self._close(key)
        usage = usage_of(answer.usage)
        if usage is not None:
            self._events.append(UsageReport(usage))
        if answer.status is None:
            answer.status = "incomplete" if event.type == "response.incomplete" else "completed"
        self._events.append(MessageStop(stop=stop_for(answer, tuple(self._parts))))
        self.done = self.settled = True

    def _on_error(self, event: WireEvent, data: bytes) -> None:
        error = failure(data, event.response.status if event.response is not None else None)
        self._events.append(
            StreamError(
                kind=error.kind,
                message=error.message,
                type=error.type,
                code=error.code,
                status=error.upstream_status,
                retry_after=error.retry_after,
            )
        )
        self.done = True

    def _fail(self, kind: Kind, message: str) -> None:
        self._events.append(StreamError(kind=kind, message=message))
        self.done = True


class _Kind(msgspec.Struct):
    type: str | None = None


def _delta_text(event: WireEvent) -> str:
    if isinstance(event.delta, dict):  # an early form of summary deltas: {"text": ...}
        text = event.delta.get("text")
        return text if isinstance(text, str) else ""
    return event.delta or ""


def _head(part: ResponsePart) -> ResponsePart:
    """What a block's start carries: everything but what deltas bring."""
    if isinstance(part, Text):
        return replace(part, text="", citations=(), logprobs=())
    if isinstance(part, Refusal):
        return Refusal(text="")
    if isinstance(part, ToolCall):
        return replace(part, arguments="")
    if isinstance(part, Reasoning):
        return replace(part, text="", summary=(), encrypted=None, signature=None, details=None)
    return part


_D = ResponsesDecoder
_EVENTS: dict[str, Callable[[ResponsesDecoder, WireEvent, bytes], None]] = {
    "response.created": _D._on_created,
    "response.in_progress": _D._on_created,
    "response.queued": _D._on_created,
    "response.output_item.added": _D._on_item_added,
    "response.output_item.done": _D._on_item_done,
    "response.content_part.added": _D._on_part_added,
    "response.output_text.delta": _D._on_text,
    "response.output_text.done": _D._on_text_done,
    "response.output_text.annotation.added": _D._on_annotation,
    "response.refusal.delta": _D._on_refusal,
    "response.refusal.done": _D._on_refusal_done,
    "response.reasoning_summary_part.added": _D._on_summary_part,
    "response.reasoning_summary_text.delta": _D._on_summary,
    "response.reasoning_summary.delta": _D._on_summary,
    "response.reasoning_text.delta": _D._on_thought,
    "response.reasoning.delta": _D._on_thought,
    "response.function_call_arguments.delta": _D._on_arguments,
    "response.function_call_arguments.done": _D._on_arguments_done,
    "response.custom_tool_call_input.delta": _D._on_arguments,
    "response.custom_tool_call_input.done": _D._on_arguments_done,
    "response.completed": _D._on_end,
    "response.incomplete": _D._on_end,
    "response.done": _D._on_end,
    "response.failed": _D._on_error,
    "response.cancelled": _D._on_error,
    "error": _D._on_error,
    "keepalive": _D._on_ping,
    "ping": _D._on_ping,
    "response.heartbeat": _D._on_ping,
}
