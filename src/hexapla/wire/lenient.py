"""Typed decoding that forgives: what does not fit is left out, field by field.

Upstreams send what they like: a number where a string belongs, null in a list, an object for a flag.  The typed decoder
of msgspec refuses the whole document then, and with it all that was right.  `fit` is the slow second try, for documents
that the typed decoder refused: every field is decoded on its own, and only the ones that do not fit are missing.

Rules of this file: total on any bytes; never called where the fast decoder succeeds.
"""

from __future__ import annotations

from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Raw

from hexapla.wire.rawjson import UNDECODABLE, load

S = TypeVar("S", bound=msgspec.Struct)

_NOTHING: Any = object()


def fit(raw: bytes | Raw, kind: type[S]) -> S | None:
    """The Struct `kind` with every field of `raw` that fits; None when `raw` is no JSON object.

    All fields of `kind` must have defaults.
    """
    said = load(raw, dict[str, Raw])
    if said is None:
        return None
    known = {}
    for field in msgspec.structs.fields(kind):
        value = said.get(field.encode_name)
        if value is not None and (found := _fitted(value, field.type)) is not _NOTHING:
            known[field.name] = found
    return kind(**known)


def _fitted(raw: Raw, wanted: Any) -> Any:
    """`raw` as `wanted`; else as the Struct or the list of Structs in it, without what is wrong there."""
    if wanted is Raw:
        return Raw(bytes(raw))
    try:
        return msgspec.json.decode(raw, type=wanted)
    except UNDECODABLE:
        pass
    for option in (wanted, *get_args(wanted)):
        inner = get_args(option)[0] if get_origin(option) is list else option
        if not _is_struct(inner):
            continue
        found = fit(raw, inner) if inner is option else _fitted_list(raw, inner)
        if found is not None:
            return found
    return _NOTHING


def _fitted_list(raw: Raw, kind: type[S]) -> list[S] | None:
    """The items of a list that are objects at all."""
    items = load(raw, list[Raw])
    return None if items is None else [item for each in items if (item := fit(each, kind)) is not None]


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
