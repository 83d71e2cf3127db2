"""Keeps the Generation of one request and writes it down at the right moments.

The begin record stands in the journal before the upstream is called; the end record before the client hears the last
byte, so a success that a client saw is never missing from the ledger, whatever happens next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import msgspec
from msgspec.structs import replace

from hexapla.catalog.schema import Price
from hexapla.errors import GatewayError, Kind, UpstreamError
from hexapla.ir.loss import kept
from hexapla.ir.response import Usage
from hexapla.ledger import Attempt, Generation, Ledger
from hexapla.ledger.price import cost, minute_utc, prompt_cost, saved, total
from hexapla.ledger.record import Cost
from hexapla.observe.log import RequestLog
from hexapla.observe.metrics import Metrics
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Start, Tried
from hexapla.routing.tiers import PLAIN, SERVED
from hexapla.translate.lane import Lane
from hexapla.translate.summary import BYTES_PER_TOKEN, Stage


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is told of a finished request."""

    ledger: Ledger
    metrics: Metrics
    log: RequestLog | None = None
    wall: Callable[[], float]  # Unix seconds
    clock: Callable[[], float]  # monotonic seconds


class _Part(msgspec.Struct, frozen=True):
    """What an attempt used beside the one that serves.  `told`: the client heard what it said."""

    usage: Usage
    cost: Cost | None
    told: bool = False


_Place = tuple[str, float]  # of an attempt: its endpoint's track, and when it began
_NOTHING: Mapping[_Place, _Part | None] = {}


class Recorder:
    """The record of one request.  `end` may be called early (before the last byte) and is then final.

    The usual request, whose first attempt gives a whole answer, needs two calls: `begin` and `served`.  They take a
    quarter less time with slots than with defaults in the class.
    """

    __slots__ = (
        "_attempts", "_begun", "_body_bytes", "_books", "_ended", "_first", "_noted", "_record", "_searches", "_start",
        "began", "created", "id",
    )  # fmt: skip

    def __init__(self, books: Books, generation: Generation, body_bytes: int) -> None:
        self.id = generation.id
        self.created = generation.created
        self.began = books.clock()
        self._books = books
        self._record = generation
        self._body_bytes = body_bytes
        self._begun = self._ended = False
        self._start: Start | None = None
        self._first: float | None = None
        self._attempts: tuple[Attempt, ...] = ()
        self._searches: tuple[Attempt, ...] = ()
        self._noted: Mapping[_Place, _Part | None] = _NOTHING  # attempts that are over; a part if they are paid for

    @property
    def attempts(self) -> Sequence[Attempt]:
        """What was tried so far."""
        return self._attempts

    @property
    def tried(self) -> int:
        """How many attempts were made when the answer began."""
        return self._start.tried if self._start is not None else 0

    @property
    def tier(self) -> str | None:
        """The service tier of the answer that is going out, in the upstream's word."""
        return self._start.lane.summary.tier if self._start is not None else None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What was done for the answer that is going out, beside translating it."""
        return self._start.lane.summary.stages if self._start is not None else ()

    def bill(self) -> tuple[Cost | None, Cost | None]:
        """What the answer that is going out has cost so far, and its prompt's part of that; None: not known."""
        start = self._start
        usage = start.lane.summary.usage if start is not None else None
        if start is None or usage is None:
            return None, None
        price, minute = price_at(start.candidate, start.lane.summary.tier), minute_utc(self._books.wall())
        whole = total(cost(usage, price, minute), [part.cost for part in self._parts()])
        # a sum, and a bill of the provider's own, cannot be taken apart
        apart = whole is not None and whole.source == "catalogue"
        return whole, prompt_cost(usage, price, minute) if apart else None

    def begin(self) -> None:
        """Before the first upstream call; once."""
        if self._begun:
            return
        self._begun = True
        books = self._books
        books.metrics.in_flight += 1
        books.ledger.begin(self._record)

    def searched(self, search: Attempt) -> None:
        """The gateway searched the web before anybody was asked, which is paid for as well."""
        self._searches = (search,)
        self._noted = {**self._noted, (search.provider, search.started): _Part(Usage(), search.cost)}

    def started(self, start: Start) -> None:
        """The answer begins, or an attempt whose heartbeats began it is followed by another one."""
        self._start = start

    def spoke(self) -> None:
        """Content goes out; a heartbeat, or an error after some, is none."""
        if self._first is None:
            self._first = self._books.clock()

    def note(self, tried: Tried) -> None:
        """One attempt is over."""
        if self._ended:
            return
        attempt, part = self._attempt(tried), None
        if tried.spent is not None:
            paid = cost(tried.spent, price_at(tried.candidate), minute_utc(self._books.wall()))
            attempt = replace(attempt, usage=tried.spent, cost=paid)
            part = _Part(tried.spent, paid, told=tried.first is not None)
        self._attempts += (attempt,)
        self._noted = {**self._noted, (tried.candidate.track, tried.started): part}

    def left(self, calls: Sequence[Start]) -> None:
        """The client left while these were under way; whoever it heard is told of by `end`."""
        now = self._books.clock()
        for start in calls:
            if start is not self._start:
                tried = Tried(
                    candidate=start.candidate,
                    lane=start.lane.name,
                    started=start.since,
                    ended=now,
                    error=UpstreamError(Kind.CANCELLED, "The client left."),
                    spent=start.lane.summary.spent(len(start.lane.body) or self._body_bytes),
                )
                self.note(tried)

    def served(self, start: Start) -> float:
        """A whole answer goes out next: `started`, `spoke` and `end` in one.  Return the moment."""
        now = self._books.clock()
        if not self._ended:
            self._start, self._first = start, now
            self._close("ok", 200, start.lane, now)
        return now

    def end(self, *, outcome: str = "ok", status: int = 200, lane: Lane | None = None) -> None:
        """Write the end record, once."""
        if not self._ended:
            self._close(outcome, status, lane, self._books.clock())

    def _close(self, outcome: str, status: int, lane: Lane | None, now: float) -> None:
        """Fill in the record, and tell everybody."""
        self._ended = True
        books, record, start, first = self._books, self._record, self._start, self._first
        record.outcome, record.status, record.latency = outcome, status, now - self.began
        if first is not None:
            record.first = record.latency if first is now else first - self.began
        if start is not None:
            record.provider, record.model = start.candidate.provider.id, start.candidate.model
        if lane is not None:
            summary = lane.summary
            stop, native, lost = summary.stop, summary.native, lane.losses
            record.lane, record.stop, record.losses = lane.name, stop, kept(lost) if lost else lost
            if native != stop:
                record.native = native
            if summary.tier is not None:
                record.tier = summary.tier
            if start is not None and (not self._noted or (start.candidate.track, start.since) not in self._noted):
                self._attempts += (self._serving(start, lane, outcome, now),)
        record.attempts = self._searches + self._attempts if self._searches else self._attempts
        self._count(record, start, lane)
        books.ledger.end(record)
        books.metrics.end(record)
        if books.log is not None:
            books.log.write(record)

    def _count(self, record: Generation, start: Start | None, lane: Lane | None) -> None:
        """Usage and cost, of all attempts together."""
        usage = lane.summary.usage if lane is not None else None
        if usage is not None:
            record.usage = usage
        elif record.outcome == "ok" or self._first is not None:
            record.usage = usage = self._estimate(lane.summary.text_bytes if lane is not None else 0)
            record.estimated = True
        price = None
        if start is not None and start.candidate.facts is not None:
            price = price_at(start.candidate, start.lane.summary.tier)
        if price is not None or (usage is not None and usage.cost is not None):
            minute = minute_utc(self._books.wall())
            record.cost = bill = cost(record.usage, price, minute)
            record.saved = saved(record.usage, price, minute, bill)
        if self._noted and (parts := self._parts()):
            told = [part.usage for part in parts if part.told]
            record.usage = reduce(Usage.plus, told, record.usage)
            record.cost = total(record.cost, [part.cost for part in parts])
            record.resumed, record.estimated = len(told), record.estimated or bool(told)

    def _parts(self) -> list[_Part]:
        """What is paid for beside the attempt that serves."""
        start = self._start
        serving = (start.candidate.track, start.since) if start is not None else None
        return [part for place, part in self._noted.items() if part is not None and place != serving]

    def _estimate(self, text_bytes: int) -> Usage:
        return Usage(input=self._body_bytes // BYTES_PER_TOKEN, output=text_bytes // BYTES_PER_TOKEN)

    def _serving(self, start: Start, lane: Lane, outcome: str, now: float) -> Attempt:
        """The attempt whose answer is going out."""
        candidate = start.candidate
        return Attempt(
            provider=candidate.provider.id,
            model=candidate.model,
            protocol=candidate.endpoint.protocol,
            lane=lane.name,
            started=self.created + (start.since - self.began),
            latency=now - start.since,
            status=200,
            outcome=outcome,
            upstream_id=lane.summary.id or "",
            overrides=candidate.overrides if candidate.entry is not None else (),
        )

    def _attempt(self, tried: Tried) -> Attempt:
        error = tried.error
        return Attempt(
            provider=tried.candidate.provider.id,
            model=tried.candidate.model,
            protocol=tried.candidate.endpoint.protocol,
            lane=tried.lane,
            started=self.created + (tried.started - self.began),
            latency=tried.ended - tried.started,
            status=tried.status,
            outcome=error.kind.value if error is not None else "ok",
            message=recordable(error) if error is not None else "",
            overrides=tried.candidate.overrides,
        )


def price_at(candidate: Candidate, served: str | None = None) -> Price | None:
    """What the model costs at the tier that `served` names; where nobody says, at the one that was asked for."""
    facts = candidate.facts
    if facts is None or served is None or not facts.services or (tier := SERVED.get(served, served)) == "auto":
        return facts.price if facts is not None else None
    return facts.services.get(tier, facts.price if tier == PLAIN else None)


OWN_WORDS = frozenset(
    {
        Kind.UPSTREAM_CONNECT,
        Kind.UPSTREAM_TLS,
        Kind.UPSTREAM_TRUNCATED,
        Kind.UPSTREAM_MISCONFIGURED,
        Kind.EGRESS_PROXY,
        Kind.CANCELLED,
    }
)
"""Kinds of failures that no provider tells of: the sentence is ours."""


def recordable(error: GatewayError) -> str:
    """What the record keeps of an error: our own sentence, or the provider's words for its kind.

    A provider's sentence may quote the request, and a record holds no content (docs/errors.md).
    """
    if error.kind in OWN_WORDS and error.code is None and error.type is None:
        return error.message[:500]
    return " ".join(word for word in (error.type, error.code) if word and _WORD.fullmatch(word))


_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
