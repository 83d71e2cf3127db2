"""A `hexapla.toml` is found, read and joined with the catalogue.

Looked for at --config, $HEXAPLA_CONFIG, ./hexapla.toml and its parents, ~/.config/hexapla/hexapla.toml.  `${NAME}` or
`${NAME:-default}` in any string is replaced by the environment variable; a `.env` beside the file (or in the working
directory) is read into that environment.  Every mistake is a ConfigError with file, line, key and the name that was
probably meant.  To follow changes, watch `Loaded.files` and call `load_config` again.

Rules of this file: it may read files and the environment; what it makes of them are values.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import asdict, replace

from hexapla.auth.api_key import find_credentials
from hexapla.catalog.address import rehosted
from hexapla.catalog.expand import allowed, expand, missing, placed
from hexapla.catalog.load import convert, dotted, load_toml, mistake, nearest_of
from hexapla.catalog.locate import Place, line_of
from hexapla.catalog.resolve import Catalog
from hexapla.catalog.schema import Provider, Tls
from hexapla.config.check import check
from hexapla.config.packaged import FOLDER, builtin, builtin_models, builtin_providers, model_table
from hexapla.config.settings import SCENARIOS, Config, Key, Loaded
from hexapla.errors import ConfigError
from hexapla.plugins.services import KEYS, Service

FILE = "hexapla.toml"


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
    beside = Path(file).parent
    config = replace(config, providers={name: _rooted(each, beside) for name, each in config.providers.items()})
    check(config, text, file)
    return replace(
        config,
        keys=tuple(_key(n, key, environment, text, file) for n, key in enumerate(config.keys)),
        search=_search(config.search, environment, text, file),
    )


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


def _rooted(provider: Provider, folder: Path) -> Provider:
    """The provider with whole paths of its certificates: relative ones stand beside the configuration."""
    if provider.tls == Tls():
        return provider
    whole = {name: str(folder / Path(path).expanduser()) for name, path in asdict(provider.tls).items() if path}
    return replace(provider, tls=Tls(**whole))


def _over_builtin(name: str, own: Any, text: str, file: str) -> Any:
    """The user's table laid over the built-in provider of that name, field by field; any other as it is."""
    if not isinstance(own, dict):
        return own
    source = FOLDER / "providers" / f"{name}.toml"
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
    if isinstance(own.get("endpoints"), list):
        merged["endpoints"] = [_known(each, builtin) for each in own["endpoints"]]
        merged["host"] = own.get("host", "")
    return merged


def _known(endpoint: Any, builtin: dict[str, Any]) -> Any:
    """An endpoint of one's own behaves as the vendor's: behind another address stands the same server, mostly."""
    if not isinstance(endpoint, dict):
        return endpoint
    same = (each for each in builtin["endpoints"] if each["protocol"] == endpoint.get("protocol"))
    packaged: dict[str, Any] = next(same, {})
    return _laid_deep({name: packaged[name] for name in ("headers", "quirks") if name in packaged}, endpoint)


def _laid_deep(builtin: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """`own` over `builtin`, table by table down to single fields: a login's client id alone can be one's own."""
    merged = {**builtin, **own}
    for name, inner in own.items():
        if isinstance(inner, dict) and isinstance(builtin.get(name), dict):
            merged[name] = _laid_deep(builtin[name], inner)
    return merged


def _key(index: int, key: Key | str, environment: Mapping[str, str], text: str, file: str) -> Key:
    """A client's key with what it needs.  An empty key would let everybody in who sends none."""
    said = Key(key=key) if isinstance(key, str) else key
    secret = said.key or environment.get(said.env, "")
    if not secret and not re.fullmatch(r"[0-9a-fA-F]{64}", said.sha256):
        why = f"{said.env} is not set" if said.env else "give key, env or sha256 (64 hex digits)"
        raise mistake(f"A client key is empty: {why}.", ("keys", index), text, file)
    return replace(said, key=secret, name=said.name or f"key-{index + 1}")


def _search(service: Service, environment: Mapping[str, str], text: str, file: str) -> Service:
    """The search service with what it needs: a key, or where it is."""
    names = KEYS.get(service.kind, ())
    key = service.key or next((environment[name] for name in names if environment.get(name)), "")
    if names and not key:
        raise mistake(
            f"The search service {service.kind} needs a key: give key, or set {names[0]}.", ("search",), text, file
        )
    if service.kind == "searxng" and not service.url:
        raise mistake("The search service searxng needs the url of your own.", ("search",), text, file)
    return replace(service, key=key)


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
