"""Servers of one's own, found by knocking at their ports.

Ollama, vLLM and LM Studio need no key and no configuration: when one of them runs, its models belong into the list, and
when none runs, none should be offered.  So their addresses are asked for their models, from time to time and never on
the way of a request; `[local] probe = false` switches that off.

Rules of this file: a server that is not there costs a refused connection and nothing else; no answer is an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hexapla.auth.api_key import Credential, auth_headers
from hexapla.catalog.address import normalise
from hexapla.catalog.discovered import read_models
from hexapla.catalog.schema import Model, Provider
from hexapla.config import LocalConfig
from hexapla.engine.address import certificates_of
from hexapla.engine.routes import Routes
from hexapla.errors import UpstreamError
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.transport import USER_AGENT, Request, Timeouts, Transport

if TYPE_CHECKING:
    from hexapla.engine.gateway import Gateway  # a list of models needs none

LARGEST = 1 << 20  # bytes of a list of models

Found = Mapping[str, tuple[Model, ...]]


async def look(routes: Routes, transport: Transport, settings: LocalConfig) -> Found:
    """The models of every server that answers, by provider."""
    wanted = [each for each in routes.catalog.providers.values() if each.probe and each.endpoints]
    answers = await asyncio.gather(*(_ask(each, routes, transport, settings.timeout) for each in wanted))
    return {each.id: models for each, models in zip(wanted, answers) if models is not None}


async def watch(gateway: Gateway) -> None:
    """Look now and again, until cancelled, and tell the gateway what was found."""
    transport = Http1Transport()
    try:
        while True:
            settings = gateway.config.local
            if settings.probe:
                routes = gateway.routes
                routes.discover(await look(routes, transport, settings))
            await asyncio.sleep(settings.seconds)
    finally:
        await transport.aclose()


async def look_once(routes: Routes) -> None:
    """Look now, for a command that ends when it has said what there is."""
    settings = routes.loaded.config.local
    if not settings.probe:
        return
    transport = Http1Transport()
    try:
        routes.discover(await look(routes, transport, settings))
    finally:
        await transport.aclose()


async def _ask(provider: Provider, routes: Routes, transport: Transport, seconds: float) -> tuple[Model, ...] | None:
    try:
        async with asyncio.timeout(seconds * 2):
            answer = await transport.send(_question(provider, routes, seconds))
            body = await answer.read(LARGEST)
    except (UpstreamError, TimeoutError):
        return None
    return read_models(body) if answer.status == 200 else None


def _question(provider: Provider, routes: Routes, seconds: float) -> Request:
    endpoint = provider.endpoints[0]
    keys = [each for each in routes.credentials(provider.id) if isinstance(each, Credential)]
    login = auth_headers(endpoint.protocol, provider.auth, keys[0] if keys else None)
    return Request(
        method="GET",
        url=f"{normalise(endpoint.protocol, endpoint.base_url)}/models",
        headers=(("accept", "application/json"), USER_AGENT, *login),
        timeouts=Timeouts(connect=seconds, head=seconds, idle=seconds),
        certificates=certificates_of(provider.tls),
        max_response_bytes=LARGEST,
    )
