"""The request log: a line for each request that is over (lines.py), written to a terminal, a file or a pipe.

A pipe whose reader has stopped costs the gateway its life, so a thread writes, many lines at once.  What it writes is
made in the requests' own thread, 32 lines at once: there a Generation's many small parts are still at hand, and the code is
warm from the second line on.  One by one, or in the other thread and later, a line takes twice as long.  When the sink does
not keep up, lines are dropped and counted, and the next line that goes through says how many.

Rules of this file: `write` never blocks and never raises.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from hexapla.ledger.record import Generation
from hexapla.observe.lines import render_json, render_pretty

Style = Literal["json", "pretty"]
_Render = Callable[[Sequence[Generation]], bytes]

_PAUSE = 0.25  # seconds between writes
_TOGETHER = 32  # lines that are made at once
_AT_ONCE = 16  # blocks of them that are written at once
_PATIENCE = 2.0  # seconds that `close` waits for a sink


class _Block(NamedTuple):
    data: bytes
    lines: int


class RequestLog:
    """Open it with `RequestLog.open`.

    dropped  lines that were never written
    """

    def __init__(self, write: Callable[[bytes], None], render: _Render, capacity: int) -> None:
        self.dropped = 0
        self._write = write
        self._render = render
        self._queue: list[Generation] = []
        self._blocks: deque[_Block] = deque()
        self._most = max(1, capacity // _TOGETHER)  # blocks
        self._enough = min(self._most, _AT_ONCE)  # of them to be written
        self._reported = 0
        self._wake = threading.Event()
        self._making = threading.Lock()  # guards what becomes of the queue
        self._draining = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="hexapla-request-log", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        sink: str | Path | int = "stderr",
        *,
        style: Style = "json",
        color: bool = False,
        capacity: int = 10_000,
    ) -> RequestLog:
        """Log to standard error, a file (opened anew for each batch: it can be rotated) or a file descriptor."""
        renderers: dict[Style, _Render] = {"json": render_json, "pretty": partial(render_pretty, color=color)}
        return cls(_writer(sink), renderers[style], capacity)

    def write(self, generation: Generation) -> None:
        """Log a finished request, soon."""
        if self._closing:
            self.dropped += 1
            return
        queue = self._queue
        queue.append(generation)
        if len(queue) >= _TOGETHER and self._making.acquire(blocking=False):  # else the thread is at it
            try:
                self._make()
            finally:
                self._making.release()
            if len(self._blocks) >= self._enough:
                self._wake.set()

    def _make(self) -> None:
        """Make a block of what waits first."""
        batch = self._queue[:_TOGETHER]
        del self._queue[: len(batch)]  # whoever adds one meanwhile adds it behind
        if len(self._blocks) < self._most:
            self._blocks.append(_Block(self._render(batch), len(batch)))
        else:
            self.dropped += len(batch)

    def flush(self, *, tail: bool = True) -> None:
        """Write everything that waits, or only what makes a block; blocks for as long as the sink does."""
        with self._draining:
            while self._blocks or (tail and self._queue):
                with self._making:
                    if not self._blocks:
                        self._make()
                    blocks = [self._blocks.popleft() for _ in range(min(len(self._blocks), _AT_ONCE))]
                self._put(b"".join(block.data for block in blocks), sum(block.lines for block in blocks))

    def close(self) -> None:
        """Write what waits and stop; a sink that is stuck is given up after two seconds."""
        self._closing = True
        self._wake.set()
        self._thread.join(_PATIENCE)
        self.dropped += len(self._queue) + sum(block.lines for block in self._blocks)

    def _run(self) -> None:
        while not self._closing:
            busy = self._wake.wait(_PAUSE)
            self._wake.clear()
            self.flush(tail=not busy)
        self.flush()

    def _put(self, data: bytes, lines: int) -> None:
        missing = self.dropped - self._reported
        try:
            self._write(data + msgspec.json.encode({"dropped": missing}) + b"\n" if missing else data)
        except OSError:
            with self._making:
                self.dropped += lines
        else:
            self._reported += missing


def _writer(sink: str | Path | int) -> Callable[[bytes], None]:
    if isinstance(sink, int):
        return lambda data: _write_all(sink, data)
    if sink == "stderr":
        return lambda data: _write_all(2, data)
    path = Path(sink).expanduser()
    return lambda data: _append(path, data)


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:  # somebody made the terminal non-blocking
            time.sleep(0.02)
