"""The library's end of the engine: an answer gathered in memory, or streamed through a bounded queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class Inbox:
    """Receives one answer.  `parts` yields its bytes as they come; a slow reader slows the upstream down."""

    def __init__(self, depth: int = 64) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._begun = asyncio.Event()
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(depth)

    async def start(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        self.status = status
        self.headers = dict(headers)
        self._begun.set()

    async def send(self, data: bytes) -> None:
        await self._parts.put(data)

    async def finish(self, data: bytes = b"") -> None:
        if data:
            await self._parts.put(data)
        await self._parts.put(None)

    async def begun(self) -> None:
        """Wait until the head is there."""
        await self._begun.wait()

    async def parts(self) -> AsyncIterator[bytes]:
        while (part := await self._parts.get()) is not None:
            yield part

    async def read(self) -> bytes:
        return b"".join([part async for part in self.parts()])
