"""API keys: where they are found and where they go.

Every protocol has its own place for the key, and a provider may have another one.  A `Credential` never shows its secret
in a repr, so it cannot leak into a log by accident.

Rules of this file: pure (the environment is a mapping); a key that no HTTP header takes is refused here, where its source
can still be named, and never quoted.
"""

from __future__ import annotations

from collections.abc import Mapping

from hexapla.catalog.schema import Auth, Provider
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
    """One secret of one provider.  `name` says where it came from, for people."""

    __slots__ = ("name", "secret")

    def __init__(self, name: str, secret: str) -> None:
        self.name = name
        self.secret = secret

    def __repr__(self) -> str:
        return f"Credential({self.name})"


def find_credentials(provider: Provider, environment: Mapping[str, str]) -> tuple[Credential, ...]:
    """Every key of `provider`: configured ones, else that of the first environment variable that holds one.

    A provider whose login ends in a token takes that token as a configured key; its variables hold something else.
    Raises ConfigError for a key with characters that no header takes.
    """
    auth = provider.auth
    if auth.kind == "none":
        return ()
    configured = [key.strip() for key in (auth.key, *auth.keys) if key and key.strip()]
    found = [Credential(f"key {number}", key) for number, key in enumerate(configured, 1)]
    if not found and auth.kind == "api_key":
        held = ((name, environment.get(name, "").strip()) for name in env_names(auth))
        found = [Credential(name, key) for name, key in held if key][:1]
    for credential in found:
        if not (credential.secret.isascii() and credential.secret.isprintable()):
            who = provider.name or provider.id
            raise ConfigError(
                f"The key of {who} ({credential.name}) holds characters that no header takes.", key="auth"
            )
    return tuple(found)


def env_names(auth: Auth) -> tuple[str, ...]:
    """The environment variables that may hold the key."""
    return (auth.env,) if isinstance(auth.env, str) else auth.env


def needs_key(auth: Auth) -> bool:
    """Whether a request without a credential is pointless."""
    return auth.kind != "none" and not auth.optional


def missing_key(provider: Provider) -> ConfigError:
    """What to tell someone who asked for a provider without a key."""
    who = provider.name or provider.id
    if provider.auth.kind != "api_key":
        return ConfigError(
            f"{who} wants a login ({provider.auth.kind}) instead of a key: put the token that it ends in into "
            f"providers.{provider.id}.auth.key of hexapla.toml.",
            key="auth",
        )
    names = " or ".join(env_names(provider.auth)) or f"providers.{provider.id}.auth.key in hexapla.toml"
    where = f" Get one at {provider.key_page}." if provider.key_page else ""
    return ConfigError(f"{who} needs a key: set {names}.{where}", key="auth")


def auth_headers(protocol: str, auth: Auth, credential: Credential | None) -> tuple[tuple[str, str], ...]:
    """The headers that log a request in."""
    headers: list[tuple[str, str]] = []
    if protocol == "anthropic_messages":
        headers.append(ANTHROPIC_VERSION)
    if credential is not None:
        place = auth.header.lower() or PLACES[protocol]
        bearer = place == "authorization"
        headers.append((place, f"Bearer {credential.secret}" if bearer else credential.secret))
    return tuple(headers)
