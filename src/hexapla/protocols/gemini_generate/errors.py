"""Errors as Google's SDKs understand them: {"error": {code, message, status, details[]}}.

google-genai picks the exception by the HTTP status; statuses are those of google.rpc.Code
(https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto, 2026-11).  A hint when to try again stands in
RetryInfo, both ways.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hexapla.errors import GatewayError, Kind
from hexapla.protocols.codes import common_status

_STATUS: dict[Kind, str] = {
    Kind.INVALID_REQUEST: "INVALID_ARGUMENT",
    Kind.UNSUPPORTED: "INVALID_ARGUMENT",
    Kind.CONTEXT_LENGTH: "INVALID_ARGUMENT",
    Kind.CONTENT_FILTER: "INVALID_ARGUMENT",
    Kind.TOO_LARGE: "INVALID_ARGUMENT",
    Kind.CLIENT_AUTH: "UNAUTHENTICATED",
    Kind.UPSTREAM_AUTH: "UNAUTHENTICATED",
    Kind.UPSTREAM_BILLING: "RESOURCE_EXHAUSTED",
    Kind.RATE_LIMIT: "RESOURCE_EXHAUSTED",
    Kind.PERMISSION: "PERMISSION_DENIED",
    Kind.NOT_FOUND: "NOT_FOUND",
    Kind.CANCELLED: "CANCELLED",
    Kind.TIMEOUT: "DEADLINE_EXCEEDED",
    Kind.OVERLOADED: "UNAVAILABLE",
    Kind.NO_ROUTE: "UNAVAILABLE",
}
_OWN = frozenset({*_STATUS.values(), "INTERNAL", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNKNOWN"})

_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


def error_value(error: GatewayError) -> dict[str, Any]:
    """The body, decoded.  An upstream's own status word of Google's is kept."""
    status = error.type if error.type in _OWN else _STATUS.get(error.kind, "INTERNAL")
    details: list[dict[str, Any]] = []
    if error.retry_after is not None:
        details.append({"@type": _RETRY_INFO, "retryDelay": f"{error.retry_after:g}s"})
    if error.param is not None:
        violation = {"field": error.param, "description": error.message}
        details.append({"@type": _BAD_REQUEST, "fieldViolations": [violation]})
    if error.code is not None:
        details.append({"@type": _ERROR_INFO, "reason": error.code, "domain": "hexapla"})
    inner: dict[str, Any] = {"code": common_status(error), "message": error.message, "status": status}
    return {"error": inner | ({"details": details} if details else {})}


def render_error(error: GatewayError) -> tuple[int, bytes]:
    """(HTTP status, body)."""
    return common_status(error), msgspec.json.encode(error_value(error))
