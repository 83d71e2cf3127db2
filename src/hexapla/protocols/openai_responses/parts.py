"""The parts of messages and results in a client's Responses body.

Rules of this file: a Struct says what a part may hold, a function what it means, found by table; kinds that nobody knows
are carried whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import AnyPart, Extras, Media, Opaque, Refusal, Text
from hexapla.protocols.images import check_image
from hexapla.protocols.openai_responses.items import parse_citation, parse_content, with_part
from hexapla.protocols.openai_responses.words import NAME, ORIGIN
from hexapla.protocols.typed import Reader, Rest
from hexapla.wire.media import split_data_url
from hexapla.wire.rawjson import load


class WireKind(msgspec.Struct):
    type: str


class WireText(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    text: str


class WireSaid(msgspec.Struct, forbid_unknown_fields=True):
    """Text that a model said; agents quote answers so in their own messages."""

    type: str
    text: str
    annotations: Raw = Raw()
    logprobs: Raw = Raw()


class WireRefusal(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    refusal: str


class WireImage(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class WireFile(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None
    filename: str | None = None


class WireSound(msgspec.Struct, forbid_unknown_fields=True):
    data: str
    format: str | None = None


class WireAudio(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    input_audio: WireSound


_KIND, _SAID, _REFUSAL = Reader(WireKind), Reader(WireSaid), Reader(WireRefusal)
_TEXTS = frozenset({"output_text", "input_text", "text"})


def parse_part(raw: Raw, path: str) -> AnyPart:
    """A part of what the client says.  Raises ProtocolError."""
    kind = _KIND.read(raw, path)[0].type
    known = _PARTS.get(kind)
    if known is None:
        return Opaque(origin=ORIGIN, type=kind, data=raw)
    reader, parse = known
    part, rest = reader.read(raw, path)
    return parse(part, rest, path)


def parse_own_part(raw: Raw, path: str, extras: Extras) -> AnyPart:
    """A part of what the model itself said, in an item whose own fields are `extras`.  Raises ProtocolError."""
    kind = _KIND.read(raw, path)[0].type
    if kind in _TEXTS:
        said, rest = _SAID.read(raw, path)
        return Text(
            text=said.text,
            citations=tuple([parse_citation(note) for note in load(said.annotations, list[Raw]) or ()]),
            logprobs=tuple(load(said.logprobs, list[Raw]) or ()),
            extras=with_part(extras, rest) if rest else extras,
        )
    if kind == "refusal":
        refused, rest = _REFUSAL.read(raw, path)
        return Refusal(text=refused.refusal, extras=with_part(extras, rest) if rest else extras)
    return parse_part(raw, path) if kind in _PARTS else parse_content(raw, extras)


def _text(part: WireText | WireSaid, rest: Rest, path: str) -> Text:
    return Text(text=part.text, extras={NAME: rest} if rest else {})


def _image(part: WireImage, rest: Rest, path: str) -> Media:
    path = f"{path}.image_url"
    url, data, media_type = part.image_url, None, None
    if url is None and part.file_id is None:
        raise ProtocolError("input_image needs image_url or file_id", path=path)
    if url is not None:
        media_type, data = split_data_url(url)
        if data is not None:
            check_image(media_type, data, path)
        elif not url.startswith(("http://", "https://")):
            raise ProtocolError("the image must be an http(s) URL or a base64 data: URL", path=path)
    return Media(
        kind="image",
        url=url if data is None else None,
        data=data,
        file_id=part.file_id if url is None else None,
        media_type=media_type if data is not None else None,
        detail=part.detail,
        extras={NAME: rest} if rest else {},
    )


def _file(part: WireFile, rest: Rest, path: str) -> Media:
    said, media_type = part.file_data, None
    if said is not None:
        media_type, data = split_data_url(said)
        said = said if data is None else data
    url = part.file_url if said is None else None
    file_id = part.file_id if said is None and url is None else None
    if said is None and url is None and file_id is None:
        raise ProtocolError("input_file needs file_data, file_url or file_id", path=f"{path}.file_data")
    return Media(
        kind="document",
        data=said,
        url=url,
        file_id=file_id,
        media_type=media_type,
        filename=part.filename,
        extras={NAME: rest} if rest else {},
    )


def _audio(part: WireAudio, rest: Rest, path: str) -> Media:
    sound = part.input_audio
    media_type = f"audio/{sound.format}" if sound.format else None
    return Media(kind="audio", data=sound.data, media_type=media_type, extras={NAME: rest} if rest else {})


_PARTS: dict[str, tuple[Reader[Any], Callable[[Any, Rest, str], AnyPart]]] = {
    "input_text": (Reader(WireText), _text),
    "text": (Reader(WireText), _text),
    "output_text": (Reader(WireSaid), _text),
    "input_image": (Reader(WireImage), _image),
    "input_file": (Reader(WireFile), _file),
    "input_audio": (Reader(WireAudio), _audio),
}
