"""The large table of models: thousands of rows in one file, read row by row.

A gateway uses a few dozen models and should neither parse nor hold thousands.  So the file is laid out to be mapped into
memory and searched in place: a name is hashed, its hash is found by bisection, and one row is decoded.

    magic line
    header: JSON, one line: when it was made, from which sources, which bytes of the body are whose
    body: one row a line, JSON, sorted by provider and id; what many rows share is told once, in the header
    index: 12 bytes a name, sorted: 8 of its hash, 4 of its row's place in the body

It is written by merge/write.py.

Rules of this file: pure (bytes come in from above); a row says for each field which source told it.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from hexapla.catalog.schema import Model

MAGIC = b"hexapla models 1\n"
LONGEST_HEADER = 1 << 18
HASH = 8
PLACE = 4
ENTRY = HASH + PLACE


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where facts come from: its name, where it lives, its version and the day on which it was read."""

    name: str
    url: str
    version: str
    date: str


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A model at a provider, and which source told which fields: {"litellm": "context max_output"}."""

    provider: str
    model: Model
    origin: dict[str, str] = {}


class Shape(msgspec.Struct, frozen=True, omit_defaults=True):
    """Fields that few combinations of values fill in thousands of rows."""

    kind: str = "chat"
    input_modalities: tuple[str, ...] = ()
    output_modalities: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()


class Header(msgspec.Struct, frozen=True):
    """What is known before any row is read.

    made       the day
    size       bytes of the body
    providers  id -> first byte, end and number of its rows
    shapes     what many rows share, as fields of a model;  origins  likewise, who told which fields
    """

    made: str
    sources: tuple[Source, ...]
    size: int
    providers: dict[str, tuple[int, int, int]]
    shapes: tuple[Shape, ...]
    origins: tuple[dict[str, str], ...]


class TableError(ValueError):
    """These bytes are no table, or one of another format."""


class Line(msgspec.Struct, frozen=True, array_like=True):
    """A row as it is written: numbers for what the header holds."""

    provider: str
    shape: int
    origin: int
    model: Model


SHARED = Shape.__struct_fields__

KEPT = 512
"""Rows that stay decoded."""

_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(Line)


class Table:
    """A table over the bytes of its file, mapped or read.  Raises TableError for other bytes."""

    def __init__(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        head = bytes(view[:LONGEST_HEADER])
        end = head.find(b"\n", len(MAGIC))
        if not head.startswith(MAGIC) or end < 0:
            raise TableError("this is no table of models of the present format")
        try:
            self.header = _header.decode(head[len(MAGIC) : end])
        except msgspec.MsgspecError as error:
            raise TableError(f"the table of models is broken: {error}") from None
        body = end + 1
        if len(view) < body + self.header.size:
            raise TableError("the table of models is cut off")
        self._body = view[body : body + self.header.size]
        self._index = _Index(view[body + self.header.size :])
        self._kept: dict[int, Row] = {}
        self._shared: dict[tuple[int, int], dict[str, object]] = {}

    def find(self, provider: str, name: str) -> Model | None:
        """The model of this provider with this id or shown name, in any case."""
        return next((row.model for row in self._rows(provider, name)), None)

    def named(self, name: str) -> list[tuple[str, Model]]:
        """(provider, model) of every model with this id or shown name, in any case."""
        return [(row.provider, row.model) for row in self._rows("", name)]

    def of(self, provider: str) -> list[Model]:
        """All models of a provider."""
        return [row.model for row in self._span(provider)]

    def rows(self) -> list[Row]:
        """Every row, with its origins."""
        return [row for provider in self.header.providers for row in self._span(provider)]

    def ids(self, providers: Iterable[str]) -> Iterator[str]:
        """`provider/id` of every model of these providers."""
        for provider in providers:
            for row in self._span(provider):
                yield f"{provider}/{row.model.id}"

    def __len__(self) -> int:
        return sum(count for _, _, count in self.header.providers.values())

    def _span(self, provider: str) -> Iterator[Row]:
        start, end, _ = self.header.providers.get(provider, (0, 0, 0))
        return (self._read(line) for line in bytes(self._body[start:end]).splitlines())

    def _rows(self, provider: str, name: str) -> Iterator[Row]:
        wanted = name.lower()
        for place in self._index.places(hash_of(provider, wanted)):
            row = self._at(place)
            if provider in ("", row.provider) and wanted in names_of(row.model):  # a hash may lie
                yield row

    def _at(self, place: int) -> Row:
        row = self._kept.get(place)
        if row is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            row = self._kept[place] = self._read(self._line(place))
        return row

    def _line(self, at: int) -> bytes:
        size = 1024
        while True:
            line, end, _ = bytes(self._body[at : at + size]).partition(b"\n")
            if end or at + size >= self.header.size:
                return line
            size *= 4

    def _read(self, line: bytes) -> Row:
        read = _line.decode(line)
        shared = self._shared.get((read.shape, read.origin))
        if shared is None:
            shared = self._shared[read.shape, read.origin] = self._common(read)
        return Row(read.provider, replace(read.model, **shared), self.header.origins[read.origin])

    def _common(self, line: Line) -> dict[str, object]:
        """The fields of a model that its row has in common with others."""
        shape = self.header.shapes[line.shape]
        return {name: getattr(shape, name) for name in SHARED} | {"sources": self._sources(line.origin)}

    def _sources(self, origin: int) -> tuple[str, ...]:
        """Who told which fields, in the words of the curated files."""
        known = {source.name: source for source in self.header.sources}
        told = ((known[name], fields.replace(" ", ", ")) for name, fields in self.header.origins[origin].items())
        return tuple(f"{source.url} {source.version} ({source.date}): {fields}" for source, fields in told)


class _Index(Sequence[bytes]):
    """The hashes of the index, as a sequence that can be bisected."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._count = len(view) // ENTRY

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: int) -> bytes:  # type: ignore[override]  # no slices
        return bytes(self._view[at * ENTRY : at * ENTRY + HASH])

    def places(self, wanted: bytes) -> Iterator[int]:
        """The rows of a hash."""
        at = bisect_left(self, wanted)
        while at < self._count and self[at] == wanted:
            yield int.from_bytes(self._view[at * ENTRY + HASH : (at + 1) * ENTRY])
            at += 1


def names_of(model: Model) -> set[str]:
    """The names under which a row is found, in lower case."""
    return {name.lower() for name in (model.id, model.name, *model.also, *model.aliases) if name}


def hash_of(provider: str, name: str) -> bytes:
    """What the index holds for a name at a provider, or at any ("")."""
    return hashlib.blake2b(f"{provider}\0{name}".encode(errors="surrogatepass"), digest_size=HASH).digest()
