"""Hours, days of the week and public holidays, as prices name them.

Some vendors sell the same tokens for less while their own country sleeps or rests.  A price's tier says so with a window
of hours, days of the week and the name of a calendar of holidays; this file reads all three.

Rules of this file: pure; a day is a number counted from 1970-01-01.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EPOCH = date(1970, 1, 1)
_WINDOW = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)(?:Z|([+-])(\d\d):(\d\d))?")

DAY = 1440
"""Minutes of a day."""

CALENDARS: dict[str, tuple[tuple[str, str], ...]] = {
    # https://www.gov.cn/zhengce/content/202511/content_7047090.htm (2025-11): the State Council's list for 2026; that of
    # 2027 is not in it, so a holiday of 2027 counts as the day of the week that it is
    "cn": (
        ("2026-01-01", "2026-01-03"),
        ("2026-02-15", "2026-02-23"),
        ("2026-04-04", "2026-04-06"),
        ("2026-05-01", "2026-05-05"),
        ("2026-06-19", "2026-06-21"),
        ("2026-09-25", "2026-09-27"),
        ("2026-10-01", "2026-10-07"),
    ),
}
"""First and last day of every holiday, by calendar."""


@lru_cache(maxsize=64)
def week(days: str) -> frozenset[int] | None:
    """Read "mon-fri" or "sat,sun" as days of the week, Monday 0; empty is every day, None what cannot be read."""
    found: set[int] = set()
    for part in days.lower().split(",") if days else ():
        first, _, last = part.strip().partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            return None
        start, end = _DAYS.index(first), _DAYS.index(last or first)
        found.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return frozenset(found)


@lru_cache(maxsize=8)
def holidays(calendar: str) -> frozenset[int]:
    """The days of a calendar's holidays."""
    spans = ((date.fromisoformat(first), date.fromisoformat(last)) for first, last in CALENDARS[calendar])
    return frozenset(day for first, last in spans for day in range((first - _EPOCH).days, (last - _EPOCH).days + 1))


@lru_cache(maxsize=256)
def window(text: str) -> tuple[int, int, int] | None:
    """Read "00:30-08:30+08:00" as (start, end, offset) in minutes; no offset is UTC, None is what cannot be read."""
    match = _WINDOW.fullmatch(text)
    if match is None:
        return None
    h1, m1, h2, m2, sign, oh, om = match.groups(default="0")
    offset = int(oh) * 60 + int(om)
    return (int(h1) * 60 + int(m1)) % DAY, (int(h2) * 60 + int(m2)) % DAY, -offset if sign == "-" else offset
