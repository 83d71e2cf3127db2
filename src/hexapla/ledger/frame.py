"""How one record stands in a journal: length, kind, checksum, JSON.

A process can die between any two bytes, and a disk can lose any page, so a frame proves that it is whole; reading stops
at the first that does not.  The payload is the Generation's JSON, which goes into the store as it is: people can read
both with ordinary tools.

Rules of this file: pure, but for what `pack` takes out of a record; `pack` always succeeds, whatever strings an upstream or
a client sent; `scan` never raises.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from hexapla.ledger.record import Generation

MAGIC = b"HXJRNL1\n"  # first bytes of every segment
BEGIN, END = 1, 2  # kinds; never 0, so that a page of zeros is no frame

_HEADER = struct.Struct("<IBI")  # length of the payload, kind, CRC-32 of the payload seeded with the kind
_LARGEST = 1 << 16  # a longer record has strings of somebody's making in it, and is clipped
_LONGEST_STRING = 500
_LONGEST_LIST = 50

_head = _HEADER.pack
_checksum = zlib.crc32
_encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Generation).decode  # a payload


class Frame(NamedTuple):
    """One whole frame.  `end` is the offset of the byte after it."""

    kind: int
    payload: bytes
    end: int


def pack(generation: Generation, kind: int) -> tuple[bytes, bytes]:
    """Return the frame of a generation, BEGIN or END, and its payload, which the store wants without its head.

    What has no place in a record is taken out of it on the way.
    """
    if generation.usage.extras:
        generation.usage = replace(generation.usage, extras={})
    try:
        payload = _encode(generation)
    except UnicodeEncodeError:  # a lone surrogate
        payload = b""
    size = len(payload)
    if not 0 < size <= _LARGEST:
        payload = _clipped(generation)
        size = len(payload)
    return _head(size, kind, _checksum(payload, kind)) + payload, payload


def unpack(frame: bytes) -> Generation:
    """Return what `pack` framed."""
    return decode(frame[_HEADER.size :])


def scan(data: bytes, offset: int = 0) -> Iterator[Frame]:
    """Yield whole frames from `offset` on; stop at the first that is torn or damaged."""
    while (start := offset + _HEADER.size) <= len(data):
        length, kind, checksum = _HEADER.unpack_from(data, offset)
        offset = start + length
        payload = data[start:offset]
        if not length or len(payload) != length or _checksum(payload, kind) != checksum:
            return
        yield Frame(kind, payload, offset)


def wanted(data: bytes) -> int:
    """Return how many bytes the first frame of `data` needs, by its own account."""
    return _HEADER.size + _HEADER.unpack_from(data)[0] if len(data) >= _HEADER.size else _HEADER.size


def torn(rest: bytes) -> bool:
    """Whether `rest`, where scanning stopped, is only an unfinished write: too short, or nothing but zeros after it, as
    in a file that has its size before its data."""
    after = rest[wanted(rest) :]
    return wanted(rest) > len(rest) or (bool(after) and after == bytes(len(after))) or rest == bytes(len(rest))


def _clipped(generation: Generation) -> bytes:
    """The JSON of a generation that holds bytes of strangers, of any size, until now."""
    for name in generation.__struct_fields__:
        setattr(generation, name, _clip(getattr(generation, name)))
    return _encode(generation)


def _clip(value: Any) -> Any:
    """Return a value with legible, short strings and short lists."""
    if isinstance(value, str):
        return value[:_LONGEST_STRING].encode("utf-8", "replace").decode()
    if isinstance(value, tuple):
        return tuple(map(_clip, value[:_LONGEST_LIST]))
    if isinstance(value, msgspec.Struct):
        return replace(value, **{name: _clip(getattr(value, name)) for name in value.__struct_fields__})
    return value
