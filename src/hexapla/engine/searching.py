"""A search of the web that the gateway makes itself, before anybody is asked: when, with which service, at what cost.

The gateway looks once, before the first who needs it.  If whoever stands first searches itself, those who do are asked
without that, and those who need it when they have failed.  A search that fails is an error of its own: an answer without it
would not be the one that was asked for.

Rules of this file: a service's own words are never shown, they may repeat the question; its key stands in a header only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from hexapla.engine.traffic import Planned
from hexapla.errors import Kind, ProtocolError, UpstreamError
from hexapla.ledger import Attempt
from hexapla.ledger.record import Cost
from hexapla.plugins.asked import Wish, online
from hexapla.plugins.found import question
from hexapla.plugins.native import way
from hexapla.plugins.services import Call, Found, Query, Service, call, found
from hexapla.routing.candidate import Candidate
from hexapla.translate.open import Translation
from hexapla.translate.peek import Peek
from hexapla.translate.plugged import Results
from hexapla.upstream.egress import proxy_for
from hexapla.upstream.transport import USER_AGENT, Request, Timeouts, Transport

MOST_BYTES = 4 * 1024 * 1024  # of a service's answer


REFUSED = {
    401: (Kind.UPSTREAM_AUTH, "its key was refused; set another one in [search]"),
    402: (Kind.UPSTREAM_BILLING, "its account has no money left"),
    403: (Kind.UPSTREAM_AUTH, "it refuses the request (a wrong key, or a SearXNG without `json` among its formats)"),
    422: (Kind.UPSTREAM_AUTH, "it refuses the request (Brave says so of a wrong key)"),
    429: (Kind.RATE_LIMIT, "its limit is reached"),
    432: (Kind.UPSTREAM_BILLING, "the plan's limit is reached"),  # Tavily's own codes
    433: (Kind.UPSTREAM_BILLING, "the limit of paid use is reached"),
}
"""What a service's refusal means, and what to do."""


def planned_search(plan: Planned, peeked: Peek, *, configured: bool) -> Planned:
    """`plan` with the search that the gateway is to make for it, at once or for those who are asked later."""
    wishes = [wish_of(each, peeked) for each in plan.candidates]
    ways = [_way(wish, each, configured) for wish, each in zip(wishes, plan.candidates)]
    if ways[0] == "found":
        return replace(plan, search=wishes[0])
    if "found" not in ways:
        return plan
    kept = [each for each, chosen in zip(plan.candidates, ways) if chosen != "found"]
    later = [each for each, chosen in zip(plan.candidates, ways) if chosen == "found"]
    own = sum(chosen != "found" for chosen in ways[: plan.own])
    return replace(plan, candidates=kept, own=own, search=wishes[ways.index("found")], later=later)


def wish_of(candidate: Candidate, peeked: Peek) -> Wish | None:
    """The search that a request wishes for at `candidate`, which may have been asked for as `:online`."""
    said = peeked.plugins.search if peeked.plugins is not None else None
    return said if (said is not None and said.must) or not candidate.searches else online(peeked.fields)


def _way(wish: Wish | None, candidate: Candidate, configured: bool) -> str:
    if wish is None or candidate.delegate:
        return ""
    return way(wish, candidate.quirks.search, configured=configured)


async def search(
    service: Service,
    wish: Wish,
    translation: Translation,
    transport: Callable[[Request], Transport],
    environment: Mapping[str, str],
    now: float,
) -> Found | None:
    """What the user's last words find; None where nobody has just asked anything.  The translation is told of it.

    now  Unix seconds, for the model

    Raises ProtocolError for a request that is none, UpstreamError for a search that fails.
    """
    text = question(translation.request(), fresh=wish.tool)
    if not text:
        return None
    results = wish.results or service.results
    query = Query(text=text, results=results, include=wish.include, exclude=wish.exclude)
    body = await _answer(service, call(service, query), transport, environment)
    try:
        got = found(service, query, body)
    except ProtocolError as error:
        raise failed(service, Kind.UPSTREAM_PROTOCOL, "its answer cannot be read") from error
    translation.results = Results(hits=got.hits, query=text, date=f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}")
    return got


async def _answer(
    service: Service, asked: Call, transport: Callable[[Request], Transport], environment: Mapping[str, str]
) -> bytes:
    request = Request(
        method=asked.method,
        url=asked.url,
        headers=(USER_AGENT, *asked.headers),
        body=asked.body,
        timeouts=Timeouts(connect=5.0, head=service.timeout, idle=service.timeout),
        proxy=proxy_for(asked.url, "", environment),
        max_response_bytes=MOST_BYTES,
    )
    try:
        async with asyncio.timeout(service.timeout):
            response = await transport(request).send(request)
            try:
                body = await response.read(MOST_BYTES)
            finally:
                response.close()
    except TimeoutError:
        raise failed(service, Kind.TIMEOUT, f"it did not answer within {service.timeout:g} seconds") from None
    except UpstreamError as error:
        raise failed(service, error.kind, error.message) from None
    if response.status != 200:
        kind, why = REFUSED.get(response.status, (Kind.UPSTREAM_ERROR, "it failed"))
        raise failed(service, kind, f"{why} (status {response.status})")
    return body


def failed(service: Service, kind: Kind, why: str) -> UpstreamError:
    """The error of a search that brought nothing."""
    return UpstreamError(
        kind, f"The search service {service.kind} did not answer the search: {why}.", provider=service.kind
    )


def recorded(service: Service, began: float, latency: float, got: Found) -> Attempt:
    """A search as a part of the generation's record; the times are Unix seconds and seconds."""
    dollars = got.dollars
    return Attempt(
        provider=service.kind,
        model="search",
        protocol="search",
        lane="",
        started=began,
        latency=latency,
        status=200,
        cost=None if dollars is None else Cost(currency="USD", nanos=round(dollars * 1e9), source="upstream"),
    )
