"""`hexapla auth status`: every credential that was found: source, expiry, whether it sits out, what is left of it."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from hexapla.auth.api_key import Credential, auth_headers
from hexapla.auth.driver import Sends
from hexapla.auth.driver import run as run_flow
from hexapla.auth.grant import Token
from hexapla.auth.kept import kept_grant
from hexapla.auth.quota import quota_told
from hexapla.auth.sources import Found, find_sources, login_of
from hexapla.catalog.login import Quota
from hexapla.catalog.schema import Provider
from hexapla.cli import drawing
from hexapla.cli.pointing import address, key_of
from hexapla.cli.words import Say
from hexapla.config import Loaded, load_config
from hexapla.engine.credentials import Benched, Standing, standings
from hexapla.engine.routes import Routes
from hexapla.errors import GatewayError, HexaplaError
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.login import sender
from hexapla.upstream.transport import Request, Timeouts, Transport

QUICK = Timeouts(connect=0.5, head=2.0, idle=2.0)
PATIENCE = 6.0  # seconds for everybody's answer about quotas


def run(arguments: argparse.Namespace, say: Say) -> int:
    loaded = load_config(arguments.config)
    found = asyncio.run(_status(loaded, offline=arguments.offline))
    if arguments.json:
        print(msgspec.json.encode(found).decode())
        return 0
    if not found:
        print(say("auth-none"))
        return 0
    table = drawing.Table(
        *(say(word) for word in ("provider", "auth-source", "auth-expires", "auth-state", "auth-quota")), box=None
    )
    for each in found:
        quota = ", ".join(f"{name} {value}" for name, value in each.quota.items())
        table.add_row(each.provider, _source(each), _expires(each, say), _state(each, say), quota)
    drawing.table_console().print(table)
    return 0


async def _status(loaded: Loaded, *, offline: bool) -> list[Standing]:
    """What is known here, with what a running gateway and the vendors add."""
    found = standings(Routes(loaded), running=False)
    if offline:
        return found
    transport = Http1Transport()
    try:
        bench, quotas = await asyncio.gather(_bench(loaded, transport), _quotas(loaded, sender(transport)))
    finally:
        await transport.aclose()
    return [
        replace(each, benched=bench.get((each.provider, each.name)), quota=quotas.get((each.provider, each.name), {}))
        for each in found
    ]


async def _bench(loaded: Loaded, transport: Transport) -> Mapping[tuple[str, str], tuple[Benched, ...]]:
    """Who sits out, as the gateway at the configured address says; nothing where none runs or it wants another key."""
    request = Request(
        method="GET",
        url=f"{address(loaded)}/v1/credentials",
        headers=(("authorization", f"Bearer {key_of(loaded, '', loaded.environment)}"),),
        timeouts=QUICK,
    )
    try:
        response = await transport.send(request)
        data = await response.read(1024 * 1024)
        said = msgspec.json.decode(data, type=dict[str, list[Standing]]) if response.status == 200 else {}
    except (GatewayError, msgspec.MsgspecError):
        return {}
    return {(each.provider, each.name): each.benched or () for each in said.get("data", ())}


async def _quotas(loaded: Loaded, send: Sends) -> Mapping[tuple[str, str], dict[str, Any]]:
    """What each vendor with such an address tells of each account; silence and refusals tell nothing."""
    asked = [
        (provider, quota, each)
        for provider in loaded.catalog.providers.values()
        if (quota := provider.auth.quota) is not None and not provider.unavailable
        for each in find_sources(provider, loaded.environment)
    ]
    told = await asyncio.gather(*(_quota(loaded, *one, send) for one in asked))
    return {(provider.id, each.name): said for (provider, _, each), said in zip(asked, told)}


async def _quota(loaded: Loaded, provider: Provider, quota: Quota, found: Found, send: Sends) -> dict[str, Any]:
    login = login_of(provider, loaded.environment)
    host = login.host if login is not None else ""
    endpoint = provider.endpoints[0]
    try:
        async with asyncio.timeout(PATIENCE):
            secret: Credential | Token
            if isinstance(found, Credential):
                secret = found
            elif quota.grant and found.kept is not None:
                grant = await run_flow(kept_grant(found.kept, time.time), send)
                secret, host = Token(secret=grant.access), grant.host or host
            else:
                secret = await run_flow(found.obtain(time.time, None), send)
            headers = auth_headers(endpoint.protocol, provider.auth, secret)
            return await run_flow(quota_told(quota, endpoint.base_url, host, headers), send)
    except (HexaplaError, TimeoutError):
        return {}


def _source(each: Standing) -> str:
    said = (
        each.name
        if each.kind in ("key", each.name) or each.name.startswith(each.kind)
        else f"{each.name} ({each.kind})"
    )
    return f"{said}: {each.account}" if each.account else said


def _expires(each: Standing, say: Say) -> str:
    if each.expires is None:
        return ""
    left = each.expires - time.time()
    when = say("auth-over") if left <= 0 else say("auth-in", time=_span(left))
    return f"{when}, {say('auth-renews')}" if each.renews else when


def _state(each: Standing, say: Say) -> str:
    if each.ended:
        return say("auth-ended", provider=each.provider)
    if each.benched is None:
        return ""
    sits = (f"{b.why}{f' ({b.model})' if b.model else ''} {_span(b.seconds)}" for b in each.benched)
    return say("auth-benched", why="; ".join(sits)) if each.benched else say("auth-plays")


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
