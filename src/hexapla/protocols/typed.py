"""Reading a client's JSON objects as Structs, with the path in every complaint.

A Struct names the fields that we know, in one decode.  What an object says beside them is what its dialect has that we do
not, and travels in `extras`; most objects say nothing beside, so that is looked for only where the strict decode fails.  An
explicit null is the same as nothing: Ark's and Z.ai's SDKs send null for every unset field.

What the objects inside of an object say beside is found with it, and stands under their names; a list of objects, one of
which says something beside, is kept whole.

Rules of this file: Structs for a `Reader` forbid unknown fields, and so do those inside of them; a field that may be left
out has a default; `Raw()` is a raw field that was left out.
"""

from __future__ import annotations

import re
from functools import cache, cached_property
from typing import Generic, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import Unknown
from hexapla.wire.rawjson import NULL, UNDECODABLE, decode, join, split

S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")

Rest = dict[str, Unknown]
"""Fields of an object that its Struct does not name; those of an object inside of it as a dict under its name."""

NO_REST: Rest = {}


class Reader(Generic[S]):
    """Reads objects of one kind.  Its decoder is made when there is something to read: a start would wait for sixty."""

    def __init__(self, kind: type[S]) -> None:
        self._kind = kind
        self._known = frozenset({kind.__struct_config__.tag_field, *kind.__struct_encode_fields__})
        self._inner: dict[str, Reader[msgspec.Struct]] | None = None  # found out when it is asked for

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[S]:
        return msgspec.json.Decoder(self._kind)

    def read(self, raw: bytes | Raw, path: str = "$") -> tuple[S, Rest]:
        """The object, and what it says beside.  `path` names it in complaints.  Raises ProtocolError."""
        try:
            return self._decoder.decode(raw), NO_REST
        except UNDECODABLE:
            return self._apart(raw, path)

    def maybe(self, raw: Raw, path: str) -> tuple[S | None, Rest]:
        """`read` for a field that may be left out or null."""
        return (None, NO_REST) if not raw or raw == NULL else self.read(raw, path)

    def _apart(self, raw: bytes | Raw, path: str) -> tuple[S, Rest]:
        try:
            fields, rest = self._sifted(raw)
            return decode(self._decoder, join(fields)), rest
        except ProtocolError as error:
            raise complaint(error, path) from None

    def _sifted(self, raw: bytes | Raw) -> tuple[dict[str, object], Rest]:
        """The fields that are known, and all others."""
        if self._inner is None:
            self._inner = {name: Reader(inner) for name, inner in inner_structs(self._kind).items()}
        known: dict[str, object] = {}
        rest: Rest = {}
        for name, value in split(raw).items():
            if name in self._known:
                known[name], beside = _within(value, self._inner.get(name))
            else:
                beside = value if value != NULL else None
            if beside:
                rest[name] = beside
        return known, rest


def _within(value: Raw, reader: Reader[msgspec.Struct] | None) -> tuple[object, Unknown | None]:
    """(a field without what the objects in it say beside, that)."""
    sign = bytes(memoryview(value)[:1]) if reader is not None else b""
    if reader is not None and sign == b"{":
        return reader._sifted(value)
    if reader is not None and sign == b"[":
        items = [_within(item, reader) for item in decode(_items, value)]
        return [known for known, _ in items], value if any(beside for _, beside in items) else None
    return value, None


@cache
def inner_structs(kind: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    """What the fields hold that are objects, or lists of them."""
    hints = get_type_hints(kind)
    return {
        wire: inner
        for name, wire in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
        if (inner := _struct_in(hints[name])) is not None
    }


def _struct_in(hint: object) -> type[msgspec.Struct] | None:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    return next((found for each in get_args(hint) if (found := _struct_in(each)) is not None), None)


def read_list(raw: Raw, path: str) -> list[Raw]:
    """The items of a field that is a list.  Raises ProtocolError."""
    try:
        return decode(_items, raw)
    except ProtocolError as error:
        raise complaint(error, path) from None


def present(raw: Raw) -> Raw | None:
    """A raw field; None where it was left out or is null."""
    return None if not raw or raw == NULL else raw


def is_text(raw: Raw) -> bool:
    """Whether a raw value is a JSON string."""
    return bytes(memoryview(raw)[:1]) == b'"'


def string(raw: Raw, path: str) -> str:
    """A raw JSON string decoded."""
    try:
        return decode(_text, raw)
    except ProtocolError:
        raise ProtocolError("must be a string", path=path) from None


def complaint(error: ProtocolError, path: str) -> ProtocolError:
    """What is wrong with a value at `path`, in words for whoever wrote the client."""
    field, listed = error.path.removeprefix("$"), error.path.endswith("]")
    where = path + (field.rpartition("[")[0] if listed else field)
    if missing := re.match(_MISSING, error.message):
        return ProtocolError(f"{missing[1]} is required", path=f"{where}.{missing[1]}")
    name = where.rpartition(".")[2]
    if odd := re.match(_ODD, error.message):
        return ProtocolError(f"{name}: {odd[1]} is not known here", path=where)
    wrong = re.match(_WRONG, error.message)
    if wrong is None or name == "$":
        return ProtocolError(error.message, path=where)
    if wrong[2] == "null" and field and not listed:
        return ProtocolError(f"{name} is required", path=where)
    wanted = " or ".join(_WORDS.get(kind, kind) for kind in wrong[1].split(" | ") if kind != "null")
    return ProtocolError(f"{name}{': every item' if listed else ''} must be {wanted}", path=where)


_items = msgspec.json.Decoder(list[Raw])
_text = msgspec.json.Decoder(str)
_MISSING = r"Object missing required field `(.*)`"
_ODD = r"Invalid enum value (.*)"
_WRONG = r"Expected `(.*)`, got `(.*)`"
_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}
"""msgspec's names of types."""
