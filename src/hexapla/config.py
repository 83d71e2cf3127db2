"""The user's `hexapla.toml`: one file, one source of truth, and none is needed.

Looked for at --config, $HEXAPLA_CONFIG, ./hexapla.toml and its parents, ~/.config/hexapla/hexapla.toml.  `${NAME}` in
any string is replaced by the environment variable; a `.env` beside the file (or in the working directory) is read into
that environment.  Every mistake is a ConfigError with file, line, key and the name that was probably meant.

This file may read files and the environment; what it makes of them are values.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from hexapla.catalog.load import convert, line_of, load_models, load_provider, load_toml
from hexapla.catalog.resolve import Catalog
from hexapla.catalog.schema import Model, Provider
from hexapla.errors import ConfigError
from hexapla.routing.exchange import Timers
from hexapla.routing.retry import RetryPolicy

FILE = "hexapla.toml"

# seed: the OpenRouter survey's client wrapper, whose five scenarios name these models
SCENARIOS = {
    "fast": "google/gemini-3-flash-preview",
    "smart": "anthropic/claude-sonnet-4",
    "powerful": "anthropic/claude-opus-4.6",
    "cheap": "deepseek/deepseek-chat-v3-0324",
    "code": "openai/gpt-5.3-codex",
}


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TOML table that refuses keys it does not know."""


class Key(_Table, frozen=True, kw_only=True):
    """A client's key: the key itself, or its SHA-256 in hex."""

    name: str = ""
    key: str = ""
    sha256: str = ""


class ServerConfig(_Table, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: int = 6336
    grace_seconds: float = 30.0  # how long streams may take to finish after SIGTERM


class Limits(_Table, frozen=True, kw_only=True):
    body_bytes: int = 32 * 1024 * 1024
    body_seconds: float = 60.0
    answer_bytes: int = 64 * 1024 * 1024  # of an upstream's answer
    head_bytes: int = 64 * 1024  # of a request's line and headers
    head_lines: int = 200
    head_seconds: float = 30.0


class LedgerConfig(_Table, frozen=True, kw_only=True):
    path: str = ""  # "" is the user's state directory, ":memory:" keeps nothing
    durability: Literal["fsync", "write", "off"] = "write"
    retention_days: float | None = None


class LogConfig(_Table, frozen=True, kw_only=True):
    path: str = "stderr"  # "stderr", "off" or a file
    style: Literal["json", "pretty"] = "json"


class Config(_Table, frozen=True, kw_only=True):
    """The whole configuration.

    providers  built-in ones, with the user's tables merged over them field by field
    aliases    name -> model;  scenarios fast, smart, powerful, cheap, code have defaults
    chains     model -> models to try next when it fails
    file       where it was read from; "" when there is none
    """

    server: ServerConfig = ServerConfig()
    keys: tuple[Key | str, ...] = ()
    providers: dict[str, Provider] = {}
    models: dict[str, tuple[Model, ...]] = {}
    aliases: dict[str, str] = {}
    chains: dict[str, tuple[str, ...]] = {}
    on_loss: Literal["allow", "warn", "strict"] = "allow"
    timeouts: Timers = Timers()
    retry: RetryPolicy = RetryPolicy()
    limits: Limits = Limits()
    ledger: LedgerConfig = LedgerConfig()
    log: LogConfig = LogConfig()
    file: str = ""

    def key_names(self) -> dict[str, str]:
        """SHA-256 of every client key -> its name."""
        return dict(_hashed(number, key) for number, key in enumerate(self.keys, 1))


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration with what it was made from.  `environment` holds secrets: it is never shown."""

    config: Config
    catalog: Catalog
    environment: Mapping[str, str]


def load_config(path: Path | str | None = None, environment: Mapping[str, str] | None = None) -> Loaded:
    """Find and read the configuration and the catalogue.  Raises ConfigError."""
    base = dict(os.environ if environment is None else environment)
    found = find_config(path, base)
    env = {**_dotenv(Path.cwd() / ".env"), **(_dotenv(found.parent / ".env") if found else {}), **base}
    if found is None:
        return assemble(Config(), env)
    try:
        text = found.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration cannot be read: {error}", file=str(found)) from None
    return assemble(parse_config(text, str(found), env), env)


def find_config(path: Path | str | None, environment: Mapping[str, str]) -> Path | None:
    """The configuration file, or None.  A path that was asked for must exist."""
    asked = path or environment.get("HEXAPLA_CONFIG")
    if asked:
        file = Path(asked).expanduser()
        if not file.is_file():
            raise ConfigError("this configuration file does not exist", file=str(file))
        return file
    here = Path.cwd()
    home = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "hexapla" / FILE
    return next((file for file in (*(p / FILE for p in (here, *here.parents)), home) if file.is_file()), None)


def parse_config(text: str, file: str, environment: Mapping[str, str]) -> Config:
    """The text of a configuration as a Config; `${NAME}` is replaced first."""
    table = load_toml(text, file)
    table = _expanded(table, environment, text, file)
    providers = table.get("providers")
    if isinstance(providers, dict):
        table["providers"] = {name: _over_builtin(name, own, text, file) for name, own in providers.items()}
    return replace(convert(table, Config, text, file), file=file)


def assemble(config: Config, environment: Mapping[str, str]) -> Loaded:
    """Join the user's configuration with the built-in catalogue."""
    providers = builtin_providers() | {name: replace(provider, id=name) for name, provider in config.providers.items()}
    models = builtin_models()
    for provider, listed in config.models.items():
        own = {model.id for model in listed}
        models[provider] = (*listed, *(m for m in models.get(provider, ()) if m.id not in own))
    catalog = Catalog(providers, models, SCENARIOS | config.aliases)
    return Loaded(config=config, catalog=catalog, environment=environment)


def builtin_providers() -> dict[str, Provider]:
    """The packaged providers, by id."""
    loaded = [load_provider(text, name) for name, text in _packaged("providers")]
    return {provider.id: provider for provider in loaded}


def builtin_models() -> dict[str, tuple[Model, ...]]:
    """The packaged models, by provider id."""
    models: dict[str, tuple[Model, ...]] = {}
    for name, text in _packaged("models"):
        for provider, listed in load_models(text, name).items():
            models[provider] = models.get(provider, ()) + listed
    return models


def _packaged(folder: str) -> list[tuple[str, str]]:
    root = resources.files("hexapla.catalog") / folder
    files = sorted((entry for entry in root.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return [(entry.name, entry.read_text(encoding="utf-8")) for entry in files]


def _over_builtin(name: str, own: Any, text: str, file: str) -> Any:
    """The user's table for a built-in provider, laid over the built-in one; any other as it is."""
    source = resources.files("hexapla.catalog") / "providers" / f"{name}.toml"
    if not isinstance(own, dict) or not source.is_file():
        if isinstance(own, dict) and not own.get("endpoints"):
            line = line_of(text, name)
            raise ConfigError(f"the provider {name!r} needs [[providers.{name}.endpoints]]", file=file, line=line)
        return own
    base = tomllib.loads(source.read_text(encoding="utf-8"))
    merged = {**base, **own}
    if isinstance(own.get("auth"), dict):
        merged["auth"] = {**base.get("auth", {}), **own["auth"]}
    return merged


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _expanded(value: Any, environment: Mapping[str, str], text: str, file: str) -> Any:
    """`value` with every `${NAME}` replaced."""
    if isinstance(value, dict):
        return {key: _expanded(inner, environment, text, file) for key, inner in value.items()}
    if isinstance(value, list):
        return [_expanded(inner, environment, text, file) for inner in value]
    if not isinstance(value, str):
        return value

    def lookup(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in environment:
            line = next((n for n, row in enumerate(text.splitlines(), 1) if found.group(0) in row), None)
            raise ConfigError(f"the environment variable {name} is not set", file=file, line=line, key=name)
        return environment[name]

    return _VARIABLE.sub(lookup, value)


def _dotenv(file: Path) -> dict[str, str]:
    """KEY=value lines; quotes and `export` are understood, anything else is not ours to guess."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = [line.removeprefix("export ").partition("=") for line in lines if "=" in line and line.lstrip()[:1] != "#"]
    return {name.strip(): _unquoted(value.strip()) for name, _, value in pairs}


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def _hashed(number: int, key: Key | str) -> tuple[str, str]:
    if isinstance(key, str):
        key = Key(key=key)
    digest = key.sha256.lower() or hashlib.sha256(key.key.encode()).hexdigest()
    return digest, key.name or f"key-{number}"
