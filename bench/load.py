"""Closed-loop load on raw sockets: `python -m bench.load JSON`, which prints its `Result` as JSON.

Every connection sends the same request again as soon as the last answer is complete, until the time is up.  `hold` opens
streams, says so, and keeps them open until its input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from pathlib import Path
from typing import cast

import msgspec
import uvloop

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to send and how long.  `end`: what a complete answer must hold; `head` is without content-length."""

    host: str
    port: int
    head: str
    body: str  # a file
    connections: int
    seconds: float
    end: str = ""
    hold: bool = False


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: seconds of each answer, seconds to each first byte, and the generator's own CPU share."""

    answers: int
    errors: int
    events: int
    seconds: float
    p50: float
    p99: float
    first_p50: float
    busy: float


class Connection(asyncio.Protocol):
    """One connection of the generator."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._buffer = b""
        self._left: int | None = -1  # of the answer's body; None is chunked, -1 before its head
        self._tail = b""
        self._counted = False  # as a stream that stands open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop does not derive its own
        self._send()

    def _send(self) -> None:
        self._left, self._buffer, self._tail, self._first = -1, b"", b"", 0.0
        self._began = time.perf_counter()
        self._transport.write(self._run.request)

    def data_received(self, data: bytes) -> None:
        """Follow the answer to its end."""
        if self._left == -1:
            self._buffer += data
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            data = self._begin(end)
        self._first = self._first or (time.perf_counter() if data else 0.0)
        self._run.events += data.count(b"\n\n")
        self._tail = (self._tail + data)[-64:]
        if self._left is not None:
            self._left -= len(data)
        if self._left == 0 or (self._left is None and self._tail.endswith(b"0\r\n\r\n")):
            self._finish()
        elif self._run.order.hold and data and not self._counted:
            self._counted = True
            self._run.held()

    def _begin(self, end: int) -> bytes:
        head, body = self._buffer[:end], self._buffer[end + 4 :]
        self._good = head[9:12] == b"200"
        length = _LENGTH.search(head)
        self._left = None if _CHUNKED.search(head) else int(length.group(1)) if length else 0
        return body

    def _finish(self) -> None:
        now = time.perf_counter()
        run = self._run
        if not self._good or run.end not in self._tail:
            run.errors += 1
            if run.errors > run.order.connections * 3:
                run.stop()
        else:
            run.times.append(now - self._began)
            run.firsts.append(self._first - self._began)
        if now < run.until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that broke."""
        if exc is not None or self._left not in (-1, 0, None):
            self._run.errors += 1
        self._run.closed()


class Run:
    """All connections, and what they counted."""

    def __init__(self, order: Order) -> None:
        self.order = order
        body = Path(order.body).read_bytes()
        self.request = f"{order.head}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        self.end = order.end.encode()
        self.times: list[float] = []
        self.firsts: list[float] = []
        self.errors = self.events = self._open = self._held = 0
        self.until = 0.0
        self._done = asyncio.Event()

    def held(self) -> None:
        """One more stream stands open."""
        self._held += 1
        if self._held == self.order.connections:
            print("held", flush=True)

    def closed(self) -> None:
        """One connection less."""
        self._open -= 1
        if not self._open:
            self._done.set()

    def stop(self) -> None:
        """End early: nothing but errors."""
        self.until = 0.0
        self._done.set()

    async def go(self) -> Result:
        """Run to the end."""
        loop = asyncio.get_running_loop()
        cpu, began = time.process_time(), time.perf_counter()
        self.until = began + self.order.seconds
        self._open = self.order.connections
        for _ in range(self.order.connections):
            await loop.create_connection(lambda: Connection(self), self.order.host, self.order.port)
        if self.order.hold:
            loop.add_reader(sys.stdin, self._done.set)
        with contextlib.suppress(TimeoutError):  # answers that never came are missing in the count
            await asyncio.wait_for(self._done.wait(), 60 if self.order.hold else self.order.seconds + 10)
        seconds = time.perf_counter() - began
        busy = (time.process_time() - cpu) / seconds
        times, firsts = sorted(self.times) or [0.0], sorted(self.firsts) or [0.0]
        return Result(
            answers=len(self.times),
            errors=self.errors,
            events=self.events,
            seconds=seconds,
            p50=times[len(times) // 2],
            p99=times[int(len(times) * 0.99)],
            first_p50=firsts[len(firsts) // 2],
            busy=busy,
        )


async def main(order: Order) -> None:
    """Run and tell."""
    result = await Run(order).go()
    print(msgspec.json.encode(result).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Order)))
