"""How a target is asked to go on with an answer that was begun: by another attempt, or by the client itself.

Where it continues a turn of its own, the answer so far stands at the end of the request as the beginning of that turn, in
the vendor's own way (catalog/schema.py: Continuation); else it is asked in words.

Rules of this file: pure; requests only, what comes back is told by `resume.py` and `prefill.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from hexapla.catalog.schema import Continuation, Quirks
from hexapla.ir.content import AnyPart, Extras, Text
from hexapla.ir.request import GenerateRequest, Message
from hexapla.ir.target import Target
from hexapla.translate.summary import BYTES_PER_TOKEN

GO_ON = (
    "Your answer above was cut off by a network failure. Continue it exactly where it stops, beginning with the very next "
    "character. Repeat nothing of it and say nothing about the interruption."
)
# OpenAI's Responses take no smaller limit (https://platform.openai.com/docs/api-reference/responses, 2026-08)
LEAST_TOKENS = 16

REPEATED = 4  # so many characters said again after GO_ON are a repetition
ECHOED = 32  # where a turn is continued, fewer may well be meant: rows of a table, a song


def resumable(request: GenerateRequest) -> bool:
    """Whether the answer to `request` is one that could be continued."""
    free = request.output is None or request.output.kind == "text"
    return request.stream and free and request.continues is None and (request.sampling.n or 1) == 1


_OWN = {"anthropic_messages": Continuation()}
"""Protocols whose inventor goes on in a turn that was begun."""


def way_on(request: GenerateRequest, target: Target, quirks: Quirks) -> Continuation | None:
    """How the target is asked to go on in a turn that was begun for it; None where it is asked in words.

    Nobody goes on in a turn while it thinks: Messages refuses it, others can do it without thinking only
    (https://docs.claude.com/en/docs/build-with-claude/extended-thinking, 2026-11).
    """
    thinks = request.reasoning is not None and request.reasoning.mode != "disabled"
    way = quirks.continuation or _OWN.get(target.origin.protocol)
    return way if way is not None and way.turn and target.prefill and not thinks else None


def continued(request: GenerateRequest, said: str, target: Target, way: Continuation | None) -> GenerateRequest:
    """`request` as it is put to `target` after `said`, the answer so far."""
    if request.max_tokens is not None:
        left = request.max_tokens - len(said.encode()) // BYTES_PER_TOKEN
        request = replace(request, max_tokens=max(LEAST_TOKENS, left))
    text = said.rstrip()  # Messages refuses a last turn that ends in white space
    if not text:
        return request
    turns, begun = request.messages, Message(role="assistant", content=(Text(text=text),))
    if turns and turns[-1].role == "assistant":  # the client's own beginning
        turns, begun = turns[:-1], replace(turns[-1], content=_more(turns[-1].content, text))
    if way is None:
        return replace(request, messages=(*turns, begun, Message(role="user", content=(Text(text=GO_ON),), plain=True)))
    own = target.origin.protocol
    begun = replace(begun, extras=with_fields(begun.extras, own, way.message))
    return replace(request, messages=(*turns, begun), extras=with_fields(request.extras, own, way.request))


def repeated(said: str) -> int:
    """How many characters of `said`, the answer so far, are a repetition when they are said again after GO_ON.

    Whoever has been told no more than a word's beginning begins the answer anew more often than not.  All of it, said
    again at once, is a repetition too: a word does not go on with its own beginning.  One sign may ("11", many a Chinese
    word), and so may a row of one sign ("##"); these are told twice where they are said twice.
    """
    whole = said.rstrip()
    return min(len(whole), REPEATED) if len(set(whole)) > 1 else REPEATED


def begins(request: GenerateRequest) -> str:
    """The beginning of the answer that the client itself put into its request, or ""."""
    last = request.messages[-1] if request.messages else None
    if last is None or last.role != "assistant":
        return ""
    return "".join(part.text for part in last.content if isinstance(part, Text))


def _more(content: tuple[AnyPart, ...], text: str) -> tuple[AnyPart, ...]:
    """`content` and more text, in one part where that is possible: many servers take a string only."""
    if content and isinstance(content[-1], Text):
        return (*content[:-1], replace(content[-1], text=content[-1].text + text))
    return (*content, Text(text=text))


def with_fields(extras: Extras, protocol: str, fields: Mapping[str, Any]) -> Extras:
    """`extras` with more of a protocol's own fields."""
    return {**extras, protocol: {**extras.get(protocol, {}), **fields}} if fields else extras
