"""Output items of the Responses API, both ways.

One Text part is one content part of a message item; the item's own id, phase and status live in the part's extras.
Reasoning from elsewhere reaches a Responses client as a reasoning item with a summary, its envelope in
`encrypted_content`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Raw

from hexapla.ir.content import Citation, Extras, Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.envelope import MARK, open_envelope, seal
from hexapla.ir.loss import LossLog
from hexapla.ir.response import ResponsePart
from hexapla.protocols.openai_responses.words import NAME, ORIGIN
from hexapla.wire.rawjson import dump, load, split

Json = dict[str, Any]
Item = dict[str, Raw]

ITEM_FIELDS = ("id", "phase")
"""Fields of a message item that travel on its Text parts."""


def text_field(fields: Item, name: str) -> str | None:
    raw = fields.get(name)
    return load(raw, str) if raw is not None else None


def rest_of(fields: Item, *known: str) -> Extras:
    """Unknown fields, copied out of the buffer that they came in."""
    rest = {n: Raw(bytes(v)) for n, v in fields.items() if n not in known and v != Raw(b"null")}
    return {NAME: rest} if rest else {}


def parse_item(raw: Raw | bytes) -> list[ResponsePart]:
    """One output item as parts: a message may hold several, or none."""
    fields = load(raw, dict[str, Raw]) or {}
    kind = text_field(fields, "type") or ("message" if "role" in fields else "")
    parse = _PARSE.get(kind)
    if parse is None:
        return [Opaque(origin=ORIGIN, type=kind, data=Raw(bytes(raw)))]
    return parse(fields)


def item_extras(fields: Item) -> Extras:
    """The message item's own fields, for each of its parts."""
    kept = {n: Raw(bytes(fields[n])) for n in ITEM_FIELDS if n in fields and fields[n] != Raw(b"null")}
    return {NAME: kept} if kept else {}


def _parse_message(fields: Item) -> list[ResponsePart]:
    raw = fields.get("content")
    extras = item_extras(fields)
    content = (load(raw, list[Raw]) or []) if raw is not None else []
    text = load(raw, str) if raw is not None and not content else None
    if text is not None:
        return [Text(text=text, extras=extras)]
    return [part for item in content if (part := parse_content(item, extras)) is not None]


def parse_content(raw: Raw, extras: Extras) -> ResponsePart | None:
    """One content part of a message item."""
    fields = load(raw, dict[str, Raw]) or {}
    kind = text_field(fields, "type")
    if kind in ("output_text", "text", "input_text"):
        notes, probs = fields.get("annotations", Raw()), fields.get("logprobs", Raw())
        return Text(
            text=text_field(fields, "text") or "",
            citations=tuple(parse_citation(note) for note in load(notes, list[Raw]) or ()),
            logprobs=tuple(Raw(bytes(p)) for p in load(probs, list[Raw]) or ()),
            extras=extras,
        )
    if kind == "refusal":
        return Refusal(text=text_field(fields, "refusal") or "")
    if kind == "reasoning_text":
        return Reasoning(text=text_field(fields, "text") or "", form="reasoning_text", origin=ORIGIN)
    return Opaque(origin=ORIGIN, type=kind or "", data=Raw(bytes(raw)))


def _parse_reasoning(fields: Item) -> list[ResponsePart]:
    encrypted = text_field(fields, "encrypted_content")
    restored = open_envelope(encrypted)
    if restored is not None:
        return [restored]
    if encrypted is not None and encrypted.startswith(MARK):
        return []  # a broken envelope proves nothing to anyone
    return [
        Reasoning(
            text="".join(_texts(fields, "content")),
            summary=tuple(_texts(fields, "summary")),
            encrypted=encrypted or None,
            id=text_field(fields, "id"),
            form="reasoning",
            origin=ORIGIN,
            extras=rest_of(fields, "type", "id", "summary", "content", "encrypted_content", "status"),
        )
    ]


def _texts(fields: Item, name: str) -> list[str]:
    raw = fields.get(name)
    listed = (load(raw, list[dict[str, Raw]]) or []) if raw is not None else []
    return [text_field(part, "text") or "" for part in listed]


def _parse_call(fields: Item) -> list[ResponsePart]:
    return [
        ToolCall(
            id=text_field(fields, "call_id") or text_field(fields, "id") or "",
            name=text_field(fields, "name") or "",
            arguments=text_field(fields, "arguments") or "",
            namespace=text_field(fields, "namespace"),
            extras=rest_of(fields, "type", "call_id", "name", "arguments", "namespace", "status"),
        )
    ]


def _parse_custom(fields: Item) -> list[ResponsePart]:
    return [
        ToolCall(
            id=text_field(fields, "call_id") or text_field(fields, "id") or "",
            name=text_field(fields, "name") or "",
            arguments=text_field(fields, "input") or "",
            kind="custom",
            namespace=text_field(fields, "namespace"),
            extras=rest_of(fields, "type", "call_id", "name", "input", "namespace", "status"),
        )
    ]


_PARSE: dict[str, Callable[[Item], list[ResponsePart]]] = {
    "message": _parse_message,
    "reasoning": _parse_reasoning,
    "function_call": _parse_call,
    "custom_tool_call": _parse_custom,
}


def parse_citation(raw: Raw) -> Citation:
    """An annotation, whole for its own dialect and in parts for others."""
    fields = load(raw, dict[str, Raw]) or {}
    start, end = fields.get("start_index"), fields.get("end_index")
    return Citation(
        url=text_field(fields, "url"),
        title=text_field(fields, "title") or text_field(fields, "filename"),
        start=load(start, int) if start is not None else None,
        end=load(end, int) if end is not None else None,
        origin=NAME,
        native=Raw(bytes(raw)),
    )


def render_citation(citation: Citation) -> Raw:
    """A citation as a url_citation annotation; one of our own as it came."""
    if citation.origin == NAME and citation.native is not None:
        return citation.native
    return dump(
        {
            "type": "url_citation",
            "url": citation.url or "",
            "title": citation.title or citation.cited_text or "",
            "start_index": citation.start or 0,
            "end_index": citation.end or 0,
        }
    )


def item_id(prefix: str, reply_id: str, index: int) -> str:
    """An item's id: the same answer and place give the same id."""
    return f"{prefix}_{reply_id}_{index}"


def message_item(item: str, parts: Sequence[Json], extras: Extras, status: str = "completed") -> Json:
    own = dict(extras.get(NAME, {}))
    return {"type": "message", "role": "assistant", "status": status, "content": list(parts), "id": item} | own


def text_part(text: str, annotations: Sequence[Raw] = (), logprobs: Sequence[Raw] = ()) -> Json:
    return {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": list(logprobs)}


def refusal_part(text: str) -> Json:
    return {"type": "refusal", "refusal": text}


def reasoning_item(part: Reasoning, item: str) -> Json:
    """Native thought as it came; anyone else's as a summary with our envelope."""
    if part.origin.protocol == NAME:
        body: Json = {
            "type": "reasoning",
            "id": part.id or item,
            "summary": [{"type": "summary_text", "text": text} for text in part.summary],
        }
        if part.text:
            body["content"] = [{"type": "reasoning_text", "text": part.text}]
        if part.encrypted is not None:
            body["encrypted_content"] = part.encrypted
        return body | dict(part.extras.get(NAME, {}))
    summary = part.summary or ((part.text,) if part.text else ())
    return {
        "type": "reasoning",
        "id": item,
        "summary": [{"type": "summary_text", "text": text} for text in summary],
        "encrypted_content": seal(part),
    }


def call_item(part: ToolCall, item: str, status: str = "completed") -> Json:
    if part.kind == "custom":
        body: Json = {"type": "custom_tool_call", "call_id": part.id, "name": part.name, "input": part.arguments}
    else:
        body = {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": part.arguments}
        body["status"] = status
    if part.namespace is not None:
        body["namespace"] = part.namespace
    return {**body, "id": item} | dict(part.extras.get(NAME, {}))


def render_item(part: ResponsePart, reply_id: str, index: int, losses: LossLog) -> Json | None:
    """A whole part as an output item; None where Responses has no item for it (said in `losses`)."""
    return _RENDER[type(part)](part, reply_id, index, losses)


def _render_text(part: Text, reply_id: str, index: int, losses: LossLog) -> Json:
    content = text_part(part.text, [render_citation(c) for c in part.citations], part.logprobs)
    return message_item(item_id("msg", reply_id, index), [content], part.extras)


def _render_refusal(part: Refusal, reply_id: str, index: int, losses: LossLog) -> Json:
    return message_item(item_id("msg", reply_id, index), [refusal_part(part.text)], {})


def _render_reasoning(part: Reasoning, reply_id: str, index: int, losses: LossLog) -> Json:
    return reasoning_item(part, item_id("rs", reply_id, index))


def _render_call(part: ToolCall, reply_id: str, index: int, losses: LossLog) -> Json:
    prefix = "ctc" if part.kind == "custom" else "fc"
    whole = part if part.arguments or part.kind == "custom" else _with_object(part)
    return call_item(whole, item_id(prefix, reply_id, index))


def _with_object(part: ToolCall) -> ToolCall:
    """Clients parse arguments as JSON, so no arguments are an empty object."""
    return ToolCall(id=part.id, name=part.name, arguments="{}", namespace=part.namespace, extras=part.extras)


def _render_media(part: Media, reply_id: str, index: int, losses: LossLog) -> Json | None:
    if part.kind == "image" and part.data is not None:
        item = item_id("ig", reply_id, index)
        return {"type": "image_generation_call", "id": item, "status": "completed", "result": part.data}
    losses.add(f"content[{index}]", f"Responses answers hold no {part.kind}", "content")
    return None


def _render_opaque(part: Opaque, reply_id: str, index: int, losses: LossLog) -> Json | None:
    if part.origin.protocol == NAME:
        return dict(split(part.data))
    losses.add(f"content[{index}]", f"{part.type} is understood by {part.origin.protocol} only", "content")
    return None


_RENDER: dict[type, Callable[[Any, str, int, LossLog], Json | None]] = {
    Text: _render_text,
    Refusal: _render_refusal,
    Reasoning: _render_reasoning,
    ToolCall: _render_call,
    Media: _render_media,
    Opaque: _render_opaque,
}
