"""What went wrong upstream: any status, headers and body -> one UpstreamError.

Providers send errors in a dozen shapes (an object under `error`, a string there, `message`, `detail`, a list, HTML,
plain text, nothing), under statuses that mean different things.  So the kind is decided by code and message first and
by status last.  One function serves HTTP errors, errors hidden in a 200 and errors inside a stream.

Sources: research of the vendors' error pages and 47 recorded error bodies; the overflow texts follow badlogic/pi-mono
packages/ai/src/utils/overflow.ts (2026-08).

Rules of this file: total on any bytes; the upstream's own message is kept (HTML only as a hint); the client hears the
upstream's own 4xx/5xx status, since its words explain it best.
"""

from __future__ import annotations

import datetime
import email.utils
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from hexapla.errors import Kind, UpstreamError

MAX_HINT = 3600.0  # seconds; a longer Retry-After is a wish, not a schedule
MAX_HTML = 200  # characters of an HTML body's text that are shown

_OVERFLOW = re.compile(
    r"prompt is too long|input is too long|exceeds the context window|input token count.*exceeds the maximum"
    r"|maximum prompt length is \d+|reduce the length of the messages|maximum context length|exceeds the limit of \d+"
    r"|exceeds the available context size|greater than the context length|context window exceeds limit"
    r"|exceeded model token limit|too large for model with \d+|Range of input length should be"
    r"|total length of all messages is too long|context_length_exceeded|model_context_window_exceeded",
    re.IGNORECASE | re.DOTALL,
)
_FILTER = re.compile(r"content (?:management|violates)|content.?filter|moderation|DataInspectionFailed", re.IGNORECASE)
_BILLING = re.compile(
    r"insufficient.(?:quota|balance|credit|fund)|credit balance is too low|Arrearage|exceeded your current quota"
    r"|payment required|billing",
    re.IGNORECASE,
)

CODES: dict[str, Kind] = {
    # OpenAI (https://platform.openai.com/docs/guides/error-codes, 2026-08)
    "context_length_exceeded": Kind.CONTEXT_LENGTH,
    "insufficient_quota": Kind.UPSTREAM_BILLING,
    "billing_hard_limit_reached": Kind.UPSTREAM_BILLING,
    "invalid_api_key": Kind.UPSTREAM_AUTH,
    "model_not_found": Kind.NOT_FOUND,
    "rate_limit_exceeded": Kind.RATE_LIMIT,
    "content_filter": Kind.CONTENT_FILTER,
    "content_policy_violation": Kind.CONTENT_FILTER,
    "server_error": Kind.UPSTREAM_ERROR,
    "server_is_overloaded": Kind.OVERLOADED,
    "slow_down": Kind.OVERLOADED,
    # Anthropic (https://docs.claude.com/en/api/errors, 2026-11)
    "authentication_error": Kind.UPSTREAM_AUTH,
    "billing_error": Kind.UPSTREAM_BILLING,
    "permission_error": Kind.PERMISSION,
    "not_found_error": Kind.NOT_FOUND,
    "request_too_large": Kind.TOO_LARGE,
    "rate_limit_error": Kind.RATE_LIMIT,
    "overloaded_error": Kind.OVERLOADED,
    "timeout_error": Kind.TIMEOUT,
    "api_error": Kind.UPSTREAM_ERROR,
    # Google (google.rpc.Code)
    "RESOURCE_EXHAUSTED": Kind.RATE_LIMIT,
    "UNAUTHENTICATED": Kind.UPSTREAM_AUTH,
    "PERMISSION_DENIED": Kind.UPSTREAM_AUTH,
    "UNAVAILABLE": Kind.OVERLOADED,
    "DEADLINE_EXCEEDED": Kind.TIMEOUT,
    "INTERNAL": Kind.UPSTREAM_ERROR,
    # DashScope (https://help.aliyun.com/zh/model-studio/error-code, 2026-08)
    "Arrearage": Kind.UPSTREAM_BILLING,
    "Throttling": Kind.RATE_LIMIT,
    "Throttling.RateQuota": Kind.RATE_LIMIT,
    "Throttling.AllocationQuota": Kind.RATE_LIMIT,
    "DataInspectionFailed": Kind.CONTENT_FILTER,
    "data_inspection_failed": Kind.CONTENT_FILTER,
    "InvalidApiKey": Kind.UPSTREAM_AUTH,
    # Zhipu (https://docs.bigmodel.cn/cn/api/api-code, 2026-08)
    "1113": Kind.UPSTREAM_BILLING,
    "1112": Kind.UPSTREAM_AUTH,
    "1121": Kind.UPSTREAM_AUTH,
    "1261": Kind.CONTEXT_LENGTH,
    "1301": Kind.CONTENT_FILTER,
    "1302": Kind.RATE_LIMIT,
    "1305": Kind.OVERLOADED,
    "1308": Kind.UPSTREAM_BILLING,
    "1309": Kind.UPSTREAM_BILLING,
    "1310": Kind.UPSTREAM_BILLING,
    # MiniMax base_resp (https://platform.minimaxi.com/document/error-code, 2026-08)
    "1001": Kind.TIMEOUT,
    "1002": Kind.RATE_LIMIT,
    "1004": Kind.UPSTREAM_AUTH,
    "1008": Kind.UPSTREAM_BILLING,
    # llama.cpp server
    "exceed_context_size_error": Kind.CONTEXT_LENGTH,
    "too_many_prompt_tokens": Kind.CONTEXT_LENGTH,
}

STATUSES: dict[int, Kind] = {
    401: Kind.UPSTREAM_AUTH,
    402: Kind.UPSTREAM_BILLING,
    403: Kind.PERMISSION,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    409: Kind.UPSTREAM_ERROR,
    410: Kind.NOT_FOUND,
    413: Kind.TOO_LARGE,
    425: Kind.UPSTREAM_ERROR,
    429: Kind.RATE_LIMIT,
    498: Kind.OVERLOADED,  # Groq: flex capacity exceeded (https://console.groq.com/docs/errors, 2026-08)
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
    529: Kind.OVERLOADED,
}


def classify(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An HTTP error answer as one error.  `headers`: lower-case names.  Total on any body."""
    value = _decoded(body)
    if value is None:
        message = _plain(body) or f"The provider answered with status {status} and no message."
        return _error(status, headers, {"message": message}, body)
    return _error(status, headers, value, body)


def classify_value(value: Any, status: int | None = None) -> UpstreamError:
    """A decoded JSON value that says that something failed (hidden in a 200, or inside a stream) as one error."""
    return _error(status, {}, value, msgspec.json.encode(value, enc_hook=repr))


def retry_hint(headers: Mapping[str, str], message: str, value: Any = None) -> float | None:
    """Seconds that the provider asks to wait: 0 to MAX_HINT, or None when it asks nothing understandable."""
    for seconds in (_ms_header(headers), _seconds_header(headers), _retry_info(value), _in_words(message)):
        if seconds is not None and seconds == seconds and seconds >= 0:  # NaN is no time
            return min(seconds, MAX_HINT)
    return None


def _error(status: int | None, headers: Mapping[str, str], value: Any, body: bytes) -> UpstreamError:
    inner = _inner(value)
    message = _message(inner, value) or f"The provider answered with status {status} and no message."
    code, word = _text(inner.get("code")), _text(inner.get("type")) or _text(inner.get("status"))
    own = _own_status(status, inner)
    return UpstreamError(
        _kind(own, code, word, message),
        message,
        upstream_status=own,
        status=own if own is not None and 400 <= own < 600 else None,
        code=code,
        type=word,
        param=_text(inner.get("param")),
        retry_after=retry_hint(headers, message, value),
        body=body[:2000].decode("utf-8", "replace"),
    )


def _kind(status: int | None, code: str | None, word: str | None, message: str) -> Kind:
    """Code and type first, then what the message says, then the status."""
    if _OVERFLOW.search(message) and (status is None or status < 500):
        return Kind.CONTEXT_LENGTH
    for said in (code, word):
        if said is not None and (kind := CODES.get(said)) is not None:
            return kind
    if _BILLING.search(message) and status in (None, 400, 402, 403, 429):
        return Kind.UPSTREAM_BILLING
    if _FILTER.search(message) and status in (None, 400, 403):
        return Kind.CONTENT_FILTER
    if status is None:
        return Kind.UPSTREAM_ERROR
    return STATUSES.get(status, Kind.INVALID_REQUEST if 400 <= status < 500 else Kind.UPSTREAM_ERROR)


def _own_status(status: int | None, inner: Mapping[str, Any]) -> int | None:
    """The HTTP status; for an error inside a 200 the numeric code, where that is one."""
    if status is not None and status >= 400:
        return status
    for name in ("code", "status", "status_code", "http_code"):
        code = inner.get(name)
        number = int(code) if isinstance(code, str) and code.isdecimal() and len(code) == 3 else code
        if isinstance(number, int) and 400 <= number < 600:
            return number
    return None


def _inner(value: Any) -> Mapping[str, Any]:
    """The object that describes the error, whatever it is wrapped in."""
    if isinstance(value, list):
        value = value[0] if value else {}
    if isinstance(value, str):
        return {"message": value}
    if not isinstance(value, dict):
        return {}
    error = value.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        return {**value, "message": f"{error}: {value['message']}" if value.get("message") else error}
    base = value.get("base_resp")  # MiniMax
    if isinstance(base, dict):
        return {"code": base.get("status_code"), "message": base.get("status_msg")}
    return value


def _message(inner: Mapping[str, Any], value: Any) -> str:
    said = next((inner[name] for name in _MESSAGE_NAMES if inner.get(name)), None)
    message = said if isinstance(said, str) else msgspec.json.encode(said, enc_hook=repr).decode() if said else ""
    raw = _dig(inner, "metadata", "raw")  # OpenRouter: the real provider's own words
    if isinstance(raw, str) and raw not in message:
        message = f"{message}: {raw}" if message else raw
    return message[:4000]


_MESSAGE_NAMES = ("message", "detail", "msg", "error_message", "Message", "error")


def _dig(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str | None:
    """A code as text: providers send numbers, strings, booleans and null."""
    if value is None or isinstance(value, bool | dict | list):
        return None
    return str(value) or None


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def _plain(body: bytes) -> str:
    """A text body as it is; an HTML page as the few words that it shows."""
    text = body[:65536].decode("utf-8", "replace").strip()
    if "<" in text[:200] and re.search(r"<(!doctype|html|head|body|center|h1)", text[:2000], re.IGNORECASE):
        shown = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
        hint = re.sub(r"\s+", " ", shown).strip()[:MAX_HTML]
        return f"The provider answered with a web page: {hint}" if hint else "The provider answered with a web page."
    return text[:2000]


def _ms_header(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after-ms") or headers.get("x-ms-retry-after-ms")
    milliseconds = _number(value)
    return None if milliseconds is None else milliseconds / 1000


def _seconds_header(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = _number(value)
    return _until(value, headers.get("date")) if seconds is None else seconds


def _until(value: str, date: str | None) -> float | None:
    """Seconds from the answer's own Date to an HTTP date; no clock of ours is involved."""
    then, now = _http_date(value), _http_date(date or "")
    return max(0.0, (then - now).total_seconds()) if then is not None and now is not None else None


def _http_date(text: str) -> datetime.datetime | None:
    try:
        parsed = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=datetime.UTC)


def _retry_info(value: Any) -> float | None:
    """Google's RetryInfo: {"@type": ".../google.rpc.RetryInfo", "retryDelay": "34s"}."""
    details = _inner(value).get("details")
    for detail in details if isinstance(details, list) else []:
        delay = _dig(detail, "retryDelay")
        if isinstance(delay, str):
            return _number(delay.removesuffix("s"))
    return None


_WORDS = re.compile(r"(?:try again|retry) (?:in|after) (?:(\d+)m)?(\d+(?:\.\d+)?)\s*(ms|s)", re.IGNORECASE)


def _in_words(message: str) -> float | None:
    """Groq and Codex: "Please try again in 5.289s", "in 1m3.2s", "in 200ms"."""
    found = _WORDS.search(message)
    if found is None:
        return None
    minutes, number, unit = found.groups()
    return int(minutes or 0) * 60 + float(number) / (1000 if unit.lower() == "ms" else 1)


def _number(value: str | None) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None
