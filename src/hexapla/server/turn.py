"""One generation request on a connection, from the end of its head to the last byte of its answer.

This is the path that every token takes, so there is nothing between the connection and the engine: the body's pieces
are joined once, the request needs at most one task, the answer is written by whoever brings its bytes, and a client that
leaves ends its request from the connection's own callback.  uvicorn sees a Turn as one of its request cycles: the
attributes without underscore are what it looks at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from hexapla.engine.client import Ask
from hexapla.engine.heads import Head
from hexapla.engine.work import Running
from hexapla.errors import GatewayError
from hexapla.routing.memory import PIECE, REQUEST, WEIGHT, Memory
from hexapla.server.body import announced, late, too_large
from hexapla.server.generate import Generate
from hexapla.server.heap import LARGE_BODY, enlarge_heap

JOINED = 64 * 1024
"""Bytes of an answer up to which one copy costs less than a second piece on its way to the socket."""

_STATUS = {status: line.decode() for status, line in STATUS_LINE.items()}


class Place(Struct, frozen=True):
    """What a turn needs of its connection.

    memory   what everything that is under way takes
    tasks    those that the server waits for at its end
    over     told when the answer is complete
    """

    transport: asyncio.Transport
    flow: FlowControl
    memory: Memory
    tasks: set[asyncio.Task[Any]]
    over: Callable[[], None]


class Opening(Struct, frozen=True, kw_only=True):
    """The head of a request.

    endpoint, profile  whom its path asks
    granted            lines of the answer's head by which a web page may hear it
    keep_alive         whether another request may follow on the connection
    expects            the client waits for `100 Continue`
    """

    endpoint: Generate
    profile: str
    headers: list[tuple[bytes, bytes]]
    granted: str = ""
    keep_alive: bool
    expects: bool

    def __repr__(self) -> str:
        return "Opening(…)"  # a key is in its headers


class _NoEvent:
    """uvicorn wakes up its own cycles by an event; a turn needs no waking."""

    def set(self) -> None:
        return None


class Turn(Struct, eq=False):
    """See above.  Its endpoint gets it as the Answer.  A Struct is made in half the time of a class.

    ask                what its head asks, when its caller may and it says nothing wrong
    keep_alive         whether the connection is used again
    disconnected       the client is gone
    response_started   the answer's head is out
    response_complete  nothing more is said, and what still comes of the body is ignored
    """

    message_event: ClassVar = _NoEvent()

    _place: Place
    opening: Opening
    keep_alive: bool
    _body: list[bytes] = []
    _size: int = 0
    _held: int = 0  # of the gateway's memory
    _whole: bool = False
    _begun: bool = False
    _error: GatewayError | None = None
    _key: str | None = None
    _running: Running | None = None
    _task: asyncio.Task[None] | None = None
    _timer: asyncio.TimerHandle | None = None
    _head: str = ""  # said with the first bytes
    ask: Ask | None = None
    disconnected: bool = False
    response_started: bool = False
    response_complete: bool = False

    def __repr__(self) -> str:
        return "Turn(…)"  # as of its opening

    # the request

    def begin(self) -> None:
        """The answers before this one are out: it is this request's turn."""
        self._begun = True
        self._key = self.opening.endpoint.admit(self.opening.headers, self)
        if self._key is None:
            self._let_go()
            return
        if self._error is not None:
            self._refuse(self._error)
        elif self._whole:
            self.end()
        elif self.opening.expects and not self._refuse_by_length():
            self._place.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def take(self, piece: bytes) -> None:
        """A piece of the body."""
        self._size += len(piece)
        limit = self.opening.endpoint.gateway.config.limits.body_bytes
        if self._size > limit:
            self._refuse(too_large(limit))
            return
        memory = self._place.memory
        more = WEIGHT * max(len(piece), PIECE) + (0 if self._held else REQUEST)
        memory.held += more
        self._held += more
        if memory.held > memory.limit and memory.crowded():
            self._refuse(memory.refusal())
        else:
            self._body.append(piece)

    def end(self) -> None:
        """The body is complete: answer the request, if it is its turn and its caller may ask."""
        self._whole = True
        if self._timer is not None:
            self._disarm()
        if self._key is None:
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        if len(body) > LARGE_BODY:
            enlarge_heap()
        opening = self.opening
        try:
            self.ask = opening.endpoint.question(self._key, opening.headers, profile=opening.profile)
        except GatewayError as error:
            self._refuse(error)
        else:
            self.whole(self.ask, body)

    def whole(self, ask: Ask, body: bytes) -> None:
        """All of the request is there.

        Where its head was known (known.py) nothing came before this, and `opening` is what was kept of an earlier one,
        and so is the length in its headers.
        """
        self._begun = self._whole = True
        gateway, memory, size = self.opening.endpoint.gateway, self._place.memory, len(body)
        limit = gateway.config.limits.body_bytes
        if size > limit:
            self._refuse(too_large(limit))
            return
        more = WEIGHT * size + REQUEST - self._held
        if more:  # it came at once
            memory.held += more
            self._held += more
            if memory.held > memory.limit and memory.crowded():
                self._refuse(memory.refusal())
                return
        running = gateway.begin(replace(ask, body=body), self)
        if running is None:
            self._let_go()
            return
        self._running = running
        if not running.quickly(self._ended):
            self._run_long()

    def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        """What was read is used up: if the body is not complete by now, give it its time."""
        if self._timer is not None or self._whole or self.response_complete or not self._begun:
            return
        seconds = self.opening.endpoint.limits.body_seconds
        if not self._refuse_by_length() and seconds:
            self._timer = loop.call_later(seconds, self._refuse, late(seconds))

    def leave(self) -> None:
        """The client is gone."""
        self.disconnected = True
        self._disarm()
        self._let_go()
        if self._task is not None:
            # one that has not begun yet never will, and cannot say itself that it is over
            self._task.add_done_callback(self._place.tasks.discard)
            self._task.cancel()
        if self._running is not None:
            self._running.leave()

    def _let_go(self) -> None:
        """Nothing of the request is needed any more."""
        self._body.clear()
        self._place.memory.held -= self._held
        self._held = 0

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse_by_length(self) -> bool:
        """Refuse a body that is announced as too large, or for which there is no room, before it is there."""
        limit, length = self.opening.endpoint.limits.body_bytes, announced(self.opening.headers)
        if length > limit:
            self._refuse(too_large(limit))
        elif self._place.memory.crowded(WEIGHT * (length - self._size)):
            self._refuse(self._place.memory.refusal())
        return self.response_complete

    def _refuse(self, error: GatewayError) -> None:
        self._disarm()
        self._let_go()
        if self._begun:
            self.opening.endpoint.refuse(error, self, self.opening.headers)
        else:  # answers leave in the order of their requests
            self._error = error

    def _ended(self, answered: bool) -> None:
        """The short way is over."""
        if not answered:
            self._run_long()
            return
        self._running = None
        self._place.memory.held -= self._held
        self._held = 0
        if not self.response_complete:  # the client must not take what it has for the whole
            self._place.transport.close()

    def _run_long(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._answer())
        self._place.tasks.add(self._task)

    async def _answer(self) -> None:
        assert self._running is not None and self._task is not None
        try:
            await self._running.run()
        except asyncio.CancelledError:
            if not self.disconnected:
                raise
        finally:
            self._place.tasks.discard(self._task)
            self._ended(answered=True)

    # the answer

    @property
    def full(self) -> bool:
        return self._place.flow.write_paused and not self.response_complete

    def start(self, status: int, head: Head) -> None:
        close = "" if self.keep_alive else "connection: close\r\n"
        self._head = f"{_STATUS[status]}{head.lines}{self.opening.granted}{close}"

    def send(self, data: bytes) -> bool:
        data = b"%x\r\n%b\r\n" % (len(data), data)
        if not self.response_started:
            self.response_started = True
            data = f"{self._head}transfer-encoding: chunked\r\n\r\n".encode("latin-1", "replace") + data
            self._head = ""  # as the speaker's
        place = self._place
        if not self.disconnected:
            place.transport.write(data)
        return place.flow.write_paused and not self.response_complete

    def finish(self, data: bytes = b"") -> None:
        transport, head = self._place.transport, b""
        if not self.response_started:
            head = f"{self._head}content-length: {len(data)}\r\n\r\n".encode("latin-1", "replace")
        elif data:
            data = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)
        else:
            data = b"0\r\n\r\n"
        if not self.disconnected:
            if len(data) > JOINED:
                transport.writelines((head, data))
            else:
                transport.write(head + data)
        self.response_complete = True
        if not self.keep_alive:
            transport.close()
        self._place.over()

    async def drain(self) -> None:
        await self._place.flow.drain()
