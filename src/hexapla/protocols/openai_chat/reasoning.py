"""Where Chat providers put thought, and how it goes back.

Providers disagree on the field (reasoning_content, reasoning, reasoning_text, thinking parts); OpenRouter adds
`reasoning_details`, a list of typed fragments with signatures and encrypted data.  `form` remembers the field, so that a
replay uses the same one; details are kept verbatim, fragments of one entry merged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Raw

from hexapla.ir.content import Origin, Reasoning
from hexapla.protocols.openai_chat.schema import NAME, Delta
from hexapla.wire.rawjson import dump, load

ORIGIN = Origin(NAME)

FORMS = ("reasoning_content", "reasoning", "thinking", "reasoning_text", "thought")
"""Fields that carry readable thought, in the order in which the first non-empty one is believed."""

_FORMAT_OF = {
    # OpenRouter's names for whose state a detail is (https://openrouter.ai/docs/use-cases/reasoning-tokens, 2026-08)
    "anthropic_messages": "anthropic-claude-v1",
    "openai_responses": "openai-responses-v1",
    "gemini_generate": "google-gemini-v1",
}


def readable(delta: Delta) -> tuple[str, str]:
    """(form, text) of the thought in a message or delta; ("", "") when there is none."""
    for form in FORMS:
        value = getattr(delta, form)
        if isinstance(value, dict):
            value = value.get("content") or value.get("text") or value.get("summary")
        if isinstance(value, str) and value:
            return form, value
    if delta.reasoning_details:
        text = "".join(_detail_text(detail) for detail in delta.reasoning_details)
        if text:
            return "reasoning_details", text
    return "", ""


def _detail_text(detail: Any) -> str:
    if not isinstance(detail, dict):
        return ""
    text = detail.get("text") or detail.get("summary")
    return text if isinstance(text, str) else ""


def merge_details(details: Sequence[Any]) -> list[Any]:
    """Streamed fragments joined: neighbours of one type and index are one entry, their texts appended."""
    merged: list[Any] = []
    for detail in details:
        if merged and _continues(merged[-1], detail):
            merged[-1] = _joined(merged[-1], detail)
        else:
            merged.append(detail)
    return merged


def _continues(last: Any, detail: Any) -> bool:
    if not isinstance(last, dict) or not isinstance(detail, dict):
        return False
    same = all(last.get(name) == detail.get(name) for name in ("type", "index"))
    return same and detail.get("type") in ("reasoning.text", "reasoning.summary") and not last.get("signature")


def _joined(last: dict[str, Any], detail: dict[str, Any]) -> dict[str, Any]:
    joined = {**last, **{name: value for name, value in detail.items() if value is not None}}
    for name in ("text", "summary"):
        if name in last or name in detail:
            joined[name] = (last.get(name) or "") + (detail.get(name) or "")
    return joined


def details_of(part: Reasoning, *, with_text: bool) -> Raw | None:
    """`part` as reasoning_details: verbatim where it came so, else in OpenRouter's form.

    with_text  False where the text has been streamed already, so that nobody counts it twice
    """
    if part.details is not None:
        return part.details if with_text else _without_text(part.details)
    entries = _entries(part, with_text=with_text)
    return dump(entries) if entries else None


def text_detail(part: Reasoning, text: str) -> Raw:
    """One streamed piece of readable thought as a detail."""
    return dump([_entry(part, {"type": "reasoning.text", "text": text})])


def _entries(part: Reasoning, *, with_text: bool) -> list[dict[str, Any]]:
    entries = []
    if part.readable and (with_text or part.signature):
        text: dict[str, Any] = {"type": "reasoning.text", "text": part.readable if with_text else ""}
        if part.signature:
            text["signature"] = part.signature
        entries.append(_entry(part, text))
    elif part.signature:
        entries.append(_entry(part, {"type": "reasoning.text", "text": "", "signature": part.signature}))
    if part.encrypted is not None:
        entries.append(_entry(part, {"type": "reasoning.encrypted", "data": part.encrypted}))
    return entries


def _entry(part: Reasoning, fields: dict[str, Any]) -> dict[str, Any]:
    """A detail; `origin` says who thought it, so that it finds its way back (OpenRouter's own have none)."""
    origin = part.origin
    entry = {**fields, "format": _FORMAT_OF.get(origin.protocol, "unknown"), "index": 0}
    if origin.protocol != NAME:
        entry["origin"] = f"{origin.protocol}/{origin.provider}"
    return {**entry, "id": part.id} if part.id else entry


def _without_text(details: Raw) -> Raw:
    listed = load(details, list[Any]) or []
    return dump([_emptied(detail) for detail in listed])


def _emptied(detail: Any) -> Any:
    if not isinstance(detail, dict):
        return detail
    return {name: "" if name in ("text", "summary") else value for name, value in detail.items()}


def reasoning_of(forms: Mapping[str, str], details: Raw | None, opaque: str | None = None) -> tuple[Reasoning, ...]:
    """The thought of an assistant message in a history or an answer.

    forms    readable fields that were there, by name
    details  reasoning_details as sent
    opaque   Copilot's reasoning_opaque, kept as encrypted
    """
    listed = merge_details(load(details, list[Any]) or []) if details is not None else []
    foreign = _foreign(listed, next(iter(forms.values()), ""))
    if foreign:
        return foreign
    if not forms and not listed and not opaque:
        return ()
    form, text = next(iter(forms.items()), ("reasoning_details", "".join(_detail_text(d) for d in listed)))
    return (
        Reasoning(
            text=text,
            details=dump(listed) if listed else None,
            encrypted=opaque,
            form=form,
            origin=ORIGIN,
        ),
    )


def _foreign(details: Sequence[Any], text: str) -> tuple[Reasoning, ...]:
    """Details that name their origin, which only ours do, restored to it; () when any of them does not."""
    parts: list[Reasoning] = []
    for detail in details:
        origin = _string(detail.get("origin")) if isinstance(detail, dict) else None
        if origin is None:
            return ()
        parts.append(_restored(detail, origin, text))
    return tuple(parts)


def _restored(detail: Mapping[str, Any], origin: str, text: str) -> Reasoning:
    protocol, _, provider = origin.partition("/")
    encrypted = _string(detail.get("data"))
    said = _string(detail.get("text")) or ("" if encrypted else text)
    return Reasoning(
        text=said,
        signature=_string(detail.get("signature")),
        encrypted=encrypted,
        id=_string(detail.get("id")),
        form="thinking",
        origin=Origin(protocol, provider),
    )


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
