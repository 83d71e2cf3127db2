"""One client request from the first attempt to the last byte, as a generator without I/O.

`exchange` yields commands and receives facts; a driver executes them.  Retry, fallback, the commit point, heartbeats
and every timer are decided here and nowhere else, so thousands of fault schedules can be simulated in a second.

    command                      fact that answers it
    Send(request, deadline)      Head | Failed | Expired
    Receive(deadline)            Chunk | End | Failed | Expired
    LogIn(login, refused)        Token | Failed | Expired
    Sleep(seconds)               None
    Start(status, headers)       None       the client's response begins
    Forward(data)                None       bytes for the client
    Finish()                     None       the client's response is complete
    Drop()                       None       the upstream response is given back or closed
    Note(tried)                  None       one attempt is over

Rules of this file:
- Until the first content byte is forwarded (the commit point) a failure is invisible: another try or endpoint follows.
- After it, a failure is the dialect's own error event.  A truncated stream never looks like a success.
- The generator never blocks, never looks at a clock of its own, and is closed (GeneratorExit) when the client leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence

import msgspec

from hexapla.auth.grant import Token
from hexapla.errors import ClientError, GatewayError, Kind, ProtocolError, RoutingError, UpstreamError
from hexapla.ir.event import StreamError
from hexapla.ir.fold import error_of
from hexapla.ir.response import Usage
from hexapla.protocols import PROTOCOLS
from hexapla.routing.candidate import Candidate
from hexapla.routing.retry import RetryPolicy, delay, verdict
from hexapla.translate.lane import Lane, Stream

MAX_ERROR_BODY = 1024 * 1024  # bytes of an error answer that are read
SETTLE_SECONDS = 0.5  # how long a terminator may take after everything that matters was seen


class Timers(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds; 0 means none.  `first` and `progress` count content, `idle` counts any byte, pings included."""

    first: float = 120.0
    idle: float = 120.0
    progress: float = 300.0
    total: float = 1800.0
    beat: float = 15.0


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, ready to be sent: the lane, and the transport's own request, which is opaque here."""

    lane: Lane
    request: object


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that is over.  Times are the clock's own.

    renews  its login's token was refused, and the same endpoint is asked again with another one
    first   when its content began, for a stream
    usage   its tokens, where they are known
    headers of its head
    """

    candidate: Candidate
    lane: str
    started: float
    ended: float
    status: int | None = None
    error: GatewayError | None = None
    renews: bool = False
    first: float | None = None
    usage: Usage | None = None
    headers: Mapping[str, str] = {}


# Commands


Beat = Callable[[], "tuple[Start, bytes]"]
"""Called by the driver when the client has heard nothing for a while: how its response begins (to be said once) and
the heartbeat's bytes."""


class Send(msgspec.Struct, frozen=True):
    request: object
    deadline: float
    beat: Beat | None = None


class Receive(msgspec.Struct, frozen=True):
    deadline: float
    beat: Beat | None = None


class LogIn(msgspec.Struct, frozen=True):
    """Make sure that `login` has a token: one that can be sent, or another one than the `refused`."""

    login: object
    refused: Token | None
    deadline: float


class Sleep(msgspec.Struct, frozen=True):
    seconds: float


class Start(msgspec.Struct, frozen=True):
    """`tried` is how many attempts were made, this one included; `since` when this one began."""

    lane: Lane
    candidate: Candidate
    stream: bool
    tried: int
    since: float


class Forward(msgspec.Struct, frozen=True):
    data: bytes


class Finish(msgspec.Struct, frozen=True):
    """`data` are the last bytes, if there are any left."""

    data: bytes = b""


class Drop(msgspec.Struct, frozen=True):
    pass


class Note(msgspec.Struct, frozen=True):
    tried: Tried


Command = Send | Receive | LogIn | Sleep | Start | Forward | Finish | Drop | Note

# Facts


class Head(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]


class Chunk(msgspec.Struct, frozen=True):
    data: bytes


class End(msgspec.Struct, frozen=True):
    pass


class Failed(msgspec.Struct, frozen=True):
    error: UpstreamError


class Expired(msgspec.Struct, frozen=True):
    pass


Fact = Head | Chunk | End | Token | Failed | Expired | None

Steps = Generator[Command, Fact, "GatewayError | None"]
"""A part of an exchange; its value is the error that ended it, or None for success."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an exchange ended.  `error` with `started` False must still be told to the client."""

    error: GatewayError | None
    started: bool
    lane: Lane | None
    candidate: Candidate | None
    tried: int


class Exchange:
    """The state of one exchange: who is tried, what the client has heard.

    open_call  renders the request for a candidate; may raise ClientError or ProtocolError
    admit      says after how many seconds a candidate may be asked, or why not at present (True: there is nobody else);
               whoever was admitted is in `asking` until noted
    may_retry  whether the retry budget of the whole gateway allows one more
    tell       an error as the client dialect's terminal stream event
    clock      monotonic seconds;  chance: draws from [0, 1)
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        open_call: Callable[[Candidate], Call],
        tell: Callable[[GatewayError], bytes],
        *,
        stream: bool,
        timers: Timers,
        retry: RetryPolicy,
        clock: Callable[[], float],
        chance: Callable[[], float],
        admit: Callable[[Candidate, bool], GatewayError | float] = lambda candidate, forced: 0.0,
        may_retry: Callable[[], bool] = lambda: True,
    ) -> None:
        self._candidates = candidates
        self._admit = admit
        self._may_retry = may_retry
        self._open = open_call
        self._tell_error = tell
        self._stream = stream
        self._timers = timers
        self._retry = retry
        self._clock = clock
        self._chance = chance
        self._end = _after(clock(), timers.total)
        self._spared: list[Candidate] = []  # who was not admitted
        self._place = 0  # how many candidates have had their turn, the present one included
        self._tried = 0
        self._since = clock()
        self._first: float | None = None  # when the present attempt's content began
        self._started = False
        self._flow: Stream | None = None  # the stream that is being forwarded
        self.lane: Lane | None = None
        self.candidate: Candidate | None = None
        self.asking: Candidate | None = None

    def run(self) -> Generator[Command, Fact, Outcome]:
        """Try the candidates in order until one answers."""
        error: GatewayError | None = None
        for candidate in self._candidates:
            self._place += 1
            error = yield from self._candidate(candidate)
            if error is None or self._said_content or not verdict(error).fall_back or self._late:
                break
        else:
            error = error or RoutingError("No endpoint can serve this request.")
        if not self._tried and self._spared:
            error = yield from self._attempt(self._spared[0], forced=True)  # a gateway's caution must not be the outage
        if error is not None and self._started and not self._said_content:
            yield from self._tell(error)
        return Outcome(error=error, started=self._started, lane=self.lane, candidate=self.candidate, tried=self._tried)

    @property
    def _said_content(self) -> bool:
        return self._started and not (self._stream and (self._flow is None or not self._flow.committed))

    @property
    def _late(self) -> bool:
        return self._clock() >= self._end

    def _candidate(self, candidate: Candidate) -> Steps:
        """Ask one endpoint, as often as the table allows."""
        tries = 0
        while True:
            tries += 1
            self.candidate = candidate
            error = yield from (self._attempt(candidate) if candidate.login is None else self._logged_in(candidate))
            if error is None or self._said_content or (error.kind is Kind.RATE_LIMIT and self._has_spare(candidate)):
                return error
            pause = delay(error, tries, self._retry, self._chance)
            if pause is None or self._clock() + pause >= self._end or not self._may_retry():
                return error
            yield Sleep(pause)

    def _has_spare(self, candidate: Candidate) -> bool:
        """Another key of the same provider is still to come: it serves at once what this one would have to wait for."""
        return any(
            later.credential != candidate.credential and later.provider.id == candidate.provider.id
            for later in self._candidates[self._place :]
        )

    def _logged_in(self, candidate: Candidate) -> Steps:
        """One call with a login's token, which is renewed once when the provider refuses it."""
        token = yield from self._token(candidate, None)
        if not isinstance(token, Token):
            return token
        error = yield from self._attempt(candidate, renews=True)
        if not _refused(error) or self._said_content:
            return error
        other = yield from self._token(candidate, token)
        if not isinstance(other, Token):
            return other
        return (yield from self._attempt(candidate))

    def _token(self, candidate: Candidate, refused: Token | None) -> Generator[Command, Fact, Token | GatewayError]:
        """The login's token; where there is none, an attempt that failed."""
        self._since = self._clock()
        fact = yield LogIn(candidate.login, refused, self._deadline(first=True))
        if isinstance(fact, Token):
            return fact
        error = self._failure(fact)
        if isinstance(error, UpstreamError):
            error.provider = candidate.provider.id
        yield Note(Tried(candidate=candidate, lane="", started=self._since, ended=self._clock(), error=error))
        return error

    def _attempt(self, candidate: Candidate, *, renews: bool = False, forced: bool = False) -> Steps:
        """One call of one endpoint, noted.

        renews  when its token is refused, another one follows;  forced: nobody else can be asked
        """
        self._since = self._clock()
        try:
            call = self._open(candidate)
        except ProtocolError as error:
            return ClientError(Kind.INVALID_REQUEST, error.message, param=param_of(error.path))
        except ClientError as error:
            return error
        admitted = self._admit(candidate, forced)
        if isinstance(admitted, GatewayError):
            self._spared.append(candidate)
            return admitted
        self.asking = candidate
        if admitted:
            yield Sleep(admitted)
            self._since = self._clock()
        self._tried += 1
        self._first = None
        self.lane = call.lane
        status: int | None = None
        headers: Mapping[str, str] = {}
        beat = self._beat(call.lane, candidate, call.lane.stream()) if self._stream else None
        fact = yield Send(call.request, self._deadline(first=self._stream), beat)
        if isinstance(fact, Head):
            status, headers = fact.status, fact.headers
            error_or_none = yield from self._answer(call, candidate, fact)
        else:
            error_or_none = self._failure(fact)
        yield Drop()
        if isinstance(error_or_none, UpstreamError):
            error_or_none.provider = candidate.provider.id
        self.asking = None
        yield Note(
            Tried(
                candidate=candidate,
                lane=call.lane.name,
                started=self._since,
                ended=self._clock(),
                status=status,
                error=error_or_none,
                renews=renews and _refused(error_or_none),
                first=self._first,
                usage=call.lane.summary.usage,
                headers=headers,
            )
        )
        return error_or_none

    def _answer(self, call: Call, candidate: Candidate, head: Head) -> Steps:
        """Take in an answer whose head has arrived."""
        if head.status >= 300:
            return (yield from self._refusal(candidate, head))
        if self._stream:
            return (yield from self._stream_answer(call, candidate))
        return (yield from self._whole_answer(call, candidate))

    def _refusal(self, candidate: Candidate, head: Head) -> Steps:
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
        protocol = PROTOCOLS[candidate.endpoint.protocol]
        return recoded(protocol.parse_error(head.status, head.headers, data), candidate)

    def _whole_answer(self, call: Call, candidate: Candidate) -> Steps:
        body = yield from self._read()
        if isinstance(body, GatewayError):
            return body
        try:
            answer = _whole(call.lane, body)
        except GatewayError as error:
            return error
        yield from self._begin(call.lane, candidate)
        yield Finish(answer)
        return None

    def _read(self, limit: int = 0, data: bytes = b"") -> Generator[Command, Fact, bytes | GatewayError]:
        """The rest of the open response's body, after `data`."""
        pieces, size = [data], len(data)
        while True:
            fact = yield Receive(self._deadline(idle=True))
            if isinstance(fact, Chunk):
                pieces.append(fact.data)
                size += len(fact.data)
                if not limit or size < limit:
                    continue
            elif not isinstance(fact, End):
                return self._failure(fact)
            return b"".join(pieces)

    def _stream_answer(self, call: Call, candidate: Candidate) -> Steps:
        """Forward a stream, holding back until content has appeared."""
        stream = call.lane.stream()
        beat = self._beat(call.lane, candidate, stream)
        first = yield from self._first_bytes(beat)
        if isinstance(first, GatewayError):
            return first
        if first.lstrip()[:1] in (b"{", b"["):
            return (yield from self._simulated(call, candidate, first))
        flow = _Flow(call, candidate, stream, self._clock())
        self._flow = flow.stream
        error = yield from self._feed(flow, Chunk(first) if first else End())
        while error is None and not flow.over:
            fact = yield Receive(self._flow_deadline(flow), beat)
            error = yield from self._feed(flow, fact)
        if error is None:
            yield Finish()
            if not flow.ended:
                yield from self._drain()
        return error

    def _beat(self, lane: Lane, candidate: Candidate, stream: Stream) -> Beat:
        """Heartbeats for the time in which `stream` is waited for."""

        def beat() -> tuple[Start, bytes]:
            self._started = True
            return Start(lane, candidate, True, self._tried, self._since), stream.beat()

        return beat

    def _first_bytes(self, beat: Beat) -> Generator[Command, Fact, bytes | GatewayError]:
        """The first bytes that are not white space: what is this, a stream or a JSON body?"""
        data = b""
        while not data.strip():
            fact = yield Receive(self._deadline(first=True), beat)
            if isinstance(fact, Chunk):
                data += fact.data
            elif isinstance(fact, End):
                return b""
            else:
                return self._failure(fact)
        return data

    def _simulated(self, call: Call, candidate: Candidate, data: bytes) -> Steps:
        """The upstream answered a stream request with one JSON body: play it as a stream."""
        body = yield from self._read(data=data)
        if isinstance(body, GatewayError):
            return body
        try:
            played = call.lane.simulate(body)
        except GatewayError as error:
            return error
        yield from self._begin(call.lane, candidate)
        yield Forward(played)
        yield Finish()
        return None

    def _feed(self, flow: _Flow, fact: Fact) -> Steps:
        """Put one fact through the lane and forward what comes out."""
        stream = flow.stream
        if isinstance(fact, Chunk):
            out = stream.feed(fact.data)
            flow.heard(self._clock())
            if stream.done:
                out += stream.close()
        elif isinstance(fact, End):
            flow.ended = True
            out = stream.close()
        elif isinstance(fact, Expired) and stream.settled:
            out = stream.close()
        else:
            error = self._failure(fact)
            if not stream.committed:
                return error
            yield from self._say(flow, stream.fail(stream_error(error)))
            yield Finish()
            return error
        flow.over = flow.ended or stream.done or stream.failed or isinstance(fact, Expired)
        return (yield from self._pass_on(flow, out))

    def _pass_on(self, flow: _Flow, out: bytes) -> Steps:
        stream = flow.stream
        if stream.failed and not stream.committed:
            return self._hidden(stream)
        if not stream.committed and not flow.over:
            flow.held.append(out)
            return None
        yield from self._say(flow, out)
        if stream.failed:
            yield Finish()
            return self._hidden(stream)
        return None

    def _say(self, flow: _Flow, out: bytes) -> Generator[Command, Fact, None]:
        if self._first is None:
            self._first = self._clock()
        yield from self._begin(flow.call.lane, flow.candidate)
        if flow.held:
            out = b"".join(flow.held) + out
            flow.held.clear()
        if out:
            yield Forward(out)

    def _begin(self, lane: Lane, candidate: Candidate) -> Generator[Command, Fact, None]:
        if not self._started:
            self._started = True
            yield Start(lane, candidate, self._stream, self._tried, self._since)

    def _tell(self, error: GatewayError) -> Generator[Command, Fact, None]:
        """The client has heard heartbeats only: say the error as the dialect's own event."""
        yield Forward(self._tell_error(error))
        yield Finish()

    def _drain(self) -> Generator[Command, Fact, None]:
        """The client has everything; wait briefly for the body's end, so that the connection can be used again."""
        deadline = self._clock() + SETTLE_SECONDS
        while isinstance((yield Receive(deadline)), Chunk):
            pass

    def _hidden(self, stream: Stream) -> GatewayError:
        error = stream.summary.error
        assert error is not None
        return error_of(error)

    def _failure(self, fact: Fact) -> GatewayError:
        if isinstance(fact, Failed):
            return fact.error
        return UpstreamError(Kind.TIMEOUT, "The provider did not answer in time.")

    def _deadline(self, *, first: bool = False, idle: bool = False) -> float:
        limit = self._timers.first if first else self._timers.idle if idle and self._stream else 0.0
        return min(self._end, _after(self._clock(), limit))

    def _flow_deadline(self, flow: _Flow) -> float:
        now, timers, stream = self._clock(), self._timers, flow.stream
        if stream.settled:
            return min(self._end, now + SETTLE_SECONDS)
        content = _after(flow.progressed, timers.progress if stream.committed else timers.first)
        return min(self._end, content, _after(now, timers.idle))


class _Flow:
    """A stream that is being forwarded.  `held`: client bytes that wait for the commit point."""

    __slots__ = ("_seen", "call", "candidate", "ended", "held", "over", "progressed", "stream")

    def __init__(self, call: Call, candidate: Candidate, stream: Stream, now: float) -> None:
        self.call = call
        self.candidate = candidate
        self.stream = stream
        self.held: list[bytes] = []
        self.ended = False
        self.over = False
        self.progressed = now
        self._seen = 0

    def heard(self, now: float) -> None:
        """Note progress: content grew."""
        if self.stream.summary.text_bytes != self._seen:
            self._seen = self.stream.summary.text_bytes
            self.progressed = now


def _whole(lane: Lane, body: bytes) -> bytes:
    """A whole answer through the lane, whether the upstream sent JSON or streamed unasked."""
    if body.lstrip()[:1] in (b"{", b"["):
        return lane.answer(body)
    if body.lstrip()[:5] in (b"data:", b"event", b": OPE") or body.lstrip()[:1] == b":":
        return lane.gather(body)
    if not body.strip():
        raise UpstreamError(Kind.UPSTREAM_EMPTY, "The provider answered with an empty body.")
    return lane.answer(body)


def _refused(error: GatewayError | None) -> bool:
    """The provider did not take the token: it is over, whatever its clock says."""
    return isinstance(error, UpstreamError) and error.upstream_status == 401


def recoded(error: UpstreamError, candidate: Candidate) -> UpstreamError:
    """`error` with the kind that the provider's own word stands for: its code, else its type.

    A full context is known by what the message says; vendors send it under codes that mean more than that.
    """
    codes = {**candidate.provider.error_codes, **candidate.quirks.error_codes}
    kind = next((codes[word] for word in (error.code, error.type) if word in codes), None)
    if kind is not None and error.kind is not Kind.CONTEXT_LENGTH:
        error.kind = Kind(kind)
    return error


def stream_error(error: GatewayError) -> StreamError:
    """`error` as the terminal event of a stream."""
    return StreamError(
        kind=error.kind,
        message=error.message,
        type=error.type,
        code=error.code,
        status=error.status,
        retry_after=error.retry_after,
    )


def _after(now: float, seconds: float) -> float:
    return now + seconds if seconds else float("inf")


def param_of(path: str) -> str | None:
    """A JSON path as a client names it: `$.messages[0]` is `messages[0]`."""
    return path.removeprefix("$").removeprefix(".") or None
