"""Everything but generation: the ledger, health, metrics, counting.

The views are Starlette's, off the hot path; what their errors say is views.py's.
"""

from __future__ import annotations

import asyncio
import importlib
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hexapla.engine.client import Ask
from hexapla.engine.credentials import standings
from hexapla.engine.gateway import Gateway
from hexapla.engine.way import way
from hexapla.errors import ClientError, Kind
from hexapla.ledger.record import whole
from hexapla.protocols import PROTOCOLS
from hexapla.server.body import read_body
from hexapla.server.gemini import operation, with_key
from hexapla.server.generate import FORWARD
from hexapla.server.generation import openrouter
from hexapla.server.keys import KeyRing
from hexapla.server.paths import OPENROUTER
from hexapla.server.profile import named
from hexapla.server.views import ENDPOINTS, answer
from hexapla.translate.dialect import guess
from hexapla.wire.rawjson import load

if TYPE_CHECKING:
    from hexapla.observe.exposition import Exposition

Json = dict[str, Any]


class Meta:
    """The views, bound to one gateway."""

    def __init__(self, gateway: Gateway, keys: KeyRing) -> None:
        self._gateway = gateway
        self._keys = keys
        self._exposition: Exposition | None = None

    # health

    async def alive(self, request: Request) -> Response:
        return answer({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        health = self._gateway.books.ledger.health
        ready = not self._gateway.draining
        said = {"status": "ready" if ready else "draining", "running": self._gateway.running}
        if health.degraded:
            said["ledger"] = health.message
        return answer(said, 200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        access = self._gateway.config.server.metrics
        if access == "off":
            raise ClientError(Kind.NOT_FOUND, f"{request.url.path} does not exist here.")
        if access == "key":
            self._keys.name(request.headers.raw)
        self._keys.guard(request.headers.raw)
        body = await asyncio.to_thread(self._exposed)
        return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")

    def _exposed(self) -> bytes:
        """The metrics.  prometheus_client is loaded for whoever asks first: 15 ms that no start has to wait for."""
        if self._exposition is None:
            exposition = importlib.import_module("hexapla.observe.exposition")
            self._exposition = exposition.Exposition(self._gateway.books.metrics)
        return self._exposition.render()

    async def hello(self, request: Request) -> Response:
        """Claude Code probes `HEAD /` and `HEAD /api/hello` before it speaks."""
        return answer({"name": "hexapla", "docs": "/v1/models"})

    async def upgrade(self, request: Request) -> Response:
        """Codex tries a WebSocket first; 426 makes it fall back to HTTP at once, other refusals cost it 7 seconds."""
        return Response(
            b'{"error":{"message":"This gateway speaks HTTP; send POST.","type":"invalid_request_error"}}',
            426,
            {"upgrade": "HTTP/1.1", "connection": "Upgrade", "content-type": "application/json"},
        )

    # credentials

    async def credentials(self, request: Request) -> Response:
        self._keys.name(request.headers.raw)
        return answer({"data": msgspec.to_builtins(standings(self._gateway.routes, running=True))})

    # ledger

    async def generation(self, request: Request) -> Response:
        key = self._keys.name(request.headers.raw)
        wanted = request.query_params.get("id", "")
        found = await self._gateway.books.ledger.get_async(wanted) if wanted else None
        if found is None or found.key != key:
            raise ClientError(Kind.NOT_FOUND, f"There is no generation {wanted!r}.", param="id", code="not_found")
        if not request.url.path.startswith(OPENROUTER):
            return answer({"data": whole(found)})
        routes = self._gateway.routes
        usd = self._gateway.config.routing.usd
        return answer({"data": openrouter(found, routes.catalog.providers, usd)})

    # routing

    async def route(self, request: Request) -> Response:
        """Where a request would go; `?dialect=` says what it is written in where that is not plain."""
        key = self._keys.name(request.headers.raw)
        async with self._body(request) as body:
            return answer(self._route(request, key, body))

    def _route(self, request: Request, key: str, body: bytes) -> Json:
        fields = load(body, dict[str, Raw])  # what is no object is refused like any other, in words for it
        dialect = request.query_params.get("dialect") or ("openai_chat" if fields is None else guess(fields))
        if dialect not in PROTOCOLS:
            message = f"The dialect is not plain: add ?dialect= and one of {', '.join(PROTOCOLS)}."
            raise ClientError(Kind.INVALID_REQUEST, message, param="dialect")
        model = request.query_params.get("model", "") if dialect == "gemini_generate" else ""
        session = request.headers.get("x-session-id", "")
        ask = Ask(protocol=dialect, body=body, key=key, model=model, profile=named(request.scope), session=session)
        return way(self._gateway, *self._gateway.planned(ask))

    def _body(self, request: Request) -> AbstractAsyncContextManager[bytes]:
        gateway = self._gateway
        return read_body(request.headers.raw, request.receive, gateway.config.limits, gateway.memory)

    # counting

    async def count_tokens(self, request: Request) -> Response:
        """Messages' count_tokens for every upstream."""
        key = self._keys.name(request.headers.raw)
        known = FORWARD["anthropic_messages"]
        forward = tuple(
            (name.decode(), value.decode("latin-1")) for name, value in request.headers.raw if name in known
        )
        profile = named(request.scope)
        async with self._body(request) as body:
            ask = Ask(protocol="anthropic_messages", body=body, key=key, forward=forward, profile=profile)
            return answer(await self._gateway.count_tokens(ask))

    async def count_gemini(self, request: Request) -> Response:
        """Gemini's countTokens: contents, or a whole request under generateContentRequest."""
        key = self._keys.name(with_key(request.scope)["headers"])
        asked = operation(request.scope["path"])
        if asked is None:
            raise ClientError(Kind.NOT_FOUND, f"{request.url.path} does not exist here.")
        profile = named(request.scope)
        async with self._body(request) as body:
            inner = bytes((load(body, dict[str, Raw]) or {}).get("generateContentRequest", body))
            ask = Ask(protocol="gemini_generate", body=inner, key=key, model=asked.model, stream=False, profile=profile)
            counted = await self._gateway.count_tokens(ask)
        return answer({"totalTokens": counted["input_tokens"]})

    async def operated(self, request: Request) -> Response:
        """An operation of Gemini's is a POST, and no name of a model."""
        raise HTTPException(405)

    async def unbuilt(self, request: Request) -> Response:
        """An operation of OpenAI's API that this version does not have."""
        self._keys.name(request.headers.raw)
        message = f"{request.url.path} is not built into this version of the gateway, which serves {ENDPOINTS}."
        raise ClientError(Kind.UNSUPPORTED, message, status=501, code="not_implemented")
