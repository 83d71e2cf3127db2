"""Reads usage, stop reason, errors and the terminal event from bytes that pass by.

The Verbatim lane must not pay for decoding what it only forwards.  So the tap decodes everything until content has
appeared (an error hidden in a 200 must be seen before anything is committed), and from then on only the events that
can matter: one look per protocol tells a plain content delta from the rest.  The rest goes through the protocol's own
decoder, so there is one place that knows what a finish reason or a usage report looks like.

A look that says "not plain" too often costs a microsecond; one that says "plain" too often would lose what it passed
over.  So each says it of nothing but events that carry content alone and are whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from hexapla.ir.content import Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    BlockStart,
    MessageStart,
    MessageStop,
    StreamError,
    TextDelta,
    UsageReport,
)
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop
from hexapla.protocols.base import StreamDecoder
from hexapla.protocols.openai_chat.alike import LEAD, PATIENCE, TAIL, Alike
from hexapla.translate.lane import Summary
from hexapla.wire.rawjson import UNDECODABLE

DELTA_BYTES = 4
"""What a content delta counts for when nobody decodes it: providers send about a token a delta, about four bytes."""

Look = Callable[[bytes], bool]
"""Whether an event, as it stands in the stream, carries a content delta and nothing else."""

EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class _Choice(msgspec.Struct, gc=False):
    finish_reason: str | None = None
    usage: Any = None
    error: Any = None
    message: Any = None


class _Chunk(msgspec.Struct, gc=False):
    """The fields of a Chat chunk by which it matters; a null is as good as nothing."""

    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None
    x_groq: Any = None
    message: Any = None


_chunk = msgspec.json.Decoder(_Chunk).decode


def _plain_chat(event: bytes) -> bool:
    """Typed, because decoding the few fields costs a tenth of a regular expression that looks for them."""
    if not event.startswith(LEAD):
        return False
    try:
        chunk = _chunk(event[len(LEAD) :])
    except UNDECODABLE:
        return False
    if not chunk.choices or chunk.usage or chunk.error or chunk.x_groq or chunk.message:
        return False
    for choice in chunk.choices:  # noqa: SIM110 - a generator costs more than all the rest
        if choice.finish_reason or choice.usage or choice.error or choice.message:
            return False
    return True


def _matching(pattern: bytes) -> Look:
    """Plain is what begins like `pattern` and ends as JSON does: half an event must not pass as a whole one."""
    begins = re.compile(pattern).match
    return lambda event: begins(event) is not None and event.endswith(b"}\n\n")


_gemini_matters = re.compile(rb'"(?:finishReason|usageMetadata|error|promptFeedback|functionCall)"').search

MARK = b'"tool_calls"'
OF_CALLS = b"_call"
"""What stands in a Chat chunk that speaks of calls, be it of today or of 2023."""
CALLS: dict[str, re.Pattern[bytes]] = {
    "openai_chat": re.compile(rb'"(?:tool_calls|function_call)"'),
    "anthropic_messages": re.compile(rb'"input_json_delta"'),
}
"""What speaks of calls among plain events; elsewhere a call comes whole as well, in an event that is decoded anyway."""

LOOKS: dict[str, Look] = {
    "openai_chat": _plain_chat,
    "anthropic_messages": _matching(
        rb'event: content_block_delta\ndata: \{(?:"index":\s*\d+,\s*)?\s*"type":\s*"content_block_delta"'
    ),
    "openai_responses": _matching(rb'(?:event: [a-z_.]+\n)?data: \{\s*"type":\s*"response\.[a-z_]+\.delta"'),
    # a call decides what STOP means; counts stand in nearly every chunk, so nearly every one is decoded
    "gemini_generate": lambda event: (
        event.startswith(b"data:") and event.endswith(b"}\n\n") and _gemini_matters(event) is None
    ),
}


def is_one(data: bytes) -> bool:
    """Whether `data`, which ends in a blank line, is one event.

    Single bytes, and as numbers, because that is how bytes are searched at once: a whole stream's events come by here.
    """
    before = len(data) - 2
    return (data.find(10) == before or data.find(b"\n\n") == before) and 13 not in data


def events(data: bytes) -> list[bytes]:
    """The events of `data`, each with its blank line."""
    if is_one(data):
        return [data]
    if 13 in data:
        return EVENT_END.sub(lambda found: found.group() + b"\0", data).split(b"\0")
    found = [event + b"\n\n" for event in data.split(b"\n\n")]
    last = found.pop()
    return found if last == b"\n\n" else [*found, last[:-2]]


class Tap:
    """Feed whole events; read `summary` and the flags.

    done   the answer has ended;  after: what follows the event in which it did
    """

    __slots__ = ("_alike", "_decoder", "_mark", "_plain", "after", "committed", "done", "summary")

    def __init__(self, protocol: str, decoder: StreamDecoder, summary: Summary) -> None:
        self._alike = Alike(PATIENCE if protocol == "openai_chat" else 0)
        self._decoder = decoder
        self._plain = LOOKS[protocol]
        self._mark = OF_CALLS if protocol == "openai_chat" else MARK
        self.summary = summary
        self.committed = self.done = False
        self.after = b""

    @property
    def settled(self) -> bool:
        return self._decoder.settled

    def passes(self, data: bytes) -> bool:
        """Whether `data` is one event of plain content without calls, which is counted then and need not be fed."""
        if not self.committed:
            return False
        if not (self._alike.framed(data) or (is_one(data) and data.find(self._mark) < 0 and self._is_plain(data))):
            return False
        self.summary.text_bytes += DELTA_BYTES
        return True

    def _is_plain(self, event: bytes) -> bool:
        """Whether an event carries content alone; if so, the next one may be like it."""
        if not self._plain(event):
            return False
        if self._alike.patience:
            self._alike.learn(event[len(LEAD) : -len(TAIL)])
        return True

    def feed(self, data: bytes) -> list[bytes]:
        """Look at `data`, which passes by; return its events that were read, up to one that ended the answer."""
        mattered, alike = [], self._alike.framed
        coming = iter(events(data))
        for event in coming:
            if self.committed and (alike(event) or self._is_plain(event)):
                self.summary.text_bytes += DELTA_BYTES
                continue
            self._note(self._decoder.feed(event))
            mattered.append(event)
            if self._decoder.done:
                self.done = True
                self.after = b"".join(coming)
        return mattered

    def late(self, event: bytes) -> bool:
        """Whether an event that comes after the end reports usage, which is counted then."""
        reports = self._decoder.late(event)
        self._note([*reports])
        return bool(reports)

    def close(self) -> None:
        """The bytes are over."""
        self._note(self._decoder.close())

    def _note(self, events: list[AnyEvent]) -> None:
        for event in events:
            if not self.committed and is_content(event):
                self.committed = True
            note(self.summary, event)


class CallTap(Tap):
    """A tap that reads calls of tools as well, for `summary.calls`."""

    __slots__ = ("_speaks",)

    def __init__(self, protocol: str, decoder: StreamDecoder, summary: Summary) -> None:
        super().__init__(protocol, decoder, summary)
        if summary.calls is not None:
            decoder.expect(summary.calls.names)
        self._speaks = CALLS[protocol].search

    def _is_plain(self, event: bytes) -> bool:
        return self._speaks(event) is None and super()._is_plain(event)


def is_content(event: AnyEvent) -> bool:
    """Whether the client must hear of `event`, so that no other attempt can take over: anything said, and the beginning
    of anything but a text that is still empty.  (Where thought begins, minutes may pass before more is heard.)"""
    if isinstance(event, BlockStart):
        return not (type(event.part) is Text and not event.part.text)
    return type(event) is BlockDelta


def note_whole(summary: Summary, response: GenerateResponse) -> None:
    """Write into `summary` what an answer says of itself, as `note` does for its events."""
    summary.id, summary.model, summary.usage = response.id, response.model, response.usage
    summary.tier = response.service_tier
    note_stop(summary, response.stop)
    if summary.calls is not None:
        summary.calls.take(response.content)
    summary.text_bytes = sum(map(_size, response.content))


def _size(part: ResponsePart) -> int:
    """How much of a part its deltas would say as text."""
    if type(part) is Text or type(part) is Reasoning or type(part) is Refusal:
        return len(part.text)
    return len(part.arguments) if type(part) is ToolCall else 0


def note_stop(summary: Summary, stop: Stop | None) -> None:
    """Write into `summary` why an answer ended."""
    if stop is None:
        summary.stop = summary.native = None
    else:
        summary.stop, summary.native = stop.reason, stop.native
    if summary.calls is not None:
        summary.calls.stop = summary.stop


def note(summary: Summary, event: AnyEvent) -> None:
    """Write into `summary` what `event` says of the whole answer."""
    kind = type(event)
    if summary.calls is not None:
        summary.calls.hear(event)
    if kind is BlockDelta:
        assert isinstance(event, BlockDelta)
        if type(event.delta) is TextDelta:
            summary.text_bytes += len(event.delta.text)
    elif isinstance(event, MessageStart):
        summary.id = event.id
        summary.model = event.model
        summary.tier = event.service_tier
        if event.usage is not None:
            summary.usage = event.usage
    elif isinstance(event, UsageReport):
        summary.usage = event.usage if summary.usage is None else summary.usage.merge(event.usage)
    elif isinstance(event, MessageStop):
        note_stop(summary, event.stop)
    elif isinstance(event, StreamError):
        summary.error = event
