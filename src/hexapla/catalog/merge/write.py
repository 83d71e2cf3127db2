"""Writes the large table of models, in the layout that table.py reads.

Rules of this file: pure; the same rows give the same bytes, so that two tables can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Generic, TypeVar

import msgspec

from hexapla.catalog.table import MAGIC, PLACE, SHARED, Header, Row, Shape, Source, hash_of, names_of

T = TypeVar("T")


def write(rows: Sequence[Row], sources: Sequence[Source], made: str) -> bytes:
    """The file that holds `rows`, which are sorted by provider and id."""
    shapes: Shared[Shape] = Shared()
    origins: Shared[dict[str, str]] = Shared()
    providers: dict[str, tuple[int, int, int]] = {}
    lines: list[bytes] = []
    index: set[bytes] = set()
    at = 0
    for row in rows:
        line = _encode(row, shapes, origins)
        start, _, count = providers.get(row.provider, (at, at, 0))
        providers[row.provider] = (start, at + len(line), count + 1)
        index |= {
            hash_of(whose, name) + at.to_bytes(PLACE) for whose in ("", row.provider) for name in names_of(row.model)
        }
        lines.append(line)
        at += len(line)
    header = Header(made, tuple(sources), at, providers, tuple(shapes.values), tuple(origins.values))
    return b"".join((MAGIC, msgspec.json.encode(header), b"\n", *lines, *sorted(index)))


class Shared(Generic[T]):
    """Numbers for values that come again and again."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._known: dict[bytes, int] = {}

    def number(self, value: T) -> int:
        key = msgspec.json.encode(value)
        if key not in self._known:
            self._known[key] = len(self.values)
            self.values.append(value)
        return self._known[key]


def _encode(row: Row, shapes: Shared[Shape], origins: Shared[dict[str, str]]) -> bytes:
    """A row as a line; fields with their defaults are left out."""
    # sources are made of the origin again
    said = {name: value for name, value in _said(row.model).items() if name not in (*SHARED, "sources")}
    shape = shapes.number(Shape(**{name: getattr(row.model, name) for name in SHARED}))
    return msgspec.json.encode([row.provider, shape, origins.number(row.origin), said]) + b"\n"


def _said(value: msgspec.Struct) -> dict[str, object]:
    """What a struct says, nested structs too, without defaults."""
    told = ((name, getattr(value, name), default) for name, default in _defaults(type(value)))
    return {name: _plain(inner) for name, inner, default in told if inner != default and inner != {}}


@cache
def _defaults(kind: type[msgspec.Struct]) -> tuple[tuple[str, object], ...]:
    """The fields of a struct with what they are when nobody says anything."""
    return tuple((field.name, field.default) for field in msgspec.structs.fields(kind))


def _plain(inner: object) -> object:
    if isinstance(inner, msgspec.Struct):
        return _said(inner)
    if isinstance(inner, dict):
        return {name: _plain(each) for name, each in inner.items()}
    return [_plain(each) for each in inner] if isinstance(inner, tuple) else inner
