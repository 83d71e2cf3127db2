"""One answer from its head to its last byte: what of it reaches the client, and when it counts as failed.

Until the first content byte is forwarded (the commit point) everything is held back, so that a failure stays invisible
and somebody else can be asked; after it a failure is the dialect's own error event, unless somebody else may go on with
the text (translate/resume.py), and nothing that was cut off ever looks like a success.

Rules of this file: a part of the exchange's generator, so no I/O; a failure is the value of a step, never an exception.
"""

from __future__ import annotations

from collections.abc import Generator

from hexapla.errors import GatewayError, Kind, UpstreamError
from hexapla.ir.fold import error_of, event_of
from hexapla.protocols import PROTOCOLS
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import (
    Chunk,
    Command,
    End,
    Expired,
    Fact,
    Failed,
    Finish,
    Forward,
    Head,
    Receive,
    Start,
    Steps,
)
from hexapla.routing.flow import Flow
from hexapla.routing.memory import SMALL, WEIGHT, Memory
from hexapla.routing.patience import Patience
from hexapla.routing.retry import RESUMES
from hexapla.translate.lane import Lane, Stream

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NO_STREAM = frozenset((b"{", b"[", b"<", b'"'))
"""How a body begins that is no stream, though one was asked for: JSON, or a web page."""

MOST_BLANKS = 64 * 1024  # bytes of white space before an answer that are kept, as they are part of it

DECLINED = "content_filter"
"""Why an answer stopped that says no more than that the model will not answer."""

MAX_ERROR_BODY = 1024 * 1024  # bytes of an error answer that are read


class Heard:
    """What the client has heard so far, whoever it came from.

    started  its response has begun, if only with heartbeats
    start    who has told content last;  stream: the one that did
    broken   what that stream broke off with, if another one may go on with it
    waits    somebody waits whom the client has named for a model that declines
    """

    __slots__ = ("broken", "start", "started", "stream", "streams", "waits")

    def __init__(self, *, streams: bool) -> None:
        self.streams = streams
        self.started = False
        self.start: Start | None = None
        self.stream: Stream | None = None
        self.broken: GatewayError | None = None
        self.waits = False

    @property
    def final(self) -> bool:
        """Content, with which nobody else can go on."""
        return self.start is not None and self.broken is None


class Reception:
    """Takes in the answer of one attempt.  `content`: when its content began, for a stream."""

    def __init__(
        self, lane: Lane, candidate: Candidate, heard: Heard, patience: Patience, start: Start, memory: Memory
    ) -> None:
        self._memory = memory
        self._held = 0  # of it
        self._lane = lane
        self._candidate = candidate
        self._heard = heard
        self._patience = patience
        self._start = start
        self._begun = False
        self.content: float | None = None

    def take(self, head: Head) -> Steps:
        """Everything after the head."""
        try:
            if head.status >= 300:
                error = yield from self._refusal(head)
            elif self._heard.streams:
                error = yield from self._stream_answer()
            else:
                error = yield from self._whole_answer()
        finally:
            self._memory.held -= self._held
        return recoded(error, self._candidate) if isinstance(error, UpstreamError) else error

    def beat(self) -> tuple[Start, bytes]:
        """A heartbeat for the time in which something is waited for."""
        self._heard.started = True
        return self._start, self._lane.stream().beat()

    def _refusal(self, head: Head) -> Steps:
        body = yield from self._read(limit=MAX_ERROR_BODY)
        if isinstance(body, GatewayError) and body.kind is not Kind.UPSTREAM_TRUNCATED:
            body = b""
        data = body if isinstance(body, bytes) else b""
        if head.status < 400:
            return UpstreamError(
                Kind.UPSTREAM_MISCONFIGURED,
                f"The provider answered with a redirect ({head.status}), which is never followed; correct its URL.",
                upstream_status=head.status,
            )
        protocol = PROTOCOLS[self._candidate.endpoint.protocol]
        return protocol.parse_error(head.status, head.headers, data)

    def _whole_answer(self) -> Steps:
        body = yield from self._read()
        if isinstance(body, GatewayError):
            return body
        try:
            answer = _whole(self._lane, body)
        except GatewayError as error:
            return error
        if self._declined:
            return _declines()
        yield from self._begin()
        yield Finish(answer)
        return None

    @property
    def _declined(self) -> bool:
        """The model has answered that it will not, and another one is to be asked then."""
        return self._heard.waits and self._lane.summary.stop == DECLINED

    def _read(self, limit: int = 0, data: bytes = b"") -> Generator[Command, Fact, bytes | GatewayError]:
        """The rest of the open response's body, after `data`; blanks before it are a server's heartbeats."""
        pieces, size = [data], len(data)
        begun = self._patience.clock() if data else None
        while True:
            fact = yield Receive(self._patience.more(begun))
            if isinstance(fact, Chunk):
                if fact.last and not size:
                    return fact.data
                if begun is None and not fact.data.isspace():
                    begun = self._patience.clock()
                pieces.append(fact.data)
                size += len(fact.data)
                if not fact.last and (not limit or size < limit):
                    if self._holds(len(fact.data)) and size > SMALL:
                        return self._memory.refusal()
                    continue
            elif not isinstance(fact, End):
                return failure(fact)
            return b"".join(pieces)

    def _holds(self, size: int) -> bool:
        """Count `size` bytes that are collected; whether that is too much."""
        self._held += WEIGHT * size
        self._memory.held += WEIGHT * size
        return self._memory.crowded()

    def _stream_answer(self) -> Steps:
        """Forward a stream, holding back until content has appeared."""
        first = yield from self._first_bytes()
        if isinstance(first, GatewayError):
            return first
        if not first:
            return _empty()
        if first.lstrip()[:1] in NO_STREAM:
            return (yield from self._simulated(first))
        flow = Flow(self._lane.stream(), self._patience, self._memory, keeps=self._lane.name == "hub")
        try:
            return (yield from self._forward(flow, first))
        finally:
            flow.forget()

    def _forward(self, flow: Flow, first: bytes) -> Steps:
        """A stream that begins with `first`, to its end."""
        error = yield from self._feed(flow, Chunk(first))
        while error is None and not flow.over:
            pour = flow.pour if self.content is not None else None
            fact = yield Receive(flow.deadline(), self.beat, pour, flow.deadline)
            error = yield from self._feed(flow, fact)
        if error is None:
            yield Finish()
            if not flow.ended:
                yield from self._drain()
        return error

    def _first_bytes(self) -> Generator[Command, Fact, bytes | GatewayError]:
        """The first bytes that are not white space: what is this, a stream or a JSON body?"""
        blanks = b""
        while True:
            fact = yield Receive(self._patience.content(), self.beat)
            if isinstance(fact, End):
                return b""
            if not isinstance(fact, Chunk):
                return failure(fact)
            if not fact.data.isspace():
                return blanks + fact.data
            if len(blanks) < MOST_BLANKS:
                blanks += fact.data

    def _simulated(self, data: bytes) -> Steps:
        """The upstream answered a stream request with one JSON body: play it as a stream."""
        body = yield from self._read(data=data)
        if isinstance(body, GatewayError):
            return body
        try:
            played = self._lane.simulate(body)
        except GatewayError as error:
            return error
        if self._declined:
            return _declines()
        del body  # a large one need not wait beside what was made of it
        yield from self._begin()
        for piece in played:
            if piece:
                yield Forward(piece)
        yield Finish()
        return None

    def _feed(self, flow: Flow, fact: Fact) -> Steps:
        """Put one fact through the lane and forward what comes out."""
        stream = flow.stream
        if isinstance(fact, Chunk):
            out = flow.pour(fact.data) if flow.poured is None else None
            if out is None:
                out, flow.poured = flow.poured or b"", None
            if stream.done:
                out += stream.close()
        elif isinstance(fact, End):
            flow.ended = True
            out = stream.close()
        elif isinstance(fact, Expired) and stream.settled:
            out = stream.close()
        else:
            error = failure(fact)
            return (yield from self._broken(flow, error)) if stream.committed else error
        flow.over = flow.ended or stream.done or stream.failed or isinstance(fact, Expired)
        return (yield from self._pass_on(flow, out))

    def _pass_on(self, flow: Flow, out: bytes) -> Steps:
        stream = flow.stream
        if stream.failed and not stream.committed:
            return _hidden(stream)
        if not stream.committed and self._declined:
            return _declines()
        if not stream.committed and not flow.over:
            flow.held.append(out)
            return None
        yield from self._say(flow, out)
        return (yield from self._broken(flow, _hidden(stream))) if stream.failed else None

    def _broken(self, flow: Flow, error: GatewayError) -> Steps:
        """The client has heard a part: another attempt goes on with it, or it hears of the error."""
        if error.kind in RESUMES and flow.stream.breaks():
            self._heard.broken = error
            return error
        yield from self._say(flow, flow.stream.fail(event_of(error)))
        yield Finish()
        return error

    def _say(self, flow: Flow, out: bytes) -> Generator[Command, Fact, None]:
        if self.content is None:
            self.content = self._patience.clock()
            self._heard.stream = flow.stream
            yield from self._begin()
        if flow.held:
            out = b"".join(flow.held) + out
            flow.held.clear()
        if out:
            yield Forward(out)

    def _begin(self) -> Generator[Command, Fact, None]:
        if not self._begun:  # the client may have heard of an attempt before this one
            self._begun = True
            heard = self._heard
            heard.started, heard.start, heard.broken = True, self._start, None
            yield self._start

    def _drain(self) -> Generator[Command, Fact, None]:
        """The client has everything; wait briefly for the body's end, so that the connection can be used again."""
        deadline = self._patience.settle()
        while isinstance((yield Receive(deadline)), Chunk):
            pass


def failure(fact: Fact) -> GatewayError:
    """What a fact that is no answer means."""
    if isinstance(fact, Failed):
        return fact.error
    return UpstreamError(Kind.TIMEOUT, "The provider did not answer in time.")


def _declines() -> UpstreamError:
    return UpstreamError(Kind.CONTENT_FILTER, "The model declined to answer.")


def _hidden(stream: Stream) -> GatewayError:
    """The error that a stream said of itself."""
    error = stream.summary.error
    assert error is not None
    return error_of(error)


def _whole(lane: Lane, body: bytes) -> bytes:
    """A whole answer through the lane, whether the upstream sent JSON or streamed unasked."""
    body = body.removeprefix(BYTE_ORDER_MARK)
    if body.lstrip()[:1] in (b"{", b"["):
        return lane.answer(body)
    if body.lstrip().startswith((b"data:", b"event:", b"id:", b":")):
        return lane.gather(body)
    if not body.strip():
        raise _empty()
    return lane.answer(body)


def _empty() -> UpstreamError:
    return UpstreamError(Kind.UPSTREAM_EMPTY, "The provider answered with an empty body.")


def recoded(error: UpstreamError, candidate: Candidate) -> UpstreamError:
    """`error` with the kind that the provider's own word stands for: its code, else its type.

    A full context is known by what the message says; vendors send it under codes that mean more than that.  So is an
    empty account where the type is all that the table knows: Anthropic calls it a rate_limit_error.
    """
    codes = {**candidate.provider.error_codes, **candidate.quirks.error_codes}
    if error.kind is not Kind.CONTEXT_LENGTH and error.code in codes:
        error.kind = Kind(codes[error.code])
    elif error.kind not in (Kind.CONTEXT_LENGTH, Kind.UPSTREAM_BILLING) and error.type in codes:
        error.kind = Kind(codes[error.type])
    return error
