"""The examination: a provider's checks one after the other, several providers at once.

A provider's checks follow one another as a request's steps do, and end at the first that makes the rest pointless; what
was not reached is said to be skipped, and why.

Rules of this file: it decides the order and nothing else; findings are reported as they come.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from hexapla.auth.keeper import Keeper
from hexapla.catalog.address import endpoint_url
from hexapla.config import LedgerConfig, Loaded, LogConfig, RoutingConfig
from hexapla.doctor.address import examine_address, examine_proxy
from hexapla.doctor.asking import ask, explained, judge_failure
from hexapla.doctor.choose import Subject, choose_model, examine_models
from hexapla.doctor.finding import CHECKS, Finding, found
from hexapla.doctor.keys import examine_keys, examine_login
from hexapla.doctor.listing import Listing, list_models, listable
from hexapla.doctor.network import examine_clock, examine_network
from hexapla.engine.address import certificates_of
from hexapla.engine.gateway import Gateway
from hexapla.errors import Kind, RoutingError
from hexapla.routing.candidate import Candidate
from hexapla.upstream.egress import proxy_for
from hexapla.upstream.origin import Origin, origin_of
from hexapla.upstream.transport import Request

AT_ONCE = 8  # providers
NO_LIST = frozenset({404, 405, 501})

Report = Callable[[Finding], None]


def quiet(loaded: Loaded) -> Loaded:
    """The configuration of an examination: no second tries, no stand-ins, no preferences, no records, and little
    patience."""
    config = replace(
        loaded.config,
        chains={},
        retry=replace(loaded.config.retry, retries=0),
        routing=RoutingConfig(),
        timeouts=replace(loaded.config.timeouts, first=60, progress=60, total=120),
        ledger=LedgerConfig(path=":memory:"),
        log=LogConfig(path="off"),
    )
    return replace(loaded, config=config)


async def examine(gateway: Gateway, chosen: Sequence[Subject], report: Report, *, online: bool = True) -> None:
    """Examine everybody in `chosen`; `report` hears each finding as soon as it is there.

    gateway  opened with a `quiet` configuration
    """
    places = asyncio.Semaphore(AT_ONCE)

    async def one(subject: Subject) -> None:
        async with places:
            await _examine_one(gateway, subject, report, online)

    await asyncio.gather(*map(one, chosen))


async def _examine_one(gateway: Gateway, subject: Subject, report: Report, online: bool) -> None:
    seen: list[Finding] = []
    async for finding in _steps(gateway, subject, online):
        seen.append(finding)
        report(finding)
    reached = {finding.check for finding in seen}
    because = next((finding.check for finding in seen if finding.verdict == "fail"), "")
    code = "skipped" if because else "needless" if online else "offline"
    for check in CHECKS:
        if check not in reached:
            report(found(subject.provider.id, check, "skip", code, because=because))


async def _steps(gateway: Gateway, subject: Subject, online: bool) -> AsyncIterator[Finding]:
    """Every finding about one provider, until going on is pointless."""
    plain = list(_offline(gateway, subject))
    for finding in plain:
        yield finding
    if not online or _is_hopeless(plain, len(gateway.routes.credentials(subject.provider.id))):
        return
    reachable = False
    origins = _origins(subject, gateway.routes.loaded.environment)
    for origin in origins:
        met = [finding async for finding in examine_network(subject.provider.id, origin, gateway.books.wall())]
        reachable = reachable or all(finding.verdict != "fail" for finding in met)
        for finding in met:
            yield finding
    if origins and not reachable:
        return
    credentials = gateway.routes.credentials(subject.provider.id)
    logins = [await examine_login(subject.provider, each) for each in credentials if isinstance(each, Keeper)]
    for finding in logins:
        yield finding
    if logins and len(logins) == len(credentials) and all(finding.verdict == "fail" for finding in logins):
        return
    async for finding in _models_and_questions(gateway, subject):
        yield finding


def _is_hopeless(plain: Sequence[Finding], keys: int) -> bool:
    """The address or the proxy is wrong, or every key is."""
    failed = [finding.check for finding in plain if finding.verdict == "fail"]
    return any(check != "key" for check in failed) or len(failed) >= max(1, keys)


def _offline(gateway: Gateway, subject: Subject) -> Iterator[Finding]:
    provider, routes = subject.provider, gateway.routes
    credentials = routes.credentials(provider.id)
    yield from examine_keys(provider, credentials)
    yield from examine_address(provider, keyed=bool(credentials))
    yield from examine_proxy(provider, routes.loaded.environment)


def _origins(subject: Subject, environment: Mapping[str, str]) -> list[Origin]:
    """Every host of a provider, once; none for one that lives in this process."""
    urls = [(endpoint_url(each, "x", stream=False), each.proxy) for each in subject.provider.endpoints]
    asked = [
        Request(url=url, proxy=proxy_for(url, chosen, environment), certificates=certificates_of(subject.provider.tls))
        for url, chosen in urls
        if url.startswith("http")
    ]
    return list(dict.fromkeys(origin_of(request) for request in asked))


async def _models_and_questions(gateway: Gateway, subject: Subject) -> AsyncIterator[Finding]:
    provider, catalog = subject.provider.id, gateway.routes.catalog
    try:
        candidates = gateway.routes.candidates(f"{provider}/{choose_model(catalog, subject, None) or 'any'}")
    except RoutingError as error:
        yield judge_failure(provider, "model", Kind.NOT_FOUND, said=error.message, url="")
        return
    listings = [await _list(gateway, tried) for tried in _by_credential(candidates)]
    for candidate, listing in listings:
        yield _judge_listing(candidate, listing)
    date = next((listing.date for _, listing in listings if listing.date), "")
    yield examine_clock(provider, date, gateway.books.wall())
    if listings and all(_is_refused(listing) for _, listing in listings):
        return
    listed = next((listing.models for _, listing in listings if listing.models is not None), None)
    for finding in examine_models(subject, listed):
        yield finding
    model = choose_model(catalog, subject, listed)
    if not subject.models:
        yield _chosen(provider, model, listed is not None)
    if model:
        async for finding in _questions(gateway, provider, model):
            yield finding


def _by_credential(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """For each key the candidates whose endpoints can list models."""
    sorted_out: dict[str, list[Candidate]] = {}
    for candidate in listable(candidates):
        sorted_out.setdefault(candidate.credential, []).append(candidate)
    return list(sorted_out.values())


async def _list(gateway: Gateway, candidates: Sequence[Candidate]) -> tuple[Candidate, Listing]:
    """The first list that one of the endpoints has."""
    for candidate in candidates[:-1]:
        listing = await list_models(gateway.send, candidate)
        if listing.status not in NO_LIST:
            return candidate, listing
    return candidates[-1], await list_models(gateway.send, candidates[-1])


def _is_refused(listing: Listing) -> bool:
    """The key is wrong, or the address is: nothing else can work."""
    return bool(listing.location) or (listing.error is not None and listing.error.kind is Kind.UPSTREAM_AUTH)


def _judge_listing(candidate: Candidate, listing: Listing) -> Finding:
    provider, error = candidate.provider.id, listing.error
    if listing.location:
        return found(provider, "models", "fail", "models.moved", url=listing.url, target=listing.location)
    if error is None and listing.models is None:
        return found(provider, "models", "warn", "models.strange", url=listing.url, what=listing.kind or "something")
    if error is None:
        return found(provider, "models", "ok", "models.listed", count=len(listing.models or ()))
    if listing.status in NO_LIST:
        return found(provider, "models", "skip", "models.none")
    judged = judge_failure(provider, "models", error.kind, **explained(error, candidate, listing.url))
    # a key may be good for questions only, and a list may fail for reasons of its own
    return judged if error.kind is Kind.UPSTREAM_AUTH else replace(judged, verdict="warn")


def _chosen(provider: str, model: str, listed: bool) -> Finding:
    if not model:
        return found(provider, "model", "fail", "model.unknown")
    return found(provider, "model", "ok", "model.listed" if listed else "model.assumed", model=model)


async def _questions(gateway: Gateway, provider: str, model: str) -> AsyncIterator[Finding]:
    try:
        candidates = gateway.routes.candidates(f"{provider}/{model}")
    except RoutingError as error:
        yield judge_failure(provider, "call", Kind.NOT_FOUND, said=error.message, url="")
        return
    called = await ask(gateway, candidates, "call")
    yield called
    if called.verdict == "fail":
        return
    yield await ask(gateway, candidates, "stream")
    facts = candidates[0].facts
    if facts is not None and facts.capabilities and "tools" not in facts.capabilities:
        yield found(provider, "tools", "skip", "tools.untaught", model=model)
    else:
        yield await ask(gateway, candidates, "tools")
