"""Unknown fields on their way out: a dialect's own are put back where they stood, any other's are a Loss.

Rules of this file: a loss names its field by the whole path, `messages[0].content[1].extras.openai_chat.image_url.quality`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Raw

from hexapla.ir.content import Extras, Unknown
from hexapla.ir.loss import LossLog, Severity
from hexapla.wire.rawjson import load

Json = dict[str, Any]

MARK = "cache_control"
PLACE = frozenset({"id", "status"})
"""What a vendor calls an item, and how far it is."""


def beside(body: Mapping[str, Any], extras: Extras, protocol: str, path: str, losses: LossLog) -> Json:
    """`body` with the fields of `extras` that are `protocol`'s.  `path` is that of their owner, with its dot."""
    own = own_extras(extras, protocol, path, losses)
    if isinstance(own.get(MARK), dict) and body.get(MARK) is None:
        lose_extras({protocol: {MARK: own.pop(MARK)}}, path, "the cache mark that it stood in was not carried", losses)
    return put(body, own)


def own_extras(extras: Extras, protocol: str, path: str, losses: LossLog) -> Json:
    """The fields of `extras` that are `protocol`'s; all others are losses."""
    for origin, fields in extras.items():
        if origin != protocol:
            for name in names_in(fields):
                losses.add(f"{path}extras.{origin}.{name}", f"{name} is a field of {origin} only", severity(name))
    return dict(extras.get(protocol, {}))


def lose_extras(extras: Extras, path: str, why: str, losses: LossLog) -> None:
    """All of `extras` are losses: their owner stands where nothing can stand beside."""
    for origin, fields in extras.items():
        for name in names_in(fields):
            losses.add(f"{path}extras.{origin}.{name}", why, severity(name))


def severity(name: str) -> Severity:
    """What an item is called and how far it is, and how something is cached, changes no answer."""
    return "cosmetic" if name in PLACE or name.startswith(MARK) else "parameter"


def put(body: Mapping[str, Any], own: Mapping[str, Unknown]) -> Json:
    """`body` with unknown fields in their places, those of an object inside of it among its own."""
    said = dict(body)
    for name, value in own.items():
        inner = said.get(name)
        within = _fields(value) if isinstance(inner, dict) else None
        said[name] = put(inner, within) if isinstance(inner, dict) and within is not None else value
    return said


def _fields(value: Unknown) -> Mapping[str, Unknown] | None:
    """The fields of an object; one that came back in an envelope is raw."""
    return load(value, dict[str, Raw]) if isinstance(value, Raw) else value


def names_in(fields: Mapping[str, Unknown]) -> Iterator[str]:
    """Each field by its path inside of its owner."""
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from (f"{name}.{inner}" for inner in names_in(value))
        else:
            yield name
