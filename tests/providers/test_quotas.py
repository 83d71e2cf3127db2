"""What a vendor's refusal for want of requests, tokens or money means, and when a new try makes sense: one row for each
way in which it is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.catalog.schema import Quirks
from hexapla.config import builtin_providers
from hexapla.errors import Kind, ProtocolError, UpstreamError
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.failures import no_answer
from hexapla.protocols.hints import MAX_HINT
from hexapla.routing.bench import TERMS
from hexapla.routing.candidate import Candidate
from hexapla.routing.reception import recoded
from hexapla.routing.retry import RetryPolicy, delay, verdict

RATE, MONEY, BUSY = Kind.RATE_LIMIT, Kind.UPSTREAM_BILLING, Kind.OVERLOADED
NOW = {"date": "Sat, 28 Nov 2026 09:00:00 GMT"}


def error(message: str = "no", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


def messages(kind: str, message: str = "no", **fields: Any) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message, **fields}}


def google(status: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": 429, "status": status, "message": "no", "details": list(details)}}


def violation(quota: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]}


def base(code: int, message: str = "no") -> dict[str, Any]:
    return {"base_resp": {"status_code": code, "status_msg": message}}


DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}
LIMITED = error(type="requests", code="rate_limit_exceeded")

Row = tuple[str, int, dict[str, str], Any, Kind, float | None]

ROWS: list[Row] = [
    # provider, status, headers, body, what it is, seconds
    ("openai", 429, {"retry-after-ms": "1500", "retry-after": "2"}, LIMITED, RATE, 1.5),
    ("openai", 429, {"retry-after": "0.25"}, LIMITED, RATE, 0.25),
    ("openai", 429, {"retry-after": "Sat, 28 Nov 2026 09:00:07 GMT", **NOW}, LIMITED, RATE, 7.0),
    ("openai", 429, {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, LIMITED, RATE, 360.0),
    ("openai", 429, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20ms"}, LIMITED, RATE, 0.02),
    ("openai", 429, {"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "9s"}, LIMITED, RATE, None),
    ("openai", 429, {}, error("Please try again in 1m2.5s.", code="rate_limit_exceeded"), RATE, 62.5),
    ("openai", 429, {}, error(type="insufficient_quota", code="insufficient_quota"), MONEY, None),
    ("azure_openai", 429, {"x-ms-retry-after-ms": "250"}, error(code="429"), RATE, 0.25),
    ("azure_openai", 429, {}, error("Please retry after 20 seconds.", code="429"), RATE, 20.0),
    (
        "azure_openai",
        429,
        {
            "x-ratelimit-limit-requests": "-1",
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "60s",
        },
        error(code="429"),
        RATE,
        None,
    ),
    ("anthropic", 429, {"retry-after": "17"}, messages("rate_limit_error"), RATE, 17.0),
    (
        "anthropic",
        429,
        {
            "anthropic-ratelimit-input-tokens-remaining": "0",
            "anthropic-ratelimit-input-tokens-reset": "2026-11-28T09:00:42Z",
            **NOW,
        },
        messages("rate_limit_error"),
        RATE,
        42.0,
    ),
    (
        "anthropic",
        429,
        {},
        messages("rate_limit_error", details={"error_code": "enforced_spend_limit_reached"}),
        MONEY,
        None,
    ),
    (
        "anthropic",
        400,
        {},
        messages("invalid_request_error", "You have reached your specified API usage limits."),
        MONEY,
        None,
    ),
    ("anthropic", 402, {}, messages("billing_error"), MONEY, None),
    ("anthropic", 529, {}, messages("overloaded_error"), BUSY, None),
    ("gemini", 429, {}, google("RESOURCE_EXHAUSTED", INFO), RATE, 34.0),
    ("gemini", 429, {}, [google("RESOURCE_EXHAUSTED", INFO)], RATE, 34.0),
    ("gemini", 429, {}, google("RESOURCE_EXHAUSTED", violation(DAY), INFO), RATE, MAX_HINT),
    ("gemini", 429, {}, google("RESOURCE_EXHAUSTED", violation("RequestsPerMinute"), INFO), RATE, 34.0),
    ("gemini", 503, {}, google("UNAVAILABLE"), BUSY, None),
    ("dashscope", 429, {}, error(code="Throttling.RateQuota"), RATE, None),
    ("dashscope", 429, {}, error(code="Throttling.AllocationQuota"), RATE, None),
    ("dashscope", 429, {}, error(code="limit_requests"), RATE, None),
    ("dashscope", 400, {}, error(code="Arrearage"), MONEY, None),
    ("dashscope", 403, {}, error(code="AllocationQuota.FreeTierOnly"), MONEY, None),
    ("dashscope", 400, {}, error(code="DataInspectionFailed"), Kind.CONTENT_FILTER, None),
    ("zai", 429, {}, error(code="1302"), RATE, None),
    ("zai", 429, {}, error(code="1113"), MONEY, None),
    ("zai", 429, {}, error(code="1308"), MONEY, None),
    ("zai", 429, {}, error(code="1112"), Kind.UPSTREAM_AUTH, None),
    ("zai", 429, {}, error(code="1121"), Kind.UPSTREAM_AUTH, None),
    ("zai", 400, {}, error(code="1301"), Kind.CONTENT_FILTER, None),
    ("bigmodel", 429, {}, error(code="1302"), RATE, None),
    ("bigmodel", 429, {}, error(code="1113"), MONEY, None),
    ("minimax", 200, {}, base(1002), RATE, None),
    ("minimax", 200, {}, base(1004), Kind.UPSTREAM_AUTH, None),
    ("minimax", 200, {}, base(1008, "insufficient balance"), MONEY, None),
    ("minimax", 200, {}, base(1001), Kind.TIMEOUT, None),
    ("openrouter", 402, {}, error(code=402), MONEY, None),
    ("openrouter", 429, {"retry-after": "3"}, error(code=429), RATE, 3.0),
    ("openrouter", 200, {}, error(code=429, metadata={"retry_after_seconds": 7}), RATE, 7.0),
    ("openrouter", 200, {}, error(code=402), MONEY, None),
    ("openrouter", 502, {}, error(code=502), Kind.UPSTREAM_ERROR, None),
    ("openrouter", 503, {}, error(code=503), BUSY, None),
    ("chatgpt_codex", 429, {}, error(type="usage_limit_reached", resets_in_seconds=1800), MONEY, 1800.0),
    ("chatgpt_codex", 429, NOW, error(type="usage_limit_reached", resets_at=1795856700), MONEY, 300.0),
    ("chatgpt_codex", 404, {}, error(type="usage_limit_reached"), MONEY, None),
    ("chatgpt_codex", 429, {}, error("Please try again in 11.054s.", code="rate_limit_exceeded"), RATE, 11.054),
    ("github_copilot", 429, {"retry-after": "9"}, error(code="user_model_rate_limited"), RATE, 9.0),
    ("github_copilot", 402, {"retry-after": "9"}, error(code="quota_exceeded"), MONEY, 9.0),
    ("groq", 429, {"retry-after": "2"}, error(code="rate_limit_exceeded", type="tokens"), RATE, 2.0),
    ("groq", 429, {}, error("Please try again in 5.289s. Visit ...", code="rate_limit_exceeded"), RATE, 5.289),
    ("groq", 498, {}, error(code="capacity_exceeded"), BUSY, None),
    ("mistral", 429, {}, {"object": "error", "message": "no", "type": "rate_limited", "code": "1300"}, RATE, None),
    ("siliconflow", 429, {}, {"message": "Request was rejected due to rate limiting", "data": None}, RATE, None),
    ("siliconflow", 403, {}, {"code": 30001, "message": "Sorry, your account balance is insufficient"}, MONEY, None),
    ("siliconflow", 503, {}, {"code": 50505, "message": "Model service overloaded"}, BUSY, None),
    ("deepseek", 402, {}, error("Insufficient Balance", type="unknown_error"), MONEY, None),
    ("moonshot", 429, {}, error(type="exceeded_current_quota_error"), MONEY, None),
    ("moonshot", 429, {}, error(type="engine_overloaded_error"), BUSY, None),
    ("volcano_ark", 429, {}, error(code="RateLimitExceeded.EndpointTPMExceeded"), RATE, None),
    ("volcano_ark", 403, {}, error(code="AccountOverdueError"), MONEY, None),
]


def said(name: str, status: int, headers: dict[str, str], body: object) -> UpstreamError:
    """What is made of it: at the provider's first endpoint, or hidden in a 200."""
    provider = builtin_providers()[name]
    endpoint = provider.endpoints[0]
    target = Target(origin=Origin(endpoint.protocol, name), model="m")
    candidate = Candidate(provider=provider, endpoint=endpoint, model="m", quirks=Quirks(), target=target)
    protocol, data = PROTOCOLS[endpoint.protocol], json.dumps(body).encode()
    if status >= 300:
        return recoded(protocol.parse_error(status, headers, data), candidate)
    with pytest.raises((UpstreamError, ProtocolError)) as caught:
        protocol.parse_response(data)
    hidden = caught.value
    if isinstance(hidden, ProtocolError):
        hidden = no_answer(data, protocol.name, hidden)
    return recoded(hidden, candidate)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}-{row[4]}")
def test_a_vendors_way_of_saying_it(row: Row) -> None:
    """The right kind, and the hint in seconds; whoever is out of money is not asked twice and sits out."""
    name, status, headers, body, kind, seconds = row
    found = said(name, status, headers, body)
    assert found.kind is kind
    assert found.retry_after == (None if seconds is None else pytest.approx(seconds))
    policy = RetryPolicy()
    again = delay(found, 1, policy, lambda: 0.5)
    if kind is MONEY:
        assert verdict(found).retries == 0 and again is None and kind in TERMS
    elif kind is RATE and seconds is not None:
        assert (again is None) == (seconds > policy.max_wait)
        assert again is None or seconds <= again <= seconds * 1.1


@pytest.mark.parametrize(
    "hint",
    ["-1", "1e308", "NaN", "inf", "-inf", "Wed, 21 Oct 2015 07:28:00 GMT", "315360000", "soon", "", "0x9", "1 h", "٣s"],
)
def test_an_odd_hint_is_clamped_or_none(hint: str) -> None:
    """F26: never in the past, never for ever, never a crash; without a hint the back-off's own time."""
    found = said("openai", 429, {"retry-after": hint, **NOW}, LIMITED)
    assert found.retry_after is None or 0 <= found.retry_after <= MAX_HINT
    pause = delay(found, 1, RetryPolicy(), lambda: 0.5)
    assert pause is None or 0 <= pause <= RetryPolicy().max_wait * 1.1
