"""Two helpers that every stream translation needs.

`Blocks` numbers the blocks that a decoder finds under the wire's own keys.  `Nesting` puts interleaved blocks one after
the other for dialects that allow one open block at a time: the block that opened first flows through at once, later
ones wait for it, in order, and nothing is held longer than that.

Rules of this file: no dialect; indexes count from 0 in order of appearance; Structs, since every stream makes one of each.
"""

from __future__ import annotations

from collections.abc import Hashable

from msgspec import Struct

from hexapla.ir.event import AnyEvent, BlockDelta, BlockStart, BlockStop
from hexapla.ir.response import ResponsePart


class Blocks(Struct, eq=False):
    """Maps wire keys to block indexes, and remembers which blocks are open, in order of appearance.

    count  how many were opened so far
    """

    count: int = 0
    _open: dict[Hashable, int] = {}

    def open(self, key: Hashable, part: ResponsePart) -> BlockStart:
        """Open the next block under `key` (which must not be open)."""
        index = self.count
        self.count += 1
        self._open[key] = index
        return BlockStart(index, part)

    def index(self, key: Hashable) -> int | None:
        """The open block of `key`, if there is one."""
        return self._open.get(key)

    def close(self, key: Hashable) -> list[BlockStop]:
        """Stop the block of `key` if it is open."""
        index = self._open.pop(key, None)
        return [] if index is None else [BlockStop(index)]

    def close_all(self) -> list[BlockStop]:
        """Stop every open block, in order of appearance."""
        stops = [BlockStop(index) for index in self._open.values()]
        self._open.clear()
        return stops


class Nesting(Struct, eq=False):
    """Re-orders block events so that one block is open at a time.  `feed` returns what may be said now.

    current  the block that is said at once; None: none is open
    """

    current: int | None = None
    _waiting: dict[int, list[AnyEvent]] = {}

    def feed(self, event: BlockStart | BlockDelta | BlockStop) -> list[AnyEvent]:
        index = event.index
        if self.current is None:
            self.current = index
        if index != self.current:
            self._waiting.setdefault(index, []).append(event)
            return []
        if type(event) is not BlockStop:
            return [event]
        return [event, *self._next()]

    def _next(self) -> list[AnyEvent]:
        """Let the waiting blocks flow, up to and including the first that is not complete yet."""
        released: list[AnyEvent] = []
        self.current = None
        for index in list(self._waiting):
            self.current = index
            events = self._waiting.pop(index)
            released.extend(events)
            if type(events[-1]) is not BlockStop:
                return released
            self.current = None
        return released
