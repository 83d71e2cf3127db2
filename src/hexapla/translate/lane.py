"""What a lane is: one attempt's translation, both ways.

Three lanes, the first that fits wins (see choose.py):

    verbatim  same protocol, no quirk applies     request bytes equal outside declared keys, response bytes as received
    patch     same protocol, top-level quirks     declared keys edited on raw values, unknown keys survive
    hub       everything else                     parse -> IR -> render; decode -> events -> encode; losses are said

A lane is opened per attempt (`open.py`); the exchange feeds it bytes and forwards what it returns.  Nothing here knows
sockets, clocks or retries.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator

import msgspec

from hexapla.ir.content import Text
from hexapla.ir.event import AnyEvent, BlockDelta, BlockStart, StreamError
from hexapla.ir.loss import Loss
from hexapla.translate.summary import Summary


def is_content(event: AnyEvent) -> bool:
    """Whether the client must hear of `event`, so that no other attempt can take over: anything said, and the beginning
    of anything but a text that is still empty.  (Where thought begins, minutes may pass before more is heard.)"""
    if isinstance(event, BlockStart):
        return not (type(event.part) is Text and not event.part.text)
    return type(event) is BlockDelta


class Stream(typing.Protocol):
    """A streaming answer on its way through a lane.

    committed  content has appeared: from here on the client must hear bytes, so no other attempt can take over
    failed     the upstream said that it failed, or its bytes end too early: there is a `summary.error`
    done       the terminal event was seen in what was fed;  settled: only a terminator may still follow
    """

    summary: Summary

    @property
    def committed(self) -> bool: ...
    @property
    def failed(self) -> bool: ...
    @property
    def done(self) -> bool: ...
    @property
    def settled(self) -> bool: ...

    def feed(self, data: bytes) -> bytes:
        """Upstream bytes in, client bytes out."""
        ...

    def close(self) -> bytes:
        """The upstream's bytes are over: what the client must still hear.  Afterwards `failed` is final."""
        ...

    def fail(self, error: StreamError) -> bytes:
        """The gateway itself ends the stream (time-out, reset): the dialect's error event, if none was sent yet."""
        ...

    def breaks(self) -> bool:
        """The answer ends before its end: whether another attempt may go on with it, which then keeps the error back
        until `fail` is called."""
        ...

    def beat(self) -> bytes:
        """A heartbeat in the client's dialect: life, not content."""
        ...


class Begun(msgspec.Struct):
    """The beginning of an answer at the end of a request.  `refused`: a target took none, so the next one is asked in
    words; mutable, for whoever hears of it."""

    refused: bool = False


class Lane(typing.Protocol):
    """One attempt's translation.

    name    verbatim | patch | hub
    begun   its request ends in the beginning of an answer, with which the target is to go on in a way of its own
    body    what to send upstream
    losses  what the request's rendering could not say, plus what answers lost so far
    """

    name: str
    begun: Begun | None
    body: bytes
    summary: Summary

    @property
    def losses(self) -> tuple[Loss, ...]: ...

    def answer(self, body: bytes) -> bytes:
        """A whole upstream answer -> the client's.  Raises UpstreamError for an error hidden in a 200, and for bytes
        that are no answer (kind upstream_protocol or upstream_empty)."""
        ...

    def stream(self) -> Stream:
        """Open the streaming direction."""
        ...

    def simulate(self, body: bytes) -> Iterator[bytes]:
        """A whole upstream answer -> the client's *stream*, piece by piece, for upstreams that ignore `stream: true`.
        Raises as `answer` does, before there is a first piece."""
        ...

    def gather(self, stream: bytes) -> bytes:
        """A whole upstream *stream* -> the client's answer, for upstreams that stream unasked."""
        ...
