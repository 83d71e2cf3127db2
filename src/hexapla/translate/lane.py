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

import msgspec
from msgspec.structs import replace

from hexapla.ir.event import StreamError
from hexapla.ir.loss import Loss
from hexapla.ir.response import Usage
from hexapla.translate.calls import Calls

BYTES_PER_TOKEN = 4
"""The rule of thumb behind every estimate: English text has about four bytes a token."""


class Stage(msgspec.Struct, frozen=True):
    """Something that the gateway did for a request beside translating it.

    type, name  OpenRouter's words (https://openrouter.ai/docs/guides/features/router-metadata; openrouter-python 1.3.84)
    summary     for people
    """

    type: str
    name: str
    summary: str


class Summary(msgspec.Struct, kw_only=True, gc=False):
    """What passed: filled in while a lane works, read by the ledger.  Mutable on purpose: it is a lane's notebook."""

    id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    stop: str | None = None
    native: str | None = None  # the upstream's own word for `stop`
    tier: str | None = None  # the service tier at which it was served, in the upstream's own word
    text_bytes: int = 0  # size of the content that went to the client, for an estimate when usage is missing
    error: StreamError | None = None
    calls: Calls | None = None  # of tools, where the request has any
    stages: tuple[Stage, ...] = ()

    def spent(self, asked: int) -> Usage:
        """What an attempt that was not heard to its end has used, by estimate where it did not say; `asked`: bytes of
        its request.  (An early report knows the input; its output is a placeholder.)"""
        known = self.usage or Usage()
        return replace(
            known,
            input=asked // BYTES_PER_TOKEN if known.input is None else known.input,
            output=max(known.output or 0, self.text_bytes // BYTES_PER_TOKEN),
        )


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

    def simulate(self, body: bytes) -> bytes:
        """A whole upstream answer -> the client's *stream*, for upstreams that ignore `stream: true`."""
        ...

    def gather(self, stream: bytes) -> bytes:
        """A whole upstream *stream* -> the client's answer, for upstreams that stream unasked."""
        ...
