"""Servers of one's own are found where they run, listed with what they serve, and gone when they are gone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from hexapla.catalog.discovered import read_models
from hexapla.config import Loaded, assemble, parse_config
from hexapla.engine.assemble import open_gateway
from hexapla.engine.local import look_once, watch
from hexapla.engine.routes import Routes
from hexapla.errors import RoutingError

LIST = json.dumps(
    {
        "object": "list",
        "data": [
            {"id": "qwen2.5:latest", "object": "model", "owned_by": "library"},
            {"id": "Qwen/Qwen3-8B", "max_model_len": 40960},
            {"id": "nomic-embed-text", "object": "model"},
        ],
    }
).encode()
NOWHERE = "http://127.0.0.1:9"


@asynccontextmanager
async def server(answer: bytes, status: int = 200, after: float = 0.0) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers everything alike; its URL and the heads of what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        try:
            await asyncio.sleep(after)
            head = b"HTTP/1.1 %d OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (status, len(answer))
            writer.write(head + answer)
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked
    finally:
        listening.close()


def loaded(text: str = "", **environment: str) -> Loaded:
    """Nobody runs anything, but for what `environment` says."""
    nobody = dict.fromkeys(("OLLAMA_BASE_URL", "HOSTED_VLLM_API_BASE", "LM_STUDIO_API_BASE"), NOWHERE)
    known = nobody | environment
    config = f"[local]\ntimeout = 0.2\nseconds = 0.05\n[ledger]\npath = ':memory:'\n{text}"
    return assemble(parse_config(config, "hexapla.toml", known), known)


def look(text: str = "", **environment: str) -> Routes:
    routes = Routes(loaded(text, **environment))
    asyncio.run(look_once(routes))
    return routes


async def looked(answer: bytes, status: int = 200, after: float = 0.0) -> Routes:
    async with server(answer, status, after) as (url, _):
        routes = Routes(loaded(OLLAMA_BASE_URL=url))
        await look_once(routes)
        return routes


def test_a_server_that_runs_is_listed() -> None:
    """With its models, their names and their limits; they go by their bare names."""
    routes = asyncio.run(looked(LIST))
    assert "ollama" in routes.usable() and "vllm" not in routes.usable()
    models = {model.id: model for model in routes.catalog.listed("ollama")}
    assert models["Qwen/Qwen3-8B"].context == 40960
    assert models["nomic-embed-text"].kind == "embedding"
    assert routes.candidates("qwen2.5")[0].model == "qwen2.5:latest"
    assert routes.candidates("ollama/not-listed")[0].model == "not-listed"


def test_it_is_asked_with_its_key_at_its_list() -> None:
    """One GET; a server that wants a key gets the one that is set."""

    async def run() -> bytes:
        async with server(LIST) as (url, asked):
            await look_once(Routes(loaded(HOSTED_VLLM_API_BASE=url, VLLM_API_KEY="local-key")))
            return asked[0]

    head = asyncio.run(run())
    assert head.startswith(b"GET /v1/models HTTP/1.1\r\n") and b"Bearer local-key" in head


@pytest.mark.parametrize(
    ("answer", "status", "after"),
    [
        (b"<html>a site</html>", 200, 0.0),
        (LIST, 404, 0.0),
        (LIST, 401, 0.0),
        (b'{"object":"list","data":[{"id":"a/b","canonical_slug":"a/b"}]}', 200, 0.0),
        (b'{"data":[{"id":1}]}', 200, 0.0),
        (LIST, 200, 5.0),
    ],
    ids=["a page", "not found", "refused", "a gateway", "other JSON", "slow"],
)
def test_whatever_else_is_there_is_no_server_of_models(answer: bytes, status: int, after: float) -> None:
    """Pages, refusals, gateways and what does not answer soon are left out, and nobody waits for them."""
    began = time.monotonic()
    assert "ollama" not in asyncio.run(looked(answer, status, after)).usable()
    assert time.monotonic() - began < 4


def test_what_is_configured_stays() -> None:
    """Who says that there is a server is believed, whether it answers or not."""
    own = "[providers.ollama]\nhost = 'http://127.0.0.1:9'\n"
    assert "ollama" in look(own).usable()
    assert "ollama" not in look().usable()


def test_it_can_be_switched_off() -> None:
    """Then nothing is asked, and servers count as there."""

    async def run() -> tuple[Routes, int]:
        async with server(LIST) as (url, asked):
            known = loaded("", OLLAMA_BASE_URL=url)
            config = parse_config("[local]\nprobe = false\n", "hexapla.toml", {})
            routes = Routes(assemble(config, known.environment))
            await look_once(routes)
            return routes, len(asked)

    routes, asked = asyncio.run(run())
    assert asked == 0 and "ollama" in routes.usable()


def test_a_gateway_notices_what_comes_and_goes() -> None:
    """It looks again and again, beside its work; a change of the configuration keeps what was found."""

    async def until(true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():  # noqa: ASYNC110 - what is waited for is another task's doing
                await asyncio.sleep(0.01)

    async def run() -> None:
        async with server(LIST) as (url, _):
            known = loaded(OLLAMA_BASE_URL=url)
            gateway = open_gateway(known)
            watching = asyncio.create_task(watch(gateway))
            await until(lambda: "ollama" in (gateway.routes.found or ()))
            gateway.adopt(known)
            assert gateway.routes.candidates("qwen2.5")[0].provider.id == "ollama"
        await until(lambda: gateway.routes.found == {})
        with pytest.raises(RoutingError):
            gateway.routes.candidates("Qwen/Qwen3-8B:latest")
        watching.cancel()
        await gateway.aclose()

    asyncio.run(run())


def test_a_list_is_read_or_it_is_none() -> None:
    """Entries without a name are left out; thousands are too many."""
    assert read_models(b'{"object":"list","data":[{"id":""}]}') == ()
    many = json.dumps({"object": "list", "data": [{"id": f"m{n}"} for n in range(2000)]}).encode()
    assert len(read_models(many) or ()) == 1000
    assert read_models(b"") is None and read_models(b"[]") is None
