"""Items of an answer, read: what a model said.

One Text part is one content part of a message item.  The item's own fields (id, phase, status and whatever else stands
there) travel flat in the part's extras, so every other part of the same item carries them too and they find together
again; what else the content part itself holds travels among them as `part`.  Reasoning, calls and the items that only
Responses knows are one part each.

A status follows from how the answer ended and is left out.  What looks like our envelope is an upstream's own state here.

Rules of this file: total on what upstreams send; a client's items are read by `input.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Raw

from hexapla.ir.content import Citation, Extras, Media, Opaque, Reasoning, Refusal, Text, ToolCall, Unknown
from hexapla.ir.response import ResponsePart
from hexapla.protocols.openai_responses.words import NAME, ORIGIN
from hexapla.protocols.typed import present
from hexapla.wire.rawjson import NULL, dump, load

Item = dict[str, Raw]

PART = "part"
"""Where a Text's extras keep the fields of its content part, beside those of its item."""

_TEXTS = frozenset({"output_text", "text", "input_text"})


def parse_item(raw: Raw | bytes) -> list[ResponsePart]:
    """One item as parts: a message may hold several, or none."""
    fields = load(raw, dict[str, Raw])
    if fields is None:
        return []
    kind = text_of(fields, "type") or ("message" if "role" in fields else "")
    parse = _PARSE.get(kind)
    if parse is None or (kind == _PICTURE and not text_of(fields, "result")):
        return [Opaque(origin=ORIGIN, type=kind, data=Raw(bytes(raw)))]
    fields.pop("status", None)
    return parse(fields)


def text_of(fields: Mapping[str, Unknown], name: str) -> str | None:
    """A field that is a string; None for anything else."""
    raw = fields.get(name)
    return load(raw, str) if isinstance(raw, Raw) else None


def rest_of(fields: Item, *known: str) -> Extras:
    """Unknown fields, copied out of the buffer that they came in."""
    rest = {name: Raw(bytes(raw)) for name, raw in fields.items() if name not in known and raw != NULL}
    return {NAME: rest} if rest else {}


# messages


def message_extras(fields: Item) -> Extras:
    """A message item's own fields, for each of its parts."""
    return rest_of(fields, "type", "role", "content")


def _message(fields: Item) -> list[ResponsePart]:
    content, extras = fields.get("content", Raw()), message_extras(fields)
    parts = load(content, list[Raw])
    if parts is None:
        text = load(content, str)
        return [] if text is None else [Text(text=text, extras=extras)]
    return [parse_content(part, extras) for part in parts]


def parse_content(raw: Raw, extras: Extras) -> ResponsePart:
    """One content part of an assistant's message item whose own fields are `extras`."""
    fields = load(raw, dict[str, Raw])
    if fields is None:
        return Text(text=load(raw, str) or "", extras=extras)
    kind = text_of(fields, "type") or ""
    if kind in _TEXTS:
        return Text(
            text=text_of(fields, "text") or "",
            citations=tuple([parse_citation(note) for note in _listed(fields, "annotations")]),
            logprobs=tuple([Raw(bytes(probability)) for probability in _listed(fields, "logprobs")]),
            extras=with_part(extras, rest_of(fields, "type", "text", "annotations", "logprobs").get(NAME, {})),
        )
    if kind == "refusal":
        return Refusal(text=text_of(fields, "refusal") or "")
    if kind == "reasoning_text":
        return Reasoning(text=text_of(fields, "text") or "", form="reasoning_text", origin=ORIGIN)
    return Opaque(origin=ORIGIN, type=kind, data=_alone(raw, extras))


def _alone(part: Raw, extras: Extras) -> Raw:
    """A content part that nobody knows, as a message item of its own: an Opaque of an assistant is always an item."""
    own = {name: value for name, value in extras.get(NAME, {}).items() if name != "id"}
    return dump({"type": "message", "role": "assistant", "status": "completed", **own, "content": [part]})


def with_part(item: Extras, part: Mapping[str, Unknown]) -> Extras:
    """An item's own fields, and what else its content part holds."""
    return {NAME: {**item.get(NAME, {}), PART: part}} if part else item


def _listed(fields: Item, name: str) -> list[Raw]:
    return load(fields.get(name, Raw()), list[Raw]) or []


def parse_logprob(raw: Raw) -> Raw:
    """A token's probability as a whole answer has it; a stream may leave out the others, and what they are."""
    fields = load(raw, dict[str, Raw]) or {}
    others = load(fields.get("top_logprobs", Raw()), list[dict[str, Raw]]) or []
    whole = [other for other in others if other.get("token", NULL) != NULL and other.get("logprob", NULL) != NULL]
    if len(whole) == len(others) and present(fields.get("top_logprobs", NULL)) is not None:
        return Raw(bytes(raw))
    return dump({**fields, "top_logprobs": whole})


def parse_citation(raw: Raw) -> Citation:
    """An annotation, whole for its own dialect and in parts for others."""
    fields = load(raw, dict[str, Raw]) or {}
    return Citation(
        url=text_of(fields, "url"),
        title=text_of(fields, "title") or text_of(fields, "filename"),
        start=load(fields.get("start_index", Raw()), int),
        end=load(fields.get("end_index", Raw()), int),
        origin=NAME,
        native=Raw(bytes(raw)),
    )


# reasoning


def _reasoning(fields: Item) -> list[ResponsePart]:
    return [
        Reasoning(
            text="".join(_paragraphs(fields, "content")),
            summary=tuple(_paragraphs(fields, "summary")),
            encrypted=text_of(fields, "encrypted_content") or None,
            id=text_of(fields, "id"),
            form="reasoning",
            origin=ORIGIN,
            extras=rest_of(fields, "type", "id", "summary", "content", "encrypted_content"),
        )
    ]


def _paragraphs(fields: Item, name: str) -> list[str]:
    listed = load(fields.get(name, Raw()), list[dict[str, Raw]]) or []
    return [text_of(part, "text") or "" for part in listed]


# calls


def _call(fields: Item) -> list[ResponsePart]:
    return [
        ToolCall(
            id=text_of(fields, "call_id") or text_of(fields, "id") or "",
            name=text_of(fields, "name") or "",
            arguments=_arguments(fields),
            namespace=text_of(fields, "namespace"),
            extras=rest_of(fields, "type", "call_id", "name", "arguments", "namespace"),
        )
    ]


def _arguments(fields: Item) -> str:
    """Arguments as text; servers that followed OpenAI send the object itself."""
    raw = fields.get("arguments", NULL)
    text = load(raw, str)
    return bytes(raw).decode("utf-8", "replace") if text is None and raw != NULL else text or ""


def _custom_call(fields: Item) -> list[ResponsePart]:
    return [
        ToolCall(
            id=text_of(fields, "call_id") or text_of(fields, "id") or "",
            name=text_of(fields, "name") or "",
            arguments=text_of(fields, "input") or "",
            kind="custom",
            namespace=text_of(fields, "namespace"),
            extras=rest_of(fields, "type", "call_id", "name", "input", "namespace"),
        )
    ]


# pictures

_PICTURE = "image_generation_call"
"""A picture that the model had made."""


def _picture(fields: Item) -> list[ResponsePart]:
    return [
        Media(
            kind="image",
            data=text_of(fields, "result"),
            media_type=f"image/{text_of(fields, 'output_format') or 'png'}",
            extras=rest_of(fields, "type", "result"),
        )
    ]


_PARSE: dict[str, Callable[[Item], list[ResponsePart]]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _call,
    "custom_tool_call": _custom_call,
    _PICTURE: _picture,
}
