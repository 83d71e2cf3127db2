"""What an answer's headers say is left of a limit.

Three families of names are in use: OpenAI's (`x-ratelimit-remaining-requests`, also Groq's, xAI's, Cerebras's, Azure's and
many more), Anthropic's (`anthropic-ratelimit-tokens-remaining`) and the short one (`x-ratelimit-remaining`, OpenRouter and
others).  None of them says how long its window is; it follows from how long the bucket takes to be full again.

Sources: https://platform.openai.com/docs/guides/rate-limits, https://docs.claude.com/en/api/rate-limits,
https://console.groq.com/docs/rate-limits (its request limit is a day's), 2026-11.

Rules of this file: total on any input; a limit that makes no sense (Azure has been seen to send -1) is none.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping

import msgspec

from hexapla.routing.limits import DAY, HOUR, MINUTE, Unit

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = re.compile(r"([\d.]+)(ms|s|m|h|d)")


class Allowance(msgspec.Struct, frozen=True):
    """`remaining` of `limit` units in `window` seconds."""

    unit: Unit
    limit: float
    remaining: float
    window: float


NAMES: tuple[tuple[Unit, str, str, str], ...] = (
    ("requests", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("tokens", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    (
        "requests",
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    (
        "tokens",
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ),
    ("requests", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
)
"""What is counted, and the headers that say how much there is, how much is left, and when all of it is back."""


TELLS = frozenset(limit for _, limit, _, _ in NAMES)
"""Headers without which an answer tells nothing."""

RATELIMIT = b"ratelimit"
"""What stands in the name of each of them."""


def allowances(headers: Mapping[str, str], wall: float) -> Iterator[Allowance]:
    """What the headers of one answer tell.  `headers`: lower-case names; `wall`: Unix seconds, for times of day."""
    for unit, limit_name, remaining_name, reset_name in NAMES:
        said = headers.get(limit_name)
        if said is None:
            continue
        limit, remaining = _number(said), _number(headers.get(remaining_name, ""))
        if limit is None or remaining is None or limit <= 0 or not 0 <= remaining <= limit:
            continue
        yield Allowance(unit, limit, remaining, _window(limit, remaining, _reset(headers.get(reset_name, ""), wall)))


def _window(limit: float, remaining: float, reset: float | None) -> float:
    """The window whose length fits: what was used comes back in proportion, or all at once at the window's end."""
    if reset is None:
        return MINUTE
    used = (limit - remaining) / limit
    length = reset / used if used > 0 else reset
    return MINUTE if length <= 2 * MINUTE else HOUR if length <= 2 * HOUR else DAY


def _reset(text: str, wall: float) -> float | None:
    """Seconds until a reset that is said as a duration (`6m0s`), in seconds, as a time, or as Unix (milli)seconds."""
    parts = _PART.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum((_number(number) or 0.0) * _SECONDS[unit] for number, unit in parts)
    number = _number(text)
    if number is None:
        return _until(text, wall)
    if number > 1e11:
        number /= 1000
    return number - wall if number > 1e8 else number


def _until(text: str, wall: float) -> float | None:
    try:
        then = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return then.timestamp() - wall if then.tzinfo is not None else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e18 else None
