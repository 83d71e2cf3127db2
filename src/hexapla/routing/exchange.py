"""One client request from the first attempt to the last byte, as a generator without I/O.

`exchange` yields commands and receives facts (commands.py); a driver executes them.  Who is tried, how often and after
which pause is decided here, what of an answer reaches the client in reception.py, how long anything may take in
patience.py, and all of it nowhere else, so thousands of fault schedules can be simulated in a second.

Rules of this file:
- Until content has reached the client a failure is invisible: another try or endpoint follows.
- The generator never blocks, never looks at a clock of its own, and is closed (GeneratorExit) when the client leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence

import msgspec

from hexapla.auth.grant import Token
from hexapla.errors import ClientError, GatewayError, Kind, ProtocolError, RoutingError, UpstreamError
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import (
    Call,
    Command,
    Drop,
    Fact,
    Finish,
    Forward,
    Head,
    LogIn,
    Note,
    Send,
    Sleep,
    Start,
    Steps,
    Tried,
)
from hexapla.routing.patience import Patience
from hexapla.routing.reception import Heard, Reception, failure
from hexapla.routing.retry import RetryPolicy, delay, verdict
from hexapla.translate.lane import Lane


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
    asked      the name in the request that a candidate stands for: what one model refuses, another one may take
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
        retry: RetryPolicy,
        clock: Callable[[], float],
        chance: Callable[[], float],
        admit: Callable[[Candidate, bool], GatewayError | float] = lambda candidate, forced: 0.0,
        may_retry: Callable[[], bool] = lambda: True,
        asked: Callable[[Candidate], str] = lambda candidate: "",
    ) -> None:
        self._candidates = candidates
        self._admit = admit
        self._may_retry = may_retry
        self._asked = asked
        self._open = open_call
        self._tell_error = tell
        self._stream = stream
        self._began = clock()
        self._patience: Patience
        self._heard = Heard(streams=stream)
        self._retry = retry
        self._clock = clock
        self._chance = chance
        self._spared: list[Candidate] = []  # who was not admitted
        self._place = 0  # how many candidates have had their turn, the present one included
        self._tried = 0
        self._since = self._began
        self.lane: Lane | None = None
        self.candidate: Candidate | None = None
        self.asking: Candidate | None = None

    def run(self) -> Generator[Command, Fact, Outcome]:
        """Try the candidates in order until one answers."""
        error: GatewayError | None = None
        spent: str | None = None  # a name whose model does not take the request
        for candidate in self._candidates:
            self._place += 1
            if spent is not None and self._asked(candidate) == spent:
                continue
            error = yield from self._candidate(candidate)
            if error is None or self._heard.something or self._patience.late:
                break
            if not verdict(error).fall_back:
                spent = self._asked(candidate)
                if not isinstance(error, UpstreamError) or all(self._asked(c) == spent for c in self._later()):
                    break
        else:
            error = error or RoutingError("No endpoint can serve this request.")
        if not self._tried and self._spared:
            self._wait_for(self._spared[0])
            error = yield from self._attempt(self._spared[0], forced=True)  # a gateway's caution must not be the outage
        if error is not None and self._heard.started and not self._heard.something:
            yield from self._tell(error)
        started = self._heard.started
        return Outcome(error=error, started=started, lane=self.lane, candidate=self.candidate, tried=self._tried)

    def _tell(self, error: GatewayError) -> Generator[Command, Fact, None]:
        """The client has heard heartbeats only: say the error as the dialect's own event."""
        yield Forward(self._tell_error(error))
        yield Finish()

    def _candidate(self, candidate: Candidate) -> Steps:
        """Ask one endpoint, as often as the table allows."""
        self._wait_for(candidate)
        tries = 0
        said: GatewayError | None = (
            None  # by the endpoint itself: a refusal of ours to ask again explains nothing better
        )
        while True:
            tries += 1
            self.candidate = candidate
            asked = self._tried
            error = yield from (self._attempt(candidate) if candidate.login is None else self._logged_in(candidate))
            if error is None or self._heard.something or (error.kind is Kind.RATE_LIMIT and self._has_spare(candidate)):
                return error
            pause = delay(error, tries, self._retry, self._chance)
            if pause is None or self._clock() + pause >= self._patience.end or not self._may_retry():
                return said if said is not None and self._tried == asked else error
            said = error if self._tried > asked else said
            yield Sleep(pause)

    def _wait_for(self, candidate: Candidate) -> None:
        self._patience = Patience(candidate.timers, self._clock, self._began, stream=self._stream)

    def _later(self) -> Sequence[Candidate]:
        return self._candidates[self._place :]

    def _has_spare(self, candidate: Candidate) -> bool:
        """Another key of the same provider is still to come: it serves at once what this one would have to wait for."""
        return any(
            later.credential != candidate.credential and later.provider.id == candidate.provider.id
            for later in self._later()
        )

    def _logged_in(self, candidate: Candidate) -> Steps:
        """One call with a login's token, which is renewed once when the provider refuses it."""
        token = yield from self._token(candidate, None)
        if not isinstance(token, Token):
            return token
        error = yield from self._attempt(candidate, renews=True)
        if not _refused(error) or self._heard.something:
            return error
        other = yield from self._token(candidate, token)
        if not isinstance(other, Token):
            return other
        return (yield from self._attempt(candidate))

    def _token(self, candidate: Candidate, refused: Token | None) -> Generator[Command, Fact, Token | GatewayError]:
        """The login's token; where there is none, an attempt that failed."""
        self._since = self._clock()
        fact = yield LogIn(candidate.login, refused, self._patience.content())
        if isinstance(fact, Token):
            return fact
        error = failure(fact)
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
        self._heard.content = None
        self.lane = call.lane
        status: int | None = None
        headers: Mapping[str, str] = {}
        start = Start(call.lane, candidate, self._stream, self._tried, self._since)
        reception = Reception(call.lane, candidate, self._heard, self._patience, start)
        fact = yield Send(call.request, self._patience.head(), reception.beat() if self._stream else None)
        error_or_none: GatewayError | None
        if isinstance(fact, Head):
            status, headers = fact.status, fact.headers
            error_or_none = yield from reception.take(fact)
        else:
            error_or_none = failure(fact)
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
                first=self._heard.content,
                usage=call.lane.summary.usage,
                headers=headers,
            )
        )
        return error_or_none


def _refused(error: GatewayError | None) -> bool:
    """The provider did not take the token: it is over, whatever its clock says."""
    return isinstance(error, UpstreamError) and error.upstream_status == 401


def param_of(path: str) -> str | None:
    """A JSON path as a client names it: `$.messages[0]` is `messages[0]`."""
    return path.removeprefix("$").removeprefix(".") or None
