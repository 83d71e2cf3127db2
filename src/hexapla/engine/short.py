"""The short way: a whole answer that the first endpoint gives at once, by callbacks and without a task.

Most requests for a whole answer need nothing of what the exchange is there for: their first endpoint is asked on a
connection that waits in the pool, and answers well.  Then bytes go from callback to callback, and nothing is built that
would only wait.  Whatever else happens (no connection is free, a failure, an answer that takes its time or is none) is the
exchange's as ever: it takes over what has happened so far as its own first steps, so that nobody is asked or counted twice.
The rest of an answer that has begun is waited for a moment, since it is often on its way already: a provider sends head and
body, or its last chunk, apart.

Rules of this file: decides nothing but "all is well"; the books say what they say on the long way, at the same moments.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from hexapla.engine.address import Address
from hexapla.engine.annotated import Annotated
from hexapla.engine.faults import LeavingError, internal
from hexapla.engine.heads import answer_head
from hexapla.engine.work import Work
from hexapla.errors import GatewayError, Kind, ProtocolError, UpstreamError
from hexapla.routing.allowance import RATELIMIT
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Call, Start
from hexapla.translate.lane import Lane
from hexapla.upstream.connection import Connection, StaleError
from hexapla.upstream.exchange import Exchange
from hexapla.upstream.head import Letterhead
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.plain import Unread
from hexapla.upstream.secrets import without
from hexapla.upstream.transport import Request, Transport

_NOTHING: Mapping[str, str] = {}
MOMENT = 0.5  # seconds for the rest of an answer; the timers of the long way are longer


class Short(Work):
    """A request that tries the short way first.

    Until the long way takes it over, or the request is over, there is
    _lane      what the first endpoint is asked
    _admitted  what was said to asking it now: after so many seconds, or why not
    _start     its call that was sent, _line, who carries it, and _secrets, which its answer must not show, until
    _rest      ends the moment for the rest of its answer, or
    _brought   it has brought a response or a failure that is the long way's
    """

    _lane: Lane | None = None
    _admitted: GatewayError | float = 0.0
    _start: Start | None = None
    _line: Connection | None = None
    _secrets: tuple[bytes, ...] = ()
    _rest: asyncio.TimerHandle | None = None
    _brought: Exchange | UpstreamError | None = None

    def quickly(self, ended: Callable[[bool], None]) -> bool:
        means, plan, peeked = self.means, self.plan, self.peeked
        if peeked.stream or self.noted or means.books.ledger.waits:
            return False
        if plan.search is not None or peeked.plugins is not None:
            return False  # something may have to be prepared
        if len(peeked.models) > 1 and peeked.names_others:
            return False  # an answer need not be the last
        candidate = plan.candidates[0]
        address, same = candidate.address, candidate.endpoint.protocol == peeked.protocol
        assert isinstance(address, Address)
        letterhead = address.letterhead(self.ask.forward) if same and self.ask.forward else address.usual
        if letterhead is None:
            return False
        self._ended = ended
        try:
            lane = self.lane_to(candidate)
            if lane.begun is not None:
                return False  # an answer that was begun may be asked for at another path
            return self._sent(candidate, lane, letterhead)
        except (GatewayError, ProtocolError):
            return False  # the long way meets the same, and knows what to do about it
        except Exception as fault:  # the last resort (tests/engine/test_short.py)
            self._drop()
            self._break_off(internal(fault))
            ended(True)
            return True

    def _sent(self, candidate: Candidate, lane: Lane, letterhead: Letterhead) -> bool:
        """Send the first endpoint the request, if that takes no waiting."""
        means, transport = self.means, self.means.transports["http1"]
        if not isinstance(transport, Http1Transport):
            return False
        self._admitted = means.routes.traffic.admit(candidate, self.plan.load)
        self._lane = lane
        line = transport.reserve(letterhead.origin) if self._admitted == 0.0 else None
        if line is None:
            return False
        self._line, self._secrets = line, letterhead.secrets
        self.recorder.begin()
        self._start = Start(lane, candidate, False, 1, means.books.clock())
        line.begin(letterhead, lane.body, self._heard)
        lane.body = b""  # sent; a large one waits for its answer in memory that the next request can use
        return True

    def _heard(self) -> None:
        """The upstream has said something, or hung up."""
        line = self._line
        if line is None or (line.head is None and line.error is None and not line.closed):
            return
        if not line.complete and line.flowing:
            if self._rest is None:
                self._rest = asyncio.get_running_loop().call_later(MOMENT, self._decide, line)
            return
        self._decide(line)

    def _decide(self, line: Connection) -> None:
        """Whether what has come is the whole answer, or the long way's."""
        if self._rest is not None:
            self._rest.cancel()
        if line is not self._line:
            return
        self._line = line.heard = None
        try:
            answered = self._answered(line)
            if not answered and self._start is not None:
                self._keep(line, self._start)
        except Exception as fault:  # the last resort (tests/engine/test_short.py)
            line.close()
            self._drop()
            self._break_off(internal(fault))
            answered = True
        self._ended(answered)

    def _answered(self, line: Connection) -> bool:
        """Whether what came is a whole answer; the client has it then."""
        start, body = self._start, line.whole()
        if not body.startswith(b"{"):
            return False
        assert start is not None and line.head is not None
        lane = start.lane
        try:
            said = lane.answer(without(self._secrets, body))
        except GatewayError:
            return False
        recorder, answer, summary = self.recorder, self.answer, lane.summary
        now = recorder.served(start)
        self.spoke = True
        answer.start(200, answer_head(recorder.id, start))
        answer.finish(said)
        headers = line.head[1]
        if isinstance(headers, Unread) and not headers.mention(RATELIMIT):
            headers = _NOTHING
        self.means.routes.traffic.served(start.candidate, summary, headers, self.plan, start.since, None, now)
        line.finish()
        self._lane = None
        self._works.discard(self)
        return True

    def _keep(self, line: Connection, start: Start) -> None:
        """Leave what the call has brought so far to the long way."""
        try:
            self._brought = line.response()
        except StaleError:
            line.close()  # the server had closed it while it was idle and has seen nothing
        except UpstreamError as error:
            line.close()
            self._brought = error
        # one that has read nothing and knows all of the request
        self._lane = self.lane_to(start.candidate)

    # the long way goes on from what has begun

    def call(self, candidate: Candidate, echo_on: Annotated | None = None) -> Call:
        lane, start = self._lane, self._start
        if lane is None or candidate is not self.plan.candidates[0]:
            return super().call(candidate, echo_on)
        request = self.means.request(self.ask, lane, candidate, stream=False)
        return Call(lane=lane, request=request, since=start.since if start is not None else None)

    def admit(self, candidate: Candidate, forced: bool) -> GatewayError | float:
        if self._lane is None or candidate is not self.plan.candidates[0]:
            return super().admit(candidate, forced)
        if isinstance(self._admitted, GatewayError):
            self._lane = None
        return self._admitted

    def transport(self, request: Request) -> Transport:
        brought = self._brought
        if self._lane is None and brought is None:
            return super().transport(request)  # as for every stream: another attribute would cost each a dict
        self._lane = self._brought = None
        return super().transport(request) if brought is None else _Brought(brought)

    # other ends

    def leave(self) -> None:
        if self._task is None and self._lane is not None:
            self._drop()
            if self._start is not None:
                self.recorder.left((self._start,))
                self.recorder.end(outcome=Kind.CANCELLED, status=499, lane=self._start.lane)
        super().leave()

    def stop(self) -> None:
        super().stop()
        if self._line is not None:
            self._drop()
            self._break_off(LeavingError())
            self._ended(True)

    def _drop(self) -> None:
        """Close what was asked."""
        line, brought, asked = self._line, self._brought, self._lane is not None and self._admitted == 0.0
        self._line = self._brought = self._lane = None
        if line is not None:
            line.heard = None
            line.close()
        elif isinstance(brought, Exchange):
            brought.close()
        if asked:
            self.means.routes.traffic.left(self.plan.candidates[0])


class _Brought:
    """A transport that has sent its request already."""

    def __init__(self, answer: Exchange | UpstreamError) -> None:
        self._answer = answer

    async def send(self, request: Request) -> Exchange:
        if isinstance(self._answer, UpstreamError):
            raise self._answer
        return self._answer

    async def aclose(self) -> None:
        """There is nothing to close but the answer, which is its reader's."""
