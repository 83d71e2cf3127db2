"""Every error shape of every provider becomes the right error."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexapla.errors import Kind
from hexapla.protocols.error_shapes import MAX_HTML
from hexapla.protocols.failures import classify, classify_value
from hexapla.protocols.hints import MAX_HINT, retry_hint

SHAPES = [
    # (status, body, kind, message, code, type)
    (401, {"error": {"message": "Incorrect API key", "type": "invalid_request_error", "code": "invalid_api_key"}},
     Kind.UPSTREAM_AUTH, "Incorrect API key", "invalid_api_key", "invalid_request_error"),
    (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "no prefill"}, "request_id": "r"},
     Kind.INVALID_REQUEST, "no prefill", None, "invalid_request_error"),
    (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
     Kind.OVERLOADED, "Overloaded", None, "overloaded_error"),
    (400, [{"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT"}}],
     Kind.INVALID_REQUEST, "bad", None, "INVALID_ARGUMENT"),
    (400, {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
                     "details": [{"reason": "API_KEY_INVALID"}]}},
     Kind.UPSTREAM_AUTH, "API key not valid.", None, "INVALID_ARGUMENT"),
    (404, {"code": "Some requested entity was not found", "error": "grok-beta is gone"},
     Kind.NOT_FOUND, "grok-beta is gone", "Some requested entity was not found", None),
    (404, {"error": "Specified model not found"}, Kind.NOT_FOUND, "Specified model not found", None, None),
    (429, {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"},
     Kind.RATE_LIMIT, "Rate limit exceeded", "1300", "rate_limited"),
    (422, {"detail": [{"loc": ["body", "top_k"], "msg": "extra"}]},
     Kind.INVALID_REQUEST, '[{"loc": ["body", "top_k"], "msg": "extra"}]', None, None),
    (403, {"error": {"code": 403, "message": "Provider returned error",
                     "metadata": {"raw": '{"code":"x","error":"Content violates usage guidelines."}'}}},
     Kind.CONTENT_FILTER, "Provider returned error: Content violates usage guidelines.", None, None),
    (402, {"error": {"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request_error"}},
     Kind.UPSTREAM_BILLING, "Insufficient Balance", "invalid_request_error", "unknown_error"),
    (429, {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}},
     Kind.UPSTREAM_BILLING, "You exceeded your current quota", "insufficient_quota", None),
    (429, {"error": {"code": "1113", "message": "余额不足"}}, Kind.UPSTREAM_BILLING, "余额不足", "1113", None),
    (400, {"code": "Arrearage", "message": "Access denied.", "request_id": "r"},
     Kind.UPSTREAM_BILLING, "Access denied.", "Arrearage", None),
    (429, {"error": {"code": "RateLimitExceeded.EndpointRPMExceeded", "message": "slow"}},
     Kind.RATE_LIMIT, "slow", "RateLimitExceeded.EndpointRPMExceeded", None),
    (404, {"error": {"type": "usage_limit_reached", "message": "The usage limit has been reached"}},
     Kind.UPSTREAM_BILLING, "The usage limit has been reached", None, "usage_limit_reached"),
    (403, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]},
     Kind.PERMISSION, "Authentication error", "10000", None),
    (401, "Invalid token", Kind.UPSTREAM_AUTH, "Invalid token", None, None),
    (413, {"error": {"code": "rate_limit_exceeded", "message": "Request too large for model `x` on TPM"}},
     Kind.CONTEXT_LENGTH, "Request too large for model `x` on TPM", "rate_limit_exceeded", None),
    (500, {"error": {"message": None, "type": None}}, Kind.UPSTREAM_ERROR, "status 500", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "message", "code", "word"), SHAPES)
def test_shape(status: int, body: object, kind: Kind, message: str, code: str | None, word: str | None) -> None:
    """Each shape gives its kind, keeps the provider's words, and lets its status through."""
    error = classify(status, {}, json.dumps(body).encode())
    assert (error.kind, error.code, error.type, error.status) == (kind, code, word, status)
    assert message in error.message


@pytest.mark.parametrize(
    "text",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
        "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
        "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
        "Please reduce the length of the messages or completion.",
        "invalid params, context window exceeds limit",
        "Range of input length should be [1, 30720]",
    ],
)
def test_overflow(text: str) -> None:
    """A full context is known by its words, whatever status and code stand beside them."""
    body = json.dumps({"error": {"message": text, "code": "invalid_request_error"}}).encode()
    assert classify(400, {}, body).kind is Kind.CONTEXT_LENGTH


def test_page() -> None:
    """A web page becomes a short line without tags, scripts or control signs."""
    page = (
        b"<!DOCTYPE html><html><head><script>alert('x')</script><title>502 Bad&nbsp;Gateway</title></head>\x00<h1>"
        + (b"nginx " * 500)
    )
    error = classify(502, {}, page)
    assert error.kind is Kind.UPSTREAM_ERROR
    assert error.message.startswith("The provider answered with a web page: 502 Bad Gateway nginx")
    assert "alert" not in error.message
    assert len(error.message) <= MAX_HTML + 50


def test_events_under_an_error_status() -> None:
    """An error status whose body is an event stream gives the first event's error."""
    body = b': hi\n\nevent: error\ndata: {"error":{"message":"slow down","code":429}}\n\n'
    error = classify(429, {}, body)
    assert (error.kind, error.message) == (Kind.RATE_LIMIT, "slow down")


def test_redirect() -> None:
    """A redirect is a wrong base URL, and no status for a client."""
    error = classify(302, {"location": "https://elsewhere"}, b"")
    assert (error.kind, error.status, error.upstream_status) == (Kind.UPSTREAM_MISCONFIGURED, 502, 302)


def test_no_status() -> None:
    """What HTTP has no status for is none for a client."""
    error = classify(600, {}, b"")
    assert (error.kind, error.status, error.upstream_status) == (Kind.UPSTREAM_ERROR, 502, 600)


def test_hidden_in_a_200() -> None:
    """Without a status the body's own number is the status; MiniMax's numbers have their own meaning."""
    router = classify_value({"error": {"code": 502, "message": "Provider down"}})
    assert (router.kind, router.status, router.code) == (Kind.UPSTREAM_ERROR, 502, None)
    base = classify_value({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}})
    assert (base.kind, base.status, base.code) == (Kind.UPSTREAM_BILLING, 502, "1008")
    stream = classify_value({"error": {"type": "invalid_request_error", "message": "no"}})
    assert (stream.kind, stream.status) == (Kind.INVALID_REQUEST, 400)


def test_our_key_stays_ours() -> None:
    """A key that the provider quotes back is blotted out, and the record of a refused key holds no body."""
    error = classify(
        401, {}, b'{"error":{"message":"Incorrect API key provided: sk-proj-abcdefghijklmnopqrstuvwxyz."}}'
    )
    assert error.message == "Incorrect API key provided: [key]"
    assert error.body == ""


@pytest.mark.parametrize(
    ("headers", "message", "error", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, "", {}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, "", {}, 0.25),
        ({"retry-after": "0.5"}, "", {}, 0.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", {}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:28:10 GMT"}, "", {}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT"}, "", {}, None),
        ({"retry-after": "soon"}, "", {}, None),
        ({"retry-after": "-1"}, "", {}, None),
        ({"retry-after": "nan"}, "", {}, None),
        ({"retry-after": "inf"}, "", {}, MAX_HINT),
        ({"retry-after": "1e308"}, "", {}, MAX_HINT),
        ({"retry-after": "315360000"}, "", {}, MAX_HINT),
        ({}, "Please try again in 5.289s.", {}, 5.289),
        ({}, "Please try again in 1m3.5s. Visit", {}, 63.5),
        ({}, "try again in 200ms", {}, 0.2),
        ({}, "Try again in 1h2m", {}, 3600.0),
        ({}, "Please retry after 20 seconds.", {}, 20.0),
        ({}, "Please try again in 2 minutes", {}, 120.0),
        ({}, "Please try again later.", {}, None),
        ({}, 'quoted: "retryDelay": "34s"', {}, 34.0),
        ({}, "", {"details": [{"@type": "x"}, {"retryDelay": "34.5s"}]}, 34.5),
        ({}, "", {"resets_in_seconds": 90}, 90.0),
        ({}, "", {"metadata": {"retry_after_seconds": 7}}, 7.0),
    ],
)
def test_hint(headers: dict[str, str], message: str, error: dict[str, object], seconds: float | None) -> None:
    """Every way to say "later" gives seconds; nonsense gives none, and nothing goes past the bound."""
    assert retry_hint(headers, message, error) == (None if seconds is None else pytest.approx(seconds))


def test_should_retry_header() -> None:
    """x-should-retry overrules the verdict of the table."""
    assert classify(500, {"x-should-retry": "false"}, b"{}").retryable is False
    assert classify(500, {}, b"{}").retryable is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["error", "message", "detail", "code", "type", "errors", "base_resp", "metadata", "raw",
                         "details", "status", "status_code", "response", "innererror", "retryDelay"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    st.integers(100, 599), st.binary(max_size=300), st.dictionaries(st.sampled_from(["retry-after", "date"]), st.text())
)
def test_total_on_bytes(status: int, body: bytes, headers: dict[str, str]) -> None:
    """Any bytes at all give an error with a message and a bounded hint."""
    error = classify(status, headers, body)
    assert error.message
    assert error.retry_after is None or 0 <= error.retry_after <= MAX_HINT


@given(st.integers(100, 599), JSON)
def test_total_on_json(status: int, value: object) -> None:
    """Any JSON at all gives an error, in an answer and in a stream."""
    assert classify(status, {}, msgspec.json.encode(value)).message
    assert classify_value(value).message


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"error":' * 50_000, b"<" * 100_000, b"<script " * 20_000])
def test_bombs(body: bytes) -> None:
    """Bodies made to hurt a parser are an ordinary error."""
    assert classify(500, {}, body).kind is Kind.UPSTREAM_ERROR
