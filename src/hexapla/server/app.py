"""The ASGI application: generation endpoints by exact path, everything else through Starlette.

Routes stand at /v1 and, for OpenRouter clients, at /api/v1; Gemini's name the model in the path (gemini.py); all of them
stand once more inside each profile (profile.py).
Generation endpoints are looked up in one dict before any framework sees the request; models, ledger, health and metrics
are ordinary Starlette routes.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hexapla.engine.gateway import Gateway
from hexapla.server.body import Receive
from hexapla.server.gemini import COUNT, GeminiGenerate, operation
from hexapla.server.generate import Generate, Scope, Send
from hexapla.server.keys import KeyRing
from hexapla.server.meta import GENERATION, PREFIXES, meta_routes
from hexapla.server.pages import granting, preflight
from hexapla.server.profile import PREFIX, enter, inside
from hexapla.server.views import OPENROUTER, Guard


class App:
    """The gateway as an ASGI application.  Any ASGI server may run it."""

    def __init__(self, gateway: Gateway, keys: KeyRing) -> None:
        self.gateway = gateway
        self._keys = keys
        self._posts = {
            prefix + path: Generate(gateway, keys, protocol, openrouter=prefix == OPENROUTER)
            for prefix in PREFIXES
            for path, protocol in GENERATION.items()
        }
        self._doors = {path.encode(): (endpoint, "") for path, endpoint in self._posts.items()}
        self._gemini = GeminiGenerate(Generate(gateway, keys, "gemini_generate"))
        guard = Guard(gateway.books.ledger.new_id)
        self._rest = Starlette(
            routes=[*meta_routes(gateway, keys, guard), *self._post_only(guard)],
            exception_handlers={404: guard.not_found, 405: guard.not_found},
        )
        # a redirect would name whatever `Host` says, and lead from https to http behind a proxy
        self._rest.router.redirect_slashes = False

    def _post_only(self, guard: Guard) -> list[Route]:
        """Routes that are never reached: they let every other method be answered with 405."""

        async def never(request: Request) -> Response:
            raise AssertionError("a POST is served before it comes here")

        return [Route(path, guard.view(never, "openai_chat"), methods=["POST"]) for path in self._posts]

    def find(self, url: bytes) -> tuple[Generate, str] | None:
        """The generation endpoint at `url` and the profile that it is asked in, for our own server (http.py).

        A path that needs decoding is not found here, and goes the longer way.
        """
        found = self._doors.get(url)
        if found is not None:
            return found
        named, profile = url.partition(b"?")[0].decode("latin-1"), ""
        if named.startswith(PREFIX):
            named, profile = inside(named)
        endpoint = self._posts.get(named)
        return None if endpoint is None else (endpoint, profile)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pages = self._keys.pages
        if pages is not None and scope["type"] == "http" and (granted := pages.granted(scope["headers"])):
            send = granting(send, granted)
            if allowed := preflight(scope["method"], scope["headers"]):
                await send({"type": "http.response.start", "status": 204, "headers": list(allowed)})
                await send({"type": "http.response.body", "body": b""})
                return
        await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            scope = enter(scope)
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self._posts.get(scope["path"])
            if endpoint is not None:
                await endpoint(scope, receive, send)
                return
            asked = operation(scope["path"])
            if asked is not None and asked.method != COUNT:
                await self._gemini(asked, scope, receive, send)
                return
        await self._rest(scope, receive, send)
