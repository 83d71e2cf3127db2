"""Hears of an answer that goes to a client what has to come back with its calls: its thought, and the calls.

Rules of this file: other blocks count for their place only; an answer that does not come to its end, or says more than
may be kept, is nothing to go on from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hexapla.ir.content import Reasoning, Text, ToolCall
from hexapla.ir.event import AnyEvent, BlockDelta, BlockStart, MessageStop, SummaryDelta, TextDelta
from hexapla.ir.fold import Fold
from hexapla.ir.response import ResponsePart

Keep = Callable[[Sequence[ResponsePart]], None]
"""What is done with the parts of an answer that is complete."""

_MATTERS = frozenset({Reasoning, ToolCall})
_SOMETHING = Text(text="")


class Hearing:
    """One answer, event by event; `keep` takes a whole one at once.

    most  characters that it may say
    """

    __slots__ = ("_blocks", "_fold", "_left", "_places", "keep")

    def __init__(self, keep: Keep, most: int) -> None:
        self.keep = keep
        self._left = most
        self._fold = Fold()
        self._blocks = 0
        self._places: dict[int, int] = {}  # of the blocks that matter, among all

    def hear(self, event: AnyEvent) -> None:
        """More of it, in the client's words."""
        if type(event) is BlockDelta:
            place = self._places.get(event.index)
            if place is not None:
                self._more(BlockDelta(place, event.delta))
        elif type(event) is BlockStart:
            self._begin(event)
        elif type(event) is MessageStop and self._left >= 0:
            self.keep(self._fold.response().content)

    def _more(self, event: BlockDelta) -> None:
        delta = event.delta
        if isinstance(delta, TextDelta | SummaryDelta):
            self._left -= len(delta.text)
        if self._left >= 0:
            self._fold.feed(event)
        else:
            self._fold, self._places = Fold(), {}

    def _begin(self, event: BlockStart) -> None:
        matters = type(event.part) in _MATTERS
        self._fold.feed(BlockStart(self._blocks, event.part if matters else _SOMETHING))
        if matters:
            self._places[event.index] = self._blocks
        self._blocks += 1
