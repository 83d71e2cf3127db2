"""fold: events -> response; unfold: response -> events.

Stream aggregation and simulated streaming are these two functions and nothing else.  `fold(unfold(r)) == r` for every
response (a law test), so a stream and its non-stream twin are the same value.

What they are made of serves whoever reads or writes a stream piece by piece: what a block's start carries (`head_of`),
what a delta makes of a thought (`with_summary`, `with_state`), and which failure a StreamError is (`error_of`, `event_of`).

Rules of this file: pure; a delta that does not fit its part changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import GatewayError, Kind, UpstreamError
from hexapla.ir.content import Extras, Reasoning, Refusal, Text, ToolCall
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
    ReasoningDelta,
    StreamError,
    SummaryDelta,
    TextDelta,
    UsageReport,
)
from hexapla.ir.response import GenerateResponse, ResponsePart, Usage


class Fold:
    """Collects events; `response()` is the answer so far (whole after MessageStop)."""

    __slots__ = ("_blocks", "_start", "_stop", "_texts", "error", "usage")

    def __init__(self) -> None:
        self._start = MessageStart()
        self._stop: MessageStop | None = None
        self._blocks: list[ResponsePart] = []
        self._texts: list[list[str]] = []  # per block: pieces not yet joined
        self.usage: Usage | None = None
        self.error: StreamError | None = None

    def feed(self, event: AnyEvent) -> None:
        handler = _FEED.get(type(event))
        if handler is not None:
            handler(self, event)

    def _on_start(self, event: MessageStart) -> None:
        self._start = event
        if event.usage is not None:
            self._add_usage(event.usage)

    def _on_block_start(self, event: BlockStart) -> None:
        self._blocks.append(event.part)
        self._texts.append([])

    def _on_delta(self, event: BlockDelta) -> None:
        delta = event.delta
        if type(delta) is TextDelta:
            self._texts[event.index].append(delta.text)
            if delta.logprobs:
                part = self._blocks[event.index]
                if isinstance(part, Text):
                    self._blocks[event.index] = replace(part, logprobs=part.logprobs + delta.logprobs)
        else:
            self._blocks[event.index] = _APPLY[type(delta)](self._blocks[event.index], delta)

    def _on_usage(self, event: UsageReport) -> None:
        self._add_usage(event.usage)

    def _add_usage(self, usage: Usage) -> None:
        self.usage = usage if self.usage is None else self.usage.merge(usage)

    def _on_stop(self, event: MessageStop) -> None:
        self._stop = event

    def _on_error(self, event: StreamError) -> None:
        self.error = event

    def response(self) -> GenerateResponse:
        """The answer so far.  Raises UpstreamError when the stream ended in StreamError."""
        if self.error is not None:
            raise error_of(self.error)
        start, stop = self._start, self._stop
        return GenerateResponse(
            id=start.id,
            model=start.model,
            created=start.created,
            service_tier=(stop.service_tier if stop else None) or start.service_tier,
            origin=start.origin,
            content=tuple(_join(part, pieces) for part, pieces in zip(self._blocks, self._texts)),
            stop=stop.stop if stop else None,
            usage=self.usage,
            extras=_merge(start.extras, stop.extras) if stop else start.extras,
        )


_FEED: dict[type, Callable[[Fold, Any], None]] = {
    MessageStart: Fold._on_start,
    BlockStart: Fold._on_block_start,
    BlockDelta: Fold._on_delta,
    UsageReport: Fold._on_usage,
    MessageStop: Fold._on_stop,
    StreamError: Fold._on_error,
}


def fold(events: Iterable[AnyEvent]) -> GenerateResponse:
    """Gather a whole stream into the response that its non-stream twin would be.

    Raises UpstreamError when the stream ends in StreamError.
    """
    folding = Fold()
    for event in events:
        folding.feed(event)
    return folding.response()


def error_of(event: StreamError) -> UpstreamError:
    """The exception that a StreamError stands for."""
    return UpstreamError(
        Kind(event.kind),
        event.message,
        upstream_status=event.status,
        code=event.code,
        type=event.type,
        retry_after=event.retry_after,
    )


def event_of(error: GatewayError) -> StreamError:
    """A failure as the terminal event of a stream."""
    return StreamError(
        kind=error.kind,
        message=error.message,
        type=error.type,
        code=error.code,
        status=error.status,
        retry_after=error.retry_after,
    )


def unfold(response: GenerateResponse) -> Iterator[AnyEvent]:
    """Play a whole response as a stream, one delta a block."""
    yield MessageStart(
        id=response.id,
        model=response.model,
        created=response.created,
        service_tier=response.service_tier,
        origin=response.origin,
        extras=response.extras,
    )
    for index, part in enumerate(response.content):
        yield from _unfold_part(index, part)
    if response.usage is not None:
        yield UsageReport(response.usage)
    yield MessageStop(stop=response.stop)


def _unfold_part(index: int, part: ResponsePart) -> Iterator[AnyEvent]:
    yield BlockStart(index, head_of(part))
    for delta in _deltas(part):
        yield BlockDelta(index, delta)
    yield BlockStop(index)


def head_of(part: ResponsePart) -> ResponsePart:
    """What the start of a part's block carries: everything but what deltas bring.  Media and Opaque parts come whole."""
    if isinstance(part, Text):
        return replace(part, text="", citations=(), logprobs=())
    if isinstance(part, Refusal):
        return replace(part, text="")
    if isinstance(part, ToolCall):
        return replace(part, arguments="")
    if isinstance(part, Reasoning):
        return replace(part, text="", summary=(), signature=None, encrypted=None, details=None)
    return part


def _deltas(part: ResponsePart) -> list[Delta]:
    """What follows the start."""
    if isinstance(part, Text):
        said: list[Delta] = [TextDelta(part.text, part.logprobs)] if part.text or part.logprobs else []
        return said + [CitationDelta(citation) for citation in part.citations]
    if isinstance(part, Refusal):
        return [TextDelta(part.text)]
    if isinstance(part, ToolCall):
        return [TextDelta(part.arguments)] if part.arguments else []
    return _thought_deltas(part) if isinstance(part, Reasoning) else []


def _thought_deltas(part: Reasoning) -> list[Delta]:
    """Details first, since they repeat the text: whoever writes both can then write them together."""
    deltas: list[Delta] = [] if part.details is None else [ReasoningDelta(details=part.details)]
    deltas += [SummaryDelta(number, text) for number, text in enumerate(part.summary)]
    if part.text:
        deltas.append(TextDelta(part.text))
    late = ReasoningDelta(signature=part.signature, encrypted=part.encrypted)
    if late != ReasoningDelta():
        deltas.append(late)
    return deltas


def _join(part: ResponsePart, pieces: list[str]) -> ResponsePart:
    """`part` with its text pieces appended to the field that TextDelta speaks of."""
    if not pieces:
        return part
    text = "".join(pieces)
    if isinstance(part, Text | Refusal | Reasoning):
        return replace(part, text=part.text + text)
    if isinstance(part, ToolCall):
        return replace(part, arguments=part.arguments + text)
    return part


def with_summary(part: Reasoning, delta: SummaryDelta) -> Reasoning:
    """A thought with more of a summary paragraph."""
    summary = list(part.summary)
    summary.extend("" for _ in range(delta.part + 1 - len(summary)))
    summary[delta.part] += delta.text
    return replace(part, summary=tuple(summary))


def with_state(part: Reasoning, delta: ReasoningDelta) -> Reasoning:
    """A thought with state that came late."""
    known = {name: value for name in ("signature", "encrypted", "id") if (value := getattr(delta, name)) is not None}
    if not known and delta.details is None:
        return part
    return replace(part, **known, details=_with_details(part.details, delta.details))


def _with_citation(part: Text, delta: CitationDelta) -> Text:
    return replace(part, citations=(*part.citations, delta.citation))


Apply = Callable[[Any, Any], ResponsePart]


def _of(kind: type, apply: Apply) -> Apply:
    """A delta that is meant for parts of this kind; any other stays as it is."""
    return lambda part, delta: apply(part, delta) if isinstance(part, kind) else part


_APPLY: dict[type, Apply] = {
    SummaryDelta: _of(Reasoning, with_summary),
    CitationDelta: _of(Text, _with_citation),
    ReasoningDelta: _of(Reasoning, with_state),
    PartDelta: lambda part, delta: delta.part,
}


def _with_details(first: Raw | None, more: Raw | None) -> Raw | None:
    """Concatenate two raw JSON lists of reasoning details."""
    if first is None or more is None:
        return more if first is None else first
    joined = msgspec.json.decode(first, type=list[Raw]) + msgspec.json.decode(more, type=list[Raw])
    return Raw(msgspec.json.encode(joined))


def _merge(first: Extras, second: Extras) -> Extras:
    if not first or not second:
        return first or second
    return {origin: {**first.get(origin, {}), **second.get(origin, {})} for origin in {**first, **second}}
