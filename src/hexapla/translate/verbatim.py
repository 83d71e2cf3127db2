"""The Verbatim and Patch lanes: the client's own bytes, with a few top-level keys edited.

Requests: one level of the JSON is split, the declared keys are replaced, every other byte stays.  Answers: bytes as
received, in whole events.  A tap reads what the ledger needs; if the upstream's stream fails or ends too early, the
dialect's error event follows the last whole event, whatever the upstream said in its place: half an event would have to be
parsed by the client, and a failure in a form of the vendor's own would not be heard.

An answer's last event is the last thing that a client hears, though vendors say more: another dialect's `[DONE]` (25 of
3,319 recorded Responses streams), a ping, the end once more.  All that counts there is usage in the same bytes as Chat's
[DONE].  In later bytes it does not: the record is written before the client has its last byte (engine/recorder.py), so the
client would have to wait for what nobody is known to say so late (none of 116 recorded streams).

Rules of this file: what need not change is neither parsed nor copied; no half event reaches the client.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import Kind, ProtocolError
from hexapla.ir.event import MessageStart, Ping, StreamError
from hexapla.ir.fold import fold, unfold
from hexapla.ir.loss import Loss, LossLog
from hexapla.protocols.base import Protocol, Reply
from hexapla.protocols.error_types import ERROR_TYPES
from hexapla.protocols.failures import no_answer
from hexapla.translate.callids import with_ids
from hexapla.translate.chunks import Chunks
from hexapla.translate.itemids import with_call_ids
from hexapla.translate.lane import Begun, Stream
from hexapla.translate.messages import Messages, with_use_ids
from hexapla.translate.named import named
from hexapla.translate.outputs import NUMBER, Outputs
from hexapla.translate.peek import Peek
from hexapla.translate.played import played
from hexapla.translate.summary import Summary
from hexapla.translate.tap import CALLS, CallTap, Tap
from hexapla.wire.events import EVENT_END, events
from hexapla.wire.rawjson import NULL, broken, dump, join, load, split
from hexapla.wire.sse import MAX_EVENT, SSEDecoder, frame, too_long

_USAGE_ONLY = re.compile(rb'"choices":\s*(?:\[\s*\]|null)')
EXPECTED = {
    "openai_chat": ("system_fingerprint",),
    "openai_responses": ("completed_at", "presence_penalty", "frequency_penalty"),
}
"""Fields without which OpenRouter's SDK takes a whole answer for none (openrouter-python 1.3.84, 2026-11)."""

_BLANK = b"\n\n"
_DONE = b"[DONE]"
_CHAT, _MESSAGES, _RESPONSES = "openai_chat", "anthropic_messages", "openai_responses"
_FAILED = Raw(b'"response.failed"')
_LAST_WORDS = {
    _CHAT: b"data: [DONE]\n\n",
    _MESSAGES: b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
}
"""How a dialect's whole answer ends, which one in fifty lacks; some programs wait for it."""

_MENDED: dict[str, type[Chunks | Outputs | Messages]] = {_CHAT: Chunks, _MESSAGES: Messages, _RESPONSES: Outputs}
"""What adds to a dialect's streams what its clients cannot do without."""

_CALLED: dict[str, Callable[[bytes, Peek | None], bytes]] = {
    _CHAT: with_ids,
    _MESSAGES: with_use_ids,
    _RESPONSES: with_call_ids,
}
"""The same for the calls of a whole answer; the second argument is the request."""


class Verbatim(msgspec.Struct, eq=False):
    """One attempt in the client's own protocol.

    asked       the client's request; `body`, what is sent of it, is given back once it was
    hide_usage  the usage chunk was asked for by us, not by the client, and is taken out of the stream
    losses      what the edits took from the request
    """

    _protocol: Protocol
    _reply: Reply
    _asked: Peek
    body: bytes
    name: str = "verbatim"
    hide_usage: bool = False
    losses: tuple[Loss, ...] = ()
    begun: Begun | None = None
    summary: Summary = msgspec.field(default_factory=Summary)

    def answer(self, body: bytes) -> bytes:
        try:
            seen = self._protocol.glance(body)
        except ProtocolError as error:
            raise no_answer(body, self._protocol.name, error) from None
        summary, stop = self.summary, seen.stop
        summary.id, summary.model, summary.usage, summary.tier = seen.id, seen.model, seen.usage, seen.service_tier
        if stop is not None:
            summary.stop, summary.native = stop.reason, stop.native
        summary.text_bytes = len(body)
        if summary.calls is not None:
            summary.calls.body, summary.calls.stop = body, summary.stop
        if self._reply.openrouter:
            body = _completed(body, self._protocol.name, self._reply.provider)
        if seen.usual or self._protocol.name not in _CALLED:
            return body
        return _CALLED[self._protocol.name](body, self._asked)

    def simulate(self, body: bytes) -> Iterator[bytes]:
        answer = self._protocol.parse_response(self.answer(body))
        return played(unfold(answer), self._protocol.encoder(self._reply))

    def gather(self, stream: bytes) -> bytes:
        decoder = self._protocol.decoder()
        decoder.expect(())  # all of it is here, so nothing is lost by waiting for the rest of any name
        response = fold([*decoder.feed(stream), *decoder.close()])
        return self.answer(self._protocol.render_response(response, self._reply, LossLog()))

    def stream(self) -> Stream:
        return VerbatimStream(self._protocol, self._reply, self.summary, hide_usage=self.hide_usage, asked=self._asked)


class VerbatimStream:
    """Bytes that pass by, event by whole event."""

    def __init__(
        self, protocol: Protocol, reply: Reply, summary: Summary, *, hide_usage: bool, asked: Peek | None = None
    ) -> None:
        self._protocol = protocol
        self._reply = reply
        tap = CallTap if summary.calls is not None and protocol.name in CALLS else Tap
        self._tap = tap(protocol.name, protocol.decoder(), summary)
        self._hide_usage = hide_usage
        self._held = bytearray()  # of an event whose end has not come yet
        self._said = b""  # the last events that passed, one of them with a number where the dialect counts them
        self.done = False
        mend = _MENDED.get(protocol.name)
        self._mend = mend(asked) if mend is not None else None
        self._nameless = protocol.name == _CHAT  # until a chunk has said what it is
        self.summary = summary

    @property
    def committed(self) -> bool:
        return self._tap.committed

    @property
    def failed(self) -> bool:
        return self.summary.error is not None

    @property
    def settled(self) -> bool:
        return self._tap.settled

    def feed(self, data: bytes) -> bytes:
        if self._held or not data.endswith(_BLANK):
            data = b"" if self.done else self._whole(data)
            if len(self._held) > MAX_EVENT:
                return self._too_long()
        if not data or self.done:
            return b""
        if self._nameless:
            data = self._named(data)
        tap = self._tap
        if tap.passes(data):  # nearly all there is
            self._said = data
            return data
        mattered = tap.feed(data)
        if tap.done:
            return self._ended(data, mattered)
        return self._mended(data, mattered)

    def close(self) -> bytes:
        if self.done:
            return b""
        said = self._unended()
        if self._tap.done:
            return said
        self.done = True
        self._tap.close()
        error = self.summary.error
        return said + (_LAST_WORDS.get(self._protocol.name, b"") if error is None else self._say(error))

    def _unended(self) -> bytes:
        """What the client hears of an event whose last blank line is missing; half of one is nothing."""
        event = bytes(self._held).rstrip(b"\r\n") + _BLANK
        self._held.clear()
        frames = [inner.data for inner in SSEDecoder().feed(event) if not broken(inner.data)]
        said = self.feed(event) if frames else b""  # be it an error in words
        return said if self.done or all(map(_is_whole, frames)) else b""

    def _ended(self, data: bytes, mattered: list[bytes]) -> bytes:
        """What the client hears of `data`, in which the answer ends; whatever comes after that is nobody's."""
        self.done = True
        last, after, error = mattered[-1], self._tap.after, self.summary.error
        data = data[: len(data) - len(last) - len(after)]
        if error is not None:
            return self._mended(data, mattered[:-1]) + self._told(last, error)
        return self._mended(data + (self._late(after) if after else b"") + last, mattered)

    def _mended(self, data: bytes, mattered: list[bytes]) -> bytes:
        """Whole events as the client is to hear them.  `mattered`: those of them that were read."""
        if type(self._mend) is Outputs and NUMBER.search(data):
            self._said = data
        if self._hide_usage:
            data = _without_usage(data, mattered)
        return data if self._mend is None else self._mend.stream(data, mattered)

    def fail(self, error: StreamError) -> bytes:
        if self.done or self.failed:
            return b""
        self.summary.error = error
        return self._say(error)

    def breaks(self) -> bool:
        return False

    def beat(self) -> bytes:
        return self._protocol.encoder(self._reply).encode(Ping())

    def _late(self, rest: bytes) -> bytes:
        """What of the events after the last word the client is to hear before it: usage, which some servers say so late.
        Whatever else is there is nobody's answer."""
        if self.summary.usage is not None:
            return b""
        reports = [event for event in events(rest) if self._tap.late(event) and _USAGE_ONLY.search(event)]
        return b"" if self._hide_usage else b"".join(reports)

    def _named(self, data: bytes) -> bytes:
        data, right = named(data)
        self._nameless = not right
        return data

    def _told(self, event: bytes, error: StreamError) -> bytes:
        """The error that `event` is.  A `response.failed` tells more than ours would: what was said, and what was used."""
        failed = _failed(event, error) if self._protocol.name == _RESPONSES else b""
        return failed or self._say(error)

    def _say(self, error: StreamError) -> bytes:
        """Our error event, under the answer's own id and with its next number: OpenAI's SDK refuses a `response.failed`
        with another id.  The client has heard the answer's beginning."""
        summary = self.summary
        encoder = self._protocol.encoder(replace(self._reply, id=summary.id or self._reply.id))
        encoder.encode(MessageStart(id=summary.id, model=summary.model))
        said = encoder.encode(error)
        return self._mend.failed(said, self._said) if isinstance(self._mend, Outputs) else said

    def _whole(self, data: bytes) -> bytes:
        """All of `data` that is complete events; the rest is held until its end comes."""
        held = self._held
        lines = b"\n" in data or b"\r" in data
        if not lines or EVENT_END.search(held[-3:] + data) is None:  # without looking again through all that is held
            held += data
            return b""
        data = b"".join((held, data))
        end = 0
        for found in EVENT_END.finditer(data):
            end = found.end()
        self._held = bytearray(data[end:])
        return data[:end]

    def _too_long(self) -> bytes:
        """An event has no end: the error, in its place."""
        self._held.clear()
        self.done = True
        error = self.summary.error = StreamError(kind=Kind.UPSTREAM_PROTOCOL, message=too_long(MAX_EVENT))
        return self._say(error)


def _completed(body: bytes, protocol: str, provider: str) -> bytes:
    """A whole answer with what OpenRouter's SDK demands of one, where the upstream does not say it; null is enough."""
    fields = split(body)
    said = {name: NULL for name in EXPECTED.get(protocol, ()) if name not in fields}
    if protocol == _CHAT and "provider" not in fields:
        said["provider"] = dump(provider)
    return join({**fields, **said}) if said else body


def _failed(event: bytes, error: StreamError) -> bytes:
    """A `response.failed` that says why, with OpenRouter's word for it; b"" for any other event."""
    for inner in SSEDecoder().feed(event):
        fields = load(inner.data, dict[str, Raw]) or {}
        response = load(fields.get("response", NULL), dict[str, Raw]) or {}
        if fields.get("type") == _FAILED and response.get("error", NULL) != NULL:
            typed = join({**response, "error_type": dump(ERROR_TYPES[Kind(error.kind)])})
            return frame(join({**fields, "response": Raw(typed)}), "response.failed")
    return b""


def _is_whole(data: bytes) -> bool:
    """Whether an event's data is all of itself, be there more of it or not."""
    return data == _DONE or load(data, Any) is not None


def _without_usage(data: bytes, mattered: list[bytes]) -> bytes:
    """`data` without Chat chunks that carry usage and no choice."""
    for event in mattered:
        if b'"usage"' in event and _USAGE_ONLY.search(event):
            data = data.replace(event, b"", 1)
    return data
