"""Who is tried for a request, in which order, and who is not and why.

The plan joins the floor's parts: filters say who may serve (filters.py), ranking says in which order (rank.py), the bench
and the breakers say who sits out for the moment (bench.py, health.py).  Models stay in the order in which they were asked
for, unless `sort.partition` is "none".

Rules of this file: pure; the plan of one model with one candidate costs nothing but a look.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import msgspec

from hexapla.errors import Kind, RoutingError
from hexapla.routing.candidate import Candidate
from hexapla.routing.filters import HARD, SOFT, Need, Rejection, sift
from hexapla.routing.preferences import NONE, Preferences
from hexapla.routing.rank import Group, Scene, ranked


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One model of a request: whoever offers it, and what was wished of them."""

    name: str
    candidates: Sequence[Candidate]
    preferences: Preferences = NONE
    need: Need = Need()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """candidates in the order in which they are tried; rejected: who was ruled out before."""

    candidates: tuple[Candidate, ...]
    rejected: tuple[Rejection, ...] = ()


def planned(wanted: Sequence[Wanted], scene: Scene) -> Plan:
    """The plan for a request's models.  Raises RoutingError(not_found) when the wishes leave nobody."""
    if (
        len(wanted) == 1
        and len(wanted[0].candidates) == 1
        and wanted[0].preferences is NONE
        and not wanted[0].need.free
        and wanted[0].need.search is None
    ):
        return Plan(candidates=(wanted[0].candidates[0],))
    rejected: list[Rejection] = []
    models: list[list[Group]] = []
    for each in wanted:
        kept, gone = sift(each.candidates, HARD, each.preferences, each.need)
        able, unable = sift(kept, SOFT, each.preferences, each.need)
        rejected += gone
        if able:
            rejected += unable
        models.append(_groups(able or kept))
    chosen = _ordered(models, wanted, scene)
    if not chosen:
        raise _nobody(wanted, rejected)
    return Plan(candidates=tuple(chain.from_iterable(chosen)), rejected=tuple(rejected))


def _ordered(models: list[list[Group]], wanted: Sequence[Wanted], scene: Scene) -> list[Group]:
    first = wanted[0].preferences
    if first.sort.by is not None and first.sort.partition == "none":
        return _limited(ranked(list(chain.from_iterable(models)), first, scene, equals=False), first)
    return [
        group
        for groups, each in zip(models, wanted)
        for group in _limited(ranked(groups, each.preferences, scene, tools=each.need.tools), each.preferences)
    ]


def _limited(groups: list[Group], preferences: Preferences) -> list[Group]:
    """Without fallbacks only the first provider is asked, or those that were listed (filters.py sees to that)."""
    return groups if preferences.allow_fallbacks or preferences.order else groups[:1]


def _groups(candidates: Sequence[Candidate]) -> list[Group]:
    """One group for each provider of a model and each of its service tiers, in order of appearance; its endpoints may call
    the model differently."""
    groups: dict[tuple[str, str], Group] = {}
    for candidate in candidates:
        groups.setdefault((candidate.provider.id, candidate.tier), []).append(candidate)
    return list(groups.values())


def _nobody(wanted: Sequence[Wanted], rejected: Sequence[Rejection]) -> RoutingError:
    reasons = [(rejection.candidate.name, rejection.why) for rejection in rejected]
    told = "; ".join(dict.fromkeys(f"{name}: {why}" for name, why in reasons))
    return RoutingError(
        f"No provider of {wanted[0].name!r} fits the request's wishes. {told}. Loosen `provider`, or name further models.",
        kind=Kind.NOT_FOUND,
        param="provider",
        rejected=reasons,
        filters=[rejection.filter for rejection in rejected],
    )
