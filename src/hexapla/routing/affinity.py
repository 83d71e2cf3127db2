"""Sessions that stay where their prompt is cached.

A provider's prompt cache saves most of a long conversation's cost, but only at the same account of the same provider.  So a
conversation that has been seen to profit from it, or whose client names a session, goes there first again.

The rules are OpenRouter's (https://openrouter.ai/docs/guides/best-practices/prompt-caching, 2026-08-22): a conversation is
known by the session that its client names, else by its opening; it sticks after a first answer from the cache, at once when
a session was named, and only where cached input is cheaper; a failure changes nothing; ten minutes of silence end it.

Rules of this file: pure (`now` is an argument); the number of sessions is bounded; who is not among the candidates is not
brought back.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hexapla.routing.candidate import Candidate

SECONDS = 600.0  # how long a silent session is remembered
KEPT = 50_000  # sessions


class Session(msgspec.Struct, frozen=True):
    """Whose conversation it is (key, model, session or opening), and whether the client named it."""

    key: str
    named: bool


class _Place(msgspec.Struct, frozen=True):
    provider: str
    model: str
    credential: str
    until: float


class Affinity:
    """Where sessions have been served."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}

    def led(self, session: Session, candidates: Sequence[Candidate], now: float) -> Sequence[Candidate]:
        """`candidates` with the session's own place first."""
        place = self._places.get(session.key)
        if place is None or place.until <= now:
            return candidates
        own = [candidate for candidate in candidates if _is(candidate, place)]
        return [*own, *(candidate for candidate in candidates if not _is(candidate, place))] if own else candidates

    def served(self, session: Session, candidate: Candidate, cached: int, now: float) -> None:
        """`candidate` answered; `cached`: input tokens that came from its cache."""
        if not (session.named or cached or session.key in self._places) or not _saves(candidate):
            return
        if session.key not in self._places and len(self._places) >= KEPT:
            self._places = {key: place for key, place in self._places.items() if place.until > now}
            if len(self._places) >= KEPT:
                del self._places[next(iter(self._places))]
        self._places[session.key] = _Place(candidate.provider.id, candidate.model, candidate.credential, now + SECONDS)


def _is(candidate: Candidate, place: _Place) -> bool:
    return (candidate.provider.id, candidate.model, candidate.credential) == (
        place.provider,
        place.model,
        place.credential,
    )


def _saves(candidate: Candidate) -> bool:
    """Whether cached input is cheaper there; where prices are not known it is."""
    price = candidate.facts.price if candidate.facts is not None else None
    if price is None or price.input is None:
        return True
    return price.cached is not None and price.cached < price.input
