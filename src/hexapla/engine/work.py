"""One request that is being answered, from its plan to its record.

    plan --> exchange --> record

The exchange decides (routing/exchange.py), a driver executes what it decides (upstream/driver.py), the speaker says it to
the client; a Work brings them together and sees to it that the request ends in exactly one way, whatever happens.

short.py is the same for the request that needs none of it because its first endpoint answers at once and whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from hexapla.engine.annotated import Annotated, Notes, wants_echo
from hexapla.engine.client import Answer, Ask
from hexapla.engine.documents import texts_of
from hexapla.engine.faults import LeavingError, as_gateway_error, internal
from hexapla.engine.heads import Pairs
from hexapla.engine.means import Means
from hexapla.engine.recorder import Recorder
from hexapla.engine.searching import recorded, search
from hexapla.engine.session import NAMES, said_session
from hexapla.engine.speaker import Speaker
from hexapla.engine.story import Story
from hexapla.engine.traffic import Planned
from hexapla.errors import GatewayError, Kind, ProtocolError, UpstreamError
from hexapla.ledger import Generation
from hexapla.plugins import documents
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Call, Tried
from hexapla.routing.exchange import Exchange, Outcome
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import Peek
from hexapla.upstream.driver import Driver
from hexapla.upstream.transport import Request, Transport


class Running(Protocol):
    """What a gateway makes of a request that it did not answer at once."""

    def quickly(self, ended: Callable[[bool], None]) -> bool:
        """Begin the short way, which needs no task; False: this request cannot take it.

        `ended` is called once, later, unless `leave` comes first: with True when the request has been answered, with
        False when it takes `run` to answer it.
        """
        ...

    async def run(self) -> None:
        """Answer the request.  Never raises but CancelledError, which closes the upstream connection first."""
        ...

    def leave(self) -> None:
        """The client is gone.  Whoever awaits `run` cancels it besides."""
        ...


async def finished(running: Running | None) -> None:
    """Answer a request in the current task, for whoever has one."""
    if running is None:
        return
    ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def tell(answered: bool) -> None:
        if not ended.done():  # who waits was cancelled in the same moment
            ended.set_result(answered)

    try:
        answered = running.quickly(tell) and await ended
    except asyncio.CancelledError:
        running.leave()
        raise
    if not answered:
        await running.run()


class Work:
    """See above.

    works  those that are running, this one among them as long as it is
    """

    # what most requests never come to stands here, so that making one is short
    spoke = False  # the client has heard something
    _translation: Translation | None = None
    _task: asyncio.Task[object] | None = None
    _stopped = False

    def __init__(self, means: Means, ask: Ask, peeked: Peek, plan: Planned, answer: Answer, works: set[Work]) -> None:
        books, first = means.books, plan.candidates[0]
        silent = peeked.usual or NAMES.isdisjoint(peeked.fields)  # it names no session
        generation = Generation(
            id=books.ledger.new_id(),
            key=ask.key,
            client_protocol=ask.protocol,
            requested=peeked.model,
            provider=first.provider.id,
            model=first.model,
            stream=peeked.stream,
            created=books.wall(),
            preset=peeked.preset,
            session="" if silent and not ask.session else said_session(peeked, ask.session),
        )
        self.means = means
        self.ask = ask
        self.peeked = peeked
        self.plan = plan
        self.answer = answer
        self.recorder = Recorder(books, generation, len(ask.body))
        # the answer has notes in it
        self.noted = ask.openrouter or ask.metadata or (not peeked.usual and "debug" in peeked.fields)
        self._works = works
        means.retries.requests += 1
        means.hedges.requests += 1
        works.add(self)

    @property
    def translation(self) -> Translation:
        """The request, ready to be opened towards any endpoint."""
        if self._translation is None:
            ident, created = self.recorder.id, int(self.recorder.created)
            self._translation = self.means.translation(self.ask, self.peeked, self.plan, ident, created)
        return self._translation

    def leave(self) -> None:
        if self._task is None:
            self._works.discard(self)

    def stop(self) -> None:
        """The gateway ends: break off, and tell those who wait for it."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> None:
        self._task = asyncio.current_task()
        try:
            if self._stopped:
                self.refuse(LeavingError())
            else:
                await self._run()
        except Exception as fault:  # before the exchange began: nothing was said yet (tests/server/test_guard.py)
            self.refuse(internal(fault))
        finally:
            self._works.discard(self)

    async def _run(self) -> None:
        means, recorder = self.means, self.recorder
        note_on = self._notes()
        speaker = Speaker(recorder, note_on or self.answer)
        echo_on = note_on if wants_echo(self.peeked) else None
        exchange = self._exchange(echo_on, self.plan.candidates)
        recorder.begin()
        try:
            if means.books.ledger.waits:
                await means.books.ledger.durable()
            if self.plan.search is not None or self.peeked.plugins is not None:
                await self._prepare()
            driver = Driver(self.transport, speaker, means.sweeper, self._note)
            outcome = await driver.run(exchange.run())
            if self.plan.later and not outcome.started and isinstance(outcome.error, UpstreamError):
                await self._search()
                exchange = self._exchange(echo_on, self.plan.later, outcome.tried)
                outcome = await driver.run(exchange.run())
            self._conclude(outcome)
        except asyncio.CancelledError:
            if not self._stopped or not _awake():
                recorder.left(exchange.calls)
                recorder.end(outcome=Kind.CANCELLED, status=499, lane=exchange.lane)
                raise
            self._break_off(LeavingError(), speaker)
        except (GatewayError, ProtocolError) as error:  # of the preparations: an exchange tells its own
            self._break_off(as_gateway_error(error), speaker)
        except Exception as fault:  # the last resort (tests/server/test_guard.py)
            self._break_off(internal(fault), speaker)
        finally:
            for asked in exchange.asking:
                means.routes.traffic.left(asked)

    async def _prepare(self) -> None:
        """Read the request's PDFs, and look on the web for what it asks.  Raises ProtocolError and GatewayError."""
        plugins, translation = self.peeked.plugins, self.translation
        engine = plugins.pdf if plugins is not None else ""
        if engine and any(documents.wanted(engine, each.facts) for each in self.plan.everybody if not each.delegate):
            translation.texts = await texts_of(documents.pdfs(translation.request()))
        if not self.plan.later:
            await self._search()

    async def _search(self) -> None:
        """Look on the web for what the request asks.  Raises ProtocolError and UpstreamError."""
        means, books, wish = self.means, self.means.books, self.plan.search
        if wish is None:
            return
        service, environment = means.config.search, means.routes.loaded.environment
        began, at = books.clock(), books.wall()
        got = await search(service, wish, self.translation, means.transport, environment, at)
        if got is not None:
            self.recorder.searched(recorded(service, at, books.clock() - began, got))

    def _notes(self) -> Annotated | None:
        """The answer with notes in it, where there is anything to note."""
        notes = Notes(self.recorder, self._story, self.means.routes.usd)
        return Annotated(self.answer, self.ask, notes) if self.noted else None

    def _exchange(self, echo_on: Annotated | None, candidates: Sequence[Candidate], before: int = 0) -> Exchange:
        means = self.means
        return Exchange(
            candidates,
            lambda candidate: self.call(candidate, echo_on),
            self._tell,
            stream=self.peeked.stream,
            retry=means.config.retry,
            clock=means.books.clock,
            began=self.recorder.began,
            chance=means.chance,
            admit=self.admit,
            may_retry=means.retries.spend,
            asked=self.plan.name_of,
            hedge=means.hedge(self.ask),
            memory=means.memory,
            insists=not means.config.routing.breaker.strict,
            past_declined=self.peeked.names_others,
            before=before,
        )

    def call(self, candidate: Candidate, echo_on: Annotated | None = None) -> Call:
        """How the exchange makes an attempt's lane and HTTP request."""
        lane = self.lane_to(candidate)
        if echo_on is not None:
            echo_on.echo(lane.body)
        return Call(lane=lane, request=self.means.request(self.ask, lane, candidate, self.peeked.stream))

    def lane_to(self, candidate: Candidate) -> Lane:
        """The lane to a candidate, straight where there is nothing to look into.  Raises ClientError or ProtocolError."""
        means, ask, peeked, found = self.means, self.ask, self.peeked, None
        usual = not self.noted and not (peeked.stream and (ask.chinese or means.resumes(ask)))  # in how it is told
        if usual and self.plan.plain:
            way = candidate.straight.get(peeked.protocol)
            found = way.open(peeked, self.recorder.id, self.recorder.created) if way is not None else None
        return found or means.lane(self.translation, candidate)

    def _tell(self, error: GatewayError) -> bytes:
        """How the exchange tells a failure in the client's stream, which hardly ever needs a translation for it."""
        return self.translation.tell(error)

    def admit(self, candidate: Candidate, forced: bool) -> GatewayError | float:
        """How the exchange asks whether somebody may be asked."""
        return self.means.routes.traffic.admit(candidate, self.plan.load, forced=forced)

    def transport(self, request: Request) -> Transport:
        """Who carries a request."""
        return self.means.transport(request)

    def refuse(self, error: GatewayError, more: Pairs = (), story: Story | None = None) -> None:
        """Nothing was said: `error` is the answer."""
        self.means.refuse(self.ask, error, self.answer, answer_id=self.recorder.id, more=more, story=story)

    def _note(self, tried: Tried) -> None:
        self.recorder.note(tried)
        self.means.routes.traffic.heard(tried, self.plan)

    def _story(self) -> Story:
        return self.means.story(self.peeked, self.plan, self.recorder.attempts)

    def _conclude(self, outcome: Outcome) -> None:
        error, recorder = outcome.error, self.recorder
        if error is None or outcome.started:
            recorder.end(outcome="ok" if error is None else error.kind, lane=outcome.lane)
            return
        # the client has heard nothing
        recorder.end(outcome=error.kind, status=error.status)
        self.refuse(error, (("x-hexapla-attempts", str(outcome.tried)),), self._story())

    def _break_off(self, error: GatewayError, speaker: Speaker | None = None) -> None:
        """End an answer, wherever it is, with `error`.

        A whole answer whose bytes are on their way is left unfinished, so that the server closes the connection: its
        client must not take it for a success.
        """
        recorder, spoke = self.recorder, self.spoke if speaker is None else speaker.spoke
        lane = speaker.lane if speaker is not None else None
        recorder.end(outcome=error.kind, status=200 if spoke else error.status, lane=lane)
        if not spoke:
            self.refuse(error)
        elif self.peeked.stream and speaker is not None:
            speaker.answer.finish(self.translation.tell(error))
        self._works.discard(self)


def _awake() -> bool:
    """Take back the one cancellation that `stop` made; False when somebody else cancelled as well."""
    task = asyncio.current_task()
    return task is not None and task.uncancel() == 0
