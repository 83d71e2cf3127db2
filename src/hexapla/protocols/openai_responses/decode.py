"""Responses streams, decoded: frames to events.

A method for every event of the wire, found by table; what the events amount to is kept by `said.py`.  Items are known by
their place (`output_index`), since Copilot changes item ids from event to event; servers that send no place (llama.cpp)
are followed by item id, and by order last.

Terminal rules: response.completed and response.incomplete end the stream; response.failed, response.cancelled and error are
failures; the end of the bytes before any of them is truncation, whatever was said until then.

Rules of this file: nothing raises; nothing is remembered here but in `said.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from hexapla.errors import Kind
from hexapla.ir.content import Reasoning, Refusal, Text
from hexapla.ir.event import BlockDelta, MessageStart, MessageStop, Ping, TextDelta, UsageReport
from hexapla.ir.response import ResponsePart
from hexapla.protocols.base import UNREADABLE
from hexapla.protocols.frames import FrameDecoder
from hexapla.protocols.openai_responses.items import parse_logprob
from hexapla.protocols.openai_responses.response import failed, failure, stop_for, with_searches
from hexapla.protocols.openai_responses.said import Said
from hexapla.protocols.openai_responses.schema import EVENT, WireEvent, WireResponse
from hexapla.protocols.openai_responses.words import NAME, ORIGIN, usage_of
from hexapla.protocols.typed import present
from hexapla.wire.lenient import fit
from hexapla.wire.rawjson import UNDECODABLE, broken, load
from hexapla.wire.sse import Frame

_THOUGHT = Reasoning(form="reasoning", origin=ORIGIN)


class _Part(msgspec.Struct):
    type: str | None = None


class ResponsesDecoder(FrameDecoder):
    """See StreamDecoder (base.py)."""

    LOOK = EVENT

    def __init__(self) -> None:
        super().__init__()
        self._said = Said(self._events)

    def _frame(self, frame: Frame) -> None:
        data = frame.data
        if self.done or data.strip() in (b"", b"[DONE]"):
            return
        try:
            event = self._read(data)
        except UNDECODABLE:
            event = self._read_again(data)
        if event is None:
            if (mended := self._halves.mend(data)) != data:
                self._frame(Frame(frame.event, mended))
                return
            fitted = fit(data, WireEvent)
            if fitted is None:
                self._odd(frame)
                return
            event = fitted
        handler = _EVENTS.get(event.type or frame.event)
        if handler is not None:
            handler(self, event, data)
        elif frame.event == "error" or present(event.error) is not None or not event.type:
            self._complain(frame)

    def _odd(self, frame: Frame) -> None:
        """Data that is no event of any form: an error, or noise."""
        if not self._complain(frame) and broken(frame.data):
            self._fail(Kind.UPSTREAM_PROTOCOL, UNREADABLE)

    # the answer

    def _start(self, answer: WireResponse) -> None:
        if self._started:
            return
        self._started = True
        self._events.append(
            MessageStart(
                id=answer.id,
                model=answer.model or None,
                created=answer.created,
                service_tier=answer.service_tier or None,
                origin=NAME,
            )
        )

    def _on_begun(self, event: WireEvent, data: bytes) -> None:
        self._start(event.response or WireResponse())

    def _on_ping(self, event: WireEvent, data: bytes) -> None:
        self._events.append(Ping())

    def _on_end(self, event: WireEvent, data: bytes) -> None:
        answer = event.response or WireResponse()
        if failed(answer):
            self._on_error(event, data)
            return
        self._start(answer)
        if answer.status is None:
            answer.status = "incomplete" if event.type == "response.incomplete" else "completed"
        self._said.finish(answer.output or ())
        self._report(answer, self._said.parts)
        stop = stop_for(answer, self._said.parts)
        self._events.append(MessageStop(stop=stop, service_tier=answer.service_tier or None))
        self.done = self.settled = True

    def _report(self, answer: WireResponse, said: Sequence[ResponsePart] = ()) -> None:
        usage = usage_of(answer.usage)
        if len(said) > 1:
            usage = with_searches(usage, said)
        if usage is not None and self._started:
            self._events.append(UsageReport(usage))

    def _on_error(self, event: WireEvent, data: bytes) -> None:
        answer = event.response or WireResponse()
        self._report(answer)
        self._refuse(failure(data, answer.status))

    # items

    def _on_item_added(self, event: WireEvent, data: bytes) -> None:
        self._start(WireResponse())
        self._said.begin(event.output_index, event.item)

    def _on_item_done(self, event: WireEvent, data: bytes) -> None:
        self._start(WireResponse())
        self._said.end(event.output_index, event.item)

    # content

    def _block(self, event: WireEvent, part: Text | Refusal | Reasoning) -> tuple[int, int]:
        """The key of the block that an event speaks of, begun as `part` where it was never heard of.

        A call is not begun so: it has no name yet, and the whole item will tell all of it.
        """
        self._start(WireResponse())
        said = self._said
        place = said.place(event.output_index, event.item_id)
        index = event.content_index or 0
        key = (place, index) if said.has_parts(place, part) else (place, 0)
        said.open(key, part)
        return key

    def _on_part_added(self, event: WireEvent, data: bytes) -> None:
        kind = (load(event.part, _Part) or _Part()).type
        if kind in ("output_text", "text"):
            self._block(event, Text(text=""))
        elif kind == "refusal":
            self._block(event, Refusal(text=""))

    def _on_text(self, event: WireEvent, data: bytes) -> None:
        open_block = self._said.blocks.get((event.output_index, event.content_index))  # the usual case, and the hot one
        delta = event.delta
        if open_block is None or type(delta) is not str or event.logprobs:
            self._on_odd_text(event)
            return
        open_block.pieces.append(delta)
        self._events.append(BlockDelta(open_block.index, TextDelta(delta)))

    def _on_odd_text(self, event: WireEvent) -> None:
        probabilities = tuple([parse_logprob(probability) for probability in event.logprobs or ()])
        self._said.say(self._block(event, Text(text="")), _delta_text(event), probabilities)

    def _on_text_done(self, event: WireEvent, data: bytes) -> None:
        self._said.complete(self._block(event, Text(text="")), event.text or "")

    def _on_annotation(self, event: WireEvent, data: bytes) -> None:
        self._said.cite(self._block(event, Text(text="")), event.annotation)

    def _on_refusal(self, event: WireEvent, data: bytes) -> None:
        self._said.say(self._block(event, Refusal(text="")), _delta_text(event))

    def _on_refusal_done(self, event: WireEvent, data: bytes) -> None:
        self._said.complete(self._block(event, Refusal(text="")), event.refusal or "")

    def _on_summary_part(self, event: WireEvent, data: bytes) -> None:
        self._said.summarise(self._block(event, _THOUGHT), event.summary_index or 0, "")

    def _on_summary(self, event: WireEvent, data: bytes) -> None:
        self._said.summarise(self._block(event, _THOUGHT), event.summary_index or 0, _delta_text(event))

    def _on_summary_done(self, event: WireEvent, data: bytes) -> None:
        self._said.complete_summary(self._block(event, _THOUGHT), event.summary_index or 0, event.text or "")

    def _on_thought(self, event: WireEvent, data: bytes) -> None:
        self._said.say(self._block(event, _THOUGHT), _delta_text(event))

    def _on_thought_done(self, event: WireEvent, data: bytes) -> None:
        key = self._block(event, _THOUGHT)
        if not event.content_index:  # a later part's text is not the whole thought
            self._said.complete(key, event.text or "")

    def _on_arguments(self, event: WireEvent, data: bytes) -> None:
        self._said.say((self._said.place(event.output_index, event.item_id), 0), _delta_text(event))

    def _on_arguments_done(self, event: WireEvent, data: bytes) -> None:
        text = event.input if event.arguments is None else event.arguments
        self._said.complete((self._said.place(event.output_index, event.item_id), 0), text or "")


def _delta_text(event: WireEvent) -> str:
    if isinstance(event.delta, dict):
        text = event.delta.get("text")
        return text if isinstance(text, str) else ""
    return event.delta or ""


_D = ResponsesDecoder
_EVENTS: dict[str, Callable[[ResponsesDecoder, WireEvent, bytes], None]] = {
    "response.created": _D._on_begun,
    "response.in_progress": _D._on_begun,
    "response.queued": _D._on_begun,
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
    "response.reasoning_summary_text.done": _D._on_summary_done,
    "response.reasoning_summary.delta": _D._on_summary,
    "response.reasoning_text.delta": _D._on_thought,
    "response.reasoning_text.done": _D._on_thought_done,
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
