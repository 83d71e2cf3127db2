"""Names for generations: unique over processes and restarts, in order of time, half a microsecond each.

The provider's id is no key (providers repeat theirs), and a random UUID costs five times as much.

Rules of this file: one Mint a process that records; ids are names, not secrets.
"""

from __future__ import annotations

import itertools
import secrets
import time


class Mint:
    """Milliseconds, 48 random bits of this mint, a counter: `gen-0199f2c3a5b7-5d1c0a77e0b3-0000a1`."""

    __slots__ = ("_beginning", "_count", "_moment", "_own")

    def __init__(self) -> None:
        self._own = secrets.token_hex(6)
        self._count = itertools.count().__next__
        self._moment = 0  # milliseconds
        self._beginning = ""  # of every id of that moment

    def __call__(self) -> str:
        now = time.time_ns() // 1_000_000
        if now != self._moment:
            self._beginning = f"gen-{now:012x}-{self._own}-"
            self._moment = now
        return f"{self._beginning}{self._count():06x}"
