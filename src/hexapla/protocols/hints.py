"""When a provider says that a new try makes sense.

The hint stands in one of three headers, in Google's RetryInfo, in a counter of the body, only in the words of the message,
or nowhere but in when an empty bucket is full again.  A day's quota is gone for longer than any hint beside it says.
Nothing here reads a clock: a date is measured against the answer's own Date.

Rules of this file: total on any input; a hint is a number of seconds from 0 to MAX_HINT or it is none.
"""

from __future__ import annotations

import datetime
import email.utils
import re
from collections.abc import Mapping
from typing import Any

MAX_HINT = 3600.0  # seconds; a longer wait is a closed door, and whoever asks will be told again


def retry_hint(headers: Mapping[str, str], message: str = "", error: Mapping[str, Any] | None = None) -> float | None:
    """Seconds that the provider asks to wait, at most MAX_HINT; None when it asks nothing that makes sense.

    headers  lower-case names
    error    the object that describes the error, decoded
    """
    error = error or {}
    for seconds in (
        _whole_day(error),
        _milliseconds(headers),
        _seconds(headers),
        _retry_info(error),
        _counter(error, headers),
        _in_words(message),
        _empty(headers),
    ):
        if seconds is not None and seconds >= 0:  # neither NaN nor the past
            return min(seconds, MAX_HINT)
    return None


def should_retry(headers: Mapping[str, str]) -> bool | None:
    """x-should-retry, which OpenAI's and Anthropic's SDKs obey before they look at the status."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", "").strip().lower())


def _milliseconds(headers: Mapping[str, str]) -> float | None:
    """OpenAI's and Azure's finer headers."""
    value = _number(headers.get("retry-after-ms") or headers.get("x-ms-retry-after-ms"))
    return None if value is None else value / 1000


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Retry-After: seconds (fractions happen) or an HTTP date."""
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = _number(value)
    return _until(value, headers.get("date", "")) if seconds is None else seconds


def _until(then: str, now: str) -> float | None:
    """Seconds between two HTTP dates, 0 when the first is past."""
    later, earlier = _http_date(then), _http_date(now)
    return None if later is None or earlier is None else max(0.0, (later - earlier).total_seconds())


def _http_date(text: str) -> datetime.datetime | None:
    try:
        parsed = email.utils.parsedate_to_datetime(text)
        return parsed.astimezone(datetime.UTC) if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _whole_day(error: Mapping[str, Any]) -> float | None:
    """Google: QuotaFailure names the quota; a day's comes back at midnight, whatever RetryInfo says beside it
    (GenerateRequestsPerDayPerProjectPerModel-FreeTier with retryDelay 18s, as recorded 2026-09)."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        violations = detail.get("violations") if isinstance(detail, dict) else None
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict) and "PerDay" in str(violation.get("quotaId")):
                return MAX_HINT
    return None


def _retry_info(error: Mapping[str, Any]) -> float | None:
    """Google: details [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str):
            return _number(delay.removesuffix("s"))
    return None


def _counter(error: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    """Codex: resets_in_seconds, or resets_at in Unix seconds; OpenRouter: metadata.retry_after_seconds."""
    metadata = error.get("metadata")
    for holder in (error, metadata if isinstance(metadata, dict) else {}):
        for name in ("retry_after_seconds", "resets_in_seconds", "retry_after"):
            value = holder.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
    then, now = error.get("resets_at"), _http_date(headers.get("date", ""))
    if isinstance(then, int | float) and not isinstance(then, bool) and now is not None:
        return float(then) - now.timestamp()
    return None


EMPTY = tuple(
    tuple(name.format(unit) for name in names)
    for names, units in (
        (("x-ratelimit-remaining-{}", "x-ratelimit-reset-{}", "x-ratelimit-limit-{}"), ("requests", "tokens")),
        (
            ("anthropic-ratelimit-{}-remaining", "anthropic-ratelimit-{}-reset", "anthropic-ratelimit-{}-limit"),
            ("requests", "tokens", "input-tokens", "output-tokens"),
        ),
    )
    for unit in units
)
"""Headers that say how much is left, when it is full again, and of how much; some answers have them and no Retry-After."""

_PARTS = r"(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?"


def _empty(headers: Mapping[str, str]) -> float | None:
    """The longest time until a bucket of which nothing is left is full again.  Azure has been seen to say 0 or -1 of
    limits that it does not have."""
    found = [
        _reset(headers.get(reset, ""), headers.get("date", ""))
        for remaining, reset, limit in EMPTY
        if _number(headers.get(remaining)) == 0 and (_number(headers.get(limit, "1")) or 0) > 0
    ]
    return max((seconds for seconds in found if seconds is not None), default=None)


def _reset(text: str, now: str) -> float | None:
    """Go's durations (`6m0s`, `20ms`: OpenAI, Groq) or RFC 3339 (Anthropic)."""
    parts = re.fullmatch(_PARTS, text) if text else None
    if parts is not None:
        return sum(float(part or 0) * scale for part, scale in zip(parts.groups(), (3600.0, 60.0, 1.0, 0.001)))
    earlier = _http_date(now)
    try:
        later = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if earlier is None or later.tzinfo is None else (later - earlier).total_seconds()


_WAIT = (  # compiled when the first error is read
    r"(?:try again|retry|retrying|wait) (?:in|after|for) "
    r"(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,6})m(?!s))?(?:(?P<n>\d{1,9}(?:\.\d{1,9})?) ?(?P<unit>ms|milliseconds?|s|m|h))?"
)
_RAW_DELAY = r'"retryDelay\\?":\s*\\?"(\d{1,9}(?:\.\d{1,9})?)s'
_SCALE = {"ms": 0.001, "mi": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _in_words(message: str) -> float | None:
    """Groq, Codex, Azure: "try again in 5.289s", "in 1h2m3.2s", "in 200ms", "Please retry after 20 seconds"."""
    raw = re.search(_RAW_DELAY, message)  # Google's words quoted by whoever stands in front of it
    if raw is not None:
        return float(raw[1])
    for found in re.finditer(_WAIT, message, re.IGNORECASE):
        if any(found.group("h", "m", "n")):
            return _spoken(found)
    return None


def _spoken(found: re.Match[str]) -> float:
    hours, minutes, number, unit = found.group("h", "m", "n", "unit")
    rest = float(number) * (_SCALE.get(unit[:2].lower()) or _SCALE[unit[0].lower()]) if number else 0.0
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + rest


def _number(value: str | None) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None
