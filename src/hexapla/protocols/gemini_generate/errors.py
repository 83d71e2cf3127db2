"""Errors as Google's SDKs understand them: {"error": {code, message, status, details[]}}.

google-genai picks the exception by the HTTP status; statuses are those of google.rpc.Code
(https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto, 2026-11).  A hint when to try again stands in
RetryInfo, both ways.  A quota that ends with the day is no rate limit: waiting a minute does not help, another key does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.errors import GatewayError, Kind, UpstreamError
from hexapla.protocols.failures import classify
from hexapla.wire.rawjson import load

_STATUS: dict[Kind, str] = {
    Kind.INVALID_REQUEST: "INVALID_ARGUMENT",
    Kind.UNSUPPORTED: "INVALID_ARGUMENT",
    Kind.CONTEXT_LENGTH: "INVALID_ARGUMENT",
    Kind.CONTENT_FILTER: "INVALID_ARGUMENT",
    Kind.TOO_LARGE: "INVALID_ARGUMENT",
    Kind.CLIENT_AUTH: "UNAUTHENTICATED",
    Kind.UPSTREAM_AUTH: "UNAUTHENTICATED",
    Kind.BUDGET: "RESOURCE_EXHAUSTED",
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
    inner: dict[str, Any] = {"code": error.status, "message": error.message, "status": status}
    return {"error": inner | ({"details": details} if details else {})}


def render_error(error: GatewayError) -> tuple[int, bytes]:
    """(HTTP status, body)."""
    return error.status, msgspec.json.encode(error_value(error))


class _Violation(msgspec.Struct, rename="camel"):
    quota_id: str = ""
    quota_metric: str = ""


class _Detail(msgspec.Struct, rename="camel"):
    violations: list[_Violation] = []


class _Error(msgspec.Struct, rename="camel"):
    details: list[_Detail] = []


class _Body(msgspec.Struct, rename="camel"):
    error: _Error


def parse_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An upstream's HTTP error, in a list or not; a daily quota that is spent is told from a limit on the rate."""
    error = classify(status, headers, body)
    if error.kind is Kind.RATE_LIMIT and _spent(body):
        error.kind = Kind.UPSTREAM_BILLING
    return error


def _spent(body: bytes) -> bool:
    """QuotaFailure names the quota: GenerateRequestsPerDayPerProjectPerModel-FreeTier and the like (recorded 2026)."""
    if b"PerDay" not in body:
        return False
    listed = load(body, list[Raw])
    found = load(listed[0] if listed else body, _Body)
    details = found.error.details if found is not None else []
    return any("PerDay" in violation.quota_id for detail in details for violation in detail.violations)
