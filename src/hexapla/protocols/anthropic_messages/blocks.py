"""Content blocks of Messages answers, both ways.

Reasoning from elsewhere reaches a Messages client as a thinking block whose signature is our envelope, or as
redacted_thinking where nothing is readable; when it comes back, the request parser opens it.

Rules of this file: total on what upstreams send; what has no block is a Loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Raw

from hexapla.ir.content import Citation, Media, Opaque, Origin, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.envelope import seal
from hexapla.ir.loss import LossLog
from hexapla.ir.response import ResponsePart
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.arguments import object_of
from hexapla.wire.rawjson import NULL, dump, load, split

Json = dict[str, Any]

ORIGIN = Origin(NAME)


def parse_block(raw: Raw) -> ResponsePart:
    """One block of an upstream's answer; blocks that only Messages knows stay whole."""
    fields = load(raw, dict[str, Raw]) or {}
    kind = _text(fields, "type") or ""
    parse = _PARSE.get(kind)
    return parse(fields) if parse is not None else Opaque(origin=ORIGIN, type=kind, data=Raw(bytes(raw)))


def _text(fields: dict[str, Raw], name: str) -> str | None:
    raw = fields.get(name)
    return load(raw, str) if raw is not None else None


def _extras(fields: dict[str, Raw], *known: str) -> dict[str, dict[str, Raw]]:
    rest = {n: Raw(bytes(v)) for n, v in fields.items() if n not in known and v != NULL}
    return {NAME: rest} if rest else {}


def _parse_text(fields: dict[str, Raw]) -> Text:
    listed = fields.get("citations")
    citations = (load(listed, list[Raw]) or []) if listed is not None else []
    return Text(
        text=_text(fields, "text") or "",
        citations=tuple(parse_citation(raw) for raw in citations),
        extras=_extras(fields, "type", "text", "citations"),
    )


def _parse_thinking(fields: dict[str, Raw]) -> Reasoning:
    return Reasoning(
        text=_text(fields, "thinking") or "",
        signature=_text(fields, "signature") or None,
        form="thinking",
        origin=ORIGIN,
        extras=_extras(fields, "type", "thinking", "signature"),
    )


def _parse_redacted(fields: dict[str, Raw]) -> Reasoning:
    extras = _extras(fields, "type", "data")
    return Reasoning(encrypted=_text(fields, "data") or "", form="redacted_thinking", origin=ORIGIN, extras=extras)


def _parse_call(fields: dict[str, Raw]) -> ToolCall:
    given = fields.get("input", NULL)
    text = load(given, str)  # a proxy that sends arguments as text
    arguments = text if text is not None else "" if given == NULL else bytes(given).decode("utf-8", "replace")
    return ToolCall(
        id=_text(fields, "id") or "",
        name=_text(fields, "name") or "",
        arguments=arguments,
        extras=_extras(fields, "type", "id", "name", "input"),
    )


_PARSE: dict[str, Callable[[dict[str, Raw]], ResponsePart]] = {
    "text": _parse_text,
    "thinking": _parse_thinking,
    "redacted_thinking": _parse_redacted,
    "tool_use": _parse_call,
}


def parse_citation(raw: Raw) -> Citation:
    """A citation, whole for its own dialect and in parts for others."""
    fields = load(raw, dict[str, Raw]) or {}
    return Citation(
        url=_text(fields, "url"),
        title=_text(fields, "title") or _text(fields, "document_title"),
        cited_text=_text(fields, "cited_text"),
        origin=NAME,
        native=Raw(bytes(raw)),
    )


def render_citation(citation: Citation) -> Raw | None:
    """A citation for a Messages client; None for one that names no address."""
    if citation.origin == NAME and citation.native is not None:
        return citation.native
    if citation.url is None:
        return None
    return dump(
        {
            "type": "web_search_result_location",
            "url": citation.url,
            "title": citation.title,
            "cited_text": citation.cited_text or "",
            "encrypted_index": "",
        }
    )


def _render_text(part: Text, losses: LossLog, path: str) -> Json | None:
    """No citations are an empty list: the vendor's SDKs and OpenRouter's want the field, and the AI SDK's schema takes no
    null for it (@ai-sdk/anthropic 3.0.138, 2026-11-28)."""
    block: Json = {"type": "text", "text": part.text, "citations": []}
    if part.citations:
        block["citations"] = _citations(part, losses, path)
    if part.logprobs:
        losses.add(f"{path}.logprobs", "Messages has no log probabilities")
    if part.extras:
        block |= part.extras.get(NAME, {})
    return block


def _citations(part: Text, losses: LossLog, path: str) -> list[Raw]:
    rendered = [raw for citation in part.citations if (raw := render_citation(citation)) is not None]
    if len(rendered) < len(part.citations):
        losses.add(f"{path}.citations", "citations without an address have no place in Messages", "cosmetic")
    return rendered


def _render_refusal(part: Refusal, losses: LossLog, path: str) -> Json:
    return {"type": "text", "text": part.text, "citations": []}


def _render_reasoning(part: Reasoning, losses: LossLog, path: str) -> Json:
    native = part.origin.protocol == NAME
    if not part.readable and (part.encrypted is not None or not native):
        data = (part.encrypted or "") if native else seal(part)
        return {"type": "redacted_thinking", "data": data, **part.extras.get(NAME, {})}
    signature = (part.signature or "") if native else seal(part)
    return {"type": "thinking", "thinking": part.readable, "signature": signature, **part.extras.get(NAME, {})}


def _render_call(part: ToolCall, losses: LossLog, path: str) -> Json:
    given = object_of(part, path, losses)
    return {"type": "tool_use", "id": part.id, "name": part.name, "input": given, **part.extras.get(NAME, {})}


def _render_media(part: Media, losses: LossLog, path: str) -> Json | None:
    losses.add(path, f"Messages answers hold no {part.kind}", "content")
    return None


def _render_opaque(part: Opaque, losses: LossLog, path: str) -> Json | None:
    if part.origin.protocol == NAME:
        return dict(split(part.data))
    losses.add(path, f"{part.type} is understood by {part.origin.protocol} only", "content")
    return None


SOURCES_ALONE = "Messages has sources of a text only, and there is none"
RENDER: dict[type, Callable[[Any, LossLog, str], Json | None]] = {
    Text: _render_text,
    Refusal: _render_refusal,
    Reasoning: _render_reasoning,
    ToolCall: _render_call,
    Media: _render_media,
    Opaque: _render_opaque,
}
"""A whole part as a block; None where Messages has no block for it (said in the losses).  str: where the part stands."""
