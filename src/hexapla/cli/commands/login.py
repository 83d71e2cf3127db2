"""`hexapla login PROVIDER`: log in with a browser or a code, and keep the login for the gateway."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import time
import webbrowser
from collections.abc import Mapping

import msgspec

from hexapla.auth.api_key import missing_key
from hexapla.auth.driver import run as run_flow
from hexapla.auth.kept import Kept, kept_token
from hexapla.auth.session import enterprise, log_in
from hexapla.auth.sources import own_login
from hexapla.auth.steps import Prompt
from hexapla.catalog.schema import Provider
from hexapla.cli.words import Say
from hexapla.config import Loaded, load_config
from hexapla.errors import ConfigError
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.login import sender


def run(arguments: argparse.Namespace, say: Say) -> int:
    loaded = load_config(arguments.config)
    provider = wanted(loaded, arguments.provider)
    kept = keepable(provider, loaded.environment)
    person: Terminal | Lines = Lines() if arguments.json else Terminal(say)
    if provider.experimental:
        person.show(Prompt(kind="note", note=say("login-experimental", provider=provider.name)))
    host = enterprise(arguments.enterprise_url) if arguments.enterprise_url else ""
    headless = arguments.headless or not browses(loaded.environment)
    asyncio.run(_log_in(provider, kept, host, person, headless=headless))
    person.done(provider, kept)
    return 0


def wanted(loaded: Loaded, name: str) -> Provider:
    """The provider that was named.  Raises ConfigError."""
    provider = loaded.catalog.provider(name)
    if provider is None:
        known = ", ".join(sorted(p.id for p in loaded.catalog.providers.values() if p.auth.login is not None))
        raise ConfigError(f"There is no provider {name!r}. Logins exist for: {known}.")
    return provider


def keepable(provider: Provider, environment: Mapping[str, str]) -> Kept:
    """Where the login will be kept.  Raises ConfigError that says what to do where there is no login to make."""
    if provider.unavailable:
        raise ConfigError(f"{provider.name or provider.id}: {provider.unavailable}.")
    if provider.auth.login is None:
        raise missing_key(provider)
    kept = own_login(provider, environment)
    if kept is None:
        raise ConfigError("There is no home to keep a login in: set HOME or XDG_STATE_HOME.")
    if kept.login.redirect_name == "redirect_uri" and not kept.login.client_id:
        raise ConfigError(f"{provider.name or provider.id}: {kept.login.instead}.")
    return kept


async def _log_in(provider: Provider, kept: Kept, host: str, person: Terminal | Lines, *, headless: bool) -> None:
    transport = Http1Transport()
    proxy = next((endpoint.proxy for endpoint in provider.endpoints if endpoint.proxy), "")
    send = sender(transport, proxy)
    try:
        await run_flow(log_in(kept, host, time.time, secrets.token_bytes, headless=headless), send, person)
        if provider.auth.exchange is not None:  # a login that buys no token is better told now than in a request
            await run_flow(kept_token(kept, provider.auth.exchange, time.time, None), send)
    finally:
        await transport.aclose()


class Terminal:
    """The person at this terminal."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def show(self, prompt: Prompt) -> None:
        if prompt.kind == "note":
            print(prompt.note, file=sys.stderr)
            return
        word = "login-code" if prompt.kind == "code" else "login-browser"
        print(self._say(word, url=prompt.url, code=prompt.code), flush=True)
        if prompt.kind == "browser":
            webbrowser.open(prompt.url)

    def paste(self, prompt: Prompt) -> str:
        print(self._say("login-paste", url=prompt.url), flush=True)
        return sys.stdin.readline()

    def done(self, provider: Provider, kept: Kept) -> None:
        print(self._say("logged-in", provider=provider.name or provider.id, path=kept.path))


class Lines:
    """A program that shows a person what to do: one JSON object a line; what is pasted is read from standard input."""

    def show(self, prompt: Prompt) -> None:
        said = {"url": prompt.url, "code": prompt.code, "note": prompt.note}
        self._say({"step": prompt.kind, **{name: value for name, value in said.items() if value}})

    def paste(self, prompt: Prompt) -> str:
        self.show(prompt)
        return sys.stdin.readline()

    def done(self, provider: Provider, kept: Kept) -> None:
        self._say({"step": "done", "provider": provider.id, "path": str(kept.path)})

    def _say(self, step: dict[str, str]) -> None:
        print(msgspec.json.encode(step).decode(), flush=True)


def browses(environment: Mapping[str, str]) -> bool:
    """Whether a browser can be opened on this machine and its person sees it."""
    if environment.get("SSH_CONNECTION") or not sys.stdout.isatty():
        return False
    return (
        os.name == "nt"
        or sys.platform == "darwin"
        or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
    )
