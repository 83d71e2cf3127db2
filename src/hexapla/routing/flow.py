"""A stream on its way to the client: what is known of its life, and how its chunks are passed on.

Every chunk of every stream comes by `Flow.pour`, so whatever can wait is done when somebody asks for the deadline: when the
exchange asks for more, and at each look of the driver's sweeper.  So a time-out may be late by one look, and never early.
"""

from __future__ import annotations

from hexapla.routing.memory import Memory
from hexapla.routing.patience import Patience
from hexapla.translate.lane import Stream


class Flow:
    """One attempt's stream.

    held    client bytes that wait for the commit point
    poured  what the client hears of a chunk that was taken already (commands.Receive)
    ended   its bytes are over;  over: so is the answer
    memory  counts its bytes: all of them if its lane `keeps` what was said, else those that lie somewhere, since they came
            and nothing was said (what stands before the content, an event without end)
    """

    __slots__ = (
        "_counted",
        "_heard",
        "_keeps",
        "_memory",
        "_noticed",
        "_patience",
        "_progressed",
        "_seen",
        "_size",
        "_summary",
        "ended",
        "held",
        "over",
        "poured",
        "stream",
    )

    def __init__(self, stream: Stream, patience: Patience, memory: Memory, *, keeps: bool) -> None:
        self.stream, self._summary = stream, stream.summary
        self._patience = patience
        self._memory, self._keeps = memory, keeps
        self._counted = 0
        self.held: list[bytes] = []
        self.poured: bytes | None = None
        self.ended = self.over = False
        self._size = self._noticed = 0  # bytes that came, and those that somebody has noticed
        self._seen = 0  # content, in the same way
        self._heard = self._progressed = patience.clock()  # when either was noticed to grow

    def pour(self, data: bytes) -> bytes | None:
        """What the client hears of `data`; None where more is to do about that than to pass it on, and it is `poured`:
        the answer's end is known, or that it has failed."""
        self._size += len(data)
        stream, summary = self.stream, self._summary
        out = stream.feed(data)
        if summary.stop is None and summary.error is None and not stream.done:
            return out
        self.poured = out
        return None

    def deadline(self) -> float:
        """For the next bytes, counted from now if any have come since it was asked for."""
        now, more = self._patience.clock(), self._size - self._noticed
        grown = self._summary.text_bytes != self._seen
        if more:
            self._noticed, self._heard = self._size, now
            if self._keeps or not grown:
                self._counted += more
                self._memory.held += more
        if grown:
            self._seen, self._progressed = self._summary.text_bytes, now
            if not self._keeps:
                self.forget()
        return self._patience.flow(self.stream, self._progressed, self._heard)

    def forget(self) -> None:
        """Nothing of it is kept any more."""
        self._memory.held -= self._counted
        self._counted = 0
