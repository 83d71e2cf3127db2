"""The names closest to one that is not known, fast enough to be asked by anybody.

Comparing a name with thousands of others letter by letter takes a tenth of a second, and whoever sends wrong names
chooses how often.  So candidates are found by the three-letter pieces that they share with the name, and only the best
few are compared.  What is compared is the model's own name; whose it is decides among equals, since people leave the
provider out, or write another one.

Rules of this file: pure; a name's length is bounded before anything is compared; where nothing is close, nothing is named.
"""

from __future__ import annotations

import difflib
import heapq
import re
from collections import Counter
from collections.abc import Iterable

LONGEST = 120  # characters of an asked name that are looked at
SHORT_LIST = 40  # names that are compared letter by letter
CLOSE = 0.65  # of its letters in place, from which on a name counts as meant
WHOLE = 3  # letters from which on a name stands for those that begin with it

_END = re.compile(r"[-@:._]")
_date = re.compile(r"[-@]20\d\d-?\d\d-?\d\d$").sub
_digits = re.compile(r"\D+").sub


class Names:
    """An index of names; built at the first question."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(sorted(set(names)))
        self._by_piece: dict[str, list[int]] = {}

    def nearest(self, name: str, count: int) -> tuple[str, ...]:
        """Up to `count` names, closest first; fewer when few are close."""
        wanted = name[:LONGEST].lower()
        alike = [self.names[place] for place in self._alike(wanted)]
        asked, whole = _Asked(wanted.rpartition("/")[2]), _Asked(wanted)
        scored = ((asked.closeness(known.lower().rpartition("/")[2]), known) for known in alike)
        near = [
            (-close, -whole.likeness(known.lower()), place, known)
            for place, (close, known) in enumerate(scored)
            if close
        ]
        return _apart([known for *_, known in sorted(near)], count)

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


class _Asked:
    """A name that others are compared with."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._matcher = difflib.SequenceMatcher(b=name, autojunk=False)

    def likeness(self, known: str) -> float:
        """Of two names, letter by letter."""
        self._matcher.set_seq1(known)
        return self._matcher.ratio()

    def closeness(self, known: str) -> float:
        """How likely `known` was meant, up to 1; 0 where it was not.

        What begins with the name, or the name with it, lacks a date or a variant, or has one too many; a family's name
        is a word of the whole.  Among others a version counts more than its letters: gpt-5.5 is not gpt-3.5.
        """
        name = self._name
        if len(name) >= WHOLE and known.startswith(name):
            return 0.9 + 0.1 * len(name) / len(known)
        if len(known) >= WHOLE and name.startswith(known) and _END.match(name, len(known)):
            return 0.8 + 0.1 * len(known) / len(name)
        if len(name) >= WHOLE and name in _END.split(known):
            return 0.8
        undated = _date("", known)
        likeness = self._alike(known)
        return likeness if undated == known else max(likeness, self._alike(undated) - 0.02)

    def _alike(self, known: str) -> float:
        likeness = self.likeness(known)
        if likeness < CLOSE:
            return 0.0
        return likeness if _digits("", self._name) == _digits("", known) else likeness - 0.1


def _apart(names: list[str], count: int) -> tuple[str, ...]:
    """The first of them, models that are sold by many once; the others fill up."""
    firsts: dict[str, str] = {}
    for name in names:
        firsts.setdefault(name.lower().rpartition("/")[2], name)
    return tuple(dict.fromkeys((*firsts.values(), *names)))[:count]


def _pieces(name: str) -> set[str]:
    """Pieces of three characters, the ends marked."""
    marked = f"^{name}$"
    return {marked[at : at + 3] for at in range(len(marked) - 2)}
