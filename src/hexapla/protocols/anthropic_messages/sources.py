"""Images and documents of a client's Messages body: where their bytes are, and whether they are what they say."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import CacheMark, Media
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.images import check_file
from hexapla.protocols.typed import Rest
from hexapla.wire.rawjson import load


class WireCitations(msgspec.Struct, forbid_unknown_fields=True):
    enabled: bool | None = None


class WireSource(msgspec.Struct, forbid_unknown_fields=True):
    """Where the bytes are; a source of another type holds content blocks."""

    type: Literal["base64", "text", "url", "file"]
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None


class WireImage(msgspec.Struct, tag_field="type", tag="image", forbid_unknown_fields=True):
    source: WireSource
    title: str | None = None
    context: str | None = None
    citations: WireCitations | None = None
    cache_control: CacheMark | None = None


class WireDocument(msgspec.Struct, tag_field="type", tag="document", forbid_unknown_fields=True):
    source: WireSource
    title: str | None = None
    context: str | None = None
    citations: WireCitations | None = None
    cache_control: CacheMark | None = None


_PLACES = {"base64": "data", "text": "data", "url": "url", "file": "file_id"}
"""Where a source of this type holds what it is."""

_FIELDS = {"base64": "data", "text": "text", "url": "url", "file": "file_id"}
"""Our name for it."""


def parse_image(block: WireImage, rest: Rest, path: str) -> Media:
    """An image block.  Raises ProtocolError."""
    return _media("image", block, rest, f"{path}.source")


def parse_document(block: WireDocument, rest: Rest, path: str) -> Media:
    """A document block.  Raises ProtocolError."""
    return _media("document", block, rest, f"{path}.source")


def holds_blocks(raw: Raw) -> bool:
    """Whether a document is made of content blocks, which no other dialect knows."""
    fields = load(raw, dict[str, Raw]) or {}
    source = load(fields.get("source", Raw()), dict[str, Raw]) or {}
    return source.get("type") == Raw(b'"content"')


def _media(kind: Literal["image", "document"], block: WireImage | WireDocument, rest: Rest, path: str) -> Media:
    source = block.source
    place = _PLACES[source.type]
    said: str | None = getattr(source, place)
    if said is None:
        raise ProtocolError(f"{place} is required", path=f"{path}.{place}")
    if source.type == "base64":
        check_file(kind, source.media_type, said, f"{path}.data")
    return Media(
        kind=kind,
        media_type=source.media_type if source.type == "base64" else None,
        title=block.title,
        context=block.context,
        citations=block.citations.enabled if block.citations is not None else None,
        cache=block.cache_control,
        extras={NAME: rest} if rest else {},
        **{_FIELDS[source.type]: said},
    )
