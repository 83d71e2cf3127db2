"""What an upstream says that nobody here reads.

A typed decoder passes over fields that its Struct does not name, and vendors add new ones every month.  A client of the
vendor's own dialect gets them, since the bytes pass as they are; to the others they are lost, and the record should say so.
So a decoder has a twin that refuses them: what it takes holds nothing unknown, at no cost; what it refuses is read as
ever, and looked through for names.

Fields that no client misses (a request that is echoed, a server's timings, what stands elsewhere as well) are QUIET in the
dialect's table; the twin knows them, and nothing is said of them.

Rules of this file: names only, by their path without places in lists (`choices.delta.tool_calls.x`); empty values say
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Raw

from hexapla.protocols.typed import inner_structs
from hexapla.wire.rawjson import UNDECODABLE, load

S = TypeVar("S", bound=msgspec.Struct)

_EMPTY = frozenset({b"null", b'""', b"[]", b"{}"})


class Look(Generic[S]):
    """Two decoders of one kind.  `read` passes over what is unknown, `strict` refuses it."""

    def __init__(self, kind: type[S], quiet: Iterable[str]) -> None:
        self._kind = kind
        self._quiet = frozenset(quiet)
        self.read: Callable[[bytes | Raw], S] = msgspec.json.Decoder(kind).decode

    @cached_property
    def strict(self) -> Callable[[bytes | Raw], S]:
        return msgspec.json.Decoder(_strict(self._kind, self._quiet, "")).decode

    def names(self, raw: bytes | Raw) -> Iterator[str]:
        """The unknown fields in `raw` that are not quiet."""
        return (name for name in _unknown(raw, self._kind) if name not in self._quiet)

    def whole(self, body: bytes) -> tuple[S, tuple[str, ...]]:
        """(a whole answer, what of it nobody reads).  Raises what `read` raises."""
        try:
            return self.strict(body), ()
        except UNDECODABLE:
            return self.read(body), tuple(dict.fromkeys(self.names(body)))


def _unknown(raw: bytes | Raw, kind: type[msgspec.Struct]) -> Iterator[str]:
    inner = inner_structs(kind)
    for name, value in (load(raw, dict[str, Raw]) or {}).items():
        if name not in kind.__struct_encode_fields__:
            if bytes(value) not in _EMPTY:
                yield name
        elif name in inner:
            for each in load(value, list[Raw]) or [value]:
                yield from (f"{name}.{field}" for field in _unknown(each, inner[name]))


def _strict(kind: type[S], quiet: frozenset[str], path: str) -> type[S]:
    """`kind` that refuses unknown fields, and so do the objects in it."""
    inner = inner_structs(kind)
    fields: list[tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(kind):
        if field.encode_name in inner:
            made = _strict(inner[field.encode_name], quiet, f"{path}{field.encode_name}.")
            fields.append((field.name, _with(field.type, made), None))
    names = [name.removeprefix(path) for name in quiet if name.startswith(path) and "." not in name[len(path) :]]
    said = {f"quiet_{place}": name for place, name in enumerate(names)}
    fields += [(name, Raw, Raw()) for name in said]
    wire = {field.name: field.encode_name for field in msgspec.structs.fields(kind)} | said
    twin: type[S] = msgspec.defstruct(
        kind.__name__, fields, bases=(kind,), rename=wire, forbid_unknown_fields=True, module=kind.__module__
    )  # type: ignore[assignment]
    return twin


def _with(hint: Any, made: type[msgspec.Struct]) -> Any:
    """A field's type with its Struct replaced by the twin."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return made
    if get_origin(hint) in (Union, UnionType):
        return Union[tuple(_with(each, made) for each in get_args(hint))]  # noqa: UP007
    return list[_with(get_args(hint)[0], made)] if get_origin(hint) is list else hint  # type: ignore[misc]
