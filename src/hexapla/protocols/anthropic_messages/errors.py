"""Errors as Anthropic's SDKs understand them: {"type": "error", "error": {type, message}}.

The SDK picks the exception by HTTP status; types follow https://docs.claude.com/en/api/errors (2026-11).
"""

from __future__ import annotations

import msgspec

from hexapla.errors import GatewayError, Kind
from hexapla.protocols.codes import common_status
from hexapla.protocols.error_types import ERROR_TYPES

_TYPES: dict[Kind, str] = {
    Kind.INVALID_REQUEST: "invalid_request_error",
    Kind.UNSUPPORTED: "invalid_request_error",
    Kind.CONTEXT_LENGTH: "invalid_request_error",
    Kind.CONTENT_FILTER: "invalid_request_error",
    Kind.CLIENT_AUTH: "authentication_error",
    Kind.UPSTREAM_AUTH: "authentication_error",
    Kind.UPSTREAM_BILLING: "billing_error",
    Kind.PERMISSION: "permission_error",
    Kind.NOT_FOUND: "not_found_error",
    Kind.TOO_LARGE: "request_too_large",
    Kind.RATE_LIMIT: "rate_limit_error",
    Kind.OVERLOADED: "overloaded_error",
    Kind.TIMEOUT: "timeout_error",
}
_DETAILS: dict[str, dict[str, object]] = {
    # what the SDK looks for before it sends a conversation again as a whole (anthropic-python 2.13, lib/threads, 2026-11)
    "thread_unsupported_request": {"details": {"error_code": "thread_unsupported_request", "unsupported": ["model"]}},
}
_OWN = frozenset({*_TYPES.values(), "api_error"})

OVERLOADED = 529  # Anthropic's own status for it (https://docs.claude.com/en/api/errors, 2026-11)


def error_body(error: GatewayError, *, typed: bool = False) -> bytes:
    """The body, without status.  An upstream's own Anthropic type is kept; `typed`: with OpenRouter's beside it."""
    kind = error.type if error.type in _OWN else _TYPES.get(error.kind, "api_error")
    where = f"{error.param}: " if error.param and error.param not in error.message else ""
    inner = {"type": kind, "message": where + error.message, **_DETAILS.get(error.code or "", {})}
    if typed:
        inner["error_type"] = ERROR_TYPES[error.kind]
    return msgspec.json.encode({"type": "error", "error": inner})


def render_error(error: GatewayError) -> tuple[int, bytes]:
    """(HTTP status, body).  Anthropic's status for overload is 529, whatever others call it."""
    status = OVERLOADED if error.kind is Kind.OVERLOADED and common_status(error) == 503 else error.status
    return status, error_body(error)
