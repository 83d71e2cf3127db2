"""Parts of uvicorn's connection in small, since most connections never need what is in them.

A deque takes 624 bytes when it is empty, and uvicorn gives two to each connection: one for requests that are pipelined, one
inside the event that tells when a slow client takes more.
"""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl


class Flow(FlowControl):
    """Its event is made when the client is slow, or somebody waits for one."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.read_paused = self.write_paused = False

    @cached_property
    def _is_writable_event(self) -> asyncio.Event:  # type: ignore[override]
        event = asyncio.Event()
        event.set()  # `pause_writing` clears it
        return event


class Pipeline(list[Any]):
    """The requests that wait for the answers before them: as much of a deque as they need."""

    __slots__ = ()

    def appendleft(self, asked: object) -> None:
        self.insert(0, asked)

    def popleft(self) -> Any:
        return self.pop(0)
