"""Pieces of Chat answers as interlingua parts, however a provider spells them, and back.

Rules of this file: nothing raises; what a provider sent is either understood or kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from hexapla.ir.content import Citation, Media, ToolCall
from hexapla.protocols.extras import put
from hexapla.protocols.openai_chat.schema import NAME, Arguments, Content
from hexapla.wire.media import data_url, split_data_url
from hexapla.wire.rawjson import dump, load


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
        yield "text", json_text(content)


def _part_pieces(part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, str):
        yield "text", part
        return
    if not isinstance(part, dict):
        return
    kind = part.get("type")
    if kind in ("text", "output_text"):
        yield "text", _string(part.get("text")) or ""
    elif kind == "thinking":
        yield "thinking", _thinking(part.get("thinking"))
    elif kind == "reasoning":
        yield "thinking", _thinking(part.get("summary"))
    elif kind == "refusal":
        yield "refusal", _string(part.get("refusal")) or ""
    elif kind in ("image_url", "image", "output_image") and (image := image_of(part)):
        yield "media", image
    elif kind in ("reference", "citation"):
        yield "citation", Citation(origin=NAME, native=dump(part))


def _thinking(value: Any) -> str:
    """Mistral's thinking is a list of text parts, and so is the summary of Databricks
    (https://docs.databricks.com/aws/en/machine-learning/model-serving/query-reason-models, 2026)."""
    if isinstance(value, list):
        return "".join(_string(part.get("text")) or "" for part in value if isinstance(part, dict))
    return _string(value) or ""


def json_text(value: Arguments) -> str:
    """Arguments or content as text; some providers send the object itself, which is spaced as models space it."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def citation_of(note: Any) -> Citation:
    """An annotation, or an element of a top-level list: a bare URL of `citations`, or a page of GLM's `web_search`, which
    calls its address `link` (https://docs.z.ai/api-reference/llm/chat-completion, 2026-11-28)."""
    if isinstance(note, str):
        return Citation(url=note, origin=NAME)
    if not isinstance(note, dict):
        return Citation(origin=NAME, native=dump(note))
    inner = note.get("url_citation")
    said: Mapping[str, Any] = inner if isinstance(inner, dict) else note
    return Citation(
        url=_string(said.get("url")) or _string(said.get("link")),
        title=_string(said.get("title")),
        cited_text=_string(said.get("content")),
        start=_integer(said.get("start_index")),
        end=_integer(said.get("end_index")),
        origin=NAME,
        native=dump(note),
    )


def cited(annotations: list[Any] | None, urls: list[Any] | None, seen: set[str]) -> list[Citation]:
    """Annotations, then the addresses of a top-level list that no citation had yet.  `seen` grows.

    Perplexity repeats the list in every chunk, and relays repeat it beside the annotations.
    """
    citations = [citation_of(note) for note in annotations or ()]
    seen.update(citation.url for citation in citations if citation.url)
    for citation in map(citation_of, urls or ()):
        if citation.url is not None and citation.url not in seen:
            seen.add(citation.url)
            citations.append(citation)
    return citations


def in_answer(citation: Citation, begin: int, end: int) -> Citation:
    """A citation of the text that becomes these characters of the answer.  Responses counts from the beginning of a part,
    everybody else from that of the answer."""
    if citation.origin != "openai_responses" or not begin:
        return citation.placed(begin, end)
    start, stop = (None if place is None else place + begin for place in (citation.start, citation.end))
    return replace(citation, start=start, end=stop).placed(begin, end)


def render_citation(citation: Citation) -> Raw:
    """A citation as a url_citation annotation; one of Chat's own as it came, as far as the SDK's types allow."""
    own = load(citation.native, dict[str, Any]) if citation.origin == NAME and citation.native is not None else None
    if own is not None and own.get("type", "url_citation") != "url_citation":
        return dump(own)
    inner: dict[str, object] = {
        "url": citation.url or "",
        "title": citation.title or "",
        "start_index": citation.start or 0,
        "end_index": citation.end or 0,
    }
    if citation.cited_text is not None:
        inner["content"] = citation.cited_text
    native = own.get("url_citation") if own is not None else None
    known = native if isinstance(native, dict) else {}
    return dump({"type": "url_citation", "url_citation": {**known, **inner}})


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


def render_image(part: Media) -> dict[str, Any]:
    """An image that the model made, in OpenRouter's form."""
    url = part.url or data_url(part.media_type, part.data or "")
    return {"type": "image_url", "image_url": {"url": url}}


def audio_of(audio: Mapping[str, Any]) -> Media | None:
    """Sound that the model made; everything but the sound itself (transcript, id, expiry) in extras."""
    if not any(audio.values()):
        return None  # Snowflake sends the object empty
    data = audio.get("data")
    rest = {name: dump(value) for name, value in audio.items() if name != "data"}
    return Media(kind="audio", data=data if isinstance(data, str) else "", extras={NAME: rest} if rest else {})


def render_audio(part: Media) -> dict[str, Any]:
    """Sound with the fields that the SDK's types demand."""
    return {"id": "", "expires_at": 0, "transcript": "", "data": part.data or "", **part.extras.get(NAME, {})}


def call_id(seed: str | None, index: int, name: str) -> str:
    """An id for a call that came without one: the same answer, position and name give the same id."""
    seen = f"{seed or ''}:{index}:{name}".encode("utf-8", "surrogatepass")
    return f"call_{hashlib.sha256(seen).hexdigest()[:24]}"


def render_call(part: ToolCall) -> dict[str, Any]:
    """A tool call as Chat writes it, with the fields that only Chat knows."""
    return put(bare_call(part), part.extras.get(NAME, {})) if part.extras else bare_call(part)


def bare_call(part: ToolCall) -> dict[str, Any]:
    """A tool call as every Chat server knows it."""
    if part.kind == "custom":
        inner = {"name": part.name, "input": part.arguments}
    else:
        inner = {"name": part.name, "arguments": part.arguments or "{}"}
    return {"id": part.id, "type": part.kind, part.kind: inner}


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
