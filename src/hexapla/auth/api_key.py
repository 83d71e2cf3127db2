"""API keys: where they are found and where they go.

Pure: the environment is a mapping.  A `Credential` never shows its secret in a repr, so it cannot leak into a log by
accident.
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
    """Every key of `provider`: configured ones first, then the first environment variable that holds one."""
    auth = provider.auth
    configured = [key for key in (auth.key, *auth.keys) if key]
    found = [Credential(f"key {number}", key) for number, key in enumerate(configured, 1)]
    if not found:
        found = [Credential(name, environment[name]) for name in env_names(auth) if environment.get(name)][:1]
    return tuple(found)


def env_names(auth: Auth) -> tuple[str, ...]:
    """The environment variables that may hold the key."""
    return (auth.env,) if isinstance(auth.env, str) else auth.env


def needs_key(auth: Auth) -> bool:
    """Whether a request without a credential is pointless."""
    return auth.kind != "none"


def missing_key(provider: Provider) -> ConfigError:
    """What to tell someone who asked for a provider without a key."""
    names = " or ".join(env_names(provider.auth)) or "auth.key in hexapla.toml"
    where = f" Get one at {provider.key_page}." if provider.key_page else ""
    return ConfigError(f"{provider.name or provider.id} needs a key: set {names}.{where}", key="auth")


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
