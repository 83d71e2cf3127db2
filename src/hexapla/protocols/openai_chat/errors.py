"""Errors in both roles: as OpenAI's SDKs understand them, and as providers hide them in a 200.

The SDK picks the exception by HTTP status; `type` and `code` of {"error": {message, type, param, code}} follow OpenAI's
error page (https://platform.openai.com/docs/guides/error-codes, 2026-08).  What the upstream called it is kept where it
has a name.
"""

from __future__ import annotations

import msgspec

from hexapla.errors import GatewayError, Kind, RoutingError, UpstreamError
from hexapla.protocols.codes import OPENAI_KNOWS
from hexapla.protocols.failures import classify, classify_value
from hexapla.protocols.openai_chat.schema import Choice, Chunk
from hexapla.protocols.openai_chat.words import failed

_TYPES: dict[Kind, tuple[str, str | None]] = {
    # kind: (type, code)
    Kind.INVALID_REQUEST: ("invalid_request_error", None),
    Kind.UNSUPPORTED: ("invalid_request_error", "unsupported_parameter"),
    Kind.CONTEXT_LENGTH: ("invalid_request_error", "context_length_exceeded"),
    Kind.CONTENT_FILTER: ("invalid_request_error", "content_filter"),
    Kind.TOO_LARGE: ("invalid_request_error", "request_too_large"),
    Kind.CLIENT_AUTH: ("invalid_request_error", "invalid_api_key"),
    Kind.PERMISSION: ("permission_error", None),
    Kind.NOT_FOUND: ("invalid_request_error", "model_not_found"),
    Kind.RATE_LIMIT: ("rate_limit_error", "rate_limit_exceeded"),
    Kind.BUDGET: ("insufficient_quota", "insufficient_quota"),
    Kind.UPSTREAM_BILLING: ("insufficient_quota", "insufficient_quota"),
    Kind.OVERLOADED: ("server_error", "overloaded"),
    Kind.TIMEOUT: ("server_error", "timeout"),
}


def error_body(error: GatewayError) -> bytes:
    """The body, without status."""
    kind_type, kind_code = _TYPES.get(error.kind, ("server_error", error.kind.value))
    inner: dict[str, object] = {
        "message": error.message,
        "type": error.type or kind_type,
        "param": error.param,
        "code": OPENAI_KNOWS.get(error.kind) or error.code or kind_code,
    }
    if isinstance(error, RoutingError) and error.rejected:
        inner["metadata"] = {"rejected": [{"endpoint": name, "reason": why} for name, why in error.rejected]}
    return msgspec.json.encode({"error": inner})


def render_error(error: GatewayError) -> tuple[int, bytes]:
    """(HTTP status, body).  OpenAI has no 402: a spent budget is its 429 insufficient_quota."""
    status = 429 if error.kind is Kind.BUDGET else error.status
    return status, error_body(error)


def hidden_error(chunk: Chunk, data: bytes) -> UpstreamError | None:
    """The error that a chunk or a whole answer is, in one of the ways that providers have; None when it is none.

    data  the JSON that `chunk` was decoded from
    """
    if chunk.error or (not chunk.choices and _failed(chunk)):
        return classify(200, {}, data)
    if chunk.x_groq is not None and chunk.x_groq.error:
        return classify_value({"error": chunk.x_groq.error})
    return None


def choice_error(choice: Choice) -> UpstreamError | None:
    """The error in a choice: OpenRouter's object, or a finish reason that says that the provider failed."""
    if choice.error:
        return classify_value({"error": choice.error})
    if failed(choice.finish_reason):
        return UpstreamError(Kind.UPSTREAM_ERROR, f"The provider ended the answer with {choice.finish_reason!r}.")
    return None


def _failed(chunk: Chunk) -> bool:
    """MiniMax's base_resp, Zhipu's `success`, older vLLM's `object`, DashScope's message with a code, FastAPI's detail."""
    if chunk.base_resp is not None and chunk.base_resp.status_code != 0:
        return True
    coded = isinstance(chunk.message, str) and bool(chunk.code)
    return chunk.success is False or chunk.object == "error" or coded or bool(chunk.detail)
