"""Quirks at work: edits of a rendered request's top level, and the facts that fill in a Target.

All edits work on raw values, so what they do not name keeps its bytes.  A dotted name reaches one object deeper, and
`list[].name` into every element of a list (to strip only).  What a provider refuses is written once, as `strip`: the Patch
lane takes it out of the bytes, and the Hub's renderer hears of it as `Target.unsupported` and reports the Loss.
`edit_losses` says the same of the Patch lane.

Rules of this file: no knowledge of any vendor; an endpoint without quirks costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from hexapla.catalog.schema import Endpoint, Model, Provider, Quirks, When
from hexapla.ir.content import Origin
from hexapla.ir.loss import Loss
from hexapla.ir.request import Sampling
from hexapla.ir.target import Target
from hexapla.wire.rawjson import NULL, dump, join, load, split

Fields = dict[str, Raw]

DEFAULTS: dict[str, dict[str, Any]] = {
    # marks are Anthropic's; Chat and Responses servers that know them say so in their quirks
    "openai_chat": {"cache_marks": 0},
    "openai_responses": {"cache_marks": 0},
}
"""Facts that hold for a protocol unless a quirk says otherwise."""

_SAID_AS = {name: f"sampling.{name}" for name in Sampling.__struct_fields__}
"""Wire names whose place in a request is another one."""

_ECHOES = frozenset(
    f"messages[].{name}" for name in ("reasoning_content", "reasoning", "reasoning_details", "provider_specific_fields")
)
"""What programs bring back of an answer: a vendor that refuses it gave none of it."""

_CARRIED = ("model", "stream", "stream_options")


def edit(fields: Fields, quirks: Quirks) -> Fields:
    """`fields` after rename, strip, set, default and clamp, in that order; the same object when nothing is to do."""
    if not (quirks.rename or quirks.strip or quirks.set or quirks.default or quirks.clamp):
        return fields
    rename = quirks.rename
    deep = {name: new for name, new in rename.items() if "." in name or "." in new}
    fields = {name if name in deep else rename.get(name, name): raw for name, raw in fields.items()}
    for name, new in deep.items():
        _move(fields, name, new)
    for name in quirks.strip:
        _remove(fields, name)
    for name, value in quirks.set.items():
        _put(fields, name, dump(value))
    for name, value in quirks.default.items():
        if _get(fields, name) is None:
            _put(fields, name, dump(value))
    for name, (low, high) in quirks.clamp.items():
        if (near := _clamped(fields, name, low, high)) is not None:
            _put(fields, name, dump(near))
    return fields


def edit_losses(fields: Fields, quirks: Quirks, provider: str = "") -> tuple[Loss, ...]:
    """What `edit` would take from the caller's `fields`: parameters that are stripped, replaced or clamped.

    Not `model`, which may stand in the URL, and not `stream` and its options, since an answer of either form
    becomes the other.
    """
    who = provider or "the target"
    said = _stripped(fields, quirks, who)
    for name, value in quirks.set.items():
        if name not in _CARRIED and _says(fields, name) and _get(fields, name) != dump(value):
            said[name] = f"{who} always gets another {name}"
    for name, (low, high) in quirks.clamp.items():
        if _clamped(fields, name, low, high) is not None:
            said[name] = f"{who} takes {low:g} to {high:g} only"
    return _lost(said)


def strip_losses(fields: Fields, quirks: Quirks, provider: str = "") -> tuple[Loss, ...]:
    """What `edit` would take from `fields` that the Hub rendered: of those, only the caller's own can be refused."""
    said = _stripped(fields, quirks, provider or "the target")
    return _lost(said)


def _lost(said: Mapping[str, str]) -> tuple[Loss, ...]:
    return tuple(
        Loss(field=name, why=why, severity="cosmetic" if name in _ECHOES else "parameter") for name, why in said.items()
    )


def _stripped(fields: Fields, quirks: Quirks, who: str) -> dict[str, str]:
    return {name: f"{who} refuses {name}" for name in quirks.strip if name not in _CARRIED and _says(fields, name)}


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
    said = dict(DEFAULTS.get(endpoint.protocol, {}))
    if facts is not None:
        said["thinks"] = "reasoning" in facts.capabilities
    said |= quirks.target
    if facts is not None:
        said |= {"max_output": facts.max_output, **facts.target}
    refused = frozenset(said.pop("unsupported", ())) | {_SAID_AS.get(name, name) for name in quirks.strip}
    said = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
    return Target(origin=Origin(endpoint.protocol, provider.id), model=model, unsupported=refused, **said)


def _with(quirks: Quirks, when: When) -> Quirks:
    return replace(
        quirks,
        rename={**quirks.rename, **when.rename},
        strip=(*quirks.strip, *when.strip),
        set={**quirks.set, **when.set},
        default={**quirks.default, **when.default},
        clamp={**quirks.clamp, **when.clamp},
        target={**quirks.target, **when.target},
        think_tags=quirks.think_tags or when.think_tags,
        search=when.search or quirks.search,
        continuation=when.continuation or quirks.continuation,
    )


def _get(fields: Mapping[str, Raw], name: str) -> Raw | None:
    if "[]." in name:
        return next((found for each in _elements(fields, name) if (found := _get(each, _inner(name)))), None)
    outer, _, inner = name.partition(".")
    raw = fields.get(outer)
    if raw is None or not inner:
        return raw
    return (load(raw, dict[str, Raw]) or {}).get(inner)


def _says(fields: Mapping[str, Raw], name: str) -> bool:
    """Whether the caller gave `name` a value; null is none."""
    raw = _get(fields, name)
    return raw is not None and raw != NULL


def _put(fields: Fields, name: str, value: Raw) -> None:
    outer, _, inner = name.partition(".")
    if not inner:
        fields[outer] = value
        return
    raw = fields.get(outer)
    nested: Mapping[str, Raw] = (load(raw, dict[str, Raw]) or {}) if raw is not None else {}
    fields[outer] = Raw(join({**nested, inner: value}))


def _move(fields: Fields, name: str, new: str) -> None:
    raw = _get(fields, name)
    if raw is not None:
        _remove(fields, name)
        _put(fields, new, raw)


def _elements(fields: Mapping[str, Raw], name: str) -> list[Fields]:
    """The elements of the list that `name` reaches into; none where it is no list of objects, or where none can have it."""
    outer, _, inner = name.partition("[].")
    raw = fields.get(outer)
    return (load(raw, list[Fields]) or []) if raw is not None and _tail(inner) in bytes(raw) else []


def _tail(name: str) -> bytes:
    """The last of a path's names as JSON has it; nobody writes names with escapes."""
    return f'{name.rpartition(".")[2]}"'.encode()


def _inner(name: str) -> str:
    return name.partition("[].")[2]


def _remove_inside(fields: Fields, name: str) -> None:
    """Take a field out of every element of a list; the others keep their bytes."""
    elements = _elements(fields, name)
    if any(_get(each, _inner(name)) is not None for each in elements):
        for each in elements:
            _remove(each, _inner(name))
        fields[name.partition("[].")[0]] = Raw(b"[" + b",".join(map(join, elements)) + b"]")


def _remove(fields: Fields, name: str) -> None:
    if "[]." in name:
        _remove_inside(fields, name)
        return
    outer, _, inner = name.partition(".")
    if not inner:
        fields.pop(outer, None)
        return
    raw = fields.get(outer)
    nested = load(raw, dict[str, Raw]) if raw is not None else None
    if raw is not None and nested and inner in nested:
        fields[outer] = Raw(join({key: value for key, value in split(raw).items() if key != inner}))


def _clamped(fields: Mapping[str, Raw], name: str, low: float, high: float) -> float | None:
    """The nearest allowed value, None where the one that is there may stay."""
    raw = _get(fields, name)
    value = load(raw, float) if raw is not None else None
    return None if value is None or low <= value <= high else min(max(value, low), high)
