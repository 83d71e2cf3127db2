"""A refusal in the client's dialect, with what OpenRouter's clients look for in it.

At /v1 the dialect's own body stands, and `error_type`, `availability` and `previous_errors` are added beside its fields.
At /api/v1, where programs expect OpenRouter, Chat's and Responses' errors have its shape: a number as `code`, everything
else in `metadata` (https://openrouter.ai/docs/api/reference/errors-and-debugging, 2026-08-22).  Gemini's are left alone.

Rules of this file: a 500 tells nothing of the request's way.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hexapla.chinese import in_chinese
from hexapla.engine.client import Ask
from hexapla.engine.story import Story
from hexapla.errors import GatewayError, RoutingError
from hexapla.protocols.error_types import ERROR_TYPES

Json = dict[str, Any]

MESSAGES = "anthropic_messages"
GEMINI = "gemini_generate"


def told(ask: Ask, error: GatewayError, rendered: tuple[int, bytes], story: Story, answer_id: str) -> tuple[int, bytes]:
    """(status, body) of `error`, `rendered` by its dialect."""
    status, body = rendered
    protocol, openrouter = ask.protocol, ask.openrouter
    if protocol == GEMINI:
        return rendered
    value: Json = msgspec.json.decode(body)
    availability = story.availability(error) if status != 500 else None
    kind, theirs = _kind(error, availability)
    status = theirs if openrouter and theirs else status
    previous = story.previous() if status != 500 else []
    if protocol == MESSAGES:
        _messages(value, kind, previous)
        if openrouter:
            value["request_id"] = answer_id
    elif openrouter:
        value = {"error": _plain(value["error"], error, status, kind, previous)}
        if protocol == "openai_responses":
            value["error_type"] = kind
    else:
        more: Json = {"error_type": kind, **({"previous_errors": previous} if previous else {})}
        value["error"]["metadata"] = {**value["error"].get("metadata", {}), **more}
    if availability is not None:
        value["error"]["availability"] = availability
    if ask.metadata and status != 500 and story.models:
        rejected = [name for name, _ in error.rejected] if isinstance(error, RoutingError) else []
        value["openrouter_metadata"] = story.metadata(rejected=rejected)
    return status, msgspec.json.encode(value)


def told_plainly(error: GatewayError, rendered: tuple[int, bytes]) -> tuple[int, bytes]:
    """The same where OpenRouter's clients ask for something else than an answer."""
    status, body = rendered
    inner: Json = msgspec.json.decode(body)["error"]
    return status, msgspec.json.encode({"error": _plain(inner, error, status, ERROR_TYPES[error.kind], [])})


def told_in_chinese(body: bytes) -> bytes:
    """`body` with its message in Chinese; everything that programs read stays as it is."""
    value: Json = msgspec.json.decode(body)
    value["error"]["message"] = in_chinese(value["error"]["message"])
    return msgspec.json.encode(value)


def _kind(error: GatewayError, availability: Json | None) -> tuple[str, int]:
    """OpenRouter's word for an error, and its status where that is another one than the dialect's."""
    code = availability["code"] if availability is not None else ""
    if code == "model_not_found":
        return "invalid_request", 400
    if code == "constraint_filtered":
        return "not_found", 404
    return ERROR_TYPES[error.kind], 0


def _messages(value: Json, kind: str, previous: list[Json]) -> None:
    value["error"]["error_type"] = kind
    if previous:
        value["metadata"] = {"previous_errors": previous}


def _plain(inner: Json, error: GatewayError, status: int, kind: str, previous: list[Json]) -> Json:
    """OpenRouter's error object."""
    metadata: Json = {"error_type": kind, **inner.get("metadata", {})}
    if status != 500 and error.code:
        metadata["provider_code"] = error.code
    if error.param:
        metadata["param"] = error.param
    if previous:
        metadata["previous_errors"] = previous
    return {"code": status, "message": inner["message"], "metadata": metadata}
