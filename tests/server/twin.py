"""Two connections that hear the same reads, one of which remembers no head.

Everything that can be seen from outside must be the same after each read: bytes, closes, what the gateway was asked,
memory, timers.  The gateway behind them answers when it is told to.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from typing import Any, cast

import msgspec
import pytest
import uvicorn
from uvicorn.server import ServerState

from hexapla.config import Limits
from hexapla.engine.client import Answer, Ask
from hexapla.engine.heads import plain_head
from hexapla.errors import GatewayError
from hexapla.routing.memory import Memory
from hexapla.server import http
from hexapla.server.generate import Generate
from hexapla.server.http import Door, guarded
from hexapla.server.keys import KeyRing

LIMITS = Limits(body_bytes=3000, head_bytes=900, head_lines=12)
KEYS = {"one": "first", "two": "second"}


def digests(*keys: str) -> dict[str, str]:
    return {sha256(key.encode()).hexdigest(): KEYS[key] for key in keys}


class Transport:
    """A socket's end that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.closing = self.paused = False

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def write(self, data: bytes) -> None:
        assert not self.closing
        self.said.append(data)

    def close(self) -> None:
        self.closing = True


class Running:
    """A request that waits for its answer."""

    def __init__(self, answer: Answer, answer_id: str) -> None:
        self._answer = answer
        self._id = answer_id

    def quickly(self, ended: Callable[[bool], None]) -> bool:
        self._ended = ended
        return True

    async def run(self) -> None: ...

    def leave(self) -> None: ...

    def say(self) -> None:
        self._answer.start(200, plain_head(self._id))
        self._answer.finish(b'{"said":true}')
        self._ended(True)


class Gateway:
    """Remembers what it is asked, and answers when it is told to."""

    def __init__(self) -> None:
        self.config = msgspec.defstruct("Config", [("limits", Limits)])(LIMITS)
        self.memory = Memory(60_000)
        self.asked: list[Ask] = []
        self.waiting: deque[Running] = deque()
        self._ids = count()

    def new_id(self) -> str:
        return f"gen-{next(self._ids)}"

    def begin(self, ask: Ask, answer: Answer) -> Running | None:
        self.asked.append(ask)
        if b"refuse" in ask.body:
            answer.start(400, plain_head(self.new_id()))
            answer.finish(b"refused")
            return None
        self.waiting.append(Running(answer, self.new_id()))
        return self.waiting[-1]

    def refuse(self, protocol: str, error: GatewayError, answer: Answer, **more: bool) -> None:
        answer.start(error.status, plain_head(self.new_id()))
        answer.finish(f"{protocol}: {error}".encode())


class Connection:
    """A client's connection.  What comes while reading is paused waits, as it does in a socket."""

    def __init__(self) -> None:
        self.gateway = Gateway()
        self.keys = KeyRing(digests("one", "two"))
        self.transport = Transport()
        self.parsed = 0  # reads that the parser was asked about
        paths = {
            f"/v1/{path}".encode(): (Generate(cast(Any, self.gateway), self.keys, protocol), profile)
            for path, protocol, profile in (
                ("chat/completions", "openai_chat", ""),
                ("messages", "anthropic_messages", "work"),
            )
        }
        kind = guarded(LIMITS, self.gateway.new_id, paths.get, self.gateway.memory, self.keys)
        config = uvicorn.Config(_asgi, http=kind, ws="none", lifespan="off", log_config=None, timeout_keep_alive=75)
        config.load()
        self.door = self._counting(kind)(config=config, server_state=ServerState(), app_state={})
        self.door.connection_made(cast(asyncio.Transport, self.transport))
        self._arrived: deque[bytes] = deque()

    def _counting(self, kind: type[Door]) -> type[Door]:
        connection = self

        class Counting(kind):  # type: ignore[misc, valid-type]
            def _parse(self, data: bytes) -> None:
                connection.parsed += 1
                super()._parse(data)

        return Counting

    async def take(self, step: Step) -> None:
        if isinstance(step, bytes):
            self._arrived.append(step)
        else:
            step(self)
        for _ in range(4):
            while self._arrived and not self.transport.paused and not self.transport.closing:
                self.door.data_received(self._arrived.popleft())
            await asyncio.sleep(0)

    def seen(self) -> object:
        """What can be seen of it from outside."""
        door, timers = self.door, (self.door._head_timer, self.door._idle_timer)
        return (
            b"".join(self.transport.said),
            self.transport.closing,
            self.transport.paused,
            list(self.gateway.asked),
            self.gateway.memory.held,
            self.gateway.memory.shed,
            [timer is not None for timer in timers],
            door.server_state.total_requests,
            door.cycle is None or door.cycle.response_complete,
        )


Step = bytes | Callable[[Connection], None]


async def _asgi(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"asgi"})


# steps that are no reads


def say(connection: Connection) -> None:
    if connection.gateway.waiting and not connection.transport.closing:
        connection.gateway.waiting.popleft().say()


def adopt(*keys: str) -> Step:
    return lambda connection: connection.keys.adopt(digests(*keys))


def narrow(connection: Connection) -> None:
    connection.gateway.config.limits = msgspec.structs.replace(LIMITS, body_bytes=20)


def crowd(connection: Connection) -> None:
    connection.gateway.memory.limit = 10


async def _played(steps: list[Step], remembers: bool) -> tuple[list[object], int]:
    with pytest.MonkeyPatch.context() as patch:
        if not remembers:
            patch.setattr(http, "remembered", lambda *_: None)
        connection, seen = Connection(), []
        for step in steps:
            await connection.take(step)
            seen.append(connection.seen())
        return seen, connection.parsed


def spared(steps: list[Step]) -> int:
    """Reads that the parser was spared, after checking that this was all the difference."""

    async def both() -> int:
        with_it, without = await _played(steps, True), await _played(steps, False)
        assert with_it[0] == without[0]
        return without[1] - with_it[1]

    return asyncio.run(both())
