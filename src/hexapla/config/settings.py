"""The tables of a `hexapla.toml`, and what a configuration becomes with the catalogue.

Rules of this file: structs only; a default is what holds without a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from hexapla.catalog.profile import BUILT_IN, Profile
from hexapla.catalog.quirks import matches
from hexapla.catalog.resolve import Catalog
from hexapla.catalog.schema import Model, Provider
from hexapla.errors import ConfigError
from hexapla.plugins.services import Service
from hexapla.routing.health import BreakerPolicy
from hexapla.routing.patience import Timers
from hexapla.routing.preferences import NONE, Preferences, read_preferences
from hexapla.routing.retry import RetryPolicy

SCENARIOS = {
    "fast": "openrouter/google/gemini-3-flash-preview",
    "smart": "openrouter/anthropic/claude-sonnet-4",
    "powerful": "openrouter/anthropic/claude-opus-4.6",
    "cheap": "openrouter/deepseek/deepseek-chat-v3-0324",
    "code": "openrouter/openai/gpt-5.3-codex",
}
"""Names for a purpose, not a model; OpenRouter's, since one key reaches them all.  The user's aliases stand above them."""

_MINUTES = {"first": 900.0, "idle": 900.0, "progress": 900.0}
SLOW = {"*o1-pro*": _MINUTES, "*o3-pro*": _MINUTES, "*gpt-5*-pro*": _MINUTES, "*deep-research*": _MINUTES}
"""Models that say of themselves that an answer may take several minutes, in which nothing is heard of them
(https://platform.openai.com/docs/models/o3-pro, https://platform.openai.com/docs/guides/background, 2026-08)."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TOML table that refuses keys it does not know."""


class Key(_Table, frozen=True, kw_only=True):
    """A client's key: the key itself, the variable that holds it, or its SHA-256 in hex.

    profile  the profile that its requests take where their path names none
    """

    name: str = ""
    key: str = ""
    env: str = ""
    sha256: str = ""
    profile: str = ""


class ServerConfig(_Table, frozen=True, kw_only=True):
    """hosts    names beside this machine's own under which a gateway without keys may be asked
    metrics  who may read /metrics: whoever reaches the port, whoever has a key, nobody
    cors_origins  of web pages that may ask and hear the answer; "*" is every one
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 6336
    hosts: tuple[str, ...] = ()
    metrics: Literal["open", "key", "off"] = "open"
    cors_origins: tuple[str, ...] | Literal["*"] = ()
    grace_seconds: float = 30.0  # how long streams may take to finish after SIGTERM


class Limits(_Table, frozen=True, kw_only=True):
    """What one request may take, and what all of them may.

    stall_seconds  that a client may take nothing of its answer before it is cut off; 0 is for ever
    memory_bytes   of all requests together, by estimate; 0 is half of the machine's, or of what the container may have
    connections    of clients at once; 0 is half of the files that the process may open
    remember_bytes  of thought that is kept for clients which do not bring it back; 0 keeps none
    """

    body_bytes: int = 32 * 1024 * 1024
    body_seconds: float = 60.0
    answer_bytes: int = 64 * 1024 * 1024  # of an upstream's answer
    head_bytes: int = 64 * 1024  # of a request's line and headers
    head_lines: int = 200
    head_seconds: float = 30.0
    stall_seconds: float = 600.0
    memory_bytes: int = 0
    connections: int = 0
    remember_bytes: Annotated[int, msgspec.Meta(ge=0)] = 32 * 1024 * 1024


class LocalConfig(_Table, frozen=True, kw_only=True):
    """Looking for servers of one's own (Ollama, vLLM, LM Studio)."""

    probe: bool = True
    seconds: float = 30.0  # between two looks
    timeout: float = 0.5  # for a connection, and for its answer


class LedgerConfig(_Table, frozen=True, kw_only=True):
    path: str = ""  # "" is the user's state directory, ":memory:" keeps nothing
    durability: Literal["fsync", "write", "off"] = "write"
    retention_days: float | None = None


class RoutingConfig(_Table, frozen=True, kw_only=True):
    """How providers are chosen.

    provider  wishes that hold for every request, in the words of OpenRouter's `provider` object
    usd       units of a currency in one US dollar, to compare prices with; bills are never converted
    breaker   when an endpoint that fails is left alone, and for how long
    patience  seconds that a request may wait for its turn where a key's limit is known
    hedge     whether a second endpoint is asked when the first content is late
    resume    whether an answer that breaks off is continued elsewhere
    coalesce  whether requests that are the same and under way at once share one upstream call
    """

    provider: dict[str, Any] = {}
    usd: dict[str, float] = msgspec.field(default_factory=lambda: {"CNY": 7.1})
    breaker: BreakerPolicy = BreakerPolicy()
    patience: float = 10.0
    hedge: bool = False
    resume: bool = False
    coalesce: bool = False

    @property
    def preferences(self) -> Preferences:
        """`provider`, read.  Raises ProtocolError."""
        return read_preferences(msgspec.json.encode(self.provider)) if self.provider else NONE


class TimeoutsConfig(Timers, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long anything may take.

    models  globs of `provider/model` -> timers of their own, above the endpoint's; later ones stand above earlier ones
    """

    models: dict[str, dict[str, float]] = msgspec.field(default_factory=dict[str, dict[str, float]])

    def of(self, candidate: str, endpoint: Mapping[str, float]) -> Timers:
        """The timers of a candidate named `provider/model` at an endpoint with these `timeouts`."""
        own: dict[str, float] = {}
        for timers in (*_meant(SLOW, candidate), endpoint, *_meant(self.models, candidate)):
            own |= timers
        return msgspec.structs.replace(self, **own) if own else self


class LogConfig(_Table, frozen=True, kw_only=True):
    path: str = "stderr"  # "stderr", "off" or a file
    style: Literal["json", "pretty"] = "json"


class Config(_Table, frozen=True, kw_only=True):
    """The whole configuration.

    providers  built-in ones, with the user's tables merged over them field by field
    aliases    name -> model;  scenarios fast, smart, powerful, cheap, code have defaults
    chains     model -> models to try next when it fails
    profiles   the user's own, by name
    presets    parts of requests that clients name (`@preset/NAME`)
    file       where it was read from; "" when there is none
    """

    server: ServerConfig = ServerConfig()
    keys: tuple[Key | str, ...] = ()
    providers: dict[str, Provider] = {}
    models: dict[str, tuple[Model, ...]] = {}
    aliases: dict[str, str] = {}
    chains: dict[str, tuple[str, ...]] = {}
    profiles: dict[str, Profile] = {}
    presets: dict[str, dict[str, Any]] = {}
    on_loss: Literal["allow", "warn", "strict"] = "allow"
    timeouts: TimeoutsConfig = TimeoutsConfig()
    retry: RetryPolicy = RetryPolicy()
    routing: RoutingConfig = RoutingConfig()
    limits: Limits = Limits()
    local: LocalConfig = LocalConfig()
    search: Service = Service()
    ledger: LedgerConfig = LedgerConfig()
    log: LogConfig = LogConfig()
    file: str = ""

    def key_names(self) -> dict[str, str]:
        """SHA-256 of every client key -> its name."""
        return dict(_hashed(number, key) for number, key in enumerate(self.keys, 1))

    def key_profiles(self) -> dict[str, str]:
        """Name of a client key -> the profile that it is bound to."""
        return {key.name: key.profile for key in self.keys if isinstance(key, Key) and key.profile}


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration with what it was made from.  `environment` holds secrets: it is never shown.

    files  what was read beside the packaged catalogue, or would have been; when one of them changes, load again
    """

    config: Config
    catalog: Catalog
    environment: Mapping[str, str]
    files: tuple[Path, ...] = ()

    @property
    def profiles(self) -> dict[str, Profile]:
        """Every profile by name: the user's own above those that need no configuration."""
        return {**BUILT_IN, **self.config.profiles}

    def __repr__(self) -> str:
        return f"Loaded({self.config.file or 'built-in'})"


def _meant(by_glob: Mapping[str, dict[str, float]], candidate: str) -> list[dict[str, float]]:
    return [timers for glob, timers in by_glob.items() if matches(glob, candidate)]


def _hashed(number: int, key: Key | str) -> tuple[str, str]:
    said = Key(key=key) if isinstance(key, str) else key
    if not (said.sha256 or said.key):
        raise ConfigError(f"The client key {said.name or number} is empty.", key="keys")
    digest = said.sha256.lower() or hashlib.sha256(said.key.encode()).hexdigest()
    return digest, said.name or f"key-{number}"
