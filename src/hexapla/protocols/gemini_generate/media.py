"""What a file is: its kind, which Gemini tells by a media type alone, and the media type that it wants to hear of each.

Rules of this file: no parts; what a guess costs, the caller says.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["image", "document", "audio", "video"]

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp", "heic", "heif"), "image"),
    **dict.fromkeys(("mp3", "wav", "aac", "ogg", "flac", "aiff"), "audio"),
    **dict.fromkeys(("mp4", "mov", "mpeg", "webm", "avi", "wmv", "3gp"), "video"),
}
"""Endings of addresses; any other is a document's."""

_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "pdf": "application/pdf",
    "txt": "text/plain",
}
_USUAL = {"image": "image/jpeg", "audio": "audio/mpeg", "video": "video/mp4", "document": "application/pdf"}


def media_kind(media_type: str | None, url: str = "") -> Kind:
    """What a file is, by its type, else by its address."""
    family = (media_type or "").partition("/")[0]
    if family in ("image", "audio", "video"):
        return family  # type: ignore[return-value]
    if media_type is None and ("youtube.com/" in url or "youtu.be/" in url):
        return "video"
    return _KINDS.get(_ending(url), "document") if media_type is None else "document"


def likely_type(kind: str, url: str) -> str:
    """The media type of a file that came without: that of its address where it fits the kind, else the kind's usual one."""
    guess = _TYPES.get(_ending(url), "")
    return guess if guess and media_kind(guess) == kind else _USUAL[kind]


def _ending(url: str) -> str:
    return url.partition("?")[0].rpartition(".")[2].lower()
