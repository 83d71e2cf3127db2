"""The names closest to one that is not known, fast enough to be asked by anybody.

Comparing a name with thousands of others letter by letter takes a tenth of a second, and whoever sends wrong names
chooses how often.  So candidates are found by the three-letter pieces that they share with the name, and only the best
few are compared.

Rules of this file: pure; a name's length is bounded before anything is compared.
"""

from __future__ import annotations

import difflib
import heapq
from collections import Counter
from collections.abc import Iterable

LONGEST = 120  # characters of an asked name that are looked at
SHORT_LIST = 40  # names that are compared letter by letter
CLOSE = 0.5  # difflib's ratio from which a name counts as meant


class Names:
    """An index of names; built at the first question."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(sorted(set(names)))
        self._by_piece: dict[str, list[int]] = {}

    def nearest(self, name: str, count: int) -> tuple[str, ...]:
        """Up to `count` names, closest first; fewer when few are close."""
        wanted = name[:LONGEST].lower()
        listed = {self.names[place].lower(): self.names[place] for place in self._alike(wanted)}
        # the last segment alone counts too: people leave out the owner, or write another one
        owner, _, tail = wanted.rpartition("/")
        tails = {lower.rpartition("/")[2]: lower for lower in sorted(listed, key=len, reverse=True)}
        close = [tails[found] for found in difflib.get_close_matches(tail, tails, count, CLOSE)]
        whole = difflib.get_close_matches(wanted, listed, count, CLOSE)
        close = [*whole, *close] if owner else [*close, *whole]
        return tuple(listed[lower] for lower in dict.fromkeys(close))[:count]

    def _alike(self, name: str) -> list[int]:
        """The places of the names that share most pieces with `name`."""
        if not self._by_piece:
            for place, known in enumerate(self.names):
                for piece in _pieces(known.lower()):
                    self._by_piece.setdefault(piece, []).append(place)
        shared: Counter[int] = Counter()
        for piece in _pieces(name):
            shared.update(self._by_piece.get(piece, ()))
        # of many with one tail, the shortest name is its maker's more often than a reseller's
        return heapq.nsmallest(SHORT_LIST, shared, key=lambda place: (-shared[place], len(self.names[place])))


def _pieces(name: str) -> set[str]:
    """Pieces of three characters, the ends marked."""
    marked = f"^{name}$"
    return {marked[at : at + 3] for at in range(len(marked) - 2)}
