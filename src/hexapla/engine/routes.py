"""From a request's model names to candidates that are ready to be called.

Everything about a candidate that does not change between requests (URL, headers, credential) is worked out once;
planning a request is then a few dict look-ups and one lane choice for each endpoint.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from hexapla.auth.api_key import Credential, auth_headers, missing_key, needs_key
from hexapla.auth.grant import Token
from hexapla.auth.keeper import Keeper
from hexapla.auth.sources import Source, find_sources
from hexapla.catalog.address import endpoint_url
from hexapla.catalog.elsewhere import elsewhere
from hexapla.catalog.profile import DEFAULT, Profile, applied, mean, slot_of
from hexapla.catalog.quirks import target_of
from hexapla.catalog.rates import allowed
from hexapla.catalog.resolve import Match, resolve
from hexapla.catalog.schema import Auth, Endpoint, Model, Provider
from hexapla.config import Loaded
from hexapla.engine.session import session_of
from hexapla.engine.wishes import load_of, need_of, preferences_of
from hexapla.errors import GatewayError, Kind, RoutingError, UpstreamError
from hexapla.routing.affinity import Affinity, Session
from hexapla.routing.allowance import allowances
from hexapla.routing.bench import Bench
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Tried
from hexapla.routing.filters import Need, slugs
from hexapla.routing.health import Health
from hexapla.routing.limits import Limits, Load, Place
from hexapla.routing.patience import Timers
from hexapla.routing.plan import Wanted, planned
from hexapla.routing.preferences import NONE, SUFFIX_SORTS, Preferences, suffixed
from hexapla.routing.rank import Scene
from hexapla.routing.shares import drawn
from hexapla.translate.choose import choose_lane
from hexapla.translate.peek import Peek
from hexapla.upstream.egress import proxy_for
from hexapla.upstream.transport import Request, Timeouts

Keep = Callable[[Provider, Source], Keeper]
USER_AGENT = ("user-agent", "hexapla/0.1")
KEPT_NAMES = 4096  # names whose candidates are remembered; clients choose names, so the number is bounded
_LANE_RANK = {"verbatim": 0, "patch": 1, "hub": 2}
_FOREIGN = 1  # for an endpoint that speaks another protocol than the client: more is lost on the way

GATEWAYS: dict[str, frozenset[str]] = {
    "openrouter": frozenset({"provider", "plugins", "debug"}),
}
"""Providers that are gateways themselves and understand these top-level keys."""


Name = tuple[str, str]
"""A profile, or "", and a name of the catalogue."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one candidate.  `headers` holds the credential: never shown, never logged."""

    url: str
    stream_url: str
    headers: tuple[tuple[str, str], ...]
    timeouts: Timeouts
    proxy: str | None
    transport: str
    keeps: frozenset[str]
    limit: int

    def __repr__(self) -> str:
        return f"Address({self.url})"

    def request(self, body: bytes, *, stream: bool, forward: tuple[tuple[str, str], ...]) -> Request:
        """The HTTP request that carries `body`; `forward` headers replace ours of the same name."""
        headers = self.headers
        if forward:
            named = dict(forward)
            headers = (*(pair for pair in headers if pair[0] not in named), *forward)
        return Request(
            url=self.stream_url if stream else self.url,
            headers=headers,
            body=body,
            timeouts=self.timeouts,
            proxy=self.proxy,
            transport=self.transport,
            max_response_bytes=self.limit,
        )


def idle(provider: Provider, source: Source) -> Keeper:
    """A keeper that never fetches a token: enough to tell that there is a login."""

    async def unreachable(steps: object) -> Token:
        raise AssertionError(f"{provider.id} has no way to its login")

    return Keeper(source, unreachable)


class TokenAddress(Address, frozen=True, kw_only=True):
    """How to reach a candidate whose login keeps a token: its headers, and sometimes its host, are the token's."""

    protocol: str
    auth: Auth
    keeper: Keeper

    def __repr__(self) -> str:
        return f"TokenAddress({self.url})"

    def request(self, body: bytes, *, stream: bool, forward: tuple[tuple[str, str], ...]) -> Request:
        """The HTTP request that carries `body` and the present token; without one, none is sent."""
        request = super().request(body, stream=stream, forward=forward)
        token = self.keeper.token
        if token is None:
            return request
        login = auth_headers(self.protocol, self.auth, token)
        named = {name for name, _ in login}
        headers = (*(pair for pair in request.headers if pair[0] not in named), *login)
        return msgspec.structs.replace(request, url=_moved(request.url, token.base), headers=headers)


class Offers(msgspec.Struct, frozen=True, kw_only=True):
    """Who offers a model; `suffix`: what stood behind its name."""

    candidates: tuple[Candidate, ...]
    suffix: str = ""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """Who is tried for a request, in order, and what it takes of their limits.

    session  where there is a choice among the first `own` candidates, which offer the model that was asked for
    """

    candidates: Sequence[Candidate]
    load: Load = Load()
    session: Session | None = None
    own: int = 0


class Routes:
    """The candidates of every name that was asked for so far, and which credentials sit out.

    clock   monotonic seconds, the same as the exchange's
    chance  draws from [0, 1)
    health  how endpoints have been doing; given where a former configuration's knowledge goes on
    keep    makes the keeper of a login's token; by default one that can be looked at and not used
    found   servers of one's own that answered, with their models; None before anybody looked
    """

    def __init__(
        self,
        loaded: Loaded,
        clock: Callable[[], float] = time.monotonic,
        *,
        chance: Callable[[], float] = random.random,
        keep: Keep = idle,
        health: Health | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.loaded = loaded
        self.catalog = loaded.catalog
        self.found: Mapping[str, tuple[Model, ...]] | None = None
        self.profiles = loaded.profiles
        self.bound = loaded.config.key_profiles()
        self.health = health or Health(loaded.config.routing.breaker)
        self._config = loaded.config
        self._standing = loaded.config.routing.preferences
        self._chance = chance
        self._known: dict[tuple[Name, bool], Offers] = {}
        self._meant: dict[tuple[str, tuple[str, ...]], tuple[Name, ...]] = {}
        self._credentials: dict[str, tuple[Credential | Keeper, ...]] = {}
        self._weights: dict[tuple[str, str], float] = {}
        self._clock = clock
        self.keep = keep
        self._wall = wall
        self.bench = Bench()
        self.limits = Limits()
        self.affinity = Affinity()

    def plan(self, peeked: Peek, profile: str = "", *, session: str = "", key: str = "") -> Planned:
        """Who is tried for `peeked`, in order: for each of its models those who may serve it, the best one first.

        session  what a header says of it;  key: the caller's name

        Raises RoutingError when no name resolves or the wishes leave nobody; names after the first that are unknown are
        left out.
        """
        wishes = self.wishes(peeked)
        names = self._names(peeked.models, profile)
        if len(names) == 1 and wishes is NONE:
            offers = self._offers(names[0])
            only = () if offers.suffix else self._ordered(offers.candidates, peeked)
            if len(only) == 1:
                return Planned(candidates=only, load=load_of(peeked))  # the usual case has no choice
        need = need_of(peeked, self._config.routing.usd)
        wanted: list[Wanted] = []
        first_error: GatewayError | None = None
        for name in names:
            try:
                wanted.append(self._wanted(name, wishes, need, peeked))
            except GatewayError as error:
                first_error = first_error or error
        if not wanted:
            raise first_error or RoutingError("No endpoint can serve this request.")
        return self._chosen(wanted, peeked, session, key)

    def _chosen(self, wanted: Sequence[Wanted], peeked: Peek, header: str, key: str) -> Planned:
        """The candidates of `wanted` in their order, without those that sit out."""
        now, load = self._clock(), load_of(peeked)
        waits = (lambda candidate: self.limits.wait(place_of(candidate), load, now)) if self.limits else None
        usd = self._config.routing.usd
        scene = Scene(health=self.health, now=now, chance=self._chance, usd=usd, waits=waits)
        chosen: Sequence[Candidate] = planned(wanted, scene).candidates
        if self._weights:
            chosen = drawn(chosen, self._weights, self._chance)
        if self.bench:
            chosen = self.bench.choose(chosen, now)
        own = _beginning(chosen, wanted[0].candidates)
        if own < 2 or wanted[0].preferences.order:
            return Planned(candidates=chosen, load=load)
        session = session_of(peeked, key, header)
        led = self.affinity.led(session, chosen[:own], now)
        return Planned(candidates=(*led, *chosen[own:]), load=load, session=session, own=own)

    def _wanted(self, name: Name, wishes: Preferences, need: Need, peeked: Peek) -> Wanted:
        """One model of the request, with what its suffix wishes of it."""
        offers = self._offers(name, everywhere=wishes is not NONE)
        if offers.suffix:
            wishes = suffixed(wishes, offers.suffix)
            need = replace(need, free=True) if offers.suffix == ":free" else need
        return Wanted(name=name[1], candidates=self._ordered(offers.candidates, peeked), preferences=wishes, need=need)

    def wishes(self, peeked: Peek) -> Preferences:
        """What the request wishes of routing, over what the configuration does.  Raises ProtocolError."""
        return preferences_of(peeked, self._standing)

    def kept(self, candidate: Candidate, peeked: Peek) -> frozenset[str]:
        """The keys of ours that `candidate`, a gateway itself, is told; not `provider` where that names the gateway."""
        address = candidate.address
        assert isinstance(address, Address)
        if not candidate.delegate:
            return address.keeps
        wishes = self.wishes(peeked)
        own = not candidate.slugs.isdisjoint((*wishes.only, *wishes.order))
        return address.keeps - {"provider"} if own else address.keeps

    def admit(self, candidate: Candidate, load: Load, *, forced: bool = False) -> GatewayError | float:
        """Let a request go to `candidate`, after so many seconds in its queue; or say why not at present.

        forced  there is nobody else, so that a failing endpoint is asked all the same
        """
        now = self._clock()
        if not forced and not self.health.admit(candidate.track, now):
            return left_alone(self.health.cause(candidate.track), self.health.closed_for(candidate.track, now))
        seconds = 0.0
        if self.limits:
            place = place_of(candidate)
            turn = self.limits.reserve(place, load, now, self._config.routing.patience)
            if turn is None:
                self.health.left(candidate.track)
                return queue_full(candidate, self.limits.wait(place, load, now))
            seconds = turn
        self.health.began(candidate.track)
        return seconds

    def left(self, candidate: Candidate) -> None:
        """The client left while `candidate` was being asked."""
        self.health.left(candidate.track)

    async def settle(self, seconds: float) -> None:
        """Let every refresh of a login that is under way come to its end."""
        keepers = (each for held in self._credentials.values() for each in held if isinstance(each, Keeper))
        await asyncio.gather(*(keeper.settle(seconds) for keeper in keepers))

    def stays(self, provider: str) -> dict[tuple[str, str], tuple[Kind, float]]:
        """Who of a provider's credentials sits out: (credential, model or "") -> why, and for how many more seconds."""
        return self.bench.stays(provider, self._clock())

    def heard(self, tried: Tried, plan: Planned) -> None:
        """Learn from an attempt that is over; a token that is being renewed says nothing about its login."""
        candidate, usage = tried.candidate, tried.usage
        if not tried.renews:
            self.bench.heard(candidate, tried.error, tried.ended)
        began = tried.started if tried.first is None else tried.first
        output = usage.output if usage is not None else None
        self.health.over(
            candidate.track,
            tried.ended,
            tried.error,
            latency=None if tried.first is None else tried.first - tried.started,
            throughput=output / (tried.ended - began) if output and tried.ended > began else None,
        )
        place = place_of(candidate)
        for told in allowances(tried.headers, self._wall()):
            self.limits.tell(place, told.unit, told.window, told.limit, told.remaining, tried.ended)
        if usage is not None and self.limits:
            self.limits.settle(place, plan.load, (usage.input or 0) + (usage.output or 0))
        if plan.session is not None and tried.error is None and _beginning([candidate], plan.candidates[: plan.own]):
            self.affinity.served(plan.session, candidate, (usage.cached if usage is not None else 0) or 0, tried.ended)

    def candidates(self, name: str, profile: str = "") -> tuple[Candidate, ...]:
        """Every candidate of a name of the catalogue, with what `profile` says of its requests.

        Raises RoutingError for an unknown name or a provider without a key.
        """
        return self._offers((profile, name)).candidates

    def first(self, name: str, profile: str = "") -> Candidate:
        """Who is asked first for `name`.  Raises RoutingError when nobody can be."""
        first_error: RoutingError | None = None
        for inside, meant in self._names((name,), profile):
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

    def _offers(self, name: Name, *, everywhere: bool = False) -> Offers:
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
        return found

    def _found(self, name: str, everywhere: bool, profile: Profile | None) -> Offers:
        """The candidates of every provider that has a key; the first one's complaint when none has."""
        matches = resolve(self.catalog, name)
        suffix = matches[0].suffix
        found, error = self._of_matches(matches, profile)
        if everywhere or suffix in SUFFIX_SORTS or not found:
            found += self._of_matches(elsewhere(self.catalog, name, matches), profile)[0]
        if not found and error is not None:
            raise error
        return Offers(candidates=tuple(found), suffix=suffix)

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

    def timers(self, candidate: Candidate) -> Timers:
        """The exchange's timers, with what the endpoint says of its own."""
        own = {name: value for name, value in candidate.endpoint.timeouts.items() if name in Timers.__struct_fields__}
        return replace(self._config.timeouts, **own) if own else self._config.timeouts

    def usable(self) -> list[str]:
        """Providers that can be asked: they need no key, or one was found; of those that are knocked at, who answered."""
        known = self.catalog.providers.values()
        able = [p for p in known if p.endpoints and not p.unavailable and not self._silent(p)]
        return [p.id for p in able if not needs_key(p.auth) or self.credentials(p.id)]

    def discover(self, found: Mapping[str, tuple[Model, ...]]) -> None:
        """Take in which servers of one's own answered, and with which models."""
        if found != self.found:
            self.found = found
            self.catalog = self.loaded.catalog.with_found(found)
            self._known.clear()
            self._meant.clear()

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
            self._weights |= {(provider, each.name): each.weight for each in found if each.weight > 0.0}
        return held

    def _names(self, models: tuple[str, ...], profile: str) -> tuple[Name, ...]:
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

    def _ordered(self, candidates: Sequence[Candidate], peeked: Peek) -> list[Candidate]:
        """For each key of each provider the endpoint in the cheapest lane; providers keep their order.

        Endpoints that speak the same protocol stand in for one another, so they all stay.
        """
        if len(candidates) == 1:
            return [candidates[0]]
        best: dict[tuple[str, str, str], tuple[int, list[Candidate]]] = {}
        for candidate in candidates:
            rank = _rank(candidate, peeked)
            slot = (candidate.provider.id, candidate.model, candidate.credential)
            known = best.get(slot)
            if known is None or rank < known[0]:
                best[slot] = (rank, [candidate])
            elif rank == known[0] and candidate.endpoint.protocol == known[1][0].endpoint.protocol:
                known[1].append(candidate)
        return [candidate for _, chosen in best.values() for candidate in chosen]

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
        # a level that nobody named is a guess, and a guess limits nobody
        rate = allowed(provider, match.facts) if provider.level else None
        if rate is not None:
            for credential in credentials:
                name = credential.name if credential is not None else ""
                self.limits.state((provider.id, name, match.model), rate)
        return [
            Candidate(
                provider=provider,
                endpoint=match.endpoint,
                model=match.model,
                facts=match.facts,
                quirks=match.quirks,
                target=target,
                address=self._address(match, credential),
                credential=credential.name if credential is not None else "",
                login=credential if isinstance(credential, Keeper) else None,
                track=f"{provider.id} {match.endpoint.base_url} {match.model}",
                slugs=slugs(provider),
                delegate="provider" in GATEWAYS.get(provider.id, ()),
            )
            for credential in credentials
        ]

    def _address(self, match: Match, credential: Credential | Keeper | None) -> Address:
        endpoint, auth = match.endpoint, match.provider.auth
        keeper = credential if isinstance(credential, Keeper) else None
        login = auth_headers(endpoint.protocol, auth, None if isinstance(credential, Keeper) else credential)
        own = tuple((name.lower(), value) for name, value in endpoint.headers.items())
        url = endpoint_url(endpoint, match.model, stream=False)
        address = Address(
            url=url,
            stream_url=endpoint_url(endpoint, match.model, stream=True),
            headers=(("content-type", "application/json"), USER_AGENT, *own, *login),
            timeouts=_timeouts(endpoint),
            proxy=proxy_for(url, endpoint.proxy, self.loaded.environment),
            transport=endpoint.transport,
            keeps=GATEWAYS.get(match.provider.id, frozenset()),
            limit=self._config.limits.answer_bytes,
        )
        if keeper is None:
            return address
        fields = {name: getattr(address, name) for name in Address.__struct_fields__}
        return TokenAddress(**fields, protocol=endpoint.protocol, auth=auth, keeper=keeper)


def _beginning(candidates: Sequence[Candidate], among: Sequence[Candidate]) -> int:
    """How many of the first `candidates` are `among` these very ones."""
    known = {id(candidate) for candidate in among}
    return next((place for place, each in enumerate(candidates) if id(each) not in known), len(candidates))


def place_of(candidate: Candidate) -> Place:
    """Whose limits count for a request to `candidate`."""
    return candidate.provider.id, candidate.credential, candidate.model


def queue_full(candidate: Candidate, seconds: float) -> GatewayError:
    """What a request hears when the limits of `candidate` would let it wait too long."""
    message = f"The limit of {candidate.provider.id} is reached; its queue is longer than this gateway waits."
    return UpstreamError(Kind.RATE_LIMIT, message, retry_after=seconds, retryable=False)


def left_alone(cause: GatewayError | None, seconds: float) -> GatewayError:
    """What a request hears in place of an endpoint that is left alone: the failure that led to it, and how long."""
    kind, message, status = Kind.OVERLOADED, "The provider failed repeatedly.", None
    if cause is not None:
        kind, message, status = cause.kind, cause.message, cause.status
    return UpstreamError(kind, message, status=status, retry_after=seconds, retryable=False)


def _rank(candidate: Candidate, peeked: Peek) -> int:
    """How much is done to the request on its way: less is better."""
    protocol = candidate.endpoint.protocol
    lane = choose_lane(peeked, protocol, candidate.quirks, candidate.target)
    return _LANE_RANK[lane] + (_FOREIGN if protocol != peeked.protocol else 0)


@lru_cache(maxsize=256)
def _moved(url: str, base: str) -> str:
    """`url` at the host that a login server named."""
    if not base:
        return url
    host = urlsplit(base)
    return urlsplit(url)._replace(scheme=host.scheme, netloc=host.netloc).geturl()


def _timeouts(endpoint: Endpoint) -> Timeouts:
    own = {name: value for name, value in endpoint.timeouts.items() if name in Timeouts.__struct_fields__}
    return Timeouts(**own)
