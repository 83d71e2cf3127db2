"""What a client wishes of routing: OpenRouter's `provider` object, and the suffixes that stand for parts of it.

The same object may stand in a request and, as the operator's default, in the configuration; a request's field replaces
the default's (`over`).  An explicit null is the same as nothing.

Source of names, types and defaults: https://openrouter.ai/docs/guides/routing/provider-selection (2026-08-22) and
OpenRouter's OpenAPI document.  Two things differ from older descriptions: latency is in seconds, and a throughput or
latency that is missed puts an endpoint back, it never excludes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.wire.rawjson import decode

By = Literal["price", "throughput", "latency", "exacto"]
Quantization = Literal[
    "int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"
]  # fmt: skip

SUFFIX_SORTS: dict[str, By] = {":nitro": "throughput", ":floor": "price", ":exacto": "exacto"}
"""Suffixes of a model's name that are short for a `sort`."""

WIDENING = (*SUFFIX_SORTS, ":free", ":online")
"""Suffixes that choose among all providers of the model."""


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """`partition`: "model" sorts the endpoints of each model, "none" those of all models together."""

    by: By | None = None
    partition: Literal["model", "none"] | None = "model"


class Cutoffs(msgspec.Struct, frozen=True, kw_only=True):
    """A bound for each percentile; all that are given must hold.  Tokens a second, or seconds."""

    p50: float | None = None
    p75: float | None = None
    p90: float | None = None
    p99: float | None = None


class MaxPrice(msgspec.Struct, frozen=True, kw_only=True):
    """The most that somebody wants to pay: USD per million tokens, per request, per image, per unit of sound."""

    prompt: float | None = None
    completion: float | None = None
    request: float | None = None
    image: float | None = None
    audio: float | None = None


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """Which providers may serve, and in which order they are tried.  Slugs are in lower case.

    ceiling  the operator's own `only`, which a request's narrows and never widens
    """

    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ceiling: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    allow_fallbacks: bool = True
    require_parameters: bool = False
    data_collection: Literal["allow", "deny"] = "allow"
    zdr: bool = False
    enforce_distillable_text: bool = False
    quantizations: tuple[Quantization, ...] = ()
    sort: Sort = Sort()
    preferred_min_throughput: Cutoffs = Cutoffs()
    preferred_max_latency: Cutoffs = Cutoffs()
    max_price: MaxPrice = MaxPrice()


class _MaxPrice(msgspec.Struct):
    """Prices may be numbers or, as everywhere at OpenRouter, strings."""

    prompt: float | str | None = None
    completion: float | str | None = None
    request: float | str | None = None
    image: float | str | None = None
    audio: float | str | None = None


class _Wire(msgspec.Struct):
    """The object as it is sent."""

    order: tuple[str, ...] | None = None
    only: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None
    allow_fallbacks: bool | None = None
    require_parameters: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    enforce_distillable_text: bool | None = None
    quantizations: tuple[Quantization, ...] | None = None
    sort: By | Sort | None = None
    preferred_min_throughput: float | Cutoffs | None = None
    preferred_max_latency: float | Cutoffs | None = None
    max_price: _MaxPrice | None = None


NONE = Preferences()

_wire = msgspec.json.Decoder(_Wire)


def read_preferences(raw: Raw | bytes, default: Preferences = NONE) -> Preferences:
    """The `provider` object of a request, over the operator's defaults.

    Raises ProtocolError whose path begins with `$.provider`.  Fields that OpenRouter does not know are not judged.
    """
    try:
        wire = decode(_wire, raw)
    except ProtocolError as error:
        raise ProtocolError(f"provider: {error.message}", path="$.provider" + error.path.removeprefix("$")) from None
    said = {name: value for name in _Wire.__struct_fields__ if (value := getattr(wire, name)) is not None}
    for name in said.keys() & _READ.keys():
        said[name] = _READ[name](said[name])
    # what the operator rules out can only grow
    said["ceiling"] = default.ceiling or default.only
    said["zdr"] = default.zdr or bool(said.get("zdr"))
    if default.data_collection == "deny":
        said["data_collection"] = "deny"
    said["ignore"] = tuple(dict.fromkeys((*default.ignore, *said.get("ignore", ()))))
    return replace(default, **said)


def suffixed(preferences: Preferences, suffix: str) -> Preferences:
    """`preferences` with the sort that the suffixes of the model's name stand for; a sort that was said stands above it."""
    by = next((sort for known, sort in SUFFIX_SORTS.items() if known in suffix), None)
    if by is None or preferences.sort.by is not None:
        return preferences
    return replace(preferences, sort=replace(preferences.sort, by=by))


def _sort(value: By | Sort) -> Sort:
    return value if isinstance(value, Sort) else Sort(by=value)


def _cutoffs(value: float | Cutoffs) -> Cutoffs:
    """A number alone is a bound for the median."""
    return value if isinstance(value, Cutoffs) else Cutoffs(p50=value)


def _max_price(value: _MaxPrice) -> MaxPrice:
    return MaxPrice(**{name: _amount(name, getattr(value, name)) for name in MaxPrice.__struct_fields__})


def _amount(name: str, value: float | str | None) -> float | None:
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        raise ProtocolError(f"max_price.{name} must be a number", path=f"$.provider.max_price.{name}") from None


def _slugs(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(slug.lower() for slug in value)


_READ: dict[str, Callable[[Any], object]] = {
    "order": _slugs,
    "only": _slugs,
    "ignore": _slugs,
    "sort": _sort,
    "preferred_min_throughput": _cutoffs,
    "preferred_max_latency": _cutoffs,
    "max_price": _max_price,
}
