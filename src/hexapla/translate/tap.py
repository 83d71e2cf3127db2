"""Reads usage, stop reason, errors and the terminal event from bytes that pass by.

The Verbatim lane must not pay for decoding what it only forwards.  So the tap decodes everything until content has
appeared (an error hidden in a 200 must be seen before anything is committed), and from then on only the events that
can matter: one look per protocol tells a plain content delta from the rest.  The rest goes through the protocol's own
decoder, so there is one place that knows what a finish reason or a usage report looks like.

A look that says "not plain" too often costs a microsecond; one that says "plain" too often would lose what it passed
over.  So each says it of nothing but events that carry content alone and are whole.

Rules of this file: in doubt an event is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from hexapla.ir.event import AnyEvent
from hexapla.protocols.base import StreamDecoder
from hexapla.protocols.openai_chat.alike import LEAD, PATIENCE, TAIL, Alike
from hexapla.translate.lane import is_content
from hexapla.translate.summary import Summary
from hexapla.wire.events import events, is_one
from hexapla.wire.rawjson import UNDECODABLE

DELTA_BYTES = 4
"""What a content delta counts for when nobody decodes it: providers send about a token a delta, about four bytes."""

Look = Callable[[bytes], bool]
"""Whether an event, as it stands in the stream, carries a content delta and nothing else."""


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


class Tap:
    """Feed whole events; read `summary` and the flags.

    done   the answer has ended;  after: what follows the event in which it did
    """

    __slots__ = ("_alike", "_chat", "_decoder", "_plain", "after", "committed", "done", "summary")

    def __init__(self, protocol: str, decoder: StreamDecoder, summary: Summary) -> None:
        self._alike = Alike(PATIENCE if protocol == "openai_chat" else 0)
        self._decoder = decoder
        self._plain = LOOKS[protocol]
        self._chat = protocol == "openai_chat"  # whose calls are looked through, however plain they are (callids.py)
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
        if self._alike.framed(data) or (
            is_one(data) and not (self._chat and OF_CALLS in data) and self._is_plain(data)
        ):
            self.summary.text_bytes += DELTA_BYTES
            return True
        return False

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

    def _note(self, found: list[AnyEvent]) -> None:
        for event in found:
            if not self.committed and is_content(event):
                self.committed = True
            self.summary.note(event)


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
