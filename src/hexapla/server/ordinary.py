"""Every path but those of the generation endpoints, as one Starlette application.

It is loaded when one of them is asked for: a gateway that only ever answers generation requests starts without Starlette
and without these views (docs/decisions/2026-11-29-late-loading.md).

Rules of this file: tables; what is said at a path stands with its view.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hexapla.engine.gateway import Gateway
from hexapla.server.account import Account
from hexapla.server.catalogue import Catalogue
from hexapla.server.gemini import COUNT, GENERATE, VERSIONS
from hexapla.server.keys import KeyRing
from hexapla.server.meta import Meta
from hexapla.server.paths import GENERATION, GENERATION_PATHS, PREFIXES
from hexapla.server.presets import PresetList
from hexapla.server.views import Guard, View

UNBUILT = (
    "/embeddings",
    "/images/generations",
    "/images/edits",
    "/audio/speech",
    "/audio/transcriptions",
    "/videos",
    "/rerank",
)


def ordinary(gateway: Gateway, keys: KeyRing) -> Starlette:
    """The application."""
    guard = Guard(gateway.books.ledger.new_id)
    made = Starlette(
        routes=[*_routes(gateway, keys, guard), *_post_only(guard)],
        exception_handlers={404: guard.not_found, 405: guard.not_found},
    )
    # a redirect would name whatever `Host` says, and lead from https to http behind a proxy
    made.router.redirect_slashes = False
    return made


def _post_only(guard: Guard) -> list[Route]:
    """Routes that are never reached: they let every other method be answered with 405."""

    async def never(request: Request) -> Response:
        raise AssertionError("a POST is served before it comes here")

    return [Route(path, guard.view(never, "openai_chat"), methods=["POST"]) for path in GENERATION_PATHS]


def _routes(gateway: Gateway, keys: KeyRing, guard: Guard) -> list[Route]:
    """Every route but the generation endpoints."""
    meta = Meta(gateway, keys)
    catalogue = Catalogue(gateway, keys)
    presets = PresetList(gateway, keys)
    account = Account(gateway, keys)
    plain: list[tuple[str, View, list[str]]] = [
        ("/livez", meta.alive, ["GET"]),
        ("/readyz", meta.ready, ["GET"]),
        ("/metrics", meta.metrics, ["GET"]),
        ("/", meta.hello, ["GET", "HEAD"]),
        ("/api/hello", meta.hello, ["GET", "HEAD"]),
    ]
    prefixed: list[tuple[str, View, list[str], str]] = [
        ("/models", catalogue.models, ["GET"], "openai_chat"),
        ("/models/count", catalogue.count, ["GET"], "openai_chat"),
        ("/models/user", catalogue.models, ["GET"], "openai_chat"),
        ("/models/{model:path}/endpoints", catalogue.endpoints, ["GET"], "openai_chat"),
        ("/models/{model:path}", catalogue.model, ["GET"], "openai_chat"),
        ("/model/{model:path}", catalogue.wrapped, ["GET"], "openai_chat"),
        ("/embeddings/models", catalogue.embeddings, ["GET"], "openai_chat"),
        ("/endpoints/zdr", catalogue.private, ["GET"], "openai_chat"),
        ("/providers", catalogue.providers, ["GET"], "openai_chat"),
        ("/credentials", meta.credentials, ["GET"], "openai_chat"),
        ("/generation", meta.generation, ["GET"], "openai_chat"),
        ("/route", meta.route, ["POST"], "openai_chat"),
        ("/key", account.key, ["GET"], "openai_chat"),
        ("/credits", account.credits, ["GET"], "openai_chat"),
        ("/activity", account.activity, ["GET"], "openai_chat"),
        ("/responses", meta.upgrade, ["GET"], "openai_responses"),
        ("/messages/count_tokens", meta.count_tokens, ["POST"], "anthropic_messages"),
        ("/presets", presets.listed, ["GET"], "openai_chat"),
        ("/presets/{slug}", presets.one, ["GET"], "openai_chat"),
        ("/presets/{slug}/versions", presets.versions, ["GET"], "openai_chat"),
        ("/presets/{slug}/versions/{version}", presets.version, ["GET"], "openai_chat"),
        *((f"/presets/{{slug}}{path}", presets.made, ["POST"], "openai_chat") for path in GENERATION),
        *((path, meta.unbuilt, ["POST"], "openai_chat") for path in UNBUILT),
    ]
    routes = [Route(path, guard.view(view, "openai_chat"), methods=methods) for path, view, methods in plain]
    for version in VERSIONS:
        routes += _gemini(version, meta, catalogue, guard)
    for prefix in PREFIXES:
        routes += [Route(prefix + path, guard.view(view, how), methods=ms) for path, view, ms, how in prefixed]
    return routes


def _gemini(version: str, meta: Meta, catalogue: Catalogue, guard: Guard) -> list[Route]:
    """Routes of Gemini's paths; where others ask as well, lists of models are theirs."""
    how = "gemini_generate"
    routes = [
        Route(f"{version}/models/{{model:path}}:{name}", meta.operated, methods=["GET"]) for name in (*GENERATE, COUNT)
    ]
    if version not in PREFIXES:
        routes.append(Route(f"{version}/models", guard.view(catalogue.models, how), methods=["GET"]))
        routes.append(Route(version + "/models/{model:path}", guard.view(catalogue.model, how), methods=["GET"]))
    count = guard.view(meta.count_gemini, how)
    return [*routes, Route(f"{version}/{{model:path}}:{COUNT}", count, methods=["POST"])]
