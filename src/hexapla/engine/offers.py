"""Who offers what a client names: from a name to candidates that are ready to be called.

A name of the catalogue, a user's alias or a profile's word becomes the endpoints that serve it, one candidate for each of
their keys; names that were asked for before are a look-up.

Rules of this file: nothing of one request stands here but the names in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from hexapla.auth.api_key import Credential, missing_key, needs_key
from hexapla.auth.grant import Token
from hexapla.auth.keeper import Keeper
from hexapla.auth.sources import Source, find_sources
from hexapla.catalog.elsewhere import elsewhere
from hexapla.catalog.listing import Listed
from hexapla.catalog.profile import DEFAULT, Profile, applied, mean, slot_of
from hexapla.catalog.quirks import target_of
from hexapla.catalog.resolve import Catalog, Match, resolve
from hexapla.catalog.schema import Model, Provider
from hexapla.config import Loaded
from hexapla.engine.address import GATEWAYS, address_of
from hexapla.engine.traffic import Planned
from hexapla.engine.virtual import rows_of
from hexapla.errors import Kind, RoutingError
from hexapla.routing.candidate import Candidate
from hexapla.routing.filters import slugs
from hexapla.routing.preferences import WIDENING
from hexapla.translate.straight import straight_to

Keep = Callable[[Provider, Source], Keeper]
KEPT_NAMES = 4096  # names whose candidates are remembered; clients choose names, so the number is bounded

Name = tuple[str, str]
"""A profile, or "", and a name of the catalogue."""


def idle(provider: Provider, source: Source) -> Keeper:
    """A keeper that never fetches a token: enough to tell that there is a login."""

    async def unreachable(steps: object) -> Token:
        raise AssertionError(f"{provider.id} has no way to its login")

    return Keeper(source, unreachable)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """Who offers a model; `suffix`: what stood behind its name."""

    candidates: tuple[Candidate, ...]
    suffix: str = ""


class Offers:
    """The candidates of every name that was asked for so far.

    keep  makes the keeper of a login's token; by default one that can be looked at and not used
    told  hears of candidates when they are found for the first time
    found servers of one's own that answered, with their models; None before anybody looked
    """

    def __init__(
        self,
        loaded: Loaded,
        keep: Keep = idle,
        told: Callable[[Sequence[Candidate]], None] = lambda candidates: None,
    ) -> None:
        self.loaded = loaded
        self.catalog = loaded.catalog
        self.found: Mapping[str, tuple[Model, ...]] | None = None
        self.profiles = loaded.profiles
        self.keep = keep
        self.weights: dict[tuple[str, str], float] = {}
        self._told = told
        self._listed: tuple[Catalog, Sequence[str], Sequence[Listed]] | None = None
        self._config = loaded.config
        self._known: dict[tuple[Name, bool], Offer] = {}
        self._meant: dict[tuple[str, tuple[str, ...]], tuple[Name, ...]] = {}
        self._sole: dict[tuple[str, tuple[str, ...]], Planned] = {}  # for names that leave no choice
        self._credentials: dict[str, tuple[Credential | Keeper, ...]] = {}

    def candidates(self, name: str, profile: str = "") -> tuple[Candidate, ...]:
        """Every candidate of a name of the catalogue, with what `profile` says of its requests.

        Raises RoutingError for an unknown name or a provider without a key.
        """
        return self.offer((profile, name)).candidates

    def first(self, name: str, profile: str = "") -> Candidate:
        """Who is asked first for `name`.  Raises RoutingError when nobody can be."""
        first_error: RoutingError | None = None
        for inside, meant in self.names((name,), profile):
            try:
                return self.candidates(meant, inside)[0]
            except RoutingError as error:
                first_error = first_error or error
        assert first_error is not None
        raise first_error

    def profile(self, name: str) -> Profile:
        """The profile of this name.  Raises RoutingError(not_found) that names those that there are."""
        found = self.profiles.get(name)
        if found is None:
            there = ", ".join(sorted(self.profiles))
            raise RoutingError(f"There is no profile {name[:100]!r} here; there are: {there}.", kind=Kind.NOT_FOUND)
        return found

    def offer(self, name: Name, *, everywhere: bool = False) -> Offer:
        """Who offers the model of this name, remembered.

        everywhere  also providers other than the one that the name begins with, which offer the same model

        Raises RoutingError as `candidates` does.
        """
        found = self._known.get((name, everywhere))
        if found is None:
            profile, model = name
            found = self._found(model, everywhere, self.profile(profile) if profile else None)
            if len(self._known) >= KEPT_NAMES:
                self._known.clear()
            self._known[name, everywhere] = found
            self._told(found.candidates)
        return found

    def _found(self, name: str, everywhere: bool, profile: Profile | None) -> Offer:
        """The candidates of every provider that has a key; the first one's complaint when none has."""
        matches = resolve(self.catalog, name)
        suffix = matches[0].suffix
        found, error = self._of_matches(matches, profile)
        if everywhere or any(known in suffix for known in WIDENING) or not found:
            found += self._of_matches(elsewhere(self.catalog, name, matches), profile)[0]
        if not found and error is not None:
            raise error
        return Offer(candidates=tuple(_varied(found, suffix)), suffix=suffix)

    def _of_matches(
        self, matches: Sequence[Match], profile: Profile | None
    ) -> tuple[list[Candidate], RoutingError | None]:
        found: list[Candidate] = []
        first_error: RoutingError | None = None
        for match in matches:
            try:
                found += self._of_match(applied(profile, match) if profile is not None else match)
            except RoutingError as error:
                first_error = first_error or error
        return found, first_error

    def usable(self) -> list[str]:
        """Providers that can be asked: they need no key, or one was found; of those that are knocked at, who answered."""
        known = self.catalog.providers.values()
        able = [p for p in known if p.endpoints and not p.unavailable and not self._silent(p)]
        return [p.id for p in able if not needs_key(p.auth) or self.credentials(p.id)]

    def rows(self, usable: Sequence[str]) -> Sequence[Listed]:
        """The models of these providers that are sold today."""
        if self._listed is None or self._listed[0] is not self.catalog or self._listed[1] != usable:
            self._listed = (self.catalog, usable, rows_of(self.catalog, usable))
        return self._listed[2]

    def discover(self, found: Mapping[str, tuple[Model, ...]]) -> None:
        """Take in which servers of one's own answered, and with which models."""
        if found != self.found:
            self.found = found
            self.catalog = self.loaded.catalog.with_found(found)
            self._known.clear()
            self._meant.clear()
            self._sole.clear()

    def _silent(self, provider: Provider) -> bool:
        """Whether a server that nobody configured was knocked at in vain."""
        asked = provider.probe and self.found is not None and provider.id not in self._config.providers
        return asked and provider.id not in (self.found or ())

    def credentials(self, provider: str) -> tuple[Credential | Keeper, ...]:
        """The keys and logins that were found for a provider.  Where there are none, a login may be made at any time."""
        held = self._credentials.get(provider)
        if held is None:
            known = self.catalog.providers[provider]
            found = find_sources(known, self.loaded.environment)
            held = tuple(each if isinstance(each, Credential) else self.keep(known, each) for each in found)
            if held or known.auth.login is None:
                self._credentials[provider] = held
            self.weights |= {(provider, each.name): each.weight for each in found if each.weight > 0.0}
        return held

    async def settle(self, seconds: float) -> None:
        """Let every refresh of a login that is under way come to its end."""
        keepers = (each for held in self._credentials.values() for each in held if isinstance(each, Keeper))
        await asyncio.gather(*(keeper.settle(seconds) for keeper in keepers))

    def names(self, models: tuple[str, ...], profile: str) -> tuple[Name, ...]:
        """What is tried for a request that names `models`: those, then what stands behind each of them."""
        found = self._meant.get((profile, models))
        if found is None:
            named = (
                self._inside(profile, models) if profile else [("", name) for name in (*models, *self._chained(models))]
            )
            found = tuple(dict.fromkeys(named))
            if len(self._meant) >= KEPT_NAMES:
                self._meant.clear()
            self._meant[profile, models] = found
        return found

    def _remember(self, profile: str, models: tuple[str, ...], sole: Planned) -> None:
        """`models` mean one candidate, whatever the request says."""
        if len(self._sole) >= KEPT_NAMES:
            self._sole.clear()
        self._sole[profile, models] = sole

    def _inside(self, profile: str, models: Sequence[str]) -> list[Name]:
        """A profile's own models for `models`, then their chains, then its backups: models, or other profiles."""
        chosen = self.profile(profile)
        meant = [mean(chosen, self.catalog, name) for name in models]
        names = [(profile, name) for name in meant] + [("", name) for name in self._chained(meant)]
        slot = slot_of(chosen, models[0]) if models else DEFAULT
        for backup in chosen.backups:
            other = self.profiles.get(backup)
            names.append((backup, other.slot(slot)) if other is not None else ("", backup))
        return names

    def _chained(self, names: Sequence[str]) -> list[str]:
        return [further for name in names for further in self._config.chains.get(name, ())]

    def _of_match(self, match: Match) -> list[Candidate]:
        """One candidate for each credential."""
        provider = match.provider
        credentials: Sequence[Credential | Keeper | None] = self.credentials(provider.id)
        if not credentials:
            if needs_key(provider.auth):
                error = missing_key(provider)
                raise RoutingError(error.message, kind=Kind.NOT_FOUND, param="model")
            credentials = (None,)
        target = target_of(provider, match.endpoint, match.quirks, match.facts, match.model)
        timers = self._config.timeouts.of(f"{provider.id}/{match.model}", match.endpoint.timeouts)
        limit = self._config.limits.answer_bytes
        return [
            Candidate(
                provider=provider,
                endpoint=match.endpoint,
                model=match.model,
                facts=match.facts,
                quirks=match.quirks,
                target=target,
                straight=straight_to(target, match.quirks),
                address=address_of(match, credential, timers, self.loaded.environment, limit),
                credential=credential.name if credential is not None else "",
                login=credential if isinstance(credential, Keeper) else None,
                timers=timers,
                track=f"{provider.id} {match.endpoint.base_url} {match.model}",
                slugs=slugs(provider),
                delegate="provider" in GATEWAYS.get(provider.id, ()),
            )
            for credential in credentials
        ]


def _varied(found: Sequence[Candidate], suffix: str) -> Sequence[Candidate]:
    """What is left of the suffixes for the candidates themselves: who thinks, and who has room for the longest prompts."""
    if ":thinking" in suffix:
        found = [each if each.delegate else replace(each, thinks=True) for each in found]
    if ":online" in suffix:
        found = [each if each.delegate else replace(each, searches=True) for each in found]
    if ":extended" in suffix:
        most = max((_context(each) for each in found), default=0)
        found = [each for each in found if _context(each) == most]
    return found


def _context(candidate: Candidate) -> int:
    return (candidate.facts.context if candidate.facts is not None else None) or 0
