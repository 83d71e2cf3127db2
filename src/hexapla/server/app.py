"""The ASGI application: generation endpoints by exact path, everything else through Starlette.

Routes stand at /v1 and, for OpenRouter clients, at /api/v1; Gemini's name the model in the path (gemini.py); all of them
stand once more inside each profile (profile.py).
Generation endpoints are looked up in one dict before any framework sees the request; models, ledger, health and metrics
are ordinary Starlette routes (ordinary.py), loaded when the first of them is asked for.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from hexapla.engine.gateway import Gateway
from hexapla.server.body import Receive
from hexapla.server.gemini import COUNT, GeminiGenerate, operation
from hexapla.server.generate import Generate, Scope, Send
from hexapla.server.keys import KeyRing
from hexapla.server.pages import Pairs, granting, preflight
from hexapla.server.paths import GENERATION_PATHS, OPENROUTER
from hexapla.server.profile import PREFIX, enter, inside

if TYPE_CHECKING:
    from starlette.applications import Starlette


class App:
    """The gateway as an ASGI application.  Any ASGI server may run it."""

    def __init__(self, gateway: Gateway, keys: KeyRing) -> None:
        self.gateway = gateway
        self._keys = keys
        self._posts = {
            path: Generate(gateway, keys, protocol, openrouter=path.startswith(OPENROUTER))
            for path, protocol in GENERATION_PATHS.items()
        }
        self._doors = {path.encode(): (endpoint, "") for path, endpoint in self._posts.items()}
        self._gemini = GeminiGenerate(Generate(gateway, keys, "gemini_generate"))
        self._ordinary: asyncio.Task[Starlette] | None = None

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
        if scope["type"] == "http":
            if scope["path"].startswith(PREFIX):
                scope = enter(scope)
            granted = self._granted(scope)
            if granted:
                send = granting(send, granted)
                if allowed := preflight(scope["method"], scope["headers"]):
                    await send({"type": "http.response.start", "status": 204, "headers": list(allowed)})
                    await send({"type": "http.response.body", "body": b""})
                    return
        await self._answer(scope, receive, send)

    def _granted(self, scope: Scope) -> Pairs:
        """What the answer says to the browser of a page that may hear it."""
        pages = self._keys.pages
        return () if pages is None else pages.granted(scope["headers"], scope["path"])

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self._posts.get(scope["path"])
            if endpoint is not None:
                await endpoint(scope, receive, send)
                return
            asked = operation(scope["path"])
            if asked is not None and asked.method != COUNT:
                await self._gemini(asked, scope, receive, send)
                return
        if self._ordinary is None:
            self._ordinary = asyncio.create_task(asyncio.to_thread(self._furnish))
        rest = await asyncio.shield(self._ordinary)  # whoever asked first may leave before it is there
        await rest(scope, receive, send)

    def _furnish(self) -> Starlette:
        """All other paths.  Loading them takes a thread 30 ms, for which nobody else has to wait."""
        made: Starlette = importlib.import_module("hexapla.server.ordinary").ordinary(self.gateway, self._keys)
        return made
