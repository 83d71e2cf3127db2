"""`hexapla providers`: who there is, how to log in, and whether a key was found."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import msgspec

from hexapla.auth.api_key import env_names, key_page, needs_key
from hexapla.catalog.login import Auth
from hexapla.catalog.schema import Provider
from hexapla.cli import drawing
from hexapla.cli.words import Say
from hexapla.config import load_config
from hexapla.engine.local import look_once
from hexapla.engine.routes import Routes

SHORT = {
    "openai_chat": "chat",
    "openai_responses": "responses",
    "anthropic_messages": "messages",
    "gemini_generate": "gemini",
}
WIDE = 110  # columns from which there is room for names, for how many models, and for where keys are made


def run(arguments: argparse.Namespace, say: Say) -> int:
    routes = Routes(load_config(arguments.config))
    asyncio.run(look_once(routes))
    usable = set(routes.usable())
    found = [each for each in routes.catalog.providers.values() if _fits(each, arguments, usable)]
    if arguments.json:
        rows = [_plain(each, routes, usable=each.id in usable) for each in found]
        print(msgspec.json.encode(rows).decode())
        return 0
    console = drawing.table_console()
    if found:
        console.print(_table(found, routes, usable, console, say))
    ready = sum(each.id in usable for each in found)
    console.print(say("providers-shown", shown=len(found), ready=ready), style="dim", highlight=False)
    return 0


def _fits(provider: Provider, arguments: argparse.Namespace, usable: set[str]) -> bool:
    said = " ".join((provider.id, provider.name, provider.name_zh, *provider.aliases)).lower()
    protocols = {endpoint.protocol for endpoint in provider.endpoints}
    return (
        arguments.filter.lower() in said
        and (arguments.protocol is None or arguments.protocol in protocols)
        and (not arguments.ready or provider.id in usable)
    )


def _table(
    found: list[Provider], routes: Routes, usable: set[str], console: drawing.Console, say: Say
) -> drawing.Table:
    wide = console.width >= WIDE
    table = drawing.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column(say("provider"), no_wrap=True)
    if wide:
        table.add_column(say("name"), overflow="ellipsis", no_wrap=True)
    table.add_column(say("protocols"), overflow="fold")
    table.add_column(say("how-to-log-in"), overflow="fold")
    if wide:
        table.add_column(say("models-count"), justify="right", no_wrap=True)
        table.add_column(say("key-page"), overflow="fold")
    for provider in found:
        ready = provider.id in usable
        name = provider.name_zh if say.language == "zh" and provider.name_zh else provider.name
        cells = ["✓" if ready else "", provider.id, " ".join(_protocols(provider)), _login(provider, say)]
        if wide:
            cells.insert(2, name)
            cells += [str(len(routes.catalog.listed(provider.id)) or ""), key_page(provider).removeprefix("https://")]
        table.add_row(*cells, style="" if ready else "dim" if provider.unavailable else "")
    return table


def _protocols(provider: Provider) -> list[str]:
    return list(dict.fromkeys(SHORT[endpoint.protocol] for endpoint in provider.endpoints))


def _login(provider: Provider, say: Say) -> str:
    """The first way to log in, or what is in the way."""
    if provider.unavailable and not provider.endpoints:
        return say("not-for-us")
    if not needs_key(provider.auth):
        return say("no-key")
    first = _logins(provider.auth)[0]
    return f"hexapla login {provider.id}" if first == "login" else first


def _logins(auth: Auth) -> tuple[str, ...]:
    """Every way to log in, in the order in which they are tried."""
    more = (auth.token_env, "login" if auth.login is not None and not auth.login.ended else "", auth.cloud)
    found = (*env_names(auth), *(each for each in more if each))
    return found or (auth.kind,)


def _plain(provider: Provider, routes: Routes, *, usable: bool) -> dict[str, Any]:
    return {
        "id": provider.id,
        "name": provider.name,
        "name_zh": provider.name_zh,
        "aliases": list(provider.aliases),
        "protocols": [endpoint.protocol for endpoint in provider.endpoints],
        "base_urls": [endpoint.base_url for endpoint in provider.endpoints],
        "regions": provider.regions,
        "login": " | ".join(_logins(provider.auth)) if needs_key(provider.auth) else "-",
        "usable": usable,
        "unavailable": provider.unavailable,
        "status": provider.status,
        "models": len(routes.catalog.listed(provider.id)),
        "key_page": key_page(provider),
        "docs": provider.docs,
    }
