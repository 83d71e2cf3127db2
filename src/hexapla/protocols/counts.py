"""What an upstream says that it counted and billed, as far as it can be so many.

The books hold counts, and bills in nano-units, as integers of 64 bits (ledger/sqlite.py): a number that does not fit is a
mistake of the upstream's, and must not cost the whole record.

Rules of this file: what is no number, is negative or too large is nothing.
"""

from __future__ import annotations

from typing import Any

MOST = 1 << 60  # so that a few of them together fit as well
MOST_BILL = 1e9

_NUMBERS = frozenset({int, float})  # and not bool


def count(value: Any) -> int | None:
    """A count of tokens or of searches."""
    return int(value) if type(value) in _NUMBERS and 0 <= value < MOST else None


def bill(value: Any) -> float | None:
    """An amount of money."""
    return float(value) if type(value) in _NUMBERS and 0 <= value <= MOST_BILL else None
