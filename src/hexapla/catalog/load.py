"""TOML text to structs, with errors that name file, line and key, and the name that was probably meant.

A mistake in a provider's table would otherwise show itself in the middle of a request, as a vendor's refusal or as a
crash.  So everything that can be known to be wrong is refused here: keys, types, names of Target fields, patterns that
do not compile, error kinds that do not exist.

Rules of this file: pure (texts come in as arguments, whoever reads the files is elsewhere); the first mistake is told.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from hexapla.catalog.calendar import week, window
from hexapla.catalog.locate import Place, fault, field_names, kind_at, line_of
from hexapla.catalog.login import KeySource
from hexapla.catalog.schema import Model, Provider, Quirks, When
from hexapla.errors import ConfigError, Kind
from hexapla.ir.target import Target

T = TypeVar("T")

_REASON = re.compile(r" - at `[^`]*`$")
_TWICE = re.compile(r"Cannot (declare|mutate|overwrite)")
_ORIGIN = {"protocol": "openai_chat"}
_FLAGS = frozenset({"origin", "model", "stream"})
"""Fields of Target that are made for each request, so no quirk may set them."""


class ModelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of `models/`: models by provider id.  `sources` hold for every model that names none of its own."""

    sources: tuple[str, ...] = ()
    models: dict[str, tuple[Model, ...]] = {}


def load_toml(text: str, file: str) -> dict[str, Any]:
    """Parse TOML.  Raises ConfigError with the line of the first mistake."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(str(error), text, file) from None


def convert(value: Mapping[str, Any], kind: type[T], text: str, file: str) -> T:
    """`value` as `kind`.  Raises ConfigError that says where in `text` the first wrong key stands."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise _explained(value, kind, text, file) from None


def load_provider(text: str, file: str) -> Provider:
    """One provider's file."""
    provider = convert(load_toml(text, file), Provider, text, file)
    if not provider.id:
        raise ConfigError("A provider needs an id.", file=file, line=1, key="id")
    check_provider(provider, text, file)
    return provider


def load_model_file(text: str, file: str) -> ModelFile:
    """One file of model tables."""
    read = convert(load_toml(text, file), ModelFile, text, file)
    for provider, listed in read.models.items():
        check_models(listed, ("models", provider), text, file)
    return read


def sourced(file: ModelFile) -> dict[str, tuple[Model, ...]]:
    """The models of a file, each with its sources."""
    return {
        provider: tuple(model if model.sources else replace(model, sources=file.sources) for model in listed)
        for provider, listed in file.models.items()
    }


def check_provider(provider: Provider, text: str, file: str, place: Place = ()) -> None:
    """Raise ConfigError for what the types let through.  `place` is where in `text` the provider's table stands."""
    if provider.region and provider.region not in provider.regions:
        names = ", ".join(provider.regions) or "none"
        raise mistake(
            f"{provider.id} knows no region {provider.region!r} (it knows: {names}).",
            (*place, "region"),
            text,
            file,
            provider.region,
            provider.regions,
        )
    if provider.level and provider.level not in provider.levels:
        why = f"{provider.id} knows no level {provider.level!r} (it knows: {', '.join(provider.levels) or 'none'})."
        raise mistake(why, (*place, "level"), text, file, provider.level, provider.levels)
    for name, by_level in provider.rates.items():
        for level in by_level.keys() - (provider.levels or {"": 0.0}).keys():
            why = f"{provider.id} knows no level {level!r}."
            raise mistake(why, (*place, "rates", name, level), text, file, level, provider.levels)
    _check_codes(provider.error_codes, place, text, file)
    for index, source in enumerate(provider.auth.keys):
        if isinstance(source, KeySource) and sum(map(bool, _places(source))) != 1:
            why = "A key stands in exactly one place: key, env, file, keyring or command."
            raise mistake(why, (*place, "auth", "keys", index), text, file)
    for index, endpoint in enumerate(provider.endpoints):
        if not _is_address(endpoint.base_url):
            why = "This is no address like https://host/v1."  # it is not shown: a password may stand in it
            raise mistake(why, (*place, "endpoints", index, "base_url"), text, file)
        inside = (*place, "endpoints", index, "quirks")
        _check_quirks(endpoint.quirks, inside, text, file)
        for number, when in enumerate(endpoint.quirks.when):
            _check_quirks(when, (*inside, "when", number), text, file)


def _places(source: KeySource) -> tuple[str | tuple[str, ...], ...]:
    return source.key, source.env, source.file, source.keyring, source.command


def check_models(models: Iterable[Model], place: Place, text: str, file: str) -> None:
    """Raise ConfigError for models without an id, told twice, or with facts that no Target has."""
    seen: set[str] = set()
    for index, model in enumerate(models):
        here = (*place, index)
        if not model.id:
            raise mistake("A model needs an id.", here, text, file)
        if model.id in seen:
            raise mistake(f"The model {model.id!r} stands here a second time.", (*here, "id"), text, file)
        seen.add(model.id)
        _check_target(model.target, (*here, "target"), text, file)
        for number, tier in enumerate(model.price.tiers if model.price else ()):
            inside = (*here, "price", "tiers", number)
            if tier.window and window(tier.window) is None:
                raise mistake(f"{tier.window!r} is no window like 01:00-04:00+08:00.", (*inside, "window"), text, file)
            if week(tier.days) is None:
                raise mistake(f"{tier.days!r} are no days like mon-fri or sat,sun.", (*inside, "days"), text, file)


def nearest_of(name: str, known: Iterable[str], ratio: float = 0.5) -> str:
    """The one of `known` that was probably meant by `name`, or ""."""
    by_case = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_case, 1, ratio)
    return by_case[near[0]] if near else ""


SCHEMES = frozenset({"", "http", "https", "demo"})
"""How an address may begin; `demo` is the built-in provider's."""


def _is_address(url: str) -> bool:
    """Whether a URL can be read: what only fails when it is asked would fail in the middle of a request."""
    if "${" in url:
        return True  # a built-in address; its variables are not known yet
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        return parts.scheme in SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _check_quirks(quirks: Quirks | When, place: Place, text: str, file: str) -> None:
    _check_target(quirks.target, (*place, "target"), text, file)
    for name, (low, high) in quirks.clamp.items():
        if low > high:
            raise mistake(f"{name} cannot be above {low:g} and below {high:g}.", (*place, "clamp", name), text, file)
    _check_codes(quirks.error_codes if isinstance(quirks, Quirks) else {}, place, text, file)


def _check_codes(codes: Mapping[str, str], place: Place, text: str, file: str) -> None:
    for code, kind in codes.items():
        if kind not in list(Kind):
            raise mistake(f"There is no kind of error {kind!r}.", (*place, "error_codes", code), text, file, kind, Kind)


def _check_target(facts: Mapping[str, Any], place: Place, text: str, file: str) -> None:
    """Raise ConfigError unless every fact is a field of Target, of its type, and patterns are patterns."""
    known = [name for name in field_names(Target) if name not in _FLAGS]
    for name, value in facts.items():
        here = (*place, name)
        if name not in known:
            raise mistake(f"There is no target fact {name!r}.", here, text, file, name, known)
        try:
            msgspec.convert({"origin": _ORIGIN, name: value}, Target)
            if name.endswith("_pattern"):
                re.compile(value)
        except msgspec.ValidationError as error:
            raise mistake(f"{name}: {_REASON.sub('', str(error))}.", here, text, file) from None
        except re.error as error:
            raise mistake(f"{name} is no regular expression: {error}.", here, text, file) from None


def mistake(
    message: str, place: Place, text: str, file: str, meant: str = "", known: Iterable[str] = ()
) -> ConfigError:
    near = nearest_of(meant, known) if meant else ""
    return ConfigError(message, file=file, line=line_of(text, place), key=dotted(place), did_you_mean=near)


def dotted(place: Place) -> str:
    """A place as people write it: providers.local.endpoints[0].quirks."""
    return "".join(_steps(place)).removeprefix(".")


def _steps(place: Place) -> Iterator[str]:
    for step in place:
        yield f"[{step}]" if isinstance(step, int) else f".{step}"


def _explained(value: Mapping[str, Any], kind: Any, text: str, file: str) -> ConfigError:
    """What is wrong at the innermost place of `value` that is not what the schema wants."""
    place = fault(value, kind)
    known = field_names(kind_at(kind, place[:-1])) if place else ()
    if known and place[-1] not in known:
        return mistake(f"There is no key {place[-1]!r} here.", place, text, file, str(place[-1]), known)
    inner: Any = value
    for step in place:
        inner = inner[step]
    wanted = kind_at(kind, place)
    if get_origin(wanted) is Literal and isinstance(inner, str):
        names = [name for name in get_args(wanted) if name]
        message = f"{dotted(place)} cannot be {inner!r}; it is one of {', '.join(names)}."
        return mistake(message, place, text, file, inner, names)
    try:
        msgspec.convert(inner, wanted)
    except msgspec.ValidationError as error:
        return mistake(f"{dotted(place)}: {_REASON.sub('', str(error))}.", place, text, file)
    return mistake(f"{dotted(place)} is wrong.", place, text, file)


def _syntax(complaint: str, text: str, file: str) -> ConfigError:
    """A parser's complaint in our words."""
    found = re.search(r" \(at line (\d+)[^)]*\)", complaint)
    line = int(found[1]) if found else None
    if _TWICE.search(complaint):
        said = text.splitlines()[line - 1] if line else ""
        key = said.partition("=")[0].strip(" []\t")
        return ConfigError(f"{key or 'This key'} stands here a second time.", file=file, line=line, key=key)
    reason = complaint.replace(found[0], "") if found else complaint
    return ConfigError(f"This is not valid TOML: {reason}.", file=file, line=line)
