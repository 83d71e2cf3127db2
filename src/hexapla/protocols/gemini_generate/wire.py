"""What Gemini's answers look like on the wire, read leniently: every field has a default that means "absent"."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hexapla.protocols.unread import Look
from hexapla.wire.rawjson import load


class WireCall(msgspec.Struct, rename="camel"):
    id: str | None = None
    name: str | None = None
    args: Raw = Raw()


class WireBlob(msgspec.Struct, rename="camel"):
    mime_type: str | None = None
    data: str | None = None
    file_uri: str | None = None


class WirePart(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: WireCall | None = None
    inline_data: WireBlob | None = None
    file_data: WireBlob | None = None


class WireContent(msgspec.Struct, rename="camel"):
    parts: list[Raw] | None = None


class WireCandidate(msgspec.Struct, rename="camel"):
    content: WireContent | None = None
    finish_reason: str | int | None = None
    index: int | None = None
    finish_message: Raw = Raw()
    safety_ratings: Raw = Raw()
    grounding_metadata: Raw = Raw()
    citation_metadata: Raw = Raw()
    url_context_metadata: Raw = Raw()
    avg_logprobs: Raw = Raw()
    logprobs_result: Raw = Raw()


class WireChunk(msgspec.Struct, rename="camel"):
    """An answer, whole or a piece of a stream: the same shape."""

    candidates: list[WireCandidate] | None = None
    usage_metadata: Raw = Raw()
    prompt_feedback: Raw = Raw()
    model_version: str | None = None
    response_id: str | None = None
    create_time: Raw = Raw()
    model_status: Raw = Raw()
    error: Raw = Raw()


CANDIDATE_EXTRAS = {
    "finish_message": "finishMessage",
    "safety_ratings": "safetyRatings",
    "grounding_metadata": "groundingMetadata",
    "citation_metadata": "citationMetadata",
    "url_context_metadata": "urlContextMetadata",
    "avg_logprobs": "avgLogprobs",
}
"""What a candidate says that only Gemini says; the last word counts."""

CHUNK_EXTRAS = {"prompt_feedback": "promptFeedback", "create_time": "createTime", "model_status": "modelStatus"}

LOOK = Look(WireChunk, ("candidates.content.role", "candidates.tokenCount", "sdkHttpResponse"))
PART = Look(WirePart, ("executableCode", "codeExecutionResult", "toolCall", "toolResponse", "partMetadata"))
"""Read chunks, and parts; those that only Gemini has are carried, or lost, as a whole."""

decode_chunk = msgspec.json.Decoder(WireChunk).decode


class Feedback(msgspec.Struct, rename="camel"):
    """Why a prompt was blocked."""

    block_reason: str | int | None = None


def blocked(raw: Raw) -> str | None:
    """The word for which a prompt was refused, if it was."""
    reason = (load(raw, Feedback) or Feedback()).block_reason
    return str(reason) if reason else None
