"""Where an answer has its knowledge from: Gemini's grounding and citations, and our Citation.

Gemini gives sources and passages apart: `groundingChunks` are pages, `groundingSupports` say which passage rests on which
of them, with places counted in bytes of UTF-8 (https://ai.google.dev/api/generate-content#Segment, 2026-11).  Others count
characters, so places are converted against the answer's text.  Log probabilities, which are split in a like manner, are
put together here too.

Rules of this file: total on what upstreams send; places are converted, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.ir.content import Citation
from hexapla.protocols.gemini_generate.words import NAME
from hexapla.wire.rawjson import dump, load


class _Page(msgspec.Struct, rename="camel"):
    uri: str | None = None
    title: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    web: _Page | None = None
    retrieved_context: _Page | None = None
    maps: _Page | None = None


class _Segment(msgspec.Struct, rename="camel"):
    start_index: int = 0
    end_index: int | None = None
    text: str | None = None


class _Support(msgspec.Struct, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class _Grounding(msgspec.Struct, rename="camel"):
    grounding_chunks: list[_Chunk] | None = None
    grounding_supports: list[_Support] | None = None


class _Cited(msgspec.Struct, rename="camel"):
    start_index: int | None = None
    end_index: int | None = None
    uri: str | None = None
    title: str | None = None


class _Citations(msgspec.Struct, rename="camel"):
    citations: list[_Cited] | None = None


def citations_of(grounding: Raw, cited: Raw, text: str) -> list[Citation]:
    """Every passage with its source; sources that no passage names stand for the whole."""
    found = load(grounding, _Grounding) or _Grounding()
    pages = [chunk.web or chunk.retrieved_context or chunk.maps for chunk in found.grounding_chunks or ()]
    data = text.encode("utf-8", "surrogatepass")
    said: list[Citation] = []
    used: set[int] = set()
    for support in found.grounding_supports or ():
        segment = support.segment or _Segment()
        for number in support.grounding_chunk_indices or ():
            page = pages[number] if 0 <= number < len(pages) else None
            if page is not None:
                used.add(number)
                said.append(_citation(page.uri, page.title, data, segment.start_index, segment.end_index, segment.text))
    for number, page in enumerate(pages):
        if page is not None and number not in used:
            said.append(_citation(page.uri, page.title, data, None, None, None))
    listed = (load(cited, _Citations) or _Citations()).citations or ()
    return said + [_citation(c.uri, c.title, data, c.start_index, c.end_index, None) for c in listed]


def _citation(
    uri: str | None, title: str | None, data: bytes, start: int | None, end: int | None, text: str | None
) -> Citation:
    return Citation(
        url=uri, title=title, cited_text=text, start=_characters(data, start), end=_characters(data, end), origin=NAME
    )


def _characters(data: bytes, place: int | None) -> int | None:
    """A place in bytes as a place in characters."""
    return None if place is None else len(data[: max(0, place)].decode("utf-8", "ignore"))


def grounding_of(citations: Sequence[Citation], text: str) -> dict[str, Any]:
    """Citations as groundingMetadata: each page once, each passage with its pages."""
    pages: dict[tuple[str | None, str | None], int] = {}
    supports: list[dict[str, Any]] = []
    for citation in citations:
        number = pages.setdefault((citation.url, citation.title), len(pages))
        if citation.start is None and citation.end is None and citation.cited_text is None:
            continue
        segment: dict[str, Any] = {}
        for name, place in (("startIndex", citation.start), ("endIndex", citation.end)):
            if place is not None:
                segment[name] = len(text[:place].encode("utf-8", "surrogatepass"))
        passage = text[citation.start : citation.end] if citation.end is not None else citation.cited_text
        if passage:
            segment["text"] = passage
        supports.append({"segment": segment, "groundingChunkIndices": [number]})
    chunks = [{"web": {n: v for n, v in (("uri", uri), ("title", title)) if v}} for uri, title in pages]
    return {"groundingChunks": chunks, "groundingSupports": supports}


# log probabilities


class _Token(msgspec.Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class _Top(msgspec.Struct, rename="camel"):
    candidates: list[_Token] | None = None


class _Logprobs(msgspec.Struct, rename="camel"):
    chosen_candidates: list[_Token] | None = None
    top_candidates: list[_Top] | None = None


def logprobs_of(raw: Raw) -> tuple[Raw, ...]:
    """logprobsResult as OpenAI's per-token objects."""
    found = load(raw, _Logprobs) or _Logprobs()
    tops = found.top_candidates or []
    said = []
    for place, chosen in enumerate(found.chosen_candidates or ()):
        top = tops[place].candidates if place < len(tops) else None
        said.append(dump({**_spoken(chosen), "top_logprobs": [_spoken(each) for each in top or ()]}))
    return tuple(said)


def _spoken(token: _Token) -> dict[str, Any]:
    value = token.log_probability if math.isfinite(token.log_probability) else -9999.0
    return {"token": token.token, "logprob": value, "bytes": list(token.token.encode("utf-8", "replace"))}


class _Theirs(msgspec.Struct):
    token: str = ""
    logprob: float = 0.0
    top_logprobs: list[_Theirs] | None = None


def render_logprobs(items: Sequence[Raw]) -> dict[str, Any] | None:
    """OpenAI's per-token objects as logprobsResult."""
    tokens = [found for item in items if (found := load(item, _Theirs)) is not None]
    if not tokens:
        return None
    return {
        "chosenCandidates": [_told(token) for token in tokens],
        "topCandidates": [{"candidates": [_told(each) for each in token.top_logprobs or ()]} for token in tokens],
    }


def _told(token: _Theirs) -> dict[str, Any]:
    return {"token": token.token, "logProbability": token.logprob}
