"""Who may serve a request: one provider's endpoint with one credential-bearing account, for one upstream model."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hexapla.catalog.schema import Endpoint, Model, Provider, Quirks
from hexapla.ir.target import Target
from hexapla.routing.patience import Timers
from hexapla.translate.fallbacks import Entry
from hexapla.translate.straight import Way


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One way to serve a request; the unit that plans are made of.

    model    the id that the upstream wants to hear
    facts    the catalogue's facts of that model; None for models it does not know
    quirks   the endpoint's quirks with the matching `when` tables merged in
    target   what renderers and adapters may know (stream is set per request)
    straight by their dialect, the ways of requests that nobody need look into
    address  the engine's own note of how to reach it; opaque here
    credential  the name of the key or login that it is asked with; "" for none
    login    whoever keeps its token, opaque here; None for what needs no token
    timers   how long it may take
    track    the key of its endpoint and model in health.py
    slugs    what a request may call its provider (filters.py)
    delegate its provider is a gateway itself, which is told the request's wishes and obeys them
    thinks, searches  it was asked for as `:thinking`, `:online`
    tier     the service tier that it is asked for; "" leaves to the request what it says
    entry    the one of the request's `fallbacks` that it stands for, where that says more than a model
    """

    provider: Provider
    endpoint: Endpoint
    model: str
    facts: Model | None = None
    quirks: Quirks
    target: Target
    straight: Mapping[str, Way] = {}
    address: object = None
    credential: str = ""
    login: object = None
    timers: Timers = Timers()
    track: str = ""
    slugs: frozenset[str] = frozenset()
    delegate: bool = False
    thinks: bool = False
    searches: bool = False
    tier: str = ""
    entry: Entry | None = None

    @property
    def lot(self) -> str:
        """The model as keys are limited for it: a tier has a limit of its own."""
        return f"{self.model} {self.tier}" if self.tier not in ("", "default") else self.model

    @property
    def overrides(self) -> tuple[str, ...]:
        """The fields that its entry of `fallbacks` says otherwise than the request."""
        return tuple(self.entry.said) if self.entry is not None else ()

    @property
    def name(self) -> str:
        """`provider/model`, for people, logs and headers."""
        return f"{self.provider.id}/{self.model}"
