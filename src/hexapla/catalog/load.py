"""TOML text to structs, with errors that name file, line and key, and the name that was probably meant.

Pure: texts come in as arguments, whoever reads the files is elsewhere.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from hexapla.catalog.schema import Model, Provider
from hexapla.errors import ConfigError

T = TypeVar("T")

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]+)`(?: - at `(?P<path>[^`]+)`)?")
_WRONG = re.compile(r"(?P<why>.*) - at `(?P<path>[^`]+)`")


class ModelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of `models/`: models by provider id."""

    models: dict[str, tuple[Model, ...]] = {}


def load_toml(text: str, file: str) -> dict[str, Any]:
    """Parse TOML.  Raises ConfigError with the line of the first mistake."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        line = int(found.group(1)) if found else None
        raise ConfigError(f"not valid TOML: {error}", file=file, line=line) from None


def convert(value: Mapping[str, Any], kind: type[T], text: str, file: str) -> T:
    """`value` as `kind`.  Raises ConfigError that says where in `text` the first wrong key stands."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _explained(str(error), kind, text, file) from None


def load_provider(text: str, file: str) -> Provider:
    """One provider's file."""
    provider = convert(load_toml(text, file), Provider, text, file)
    if not provider.id:
        raise ConfigError("a provider needs an id", file=file, line=1, key="id")
    return provider


def load_models(text: str, file: str) -> dict[str, tuple[Model, ...]]:
    """One file of model tables."""
    return convert(load_toml(text, file), ModelFile, text, file).models


def line_of(text: str, key: str, after: int = 0) -> int | None:
    """The line (from 1) on which `key` is set or its table opened, at or after line index `after`."""
    setting = re.compile(
        rf"""(^|[\s,{{.])["']?{re.escape(key)}["']?\s*=|^\s*\[+[^\]]*\b{re.escape(key)}["']?\s*[.\]]"""
    )
    for number, line in enumerate(text.splitlines(), 1):
        if number > after and setting.search(line):
            return number
    return None


def _explained(message: str, kind: type, text: str, file: str) -> ConfigError:
    if found := _UNKNOWN.search(message):
        key = found["key"]
        owner = _struct_at(kind, found["path"] or "$")
        known = list(owner.__struct_fields__) if owner is not None else []
        near = difflib.get_close_matches(key, known, 1, 0.5)
        return ConfigError(
            f"unknown key {key!r}.", file=file, line=line_of(text, key), key=key, did_you_mean=near[0] if near else ""
        )
    if found := _WRONG.search(message):
        path = found["path"]
        key = re.sub(r"\[[^\]]*\]", "", path).rpartition(".")[2]
        return ConfigError(f"{key}: {found['why']} (at {path}).", file=file, line=line_of(text, key), key=key)
    return ConfigError(message, file=file)


def _struct_at(kind: Any, path: str) -> type[msgspec.Struct] | None:
    """The struct type that stands at a msgspec path like `$.providers[...].endpoints[0]`."""
    for step in re.findall(r"\.(\w+)|(\[[^\]]*\])", path.removeprefix("$")):
        kind = _inside(kind) if step[1] else _field(kind, step[0])
    while kind is not None and not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        kind = _inside(kind)
    return kind


def _field(kind: Any, name: str) -> Any:
    while kind is not None and not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        kind = _inside(kind)
    if kind is None:
        return None
    return next((f.type for f in msgspec.structs.fields(kind) if f.encode_name == name), None)


def _inside(kind: Any) -> Any:
    """The struct-bearing argument of a container or union type."""
    arguments = [a for a in getattr(kind, "__args__", ()) if a is not type(None) and a is not ...]
    return arguments[-1] if arguments else None
