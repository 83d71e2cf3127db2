"""`hexapla logout PROVIDER`: end a login that is kept here, and tell its vendor where that can be done."""

from __future__ import annotations

import argparse
import asyncio

import msgspec

from hexapla.auth.driver import run as run_flow
from hexapla.auth.kept import Kept
from hexapla.auth.session import log_out
from hexapla.auth.sources import own_login
from hexapla.cli.commands.login import wanted
from hexapla.cli.words import Say
from hexapla.config import load_config
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.login import sender


def run(arguments: argparse.Namespace, say: Say) -> int:
    loaded = load_config(arguments.config)
    provider = wanted(loaded, arguments.provider)
    kept = own_login(provider, loaded.environment)
    ended = asyncio.run(_log_out(kept)) if kept is not None else "none"
    shared = str(kept.path) if kept is not None and kept.form and ended != "none" else ""
    if arguments.json:
        print(msgspec.json.encode({"provider": provider.id, "ended": ended, "shared": shared}).decode())
        return 0
    print(say(f"logged-out-{ended}", provider=provider.name or provider.id))
    if shared:
        print(say("logged-out-shared", path=shared))
    return 0


async def _log_out(kept: Kept) -> str:
    transport = Http1Transport()
    try:
        return await run_flow(log_out(kept), sender(transport))
    finally:
        await transport.aclose()
