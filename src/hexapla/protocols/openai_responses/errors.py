"""Errors as OpenAI's SDKs and Codex understand them.

Before the stream: {"error": {message, type, param, code}} under an HTTP status.  Inside it: response.failed with a code.
Codex takes context_length_exceeded and insufficient_quota as final, and reconnects on every other code; for
rate_limit_exceeded it waits as long as the message says (codex-rs/codex-api/src/sse/responses.rs of openai/codex, 2026-08).
"""

from __future__ import annotations

import re

import msgspec

from hexapla.errors import GatewayError, Kind, RoutingError
from hexapla.ir.event import StreamError
from hexapla.protocols.codes import OPENAI_KNOWS

_TYPES: dict[Kind, tuple[str, str | None]] = {
    # kind: (type, code); https://platform.openai.com/docs/guides/error-codes, 2026-08
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
    Kind.OVERLOADED: ("server_error", "server_is_overloaded"),
    Kind.TIMEOUT: ("server_error", "timeout"),
}

_STREAM_CODES: dict[Kind, str] = {
    # the words that OpenAI sends and Codex knows; the list in the SDK's ResponseError has not all of them
    Kind.INVALID_REQUEST: "invalid_prompt",
    Kind.CONTENT_FILTER: "invalid_prompt",
    Kind.RATE_LIMIT: "rate_limit_exceeded",
    Kind.CONTEXT_LENGTH: "context_length_exceeded",
    Kind.UPSTREAM_BILLING: "insufficient_quota",
    Kind.BUDGET: "insufficient_quota",
}


_SAID = re.compile(r"try again in\s*[\d.]+\s*(?:s|ms)", re.IGNORECASE)


def stream_error(event: StreamError) -> dict[str, str]:
    """The error object of response.failed.  How long to wait, where it is known, stands where Codex looks for it."""
    message, wait = event.message, event.retry_after
    if event.kind == Kind.RATE_LIMIT and wait is not None and not _SAID.search(message):
        message = f"{message} Please try again in {wait:g}s."
    return {"code": _STREAM_CODES.get(Kind(event.kind), "server_error"), "message": message}


def render_error(error: GatewayError) -> tuple[int, bytes]:
    """(HTTP status, body).  OpenAI has no 402: a spent budget is its 429 insufficient_quota."""
    kind_type, kind_code = _TYPES.get(error.kind, ("server_error", error.kind.value))
    inner: dict[str, object] = {
        "message": error.message,
        "type": error.type or kind_type,
        "param": error.param,
        "code": OPENAI_KNOWS.get(error.kind) or error.code or kind_code,
    }
    if isinstance(error, RoutingError) and error.rejected:
        inner["metadata"] = {"rejected": [{"endpoint": name, "reason": why} for name, why in error.rejected]}
    return 429 if error.kind is Kind.BUDGET else error.status, msgspec.json.encode({"error": inner})
