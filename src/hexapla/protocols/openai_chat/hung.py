"""What a vendor hangs on a call, or on a turn, and wants back with it: there and back.

Google's compatible endpoint signs the first call of an answer, or the turn where there is none, and refuses the next turn
of Gemini 3 without (https://ai.google.dev/gemini-api/docs/thought-signatures, 2026-11-28); Kimi's builtin_function is a
type of its own.  A Chat client finds it on the call.  For clients of other dialects it is a Reasoning part that says
nothing, so that it travels as thought does: whatever brings thought back brings this back.

Rules of this file: nothing is read but whether it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from msgspec import Raw

from hexapla.ir.content import HUNG, Extras, Reasoning, Unknown
from hexapla.protocols.openai_chat.reasoning import ORIGIN
from hexapla.protocols.openai_chat.schema import NAME, Delta, ToolDelta
from hexapla.wire.rawjson import copied, dump

Json = dict[str, Any]


def call_extras(delta: ToolDelta) -> Extras:
    """What hangs on a call: beside it, inside its function, or as a type that is neither function nor custom."""
    kept: dict[str, Unknown] = {}
    if delta.type not in (None, "", "function", "custom"):
        kept["type"] = dump(delta.type)
    if (own := copied(delta.extra_content)) is not None:
        kept["extra_content"] = own
    if delta.function is not None and (signature := copied(delta.function.thought_signature)) is not None:
        kept["function"] = {"thought_signature": signature}
    return {NAME: kept} if kept else {}


def turn_extras(message: Delta) -> Extras:
    """The signature of a turn that is text, which stands beside it."""
    signed = b'"thought_signature"' in bytes(message.extra_content)
    return {NAME: {"extra_content": Raw(bytes(message.extra_content))}} if signed else {}


def hung(extras: Extras, call_id: str | None) -> Reasoning:
    """As a part; call_id None: it hangs on the whole turn."""
    return Reasoning(id=call_id, form=HUNG, origin=ORIGIN, extras=extras)


class Hanging(NamedTuple):
    """A part that came back.  `following`: the place of the call that it stood before;  `path`: its own, with a dot."""

    part: Reasoning
    following: int
    path: str


def hang(body: Json, calls: list[Json], found: Sequence[Hanging], beside: Callable[[Json, Extras, str], Json]) -> Json:
    """The turn's body, with everything on it and on its calls again: by id, or on the call that followed, where the
    client knows it by another id.  `beside` puts extras into an object."""
    for part, following, path in found:
        place = next((place for place, call in enumerate(calls) if call["id"] == part.id), following)
        if part.id is None:
            body = beside(body, part.extras, path)
        elif place < len(calls):
            calls[place] = beside(calls[place], part.extras, path)
    return body
