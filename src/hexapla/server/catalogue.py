"""Models and providers, listed: GET /v1/models in five shapes, one model, its endpoints, their number, the providers.

Whose shape is asked for is told by what only its programs send:

    ?client_version=                    Codex
    /v1beta, x-goog-api-key, ?key=      Google
    anthropic-version                   Anthropic
    anything else                       OpenAI, with OpenRouter's fields

Rules of this file: rows are made once for a configuration and a set of usable providers, a profile lists its own; a
thousand rows are made and written on a thread, because answers that stream must not wait for a list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from hexapla.catalog.elsewhere import elsewhere
from hexapla.catalog.listing import Listed
from hexapla.catalog.resolve import Catalog, resolve
from hexapla.catalog.schema import Model, Provider
from hexapla.engine.gateway import Gateway
from hexapla.engine.routes import Routes
from hexapla.engine.virtual import OURSELVES, listed, rows_of
from hexapla.errors import RoutingError
from hexapla.routing.tiers import at_tier
from hexapla.server import filters, shapes
from hexapla.server.codex import codex
from hexapla.server.gemini import with_key
from hexapla.server.keys import KeyRing
from hexapla.server.paths import OPENROUTER
from hexapla.server.profile import named
from hexapla.server.shapes import Json
from hexapla.server.views import answer


class Made(msgspec.Struct):
    """The rows of everything that is usable, and what of them was written already."""

    catalog: Catalog
    usable: tuple[str, ...]
    rows: list[Listed]
    written: dict[str, Raw] = {}


class Catalogue:
    """The views, bound to one gateway."""

    def __init__(self, gateway: Gateway, keys: KeyRing) -> None:
        self._gateway = gateway
        self._keys = keys
        self._made: Made | None = None

    async def models(self, request: Request) -> Response:
        """The models of every provider that can be used, or of the profile."""
        return await asyncio.to_thread(self._listed, await self._rows(request), request)

    async def embeddings(self, request: Request) -> Response:
        """The models that make vectors."""
        rows = [row for row in await self._rows(request) if row.model.kind == "embedding"]
        return await asyncio.to_thread(self._page, rows, request)

    async def count(self, request: Request) -> Response:
        """How many there are."""
        rows = await self._rows(request)
        fits = filters.fits(request.query_params, filters.today(), usual_outputs=_usual_outputs(request))
        return answer({"data": {"count": sum(fits(row) for row in rows)}})

    async def model(self, request: Request) -> Response:
        """One model, by any of its names."""
        row = await self._row(request)
        if speaks_gemini(request):
            return answer(shapes.gemini(row))
        return answer(shapes.anthropic(row) if "anthropic-version" in request.headers else shapes.openai(row))

    async def wrapped(self, request: Request) -> Response:
        """One model as OpenRouter's GET /model/{author}/{slug} has it."""
        return answer({"data": shapes.openai(await self._row(request))})

    async def endpoints(self, request: Request) -> Response:
        """Where a model is served: at its provider, and at every other one that lists the same."""
        self._caller(request)
        name: str = request.path_params["model"]
        for row in await self._usable():
            if row.name == name and row.provider is OURSELVES:  # each request decides whom it stands for
                return answer(_of_model(row, []))
        routes = self._gateway.routes
        matches = resolve(routes.catalog, name)
        offered = {(m.provider.id, m.model): m for m in (*matches, *elsewhere(routes.catalog, name, matches))}
        usable = set(routes.usable())
        rows = [
            Listed(
                name=f"{match.provider.id}/{match.model}",
                model=match.facts or Model(id=match.model),
                provider=match.provider,
                usable=match.provider.id in usable,
            )
            for match in offered.values()
        ]
        return answer(_of_model(rows[0], [each for row in rows for each in self._served(routes, row)]))

    async def private(self, request: Request) -> Response:
        """Where nothing is kept of a prompt, as far as that is known."""
        self._caller(request)
        routes = self._gateway.routes
        rows = [row for row in await self._usable() if row.provider.privacy.retention == "none"]
        return answer({"data": [each for row in rows for each in self._served(routes, row)]})

    async def providers(self, request: Request) -> Response:
        """Every provider, whether it can be used or not."""
        self._caller(request)
        usable = set(self._gateway.routes.usable())
        known = self._gateway.routes.catalog.providers.values()
        return answer({"data": [_provider(each, usable=each.id in usable) for each in known]})

    # lists

    def _listed(self, rows: Sequence[Listed], request: Request) -> Response:
        """All rows that the query wants, in the shape that the caller understands."""
        query = request.query_params
        if "client_version" in query:
            return answer(codex(rows))
        if speaks_gemini(request):
            page, token = filters.by_token(rows, query)
            following = {"nextPageToken": token} if token else {}
            return answer({"models": [shapes.gemini(row) for row in page]} | following)
        if "anthropic-version" in request.headers:
            return answer(_anthropic(rows, query))
        fits = filters.fits(query, filters.today(), usual_outputs=_usual_outputs(request))
        return self._page(filters.ordered([row for row in rows if fits(row)], query), request)

    def _page(self, rows: Sequence[Listed], request: Request) -> Response:
        """One page of OpenAI's and OpenRouter's shape."""
        page, following = filters.paged(rows, request.query_params, request.url.path)
        data = [self._written(row) for row in page]
        return answer({"object": "list", "data": data, "total_count": len(rows), "links": {"next": following}})

    def _written(self, row: Listed) -> Raw:
        known = self._made.written if self._made is not None and not named_otherwise(row) else {}
        found = known.get(row.name)
        if found is None:
            found = known[row.name] = Raw(msgspec.json.encode(shapes.openai(row)))
        return found

    # rows

    async def _rows(self, request: Request) -> Sequence[Listed]:
        """What is listed for the caller."""
        profile = self._profile(request)
        return self._chosen(profile) if profile else await self._usable()

    async def _row(self, request: Request) -> Listed:
        """The model that the path names: one that is listed, else whoever would be asked for it."""
        profile = self._profile(request)
        name: str = request.path_params["model"]
        rows = self._chosen(profile) if profile else await self._usable()
        found = next((row for row in rows if row.name == name), None)
        if found is not None:
            return found
        first = self._gateway.routes.first(name, profile)
        return Listed(name=first.name, model=first.facts or Model(id=first.model), provider=first.provider)

    async def _usable(self) -> list[Listed]:
        routes = self._gateway.routes
        usable = tuple(routes.usable())
        if self._made is None or self._made.catalog is not routes.catalog or self._made.usable != usable:
            rows = await asyncio.to_thread(_all, routes, usable)
            self._made = Made(routes.catalog, usable, rows)
        return self._made.rows

    def _chosen(self, profile: str) -> list[Listed]:
        """A profile's own models by their full names, then its slots by the words that programs know them by.

        What cannot be served is left out; where nothing can, the first complaint says why.
        """
        routes = self._gateway.routes
        slots = routes.profile(profile).models()
        listed: list[Listed] = []
        first_error: RoutingError | None = None
        for name in dict.fromkeys((*slots.values(), *slots)):
            try:
                first = routes.first(name, profile)
            except RoutingError as error:
                first_error = first_error or error
                continue
            listed.append(Listed(name=name, model=first.facts or Model(id=first.model), provider=first.provider))
        if first_error is not None and not listed:
            raise first_error
        return listed

    def _served(self, routes: Routes, row: Listed) -> list[Json]:
        """The endpoints of one provider, then its service tiers, with how they have been doing of late."""
        if not row.usable:
            return [shapes.endpoint(row, at) for at in row.provider.endpoints]
        now = self._gateway.books.clock()
        served: dict[tuple[str, ...], Json] = {}
        plain = routes.candidates(row.name)
        tiered = [found for tier in row.model.services for each in plain if (found := at_tier(each, tier)) is not None]
        for each in (*plain, *tiered):
            latency = routes.traffic.health.percentile(each.track, "latency", 0.5, now)
            throughput = routes.traffic.health.percentile(each.track, "throughput", 0.5, now)
            shown = replace(row, model=each.facts) if each.tier and each.facts is not None else row
            served[each.tier, each.endpoint.protocol, each.endpoint.base_url] = shapes.endpoint(
                shown, each.endpoint, tier=each.tier, latency=latency, throughput=throughput
            )
        return list(served.values())

    # callers

    def _caller(self, request: Request) -> str:
        """The caller's name; the key may stand in the query, as Google's clients send it."""
        return self._keys.name(with_key(request.scope)["headers"])

    def _profile(self, request: Request) -> str:
        """The profile that the path names, else that of the key."""
        key = self._caller(request)
        return named(request.scope) or self._gateway.routes.bound.get(key, "")


def _all(routes: Routes, usable: Sequence[str]) -> list[Listed]:
    """Every model of these providers that is still sold, then the names that stand for one of them.  (A name of the
    user's own that is written like those is his.)"""
    rows = rows_of(routes.catalog, usable)
    return [*rows, *(row for row in listed(rows, routes.usd) if routes.catalog.meaning(row.name) is None)]


def _of_model(row: Listed, endpoints: Sequence[Json]) -> Json:
    """A model with its endpoints, as OpenRouter has it."""
    whole = shapes.openai(row)
    kept = {field: whole[field] for field in ("id", "name", "created", "description", "architecture")}
    return {"data": kept | {"endpoints": endpoints}}


def named_otherwise(row: Listed) -> bool:
    """Whether a row has a name of a profile's, not its own."""
    return row.name != f"{row.provider.id}/{row.model.id}"


def speaks_gemini(request: Request) -> bool:
    """/v1beta is Google's alone; at /v1, which dialects share, Google's clients are known by their key's place."""
    google = "x-goog-api-key" in request.headers or "x-goog-api-client" in request.headers
    return google or request.url.path.startswith(("/v1beta", "/v1alpha"))


def _usual_outputs(request: Request) -> str:
    """OpenRouter lists models that give no text on request only."""
    return "text" if request.url.path.startswith(OPENROUTER) else "all"


def _anthropic(rows: Sequence[Listed], query: Mapping[str, str]) -> Json:
    page, more = filters.after_id(rows, query)
    data = [shapes.anthropic(row) for row in page]
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"data": data, "has_more": more, "first_id": first, "last_id": last}


def _provider(provider: Provider, *, usable: bool) -> Json:
    """OpenRouter's fields, then ours."""
    return {
        "slug": provider.id,
        "name": provider.name or provider.id,
        "privacy_policy_url": None,
        "terms_of_service_url": None,
        "status_page_url": None,
        "headquarters": None,
        "datacenters": None,
        "name_zh": provider.name_zh,
        "protocols": [endpoint.protocol for endpoint in provider.endpoints],
        "status": provider.status,
        "usable": usable,
        "docs": provider.docs,
        "key_page": provider.key_page,
    }
