"""Credentials that are of no use at present: which ones, and until when.

A key that was refused, that has no money left or that is limited would fail the next request as well, and a provider
takes hammering amiss.  So it sits on the bench for a while, and the other keys play.  What is benched is as narrow as the
failure: a refused or empty account altogether, a limit or a missing permission for the one model that met it.

Rules of this file: pure (`now` is an argument); whoever is benched comes back by itself, and sooner after a success; when
everybody is benched the one who comes back first is asked, so that the answer is the provider's own and never a guess.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hexapla.errors import GatewayError, Kind
from hexapla.routing.candidate import Candidate


class Term(msgspec.Struct, frozen=True):
    """How long the first time and at most, in seconds; `model`: only for the model that met it."""

    first: float
    most: float
    model: bool = False


TERMS: dict[Kind, Term] = {
    Kind.UPSTREAM_AUTH: Term(300.0, 3600.0),
    Kind.UPSTREAM_BILLING: Term(300.0, 3600.0),
    Kind.PERMISSION: Term(300.0, 3600.0, model=True),
    Kind.RATE_LIMIT: Term(5.0, 300.0, model=True),
}
"""What benches.  A term doubles with every time in a row; a hint of the provider stands above it."""

KEPT = 4096  # slots; clients choose models, so the number is bounded

Slot = tuple[str, str, str]
"""Provider, credential, and the model or "" for all of them."""


class _Stay(msgspec.Struct, frozen=True):
    until: float
    times: int
    kind: Kind


class Bench:
    """Who sits out: `sitting`, which is empty most of the time."""

    def __init__(self) -> None:
        self.sitting: dict[Slot, _Stay] = {}

    def heard(self, candidate: Candidate, error: GatewayError | None, now: float) -> None:
        """Learn from an attempt that is over: None clears its credential, an error may bench it."""
        provider, credential, model = _slot(candidate)
        if not credential:
            return
        if error is None:
            if self.sitting:
                self.sitting.pop((provider, credential, model), None)
                self.sitting.pop((provider, credential, ""), None)
            return
        term = TERMS.get(error.kind)
        if term is not None:
            self._add((provider, credential, model if term.model else ""), error, term, now)

    def until(self, candidate: Candidate, now: float) -> float:
        """When `candidate` may be asked again; `now` when at once."""
        provider, credential, model = _slot(candidate)
        found = (self.sitting.get((provider, credential, "")), self.sitting.get((provider, credential, model)))
        return max((now, *(stay.until for stay in found if stay is not None)))

    def choose(self, planned: Sequence[Candidate], now: float) -> list[Candidate]:
        """`planned` without those who sit out; when all do, whoever comes back first."""
        ends = [self.until(candidate, now) for candidate in planned]
        first = min(ends, default=now)
        return [candidate for candidate, end in zip(planned, ends) if end <= first]

    def stays(self, provider: str, now: float) -> dict[tuple[str, str], tuple[Kind, float]]:
        """(credential, model or "") of `provider` -> why it sits out, and for how many more seconds."""
        return {
            (slot[1], slot[2]): (stay.kind, stay.until - now)
            for slot, stay in self.sitting.items()
            if slot[0] == provider and stay.until > now
        }

    def _add(self, slot: Slot, error: GatewayError, term: Term, now: float) -> None:
        known = self.sitting.get(slot)
        # a request that was sent before the bench was known tells nothing new
        times = 1 if known is None else known.times if known.until > now else known.times + 1
        seconds = min(term.most, term.first * float(2 ** min(times - 1, 16)))
        if error.retry_after is not None:
            seconds = error.retry_after
        if known is None and len(self.sitting) >= KEPT:
            self.sitting = {kept: stay for kept, stay in self.sitting.items() if stay.until > now}
        if len(self.sitting) < KEPT or known is not None:
            self.sitting[slot] = _Stay(max(now + seconds, known.until if known else now), times, error.kind)


def _slot(candidate: Candidate) -> Slot:
    return candidate.provider.id, candidate.credential, candidate.lot
