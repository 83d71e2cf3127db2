"""Errors as OpenAI's SDKs and Codex understand them.

Before the stream: {"error": {message, type, param, code}} under an HTTP status.  Inside it: response.failed with a code.
Codex takes context_length_exceeded and insufficient_quota as final, and reconnects on every other code; for
rate_limit_exceeded it waits as long as the message says (codex-rs/codex-api/src/sse/responses.rs of openai/codex, 2026-08).
"""

from __future__ import annotations

import re

from hexapla.errors import GatewayError, Kind
from hexapla.ir.event import StreamError
from hexapla.protocols.codes import common_status
from hexapla.protocols.openai_errors import error_body

_STREAM_CODES: dict[Kind, str] = {
    # the words that OpenAI sends and Codex knows; the list in the SDK's ResponseError has not all of them
    Kind.INVALID_REQUEST: "invalid_prompt",
    Kind.CONTENT_FILTER: "invalid_prompt",
    Kind.RATE_LIMIT: "rate_limit_exceeded",
    Kind.CONTEXT_LENGTH: "context_length_exceeded",
    Kind.UPSTREAM_BILLING: "insufficient_quota",
}


_SAID = re.compile(r"try again in\s*[\d.]+\s*(?:s|ms)", re.IGNORECASE)


def stream_error(event: StreamError) -> dict[str, str]:
    """The error object of response.failed.  How long to wait, where it is known, stands where Codex looks for it."""
    message, wait = event.message, event.retry_after
    if event.kind == Kind.RATE_LIMIT and wait is not None and not _SAID.search(message):
        message = f"{message} Please try again in {wait:g}s."
    return {"code": _STREAM_CODES.get(Kind(event.kind), "server_error"), "message": message}


def render_error(error: GatewayError) -> tuple[int, bytes]:
    """(HTTP status, body)."""
    return common_status(error), error_body(error, overloaded="server_is_overloaded")
