"""A whole answer: parts, why it stopped, what it used.

Usage follows OpenAI's arithmetic: input *includes* cached and cache-written tokens, output *includes* reasoning.
Messages' three input counts are added on parsing and split on rendering.  A count that the upstream did not send is
None; nothing is estimated here.

Rules of this file: values only; `None` means "not said".
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hexapla.ir.content import Extras, Media, Opaque, Reasoning, Refusal, Text, ToolCall

ResponsePart = Text | Refusal | Reasoning | ToolCall | Media | Opaque

StopReason = Literal["stop", "length", "tool_calls", "content_filter", "stop_sequence", "pause", "error"]


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Token counts of one answer, and the provider's own bill where it sends one.

    cost  in the provider's own credits (OpenRouter: US dollars), exactly as sent
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None  # of input: read from a cache
    cache_write: int | None = None  # of input: written to a cache, all lifetimes together
    cache_write_1h: int | None = None  # of cache_write: the one-hour part
    reasoning: int | None = None  # of output
    audio_input: int | None = None  # of input
    audio_output: int | None = None  # of output
    searches: int | None = None  # of the web, which the provider made and bills apart
    cost: float | None = None
    extras: Extras = {}

    def merge(self, later: Usage) -> Usage:
        """Return self overlaid with every count that `later` knows: later, larger reports replace earlier ones."""
        known = {name: value for name in _USAGE_FIELDS if (value := getattr(later, name)) is not None}
        if later.extras:
            known["extras"] = later.extras
        return msgspec.structs.replace(self, **known)

    def plus(self, other: Usage) -> Usage:
        """Return the counts of two answers together; a bill of which one half is unknown is unknown."""
        both = {
            name: (getattr(self, name) or 0) + (getattr(other, name) or 0)
            for name in _USAGE_FIELDS
            if getattr(self, name) is not None or getattr(other, name) is not None
        }
        if self.cost is None or other.cost is None:
            both.pop("cost", None)
        return Usage(**both, extras=other.extras or self.extras)


_USAGE_FIELDS = tuple(name for name in Usage.__struct_fields__ if name != "extras")


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Why the answer ended: our word, the native word, and the sequence that stopped it where the wire says so."""

    reason: StopReason
    native: str | None = None
    sequence: str | None = None
    extras: Extras = {}  # stop_details, incomplete_details ... by protocol


class GenerateResponse(msgspec.Struct, frozen=True, kw_only=True):
    """One finished answer.  `model` is what the upstream names; None where it names none; `unread` are the fields that
    nobody here knows."""

    id: str | None = None
    model: str | None = None
    content: tuple[ResponsePart, ...] = ()
    stop: Stop | None = None  # None: the wire gave no reason (rendered as stop, with a Loss note)
    usage: Usage | None = None
    created: int | None = None  # Unix seconds
    service_tier: str | None = None
    origin: str = ""  # protocol it was parsed from
    extras: Extras = {}
    unread: tuple[str, ...] = ()
