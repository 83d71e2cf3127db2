"""Who sits on the bench, for what, and for how long."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from playbook import candidate

from hexapla.errors import Kind, UpstreamError
from hexapla.routing.bench import KEPT, TERMS, Bench
from hexapla.routing.candidate import Candidate


def player(credential: str, model: str = "m", provider: str = "acme") -> Candidate:
    return replace(candidate(provider), credential=credential, model=model)


def refusal(kind: Kind, after: float | None = None) -> UpstreamError:
    return UpstreamError(kind, "no", retry_after=after)


A, B, C = player("a"), player("b"), player("c")


@pytest.mark.parametrize("kind", TERMS)
def test_a_failed_key_is_left_out_until_it_recovers(kind: Kind) -> None:
    """The others play; when the term is over the key is back in its old place."""
    bench = Bench()
    assert not bench.sitting
    bench.heard(A, refusal(kind), 100.0)
    assert bench.sitting
    assert bench.choose([A, B], 100.1) == [B]
    assert bench.choose([A, B], 100.0 + TERMS[kind].first) == [A, B]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in TERMS])
def test_other_failures_do_not_bench(kind: Kind) -> None:
    """A server that is down says nothing about a key."""
    bench = Bench()
    bench.heard(A, refusal(kind, 9.0), 0.0)
    assert not bench.sitting


def test_a_hint_is_obeyed() -> None:
    """Shorter or longer than the usual term."""
    bench = Bench()
    bench.heard(A, refusal(Kind.RATE_LIMIT, 1.5), 0.0)
    bench.heard(B, refusal(Kind.RATE_LIMIT, 900.0), 0.0)
    assert bench.choose([A, B], 1.0) == [A]
    assert bench.choose([A, B], 1.5) == [A]
    assert bench.choose([A, B, C], 899.0) == [A, C]
    assert bench.choose([A, B, C], 900.0) == [A, B, C]


def test_limits_concern_one_model_and_refusals_all() -> None:
    """A key that is limited for one model serves another; a refused key serves none."""
    other = player("a", "other")
    bench = Bench()
    bench.heard(A, refusal(Kind.RATE_LIMIT), 0.0)
    assert bench.choose([other, B], 1.0) == [other, B]
    bench.heard(A, refusal(Kind.UPSTREAM_AUTH), 0.0)
    assert bench.choose([other, B], 1.0) == [B]
    assert bench.choose([player("a", "other", "elsewhere"), B], 1.0) == [player("a", "other", "elsewhere"), B]


def test_when_all_are_benched_the_soonest_is_asked() -> None:
    """The answer is then the provider's own."""
    bench = Bench()
    bench.heard(A, refusal(Kind.RATE_LIMIT, 30.0), 0.0)
    bench.heard(B, refusal(Kind.RATE_LIMIT, 20.0), 0.0)
    bench.heard(C, refusal(Kind.UPSTREAM_AUTH), 0.0)
    assert bench.choose([A, B, C], 1.0) == [B]
    assert bench.choose([A], 1.0) == [A]
    assert bench.choose([], 1.0) == []


def test_terms_double_and_a_success_ends_them() -> None:
    """Failing again after the term doubles it up to the most; answering clears the key for good."""
    bench, now, term = Bench(), 0.0, TERMS[Kind.RATE_LIMIT]
    for seconds in (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, term.most, term.most):
        bench.heard(A, refusal(Kind.RATE_LIMIT), now)
        assert bench.until(A, now) == now + seconds
        now += seconds
    bench.heard(A, None, now)
    assert not bench.sitting
    bench.heard(A, refusal(Kind.RATE_LIMIT), now)
    assert bench.until(A, now) == now + term.first


def test_requests_that_were_under_way_do_not_prolong() -> None:
    """Twenty requests refused in the same moment count once."""
    bench = Bench()
    for moment in range(20):
        bench.heard(A, refusal(Kind.UPSTREAM_AUTH), moment / 100)
    assert bench.until(A, 1.0) == pytest.approx(300.19)


def test_what_needs_no_key_is_never_benched() -> None:
    """There is nobody to take its place."""
    bench = Bench()
    bench.heard(player(""), refusal(Kind.RATE_LIMIT), 0.0)
    assert not bench.sitting


def test_why_a_key_sits_out_can_be_told() -> None:
    """For people: kind and seconds left."""
    bench = Bench()
    bench.heard(A, refusal(Kind.UPSTREAM_BILLING), 0.0)
    bench.heard(B, refusal(Kind.RATE_LIMIT, 8.0), 0.0)
    assert bench.stays("acme", 2.0) == {
        ("a", ""): (Kind.UPSTREAM_BILLING, 298.0),
        ("b", "m"): (Kind.RATE_LIMIT, 6.0),
    }
    assert bench.stays("acme", 9.0).keys() == {("a", "")}


def test_the_bench_is_bounded() -> None:
    """Clients choose models' names, so they must not fill the memory; what has expired makes room."""
    bench = Bench()
    for number in range(KEPT + 100):
        bench.heard(player("a", f"m{number}"), refusal(Kind.RATE_LIMIT, 10.0), 0.0)
    assert len(bench.stays("acme", 1.0)) == KEPT
    bench.heard(B, refusal(Kind.RATE_LIMIT), 11.0)
    assert bench.stays("acme", 12.0).keys() == {("b", "m")}
