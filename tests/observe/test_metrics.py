"""Metrics say what generations said, with a bounded number of labels, and cheaply."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from hexapla.ir.loss import Loss
from hexapla.ir.response import Usage
from hexapla.ledger import Attempt, Cost, Generation
from hexapla.observe.exposition import Exposition
from hexapla.observe.metrics import Metrics

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def generation(**fields: object) -> Generation:
    defaults = {
        "id": "a",
        "client_protocol": "openai_chat",
        "provider": "deepseek",
        "model": "chat",
        "lane": "verbatim",
        "outcome": "ok",
        "latency": 2.0,
        "first": 0.3,
        "usage": Usage(input=100, output=20, cached=60, cache_write=10, reasoning=5),
        "cost": Cost(currency="USD", nanos=1_500_000_000, source="catalogue"),
    }
    return Generation(**{**defaults, **fields})  # type: ignore[arg-type]


def attempt(provider: str, outcome: str) -> Attempt:
    return Attempt(
        provider=provider, model="m", protocol="openai_chat", lane="hub", started=1.0, latency=0.1, outcome=outcome
    )


def samples(metrics: Metrics) -> Samples:
    families = text_string_to_metric_families(Exposition(metrics).render().decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    wanted = labels.items()
    found = [count for (other, own), count in samples(metrics).items() if other == f"hexapla_{name}" and wanted <= own]
    return sum(found) if found else None


def models(metrics: Metrics) -> set[str]:
    return {dict(labels)["model"] for name, labels in samples(metrics) if name == "hexapla_requests_total"}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_a_finished_request_is_counted_everywhere(metrics: Metrics) -> None:
    """Requests, attempts, losses, cost and both times follow from the generation alone."""
    metrics.in_flight += 1
    metrics.end(
        generation(
            attempts=(attempt("openai", "timeout"), attempt("deepseek", "ok")),
            losses=(Loss("a", "b"), Loss("c", "d", "cosmetic")),
        )
    )
    where = {"provider": "deepseek", "model": "chat"}
    assert value(metrics, "requests_total", client="openai_chat", lane="verbatim", outcome="ok", **where) == 1
    assert value(metrics, "attempts_total", provider="openai", outcome="timeout") == 1
    assert value(metrics, "attempts_total", provider="deepseek", outcome="ok") == 1
    assert value(metrics, "losses_total", severity="parameter") == 1
    assert value(metrics, "losses_total", severity="cosmetic") == 1
    assert value(metrics, "cost_total", currency="USD", **where) == 1.5
    assert value(metrics, "request_seconds_sum", **where) == 2.0
    assert value(metrics, "first_byte_seconds_count", **where) == 1
    assert value(metrics, "in_flight") == 0


def test_token_classes_do_not_overlap(metrics: Metrics) -> None:
    """Their sum is input plus output, each token in one class; missing counts count nothing."""
    metrics.end(generation())
    metrics.end(generation(usage=Usage()))
    by_class = {c: value(metrics, "tokens_total", **{"class": c}) for c in ("input", "cached", "cache_write", "output")}
    assert by_class == {"input": 30, "cached": 60, "cache_write": 10, "output": 15}
    assert value(metrics, "tokens_total") == 120


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0.0, "0.1"), (0.1, "0.1"), (0.1001, "0.25"), (640.0, "640.0"), (641.0, "+Inf")]
)
def test_buckets_include_their_bound(metrics: Metrics, seconds: float, bucket: str) -> None:
    """A time lies in the first bucket whose bound is not below it, and in all later ones."""
    metrics.end(generation(latency=seconds))
    counts = {
        dict(labels)["le"]: count
        for (name, labels), count in samples(metrics).items()
        if name == "hexapla_request_seconds_bucket"
    }
    bounds = list(counts)
    assert [counts[bound] for bound in bounds] == [
        float(bounds.index(bound) >= bounds.index(bucket)) for bound in bounds
    ]


def test_requests_in_flight_go_up_and_down(metrics: Metrics) -> None:
    """The gauge is what has begun and not ended."""
    metrics.in_flight += 1
    metrics.in_flight += 1
    metrics.end(generation())
    assert value(metrics, "in_flight") == 1


def test_labels_are_bounded() -> None:
    """Beyond the bound, models are counted as `other`: nothing is lost, and nothing grows."""
    metrics = Metrics(models=3)
    for number in range(50):
        metrics.end(generation(provider=f"p{number % 2}", model=f"m{number}"))
    assert models(metrics) == {"m0", "m1", "m2", "other"}
    assert value(metrics, "requests_total") == 50
    for number in range(50):
        metrics.end(generation(provider=f"p{number}", model="m"))
    assert len({labels for name, labels in samples(metrics) if name == "hexapla_requests_total"}) <= 7
    assert value(metrics, "requests_total") == 100


@pytest.mark.parametrize("outcome", ["not_found", "invalid_request", "no_route"])
def test_invented_models_get_no_label(metrics: Metrics, outcome: str) -> None:
    """A client cannot fill the labels by asking for models that do not exist; a known model keeps its own."""
    metrics.end(generation(model="real"))
    metrics.end(generation(model="real", outcome=outcome))
    metrics.end(generation(model="invented", outcome=outcome))
    assert models(metrics) == {"real", "other"}
    assert value(metrics, "requests_total", model="real") == 2


@pytest.mark.parametrize("model", ['a"b\\c\nd', "\ud800", "m" * 5000, ""])
def test_any_name_can_be_exposed(metrics: Metrics, model: str) -> None:
    """Names with quotes, line ends, lone surrogates or of any length leave the exposition legible."""
    metrics.end(generation(model=model))
    (shown,) = models(metrics)
    assert shown == model[:100].encode("utf-8", "replace").decode()


def test_others_numbers_are_shown(metrics: Metrics) -> None:
    """A watched number is read at each scrape."""
    numbers = iter([1.0, 2.0, 7.0])
    metrics.watch("hexapla_ledger_backlog_bytes", "Waiting.", lambda: next(numbers))
    assert value(metrics, "ledger_backlog_bytes") == 1.0
    assert value(metrics, "ledger_backlog_bytes") == 2.0
    metrics.watch("hexapla_log_dropped", "Dropped.", lambda: 3.0, "counter")
    assert value(metrics, "log_dropped_total") == 3.0


def test_instances_are_apart(metrics: Metrics) -> None:
    """Two gateways in one process count for themselves, and the library's global registry knows of neither."""
    other = Metrics()
    metrics.end(generation())
    assert value(other, "requests_total") is None
    assert not [family for family in REGISTRY.collect() if family.name.startswith("hexapla")]


def test_the_library_does_not_pay_for_the_exposition() -> None:
    """Counting does not import prometheus_client, which takes longer than the rest of the floor."""
    code = "import hexapla.observe.metrics, sys; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_hot_path_is_cheap(metrics: Metrics) -> None:
    """Counting a request costs microseconds (1.5 where this was written; ten times that is a defect)."""
    finished = generation(attempts=(attempt("deepseek", "ok"),))
    best = min(_time(metrics, finished) for _ in range(5))
    assert best < 15e-6


def _time(metrics: Metrics, finished: Generation, count: int = 2000) -> float:
    start = time.perf_counter()
    for _ in range(count):
        metrics.in_flight += 1
        metrics.end(finished)
    return (time.perf_counter() - start) / count
