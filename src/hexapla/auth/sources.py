"""Where a provider's credentials come from: which keys, logins and clouds there are on this machine.

    configured keys, else the environment's   static ones are sent as they are; those in files, keyrings and commands
                                              are read when they are needed, and read again when they are refused
    a login made with `hexapla login`         after the keys
    the vendor's own file                     where the provider's table says that it may be used
    a cloud's credentials                     where there is nothing else

Rules of this file: finding looks at names of files and variables only; nothing is read, run or asked before a request
needs it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from hexapla.auth.api_key import Credential, find_credentials, key_sources
from hexapla.auth.clouds import entra_found, entra_token, google_found, google_token
from hexapla.auth.exchange import exchanged
from hexapla.auth.files import located, state_folder, there
from hexapla.auth.grant import Token
from hexapla.auth.kept import Kept, kept_token
from hexapla.auth.oauth import lowered, sendable
from hexapla.auth.steps import Clock, Keyring, Read, Run, Steps
from hexapla.catalog.expand import expand
from hexapla.catalog.login import Auth, KeySource, Login
from hexapla.catalog.schema import Provider
from hexapla.errors import Kind, UpstreamError

Obtain = Callable[[Clock, "Token | None"], Steps[Token]]
FILE_SECONDS = 60.0  # how long a key's file is not looked at again


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that has to be fetched.

    name    where it comes from, for people;  kind  for programs: login, shared, cloud, exchange, file, keyring, command
    obtain  the flow that fetches its token; the token that was refused is an argument
    """

    name: str
    kind: str
    obtain: Obtain
    weight: float = 0.0
    kept: Kept | None = None

    def __repr__(self) -> str:
        return f"Source({self.name})"


Found = Credential | Source


def find_sources(provider: Provider, environment: Mapping[str, str]) -> tuple[Found, ...]:
    """Every credential of `provider`, in the order in which they are tried.

    Raises ConfigError for a key that no header takes.
    """
    auth = provider.auth
    if auth.kind in ("none", "elsewhere"):
        return ()
    found = _keys(provider, environment)
    if auth.exchange is not None:
        found = [_bought(provider, each, environment) for each in found]
    found += _logins(provider, environment)
    return tuple(found) or _cloud(auth, environment)


def _keys(provider: Provider, environment: Mapping[str, str]) -> list[Found]:
    """The keys in their configured order; where none is configured, the environment's."""
    at_hand = {credential.number: credential for credential in find_credentials(provider, environment)}
    found: list[Found] = []
    for number, source in key_sources(provider.auth):
        if number in at_hand:
            found.append(at_hand.pop(number))
        elif not (source.key or source.env):
            found.append(_read_later(number, source, environment))
    return [*found, *at_hand.values()]


def login_of(provider: Provider, environment: Mapping[str, str]) -> Login | None:
    """The provider's login with its variables filled in."""
    login = provider.auth.login
    if login is None:
        return None
    filled = {
        name: _expanded(getattr(login, name), environment)
        for name in ("host", "client_id", "client_secret", "scope", "authorize", "token", "device", "revoke")
    }
    headers = {name: _expanded(value, environment) for name, value in login.request_headers.items()}
    return replace(login, **filled, request_headers=headers)


def own_login(provider: Provider, environment: Mapping[str, str]) -> Kept | None:
    """Where `hexapla login` keeps this provider's login; None where there is no such login or no home."""
    login = login_of(provider, environment)
    folder = state_folder(environment)
    if login is None:
        return None
    if login.share == "write":
        paths = [path for name in login.files if (path := located(name, environment))]
        path = next((path for path in paths if there(path)), next(iter(paths), ""))
        return Kept(provider=provider.id, login=login, path=path, form=login.format) if path else None
    return Kept(provider=provider.id, login=login, path=f"{folder}/{provider.id}.json") if folder else None


def _logins(provider: Provider, environment: Mapping[str, str]) -> list[Found]:
    """The logins that are kept in files: our own, else the vendor's."""
    kept = own_login(provider, environment)
    if kept is None:
        return []
    exchange = provider.auth.exchange
    if there(kept.path):
        kind = "shared" if kept.form else "login"
        return [Source(name=kind, kind=kind, obtain=partial(kept_token, kept, exchange), kept=kept)]
    if kept.login.share != "read":
        return []
    paths = (located(name, environment) for name in kept.login.files)
    for path in paths:
        if there(path):
            theirs = replace(kept, path=path, form=kept.login.format, ours=False)
            return [Source(name="shared", kind="shared", obtain=partial(kept_token, theirs, exchange), kept=theirs)]
    return []


def _cloud(auth: Auth, environment: Mapping[str, str]) -> tuple[Found, ...]:
    if auth.cloud not in CLOUDS:
        return ()
    is_found, token = CLOUDS[auth.cloud]
    where = is_found(environment)

    def obtain(now: Clock, refused: Token | None) -> Steps[Token]:
        return token(environment, auth.scope, now)

    return (Source(name=f"{auth.cloud} ({Path(where).name})", kind="cloud", obtain=obtain),) if where else ()


CLOUDS: dict[
    str, tuple[Callable[[Mapping[str, str]], str], Callable[[Mapping[str, str], str, Clock], Steps[Token]]]
] = {
    "google": (google_found, google_token),
    "entra": (entra_found, entra_token),
}
"""Where a cloud's credentials are, and how its token is had."""


def _bought(provider: Provider, key: Found, environment: Mapping[str, str]) -> Source:
    """A key that is exchanged for the token of the requests."""
    exchange, login = provider.auth.exchange, login_of(provider, environment)
    assert exchange is not None
    host, headers = (login.host, lowered(login.request_headers)) if login is not None else ("", ())

    def obtain(now: Clock, refused: Token | None) -> Steps[Token]:
        grant = key.secret if isinstance(key, Credential) else (yield from key.obtain(now, refused)).secret
        return (yield from exchanged(exchange, grant, host, now, headers))

    return Source(name=key.name, kind="exchange", obtain=obtain, weight=key.weight)


def _read_later(number: int, source: KeySource, environment: Mapping[str, str]) -> Source:
    kind = "file" if source.file else "keyring" if source.keyring else "command"
    return Source(
        name=source.name or f"{kind} {number}",
        kind=kind,
        obtain=lambda now, refused: _key(source, environment, now),
        weight=source.weight,
    )


def _key(source: KeySource, environment: Mapping[str, str], now: Clock) -> Steps[Token]:
    """A key out of a file, a keyring or a command.  Raises UpstreamError where there is none."""
    lasts = source.cache
    if source.file:
        path, lasts = located(source.file, environment), min(source.cache, FILE_SECONDS)
        data: bytes | None = yield Read(path)
        where, text = f"The file {source.file}", (data or b"").decode("utf-8", "replace")
    elif source.keyring:
        service, _, user = source.keyring.rpartition("/")
        held: str | None = yield Keyring(service, user)
        where, text = f"The keyring's entry {source.keyring}", held or ""
    else:
        words = shlex.split(source.command) if isinstance(source.command, str) else source.command
        text = yield Run(tuple(words), source.timeout)
        where = f"The command {words[0]!r}" if words else "The command"
    key = text.strip()
    if not sendable(key):
        raise UpstreamError(
            Kind.UPSTREAM_AUTH, f"{where} gives {'no key' if not key else 'no key that a header takes'}."
        )
    return Token(secret=key, bearer=False, expires=now() + lasts if lasts else 0.0, obtained=now())


def _expanded(text: str, environment: Mapping[str, str]) -> str:
    """`text` with its variables; one that is missing leaves nothing."""
    text = expand(text, environment)
    return "" if "${" in text else text
