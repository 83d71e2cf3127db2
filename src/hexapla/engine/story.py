"""What can be told of one request's way: who was asked for, who could serve, who was tried and why nobody is left.

OpenRouter tells it in three places: `openrouter_metadata` of an answer, `error.availability` and
`error.metadata.previous_errors` of a refusal (https://openrouter.ai/docs/guides/features/router-metadata and
https://openrouter.ai/docs/api/reference/errors-and-debugging, 2026-08-22).

Rules of this file: nothing here is made before somebody wants to hear it; names, codes and statuses only, never what a
provider's body said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from hexapla.catalog.schema import Provider
from hexapla.engine.traffic import Planned
from hexapla.errors import GatewayError, Kind, RoutingError
from hexapla.ledger import Attempt
from hexapla.routing.candidate import Candidate
from hexapla.routing.virtual import VIRTUAL

Json = dict[str, Any]

DOCS = "https://openrouter.ai/docs/errors#"

VOCABULARY = frozenset(
    {
        "geo", "data_region", "data_policy:zdr", "data_policy:training", "max_price", "context_length",
        "require_parameters", "quantization", "allowed_providers",
    }
)  # fmt: skip
"""Filters that `excluded_by` may name."""

PRIVACY = frozenset({"data_policy:zdr", "data_policy:training"})
CONSTRAINTS = frozenset({"max_price", "context_length", "require_parameters", "quantization"})

BUSY = frozenset({Kind.RATE_LIMIT.value})
GONE = frozenset({Kind.NOT_FOUND.value})
DOWN = frozenset(
    kind.value
    for kind in (
        Kind.OVERLOADED,
        Kind.TIMEOUT,
        Kind.UPSTREAM_ERROR,
        Kind.UPSTREAM_CONNECT,
        Kind.UPSTREAM_TLS,
        Kind.UPSTREAM_PROTOCOL,
        Kind.UPSTREAM_EMPTY,
        Kind.UPSTREAM_TRUNCATED,
        Kind.EGRESS_PROXY,
    )
)


class Story(msgspec.Struct, kw_only=True):
    """What is known of a request.

    models    what the client asked for;  alias: the first of them is a name of the user's own
    plan      None before there was one
    demands   every parameter must be carried
    attempts  so far, the present one last
    """

    models: tuple[str, ...] = ()
    alias: bool = False
    demands: bool = False
    plan: Planned | None = None
    attempts: Sequence[Attempt] = ()

    # --- openrouter_metadata --------------------------------------------------------------------------------------

    def metadata(self, *, served: bool = False, tried: int = 0, rejected: Sequence[str] = ()) -> Json:
        """Who could be asked, who was, and who answered.

        tried  attempts so far, one that is not over included;  rejected: who was left out, where nobody else is left
        """
        chosen = self.attempts[-1] if served and self.attempts else None
        seen = {(each.provider.id, each.model): each for each in (self.plan.everybody if self.plan is not None else ())}
        available = [
            {"provider": shown(each.provider), "model": each.model, "selected": _is(chosen, each)}
            for each in seen.values()
        ]
        names = dict.fromkeys(rejected)
        available += [
            {"provider": name.partition("/")[0], "model": name.partition("/")[2], "selected": False} for name in names
        ]
        out = len(self.plan.rejected) if self.plan is not None else 0
        selected = next((each["provider"] for each in available if each["selected"]), None)
        told: Json = {
            "requested": self.models[0] if self.models else "",
            "strategy": self.strategy(chosen),
            "region": None,
            "summary": f"available={len(available)}" + (f", selected={selected}" if selected else ""),
            "attempt": max(tried, len(self.attempts)),
            "is_byok": True,
            "endpoints": {"total": len(available) + out, "available": available},
        }
        if len(self.attempts) > 1:
            people = {each.provider.id: shown(each.provider) for each in seen.values()}
            told["attempts"] = [
                {"provider": people.get(each.provider, each.provider), "model": each.model, "status": _status(each)}
                for each in self.attempts
            ]
        return told

    def strategy(self, chosen: Attempt | None) -> str:
        """How the model came to be chosen, in OpenRouter's words."""
        name = self.models[0] if self.models else ""
        if kind := VIRTUAL.get(name):
            return kind
        if chosen is not None and self.plan is not None and self._asked(chosen) not in ("", name):
            return "fallback"
        return "latest" if name.startswith("~") else "alias" if self.alias else "direct"

    def _asked(self, chosen: Attempt) -> str:
        """The name of the request that the attempt stands for."""
        assert self.plan is not None
        return next((self.plan.name_of(each) for each in self.plan.everybody if _is(chosen, each)), "")

    # --- errors ---------------------------------------------------------------------------------------------------

    def previous(self) -> list[Json]:
        """Every attempt that failed, where there was more than one."""
        failed = [each for each in self.attempts if each.outcome != "ok"]
        if len(failed) < 2:
            return []
        return [{"provider": each.provider, "code": each.outcome, "status": _status(each)} for each in failed]

    def availability(self, error: GatewayError) -> Json | None:
        """Why the models cannot be had; None for an error that is about something else."""
        code = self._code(error)
        if code is None:
            return None
        told: Json = {
            "code": code,
            "retryable": code in ("capacity_exhausted", "temporarily_unavailable"),
            "requested_models": list(self.models),
            "docs_url": DOCS + code,
        }
        if error.retry_after is not None:
            told["retry_after"] = round(error.retry_after, 3)
        routing = error if isinstance(error, RoutingError) else None
        filters = routing.filters if routing is not None else ()
        providers = [name.partition("/")[0] for name, _ in routing.rejected] if routing is not None else []
        providers += [each.provider for each in self.attempts]
        if providers:
            told["affected_providers"] = list(dict.fromkeys(providers))
        if self.demands and error.kind is Kind.UNSUPPORTED:
            filters = ("require_parameters",)
        if excluded := [name for name in dict.fromkeys(filters) if name in VOCABULARY]:
            told["excluded_by"] = excluded
        if code == "constraint_filtered":
            told["constraint"] = {"field": excluded[0], "detail": error.message}
        if routing is not None and routing.nearest:
            told["fallback_models"] = list(routing.nearest)
        return told

    def _code(self, error: GatewayError) -> str | None:
        if isinstance(error, RoutingError):
            return _unroutable(error)
        if self.demands and error.kind is Kind.UNSUPPORTED:
            return "constraint_filtered"
        outcomes = {each.outcome for each in self.attempts} or {error.kind.value}  # nobody could be asked at present
        found = ((BUSY, "capacity_exhausted"), (GONE, "model_unavailable_upstream"), (DOWN, "temporarily_unavailable"))
        return next((code for kinds, code in found if outcomes <= kinds), None)


def shown(provider: Provider) -> str:
    """A provider's name for people, as OpenRouter tells it."""
    return provider.name or provider.id


def _unroutable(error: RoutingError) -> str:
    filters = frozenset(error.filters)
    if filters:
        if "free" in filters:
            return "free_variant_ended"
        if filters <= PRIVACY:
            return "privacy_restricted"
        return "constraint_filtered" if filters <= CONSTRAINTS else "no_endpoints"
    if error.kind is Kind.NOT_FOUND:
        return "model_not_found" if error.nearest is not None else "no_endpoints"
    return "temporarily_unavailable"


def _is(attempt: Attempt | None, candidate: Candidate) -> bool:
    return attempt is not None and (attempt.provider, attempt.model) == (candidate.provider.id, candidate.model)


def _status(attempt: Attempt) -> int:
    """The HTTP status of an attempt; 502 where none arrived."""
    return attempt.status or 502
