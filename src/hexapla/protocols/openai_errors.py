"""Errors in the form that OpenAI's SDKs understand, which Chat Completions and Responses share.

The SDK picks the exception by HTTP status; `type` and `code` of {"error": {message, type, param, code}} follow OpenAI's
error page (https://platform.openai.com/docs/guides/error-codes, 2026-08).  What the upstream called it is kept where it
has a name.
"""

from __future__ import annotations

import msgspec

from hexapla.errors import GatewayError, Kind, RoutingError
from hexapla.protocols.codes import OPENAI_KNOWS
from hexapla.protocols.error_types import ERROR_TYPES

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
    Kind.UPSTREAM_BILLING: ("insufficient_quota", "insufficient_quota"),
    Kind.OVERLOADED: ("server_error", "overloaded"),
    Kind.TIMEOUT: ("server_error", "timeout"),
}


def error_body(error: GatewayError, *, overloaded: str = "overloaded", typed: bool = False) -> bytes:
    """The body, without status.

    overloaded  the dialect's code for that;  typed: with OpenRouter's word for the failure
    """
    kind_type, kind_code = _TYPES.get(error.kind, ("server_error", error.kind.value))
    if error.kind is Kind.OVERLOADED:
        kind_code = overloaded
    inner: dict[str, object] = {
        "message": error.message,
        "type": error.type or kind_type,
        "param": error.param,
        "code": OPENAI_KNOWS.get(error.kind) or error.code or kind_code,
    }
    if isinstance(error, RoutingError) and error.rejected:
        inner["metadata"] = {"rejected": [{"endpoint": name, "reason": why} for name, why in error.rejected]}
    elif typed:
        inner["metadata"] = {"error_type": ERROR_TYPES[error.kind]}
    return msgspec.json.encode({"error": inner})
