"""A raw HTTP/1.1 server: a test decides every byte, and sees when each connection ends.

The model that is asked for names the script.  A script is a coroutine that gets the `Visit` and writes what it likes;
the connection stays open after it, so that requests can follow, unless the script closes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

PROTOCOLS = {
    "/v1/chat/completions": "openai_chat",
    "/v1/responses": "openai_responses",
    "/v1/messages": "anthropic_messages",
}


@dataclass
class Visit:
    """One request.

    gone  the monotonic time at which its connection was seen to be closed
    turn  how many requests for its model came before it;  came: the monotonic time at which it did
    """

    path: str
    headers: dict[str, str]
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    gone: float = 0.0
    written: int = 0
    turn: int = 0
    came: float = field(default_factory=time.monotonic)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def protocol(self) -> str:
        return PROTOCOLS.get(self.path.removesuffix("/count_tokens"), "gemini_generate")

    @property
    def model(self) -> str:
        """In the body, or where Gemini names it: /v1/models/{model}:{method}."""
        named: str = self.asked.get("model") or self.path.rpartition("/")[2].partition(":")[0]
        return named

    @property
    def stream(self) -> bool:
        return bool(self.asked.get("stream")) or self.path.endswith(":streamGenerateContent")

    @property
    def asked(self) -> Any:
        return json.loads(self.body)

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while the gateway does not take them."""
        self.writer.write(data)
        await self.writer.drain()
        self.written += len(data)

    async def until_gone(self) -> None:
        """Wait until the gateway closes the connection."""
        with contextlib.suppress(OSError):
            await self.reader.read(1)
        self._left()

    def reset(self) -> None:
        """Close the connection in the middle of whatever was being said."""
        self.writer.transport.abort()

    def _left(self) -> None:
        self.gone = self.gone or time.monotonic()
        self.over.set()


Script = Callable[[Visit], Awaitable[None]]


class Upstream:
    """The server, on a thread and a loop of its own."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.visits: list[Visit] = []
        self.turns: Counter[str] = Counter()
        self.arrived = threading.Event()
        self.connections = 0
        self.url = ""
        self._loop = asyncio.new_event_loop()

    def play(self, script: Script, name: str = "") -> str:
        """Register `script` under a name of its own; the model to ask for."""
        name = name or f"s{len(self.scripts)}"
        self.scripts[name] = script
        self.visits.clear()
        self.arrived.clear()
        return name

    def last(self, wait: float = 5.0) -> Visit:
        """The newest request, as soon as there is one."""
        assert self.arrived.wait(wait), "the upstream was never asked"
        return self.visits[-1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while visit := await _read(reader, writer):
                visit.turn = self.turns[visit.model]
                self.turns[visit.model] += 1
                self.visits.append(visit)
                self.arrived.set()
                try:
                    await self.scripts[visit.model](visit)
                except OSError:
                    visit._left()
                    return
                if writer.is_closing():
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:  # the end: what nobody took would keep the socket open
            writer.transport.abort()
        finally:
            self.connections -= 1
            writer.close()

    async def _listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    @contextlib.contextmanager
    def running(self) -> Iterator[Upstream]:
        """Serve until the end of the block."""
        loop = self._loop
        server = loop.run_until_complete(self._listen())
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(server.close)
            asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(5)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)
            loop.close()


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Visit | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Visit(first.split(" ")[1].partition("?")[0], headers, body, reader, writer)
