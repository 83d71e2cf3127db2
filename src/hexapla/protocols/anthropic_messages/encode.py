"""Events as a Messages stream.

The full envelope, however poor the upstream's was: message_start with a whole message object, one open block at a time,
`event:` lines (Claude Code refuses data without them), one message_delta with stop reason and final usage, message_stop.
After an error there is no message_stop.

Rules of this file: one method for each event, found by table; what Messages cannot say is a Loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from hexapla.ir.content import Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.envelope import seal
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
from hexapla.ir.fold import error_of, with_state, with_summary
from hexapla.ir.loss import LossLog
from hexapla.ir.response import ResponsePart, Usage
from hexapla.protocols.anthropic_messages.blocks import RENDER, SOURCES_ALONE, render_citation
from hexapla.protocols.anthropic_messages.errors import error_body
from hexapla.protocols.anthropic_messages.words import NAME, render_usage, say_stop
from hexapla.protocols.arguments import object_of
from hexapla.protocols.base import Reply
from hexapla.protocols.blocks import Nesting
from hexapla.wire.sse import frame

_json = msgspec.json.Encoder().encode
_PIECE = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":'
_PING = b'event: ping\ndata: {"type":"ping"}\n\n'


def _event(kind: str, body: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), _json({"type": kind, **body}))


class _Open(msgspec.Struct, eq=False):
    """The open block: what has been folded of it, and which wire index it has (None: nothing was said of it yet).

    prefix  how each piece of its text begins, once a first one was said
    """

    part: ResponsePart
    place: int | None = None
    prefix: bytes = b""
    text: list[str] = []
    cited: list[CitationDelta] = []  # before there was a text
    summary: int = 0


class MessagesEncoder:
    """See StreamEncoder."""

    def __init__(self, reply: Reply, losses: LossLog | None = None) -> None:
        self._reply = reply
        self._usage: Usage | None = None
        self._nesting = Nesting()
        self._open = _Open(Text(text=""))
        self._places = 0
        self._spoken = self._refused = False
        self.losses = LossLog() if losses is None else losses

    def encode(self, event: AnyEvent) -> bytes:
        if type(event) is BlockDelta and event.index == self._nesting.current:
            return _DELTAS[type(event.delta)](self, event.delta)
        return _ENCODE[type(event)](self, event)

    def more(self, index: int, text: str) -> bytes:
        prefix = self._open.prefix
        if prefix and index == self._nesting.current:
            return b"%b%b}}\n\n" % (prefix, _json(text))
        return self.encode(BlockDelta(index, TextDelta(text)))

    def _block(self, event: BlockStart | BlockDelta | BlockStop) -> bytes:
        now = self._nesting.feed(event)
        if len(now) == 1:  # the event itself, as nearly always
            return _BLOCKS[type(event)](self, event)
        return b"".join([_BLOCKS[type(nested)](self, nested) for nested in now])

    def close(self) -> bytes:
        return b""

    def _start(self, event: MessageStart) -> bytes:
        self._usage = event.usage
        usage = event.usage or Usage(input=self._reply.input_estimate)
        message: dict[str, Any] = {
            "id": event.id or self._reply.id,
            "type": "message",
            "role": "assistant",
            "model": event.model or self._reply.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": render_usage(usage),
            **event.extras.get(NAME, {}),
        }
        return _event("message_start", {"message": message})

    def _block_start(self, event: BlockStart) -> bytes:
        self._open = _Open(event.part)
        part = event.part
        if isinstance(part, Media | Opaque) or (isinstance(part, Reasoning) and not part.readable):
            return b""  # what it is, is known when it is whole
        if type(part) is Text and not part.text and self._places:
            return b""  # one that stays empty is refused when it comes back
        return self._begin()

    def _begin(self) -> bytes:
        """Say content_block_start for the open block."""
        part = self._open.part
        self._open.place = self._places
        self._places += 1
        block, said = _shell(part)
        start = _event("content_block_start", {"index": self._open.place, "content_block": block})
        return start + (self._piece(said) if said else b"")

    def _piece(self, text: str) -> bytes:
        """A piece of text in the delta that the open block's kind wants."""
        prefix = self._open.prefix or self._first_piece(text)
        return b"%b%b}}\n\n" % (prefix, _json(text))

    def _first_piece(self, text: str) -> bytes:
        block = self._open
        kind, name = _DELTA_OF[type(block.part)]
        prefix = _PIECE % (block.place or 0, kind, name)
        if text:
            self._spoken = self._spoken or isinstance(block.part, Text)
            self._refused = self._refused or isinstance(block.part, Refusal)
            block.prefix = prefix
        return prefix

    def _block_delta(self, event: BlockDelta) -> bytes:
        return _DELTAS[type(event.delta)](self, event.delta)

    def _text(self, delta: TextDelta) -> bytes:
        if delta.logprobs:
            self.losses.add("content.logprobs", "Messages has no log probabilities")
            if not delta.text:
                return b""
        block, text = self._open, delta.text
        if type(block.part) is Text:
            if block.prefix:  # nearly all there is
                return b"%b%b}}\n\n" % (block.prefix, _json(text))
        else:
            if isinstance(block.part, ToolCall) and block.part.kind == "custom":
                block.text.append(text)
                return b""
            if isinstance(block.part, Reasoning) and block.part.summary and not block.text:
                text = f"\n\n{text}"
            block.text.append(delta.text)
        if block.place is not None:
            return self._piece(text)
        begun = self._begin()
        return begun + b"".join([self._citation(cited) for cited in block.cited]) + self._piece(text)

    def _summary(self, delta: SummaryDelta) -> bytes:
        """Summary paragraphs as one text, a blank line between two."""
        part = self._open.part
        assert isinstance(part, Reasoning)
        begun = self._begin() if self._open.place is None else b""
        gap = "\n\n" if delta.part >= len(part.summary) > 0 else ""
        self._open.part = with_summary(part, delta)
        return begun + self._piece(gap + delta.text)

    def _state(self, delta: ReasoningDelta) -> bytes:
        assert isinstance(self._open.part, Reasoning)
        self._open.part = with_state(self._open.part, delta)
        return b""

    def _citation(self, delta: CitationDelta) -> bytes:
        if self._open.place is None:
            self._open.cited.append(delta)
            return b""
        raw = render_citation(delta.citation)
        if raw is None:
            self.losses.add("content.citations", "citations without an address have no place in Messages", "cosmetic")
            return b""
        return self._delta({"type": "citations_delta", "citation": raw})

    def _part(self, delta: PartDelta) -> bytes:
        self._open.part = delta.part
        return b""

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", {"index": self._open.place or 0, "delta": delta})

    def _block_stop(self, event: BlockStop) -> bytes:
        block, out = self._open, b""
        part = block.part
        if isinstance(part, Reasoning):
            out = self._close_thought(replace(part, text=part.text + "".join(block.text)), event.index)
        elif isinstance(part, Media | Opaque):
            out = self._whole(part, event.index)
        elif isinstance(part, ToolCall):
            out = self._close_call(part)
        if block.place is None:
            if block.cited:
                self.losses.add(f"content[{event.index}].citations", SOURCES_ALONE, "cosmetic")
            return out
        return out + _event("content_block_stop", {"index": block.place})

    def _close_thought(self, part: Reasoning, index: int) -> bytes:
        """The signature: the native one, or our envelope with everything that must come back."""
        native = part.origin.protocol == NAME
        if self._open.place is None:
            if native and part.encrypted is None and part.signature is None:
                return self._begin()
            return self._whole(part, index)
        signature = part.signature if native else seal(part)
        return self._delta({"type": "signature_delta", "signature": signature}) if signature else b""

    def _close_call(self, part: ToolCall) -> bytes:
        if part.kind != "custom":
            return b""
        part = replace(part, arguments=part.arguments + "".join(self._open.text))
        whole = object_of(part, "content", self.losses)
        return self._piece(bytes(whole).decode("utf-8", "replace"))

    def _whole(self, part: ResponsePart, index: int) -> bytes:
        """A block that is said in one piece: its start holds all of it."""
        block = RENDER[type(part)](part, self.losses, f"content[{index}]")
        if block is None:
            return b""
        self._open.place = self._places
        self._places += 1
        return _event("content_block_start", {"index": self._open.place, "content_block": block})

    def _usage_report(self, event: UsageReport) -> bytes:
        self._usage = event.usage if self._usage is None else self._usage.merge(event.usage)
        return b""

    def _ping(self, event: Ping) -> bytes:
        return _PING

    def _stop(self, event: MessageStop) -> bytes:
        reason, sequence = say_stop(event.stop)
        if self._refused and not self._spoken and reason == "end_turn":
            reason = "refusal"
        delta: dict[str, Any] = {"stop_reason": reason, "stop_sequence": sequence}
        if event.stop is not None:
            delta |= event.stop.extras.get(NAME, {})
        extras = dict(event.extras.get(NAME, {}))
        if "container" in extras:
            delta["container"] = extras.pop("container")
        usage = render_usage(self._usage)
        return _event("message_delta", {"delta": delta, "usage": usage, **extras}) + _event("message_stop", {})

    def _error(self, event: StreamError) -> bytes:
        return frame(error_body(error_of(event), typed=True), "error")


def _shell(part: ResponsePart) -> tuple[dict[str, Any], str]:
    """(block as content_block_start says it, text that must follow as a delta)."""
    if isinstance(part, ToolCall):
        block = {"type": "tool_use", "id": part.id, "name": part.name, "input": {}}
        return block | dict(part.extras.get(NAME, {})), part.arguments
    if isinstance(part, Reasoning):
        return {"type": "thinking", "thinking": "", "signature": ""} | dict(part.extras.get(NAME, {})), part.readable
    text = part.text if isinstance(part, Text | Refusal) else ""
    extras = part.extras.get(NAME, {}) if isinstance(part, Text) else {}
    return {"type": "text", "text": "", "citations": None, **extras}, text


_DELTA_OF: dict[type, tuple[bytes, bytes]] = {
    Text: (b"text_delta", b"text"),
    Refusal: (b"text_delta", b"text"),
    Reasoning: (b"thinking_delta", b"thinking"),
    ToolCall: (b"input_json_delta", b"partial_json"),
}
_ENCODE: dict[type, Callable[[MessagesEncoder, Any], bytes]] = {
    MessageStart: MessagesEncoder._start,
    BlockStart: MessagesEncoder._block,
    BlockDelta: MessagesEncoder._block,
    BlockStop: MessagesEncoder._block,
    UsageReport: MessagesEncoder._usage_report,
    Ping: MessagesEncoder._ping,
    MessageStop: MessagesEncoder._stop,
    StreamError: MessagesEncoder._error,
}
_BLOCKS: dict[type, Callable[[MessagesEncoder, Any], bytes]] = {
    BlockStart: MessagesEncoder._block_start,
    BlockDelta: MessagesEncoder._block_delta,
    BlockStop: MessagesEncoder._block_stop,
}
_DELTAS: dict[type, Callable[[MessagesEncoder, Any], bytes]] = {
    TextDelta: MessagesEncoder._text,
    SummaryDelta: MessagesEncoder._summary,
    ReasoningDelta: MessagesEncoder._state,
    CitationDelta: MessagesEncoder._citation,
    PartDelta: MessagesEncoder._part,
}
