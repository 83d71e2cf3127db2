"""The stream vocabulary: what decoders emit and encoders accept.  Modelled on the richest wires (Messages, Responses).

    stream  = MessageStart (block | UsageReport | Ping)* (MessageStop | StreamError)   |   StreamError
    block i = BlockStart(i) BlockDelta(i)* BlockStop(i)

Several blocks may be open at once (Chat and Responses interleave tool calls); deltas of different blocks may alternate;
every block is stopped before MessageStop.  Indexes count from 0 in order of first appearance.  Nothing follows a
terminal event.  `grammar.py` is this paragraph as code.

Decoders close a block as soon as it can get no more (text when a call or reasoning begins, a call when the next begins
and its arguments are whole), so encoders of serial dialects hold as little as possible back.

Rules of this file: values only.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hexapla.ir.content import Citation, Extras
from hexapla.ir.response import ResponsePart, Stop, Usage


class Event(msgspec.Struct, frozen=True, tag_field="event", tag=True):
    """Base of all events."""


class MessageStart(Event, frozen=True, kw_only=True):
    """The answer begins.  `usage` holds early counts (Messages' message_start), if the wire gave any."""

    id: str | None = None
    model: str | None = None
    created: int | None = None
    usage: Usage | None = None
    service_tier: str | None = None
    origin: str = ""
    extras: Extras = {}


class BlockStart(Event, frozen=True):
    """A block opens.  `part` carries what is known at once: Text(text=""), ToolCall(id, name, arguments=""),
    Reasoning(origin=...), Refusal(text="").  Media and Opaque parts come whole, without deltas.
    Text that stands in `part` already counts as said (folding appends deltas to it)."""

    index: int
    part: ResponsePart


class TextDelta(msgspec.Struct, frozen=True, tag_field="delta", tag=True):
    """More of a Text or Refusal block, of a Reasoning block's `text`, or of a ToolCall's `arguments`."""

    text: str
    logprobs: tuple[Raw, ...] = ()


class SummaryDelta(msgspec.Struct, frozen=True, tag_field="delta", tag=True):
    """More of a Reasoning block's summary paragraph `part` (0-based; a new number opens a new paragraph)."""

    part: int
    text: str


class CitationDelta(msgspec.Struct, frozen=True, tag_field="delta", tag=True):
    """One more citation of a Text block."""

    citation: Citation


class ReasoningDelta(msgspec.Struct, frozen=True, tag_field="delta", tag=True, kw_only=True):
    """State of a Reasoning block that came late.  Each field that is not None replaces the block's own, except
    `details`: a JSON list of reasoning_details to append.

    pieces  a JSON list of reasoning_details as they just streamed in, ahead of the text that they repeat: for encoders of
            the same dialect only, which pass them on as they are; whoever folds waits for the whole `details`
    """

    signature: str | None = None
    encrypted: str | None = None
    details: Raw | None = None
    id: str | None = None
    pieces: Raw | None = None


class PartDelta(msgspec.Struct, frozen=True, tag_field="delta", tag=True):
    """Replaces an Opaque or Media block with its final form (its origin's deltas are folded by the decoder)."""

    part: ResponsePart


Delta = TextDelta | SummaryDelta | CitationDelta | ReasoningDelta | PartDelta


class BlockDelta(Event, frozen=True):
    """More of block `index`."""

    index: int
    delta: Delta


class BlockStop(Event, frozen=True):
    """Block `index` is complete."""

    index: int


class UsageReport(Event, frozen=True):
    """Counts so far; merged over earlier reports by `Usage.merge`."""

    usage: Usage


class Ping(Event, frozen=True):
    """The upstream is alive (ping event, comment); life, not progress."""


class MessageStop(Event, frozen=True, kw_only=True):
    """The answer is complete.  `stop` None: clean protocol end without a reason.  `service_tier`: the one that served,
    where the end tells it (Responses begins with the one that was asked for).  `extras`: unknown closing fields."""

    stop: Stop | None = None
    service_tier: str | None = None
    extras: Extras = {}


class StreamError(Event, frozen=True, kw_only=True):
    """The answer failed.  `kind` is an errors.Kind value; message, type and code are the upstream's own words."""

    kind: str
    message: str
    type: str | None = None
    code: str | None = None
    status: int | None = None
    retry_after: float | None = None


AnyEvent = MessageStart | BlockStart | BlockDelta | BlockStop | UsageReport | Ping | MessageStop | StreamError
