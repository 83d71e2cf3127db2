"""What a text repeats of the end of another one, found while it arrives.

Whoever is asked to go on with a text may say its end again, a word of it or all of it (Mistral begins with everything that
it was told: github.com/SillyTavern/SillyTavern/issues/2557, 2026-11).  The repetition is the longest end of the former text
with which the new one begins.  New text is held back as long as it may be part of one, which is mostly a word or two.

Only the earliest place in the former text that fits is remembered, and how far it does, so what is held back need not be
kept: it stands there already.  A place that ceased to fit never does again, so the place only moves on; each move is one
search, and their number is bounded, because the former text may be long and full of itself.

Rules of this file: pure; the result does not depend on how the new text was cut; the cost is linear in both texts.
"""

from __future__ import annotations

LOOKS = 256  # searches of the former text; after them nothing counts as a repetition


class Repetition:
    """Cuts off the beginning of a text what it repeats of the end of `before`; fewer characters than `least` are none."""

    def __init__(self, before: str, least: int) -> None:
        self._before = before
        self._least = least
        self._at = 0  # the earliest place in `before` to which the new text fits
        self._held = 0  # how many characters of it, none of which was told yet
        self._looks = 0
        self._over = len(before) < least

    def feed(self, text: str) -> str:
        """What is new of `text`, as far as that is known."""
        if self._over or not text:
            return text
        reached = self._at + self._held
        left = len(self._before) - reached
        if not self._before.startswith(text[:left], reached):
            return self._move(self._before[self._at : reached] + text)
        self._held += len(text)
        self._over = len(text) >= left
        return text[left:]

    def rest(self) -> str:
        """What was held back, without the repetition: nothing more comes."""
        if self._over:
            return ""
        self._over = True
        held = self._before[self._at : self._at + self._held]
        at = self._end(held, len(self._before) - len(held))
        return held if at < 0 else held[len(self._before) - at :]

    def _move(self, held: str) -> str:
        """Go on to the next place that `held` fits to; what is new of it where there is none, or the end is reached."""
        at = self._next(held)
        size = len(self._before) - at
        self._over = at < 0 or len(held) >= size
        self._at, self._held = at, len(held)
        return held if at < 0 else held[size:]

    def _next(self, held: str) -> int:
        """The next place to which `held` fits, as far as the former text goes; -1: there is none."""
        self._looks += 1
        if self._looks > LOOKS:
            return -1
        end = len(self._before) - max(self._least - len(held), 0)  # later, it would be too short to be a repetition
        found = self._before.find(held, self._at + 1, end)
        return found if found >= 0 else self._end(held, max(self._at, len(self._before) - len(held)) + 1)

    def _end(self, held: str, first: int) -> int:
        """The earliest place from `first` on where what the former text ends with is what `held` begins with; -1: none."""
        before, head = self._before, held[: self._least]
        if len(head) < self._least:
            return -1
        at = before.find(head, max(first, 0))
        while at >= 0 and not held.startswith(before[at:]):
            self._looks += 1
            at = before.find(head, at + 1) if self._looks <= LOOKS else -1
        return at


class Lap:
    """What is new of a text that goes on with `before`.

    White space at the end of `before` was not told to whoever goes on, so it is compared by itself: a text that was said
    again ends without it, and what follows may begin with it.
    """

    def __init__(self, before: str, least: int) -> None:
        told = before.rstrip()
        self._said = Repetition(told, least)
        self._blank = Repetition(before[len(told) :], 1)

    def feed(self, text: str) -> str:
        """What is new of `text`, as far as that is known."""
        return self._blank.feed(self._said.feed(text))

    def rest(self) -> str:
        """What was held back, without the repetition: nothing more comes."""
        return self._blank.feed(self._said.rest()) + self._blank.rest()
