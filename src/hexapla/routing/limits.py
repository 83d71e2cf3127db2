"""Limits that are known before they hit: how much each key may still ask of each model.

A vendor's limit is a number of requests, tokens or images in a minute, an hour or a day.  Each is a bucket that fills up
evenly; a request takes its place in all of them at once, now or a little later, so that waiting requests queue up instead
of running into a 429 together.  What the vendor's answers tell (headers) is newer than what its documents say.

The bucket is the generic cell rate algorithm: one number, the time up to which everything is spoken for
(https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm).

Rules of this file: pure (`now` is an argument, monotonic seconds); a limit that nobody told is not enforced; a request
larger than a bucket takes all of it, since the vendor will judge it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from hexapla.catalog.rates import least
from hexapla.catalog.schema import Rate

Unit = Literal["requests", "tokens", "images"]

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
KEPT = 4096  # meters; clients choose models, so the number is bounded

SPANS: tuple[tuple[str, Unit, float], ...] = (
    ("rpm", "requests", MINUTE),
    ("rph", "requests", HOUR),
    ("rpd", "requests", DAY),
    ("tpm", "tokens", MINUTE),
    ("tpd", "tokens", DAY),
    ("ipm", "images", MINUTE),
    ("ipd", "images", DAY),
)
"""Fields of a `Rate`, what they count and for how long."""

Place = tuple[str, str, str]
"""Provider, credential, model."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a request takes."""

    requests: int = 1
    tokens: int = 0
    images: int = 0


class Bucket:
    """`limit` units in `window` seconds."""

    __slots__ = ("limit", "spoken", "window")

    def __init__(self, limit: float, window: float) -> None:
        self.limit = limit
        self.window = window
        self.spoken = 0.0  # everything is spoken for up to this time

    def wait(self, units: float, now: float) -> float:
        """Seconds until `units` are free."""
        return max(0.0, max(self.spoken, now) + self._cost(units) - now - self.window)

    def take(self, units: float, now: float) -> None:
        self.spoken = max(self.spoken, now) + self._cost(units)

    def correct(self, units: float) -> None:
        """More (or fewer) units were used than were taken."""
        self.spoken += units * self.window / self.limit

    def told(self, limit: float, window: float, remaining: float, now: float) -> None:
        """The vendor says how much is left."""
        self.limit, self.window = limit, window
        self.spoken = now + window - min(remaining, limit) * window / limit

    def _cost(self, units: float) -> float:
        return min(units, self.limit) * self.window / self.limit


class Limits:
    """The buckets of every key and model that has any, in `meters`."""

    def __init__(self) -> None:
        self.meters: dict[Place, dict[tuple[Unit, float], Bucket]] = {}
        self._refusals: dict[Place, str] = {}

    def state(self, place: Place, rate: Rate) -> None:
        """The vendor's documents, or the user's configuration, say what `place` may do; what was told since stands."""
        for field, unit, window in SPANS:
            limit = least(getattr(rate, field))
            if limit:
                self._meter(place).setdefault((unit, window), Bucket(limit, window))

    def tell(self, place: Place, unit: Unit, window: float, limit: float, remaining: float, now: float) -> None:
        """An answer's headers say what is left of a limit."""
        meter = self._meter(place)
        bucket = meter.get((unit, window))
        if bucket is None:
            bucket = meter[unit, window] = Bucket(limit, window)
        bucket.told(limit, window, remaining, now)

    def wait(self, place: Place, load: Load, now: float) -> float:
        """Seconds until `place` may be asked for `load`."""
        meter = self.meters.get(place)
        if not meter:
            return 0.0
        return max(bucket.wait(getattr(load, unit), now) for (unit, _), bucket in meter.items())

    def reserve(self, place: Place, load: Load, now: float, patience: float) -> float | None:
        """Take a place in the queue: after how many seconds it is its turn; None where that is more than `patience`."""
        seconds = self.wait(place, load, now)
        if seconds > patience:
            return None
        self.take(place, load, now)
        return seconds

    def refused(self, place: Place, words: str) -> None:
        """The vendor itself said, in these `words`, that a limit of `place` is reached."""
        if place in self.meters:
            self._refusals[place] = words

    def refusal(self, place: Place) -> str:
        """What the vendor said last about a limit of `place`, if anything."""
        return self._refusals.get(place, "")

    def take(self, place: Place, load: Load, now: float) -> None:
        """A request goes there, now or after its wait."""
        for (unit, _), bucket in self.meters.get(place, _NOTHING).items():
            bucket.take(getattr(load, unit), now)

    def settle(self, place: Place, taken: Load, used: int) -> None:
        """The answer is there: `used` tokens, where `taken.tokens` had been expected."""
        for (unit, _), bucket in self.meters.get(place, _NOTHING).items():
            if unit == "tokens":
                bucket.correct(used - taken.tokens)

    def _meter(self, place: Place) -> dict[tuple[Unit, float], Bucket]:
        meter = self.meters.get(place)
        if meter is None:
            if len(self.meters) >= KEPT:
                oldest = next(iter(self.meters))
                del self.meters[oldest]
                self._refusals.pop(oldest, None)
            meter = self.meters[place] = {}
        return meter


_NOTHING: Mapping[tuple[Unit, float], Bucket] = {}
