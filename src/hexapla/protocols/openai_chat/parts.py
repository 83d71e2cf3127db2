"""Pieces of Chat answers as interlingua parts, however a provider spells them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.ir.content import Citation, Extras, Media
from hexapla.protocols.openai_chat.schema import NAME, Content, ToolDelta
from hexapla.wire.media import split_data_url
from hexapla.wire.rawjson import dump


def content_pieces(content: Content) -> Iterator[tuple[str, Any]]:
    """(kind, value) pieces of a content field: text, thinking, refusal, media, citation.

    Mistral sends lists with thinking parts; Cloudflare an object when a schema was asked for, which is text again.
    """
    if isinstance(content, str):
        yield "text", content
    elif isinstance(content, list):
        for part in content:
            yield from _part_pieces(part)
    elif content is not None:
        yield "text", msgspec.json.encode(content).decode()


def _part_pieces(part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, str):
        yield "text", part
        return
    if not isinstance(part, dict):
        return
    kind = part.get("type")
    if kind in ("text", "output_text"):
        yield "text", part.get("text") or ""
    elif kind == "thinking":
        yield "thinking", _thinking(part.get("thinking"))
    elif kind == "refusal":
        yield "refusal", part.get("refusal") or ""
    elif kind in ("image_url", "image", "output_image") and (image := image_of(part)):
        yield "media", image
    elif kind in ("reference", "citation"):
        yield "citation", Citation(origin=NAME, native=dump(part))


def _thinking(value: Any) -> str:
    """Mistral's thinking is a list of text parts."""
    if isinstance(value, list):
        return "".join(part.get("text") or "" for part in value if isinstance(part, dict))
    return value if isinstance(value, str) else ""


def json_text(arguments: str | dict[str, Any] | list[Any] | None) -> str:
    """Tool arguments as text; some providers send the object itself."""
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return msgspec.json.encode(arguments).decode()


def citation_of(note: Any) -> Citation:
    """An annotation, or a bare URL of a top-level `citations` list."""
    if isinstance(note, str):
        return Citation(url=note, origin=NAME)
    if not isinstance(note, dict):
        return Citation(origin=NAME, native=dump(note))
    inner = note.get("url_citation")
    said: Mapping[str, Any] = inner if isinstance(inner, dict) else note
    return Citation(
        url=_string(said.get("url")),
        title=_string(said.get("title")),
        cited_text=_string(said.get("content")),
        start=_integer(said.get("start_index")),
        end=_integer(said.get("end_index")),
        origin=NAME,
        native=dump(note),
    )


def render_citation(citation: Citation) -> Raw:
    """A citation as a url_citation annotation; one of Chat's own as it came."""
    if citation.origin == NAME and citation.native is not None:
        return citation.native
    inner = {
        "url": citation.url or "",
        "title": citation.title or "",
        "start_index": citation.start or 0,
        "end_index": citation.end or 0,
    }
    if citation.cited_text is not None:
        inner["content"] = citation.cited_text
    return dump({"type": "url_citation", "url_citation": inner})


def image_of(found: Any) -> Media | None:
    """An image that the model made: {"image_url": {"url": "data:..."}}."""
    holder = found.get("image_url") if isinstance(found, dict) else None
    url = holder.get("url") if isinstance(holder, dict) else holder
    if not isinstance(url, str):
        return None
    media_type, data = split_data_url(url)
    if data is None:
        return Media(kind="image", url=url)
    return Media(kind="image", data=data, media_type=media_type)


def audio_of(audio: Mapping[str, Any]) -> Media:
    """Sound that the model made; everything but the sound itself (transcript, id, expiry) in extras."""
    data = audio.get("data")
    rest = {name: dump(value) for name, value in audio.items() if name != "data"}
    return Media(kind="audio", data=data if isinstance(data, str) else "", extras={NAME: rest} if rest else {})


def call_id(index: int, name: str) -> str:
    """An id for a call that came without one: the same position and name give the same id."""
    return f"call_{hashlib.sha256(f'{index}:{name}'.encode()).hexdigest()[:24]}"


def signature_extras(delta: ToolDelta) -> Extras:
    """Gemini's thought signature on a call, which must come back with it
    (https://ai.google.dev/gemini-api/docs/thought-signatures, 2026-08)."""
    kept: dict[str, Raw] = {}
    if delta.extra_content and delta.extra_content != Raw(b"null"):
        kept["extra_content"] = Raw(bytes(delta.extra_content))
    return {NAME: kept} if kept else {}


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
