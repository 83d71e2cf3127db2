"""Keeps the Generation of one request and writes it down at the right moments.

The begin record stands in the journal before the upstream is called; the end record before the client hears the last
byte, so a success that a client saw is never missing from the ledger, whatever happens next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import reduce

import msgspec
from msgspec.structs import replace

from hexapla.catalog.schema import Price
from hexapla.errors import GatewayError, Kind, UpstreamError
from hexapla.ir.loss import Loss
from hexapla.ir.response import Usage
from hexapla.ledger import Attempt, Generation, Ledger
from hexapla.ledger.price import cost, minute_utc, prompt_cost, saved, total
from hexapla.ledger.record import Cost
from hexapla.observe.log import RequestLog
from hexapla.observe.metrics import Metrics
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Start, Tried
from hexapla.translate.lane import BYTES_PER_TOKEN, Lane


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is told of a finished request."""

    ledger: Ledger
    metrics: Metrics
    log: RequestLog | None = None
    wall: Callable[[], float]  # Unix seconds
    clock: Callable[[], float]  # monotonic seconds


class Recorder:
    """The record of one request.  `end` may be called early (before the last byte) and is then final."""

    def __init__(self, books: Books, generation: Generation, body_bytes: int) -> None:
        self.id = generation.id
        self.created = generation.created
        self._books = books
        self._generation = generation
        self._body_bytes = body_bytes
        self.began = books.clock()
        self._first: float | None = None
        self._attempts: list[Attempt] = []
        self._start: Start | None = None
        self._parts: dict[tuple[str, float], _Part] = {}  # attempts that are paid for, by provider and beginning
        self._noted: set[tuple[str, float]] = set()
        self._begun = self._ended = False
        self.extra_losses: tuple[Loss, ...] = ()

    @property
    def attempts(self) -> Sequence[Attempt]:
        """What was tried so far."""
        return self._attempts

    @property
    def tried(self) -> int:
        """How many attempts were made when the answer began."""
        return self._start.tried if self._start is not None else 0

    def bill(self) -> tuple[Cost | None, Cost | None]:
        """What the answer that is going out has cost so far, and its prompt's part of that; None: not known."""
        start = self._start
        usage = start.lane.summary.usage if start is not None else None
        if start is None or usage is None:
            return None, None
        price, minute = _price(start.candidate), minute_utc(self._books.wall())
        serving = (start.candidate.track, start.since)
        others = [part.cost for key, part in self._parts.items() if key != serving]
        whole = total(cost(usage, price, minute), others)
        # a sum, and a bill of the provider's own, cannot be taken apart
        apart = whole is not None and whole.source == "catalogue"
        return whole, prompt_cost(usage, price, minute) if apart else None

    def begin(self) -> None:
        """Before the first upstream call; once."""
        if self._begun:
            return
        self._begun = True
        self._books.metrics.begin()
        self._books.ledger.begin(self._generation)

    def started(self, start: Start) -> None:
        """The answer begins, or an attempt whose heartbeats began it is followed by another one."""
        self._start = start

    def spoke(self) -> None:
        """The first content byte goes out."""
        if self._first is None:
            self._first = self._books.clock()

    def note(self, tried: Tried) -> None:
        """One attempt is over."""
        if self._ended:
            return
        key = (tried.candidate.track, tried.started)
        self._noted.add(key)
        attempt = self._attempt(tried)
        if tried.spent is not None:
            paid = cost(tried.spent, _price(tried.candidate), minute_utc(self._books.wall()))
            attempt = replace(attempt, usage=tried.spent, cost=paid)
            self._parts[key] = _Part(tried.spent, paid, told=tried.first is not None)
        self._attempts.append(attempt)

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
                    spent=start.lane.summary.spent(len(start.lane.body)),
                )
                self.note(tried)

    def end(self, *, outcome: str = "ok", status: int = 200, lane: Lane | None = None) -> None:
        """Write the end record, once."""
        if self._ended:
            return
        self._ended = True
        generation = self._finished(outcome, status, lane)
        self._books.ledger.end(generation)
        self._books.metrics.end(generation)
        if self._books.log is not None:
            self._books.log.write(generation)

    def _finished(self, outcome: str, status: int, lane: Lane | None) -> Generation:
        books, start = self._books, self._start
        summary = lane.summary if lane is not None else None
        usage = summary.usage if summary is not None else None
        estimated = usage is None and (outcome == "ok" or self._first is not None)
        if usage is None:
            usage = self._estimate(summary.text_bytes if summary is not None else 0) if estimated else Usage()
        candidate = start.candidate if start is not None else None
        price, bill, spared = _price(candidate), None, 0
        if price is not None or usage.cost is not None:
            minute = minute_utc(books.wall())
            bill, spared = cost(usage, price, minute), saved(usage, price, minute)
        serving = (start.candidate.track, start.since) if start is not None else None
        if start is not None and lane is not None and serving not in self._noted:
            self._attempts.append(self._current(start, lane, outcome))
        parts = [part for key, part in self._parts.items() if key != serving]
        told = [part.usage for part in parts if part.told]
        if parts:
            usage, bill = reduce(Usage.plus, told, usage), total(bill, [part.cost for part in parts])
        return replace(
            self._generation,
            provider=candidate.provider.id if candidate is not None else self._generation.provider,
            model=candidate.model if candidate is not None else self._generation.model,
            lane=lane.name if lane is not None else "",
            latency=books.clock() - self.began,
            first=None if self._first is None else self._first - self.began,
            outcome=outcome,
            stop=summary.stop if summary is not None else None,
            native=summary.native if summary is not None and summary.native != summary.stop else None,
            status=status,
            usage=usage,
            estimated=estimated or bool(told),
            cost=bill,
            resumed=len(told),
            saved=spared,
            losses=(lane.losses if lane is not None else ()) + self.extra_losses,
            attempts=tuple(self._attempts),
        )

    def _estimate(self, text_bytes: int) -> Usage:
        return Usage(input=self._body_bytes // BYTES_PER_TOKEN, output=text_bytes // BYTES_PER_TOKEN)

    def _current(self, start: Start, lane: Lane, outcome: str) -> Attempt:
        """The attempt whose answer is going out."""
        return Attempt(
            provider=start.candidate.provider.id,
            model=start.candidate.model,
            protocol=start.candidate.endpoint.protocol,
            lane=lane.name,
            started=self._generation.created + (start.since - self.began),
            latency=self._books.clock() - start.since,
            status=200,
            outcome=outcome,
            upstream_id=lane.summary.id or "",
        )

    def _attempt(self, tried: Tried) -> Attempt:
        error = tried.error
        return Attempt(
            provider=tried.candidate.provider.id,
            model=tried.candidate.model,
            protocol=tried.candidate.endpoint.protocol,
            lane=tried.lane,
            started=self._generation.created + (tried.started - self.began),
            latency=tried.ended - tried.started,
            status=tried.status,
            outcome=error.kind.value if error is not None else "ok",
            message=recordable(error) if error is not None else "",
        )


class _Part(msgspec.Struct, frozen=True):
    """What an attempt used beside the one that serves.  `told`: the client heard what it said."""

    usage: Usage
    cost: Cost | None
    told: bool = False


def _price(candidate: Candidate | None) -> Price | None:
    return candidate.facts.price if candidate is not None and candidate.facts is not None else None


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
