"""PDFs for models that read none: `file-parser` gives them the text.

Whoever reads PDFs itself gets them as they are, unless the request names another engine than `native`; who that is the
catalogue knows by the model's `input_modalities`, and where it does not know, nothing is taken away.
(https://openrouter.ai/docs/guides/overview/multimodal/pdfs, 2026-08-22)

Rules of this file: pure; the texts are an argument; a PDF that is not here but at an address is a Loss.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from hexapla.catalog.schema import Model
from hexapla.ir.content import Media, Text
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest

PDF = "application/pdf"
OWN = ("auto", "native")
"""Engines that leave a PDF to whoever reads it."""

Texts = Mapping[str, str]
"""By the PDF's base64, what it says."""


def wanted(engine: str, facts: Model | None) -> bool:
    """Whether a model is to be given texts in the place of PDFs."""
    if engine not in OWN:
        return True
    known = facts.input_modalities if facts is not None else ()
    return engine == "auto" and bool(known) and "pdf" not in known


def pdfs(request: GenerateRequest) -> dict[str, str]:
    """The PDFs that a request holds: base64 -> name."""
    parts = (part for message in request.messages for part in message.content if isinstance(part, Media))
    return {part.data: _name(part) for part in parts if part.data is not None and _is_pdf(part)}


def told(request: GenerateRequest, texts: Texts, losses: LossLog) -> GenerateRequest:
    """`request` with texts in the place of PDFs."""
    messages = list(request.messages)
    for index, message in enumerate(messages):
        content = list(message.content)
        for place, part in enumerate(content):
            if not isinstance(part, Media) or not _is_pdf(part):
                continue
            text = texts.get(part.data) if part.data is not None else None
            if text is None:
                where = f"messages[{index}].content[{place}]"
                losses.add(where, "a PDF that is given by URL is not downloaded to be read here", "content")
                continue
            content[place] = Text(text=f"[{_name(part)}]\n{text}", cache=part.cache)
        if content != [*message.content]:
            messages[index] = replace(message, content=tuple(content), plain=False)
    return replace(request, messages=tuple(messages))


def _is_pdf(part: Media) -> bool:
    named = (part.filename or part.url or "").lower().endswith(".pdf")
    return part.kind == "document" and (part.media_type == PDF or (part.media_type is None and named))


def _name(part: Media) -> str:
    return part.filename or part.title or "document.pdf"
