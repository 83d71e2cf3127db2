"""What a gateway counts: plain integers, a microsecond or two a request.

`prometheus_client` is the right library for the exposition format, and too slow for the hot path: finding a child by
its labels costs 1.4 to 2.4 µs each time, and a request touches a dozen.  So a request adds to a few integers here, and
exposition.py shapes them into families when somebody scrapes.  Requests are counted many at once, when some have ended or
somebody asks: once a request the same code is cold, and takes three times as long.

Rules of this file: the number of labels is bounded, whatever clients ask for; `end` belongs to one thread, reading to any.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from itertools import accumulate
from typing import Literal

import msgspec

from hexapla.errors import Kind
from hexapla.ir.loss import Loss
from hexapla.ledger.record import Attempt, Generation

OTHER = "other"  # models beyond the bound, and those that only failing requests have named
CLASSES = ("input", "cached", "cache_write", "output", "reasoning")  # of tokens; each token is in one

_FIRST_BYTE = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 30.0, 60.0, 120.0)
_TOTAL = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
_LONGEST_LABEL = 100
_TOGETHER = 64  # requests

# A client can name any model, and `provider/anything` reaches the provider: only a request that was understood may
# bring a new label.
_INVENTED = frozenset({Kind.NOT_FOUND, Kind.INVALID_REQUEST, Kind.NO_ROUTE, Kind.CLIENT_AUTH, Kind.PERMISSION})


class Histogram:
    """Counts by bucket, and the sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def buckets(self) -> list[tuple[str, float]]:
        names = (*map(str, self.bounds), "+Inf")
        return list(zip(names, accumulate(self.counts)))


class Tally:
    """Everything counted for one model of one provider."""

    __slots__ = ("cost", "first", "labels", "requests", "tokens", "total")

    def __init__(self, provider: str, model: str) -> None:
        self.labels = [provider, model]
        self.requests: dict[tuple[str, str, str], int] = defaultdict(int)  # client, lane, outcome
        self.tokens = [0] * len(CLASSES)
        self.cost: dict[str, int] = {}
        self.first = Histogram(_FIRST_BYTE)
        self.total = Histogram(_TOTAL)

    def add(self, generation: Generation) -> None:
        first, usage, cost, tokens = generation.first, generation.usage, generation.cost, self.tokens
        latency, total = generation.latency, self.total
        self.requests[generation.client_protocol, generation.lane, generation.outcome] += 1
        total.counts[bisect_left(_TOTAL, latency)] += 1
        total.sum += latency
        if first is not None:
            self.first.counts[bisect_left(_FIRST_BYTE, first)] += 1
            self.first.sum += first
        fresh, plain = usage.input or 0, usage.output or 0
        if count := usage.cached:
            tokens[1] += count
            fresh -= count
        if count := usage.cache_write:
            tokens[2] += count
            fresh -= count
        if count := usage.reasoning:
            tokens[4] += count
            plain -= count
        if fresh > 0:
            tokens[0] += fresh
        if plain > 0:
            tokens[3] += plain
        if cost is not None:
            self.cost[cost.currency] = self.cost.get(cost.currency, 0) + cost.nanos


class Watched(msgspec.Struct, frozen=True):
    """A number that somebody else keeps."""

    name: str
    about: str
    read: Callable[[], float]
    kind: Literal["gauge", "counter"]


class Metrics:
    """The counts of one gateway.

    in_flight  requests begun and not ended: whoever begins one adds it here, and its `end` must follow, whatever happens
    watched    what others keep
    """

    def __init__(self, *, models: int = 200) -> None:
        """Give labels of their own to at most so many models."""
        self.in_flight = 0
        self._ended: deque[Generation] = deque()  # and not counted yet
        self._counting = threading.Lock()
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._losses: Counter[str] = Counter()
        self.watched: list[Watched] = []
        self._most = models
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._others: dict[str, Tally] = {}

    def end(self, generation: Generation) -> None:
        """A request ended: count everything that its generation says, soon."""
        self.in_flight -= 1
        ended = self._ended
        ended.append(generation)
        if len(ended) >= _TOGETHER:
            self._count()

    def _count(self) -> None:
        tallies, ended = self._tallies, self._ended
        attempts: list[Attempt] = []
        losses: list[Loss] = []
        with self._counting:
            while ended:
                generation = ended.popleft()
                tally = tallies.get((generation.provider, generation.model)) or self._admit(generation)
                tally.add(generation)
                attempts += generation.attempts
                losses += generation.losses
            self._attempts.update([(attempt.provider, attempt.outcome) for attempt in attempts])
            self._losses.update([loss.severity for loss in losses])

    def watch(
        self, name: str, about: str, read: Callable[[], float], kind: Literal["gauge", "counter"] = "gauge"
    ) -> None:
        """Expose a number that somebody else keeps; `read` is called at each scrape and must not raise."""
        self.watched.append(Watched(name, about, read, kind))

    @property
    def attempts(self) -> Counter[tuple[str, str]]:
        """Calls of endpoints, by provider and outcome."""
        self._count()
        return self._attempts

    @property
    def losses(self) -> Counter[str]:
        """By severity."""
        self._count()
        return self._losses

    def tallies(self) -> list[Tally]:
        """Return what was counted, model by model."""
        self._count()
        return [*self._tallies.values(), *self._others.values()]

    def _admit(self, generation: Generation) -> Tally:
        """Return the tally of a model not seen before: its own if there is room and it seems to exist."""
        provider, model = _label(generation.provider), _label(generation.model)
        if len(self._tallies) < self._most and generation.outcome not in _INVENTED:
            return self._tallies.setdefault((generation.provider, generation.model), Tally(provider, model))
        if len(self._others) >= self._most:
            provider = OTHER
        return self._others.setdefault(provider, Tally(provider, OTHER))


def _label(value: str) -> str:
    """Return a label that can be written: short, and without the lone surrogates that UTF-8 has no bytes for."""
    return value[:_LONGEST_LABEL].encode("utf-8", "replace").decode()
