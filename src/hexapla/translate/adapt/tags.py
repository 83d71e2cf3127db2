"""Thought that a provider writes into the text, as `<think>...</think>`, made a block of its own.

Only the beginning of the first text counts: an answer that merely speaks of the tags keeps them.  Whatever may still
become a tag, or white space around one, is held until the next piece tells; nothing else waits.

Rules of this file: events in, events out; blocks after the thought are numbered one higher.
"""

from __future__ import annotations

from msgspec.structs import replace

from hexapla.ir.content import Origin, Reasoning, Text
from hexapla.ir.event import AnyEvent, BlockDelta, BlockStart, BlockStop, TextDelta

OPEN, CLOSE = "<think>", "</think>"


class Tags:
    """One answer.  `origin`: whose thought it is."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._index: int | None = None  # of the first text block
        self._text = Text(text="")
        self._held = ""
        self._beside: list[BlockStart | BlockDelta] = []  # citations that wait for the text
        self._inside = False
        self._begun = False  # something of the thought was said
        self._decided = False  # the text's beginning is known for what it is, and the thought is over
        self._shift = 0

    def feed(self, event: AnyEvent) -> list[AnyEvent]:
        """What `event` is without tags."""
        if isinstance(event, BlockStart) and isinstance(event.part, Text) and self._index is None:
            self._index, self._text = event.index, replace(event.part, text="")
            return self._more(event.part.text)
        if not isinstance(event, BlockStart | BlockDelta | BlockStop):
            return [event]
        if event.index != self._index or self._decided:
            return [_at(event, event.index + self._shift)]
        if isinstance(event, BlockStop):
            return [*self._finish(), _at(event, event.index + self._shift)]
        if isinstance(event, BlockDelta) and isinstance(event.delta, TextDelta):
            return self._more(event.delta.text)
        self._beside.append(event)
        return []

    def _more(self, text: str) -> list[AnyEvent]:
        self._held += text
        if self._inside:
            return self._thought()
        said = self._held.lstrip()
        if said.startswith(OPEN):
            self._inside, self._held = True, said.removeprefix(OPEN)
            thought = Reasoning(form="reasoning_content", origin=self._origin)
            return [BlockStart(self._place, thought), *self._thought()]
        return [] if OPEN.startswith(said) else self._say()

    def _thought(self) -> list[AnyEvent]:
        """Thought up to the closing tag; of the rest all that cannot be the beginning of its end."""
        if not self._begun:
            self._held = self._held.lstrip("\n")
        thought, tag, rest = self._held.partition(CLOSE)
        if tag:
            self._held = rest
            closed: list[AnyEvent] = [*self._delta(thought.rstrip("\n")), BlockStop(self._place)]
            self._inside, self._shift = False, 1
            return closed + (self._say() if rest.strip() else [])
        ends = max(size for size in range(len(CLOSE)) if thought.endswith(CLOSE[:size]))
        kept = len(thought[: len(thought) - ends].rstrip("\n"))
        self._held = thought[kept:]
        self._begun = self._begun or kept > 0
        return self._delta(thought[:kept])

    def _say(self) -> list[AnyEvent]:
        """The text itself, from here on."""
        self._decided = True
        held = self._held.lstrip() if self._shift else self._held
        beside = [_at(event, self._place) for event in self._beside]
        return [BlockStart(self._place, self._text), *self._delta(held), *beside]

    def _finish(self) -> list[AnyEvent]:
        """The block is over: what is held is what it is; a thought that was never closed stays one."""
        if self._inside:
            return self._delta(self._held.rstrip("\n"))
        return self._say()

    @property
    def _place(self) -> int:
        assert self._index is not None
        return self._index + self._shift

    def _delta(self, text: str) -> list[AnyEvent]:
        return [BlockDelta(self._place, TextDelta(text))] if text else []


def _at(event: BlockStart | BlockDelta | BlockStop, index: int) -> AnyEvent:
    """`event` of the block with another number."""
    return event if event.index == index else replace(event, index=index)
