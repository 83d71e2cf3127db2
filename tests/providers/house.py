"""Gateway and fakes in one event loop, which stands still between two tests.

The gateway is the real application, asked through ASGI; only sockets towards the fakes are opened.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from hexapla.catalog.schema import Provider
from hexapla.config import assemble, parse_config
from hexapla.engine.assemble import open_gateway
from hexapla.ledger import Generation
from hexapla.routing.bench import Bench
from hexapla.routing.health import Health
from hexapla.routing.limits import Limits
from hexapla.server.app import App
from hexapla.server.keys import KeyRing
from providers.clients import PATHS, Json
from providers.facts import VENDORS
from providers.fake import GOOD_KEY, Fake

QUICK = "[retry]\nretries = 0\n"
"""Settings of a gateway that asks once."""

FALLBACK = "demo/echo"
"""The model that stands in where a test wants one."""


@dataclass(frozen=True)
class Heard:
    """An answer of the gateway."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["x-request-id"]


class House:
    """One gateway in front of every fake.  To be made and used inside one event loop.

    settings     further lines of hexapla.toml;  keys: of every provider
    environment  further variables
    """

    def __init__(
        self,
        fakes: Mapping[str, Fake],
        settings: str = "",
        keys: tuple[str, ...] = (GOOD_KEY,),
        environment: Mapping[str, str] = {},
    ) -> None:
        self.fakes = fakes
        placed = {name: value for fake in fakes.values() for name, value in fake.vendor.environment.items()}
        environment = placed | dict(environment)
        tables = "".join(_table(name, fake, keys) for name, fake in fakes.items())
        text = f'{settings}\n[ledger]\npath = ":memory:"\n{tables}'
        config = parse_config(text, "hexapla.toml", environment)
        moved = {
            name: _moved(provider, fakes[name].url) if name in fakes else provider
            for name, provider in config.providers.items()
        }
        self.gateway = open_gateway(assemble(replace(config, providers=moved), environment))
        self._app = App(self.gateway, KeyRing({}))

    async def ask(
        self, dialect: str, body: Json, *, leave_after: bytes = b"", headers: Mapping[str, str] = {}, path: str = ""
    ) -> Heard:
        """Send a request; `leave_after`: the client leaves when it has heard these bytes."""
        raw = json.dumps(body, ensure_ascii=False).encode()
        heard: list[bytes] = []
        head: dict[str, Any] = {}
        left = asyncio.Event()
        asked = [{"type": "http.request", "body": raw, "more_body": False}]

        async def receive() -> Any:
            if asked:
                return asked.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                head.update(message)
                return
            heard.append(message["body"])
            if leave_after and leave_after in b"".join(heard):
                left.set()

        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": path or PATHS[dialect], "headers": named}
        await self._app(scope, receive, send)
        answer = {name.decode(): value.decode() for name, value in head.get("headers", ())}
        return Heard(head.get("status", 0), answer, b"".join(heard))

    def record(self, answer: Heard) -> Generation:
        """What the ledger says of an answer."""
        found = self.gateway.books.ledger.get(answer.id)
        assert found is not None
        return found

    def forgive(self) -> None:
        """Forget which keys and which endpoints failed, and what their answers told of their limits: whoever has used
        one up waits for the next, as a request should and a test need not."""
        self.gateway.routes.traffic.bench = Bench()
        self.gateway.routes.traffic.health = Health()
        self.gateway.routes.traffic.limits = Limits()

    async def aclose(self) -> None:
        await self.gateway.aclose()


async def open_fakes() -> dict[str, Fake]:
    """Every vendor's fake, listening."""
    fakes = {name: Fake(vendor) for name, vendor in VENDORS.items()}
    for fake in fakes.values():
        await fake.start()
    return fakes


def _moved(provider: Provider, url: str) -> Provider:
    """`provider`, whose keys buy their tokens at the fake's address too."""
    exchange = provider.auth.exchange
    if exchange is None:
        return provider
    path = exchange.url.removeprefix("https://").partition("/")[2]
    exchange = replace(exchange, url=f"{url}/{path.removeprefix('/')}")
    return replace(provider, auth=replace(provider.auth, exchange=exchange))


def _table(name: str, fake: Fake, keys: tuple[str, ...]) -> str:
    listed = ", ".join(f'"{key}"' for key in keys)
    return f'[providers.{name}]\nenabled = true\nhost = "{fake.url}"\nauth.keys = [{listed}]\n'
