"""uvicorn's HTTP/1.1 protocol with the limits that it leaves open, and a short way to the generation endpoints.

httptools parses whatever length of headers a client sends, and a client that sends one byte a second, or stops reading
its answer, keeps its socket for ever.  This subclass counts header bytes and lines, closes a connection whose request head
is not complete in time, one whose client takes nothing for long, and one that is too many.  (uvicorn's
`h11_max_incomplete_event_size` guards only its h11 parser, its `limit_concurrency` refuses whoever is connected already.)

ASGI costs a request some 60 µs and a chunk ten: a scope, two queues of dicts, a task that waits for them.  Generation
requests go from the parser to their endpoint instead (turn.py), and past the parser where they say the same head again
(known.py); every other path is uvicorn's, unchanged (docs/decisions/2026-11-28-own-door.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hexapla.config import Limits
from hexapla.ledger.ids import Mint
from hexapla.routing.memory import Memory
from hexapla.server.framing import (
    Refused,
    check_head,
    crowded_out,
    large_head,
    late_head,
    not_http,
    origin_form,
    unparsed,
    without_offer,
)
from hexapla.server.generate import Generate
from hexapla.server.keys import KeyRing
from hexapla.server.known import PATIENCE, Known, remembered
from hexapla.server.lean import Flow, Pipeline
from hexapla.server.turn import Opening, Place, Turn
from hexapla.upstream.stall import give_up_after

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

LOOKS = 4  # in the time after which an idle connection is closed

Find = Callable[[bytes], tuple[Generate, str] | None]


class Door(HttpToolsProtocol):
    """HttpToolsProtocol that takes generation requests itself, and refuses header bombs (431) and dripped heads (408)."""

    limits = Limits()
    new_id = staticmethod(Mint())
    find: Find = staticmethod(lambda path: None)
    memory = Memory()
    keys = KeyRing({})

    # with uvicorn's they are more than the thirty attributes that Python 3.11 keeps without a dict: 1.2 KB of a connection
    __slots__ = (
        "_arriving",
        "_beginning",
        "_between",
        "_chunk_begun",
        "_head_size",
        "_head_timer",
        "_idle_since",
        "_idle_timer",
        "_in_head",
        "_known",
        "_lying",
        "_most_lines",
        "_patience",
        "_place",
        "_plain",
        "_refused",
        "_running",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pipeline = Pipeline()  # type: ignore[assignment]
        self._between = True  # the parser has seen nothing of another message
        self._plain = b""  # the head of a request that offers another protocol, without its offer
        self._known: Known | None = None
        self._patience = PATIENCE
        self._head_size = 0
        self._most_lines = self.limits.head_lines
        self._in_head = True
        self._chunk_begun = False  # and nothing came of it: it may be the last one, with trailers behind it
        self._refused: Refused | None = None  # said when the answers before it are out
        self._beginning = False  # of pipelined requests, one after the other
        self._head_timer: asyncio.TimerHandle | None = None
        self._arriving: Turn | None = None  # its body is not complete
        self._running: Turn | RequestResponseCycle | None = None
        self._idle_since = 0.0  # as the latest look has found it; 0 where it has not
        self._idle_timer: asyncio.TimerHandle | None = None
        self._lying = 0  # bytes that a slow client has not taken yet

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = Flow(transport)
        self._place = Place(transport, self.flow, self.memory, self.tasks, self.on_response_complete)
        if 0 < self.limits.connections < len(self.connections):
            self._refuse(crowded_out(self.limits.connections))
            return
        give_up_after(self.limits.stall_seconds, transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        for asked in (self._running, *(waiting for waiting, _ in self.pipeline)):
            if isinstance(asked, Turn):
                asked.leave()
            elif asked is not None and not asked.response_complete:
                asked.disconnected = True  # uvicorn tells only the one that came last
                asked.message_event.set()
        self._taken()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A read.  One that is a request with the head that was kept needs no parser; all others are the parser's."""
        known = self._known
        if (
            known is not None
            and self._between
            and self.cycle.response_complete
            and (body := known.body(data))
            and not self.transport.is_closing()
        ):
            turn = Turn(self._place, known.opening, known.opening.keep_alive)
            self.cycle = turn  # type: ignore[assignment]  # uvicorn sees one of its own
            self._running = turn
            self._patience = PATIENCE
            turn.whole(known.ask, body)
        else:
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        if self._refused is not None:
            return
        between, self._between = self._between, False
        if self._in_head or self._chunk_begun:
            self._head_size += len(data)
        # a head that is still incomplete after this many bytes is a bomb; body bytes in the same read are allowed
        most = self.limits.head_bytes
        if self._in_head and self._head_size > most and b"\r\n\r\n" not in data[:most]:
            self._refuse(large_head())
            return
        rest: bytes | None = None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            rest = data[offer.args[0] :]  # read outside, where an error's context is what a callback has raised
        except httptools.HttpParserInvalidMethodError:
            # what was wrong is where the read begins, if nothing in it was right before
            self._refuse(unparsed(data) if between and self._head_size else not_http())
            return
        except httptools.HttpParserError as error:
            why = error.__context__  # what a callback has raised
            self._refuse(why if isinstance(why, Refused) else not_http())
            return
        if rest is not None:
            self._decline(rest)
            return
        if self._chunk_begun and self._head_size > most:
            self._refuse(large_head())
        elif self._arriving is not None:
            self._arriving.wait(self.loop)
        elif self._in_head and self._head_size and self._head_timer is None:
            self._arm()
        if between and self._between:
            self._remember(data)

    def _decline(self, rest: bytes) -> None:
        """Read a request that offers another protocol as if it did not, which is ours to do (RFC 9110, 7.8).

        The parser takes what follows its head for that protocol: the body, and every other request.  Java's HttpClient
        offers h2c in each first request to an http:// address.
        """
        head, self._plain = self._plain, b""
        if head:
            self.parser = httptools.HttpRequestParser(self)
            self._parse(head + rest)

    def _remember(self, data: bytes) -> None:
        """Keep the head of what was one whole request, most likely."""
        turn: object = self.cycle
        if self._patience and isinstance(turn, Turn) and turn.opening.headers is self.headers:
            self._known = remembered(data, turn, self.limits.head_bytes) or self._known
            self._patience -= 1

    # slow clients

    def pause_writing(self) -> None:
        """The client is slow: what it leaves lying counts."""
        super().pause_writing()
        size = self.transport.get_write_buffer_size()
        self.memory.held += size - self._lying
        self._lying = size

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken()

    def _taken(self) -> None:
        self.memory.held -= self._lying
        self._lying = 0

    # httptools

    def on_message_begin(self) -> None:
        """uvicorn makes a scope here; whether one is needed is known at the end of the head."""
        self._between = False
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer: it must not pass for a header (RFC 9110, 6.5.1), and nobody here asks for one
        headers = self.headers
        if len(headers) >= self._most_lines:
            raise large_head()
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._head_size = 0
        if self._head_timer is not None:
            self._disarm()
        if self.transport.is_closing():
            return
        parser = self.parser
        method, version = parser.get_method(), parser.get_http_version()
        if not self.url.startswith(b"/"):
            self.url, self.headers = origin_form(self.url, self.headers)
        check_head(version, method, self.headers)
        if version == "1.0":
            self.expect_100_continue = False  # it would not know the answer (RFC 9110, 10.1.1)
        if parser.should_upgrade():
            self._plain = without_offer(b"%b %b HTTP/%b" % (method, self.url, version.encode()), self.headers)
            return
        self._in_head = False
        found = self.find(self.url)
        if found is None or method != b"POST":
            url, headers, expects = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.url, self.headers, self.scope["headers"], self.expect_100_continue = url, headers, headers, expects
            super().on_headers_complete()
            return
        # a generation request: a turn of our own instead of uvicorn's cycle
        endpoint, profile = found
        pages = self.keys.pages
        opening = Opening(
            endpoint=endpoint,
            profile=profile,
            headers=self.headers,
            granted="" if pages is None else pages.lines(self.headers),
            keep_alive=parser.should_keep_alive() and version != "1.0",
            expects=self.expect_100_continue,
        )
        turn = Turn(self._place, opening, opening.keep_alive)
        before: RequestResponseCycle | None = self.cycle
        self.cycle = turn  # type: ignore[assignment]  # uvicorn sees one of its own
        self._arriving = turn
        if before is None or before.response_complete:
            self._running = turn
            turn.begin()
        else:  # pipelined
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Something that was pipelined has its turn; uvicorn's own cycles come here from the beginning."""
        turn: Turn | RequestResponseCycle = cycle
        self._running = turn
        if isinstance(turn, Turn):
            turn.begin()
        else:
            super()._start_asgi_task(cycle, app)

    def on_chunk_header(self) -> None:
        self._chunk_begun = True
        self._head_size = 0

    def on_body(self, body: bytes) -> None:
        self._chunk_begun = False
        self._head_size = 0
        turn = self._arriving
        if turn is None:
            super().on_body(body)
        elif not turn.response_complete:
            turn.take(body)

    def on_message_complete(self) -> None:
        if self._plain:
            return
        if self._head_timer is not None:
            self._disarm()
        self._in_head = self._between = True
        self._chunk_begun = False
        self._head_size = 0
        turn, self._arriving = self._arriving, None
        if turn is None:
            super().on_message_complete()
        elif not turn.response_complete:
            turn.end()

    # timers

    def on_response_complete(self) -> None:
        """As uvicorn's, with one timer for all of a connection's idle times instead of one for each."""
        self._running = None
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._begin_next()
            return
        if self._refused is not None:
            self._refuse(self._refused)
            return
        if not self._in_head and self.limits.head_seconds:
            # the body was refused on its way: take what still comes, for who hangs up at once may not be heard, and
            # not for ever
            self._head_timer = self.loop.call_later(self.limits.head_seconds, self.transport.close)
        self._idle_since = 0.0
        if self._idle_timer is None:
            self._look_again()

    def _begin_next(self) -> None:
        """Begin what was pipelined.  Whatever is answered at once is followed by the next one here and not inside of its
        own call, or a read full of small requests would use up the stack."""
        if self._beginning:
            return
        before: RequestResponseCycle | None = None
        while self.pipeline and (before is None or before.response_complete) and not self.transport.is_closing():
            before, app = self.pipeline.pop()
            self._beginning = bool(self.pipeline)
            self._start_asgi_task(before, app)
        self._beginning = False

    def _look_again(self) -> None:
        self._idle_timer = self.loop.call_later(self.timeout_keep_alive / LOOKS, self._look_idle)

    def _look_idle(self) -> None:
        """Idle time counts from the first look on, so that an answer's end needs no look at the clock."""
        self._idle_timer = None
        if self.transport.is_closing() or not self.cycle.response_complete:
            return
        now = self.loop.time()
        self._idle_since = self._idle_since or now
        if now - self._idle_since >= self.timeout_keep_alive:
            self.transport.close()
        else:
            self._look_again()

    def _arm(self) -> None:
        if self.limits.head_seconds:
            self._head_timer = self.loop.call_later(self.limits.head_seconds, self._refuse, late_head())

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def send_400_response(self, msg: str) -> None:
        self._refuse(not_http())

    def _refuse(self, refused: Refused) -> None:
        """Answer and close, after the answers to earlier requests."""
        self._disarm()
        transport = self.transport
        if transport.is_closing():
            return
        if self._others_first():
            self._refused = refused
            return
        # a body may break off behind its answer, and a second one would be taken for the next request's
        if self._in_head or not (self.cycle.response_started or self.cycle.response_complete):
            pages = self.keys.pages
            granted = "" if pages is None or not self.headers else pages.lines(self.headers)
            transport.write(refused.answer(self.new_id().encode(), granted.encode()))
        transport.close()

    def _others_first(self) -> bool:
        """Whether an earlier request waits for its answer.  The one whose body has broken off gets none of its own."""
        if self._in_head:
            return self.cycle is not None and not self.cycle.response_complete
        if not self.pipeline:
            return False
        broken: object = self.pipeline.popleft()[0]
        if isinstance(broken, Turn):
            broken.leave()
        return True


def guarded(limits: Limits, new_id: Callable[[], str], find: Find, memory: Memory, keys: KeyRing) -> type[Door]:
    """The protocol with these limits; uvicorn makes one object of it for each connection.

    find    the generation endpoint at a path, and the profile that the path names
    memory  what everything that is under way may take together
    keys    know whose pages may hear an answer
    """
    own = {
        "__slots__": (),
        "limits": limits,
        "new_id": staticmethod(new_id),
        "find": staticmethod(find),
        "memory": memory,
        "keys": keys,
    }
    return type("Guarded", (Door,), own)
