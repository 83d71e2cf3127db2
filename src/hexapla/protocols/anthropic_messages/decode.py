"""Messages streams, decoded.

The wire is nearly the interlingua's own grammar; what needs care is where servers deviate: data without `event:` lines, a
message_start that holds the whole answer, no message_start at all (llama.cpp), blocks stopped late and out of order,
delta types that did not exist a year ago, input counts that change at the end.

Terminal rules: message_stop ends the stream.  Without it, a stop reason in message_delta or in message_start makes a
clean end of the bytes an answer; anything else is truncation.

Rules of this file: one method for each event of the wire, found by table; nothing raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.errors import Kind
from hexapla.ir.content import Opaque, Reasoning, Text, ToolCall
from hexapla.ir.event import (
    BlockDelta,
    CitationDelta,
    Delta,
    MessageStart,
    MessageStop,
    PartDelta,
    Ping,
    ReasoningDelta,
    TextDelta,
    UsageReport,
)
from hexapla.ir.response import ResponsePart, Stop, Usage
from hexapla.protocols.anthropic_messages.blocks import parse_block, parse_citation
from hexapla.protocols.anthropic_messages.response import WireMessage, blocks_of, message_extras
from hexapla.protocols.anthropic_messages.words import NAME, ended, stop_of, usage_of
from hexapla.protocols.base import UNREADABLE
from hexapla.protocols.blocks import Blocks
from hexapla.protocols.failures import classify
from hexapla.protocols.frames import NO_ANSWER, FrameDecoder
from hexapla.protocols.unread import Look
from hexapla.wire.lenient import fit
from hexapla.wire.rawjson import NULL, UNDECODABLE, broken, copied, dump, load
from hexapla.wire.sse import Frame


class WireDelta(msgspec.Struct):
    """Every field that a delta of any kind may carry."""

    type: str | None = None
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    citation: Raw = Raw()
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Raw = Raw()
    container: Raw = Raw()
    usage: Raw = Raw()


class WireEvent(msgspec.Struct):
    type: str | None = None
    index: int | None = None
    message: WireMessage | None = None
    content_block: Raw = Raw()
    delta: WireDelta | None = None
    usage: Raw = Raw()
    error: Raw = Raw()
    context_management: Raw = Raw()


class _OpaqueEvent(msgspec.Struct):
    delta: dict[str, Any] = {}


_LOOK = Look(WireEvent, ("message.role", "delta.estimated_tokens", "amazon-bedrock-invocationMetrics"))


class MessagesDecoder(FrameDecoder):
    """See StreamDecoder (base.py)."""

    LOOK = _LOOK

    def __init__(self) -> None:
        super().__init__()
        self._blocks = Blocks()
        self._kinds: dict[int, ResponsePart] = {}  # open blocks: what they began as
        self._opaque: dict[int, dict[str, Any]] = {}  # open opaque blocks: their fields so far
        self._json: dict[int, str] = {}  # open opaque blocks: their input so far, as text
        self._given: dict[int, str] = {}  # open calls and texts: what their start holds, until deltas say it
        self._counts: dict[str, Raw] = {}  # usage so far, in the wire's own fields
        self._stop: Stop | None = None
        self._called = False
        self._extras: dict[str, Raw] = {}

    def _over(self) -> None:
        if self._stop is not None:
            self._on_message_stop(WireEvent(), b"")
        else:
            super()._over()

    def _frame(self, frame: Frame) -> None:
        if self.done:
            return
        try:
            event = self._read(frame.data)
        except UNDECODABLE:
            event = self._read_again(frame.data)
            if event is None:
                self._odd(frame)
                return
        self._handle(event, frame)

    def _handle(self, event: WireEvent, frame: Frame) -> None:
        handler = _EVENTS.get(event.type or frame.event)
        if handler is not None:
            handler(self, event, frame.data)
        elif frame.event == "error" or copied(event.error) is not None or not event.type:
            self._complain(frame)

    def _odd(self, frame: Frame) -> None:
        """Data that is no event: half a character, a field of another type, an error in any form, a foreign [DONE]."""
        if (mended := self._halves.mend(frame.data)) != frame.data:
            self._frame(Frame(frame.event, mended))
        elif (event := fit(frame.data, WireEvent)) is not None:
            self._handle(event, frame)
        elif not self._complain(frame) and broken(frame.data):
            self._fail(Kind.UPSTREAM_PROTOCOL, UNREADABLE)

    def _on_message_start(self, event: WireEvent, data: bytes) -> None:
        message = event.message or WireMessage()
        self._start(message)
        for index, raw in enumerate(blocks_of(message)):
            # programmatic tool calls: the whole message stands in message_start, and no deltas follow
            self._open(index, parse_block(Raw(bytes(raw))))
            self._close(index)
        if message.stop_reason is not None:
            self._stop = stop_of(message.stop_reason, message.stop_sequence, details=copied(message.stop_details))
            self.settled = True

    def _start(self, message: WireMessage) -> None:
        if self._started:
            return
        self._started = True
        self._events.append(
            MessageStart(
                id=message.id,
                model=message.model or None,
                usage=self._counted(message.usage),
                origin=NAME,
                extras=message_extras(message),
            )
        )

    def _counted(self, raw: Raw) -> Usage | None:
        """The counts so far.  A report names some of the fields that make one sum, so fields are what it replaces."""
        said = load(raw, dict[str, Raw])
        if said is None:
            return None
        self._counts |= {name: Raw(bytes(count)) for name, count in said.items() if count != NULL}
        return usage_of(dump(self._counts))

    def _on_block_start(self, event: WireEvent, data: bytes) -> None:
        index, part = event.index or 0, parse_block(Raw(bytes(event.content_block)))
        if isinstance(part, Opaque) and load(part.data, dict[str, Any]) is None:
            part = Text(text="")  # a block that cannot be read; its deltas say what it is
        given = ""
        if isinstance(part, ToolCall):
            # the input here is the place that input_json_delta fills; some say it whole, and then once more in deltas
            given, part = part.arguments, msgspec.structs.replace(part, arguments="")
        elif isinstance(part, Text) and part.text:
            given, part = part.text, msgspec.structs.replace(part, text="")
        self._open(index, part)
        if given and not (isinstance(part, ToolCall) and given.strip() in ("", "{}")):
            self._given[index] = given

    def _open(self, index: int, part: ResponsePart) -> None:
        self._start(WireMessage())  # llama.cpp leaves message_start out when its first token is half a character
        self._close(index)
        self._kinds[index] = part
        self._called = self._called or type(part) is ToolCall
        if isinstance(part, Opaque):
            self._opaque[index] = load(part.data, dict[str, Any]) or {}
        self._events.append(self._blocks.open(index, part))

    def _on_block_delta(self, event: WireEvent, data: bytes) -> None:
        index, delta = event.index or 0, event.delta or WireDelta()
        handler = _DELTAS.get(delta.type or "")
        part = self._kinds.get(index)
        if part is None:
            part = self._implied(index, delta)
        if handler is None or isinstance(part, Opaque):
            self._opaque_delta(index, data)
            return
        place = self._blocks.index(index)
        made = handler(delta)
        if type(made) is ReasoningDelta and not isinstance(part, Reasoning):
            made = None  # the proof of a thought that is none
        if place is not None and made is not None:
            if self._given and (given := self._given.pop(index, None)) is not None:
                self._say_given(place, part, given, made)
            self._events.append(BlockDelta(place, made))

    def _say_given(self, place: int, part: ResponsePart, given: str, made: Delta) -> None:
        """A text that its block's start holds, where the deltas do not say it once more (MiniMax does so:
        https://github.com/cline/cline/pull/9215, 2026-02)."""
        said = made.text if isinstance(made, TextDelta) else ""
        if isinstance(part, Text) and not (said and (said.startswith(given) or given.startswith(said))):
            self._events.append(BlockDelta(place, TextDelta(given)))

    def _implied(self, index: int, delta: WireDelta) -> ResponsePart:
        """A delta without its block's start: open the block that it speaks of."""
        part: ResponsePart = Text(text="")
        if delta.type in ("thinking_delta", "signature_delta"):
            part = parse_block(Raw(b'{"type":"thinking"}'))
        self._open(index, part)
        return part

    def _opaque_delta(self, index: int, data: bytes) -> None:
        """Deltas of blocks that only Messages knows are gathered into the block itself."""
        fields = self._opaque.get(index)
        if fields is None:
            return  # a new kind of delta for a known block (estimated_tokens ...) says nothing that we could carry
        delta = (load(data, _OpaqueEvent) or _OpaqueEvent()).delta
        if delta.pop("type", "") == "input_json_delta":
            self._json[index] = self._json.get(index, "") + str(delta.get("partial_json") or "")
            return
        for name, value in delta.items():
            before = fields.get(name)
            before = load(before, str) if isinstance(before, Raw) else before
            fields[name] = before + value if isinstance(before, str) and isinstance(value, str) else value

    def _on_block_stop(self, event: WireEvent, data: bytes) -> None:
        self._close(event.index or 0)

    def _close(self, index: int) -> None:
        part, place = self._kinds.pop(index, None), self._blocks.index(index)
        fields, given = self._opaque.pop(index, None), self._given.pop(index, None)
        if given is not None and place is not None:
            self._events.append(BlockDelta(place, TextDelta(given)))
        if isinstance(part, Opaque) and fields is not None and place is not None:
            text = self._json.pop(index, None)
            if text is not None:
                fields["input"] = Raw(text.encode()) if load(text.encode(), Any) is not None else text
            whole = msgspec.structs.replace(part, data=dump(fields))
            if whole.data != part.data:
                self._events.append(BlockDelta(place, PartDelta(whole)))
        self._events.extend(self._blocks.close(index))

    def _on_message_delta(self, event: WireEvent, data: bytes) -> None:
        self._start(WireMessage())
        delta = event.delta or WireDelta()
        if delta.stop_reason is not None:
            self._stop = stop_of(delta.stop_reason, delta.stop_sequence, details=copied(delta.stop_details))
        usage = self._counted(event.usage or delta.usage)
        if usage is not None:
            self._events.append(UsageReport(usage))
        for name, raw in (("container", delta.container), ("context_management", event.context_management)):
            if (found := copied(raw)) is not None:
                self._extras[name] = found
        self.settled = self._stop is not None

    def _on_message_stop(self, event: WireEvent, data: bytes) -> None:
        if not self._started:
            self._fail(Kind.UPSTREAM_EMPTY, NO_ANSWER)
            return
        for index in list(self._kinds):
            self._close(index)
        extras = {NAME: self._extras} if self._extras else {}
        self._events.append(MessageStop(stop=ended(self._stop, calls=self._called), extras=extras))
        self.done = self.settled = True

    def _on_ping(self, event: WireEvent, data: bytes) -> None:
        self._events.append(Ping())

    def _on_error(self, event: WireEvent, data: bytes) -> None:
        self._refuse(classify(200, {}, data))


def _citation(delta: WireDelta) -> CitationDelta | None:
    return CitationDelta(parse_citation(delta.citation)) if delta.citation else None


_EVENTS: dict[str, Callable[[MessagesDecoder, WireEvent, bytes], None]] = {
    "message_start": MessagesDecoder._on_message_start,
    "content_block_start": MessagesDecoder._on_block_start,
    "content_block_delta": MessagesDecoder._on_block_delta,
    "content_block_stop": MessagesDecoder._on_block_stop,
    "message_delta": MessagesDecoder._on_message_delta,
    "message_stop": MessagesDecoder._on_message_stop,
    "ping": MessagesDecoder._on_ping,
    "error": MessagesDecoder._on_error,
}

_DELTAS: dict[str, Callable[[WireDelta], TextDelta | ReasoningDelta | CitationDelta | None]] = {
    "text_delta": lambda delta: TextDelta(delta.text or ""),
    "input_json_delta": lambda delta: TextDelta(delta.partial_json) if delta.partial_json else None,
    "thinking_delta": lambda delta: TextDelta(delta.thinking) if delta.thinking else None,
    "signature_delta": lambda delta: ReasoningDelta(signature=delta.signature) if delta.signature else None,
    "citations_delta": _citation,
}
