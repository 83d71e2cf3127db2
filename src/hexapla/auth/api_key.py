"""API keys: where they are found and where they go.

Every protocol has its own place for the key, and a provider may have another one.  A `Credential` never shows its secret
in a repr, so it cannot leak into a log by accident.

Rules of this file: pure (the environment is a mapping); a key that no HTTP header takes is refused here, where its source
can still be named, and never quoted.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from hexapla.auth.grant import Token
from hexapla.catalog.login import Auth, KeySource
from hexapla.catalog.schema import Provider
from hexapla.errors import ConfigError

PLACES: dict[str, str] = {
    "openai_chat": "authorization",
    "openai_responses": "authorization",
    "anthropic_messages": "x-api-key",
    "gemini_generate": "x-goog-api-key",
}
"""Each protocol's own header for the key."""

# Required by the Messages API; 2026-10-21 refuses sampling parameters, so the older version stays the default
# (https://docs.claude.com/en/api/versioning, 2026-11)
ANTHROPIC_VERSION = ("anthropic-version", "2023-06-01")


class Credential:
    """One secret of one provider.

    name    where it came from, for people;  number  its place among the configured ones, 0 for the environment's
    weight  its share of the traffic, where keys have shares
    bearer  a finished token, which is always a Bearer
    """

    __slots__ = ("bearer", "name", "number", "secret", "weight")

    def __init__(self, name: str, secret: str, *, number: int = 0, weight: float = 0.0, bearer: bool = False) -> None:
        self.number = number
        self.name = name
        self.secret = secret
        self.weight = weight
        self.bearer = bearer

    def __repr__(self) -> str:
        return f"Credential({self.name})"


def find_credentials(provider: Provider, environment: Mapping[str, str]) -> tuple[Credential, ...]:
    """Every key of `provider` that is at hand: configured ones, else that of the first variable that holds one.

    Raises ConfigError for a key with characters that no header takes.
    """
    auth = provider.auth
    if auth.kind in ("none", "elsewhere"):
        return ()
    sources = key_sources(auth)
    found = [_credential(number, source, environment) for number, source in sources if source.key or source.env]
    if not sources:
        found = [Credential(name, environment.get(name, "").strip()) for name in env_names(auth)]
        if auth.token_env:
            found.append(Credential(auth.token_env, environment.get(auth.token_env, "").strip(), bearer=True))
        found = [credential for credential in found if credential.secret][:1]
    found = [credential for credential in found if credential.secret]
    for credential in found:
        if not (credential.secret.isascii() and credential.secret.isprintable()):
            who = provider.name or provider.id
            raise ConfigError(
                f"The key of {who} ({credential.name}) holds characters that no header takes.", key="auth"
            )
    return tuple(found)


def key_sources(auth: Auth) -> list[tuple[int, KeySource]]:
    """The configured places of keys, numbered from 1; those that hold an empty key do not count.

    A name that two of them share gets the number of the second, since credentials are told apart by their names.
    """
    said = [KeySource(key=each) if isinstance(each, str) else each for each in auth.keys]
    alone = KeySource(key=auth.key or "", file=auth.file, keyring=auth.keyring, command=auth.command)
    filled = [
        each for each in (alone, *said) if each.key.strip() or each.env or each.file or each.keyring or each.command
    ]
    seen: set[str] = set()
    numbered = []
    for number, each in enumerate(filled, 1):
        name = each.name or each.env
        numbered.append((number, replace(each, name=f"{name} {number}") if name and name in seen else each))
        seen.add(name)
    return numbered


def _credential(number: int, source: KeySource, environment: Mapping[str, str]) -> Credential:
    secret = source.key or environment.get(source.env, "")
    name = source.name or source.env or f"key {number}"
    return Credential(name, secret.strip(), number=number, weight=source.weight)


def env_names(auth: Auth) -> tuple[str, ...]:
    """The environment variables that may hold the key."""
    return (auth.env,) if isinstance(auth.env, str) else auth.env


def needs_key(auth: Auth) -> bool:
    """Whether a request without a credential is pointless."""
    return auth.kind != "none" and not auth.optional


def login_hint(provider: Provider) -> str:
    """How to log in to a provider that takes logins; "" where it takes keys only."""
    auth = provider.auth
    hints = {
        "google": "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS",
        "entra": "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or run `az login`",
    }
    by_hand = f"run `hexapla login {provider.id}`" if auth.login is not None and not auth.login.ended else ""
    return " or ".join(hint for hint in (by_hand, hints.get(auth.cloud, "")) if hint)


def key_page(provider: Provider) -> str:
    """Where a key of the chosen region is got; "" where nobody says."""
    return provider.key_pages.get(provider.region, provider.key_page)


def missing_key(provider: Provider) -> ConfigError:
    """What to tell someone who asked for a provider without a key."""
    who = provider.name or provider.id
    hint = login_hint(provider)
    variables = (*env_names(provider.auth), provider.auth.token_env)
    names = " or ".join(name for name in variables if name)
    if provider.auth.kind == "login":
        keys = f", or set {names}" if names else ""
        return ConfigError(f"{who} wants a login: {hint}{keys}.", key="auth")
    names = names or f"providers.{provider.id}.auth.key in hexapla.toml"
    page = key_page(provider)
    where = f" Get one at {page}." if page else ""
    return ConfigError(f"{who} needs a key: set {names}{f', or {hint}' if hint else ''}.{where}", key="auth")


def auth_headers(protocol: str, auth: Auth, credential: Credential | Token | None) -> tuple[tuple[str, str], ...]:
    """The headers that log a request in."""
    headers: list[tuple[str, str]] = []
    if protocol == "anthropic_messages":
        headers.append(ANTHROPIC_VERSION)
    if credential is not None:
        place = "authorization" if credential.bearer else auth.header.lower() or PLACES[protocol]
        secret = credential.secret
        headers.append((place, f"Bearer {secret}" if place == "authorization" else secret))
    if isinstance(credential, Token):
        headers += credential.headers
    return tuple(headers)
