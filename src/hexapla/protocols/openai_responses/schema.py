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

NULL = Raw(b"null")


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


def present(raw: Raw) -> bool:
    """Whether a field was there and not null."""
    return bool(raw) and raw != NULL
