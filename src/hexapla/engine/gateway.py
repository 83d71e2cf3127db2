"""The Gateway: parse -> plan -> exchange -> record, for every dialect alike.

Server, library and command line are thin fronts of this class.  It owns no socket (transports do) and no clock (`Books`
brings both), decides nothing about retries (the exchange does) and knows no dialect (protocols do).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from hexapla.auth.keeper import Keeper
from hexapla.config import Config, Loaded
from hexapla.engine.address import Address
from hexapla.engine.annotated import Annotated, Notes, wants_echo
from hexapla.engine.client import Answer, Ask, OnLoss
from hexapla.engine.counting import COUNTING, estimate, vendor_count
from hexapla.engine.heads import JSON, Headers, LeavingError, error_headers, identity
from hexapla.engine.recorder import Books, Recorder
from hexapla.engine.routes import Routes
from hexapla.engine.session import said_session
from hexapla.engine.sharing import Sharing
from hexapla.engine.speaker import Speaker
from hexapla.engine.story import Story
from hexapla.engine.telling import told
from hexapla.engine.traffic import Planned
from hexapla.errors import ClientError, GatewayError, Kind, ProtocolError, UpstreamError
from hexapla.ledger import Attempt, Generation
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.routing.budget import HEDGES, RetryBudget
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Call, Tried
from hexapla.routing.exchange import Exchange, Hedge, Outcome, param_of
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import Peek, check_conversation, peek
from hexapla.translate.preset import expanded, names_preset
from hexapla.translate.resume import Telling
from hexapla.upstream.driver import Driver, Sweeper
from hexapla.upstream.transport import Request, Response, Transport

LOG = logging.getLogger("hexapla")

LAST_REFRESH = 5.0  # seconds for a login's refresh that is under way at the end


class Gateway:
    """One running gateway.

    transports  by name: "http1", "reqwest" (when installed), "demo"
    """

    def __init__(
        self,
        config: Config,
        routes: Routes,
        books: Books,
        transports: dict[str, Transport],
        chance: Callable[[], float],
    ) -> None:
        self.config = config
        self.routes = routes
        self.books = books
        self._transports = transports
        self._chance = chance
        self._sweeper = Sweeper(config.timeouts.beat)
        self._retries = RetryBudget(books.clock)
        self._hedges = RetryBudget(books.clock, saved=0.0)
        self._sharing = Sharing(self._generate, books.clock)
        self._tasks: set[asyncio.Task[object]] = set()
        self._stopped = False
        self.draining = False

    @property
    def running(self) -> int:
        """How many answers are being worked on."""
        return len(self._tasks)

    def drain(self) -> None:
        """Readiness turns first: what runs may finish, what is new is sent away."""
        self.draining = True

    def stop(self) -> None:
        """End what still runs, and tell those who wait for it."""
        self._stopped = True
        for task in tuple(self._tasks):
            task.cancel()

    def adopt(self, loaded: Loaded) -> None:
        """Take over another configuration, for every request from the next one on; those that run keep theirs.

        Who was benched may play again: the keys may be other ones.  Sessions stay where their prompt is cached.  Ledger
        and log stay as they were opened.
        """
        old = self.routes
        routes = Routes(loaded, self.books.clock, chance=self._chance, keep=old.keep, former=old.traffic)
        if old.found is not None:
            routes.discover(old.found)
        self.config, self.routes, self._sweeper = loaded.config, routes, Sweeper(loaded.config.timeouts.beat)

    async def generate(self, ask: Ask, answer: Answer) -> None:
        """Answer one request.  Never raises but CancelledError, which closes the upstream connection first."""
        if not (ask.idempotency or self.config.routing.coalesce):
            await self._generate(ask, answer)
            return
        try:
            await self._sharing.answer(ask, answer)
        except GatewayError as error:
            self._refuse(ask, error, answer)

    async def _generate(self, ask: Ask, answer: Answer) -> None:
        peeked: Peek | None = None
        try:
            if self.draining:
                raise LeavingError
            peeked = self._peek(ask)
            plan = self._plan(ask, peeked)
        except (GatewayError, ProtocolError) as error:
            self._refuse(ask, as_gateway_error(error), answer, story=self._story(peeked))
            return
        except Exception as fault:  # the last resort (tests/server/test_guard.py)
            self._refuse(ask, internal(fault), answer)
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._exchange(ask, peeked, plan, answer)
        except Exception as fault:  # before the exchange began: nothing was said yet
            self._refuse(ask, internal(fault), answer)
        finally:
            self._tasks.discard(task)

    def refuse(self, protocol: str, error: GatewayError, answer: Answer, *, openrouter: bool = False) -> None:
        """Tell `error`, met before there was a request, in the client's dialect."""
        self._refuse(Ask(protocol=protocol, body=b"", openrouter=openrouter), error, answer)

    def _refuse(
        self, ask: Ask, error: GatewayError, answer: Answer, headers: Headers = (), story: Story | None = None
    ) -> None:
        """Tell `error` in the client's dialect, with what is known of the request's way."""
        named = headers or identity(self.books.ledger.new_id())
        status, body = told(ask, error, PROTOCOLS[ask.protocol].render_error(error), story or Story(), named[0][1])
        answer.start(status, (*JSON, *named, *error_headers(error)))
        answer.finish(body)

    def _story(self, peeked: Peek | None, plan: Planned | None = None, attempts: Sequence[Attempt] = ()) -> Story:
        """What can be told of a request's way."""
        if peeked is None:
            return Story()
        alias = self.routes.catalog.meaning(peeked.model) is not None
        demands = plan is not None and self.routes.wishes(peeked).require_parameters
        return Story(models=peeked.models, alias=alias, plan=plan, demands=demands, attempts=attempts)

    async def disconnect(self) -> None:
        """Close every transport."""
        await self.routes.settle(LAST_REFRESH)
        for transport in self._transports.values():
            await transport.aclose()

    async def aclose(self) -> None:
        """Close every transport and the books."""
        await self.disconnect()
        await self.books.ledger.close_async()
        if self.books.log is not None:
            await asyncio.to_thread(self.books.log.close)

    async def count_tokens(self, ask: Ask) -> dict[str, object]:
        """The input tokens of a request: the vendor's count, else an estimate, marked as one.

        Raises ProtocolError for a body that is no request, RoutingError for an unknown model.
        """
        peeked = self._peek(ask)
        candidate = self._plan(ask, peeked).candidates[0]
        if candidate.endpoint.protocol == ask.protocol and ask.protocol in COUNTING:
            counted = await self._vendor_count(ask, peeked, candidate)
            if counted is not None:
                return {"input_tokens": counted}
        return {"input_tokens": estimate(peeked), "estimated": True}

    async def _vendor_count(self, ask: Ask, peeked: Peek, candidate: Candidate) -> int | None:
        """The vendor's count, or None where it has none to give."""
        try:
            if isinstance(candidate.login, Keeper):
                await candidate.login.fresh()
        except UpstreamError:
            return None
        call = self._opener(ask, self._translation(ask, peeked, "count", 0))(candidate)
        assert isinstance(call.request, Request)
        request = COUNTING[ask.protocol](call.request)
        return await vendor_count(self._transport(request), request)

    async def send(self, request: Request) -> Response:
        """One plain HTTP request, for what is no conversation.  Raises UpstreamError."""
        return await self._transport(request).send(request)

    def explain(self, ask: Ask) -> tuple[Candidate, Lane, Request]:
        """What would be sent first, without sending it.  Raises GatewayError or ProtocolError."""
        _, plan, open_call = self.planned(ask)
        call = open_call(plan.candidates[0])
        assert isinstance(call.request, Request)
        return plan.candidates[0], call.lane, call.request

    def planned(self, ask: Ask) -> tuple[Peek, Planned, Callable[[Candidate], Call]]:
        """A request, who would be tried for it, and how each of them would be asked.  Raises GatewayError or
        ProtocolError."""
        peeked = self._peek(ask)
        plan = self._plan(ask, peeked)
        return peeked, plan, self._opener(ask, self._translation(ask, peeked, "explain", 0))

    def _peek(self, ask: Ask) -> Peek:
        peeked = peek(ask.protocol, ask.body, model=ask.model, stream=ask.stream)
        if names_preset(peeked):
            body, model = expanded(ask.protocol, ask.body, self.config.presets, ask.model)
            peeked = peek(ask.protocol, body, model=model, stream=ask.stream)
        check_conversation(peeked)
        return peeked

    def _plan(self, ask: Ask, peeked: Peek) -> Planned:
        routes = self.routes
        return routes.plan(peeked, ask.profile or routes.bound.get(ask.key, ""), session=ask.session, key=ask.key)

    def _translation(self, ask: Ask, peeked: Peek, answer_id: str, created: int) -> Translation:
        reply = Reply(
            id=answer_id,
            created=created,
            model=peeked.model,
            include_usage=peeked.include_usage or ask.openrouter,
            openrouter=ask.openrouter,
        )
        # whoever cannot be told every parameter refuses before it is asked, and the next one is tried
        demanded: OnLoss | None = "strict" if self.routes.wishes(peeked).require_parameters else None
        resumes = self.config.routing.resume if ask.resume is None else ask.resume
        return Translation(
            peeked,
            reply,
            on_loss=ask.on_loss or demanded or self.config.on_loss,
            telling=Telling(marks=bool(ask.resume)) if resumes else None,
        )

    async def _exchange(self, ask: Ask, peeked: Peek, plan: Planned, answer: Answer) -> None:
        # `adopt` may replace them while this request runs
        books, routes, sweeper, retry = self.books, self.routes, self._sweeper, self.config.retry
        candidates = plan.candidates
        generation = Generation(
            id=books.ledger.new_id(),
            key=ask.key,
            client_protocol=ask.protocol,
            requested=peeked.model,
            provider=candidates[0].provider.id,
            model=candidates[0].model,
            stream=peeked.stream,
            created=books.wall(),
            session=said_session(peeked, ask.session),
        )
        recorder = Recorder(books, generation, len(ask.body))
        translation = self._translation(ask, peeked, generation.id, int(generation.created))
        note_on: Annotated | None = None
        if ask.openrouter or ask.metadata or "debug" in peeked.fields:
            notes = Notes(recorder, lambda: self._story(peeked, plan, recorder.attempts), routes.usd)
            note_on = Annotated(answer, ask, notes)
        exchange = Exchange(
            candidates,
            self._opener(ask, translation, note_on if wants_echo(peeked) else None),
            translation.tell,
            stream=peeked.stream,
            retry=retry,
            clock=books.clock,
            chance=self._chance,
            admit=lambda candidate, forced: routes.traffic.admit(candidate, plan.load, forced=forced),
            may_retry=lambda: self._retries.spend(retry.floor),
            asked=plan.name_of,
            hedge=self._hedge(ask),
        )
        self._retries.earn(retry.share)
        self._hedges.earn(HEDGES)
        recorder.begin()
        speaker = Speaker(recorder, note_on or answer)

        def note(tried: Tried) -> None:
            recorder.note(tried)
            routes.traffic.heard(tried, plan)

        try:
            if books.ledger.waits:
                await books.ledger.durable()
            driver = Driver(self._transport, speaker, sweeper, note)
            outcome = await driver.run(exchange.run())
            if outcome.error is not None and not outcome.started:
                self._conclude_unheard(ask, outcome, recorder, answer, self._story(peeked, plan, recorder.attempts))
            else:
                recorder.end(outcome="ok" if outcome.error is None else outcome.error.kind, lane=outcome.lane)
        except asyncio.CancelledError:
            if not self._stopped or not _awake():
                recorder.left(exchange.calls)
                recorder.end(outcome=Kind.CANCELLED, status=499, lane=exchange.lane)
                raise
            self._break_off(ask, LeavingError(), translation, speaker, answer)
        except Exception as fault:  # the last resort (tests/server/test_guard.py)
            self._break_off(ask, internal(fault), translation, speaker, answer)
        finally:
            for asked in exchange.asking:
                routes.traffic.left(asked)

    def _hedge(self, ask: Ask) -> Hedge | None:
        wanted = self.config.routing.hedge if ask.hedge is None else ask.hedge
        return Hedge(after=self.routes.traffic.late, may=lambda: self._hedges.spend(0.0)) if wanted else None

    def _break_off(
        self, ask: Ask, error: GatewayError, translation: Translation, speaker: Speaker, answer: Answer
    ) -> None:
        """End an answer, wherever it is, with `error`.

        A whole answer whose bytes are on their way is left unfinished, so that the server closes the connection: its
        client must not take it for a success.
        """
        recorder = speaker.recorder
        recorder.end(outcome=error.kind, status=200 if speaker.spoke else error.status, lane=speaker.lane)
        if not speaker.spoke:
            self._refuse(ask, error, answer, identity(recorder.id))
        elif translation.peeked.stream:
            speaker.answer.finish(translation.tell(error))

    def _conclude_unheard(self, ask: Ask, outcome: Outcome, recorder: Recorder, answer: Answer, story: Story) -> None:
        """The client has heard nothing: the error is its answer."""
        assert outcome.error is not None
        recorder.end(outcome=outcome.error.kind, status=outcome.error.status)
        headers = (*identity(recorder.id), ("x-hexapla-attempts", str(outcome.tried)))
        self._refuse(ask, outcome.error, answer, headers, story)

    def _opener(
        self, ask: Ask, translation: Translation, note_on: Annotated | None = None
    ) -> Callable[[Candidate], Call]:
        """How the exchange makes an attempt's lane and HTTP request."""

        def open_call(candidate: Candidate) -> Call:
            address = candidate.address
            assert isinstance(address, Address)
            lane = (translation.thinking() if candidate.thinks else translation).open(
                candidate.target,
                candidate.quirks,
                keep=self.routes.kept(candidate, translation.peeked),
                provider=candidate.provider.name or candidate.provider.id,
            )
            if note_on is not None:
                note_on.echo(lane.body)
            same = ask.protocol == candidate.endpoint.protocol
            request = address.request(lane.body, stream=translation.peeked.stream, forward=ask.forward if same else ())
            return Call(lane=lane, request=request)

        return open_call

    def _transport(self, request: Request) -> Transport:
        """The transport that carries `request`: the demo's own, the one asked for, or the default."""
        wanted = request.transport or ("reqwest" if (request.proxy or "").startswith("socks") else "")
        name = wanted or request.url.partition(":")[0]
        found = self._transports.get(name)
        if found is None and wanted:
            raise UpstreamError(
                Kind.UPSTREAM_MISCONFIGURED,
                f"The transport {wanted!r} is not installed: pip install hexapla[{wanted}].",
            )
        return found or self._transports["http1"]


def as_gateway_error(error: GatewayError | ProtocolError) -> GatewayError:
    """A parser's complaint about the client's body as the client's error."""
    if isinstance(error, GatewayError):
        return error
    return ClientError(Kind.INVALID_REQUEST, error.message, param=param_of(error.path))


def internal(fault: Exception) -> GatewayError:
    """A bug as the client's error; its traceback goes to the log, once, and nowhere else."""
    LOG.error("A request met an unexpected error.", exc_info=fault)
    return GatewayError(Kind.INTERNAL, "The gateway met an unexpected error; its log tells more.")


def _awake() -> bool:
    """Take back the one cancellation that `stop` made; False when somebody else cancelled as well."""
    task = asyncio.current_task()
    return task is not None and task.uncancel() == 0
