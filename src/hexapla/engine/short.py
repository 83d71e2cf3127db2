"""The short way: a whole answer that the first endpoint gives at once, by callbacks and without a task.

Most requests for a whole answer need nothing of what the exchange is there for: their first endpoint is asked on a
connection that waits in the pool, and answers well.  Then bytes go from callback to callback, and nothing is built that
would only wait.  Whatever else happens (no connection is free, a failure, an answer that comes in pieces or is none) is the
exchange's as ever: it takes over what has happened so far as its own first steps (`_Begun`), so that nobody is asked or
counted twice.

Rules of this file: decides nothing but "all is well"; the books say what they say on the long way, at the same moments.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from hexapla.engine.annotated import Annotated
from hexapla.engine.faults import LeavingError, internal
from hexapla.engine.heads import answer_headers
from hexapla.engine.work import Work
from hexapla.errors import GatewayError, Kind, ProtocolError, UpstreamError
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Call, Start, Tried
from hexapla.upstream.connection import Connection, Exchange, StaleError
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.secrets import secrets_of, without
from hexapla.upstream.transport import Request, Transport


class _Begun(msgspec.Struct, frozen=True, kw_only=True):
    """How far the first attempt has come: the long way goes on from here.

    admitted  what was said to asking now: after so many seconds, or why not
    answer    the response, or the failure, that the call has brought so far; None where nothing was sent
    """

    candidate: Candidate
    call: Call
    admitted: GatewayError | float
    answer: Exchange | UpstreamError | None = None


class Short(Work):
    """A request that tries the short way first."""

    _begun: _Begun | None = None  # until the long way has taken it over
    _start: Start | None = None  # the call that was sent
    _line: Connection | None = None  # who is being asked

    def quickly(self, ended: Callable[[bool], None]) -> bool:
        self._ended = ended
        try:
            return self._ask_first()
        except (GatewayError, ProtocolError):
            return False  # the long way meets the same, and knows what to do about it
        except Exception as fault:  # the last resort (tests/server/test_guard.py)
            self._drop()
            self._break_off(internal(fault))
            ended(True)
            return True

    def _ask_first(self) -> bool:
        """Send the first endpoint the request, if that takes no waiting and is all that is wanted."""
        means, candidate = self.means, self.plan.candidates[0]
        if self.peeked.stream or self.noted or candidate.login is not None or means.books.ledger.waits:
            return False
        if self.plan.search is not None or self.peeked.plugins is not None:
            return False  # something may have to be prepared
        call = means.straight(self.ask, self.peeked, candidate) if self.plan.plain else None
        if call is None:
            call = means.call(self.ask, self.translation, candidate)
        request = call.request
        assert isinstance(request, Request)
        transport = means.transport(request)
        if not isinstance(transport, Http1Transport):
            return False
        admitted = means.routes.traffic.admit(candidate, self.plan.load)
        self._begun = _Begun(candidate=candidate, call=call, admitted=admitted)
        line = transport.reserve(request) if admitted == 0.0 else None
        if line is None:
            return False
        self._line = line
        self.recorder.begin()
        self._start = Start(call.lane, candidate, False, 1, means.books.clock())
        line.begin(request, self._heard)
        return True

    def _heard(self) -> None:
        """The upstream has said something, or hung up."""
        line = self._line
        if line is None or (line.head is None and line.error is None and not line.closed):
            return
        self._line = line.heard = None
        try:
            answered = self._answered(line)
            if not answered:
                self._keep(line)
        except Exception as fault:  # the last resort (tests/server/test_guard.py)
            line.close()
            self._drop()
            self._break_off(internal(fault))
            answered = True
        self._ended(answered)

    def _answered(self, line: Connection) -> bool:
        """Whether what came is a whole answer; the client has it then."""
        start, begun, body = self._start, self._begun, line.whole()
        assert start is not None and begun is not None and isinstance(begun.call.request, Request)
        if not body.startswith(b"{"):
            return False
        try:
            said = start.lane.answer(without(secrets_of(begun.call.request.headers), body))
        except GatewayError:
            return False
        recorder, answer = self.recorder, self.answer
        recorder.served(start)
        self.spoke = True
        answer.start(200, answer_headers(recorder.id, start))
        answer.finish(said)
        self._learn(line, start)
        line.finish()
        self._begun = None
        self._works.discard(self)
        return True

    def _learn(self, line: Connection, start: Start) -> None:
        assert line.head is not None
        status, headers = line.head
        tried = Tried(
            candidate=start.candidate,
            lane=start.lane.name,
            started=start.since,
            ended=self.means.books.clock(),
            status=status,
            usage=start.lane.summary.usage,
            headers=headers,
            calls=start.lane.summary.calls,
        )
        self.means.routes.traffic.heard(tried, self.plan)

    def _keep(self, line: Connection) -> None:
        """Leave what the call has brought so far to the long way."""
        begun, start = self._begun, self._start
        assert begun is not None and start is not None
        answer: Exchange | UpstreamError | None = None
        try:
            answer = line.response()
        except StaleError:
            line.close()  # the server had closed it while it was idle and has seen nothing
        except UpstreamError as error:
            line.close()
            answer = error
        # in a lane that has read nothing and knows all of the request
        call = super().call(start.candidate)
        self._begun = replace(begun, call=replace(call, since=start.since), answer=answer)

    # the long way goes on from what has begun

    def call(self, candidate: Candidate, echo_on: Annotated | None = None) -> Call:
        begun = self._begun
        return begun.call if begun is not None and begun.candidate is candidate else super().call(candidate, echo_on)

    def admit(self, candidate: Candidate, forced: bool) -> GatewayError | float:
        begun = self._begun
        if begun is None or begun.candidate is not candidate:
            return super().admit(candidate, forced)
        if isinstance(begun.admitted, GatewayError):
            self._begun = None
        return begun.admitted

    def transport(self, request: Request) -> Transport:
        begun, self._begun = self._begun, None
        return _Brought(begun.answer) if begun is not None and begun.answer is not None else super().transport(request)

    # other ends

    def leave(self) -> None:
        if self._task is None and self._start is not None and self._begun is not None:
            self._drop()
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
        line, begun, self._line, self._begun = self._line, self._begun, None, None
        if line is not None:
            line.heard = None
            line.close()
        elif begun is not None and isinstance(begun.answer, Exchange):
            begun.answer.close()
        if begun is not None and begun.admitted == 0.0:
            self.means.routes.traffic.left(begun.candidate)


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
