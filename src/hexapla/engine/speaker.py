"""Says an exchange's answer to the client, and writes down its end before the client can hear it.

Rules of this file: the head goes out with the first bytes, so that until then whatever goes wrong can still be an HTTP
error; when the answer's end is known it is in the journal before its last byte is out.
"""

from __future__ import annotations

from collections.abc import Callable

from hexapla.engine.client import Answer
from hexapla.engine.heads import Head, answer_head
from hexapla.engine.recorder import Recorder
from hexapla.routing.commands import Start
from hexapla.translate.lane import Lane


class Speaker:
    """The exchange's sink: heads with our headers, and the end record before the last byte."""

    def __init__(self, recorder: Recorder, answer: Answer) -> None:
        self.recorder = recorder
        self.answer = answer
        self.lane: Lane | None = None
        self.spoke = False
        self._start: Start | None = None  # whose heartbeats or content the client hears
        self._head: Head | None = None

    @property
    def full(self) -> bool:
        return self.answer.full

    def start(self, start: Start) -> None:
        self._begin(start)
        self.recorder.spoke()

    def beat(self, start: Start, data: bytes) -> None:
        self._begin(start)
        if not data:
            return
        if not self.spoke:
            self._say_head()
        self.answer.send(data)

    def send(self, data: bytes) -> bool:
        assert self.lane is not None
        if self.lane.summary.stop is not None:  # among a stream's last events
            self._book()
        if not self.spoke:
            self._say_head()
        return self.answer.send(data)

    def voice(self) -> Callable[[bytes], bool]:
        return self.answer.send if self.spoke else self.send

    def finish(self, data: bytes) -> None:
        if data:
            self._book()
        if not self.spoke:
            self._say_head()
        self.answer.finish(data)

    async def drain(self) -> None:
        await self.answer.drain()

    def _begin(self, start: Start) -> None:
        if start is not self._start:
            self._start, self.lane = start, start.lane
            self.recorder.started(start)
            self._head = answer_head(self.recorder.id, start)

    def _say_head(self) -> None:
        """The head goes out with the first bytes: until then, whatever goes wrong can still be an HTTP error."""
        head, self._head = self._head, None  # a stream may stand open for long
        assert head is not None
        self.spoke = True
        self.answer.start(200, head)

    def _book(self) -> None:
        """Before bytes go out: when the answer's end is known, it is written down first."""
        lane = self.lane
        assert lane is not None
        if lane.summary.stop is not None and lane.summary.error is None:
            self.recorder.end(lane=lane)
