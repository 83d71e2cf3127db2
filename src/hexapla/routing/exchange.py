"""One client request from the first attempt to the last byte, as a generator without I/O.

`exchange` yields commands and receives facts (commands.py); a driver executes them.  Who is tried, how often and after
which pause is decided here, what of an answer reaches the client in reception.py, how long anything may take in
patience.py, and all of it nowhere else, so thousands of fault schedules can be simulated in a second.

Two endpoints at once are race.py's.

Rules of this file:
- Until content has reached the client a failure is invisible: another try or endpoint follows; after it only where
  another attempt may go on with the text.
- The generator never blocks, never looks at a clock of its own, and is closed (GeneratorExit) when the client leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial

import msgspec

from hexapla.auth.grant import Token
from hexapla.errors import ClientError, GatewayError, Kind, ProtocolError, RoutingError, UpstreamError
from hexapla.ir.fold import event_of
from hexapla.ir.response import Usage
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
from hexapla.routing.memory import Memory
from hexapla.routing.patience import Patience
from hexapla.routing.race import race
from hexapla.routing.reception import DECLINED, Heard, Reception, failure
from hexapla.routing.retry import DECLINES, RetryPolicy, delay, verdict
from hexapla.translate.lane import Lane


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an exchange ended.  `error` with `started` False must still be told to the client.

    lane  of who told the client something, else of the last attempt
    """

    error: GatewayError | None
    started: bool
    lane: Lane | None
    tried: int


class Hedge(msgspec.Struct, frozen=True, kw_only=True):
    """When a second endpoint is asked beside the first.

    after  seconds after which a candidate's first content is late; None where that is not known
    may    whether the hedge budget of the whole gateway allows it
    """

    after: Callable[[Candidate], float | None]
    may: Callable[[], bool]


class Exchange:
    """The state of one exchange: who is tried, what the client has heard.

    open_call  renders the request for a candidate; may raise ClientError or ProtocolError
    admit      says after how many seconds a candidate may be asked, or why not at present (True: there is nobody else);
               whoever was admitted is in `asking` until noted, and the call itself in `calls`
    may_retry  whether the retry budget of the whole gateway allows one more
    asked      the name in the request that a candidate stands for: what one model refuses, another one may take
    hedge      for a stream whose client, or the configuration, wants it
    memory     what all answers together may hold
    insists    when nobody is admitted, one is asked all the same
    past_declined  the client has named models to ask when one declines, be it in an answer
    before     attempts that were made before this exchange
    tell       an error as the client dialect's terminal stream event
    clock      monotonic seconds;  chance: draws from [0, 1);  began: when the request did, if not now
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
        began: float | None = None,
        admit: Callable[[Candidate, bool], GatewayError | float] = lambda candidate, forced: 0.0,
        may_retry: Callable[[], bool] = lambda: True,
        asked: Callable[[Candidate], str] = lambda candidate: "",
        hedge: Hedge | None = None,
        memory: Memory | None = None,
        insists: bool = True,
        past_declined: bool = False,
        before: int = 0,
    ) -> None:
        self._candidates = list(candidates)  # who is still to be asked
        self._admit = admit
        self._may_retry = may_retry
        self._asked = asked
        self._open = open_call
        self._tell_error = tell
        self._stream = stream
        self._heard = Heard(streams=stream)
        self._retry = retry
        self._hedge = hedge if stream else None
        self._memory = memory or Memory()
        self._clock = clock
        self._chance = chance
        self._insists = insists
        self._past_declined = past_declined and retry.past_filters
        self._spared: list[tuple[Candidate, GatewayError]] = []  # who was not admitted, and why
        self._tried = 0
        self._before = before
        self._began = clock() if began is None else began
        self._lane: Lane | None = None
        self.asking: list[Candidate] = []
        self.calls: list[Start] = []

    @property
    def lane(self) -> Lane | None:
        """Of who told the client something, else of the last attempt."""
        return self._heard.start.lane if self._heard.start is not None else self._lane

    def run(self) -> Generator[Command, Fact, Outcome]:
        """Try the candidates in order until one answers."""
        error: GatewayError | None = None
        while self._candidates:
            candidate = self._candidates.pop(0)
            patience = self._patience(candidate)
            error = yield from self._turn(candidate, patience)
            if error is None or self._heard.final or patience.late or self._is_final(error):
                break
            if not verdict(error).fall_back:
                name = self._asked(candidate)  # whose model does not take the request
                self._candidates = [other for other in self._candidates if self._asked(other) != name]
                if not isinstance(error, UpstreamError):
                    break
        else:
            error = error or RoutingError("No endpoint can serve this request.")
        if not self._tried and self._spared:
            error = yield from self._all_spared()
        if error is not None and self._heard.started and not self._heard.final:
            error = self._heard.broken or error
            yield from self._tell(error)
        return Outcome(error=error, started=self._heard.started, lane=self.lane, tried=self._before + self._tried)

    def _all_spared(self) -> Steps:
        """Nobody was admitted.  A gateway's caution must not be the outage, so the first one is asked all the same; who
        would rather fail fast hears of the one that may be asked soonest."""
        if not self._insists:
            return min((error for _, error in self._spared), key=lambda error: error.retry_after or 0.0)
        spared = self._spared[0][0]
        return (yield from self._attempt(spared, self._patience(spared), forced=True))

    def _patience(self, candidate: Candidate) -> Patience:
        return Patience(candidate.timers, self._clock, self._began, stream=self._stream)

    def _tell(self, error: GatewayError) -> Generator[Command, Fact, None]:
        """The client has heard heartbeats, or a part that nobody could go on with: say the error as the dialect's own
        event."""
        stream = self._heard.stream
        yield Forward(self._tell_error(error) if stream is None else stream.fail(event_of(error)))
        yield Finish()

    def _is_final(self, error: GatewayError) -> bool:
        """A content filter's refusal, where the operator does not want it to be passed by."""
        return error.kind is Kind.CONTENT_FILTER and not self._retry.past_filters

    def _turn(self, candidate: Candidate, patience: Patience) -> Steps:
        """Ask one endpoint, and perhaps another one when it is late."""
        steps, hedge = self._candidate(candidate, patience), self._hedge
        after = hedge.after(candidate) if hedge is not None and self._heard.start is None else None
        if after is None or self._rival(candidate) is None:
            return steps
        return race(steps, partial(self._beside, candidate), self._clock() + after)

    def _beside(self, candidate: Candidate) -> Steps | None:
        """What is asked beside `candidate`, if there still is anybody and the budget allows it."""
        place = self._rival(candidate)
        if place is None or self._hedge is None or not self._hedge.may():
            return None
        rival = self._candidates.pop(place)
        return self._candidate(rival, self._patience(rival))

    def _rival(self, candidate: Candidate) -> int | None:
        """The place of the next one that offers the same model elsewhere: another key would wait for the same machine."""
        name = self._asked(candidate)
        equals = (
            i for i, each in enumerate(self._candidates) if self._asked(each) == name and each.track != candidate.track
        )
        return next(equals, None)

    def _candidate(self, candidate: Candidate, patience: Patience) -> Steps:
        """Ask one endpoint, as often as the table allows."""
        tries = 0
        said: GatewayError | None = None  # by the endpoint itself: our refusal to ask again explains nothing better
        while True:
            tries += 1
            asked = self._tried
            steps = self._attempt if candidate.login is None else self._logged_in
            error = yield from steps(candidate, patience)
            if error is None or self._heard.final or (error.kind is Kind.RATE_LIMIT and self._has_spare(candidate)):
                return error
            if self._declined(error):
                continue
            if self._heard.broken is not None and self._candidates:
                return error  # whoever broke off goes on itself only when nobody else can
            pause = delay(error, tries, self._retry, self._chance)
            if pause is None or self._clock() + pause >= patience.end or not self._may_retry():
                return said if said is not None and self._tried == asked else error
            said = error if self._tried > asked else said
            if error.kind is Kind.UPSTREAM_CONNECT and self._candidates:
                pause = 0.0  # it is not asking too often that nobody answers, and somebody else can
            if (yield Sleep(pause)) is not None:
                return error  # somebody else has answered

    def _declined(self, error: GatewayError) -> bool:
        """Whether a model takes no turn that was begun for it: then it is asked once more, in words."""
        begun = self._lane.begun if self._lane is not None else None
        if begun is None or begun.refused or error.kind not in DECLINES:
            return False
        begun.refused = True
        return True

    def _has_spare(self, candidate: Candidate) -> bool:
        """Another key of the same provider is still to come: it serves at once what this one would have to wait for."""
        return any(
            later.credential != candidate.credential and later.provider.id == candidate.provider.id
            for later in self._candidates
        )

    def _others(self, candidate: Candidate) -> bool:
        """Another model is still to come."""
        name = self._asked(candidate)
        return any(self._asked(later) != name for later in self._candidates)

    def _logged_in(self, candidate: Candidate, patience: Patience) -> Steps:
        """One call with a login's token, which is renewed once when the provider refuses it."""
        token = yield from self._token(candidate, patience, None)
        if not isinstance(token, Token):
            return token
        error = yield from self._attempt(candidate, patience, renews=True)
        if not _refused(error) or self._heard.final:
            return error
        other = yield from self._token(candidate, patience, token)
        if not isinstance(other, Token):
            return other
        return (yield from self._attempt(candidate, patience))

    def _token(
        self, candidate: Candidate, patience: Patience, refused: Token | None
    ) -> Generator[Command, Fact, Token | GatewayError]:
        """The login's token; where there is none, an attempt that failed."""
        since = self._clock()
        fact = yield LogIn(candidate.login, refused, patience.content())
        if isinstance(fact, Token):
            return fact
        error = failure(fact)
        if isinstance(error, UpstreamError):
            error.provider = candidate.provider.id
        yield Note(Tried(candidate=candidate, lane="", started=since, ended=self._clock(), error=error))
        return error

    def _attempt(
        self, candidate: Candidate, patience: Patience, *, renews: bool = False, forced: bool = False
    ) -> Steps:
        """One call of one endpoint, noted.

        renews  when its token is refused, another one follows;  forced: nobody else can be asked
        """
        try:
            call = self._open(candidate)
        except ProtocolError as error:
            return ClientError(Kind.INVALID_REQUEST, error.message, param=param_of(error.path))
        except ClientError as error:
            return error
        admitted = self._admit(candidate, forced)
        if isinstance(admitted, GatewayError):
            self._spared.append((candidate, admitted))
            return admitted
        self.asking.append(candidate)
        if admitted and (lost := (yield Sleep(admitted))) is not None:
            return failure(lost)
        since = self._clock() if call.since is None else call.since
        self._tried += 1
        lane = self._lane = call.lane
        start = Start(lane, candidate, self._stream, self._before + self._tried, since)
        self.calls.append(start)
        self._heard.waits = self._past_declined and self._others(candidate)
        reception = Reception(lane, candidate, self._heard, patience, start, self._memory)
        fact = yield Send(call.request, patience.head(), reception.beat if self._stream else None)
        head = fact if isinstance(fact, Head) else None
        failed = failure(fact) if head is None else (yield from reception.take(head))
        yield _DROP
        if isinstance(failed, UpstreamError):
            failed.provider = candidate.provider.id
        self.asking.remove(candidate)
        self.calls.remove(start)
        yield Note(self._result(start, head, failed, reception.content, renews=renews))
        return failed

    def _result(
        self, start: Start, head: Head | None, error: GatewayError | None, first: float | None, *, renews: bool
    ) -> Tried:
        """An attempt that is over."""
        lane, summary = start.lane, start.lane.summary
        return Tried(
            candidate=start.candidate,
            lane=lane.name,
            started=start.since,
            ended=self._clock(),
            status=head.status if head is not None else None,
            error=error,
            renews=renews and _refused(error),
            first=first,
            usage=summary.usage,
            spent=self._spent(lane, error) if error is not None else None,
            headers=head.headers if head is not None else {},
            calls=summary.calls,
        )

    def _spent(self, lane: Lane, error: GatewayError) -> Usage | None:
        """What an attempt used that lost its race, or declined, or whose text waits for somebody to go on with it."""
        if error.kind is Kind.CANCELLED or error is self._heard.broken:
            return lane.summary.spent(len(lane.body))
        return lane.summary.usage if lane.summary.stop == DECLINED else None


_DROP = Drop()


def _refused(error: GatewayError | None) -> bool:
    """The provider did not take the token: it is over, whatever its clock says."""
    return isinstance(error, UpstreamError) and error.upstream_status == 401


def param_of(path: str) -> str | None:
    """A JSON path as a client names it: `$.messages[0]` is `messages[0]`."""
    return path.removeprefix("$").removeprefix(".") or None
