"""What Responses answers and events look like on the wire, read leniently.

Only what somebody reads is declared; what must survive stays `Raw`.  A document that does not fit even so goes through
`wire.lenient.fit`, which leaves out what is wrong: servers that followed OpenAI send dates as text, numbers as ids and
null for anything.

Rules of this file: every field has a default that means "absent".
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from hexapla.protocols.unread import Look


class Incomplete(msgspec.Struct):
    """incomplete_details."""

    reason: str | None = None


class WireResponse(msgspec.Struct):
    """An answer, or the `response` of a stream event.  type "error" is an error in an answer's place."""

    type: str | None = None
    id: str | None = None
    model: str | None = None
    status: str | None = None
    created_at: float | None = None
    output: list[Raw] | None = None
    incomplete_details: Incomplete | None = None
    usage: Raw = Raw()
    error: Raw = Raw()
    service_tier: str | None = None

    @property
    def created(self) -> int | None:
        """Unix seconds; transformers serve and others send fractions."""
        return int(self.created_at) if self.created_at is not None else None


class WireEvent(msgspec.Struct):
    """Every field that a stream event of any kind may carry.  delta: an early form of summary deltas was {"text"}."""

    type: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    delta: str | dict[str, Any] | None = None
    item_id: str | None = None
    logprobs: list[Raw] | None = None
    summary_index: int | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    input: str | None = None
    annotation: Raw = Raw()
    item: Raw = Raw()
    part: Raw = Raw()
    response: WireResponse | None = None
    error: Raw = Raw()


_ECHOED = (
    # what an answer repeats of its request, or says of itself in another field as well
    *("object", "background", "completed_at", "instructions", "max_output_tokens", "max_tool_calls", "metadata"),
    *("parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options"),
    *("prompt_cache_retention", "reasoning", "safety_identifier", "store", "temperature", "text", "tool_choice"),
    *("tools", "top_logprobs", "top_p", "truncation", "user", "presence_penalty", "frequency_penalty", "output_text"),
    *("conversation", "include"),
    # a server's own measures, and verdicts of filters that let the answer pass
    *("billing", "tool_usage", "moderation", "content_filters"),
)
WHOLE = Look(WireResponse, _ECHOED)
EVENT = Look(
    WireEvent,
    (
        *(f"response.{name}" for name in _ECHOED),
        *("sequence_number", "obfuscation", "annotation_index", "name", "command_index"),
    ),
)
"""Read answers and events; what is quiet was counted in recorded ones (2026-11)."""
