"""Where `hexapla auth status` asks who sits out."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from hexapla.cli.commands.auth import _bench
from hexapla.config import Config, Key, ServerConfig, assemble
from hexapla.engine.credentials import Benched, Standing
from hexapla.upstream.demo import DemoResponse
from hexapla.upstream.transport import Request, Response

OUT = Benched(why="rate_limit", seconds=9.0)


class Running:
    """A gateway that tells of one key, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.asked.append(request)
        told = {"data": [Standing(provider="openai", name="A", kind="key", benched=(OUT,))]}
        return DemoResponse(200, "application/json", [msgspec.json.encode(told)])

    async def aclose(self) -> None: ...


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:7"), ("0.0.0.0", "http://127.0.0.1:7"), ("::", "http://[::1]:7")],
)
def test_the_configured_gateway_is_asked_with_a_key_of_its_own(host: str, url: str) -> None:
    """At an address that can be asked, wherever it listens; keys that are kept as digests are told by the variable."""
    config = Config(server=ServerConfig(host=host, port=7), keys=(Key(sha256="0" * 64),))
    running = Running()
    found = asyncio.run(_bench(assemble(config, {"HEXAPLA_KEY": "mine"}), running))
    assert found == {("openai", "A"): (OUT,)}
    assert running.asked[0].url == f"{url}/v1/credentials"
    assert running.asked[0].headers == (("authorization", "Bearer mine"),)
