"""Service tiers: the cheaper and the quicker place in a vendor's queue, as offers of their own.

    service_tier "flex"       only who sells it, the cheapest first; where nobody does, as if nothing had been said
    service_tier "priority"   (or "fast") who sells it first, the quickest first; then everybody at the plain tier
    provider.only, order      `openai/flex` is OpenAI's flex, and nobody else's
    :floor, :nitro            flex, or priority, is one more offer, which its price, or its speed, must bring to the front

A request that says nothing of these is never served at such a tier.  Who sells what at which price the catalogue knows
(Model.services).  Source: https://openrouter.ai/docs/guides/features/service-tiers (2026-08-22).

Rules of this file: pure; nothing happens where no tier was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from hexapla.routing.candidate import Candidate
from hexapla.routing.preferences import By, Preferences

SAID = {"flex": "flex", "priority": "priority", "fast": "priority"}
"""What a request may call a tier -> the tier."""

PLAIN = "default"

SERVED = {"standard": PLAIN, "on_demand": PLAIN, "scale": PLAIN, "fast": "priority"}
"""What an answer may call a tier -> the tier; "auto" tells nothing."""

SUFFIXES = {":floor": "flex", ":nitro": "priority"}
SORTS: dict[str, By] = {"flex": "price", "priority": "throughput"}

Asked = tuple[Sequence[Candidate], Preferences]
"""Who may serve, and what is wished of them."""


def by_tier(candidates: Sequence[Candidate], wishes: Preferences, said: str, suffix: str) -> tuple[Asked, ...]:
    """The offers for one model, and those to try after them.

    said  the request's `service_tier`, or "";  suffix: what stood behind the model's name
    """
    wanted = SAID.get(said, "")
    open_to = {wanted} if wanted else _admitted(said, suffix) if not wishes.order else set()
    sold = [
        *(each for each in _sold(candidates, open_to, named=False) if _may(each, wishes)),
        *(each for each in _sold(candidates, _named(wishes) - open_to, named=True) if _listed(each, wishes)),
    ]
    if not sold:
        return ((candidates, wishes),)
    if not wanted:
        return (([*candidates, *sold], wishes),)
    wishes = _sorted(wishes, SORTS[wanted])
    if wanted == "flex" or not (wishes.allow_fallbacks or wishes.order):
        return ((sold, wishes),)
    tiered = {candidate.provider.id for candidate in sold}
    plain = [replace(each, tier=PLAIN) if each.provider.id in tiered else each for each in candidates]
    return (([*sold, *plain], wishes),) if wishes.order else ((sold, wishes), (plain, wishes))


def at_tier(candidate: Candidate, tier: str, *, named: bool = False) -> Candidate | None:
    """The same offer at `tier`; None where it is not sold.  `named`: only under its own name, `openai/flex`."""
    facts = candidate.facts
    price = facts.services.get(tier) if facts is not None else None
    if facts is None or price is None or facts.price is None or "service_tier" in candidate.quirks.strip:
        return None
    own = frozenset(f"{slug}/{tier}" for slug in candidate.slugs)
    return replace(
        candidate,
        facts=replace(facts, price=price, services={**facts.services, PLAIN: facts.price}),
        track=f"{candidate.track} {tier}",
        slugs=own if named else own | candidate.slugs,
        tier=tier,
    )


def _sold(candidates: Sequence[Candidate], tiers: Iterable[str], *, named: bool) -> list[Candidate]:
    found = (at_tier(candidate, tier, named=named) for tier in sorted(tiers) for candidate in candidates)
    return [each for each in found if each is not None]


def _may(candidate: Candidate, wishes: Preferences) -> bool:
    """Whether the wishes leave its provider a chance: a tier that only others sell is sold by nobody."""
    listed = (each for each in (wishes.only, wishes.ceiling) if each)
    own = candidate.slugs
    return own.isdisjoint(wishes.ignore) and not any(own.isdisjoint(each) for each in listed)


def _listed(candidate: Candidate, wishes: Preferences) -> bool:
    return not candidate.slugs.isdisjoint((*wishes.only, *wishes.order))


def _admitted(said: str, suffix: str) -> set[str]:
    """The tiers that a suffix lets in, unless the request names the plain one."""
    return set() if said == PLAIN else {tier for known, tier in SUFFIXES.items() if known in suffix}


def _named(wishes: Preferences) -> set[str]:
    """The tiers that stand behind a provider's name."""
    return {tier for slug in (*wishes.only, *wishes.order) if (tier := slug.rpartition("/")[2]) in SORTS}


def _sorted(wishes: Preferences, by: By) -> Preferences:
    if wishes.sort.by is not None or wishes.order:
        return wishes
    return replace(wishes, sort=replace(wishes.sort, by=by))
