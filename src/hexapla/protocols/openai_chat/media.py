"""Images, sounds, videos and files of a client's Chat body: where their bytes are, and whether they are what they say.

Rules of this file: a Struct says what a part may hold, a function what it means.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.content import CacheMark, Media
from hexapla.protocols.images import check_image
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.typed import Reader, Rest
from hexapla.wire.media import sniff, split_data_url

_URLS = ("http://", "https://", "gs://", "ms://", "asset://", "data:")


class WireAddress(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    detail: str | None = None


class WireImage(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    image_url: str | WireAddress
    cache_control: CacheMark | None = None


class WireVideo(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    video_url: str | WireAddress
    cache_control: CacheMark | None = None


class WireSound(msgspec.Struct, forbid_unknown_fields=True):
    data: str
    format: str | None = None


class WireAudio(msgspec.Struct, forbid_unknown_fields=True):
    """OpenAI's {"data", "format"}; Mistral's bare string."""

    type: str
    input_audio: str | WireSound
    cache_control: CacheMark | None = None


class WireFile(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    file: Raw
    cache_control: CacheMark | None = None


class WireFileData(msgspec.Struct, forbid_unknown_fields=True):
    filename: str | None = None
    file_id: str | None = None
    file_data: str | None = None


_FILE_DATA = Reader(WireFileData)


def parse_image(part: WireImage, rest: Rest, path: str) -> Media:
    """An image, by URL or as base64.  Raises ProtocolError."""
    url, detail, path = _address(part.image_url, f"{path}.image_url")
    media_type, data = split_data_url(url)
    if data is not None:
        check_image(media_type, data, path)
    elif not url.startswith(_URLS):
        media_type, data = _bare_image(url, path), url
    return _picture("image", url, media_type, data, detail, part, rest)


def parse_video(part: WireVideo, rest: Rest, path: str) -> Media:
    """A video, by URL or as base64."""
    url, detail, _ = _address(part.video_url, path)
    return _picture("video", url, *split_data_url(url), detail, part, rest)


def _picture(
    kind: Literal["image", "video"],
    url: str,
    media_type: str | None,
    data: str | None,
    detail: str | None,
    part: WireImage | WireVideo,
    rest: Rest,
) -> Media:
    made = Media(kind=kind, detail=detail, cache=part.cache_control, extras={NAME: rest} if rest else {})
    return replace(made, url=url) if data is None else replace(made, data=data, media_type=media_type)


def parse_audio(part: WireAudio, rest: Rest, path: str) -> Media:
    """A sound, by URL or as base64."""
    sound = part.input_audio if isinstance(part.input_audio, WireSound) else WireSound(data=part.input_audio)
    media_type = f"audio/{sound.format}" if sound.format else None
    made = Media(kind="audio", media_type=media_type, cache=part.cache_control, extras={NAME: rest} if rest else {})
    if sound.data.startswith(("http://", "https://")):
        return replace(made, url=sound.data)
    found, data = split_data_url(sound.data)
    return replace(made, data=sound.data if data is None else data, media_type=media_type or found)


def parse_file(part: WireFile, rest: Rest, path: str) -> Media:
    """A document, by id, by URL or as base64.  What else stands inside of `file` travels as that.  Raises ProtocolError."""
    path = f"{path}.file"
    file, within = _FILE_DATA.read(part.file, path)
    if within:
        rest = {**rest, "file": within}
    said = file.file_data
    made = Media(kind="document", filename=file.filename, cache=part.cache_control, extras={NAME: rest} if rest else {})
    if said is None:
        if file.file_id is None:
            raise ProtocolError("file needs file_data or file_id", path=f"{path}.file_data")
        return replace(made, file_id=file.file_id)
    if said.startswith(("http://", "https://")):
        return replace(made, url=said)
    media_type, data = split_data_url(said)
    return replace(made, data=said if data is None else data, media_type=media_type)


def _address(said: str | WireAddress, path: str) -> tuple[str, str | None, str]:
    """(url, detail, path) of a field that is {"url", "detail"} or a bare string."""
    return (said, None, path) if isinstance(said, str) else (said.url, said.detail, f"{path}.url")


def _bare_image(text: str, path: str) -> str:
    """The type of an image that was sent as base64 without data: (Z.ai and Ollama take that)."""
    found = sniff(text)
    if not found or not found.startswith("image/"):
        raise ProtocolError("the image must be an http(s) URL or a base64 data: URL", path=path)
    return found
