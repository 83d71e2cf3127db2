"""The counts of a gateway in Prometheus' words, for `GET /metrics`.

    hexapla_requests_total{client,provider,model,lane,outcome}   hexapla_in_flight
    hexapla_attempts_total{provider,outcome}                     hexapla_losses_total{severity}
    hexapla_tokens_total{provider,model,class}                   classes do not overlap: their sum is all tokens
    hexapla_cost_total{provider,model,currency}                  in units of the currency
    hexapla_first_byte_seconds, hexapla_request_seconds{provider,model}

It stands apart from the counting so that only a server imports prometheus_client (40 ms); the library does not.

Rules of this file: nothing is counted here; a registry of its own, never the library's global one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from hexapla.observe.metrics import CLASSES, Metrics, Tally

_BY_MODEL = ("provider", "model")
_WATCHED: dict[str, type[CounterMetricFamily | GaugeMetricFamily]] = {
    "gauge": GaugeMetricFamily,
    "counter": CounterMetricFamily,
}

_Families = Iterator[Metric]


class Exposition(Collector):
    """Renders one gateway's metrics, and those of its process."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def render(self) -> bytes:
        """Return the body; with hundreds of models some milliseconds of work, in any thread."""
        return generate_latest(self._registry)

    def collect(self) -> _Families:
        """The registry's question (prometheus_client's Collector)."""
        metrics = self._metrics
        tallies = metrics.tallies()
        yield from _traffic(tallies)
        yield from _latencies(tallies)
        yield _counter("attempts", "Calls of endpoints.", ("provider", "outcome"), list(metrics.attempts.items()))
        losses = [((severity,), count) for severity, count in list(metrics.losses.items())]
        yield _counter("losses", "Things that a translation could not say.", ("severity",), losses)
        yield GaugeMetricFamily("hexapla_in_flight", "Requests begun and not ended.", metrics.in_flight)
        for watched in metrics.watched:
            yield _WATCHED[watched.kind](watched.name, watched.about, watched.read())


def _traffic(tallies: list[Tally]) -> _Families:
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
        (((*tally.labels, name), count) for tally in tallies for name, count in zip(CLASSES, tally.tokens)),
    )
    yield _counter(
        "cost",
        "Money spent, in units of the currency.",
        (*_BY_MODEL, "currency"),
        (((*tally.labels, currency), nanos / 1e9) for tally in tallies for currency, nanos in list(tally.cost.items())),
    )


def _latencies(tallies: list[Tally]) -> _Families:
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
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family
