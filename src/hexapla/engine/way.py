"""Why this provider?  Where a request would go, told before anything is sent.

Rules of this file: nothing is sent and nothing is learnt; what was drawn by chance may be drawn otherwise the next time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from hexapla.engine.gateway import Gateway
from hexapla.engine.traffic import Planned, place_of
from hexapla.errors import GatewayError, ProtocolError
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Call
from hexapla.routing.preferences import Preferences
from hexapla.translate.peek import Peek

Json = dict[str, Any]
Opener = Callable[[Candidate], Call]


def way(gateway: Gateway, peeked: Peek, plan: Planned, open_call: Opener) -> Json:
    """The candidates in the order in which they would be tried, and who was left out, each with what speaks of it.

    plan, open_call  what `Gateway.planned` makes of a request
    """
    wishes = gateway.routes.wishes(peeked)
    return {
        "models": list(peeked.models),
        "why": reason(plan, wishes),
        "candidates": [_told(gateway, plan, each, open_call) for each in plan.everybody],
        "rejected": [
            {"endpoint": each.candidate.name, "filter": each.filter, "why": each.why} for each in plan.rejected
        ],
        "sitting_out": _sitting_out(gateway, plan),
    }


def reason(plan: Planned, wishes: Preferences) -> str:
    """What decided the order, as a key of the words that people read."""
    if len({(each.provider.id, each.lot) for each in plan.everybody}) < 2:
        return "only"
    if wishes.order:
        return "order"
    if plan.session is not None and plan.led:
        return "session"
    return f"sort-{plan.sort}" if plan.sort else "balanced"


def _told(gateway: Gateway, plan: Planned, candidate: Candidate, open_call: Opener) -> Json:
    traffic = gateway.routes.traffic
    now, track = traffic.clock(), candidate.track
    facts = candidate.facts
    return {
        "provider": candidate.provider.id,
        "model": candidate.model,
        "stands_for": plan.name_of(candidate) or None,
        "tier": candidate.tier or None,
        "overrides": list(candidate.overrides),
        "credential": candidate.credential or None,
        "protocol": candidate.endpoint.protocol,
        **_lane(candidate, open_call),
        "price": _price(candidate),
        "context": facts.context if facts is not None else None,
        "latency": traffic.health.percentile(track, "latency", 0.5, now),
        "throughput": traffic.health.percentile(track, "throughput", 0.5, now),
        "error_rate": traffic.health.error_rate(track),
        "tool_call_errors": traffic.health.flaws(track, now),
        "recent_failure": traffic.health.out(track, now),
        "left_alone_for": round(traffic.health.closed_for(track, now), 3),
        "waits_for_limit": round(traffic.limits.wait(place_of(candidate), plan.load, now), 3),
    }


def _lane(candidate: Candidate, open_call: Opener) -> Json:
    """In which lane, with which losses; or why it could not be asked this."""
    try:
        call = open_call(candidate)
    except (GatewayError, ProtocolError) as error:
        return {"lane": None, "losses": [], "refused": error.message}
    return {"lane": call.lane.name, "losses": [msgspec.to_builtins(loss) for loss in call.lane.losses], "refused": None}


def _price(candidate: Candidate) -> Json | None:
    facts = candidate.facts
    if facts is None or (facts.price is None and not facts.free):
        return None
    if facts.price is None or facts.free:
        return {"currency": "USD", "input": 0.0, "output": 0.0, "cached": None}
    price = facts.price
    return {"currency": price.currency, "input": price.input, "output": price.output, "cached": price.cached}


def _sitting_out(gateway: Gateway, plan: Planned) -> list[Json]:
    """Keys of the providers concerned that are of no use at present."""
    providers = dict.fromkeys(each.provider.id for each in plan.everybody)
    return [
        {
            "provider": provider,
            "credential": credential,
            "model": model or None,
            "why": kind.value,
            "seconds": round(left, 1),
        }
        for provider in providers
        for (credential, model), (kind, left) in gateway.routes.traffic.stays(provider).items()
    ]
