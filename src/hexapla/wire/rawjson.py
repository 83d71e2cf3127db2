"""JSON objects whose values stay bytes.

The Verbatim and Patch lanes change a few top-level keys and must leave every other byte alone: key order, number
spelling, white space inside values.  `split` decodes one level into `Raw` values, `join` puts them back.

`decode` is the one place where msgspec's exceptions become ProtocolError, with the path that msgspec names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError

T = TypeVar("T")

NULL = Raw(b"null")

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for data that it cannot take."""

_fields = msgspec.json.Decoder(dict[str, Raw])
decode_fields = _fields.decode
"""`split` with msgspec's own exceptions, for the one place where a call counts."""

_decoders: dict[object, msgspec.json.Decoder[Any]] = {}  # by type, of which the source names a few dozen
_encode = msgspec.json.Encoder().encode
join: Callable[[Mapping[str, object] | msgspec.Struct], bytes] = _encode
"""The inverse of `split`: an object with these fields in this order, raw values as they are."""

TOO_DEEP = "the JSON is nested too deeply"

_PATH = re.compile(r" - at `(.*)`$")


def decode(decoder: msgspec.json.Decoder[T], data: bytes | Raw) -> T:
    """Decode `data`; raise ProtocolError(message, path) for anything that is not what `decoder` wants.

    msgspec bounds nesting by Python's recursion limit or stack, so a nesting bomb is an error, not a crash (nesting.py).
    """
    try:
        return decoder.decode(data)
    except RecursionError:
        raise ProtocolError(TOO_DEEP) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        text = str(error)
        found = _PATH.search(text)
        raise ProtocolError(_PATH.sub("", text), path=found.group(1) if found else "") from None


def split(body: bytes | Raw) -> dict[str, Raw]:
    """The top-level fields of a JSON object, values untouched.  Raises ProtocolError."""
    return decode(_fields, body)


def copied(raw: Raw) -> Raw | None:
    """A raw value in memory of its own; None for one that was left out or is null."""
    return Raw(bytes(raw)) if raw and raw != NULL else None


def dump(value: object) -> Raw:
    """`value` as raw JSON."""
    return Raw(_encode(value))


def load(raw: Raw | bytes, kind: type[T]) -> T | None:
    """`raw` decoded as `kind`, or None when it is something else (a wrong type, null, nothing)."""
    if not raw:
        return None
    decoder = _decoders.get(kind)
    if decoder is None:  # making one costs ten times what it saves by being used once
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        found: T = decoder.decode(raw)
    except UNDECODABLE:
        return None
    return found


def broken(data: bytes) -> bool:
    """Whether `data` begins as a JSON object and is none: cut off, or spoilt on the way."""
    if not data.lstrip().startswith(b"{"):
        return False
    try:
        _fields.decode(data)
    except UNDECODABLE:
        return True
    return False
