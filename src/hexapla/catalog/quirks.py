"""Quirks at work: edits of a rendered request's top level, and the facts that fill in a Target.

All edits work on raw values, so what they do not name keeps its bytes.  A dotted name reaches one object deeper.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from hexapla.catalog.schema import Endpoint, Model, Provider, Quirks, When
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.wire.rawjson import dump, join, load, split

Fields = dict[str, Raw]


def edit(fields: Fields, quirks: Quirks) -> Fields:
    """`fields` after rename, strip, set, default and clamp, in that order; the same object when nothing is to do."""
    if not (quirks.rename or quirks.strip or quirks.set or quirks.default or quirks.clamp):
        return fields
    fields = {quirks.rename.get(name, name): raw for name, raw in fields.items()}
    for name in quirks.strip:
        _remove(fields, name)
    for name, value in quirks.set.items():
        _put(fields, name, value)
    for name, value in quirks.default.items():
        if _get(fields, name) is None:
            _put(fields, name, value)
    for name, (low, high) in quirks.clamp.items():
        _clamp(fields, name, low, high)
    return fields


def merge(quirks: Quirks, model: str) -> Quirks:
    """`quirks` with the `when` tables that match `model`, later ones on top."""
    for when in quirks.when:
        if matches(when.model, model):
            quirks = _with(quirks, when)
    return quirks


def matches(globs: str | tuple[str, ...], model: str) -> bool:
    """Whether `model` fits one of the globs, whatever its case."""
    wanted = (globs,) if isinstance(globs, str) else globs
    return any(fnmatchcase(model.lower(), glob.lower()) for glob in wanted)


def target_of(provider: Provider, endpoint: Endpoint, quirks: Quirks, facts: Model | None, model: str) -> Target:
    """What renderers may know of `model` at `endpoint`.  The model's own facts stand above the endpoint's."""
    said: dict[str, Any] = {"max_output": facts.max_output if facts is not None else None}
    said |= quirks.target | (facts.target if facts is not None else {})
    said = {name: _shaped(name, value) for name, value in said.items()}
    return Target(origin=Origin(endpoint.protocol, provider.id), model=model, **said)


def _shaped(name: str, value: Any) -> Any:
    """TOML's lists in the form that Target wants."""
    if name == "unsupported":
        return frozenset(value)
    return tuple(value) if isinstance(value, list) else value


def _with(quirks: Quirks, when: When) -> Quirks:
    return replace(
        quirks,
        rename={**quirks.rename, **when.rename},
        strip=(*quirks.strip, *when.strip),
        set={**quirks.set, **when.set},
        default={**quirks.default, **when.default},
        clamp={**quirks.clamp, **when.clamp},
        target={**quirks.target, **when.target},
    )


def _get(fields: Fields, name: str) -> Raw | None:
    outer, _, inner = name.partition(".")
    raw = fields.get(outer)
    if raw is None or not inner:
        return raw
    return (load(raw, dict[str, Raw]) or {}).get(inner)


def _put(fields: Fields, name: str, value: Any) -> None:
    outer, _, inner = name.partition(".")
    if not inner:
        fields[outer] = dump(value)
        return
    raw = fields.get(outer)
    nested: Mapping[str, Raw] = (load(raw, dict[str, Raw]) or {}) if raw is not None else {}
    fields[outer] = Raw(join({**nested, inner: dump(value)}))


def _remove(fields: Fields, name: str) -> None:
    outer, _, inner = name.partition(".")
    if not inner:
        fields.pop(outer, None)
        return
    raw = fields.get(outer)
    nested = load(raw, dict[str, Raw]) if raw is not None else None
    if raw is not None and nested:
        fields[outer] = Raw(join({key: value for key, value in split(raw).items() if key != inner}))


def _clamp(fields: Fields, name: str, low: float, high: float) -> None:
    raw = _get(fields, name)
    value = load(raw, float) if raw is not None else None
    if value is not None and not low <= value <= high:
        _put(fields, name, min(max(value, low), high))
