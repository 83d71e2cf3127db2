"""Google's errors, both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.errors import ClientError, GatewayError, Kind, UpstreamError
from hexapla.protocols.gemini_generate import GEMINI_GENERATE
from hexapla.protocols.gemini_generate.errors import render_error
from hexapla.protocols.hints import MAX_HINT

RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}


def quota(name: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": name}]}


def google(code: int, status: str, *details: Any, message: str = "no") -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "status": status, "details": details}}).encode()


@pytest.mark.parametrize("wrapped", [False, True])
def test_limits_are_told_from_quotas(wrapped: bool) -> None:
    """A minute's quota is waited for; a day's is not, whatever stands beside it, so that another key is tried."""
    for name, seconds in (("PerMinutePerProject", 34.0), ("RequestsPerDayPerProject", MAX_HINT)):
        body = google(429, "RESOURCE_EXHAUSTED", quota(name), RETRY)
        error = GEMINI_GENERATE.parse_error(429, {}, b"[" + body + b"]" if wrapped else body)
        assert (error.kind, error.retry_after, error.upstream_status) == (Kind.RATE_LIMIT, seconds, 429)


@pytest.mark.parametrize(
    ("code", "status", "details", "message", "kind"),
    [
        (400, "INVALID_ARGUMENT", [], "bad", Kind.INVALID_REQUEST),
        (400, "INVALID_ARGUMENT", [{"reason": "API_KEY_INVALID"}], "bad key", Kind.UPSTREAM_AUTH),
        (400, "INVALID_ARGUMENT", [], "The input token count (9) exceeds the maximum number", Kind.CONTEXT_LENGTH),
        (403, "PERMISSION_DENIED", [], "no", Kind.UPSTREAM_AUTH),
        (404, "NOT_FOUND", [], "no model", Kind.NOT_FOUND),
        (503, "UNAVAILABLE", [], "busy", Kind.OVERLOADED),
    ],
)
def test_kinds(code: int, status: str, details: list[Any], message: str, kind: Kind) -> None:
    """By reason, words and status."""
    assert GEMINI_GENERATE.parse_error(code, {}, google(code, status, *details, message=message)).kind is kind


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (ClientError(Kind.INVALID_REQUEST, "bad", param="contents"), 400, "INVALID_ARGUMENT"),
        (ClientError(Kind.CLIENT_AUTH, "who?"), 401, "UNAUTHENTICATED"),
        (GatewayError(Kind.NO_ROUTE, "nobody"), 503, "UNAVAILABLE"),
        (UpstreamError(Kind.UPSTREAM_ERROR, "broke", type="ABORTED", status=409), 409, "ABORTED"),
        (UpstreamError(Kind.UPSTREAM_ERROR, "broke", type="server_error"), 502, "INTERNAL"),
    ],
)
def test_what_a_client_hears(error: GatewayError, status: int, word: str) -> None:
    """Code, status word and message, as google-genai prints them."""
    got, body = render_error(error)
    said = json.loads(body)["error"]
    assert (got, said["code"], said["status"], said["message"]) == (status, status, word, error.message)


def test_hints_go_into_details() -> None:
    """When to try again, what field, which word of the vendor's."""
    error = GatewayError(Kind.RATE_LIMIT, "slow", retry_after=1.5, code="quota", param="contents")
    details = json.loads(render_error(error)[1])["error"]["details"]
    assert details[0]["retryDelay"] == "1.5s"
    assert details[1]["fieldViolations"][0]["field"] == "contents"
    assert details[2]["reason"] == "quota"
