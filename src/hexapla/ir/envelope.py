"""The envelope that carries foreign reasoning through a client that can echo one opaque string.

A Messages client echoes `signature` and `redacted_thinking.data`; a Responses client echoes `encrypted_content`.  When
the thought came from another protocol, that string is our envelope: everything that must go back to its origin.  When
the client sends it again, `open_envelope` restores the Reasoning part exactly.

The format is `hxp1.` + URL-safe base64 of zlib-compressed JSON; the prefix lets the fast lane find envelopes with one
substring search.  It holds no secret and is not authenticated: it only ever returns to the client that sent it, and its
content is treated as client input.
"""

from __future__ import annotations

import base64
import binascii
import zlib

import msgspec
from msgspec import Raw

from hexapla.ir.content import Extras, Origin, Reasoning

MARK = "hxp1."
MAX_OPENED = 16 * 1024 * 1024  # bytes; a bomb in an envelope is ignored like any broken one


class _Envelope(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`Reasoning` in the form that travels: msgspec decodes no `Raw | None`, so absent details are an empty Raw."""

    text: str = ""
    summary: tuple[str, ...] = ()
    signature: str | None = None
    encrypted: str | None = None
    details: Raw = Raw()
    id: str | None = None
    form: str = ""
    origin: Origin
    extras: dict[str, dict[str, Raw]] = {}


_FIELDS = tuple(name for name in _Envelope.__struct_fields__ if name != "details")
_decoder = msgspec.json.Decoder(_Envelope)


def seal(part: Reasoning) -> str:
    """Pack `part` whole into one string."""
    said = {name: getattr(part, name) for name in _FIELDS}
    if part.details is not None:
        said["details"] = part.details  # an empty Raw would be written as nothing at all, which is no JSON
    envelope = _Envelope(**said)
    return MARK + base64.urlsafe_b64encode(zlib.compress(msgspec.json.encode(envelope), 1)).decode()


def open_envelope(text: str | None, beside: Extras = {}) -> Reasoning | None:  # noqa: B006
    """Unpack what `seal` packed; None for anything else: no envelope, a broken one, or one of another version.

    beside  what the client said beside it
    """
    if not text or not text.startswith(MARK):
        return None
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.urlsafe_b64decode(text[len(MARK) :]), MAX_OPENED)
        if not inflate.eof:
            return None
        envelope = _decoder.decode(data)
    except (binascii.Error, ValueError, zlib.error, msgspec.MsgspecError):
        return None
    said = {name: getattr(envelope, name) for name in _FIELDS}
    if beside:
        said["extras"] = {**envelope.extras, **beside}
    return Reasoning(details=Raw(bytes(envelope.details)) if envelope.details else None, **said)
