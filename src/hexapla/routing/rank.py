"""Who is tried first: the order of the candidates of one request.

A *group* is one provider of a model, with all its keys and endpoints in their own order; groups are ranked, what is
inside of them stays together.  The rules are OpenRouter's (provider-selection page, 2026-08-22):

    order       listed providers in the order of the list, then the others as if nothing had been listed
    sort        by price, throughput, latency or quality; who is not known comes last
    otherwise   among those without a recent failure one is drawn by 1/price^2, the rest follow by price;
                those with one come last
    outliers    who does far worse than its equals goes behind them (outliers.py), unless the list of `order` names it
    tools       so does, where neither `sort` nor `order` was said, who calls tools far worse (OpenRouter's Auto Exacto,
                https://openrouter.ai/docs/guides/routing/auto-exacto, 2026-08-22)
    preferred   cut-offs of throughput and latency put back who misses them, whatever ranked them before

Rules of this file: pure (`now` and `chance` are arguments); stable, so that the catalogue's order decides what nothing
else does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from hexapla.catalog.schema import Price
from hexapla.routing.candidate import Candidate
from hexapla.routing.health import Health, Metric, Track
from hexapla.routing.outliers import Find, clumsy, outliers
from hexapla.routing.preferences import By, Cutoffs, Preferences

PROMPT_SHARE = 0.75
"""Of a request's tokens, about three in four are read and one is written; that makes one price of two."""

FREE = 1e-4  # USD per million tokens, in place of a price of nothing: its weight must stay a number

Group = list[Candidate]

Bound = tuple[Metric, float, float]
"""A metric, the share of answers that must keep to the bound, and the bound."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What rankings know of the world.

    now     monotonic seconds
    chance  draws from [0, 1)
    usd     units of a currency in one US dollar
    waits   seconds that a candidate's limits make a request wait; None when nothing is limited
    """

    health: Health
    now: float
    chance: Callable[[], float]
    usd: Mapping[str, float]
    waits: Callable[[Candidate], float] | None = None


def ranked(
    groups: Sequence[Group], preferences: Preferences, scene: Scene, *, equals: bool = True, tools: bool = False
) -> list[Group]:
    """`groups` in the order in which they are tried.  `equals`: they all offer the same model;  `tools`: the request has
    some."""
    if len(groups) < 2:
        return _free_first(list(groups), scene)
    chosen = _sorted(groups, preferences.sort.by, scene) if preferences.sort.by else _balanced(groups, scene)
    if equals:
        chosen = _last(chosen, outliers, scene)
        if preferences.sort.by == "exacto" or (tools and preferences.sort.by is None):
            chosen = _last(chosen, clumsy, scene)
    if preferences.order:
        chosen = _listed_first(chosen, preferences.order)
    return _free_first(_preferred(chosen, preferences, scene), scene)


def _last(groups: list[Group], whom: Find, scene: Scene) -> list[Group]:
    """`groups`, with those whom `whom` finds behind the others.  A service tier that is slow is no slow endpoint: only
    offers of one tier are equals."""
    equals: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        equals.setdefault(group[0].tier, []).append(place)
    out: list[int] = []
    for places in equals.values():
        found = whom([groups[place][0].track for place in places], scene.health, scene.now)
        out += [places[each] for each in found]
    return _put_back(groups, frozenset(out)) if out else groups


def _put_back(groups: list[Group], places: frozenset[int]) -> list[Group]:
    return [groups[i] for i in sorted(range(len(groups)), key=places.__contains__)] if places else groups


def _free_first(groups: list[Group], scene: Scene) -> list[Group]:
    """Keys that would have to wait for their limits come after those that need not, and so do providers."""
    if scene.waits is None:
        return groups
    sorted_inside = [sorted(group, key=scene.waits) for group in groups]
    return sorted(sorted_inside, key=lambda group: scene.waits(group[0]) > 0 if scene.waits is not None else False)


def blended(price: Price | None, usd: Mapping[str, float]) -> float | None:
    """One figure for a price: USD per million tokens of the usual mixture.  None where it is not known."""
    if price is None or price.input is None or price.output is None:
        return None
    rate = 1.0 if price.currency == "USD" else usd.get(price.currency)
    return (price.input * PROMPT_SHARE + price.output * (1 - PROMPT_SHARE)) / rate if rate else None


def _price(scene: Scene, group: Group) -> float:
    facts = group[0].facts
    if facts is not None and facts.free:
        return 0.0
    known = blended(facts.price if facts is not None else None, scene.usd)
    return math.inf if known is None else known


def _sorted(groups: Sequence[Group], by: By, scene: Scene) -> list[Group]:
    return sorted(groups, key=partial(_SORTS[by], scene))


def _by_throughput(scene: Scene, group: Group) -> float:
    known = scene.health.percentile(group[0].track, "throughput", 0.5, scene.now)
    return math.inf if known is None else -known


def _by_latency(scene: Scene, group: Group) -> float:
    known = scene.health.percentile(group[0].track, "latency", 0.5, scene.now)
    return math.inf if known is None else known


def _by_quality(scene: Scene, group: Group) -> tuple[float, float, float]:
    """Fewest flawed calls of tools first, and whose calls are not known after those; then fewest failures, then the
    quicker one: what can be known of quality without judging texts."""
    track = group[0].track
    flaws = scene.health.flaws(track, scene.now)
    return math.inf if flaws is None else flaws, scene.health.error_rate(track), _by_throughput(scene, group)


_SORTS: dict[By, Callable[[Scene, Group], Any]] = {
    "price": _price,
    "throughput": _by_throughput,
    "latency": _by_latency,
    "exacto": _by_quality,
}


def _balanced(groups: Sequence[Group], scene: Scene) -> list[Group]:
    """One drawn by 1/price^2 among the stable ones, then the rest by price, then those with a recent failure."""
    stable: list[Group] = []
    shaky: list[Group] = []
    for group in groups:
        (shaky if scene.health.out(group[0].track, scene.now) else stable).append(group)
    first = _drawn(stable, scene)
    rest = sorted((group for group in stable if group is not first), key=partial(_price, scene))
    return [*([first] if first is not None else ()), *rest, *sorted(shaky, key=partial(_price, scene))]


def _drawn(groups: Sequence[Group], scene: Scene) -> Group | None:
    """One of `groups`; two draws, and of equals the one with less to do (peak-EWMA, two choices).

    Without a single known price there is nothing to weigh, and the first one stays first.
    """
    weighed = [(group, _weight(_price(scene, group))) for group in groups]
    total = sum(weight for _, weight in weighed)
    if total <= 0:
        return groups[0] if groups else None
    first, second = (_at(weighed, scene.chance() * total) for _ in range(2))
    if first is second or _price(scene, first) != _price(scene, second):
        return first
    return min(first, second, key=lambda group: scene.health.load(group[0].track, scene.now))


def _weight(price: float) -> float:
    return 0.0 if math.isinf(price) else 1.0 / max(price, FREE) ** 2


def _at(weighed: Sequence[tuple[Group, float]], point: float) -> Group:
    for group, weight in weighed:
        point -= weight
        if point < 0:
            return group
    return next(group for group, weight in reversed(weighed) if weight)


def _listed_first(groups: list[Group], order: Sequence[str]) -> list[Group]:
    listed = frozenset(order)
    named = [group for group in groups if not group[0].slugs.isdisjoint(listed)]
    named.sort(key=lambda group: next(place for place, slug in enumerate(order) if slug in group[0].slugs))
    return named + [group for group in groups if group[0].slugs.isdisjoint(listed)]


def _preferred(groups: list[Group], preferences: Preferences, scene: Scene) -> list[Group]:
    """Put back who misses a cut-off; who is not known has missed nothing."""
    wishes = (preferences.preferred_min_throughput, preferences.preferred_max_latency)
    if wishes == _NO_WISHES:
        return groups
    tracks = tuple([group[0].track for group in groups])
    missed = scene.health.verdict((tracks, wishes), scene.now, lambda: _missed(tracks, wishes, scene))
    return _put_back(groups, missed)


def _missed(tracks: Sequence[str], wishes: tuple[Cutoffs, Cutoffs], scene: Scene) -> frozenset[int]:
    """The places of those among `tracks` that miss a cut-off."""
    bounds = [*_bounds("throughput", wishes[0]), *_bounds("latency", wishes[1])]
    known = [(place, scene.health.track(track)) for place, track in enumerate(tracks)]
    return frozenset(place for place, track in known if track is not None and _misses(track, bounds, scene.now))


def _bounds(metric: Metric, cutoffs: Cutoffs) -> list[Bound]:
    """The cut-offs that were said."""
    said = ((share, getattr(cutoffs, name)) for name, share in _SHARES)
    return [(metric, share, bound) for share, bound in said if bound is not None]


def _misses(track: Track, bounds: Sequence[Bound], now: float) -> bool:
    for metric, share, bound in bounds:
        known = track.percentile(metric, share, now)
        if known is not None and (known < bound if metric == "throughput" else known > bound):
            return True
    return False


_NO_WISHES = (Cutoffs(), Cutoffs())
_SHARES = (("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p99", 0.99))
