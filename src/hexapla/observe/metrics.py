"""Prometheus metrics of one gateway, counted in plain integers and rendered when asked.

`prometheus_client` is the right library for the exposition format, and too slow for the hot path: finding a child by
its labels costs 1.4 to 2.4 µs each time, and a request touches a dozen.  So a request adds to a few integers (one or
two microseconds in all), and a custom collector shapes them into families when somebody scrapes.

    hexapla_requests_total{client,provider,model,lane,outcome}   hexapla_in_flight
    hexapla_attempts_total{provider,outcome}                     hexapla_losses_total{severity}
    hexapla_tokens_total{provider,model,class}                   classes do not overlap: their sum is all tokens
    hexapla_cost_total{provider,model,currency}                  in units of the currency
    hexapla_first_byte_seconds, hexapla_request_seconds{provider,model}

Rules of this file: the number of label values is bounded, whatever clients ask for; `begin` and `end` belong to one
thread, `render` to any; a registry of its own, never the library's global one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Literal

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from hexapla.errors import Kind
from hexapla.ledger.record import Generation

OTHER = "other"  # models beyond the bound, and those that only failing requests have named

_FIRST_BYTE = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 30.0, 60.0, 120.0)
_TOTAL = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
_CLASSES = ("input", "cached", "cache_write", "output", "reasoning")
_BY_MODEL = ("provider", "model")
_LONGEST_LABEL = 100

# A client can name any model, and `provider/anything` reaches the provider: only a request that was understood may
# bring a new label.
_INVENTED = frozenset({Kind.NOT_FOUND, Kind.INVALID_REQUEST, Kind.NO_ROUTE, Kind.CLIENT_AUTH, Kind.PERMISSION})

_Families = Iterator[Metric]


class _Histogram:
    """Counts by bucket, and the sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        names = (*map(str, self.bounds), "+Inf")
        return list(zip(names, accumulate(self.counts)))


class _Tally:
    """Everything counted for one model of one provider."""

    __slots__ = ("cost", "first", "labels", "requests", "tokens", "total")

    def __init__(self, provider: str, model: str) -> None:
        self.labels = [provider, model]
        self.requests: dict[tuple[str, str, str], int] = defaultdict(int)  # client, lane, outcome
        self.tokens = [0] * len(_CLASSES)
        self.cost: dict[str, int] = {}
        self.first = _Histogram(_FIRST_BYTE)
        self.total = _Histogram(_TOTAL)

    def add(self, generation: Generation) -> None:
        self.requests[generation.client_protocol, generation.lane, generation.outcome] += 1
        self.total.add(generation.latency)
        if generation.first is not None:
            self.first.add(generation.first)
        usage, cost, tokens = generation.usage, generation.cost, self.tokens
        cached, written, thought = usage.cached or 0, usage.cache_write or 0, usage.reasoning or 0
        tokens[0] += max((usage.input or 0) - cached - written, 0)
        tokens[1] += cached
        tokens[2] += written
        tokens[3] += max((usage.output or 0) - thought, 0)
        tokens[4] += thought
        if cost is not None:
            self.cost[cost.currency] = self.cost.get(cost.currency, 0) + cost.nanos


class Metrics(Collector):
    """The metrics of one gateway.

    models  how many models get a label of their own
    """

    CONTENT_TYPE = CONTENT_TYPE_LATEST

    def __init__(self, *, models: int = 200) -> None:
        self._most = models
        self._tallies: dict[tuple[str, str], _Tally] = {}
        self._others: dict[str, _Tally] = {}
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._losses: Counter[str] = Counter()
        self._in_flight = 0
        self._watched: list[tuple[type[CounterMetricFamily | GaugeMetricFamily], str, str, Callable[[], float]]] = []
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def begin(self) -> None:
        """A request began; its `end` must follow, whatever happens."""
        self._in_flight += 1

    def end(self, generation: Generation) -> None:
        """A request ended: count everything that its generation says."""
        self._in_flight -= 1
        tally = self._tallies.get((generation.provider, generation.model)) or self._admit(generation)
        tally.add(generation)
        for attempt in generation.attempts:
            self._attempts[attempt.provider, attempt.outcome] += 1
        for loss in generation.losses:
            self._losses[loss.severity] += 1

    def watch(
        self,
        name: str,
        about: str,
        read: Callable[[], float],
        kind: Literal["gauge", "counter"] = "gauge",
    ) -> None:
        """Expose a number that somebody else keeps; `read` is called at each scrape and must not raise."""
        self._watched.append((_FAMILIES[kind], name, about, read))

    def render(self) -> bytes:
        """Return the exposition for `GET /metrics`; with hundreds of models some milliseconds of work."""
        return generate_latest(self._registry)

    def collect(self) -> _Families:
        """The registry's question (prometheus_client's Collector)."""
        tallies = [*self._tallies.values(), *self._others.values()]
        yield from _traffic(tallies)
        yield from _latencies(tallies)
        yield _counter("attempts", "Calls of endpoints.", ("provider", "outcome"), self._attempts.items())
        losses = (((severity,), count) for severity, count in list(self._losses.items()))
        yield _counter("losses", "Things that a translation could not say.", ("severity",), losses)
        yield GaugeMetricFamily("hexapla_in_flight", "Requests begun and not ended.", self._in_flight)
        for family, name, about, read in self._watched:
            yield family(name, about, read())

    def _admit(self, generation: Generation) -> _Tally:
        """Return the tally of a model not seen before: its own if there is room and it seems to exist."""
        provider, model = _label(generation.provider), _label(generation.model)
        if len(self._tallies) < self._most and generation.outcome not in _INVENTED:
            return self._tallies.setdefault((generation.provider, generation.model), _Tally(provider, model))
        if len(self._others) >= self._most:
            provider = OTHER
        return self._others.setdefault(provider, _Tally(provider, OTHER))


_FAMILIES: dict[str, type[CounterMetricFamily | GaugeMetricFamily]] = {
    "gauge": GaugeMetricFamily,
    "counter": CounterMetricFamily,
}


def _traffic(tallies: list[_Tally]) -> _Families:
    yield _counter(
        "requests",
        "Requests that ended.",
        ("client", *_BY_MODEL, "lane", "outcome"),
        (
            ((client, *tally.labels, lane, outcome), count)
            for tally in tallies
            for (client, lane, outcome), count in list(tally.requests.items())
        ),
    )
    yield _counter(
        "tokens",
        "Tokens, each in one class.",
        (*_BY_MODEL, "class"),
        (((*tally.labels, name), count) for tally in tallies for name, count in zip(_CLASSES, tally.tokens)),
    )
    yield _counter(
        "cost",
        "Money spent, in units of the currency.",
        (*_BY_MODEL, "currency"),
        (((*tally.labels, currency), nanos / 1e9) for tally in tallies for currency, nanos in list(tally.cost.items())),
    )


def _latencies(tallies: list[_Tally]) -> _Families:
    first = HistogramMetricFamily(
        "hexapla_first_byte_seconds", "Time until the first content byte went to the client.", labels=_BY_MODEL
    )
    total = HistogramMetricFamily("hexapla_request_seconds", "Time until a request ended.", labels=_BY_MODEL)
    for tally in tallies:
        first.add_metric(tally.labels, tally.first.buckets(), tally.first.sum)
        total.add_metric(tally.labels, tally.total.buckets(), tally.total.sum)
    yield first
    yield total


def _counter(
    name: str, about: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"hexapla_{name}", about, labels=labels)
    for label_values, value in list(values):
        family.add_metric(label_values, value)
    return family


def _label(value: str) -> str:
    """Return a label that can be written: short, and without the lone surrogates that UTF-8 has no bytes for."""
    return value[:_LONGEST_LABEL].encode("utf-8", "replace").decode()
