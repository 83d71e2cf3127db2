"""Where Chat providers put thought, and how it is read.

Providers disagree on the field (reasoning_content, reasoning, reasoning_text, thinking parts); OpenRouter and a few others
add `reasoning_details`, a list of typed entries with signatures and encrypted data.  `form` remembers the field, so that a
replay uses the same one; details are kept verbatim, streamed fragments of one entry joined.

In a client's history the same list may hold the state of other dialects: what we wrote for the client ourselves (marked
with `origin`), or what OpenRouter relays from the vendors (named by `format`).  Such entries become the Reasoning parts
that their own dialects understand, so that a conversation can change provider and keep its thought.

Rules of this file: reading only (`thought.py` writes); nothing raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from hexapla.ir.content import Origin, Reasoning
from hexapla.protocols.openai_chat.schema import NAME, Delta
from hexapla.wire.rawjson import dump, load

ORIGIN = Origin(NAME)

FORMS = ("reasoning_content", "reasoning", "thinking", "reasoning_text", "thought")
"""Fields that carry readable thought, in the order in which the first non-empty one is believed."""

DETAILS = "reasoning_details"
PART = "thinking_part"  # Mistral: a part of the content list

FORMATS: dict[str, str] = {
    # OpenRouter's names for whose state an entry is (https://openrouter.ai/docs/use-cases/reasoning-tokens, 2026-08)
    "anthropic-claude-v1": "anthropic_messages",
    "openai-responses-v1": "openai_responses",
    "google-gemini-v1": "gemini_generate",
}

Detail = dict[str, Any]


def thinks(delta: Delta) -> object:
    """Truthy when there is anything of thought in a delta: the quick look that every delta gets."""
    return (
        delta.reasoning_content
        or delta.reasoning
        or delta.reasoning_details
        or delta.reasoning_opaque
        or delta.reasoning_text
        or delta.thinking
        or delta.thought
    )


def readable(delta: Delta) -> tuple[str, str]:
    """(form, text) of the thought in a message or delta; ("", "") when there is none."""
    for form in FORMS:
        value = getattr(delta, form)
        if isinstance(value, dict):
            value = value.get("content") or value.get("text") or value.get("summary")
        if isinstance(value, str) and value:
            return form, value
    text = details_text(listed(delta.reasoning_details)) if delta.reasoning_details else ""
    return (DETAILS, text) if text else ("", "")


def listed(details: Raw | None) -> list[Detail]:
    """The entries of a reasoning_details field; none when it is no list."""
    found = load(details, list[Any]) if details else None
    return [entry for entry in found or () if isinstance(entry, dict)]


def pieces_of(details: Raw) -> Raw | None:
    """A streamed list of entries as bytes of its own, unread; None for an empty one and for what is no list."""
    said = bytes(details)
    return Raw(said) if said.startswith(b"[") and len(said) > 2 else None


def details_text(details: Sequence[Detail]) -> str:
    """All readable text of some entries."""
    return "".join(_text(entry, "text") or _text(entry, "summary") for entry in details)


def thought_of(message: Delta) -> tuple[Reasoning, ...]:
    """The thought of a whole answer: one part, with everything that came beside the text."""
    form, text = readable(message)
    details = merge_details(listed(message.reasoning_details))
    if not text and not details and not message.reasoning_opaque:
        return ()
    return (
        Reasoning(
            text=text,
            encrypted=message.reasoning_opaque,
            details=dump(details) if details else None,
            form=form or DETAILS,
            origin=ORIGIN,
        ),
    )


def merge_details(details: Sequence[Detail]) -> list[Detail]:
    """Streamed fragments joined: neighbours of one type and index are one entry, their texts appended."""
    merged: list[Detail] = []
    for entry in details:
        if merged and _continues(merged[-1], entry):
            merged[-1] = _joined(merged[-1], entry)
        else:
            merged.append(entry)
    return merged


def _continues(last: Detail, entry: Detail) -> bool:
    same = all(last.get(name) == entry.get(name) for name in ("type", "index"))
    other = last.get("id") and entry.get("id") and last["id"] != entry["id"]
    readable_kind = entry.get("type") in ("reasoning.text", "reasoning.summary")
    return same and readable_kind and not other and not last.get("signature")


def _joined(last: Detail, entry: Detail) -> Detail:
    joined = {**last, **{name: value for name, value in entry.items() if value is not None}}
    for name in ("text", "summary"):
        if name in joined:
            joined[name] = _text(last, name) + _text(entry, name)
    return joined


# thought that comes back in a history


def history_thought(forms: Mapping[str, str], details: Raw | None, opaque: str | None) -> tuple[Reasoning, ...]:
    """The thought of an assistant turn that a client sends back.

    forms    readable fields that were there, by name
    details  reasoning_details as sent
    opaque   Copilot's reasoning_opaque, kept as encrypted
    """
    form, text = next(iter(forms.items()), ("", ""))
    parts = [_part(group) for group in _groups(merge_details(listed(details)))]
    if not any(part.readable for part in parts):
        parts = _with_text(parts, form, text)
    elif form:
        parts = [replace(part, form=form) if part.form == DETAILS and part.readable else part for part in parts]
    if opaque:
        place = next((i for i, part in enumerate(parts) if part.origin == ORIGIN and part.details is None), None)
        if place is None:
            return (*parts, Reasoning(encrypted=opaque, form="reasoning_text", origin=ORIGIN))
        parts[place] = replace(parts[place], encrypted=opaque)
    return tuple(parts)


def _with_text(parts: list[Reasoning], form: str, text: str) -> list[Reasoning]:
    """The readable field belongs to the one signed part whose text got lost on the way, else it is a thought itself."""
    if not text:
        return parts
    bare = [i for i, part in enumerate(parts) if part.signature and not part.readable]
    if len(bare) == 1:
        return [replace(part, text=text) if i == bare[0] else part for i, part in enumerate(parts)]
    return [Reasoning(text=text, form=form, origin=ORIGIN), *parts]


def _groups(details: Sequence[Detail]) -> Iterator[tuple[Origin, list[Detail]]]:
    """Entries that are one thought: neighbours of one owner, cut where the owner's dialect cuts."""
    owner, group = ORIGIN, list[Detail]()
    for entry in details:
        whose = _owner(entry)
        if group and (whose != owner or _begins(owner, group, entry)):
            yield owner, group
            group = []
        owner = whose
        group.append(entry)
    if group:
        yield owner, group


def _owner(entry: Detail) -> Origin:
    """Who can use an entry: as our own mark says, else as its format says."""
    protocol, slash, provider = _text(entry, "origin").partition("/")
    if slash and protocol:
        return Origin(protocol, provider)
    return Origin(FORMATS.get(_text(entry, "format"), NAME))


def _begins(owner: Origin, group: list[Detail], entry: Detail) -> bool:
    """Whether `entry` is another thought of the same owner.  Responses' items hold several entries: summaries, text and
    encrypted data under one id; Messages' blocks and Gemini's signatures are one entry each."""
    if owner.protocol == NAME:
        return False
    if owner.protocol != "openai_responses":
        return True
    ids = {said for each in (*group, entry) if (said := _text(each, "id"))}
    return len(ids) > 1 or group[-1].get("type") == "reasoning.encrypted"


def _part(owned: tuple[Origin, list[Detail]]) -> Reasoning:
    """A group of entries as the part that its owner understands; relayed state keeps its entries for the relay."""
    owner, group = owned
    part = Reasoning(
        text="".join(_text(entry, "text") for entry in group),
        summary=tuple(entry["summary"] for entry in group if isinstance(entry.get("summary"), str)),
        signature=_last(group, "signature"),
        encrypted=_last(group, "data"),
        id=_last(group, "id"),
        form=DETAILS,
        origin=owner,
    )
    if any(_text(entry, "origin") for entry in group):
        return replace(part, form="redacted_thinking" if part.encrypted and not part.readable else "thinking")
    if part.signature is None and part.encrypted is None:  # nothing that its vendor would take back
        return Reasoning(text=part.readable, details=dump(group), form=DETAILS, origin=ORIGIN)
    if owner == ORIGIN:
        return Reasoning(text=details_text(group), details=dump(group), form=DETAILS, origin=ORIGIN)
    return replace(part, details=dump(group))


def _last(group: Sequence[Detail], name: str) -> str | None:
    return next((said for entry in reversed(group) if (said := _text(entry, name))), None)


def _text(entry: Detail, name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""
