"""What traffic has taught: who fails, who is limited, whose key is of no use, and where a conversation is cached.

Every attempt is told here when it is over, and asks here before it is made.  The knowledge itself is kept by pure parts
(routing/bench.py, health.py, limits.py, affinity.py); this joins them for one attempt, with one clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from hexapla.catalog.rates import allowed
from hexapla.config import RoutingConfig
from hexapla.errors import GatewayError, Kind, UpstreamError
from hexapla.ir.response import Usage
from hexapla.plugins.asked import Wish
from hexapla.routing.affinity import Affinity, Session
from hexapla.routing.allowance import TELLS, allowances
from hexapla.routing.bench import Bench
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Tried
from hexapla.routing.filters import Rejection
from hexapla.routing.health import Health
from hexapla.routing.limits import Limits, Load, Place
from hexapla.routing.memory import CrowdedError
from hexapla.routing.preferences import By
from hexapla.translate.summary import Summary

LATE = 0.95  # of an endpoint's answers began sooner: then a second endpoint may be asked as well
SOON = 0.5  # seconds; before that nothing is late


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """Who is tried for a request, in order, and what it takes of their limits.

    session  where there is a choice among the first `own` candidates, which offer the model that was asked for
    led      a session's own place stands first
    asked    where several models were named: by the candidate's identity, the one that it stands for
    rejected who was ruled out by the request's wishes
    sort     what they are sorted by, if by anything
    demands  every parameter must be carried
    plain    the request says nothing to the gateway but a name, and that leaves no choice
    search   the search of the web that the gateway makes before anybody is asked, or only before `later`
    later    who is asked when the others have failed, since they need a search that the others did not
    """

    candidates: Sequence[Candidate]
    load: Load = Load()
    session: Session | None = None
    own: int = 0
    led: bool = False
    asked: Mapping[int, str] = {}
    rejected: Sequence[Rejection] = ()
    sort: By | None = None
    demands: bool = False
    plain: bool = False
    search: Wish | None = None
    later: Sequence[Candidate] = ()

    @property
    def everybody(self) -> Sequence[Candidate]:
        """Whoever may be asked, in order."""
        return (*self.candidates, *self.later)

    def name_of(self, candidate: Candidate) -> str:
        """The name in the request that `candidate` stands for; "" where there is one only."""
        return self.asked.get(id(candidate), "")


class Traffic:
    """What was learnt so far.

    clock   monotonic seconds, the same as the exchange's;  wall: Unix seconds
    former  the traffic under another configuration: endpoints and sessions are the same, keys and limits may be others
    """

    def __init__(
        self,
        settings: RoutingConfig,
        clock: Callable[[], float],
        wall: Callable[[], float],
        former: Traffic | None = None,
    ) -> None:
        self.health: Health = former.health if former is not None else Health()
        self.health.policy = settings.breaker
        self.affinity: Affinity = former.affinity if former is not None else Affinity()
        self.bench = Bench()
        self.limits = Limits()
        self.clock = clock
        self._patience = settings.patience
        self._wall = wall
        self._stated: set[Place] = set()

    def waits(self, load: Load) -> Callable[[Candidate], float] | None:
        """How long each candidate's limits make a request wait; None when nothing is limited."""
        if not self.limits.meters:
            return None
        now = self.clock()
        return lambda candidate: self.limits.wait(place_of(candidate), load, now)

    def state(self, candidates: Sequence[Candidate]) -> None:
        """Take in what the documents say that these may do."""
        for candidate in candidates:
            # a level that nobody named is a guess, and a guess limits nobody
            if not candidate.provider.level or (place := place_of(candidate)) in self._stated:
                continue
            self._stated.add(place)
            rate = allowed(candidate.provider, candidate.facts)
            if rate is not None:
                self.limits.state(place, rate)

    def admit(self, candidate: Candidate, load: Load, *, forced: bool = False) -> GatewayError | float:
        """Let a request go to `candidate`, after so many seconds in its queue; or say why not at present.

        forced  there is nobody else, so that a failing endpoint is asked all the same
        """
        name, now, limits = candidate.track, self.clock(), self.limits
        track = self.health.tracks[name]
        if not track.opened:
            track.running += 1  # as `enter` does
        elif not self.health.enter(name, now, forced=forced):
            return left_alone(self.health.cause(name), self.health.closed_for(name, now))
        if not limits.meters:
            return 0.0
        place = place_of(candidate)
        seconds = limits.reserve(place, load, now, self._patience)
        if seconds is None:
            self.health.left(name)
            return queue_full(candidate, limits.refusal(place), limits.wait(place, load, now))
        return seconds

    def listens(self, candidate: Candidate) -> bool:
        """Whether the calls of tools in the next answer of `candidate` should be looked at."""
        return self.health.listens(candidate.track, self.clock())

    def late(self, candidate: Candidate) -> float | None:
        """Seconds after which the first content of `candidate` is later than nearly always; None: not known yet."""
        usual = self.health.percentile(candidate.track, "latency", LATE, self.clock())
        return None if usual is None else max(SOON, usual)

    def left(self, candidate: Candidate) -> None:
        """The client left while `candidate` was being asked."""
        self.health.left(candidate.track)

    def stays(self, provider: str) -> dict[tuple[str, str], tuple[Kind, float]]:
        """Who of a provider's credentials sits out: (credential, model or "") -> why, and for how many more seconds."""
        return self.bench.stays(provider, self.clock())

    def heard(self, tried: Tried, plan: Planned) -> None:
        """Learn from an attempt that is over."""
        if tried.error is None:
            self.served(tried.candidate, tried, tried.headers, plan, tried.started, tried.first, tried.ended)
        else:
            self._failed(tried, tried.error, plan.load)

    def served(
        self,
        candidate: Candidate,
        said: Tried | Summary,
        headers: Mapping[str, str],
        plan: Planned,
        started: float,
        first: float | None,
        ended: float,
    ) -> None:
        """Learn from an attempt that brought a whole answer.

        said   its usage, and its calls of tools
        first  when its content began, for a stream
        """
        if self.bench.sitting:
            self.bench.heard(candidate, None, ended)
        usage, calls, began = said.usage, said.calls, started if first is None else first
        output = usage.output if usage is not None else None
        self.health.tracks[candidate.track].answered(
            ended,
            None if first is None else first - started,
            output / (ended - began) if output and ended > began else None,
        )
        if calls is not None and (flaw := calls.flaw()) is not None:
            self.health.called(candidate.track, ended, flawed=bool(flaw))
        if self.limits.meters or not TELLS.isdisjoint(headers):
            self._measure(candidate, usage, headers, plan.load, ended)
        if plan.session is not None and beginning([candidate], plan.candidates[: plan.own]):
            self.affinity.served(plan.session, candidate, (usage.cached if usage is not None else 0) or 0, ended)

    def _failed(self, tried: Tried, error: GatewayError, load: Load) -> None:
        """Learn from an attempt that failed; a token that is being renewed says nothing about its login."""
        candidate, ended = tried.candidate, tried.ended
        if isinstance(error, CrowdedError):  # ours: it tells nothing of the endpoint
            self.health.left(candidate.track)
            return
        if not tried.renews:
            self.bench.heard(candidate, error, ended)
        if error.kind is Kind.CANCELLED:
            self.health.lost(candidate.track, ended, ended - tried.started)
            return
        self.health.failed(candidate.track, ended, error)
        place = self._measure(candidate, tried.usage, tried.headers, load, ended)
        if error.kind is Kind.RATE_LIMIT:
            self.limits.refused(place, error.message)

    def _measure(
        self, candidate: Candidate, usage: Usage | None, headers: Mapping[str, str], load: Load, ended: float
    ) -> Place:
        """Learn what an attempt tells of its place's limits."""
        place, limits = place_of(candidate), self.limits
        for told in () if TELLS.isdisjoint(headers) else allowances(headers, self._wall()):
            limits.tell(place, told.unit, told.window, told.limit, told.remaining, ended)
        if usage is not None and limits.meters:
            limits.settle(place, load, (usage.input or 0) + (usage.output or 0))
        return place


def beginning(candidates: Sequence[Candidate], among: Sequence[Candidate]) -> int:
    """How many of the first `candidates` are `among` these very ones."""
    known = {id(candidate) for candidate in among}
    return next((place for place, each in enumerate(candidates) if id(each) not in known), len(candidates))


def place_of(candidate: Candidate) -> Place:
    """Whose limits count for a request to `candidate`."""
    return candidate.provider.id, candidate.credential, candidate.lot


def queue_full(candidate: Candidate, words: str, seconds: float) -> GatewayError:
    """What a request hears when the limits of `candidate` would let it wait too long, with the vendor's own `words`."""
    message = f"The limit of {candidate.provider.id} is reached; its queue is longer than this gateway waits."
    if words:
        message = f"{message} It said: {words}"
    return UpstreamError(Kind.RATE_LIMIT, message, retry_after=seconds, retryable=False)


def left_alone(cause: GatewayError | None, seconds: float) -> GatewayError:
    """What a request hears in place of an endpoint that is left alone: the failure that led to it, and how long."""
    cause = cause or GatewayError(Kind.OVERLOADED, "The provider failed repeatedly.")
    return UpstreamError(
        cause.kind,
        cause.message,
        status=cause.status,
        code=cause.code,
        type=cause.type,
        retry_after=seconds,
        retryable=False,
    )
