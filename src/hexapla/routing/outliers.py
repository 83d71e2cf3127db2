"""Endpoints that do far worse than their equals go behind them, at most half of them at once.

A breaker sees an endpoint by itself: it opens where nearly everything fails.  An endpoint that fails every third time, or
takes ten times as long as the others, keeps its breaker closed and spoils every third request all the same; only the
comparison shows it.  The ceiling is the other half of the idea (Envoy's outlier detection has 10 % of a host set,
https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier, 2026-08): when everybody does badly nobody
is an outlier, and traffic must not pile up on the few that are left.  Models have two or three endpoints, not hundreds of
hosts, so it is half here, and the measure is the others' median instead of a standard deviation.

Rules of this file: pure; nobody is left out, only put back; who is not known enough is no outlier; who was put back is
given another chance after a while, since whoever is asked by nobody cannot get better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hexapla.routing.health import Health

LEAST = 10  # answers without which nothing is known of an endpoint
MORE_FAILURES = 0.2  # a share of failures above the others' that is far from it
MORE_FLAWS = 0.1  # a share of answers with flawed calls above the best one's that is far from it
UNKNOWN_FLAWS = 0.4  # what is expected of whoever is not known: it is given a try before one that fails at most calls
TIMES_SLOWER = 3.0  # of the others' latency, and
SECONDS_SLOWER = 0.5  # so much more: a tenth of a second instead of a thirtieth bothers nobody
ALONE = 60.0  # seconds after a failure in which the share of failures counts

Find = Callable[[Sequence[str], Health, float], frozenset[int]]


def outliers(tracks: Sequence[str], health: Health, now: float) -> frozenset[int]:
    """The places of those among `tracks`, the endpoints of one model, that do far worse than the others."""
    key = tuple(tracks)
    return health.verdict(key, now, lambda: _found(key, health, now))


def clumsy(tracks: Sequence[str], health: Health, now: float) -> frozenset[int]:
    """The places of those that call tools far worse than the best of them.

    There is no ceiling: who serves is no safer for being one of many, and the best is never among those.
    """
    flaws = [health.flaws(track, now) for track in tracks]
    best = min(UNKNOWN_FLAWS if share is None else share for share in flaws)
    return frozenset(place for place, share in enumerate(flaws) if share is not None and share > best + MORE_FLAWS)


def _found(tracks: tuple[str, ...], health: Health, now: float) -> frozenset[int]:
    known = [health.track(track) for track in tracks]
    failing = [track.failures(now, ALONE, LEAST) if track is not None else None for track in known]
    waiting = [
        track.percentile("latency", 0.5, now) if track is not None and track.seen >= LEAST else None for track in known
    ]
    by_failures = _excess(failing, 1.0, MORE_FAILURES)
    by_latency = _excess(waiting, TIMES_SLOWER, SECONDS_SLOWER)
    far = sorted(zip(map(max, by_failures, by_latency), range(len(tracks))), reverse=True)
    return frozenset(place for excess, place in far[: len(tracks) // 2] if excess > 1.0)


def _excess(values: Sequence[float | None], times: float, more: float) -> list[float]:
    """How far each value is above its bound (1: on it), which the median of the others makes; 0 where it is not known."""
    order = sorted((value, place) for place, value in enumerate(values) if value is not None)
    excess = [0.0] * len(values)
    for rank, (value, place) in enumerate(order if len(order) > 1 else ()):
        middle = (len(order) - 1) // 2  # of the others, as they stand without this one
        median = order[middle + (middle >= rank)][0]
        excess[place] = value / (median * times + more)
    return excess
