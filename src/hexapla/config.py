"""The user's `hexapla.toml`: one file, one source of truth, and none is needed.

Looked for at --config, $HEXAPLA_CONFIG, ./hexapla.toml and its parents, ~/.config/hexapla/hexapla.toml.  `${NAME}` or
`${NAME:-default}` in any string is replaced by the environment variable; a `.env` beside the file (or in the working
directory) is read into that environment.  Every mistake is a ConfigError with file, line, key and the name that was
probably meant.  To follow changes, watch `Loaded.files` and call `load_config` again: everything here is a value.

This file may read files and the environment; what it makes of them are values.
"""

from __future__ import annotations

import functools
import hashlib
import mmap
import os
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from hexapla.auth.api_key import find_credentials
from hexapla.catalog.address import rehosted
from hexapla.catalog.expand import allowed, expand, missing, placed
from hexapla.catalog.load import (
    check_models,
    check_provider,
    convert,
    dotted,
    load_model_file,
    load_provider,
    load_toml,
    mistake,
    nearest_of,
    sourced,
)
from hexapla.catalog.locate import Place, line_of
from hexapla.catalog.pack import Texts, unpack
from hexapla.catalog.profile import BUILT_IN, Profile
from hexapla.catalog.resolve import Catalog
from hexapla.catalog.schema import Model, Provider
from hexapla.catalog.table import Table, TableError
from hexapla.errors import ConfigError, ProtocolError
from hexapla.routing.health import BreakerPolicy
from hexapla.routing.patience import Timers
from hexapla.routing.preferences import NONE, Preferences, read_preferences
from hexapla.routing.retry import RetryPolicy
from hexapla.upstream.transport import Timeouts

FILE = "hexapla.toml"
PACK = "catalogue.pack"
TABLE = "models.table"
TIMERS = frozenset(Timers.__struct_fields__) | frozenset(Timeouts.__struct_fields__)
"""What an endpoint's `timeouts` may name."""

SCENARIOS = {
    "fast": "openrouter/google/gemini-3-flash-preview",
    "smart": "openrouter/anthropic/claude-sonnet-4",
    "powerful": "openrouter/anthropic/claude-opus-4.6",
    "cheap": "openrouter/deepseek/deepseek-chat-v3-0324",
    "code": "openrouter/openai/gpt-5.3-codex",
}
"""Names for a purpose, not a model; OpenRouter's, since one key reaches them all.  The user's aliases stand above them."""


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
    coalesce  whether requests that are the same and under way at once share one upstream call
    """

    provider: dict[str, Any] = {}
    usd: dict[str, float] = msgspec.field(default_factory=lambda: {"CNY": 7.1})
    breaker: BreakerPolicy = BreakerPolicy()
    patience: float = 10.0
    coalesce: bool = False

    @property
    def preferences(self) -> Preferences:
        """`provider`, read.  Raises ProtocolError."""
        return read_preferences(msgspec.json.encode(self.provider)) if self.provider else NONE


class LogConfig(_Table, frozen=True, kw_only=True):
    path: str = "stderr"  # "stderr", "off" or a file
    style: Literal["json", "pretty"] = "json"


class Config(_Table, frozen=True, kw_only=True):
    """The whole configuration.

    providers  built-in ones, with the user's tables merged over them field by field
    aliases    name -> model;  scenarios fast, smart, powerful, cheap, code have defaults
    chains     model -> models to try next when it fails
    profiles   the user's own, by name
    file       where it was read from; "" when there is none
    """

    server: ServerConfig = ServerConfig()
    keys: tuple[Key | str, ...] = ()
    providers: dict[str, Provider] = {}
    models: dict[str, tuple[Model, ...]] = {}
    aliases: dict[str, str] = {}
    chains: dict[str, tuple[str, ...]] = {}
    profiles: dict[str, Profile] = {}
    on_loss: Literal["allow", "warn", "strict"] = "allow"
    timeouts: Timers = Timers()
    retry: RetryPolicy = RetryPolicy()
    routing: RoutingConfig = RoutingConfig()
    limits: Limits = Limits()
    local: LocalConfig = LocalConfig()
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


def load_config(path: Path | str | None = None, environment: Mapping[str, str] | None = None) -> Loaded:
    """Find and read the configuration and the catalogue.  Raises ConfigError."""
    base = dict(os.environ if environment is None else environment)
    found = find_config(path, base)
    dotenvs = [folder / ".env" for folder in (Path.cwd(), *([found.parent] if found else ()))]
    env = {name: value for file in dotenvs for name, value in _dotenv(file).items()} | base
    files = tuple(dict.fromkeys((found or Path.cwd() / FILE, *dotenvs)))
    if found is None:
        return replace(assemble(Config(), env), files=files)
    try:
        text = found.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration cannot be read: {error}.", file=str(found)) from None
    return replace(assemble(parse_config(text, str(found), env), env), files=files)


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
    """The text of a configuration as a Config; variables are replaced first.  Raises ConfigError."""
    table = _expanded(load_toml(text, file), (), environment, text, file)
    own = table.get("providers")
    if isinstance(own, dict):
        table["providers"] = {name: _over_builtin(name, provider, text, file) for name, provider in own.items()}
    config = replace(convert(table, Config, text, file), file=file)
    _check(config, text, file)
    return replace(config, keys=tuple(_key(n, key, environment, text, file) for n, key in enumerate(config.keys)))


def assemble(config: Config, environment: Mapping[str, str]) -> Loaded:
    """Join the user's configuration with the built-in catalogue.  Raises ConfigError for keys that cannot be sent."""
    own = {name: replace(provider, id=name) for name, provider in config.providers.items()}
    known = builtin_providers() | own
    providers = {name: allowed(rehosted(placed(each, environment))) for name, each in known.items()}
    for provider in providers.values():
        find_credentials(provider, environment)
    models = dict(builtin_models())
    for name, listed in config.models.items():
        ids = {model.id for model in listed}
        models[name] = (*listed, *(model for model in models.get(name, ()) if model.id not in ids))
    catalog = Catalog(providers, models, SCENARIOS | config.aliases, model_table(environment))
    return Loaded(config=config, catalog=catalog, environment=environment)


@functools.cache
def builtin() -> tuple[Mapping[str, Provider], Mapping[str, tuple[Model, ...]]]:
    """The packaged providers by id, and their models by provider id."""
    root = resources.files("hexapla.catalog")
    texts = packaged_texts()
    packed = root / PACK
    found = unpack(packed.read_bytes(), texts) if packed.is_file() else None
    if found is None:
        read = [load_model_file(text, name) for name, text in texts.models]
        found = [load_provider(text, name) for name, text in texts.providers], read
    models: dict[str, tuple[Model, ...]] = {}
    for file in found[1]:
        for provider, listed in sourced(file).items():
            models[provider] = models.get(provider, ()) + listed
    return {provider.id: provider for provider in found[0]}, models


def builtin_providers() -> dict[str, Provider]:
    """The packaged providers, by id."""
    return dict(builtin()[0])


def builtin_models() -> dict[str, tuple[Model, ...]]:
    """The packaged models, by provider id."""
    return dict(builtin()[1])


def model_table(environment: Mapping[str, str]) -> Table | None:
    """The large table of models: the newer of the packaged one and the user's own (`hexapla catalog update`)."""
    found = [table for file in (user_table(environment), packaged_table()) if (table := _opened(file)) is not None]
    return max(found, key=lambda table: table.header.made, default=None)


def packaged_table() -> Path:
    """The table that came with the package."""
    return Path(__file__).with_name("catalog") / TABLE


def user_table(environment: Mapping[str, str]) -> Path:
    """Where the user's own table is kept."""
    data = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "hexapla" / TABLE


def _opened(file: Path) -> Table | None:
    """A table of models, mapped into memory; None where there is none that can be read."""
    try:
        stat = file.stat()
        return _mapped(file, stat.st_mtime_ns, stat.st_ino)
    except (OSError, ValueError, TableError):
        return None


@functools.lru_cache(maxsize=4)
def _mapped(file: Path, changed: int, inode: int) -> Table:
    with file.open("rb") as opened:
        return Table(memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)))


def packaged_texts() -> Texts:
    """The TOML files of the package, in the order of their names."""
    return Texts(_packaged("providers"), _packaged("models"))


def _packaged(folder: str) -> list[tuple[str, str]]:
    root = resources.files("hexapla.catalog") / folder
    files = sorted((entry for entry in root.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return [(entry.name, entry.read_text(encoding="utf-8")) for entry in files]


def _over_builtin(name: str, own: Any, text: str, file: str) -> Any:
    """The user's table laid over the built-in provider of that name, field by field; any other as it is."""
    if not isinstance(own, dict):
        return own
    source = resources.files("hexapla.catalog") / "providers" / f"{name}.toml"
    if source.is_file():
        return _laid_over(tomllib.loads(source.read_text(encoding="utf-8")), own)
    if not own.get("endpoints"):
        why = f"The provider {name!r} is not built in, so it needs [[providers.{name}.endpoints]]."
        raise mistake(why, ("providers", name), text, file, name, builtin()[0])
    return own


def _laid_over(builtin: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Tables are merged, anything else is replaced.  Endpoints of one's own are where they say they are."""
    merged = {**builtin, **own}
    for name in ("regions", "limits", "levels", "rates"):
        if isinstance(own.get(name), dict):
            merged[name] = {**builtin.get(name, {}), **own[name]}
    if isinstance(own.get("auth"), dict):
        merged["auth"] = _laid_deep(builtin.get("auth", {}), own["auth"])
    if "endpoints" in own and "host" not in own:
        merged["host"] = ""
    return merged


def _laid_deep(builtin: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """`own` over `builtin`, table by table down to single fields: a login's client id alone can be one's own."""
    merged = {**builtin, **own}
    for name, inner in own.items():
        if isinstance(inner, dict) and isinstance(builtin.get(name), dict):
            merged[name] = _laid_deep(builtin[name], inner)
    return merged


def _check(config: Config, text: str, file: str) -> None:
    """Raise ConfigError for what the types let through."""
    seen: dict[str, str] = {}
    for name, provider in config.providers.items():
        place = ("providers", name)
        if (twin := seen.setdefault(name.lower(), name)) != name:
            raise mistake(f"The provider {name!r} stands here a second time, as {twin!r}.", place, text, file)
        check_provider(provider, text, file, place)
        for index, endpoint in enumerate(provider.endpoints):
            for timer in endpoint.timeouts.keys() - TIMERS:
                where = (*place, "endpoints", index, "timeouts", timer)
                raise mistake(f"There is no timeout {timer!r}.", where, text, file, timer, TIMERS)
    try:
        _ = config.routing.preferences
    except ProtocolError as error:
        spot = ("routing", *error.path.removeprefix("$.").split("."))
        raise mistake(error.message, spot, text, file) from None
    for name, listed in config.models.items():
        check_models(listed, ("models", name), text, file)
    for name, profile in config.profiles.items():
        _check_profile(name, profile, config, text, file)
    for index, key in enumerate(config.keys):
        bound = key.profile if isinstance(key, Key) else ""
        if bound and bound not in config.profiles:
            why = f"There is no profile {bound!r}."
            raise mistake(why, ("keys", index, "profile"), text, file, bound, config.profiles)


def _check_profile(name: str, profile: Profile, config: Config, text: str, file: str) -> None:
    place = ("profiles", name)
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        why = f"The profile {name!r} stands in addresses (/p/NAME/v1): letters, digits, dot, dash and underscore only."
        raise mistake(why, place, text, file)
    if not (profile.provider or profile.model):
        raise mistake(f"The profile {name!r} needs a provider or a model.", place, text, file)
    providers = {**builtin()[0], **config.providers}
    known = providers.keys() | {alias for provider in providers.values() for alias in provider.aliases}
    if profile.provider and profile.provider not in known:
        why = f"There is no provider {profile.provider!r}."
        raise mistake(why, (*place, "provider"), text, file, profile.provider, known)
    for index, backup in enumerate(profile.backups):
        if backup == name:
            raise mistake("A profile is no backup of itself.", (*place, "backups", index), text, file)
    if profile.max_tokens is not None and profile.max_tokens < 1:
        raise mistake("max_tokens is at least 1.", (*place, "max_tokens"), text, file)


def _key(index: int, key: Key | str, environment: Mapping[str, str], text: str, file: str) -> Key:
    """A client's key with what it needs.  An empty key would let everybody in who sends none."""
    said = Key(key=key) if isinstance(key, str) else key
    secret = said.key or environment.get(said.env, "")
    if not secret and not re.fullmatch(r"[0-9a-fA-F]{64}", said.sha256):
        why = f"{said.env} is not set" if said.env else "give key, env or sha256 (64 hex digits)"
        raise mistake(f"A client key is empty: {why}.", ("keys", index), text, file)
    return replace(said, key=secret, name=said.name or f"key-{index + 1}")


def _expanded(value: Any, place: Place, environment: Mapping[str, str], text: str, file: str) -> Any:
    """`value` with its variables replaced.  Raises ConfigError for one that is missing or empty."""
    if isinstance(value, dict):
        return {key: _expanded(inner, (*place, key), environment, text, file) for key, inner in value.items()}
    if isinstance(value, list):
        return [_expanded(inner, (*place, index), environment, text, file) for index, inner in enumerate(value)]
    if not isinstance(value, str):
        return value
    for name in missing(value, environment):
        raise ConfigError(
            f"The environment variable {name} is {'empty' if name in environment else 'not set'}.",
            file=file,
            line=line_of(text, place),
            key=dotted(place),
            did_you_mean="" if name in environment else nearest_of(name, environment, 0.8),
        )
    return expand(value, environment)


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
    said = Key(key=key) if isinstance(key, str) else key
    if not (said.sha256 or said.key):
        raise ConfigError(f"The client key {said.name or number} is empty.", key="keys")
    digest = said.sha256.lower() or hashlib.sha256(said.key.encode()).hexdigest()
    return digest, said.name or f"key-{number}"
