"""The library's end of the engine: an answer gathered in memory, or streamed through a bounded queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from hexapla.engine.heads import Head


class Inbox:
    """Receives one answer.  `parts` yields its bytes as they come; a reader who leaves `depth` of them lying slows the
    upstream down (0: nobody reads before the end)."""

    def __init__(self, depth: int = 64) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._depth = depth
        self._begun = asyncio.Event()
        self._read = asyncio.Event()
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue()

    @property
    def full(self) -> bool:
        return 0 < self._depth <= self._parts.qsize()

    def start(self, status: int, head: Head) -> None:
        self.status = status
        self.headers = dict(head.pairs)
        self._begun.set()

    def send(self, data: bytes) -> bool:
        self._parts.put_nowait(data)
        return self.full

    def finish(self, data: bytes = b"") -> None:
        if data:
            self._parts.put_nowait(data)
        self._parts.put_nowait(None)

    async def drain(self) -> None:
        while self.full:
            self._read.clear()
            await self._read.wait()

    async def begun(self) -> None:
        """Wait until the head is there."""
        await self._begun.wait()

    async def parts(self) -> AsyncIterator[bytes]:
        while (part := await self._parts.get()) is not None:
            self._read.set()
            yield part

    async def read(self) -> bytes:
        return b"".join([part async for part in self.parts()])
