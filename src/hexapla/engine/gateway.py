"""The Gateway: parse -> plan -> exchange -> record, for every dialect alike.

Server, library and command line are thin fronts of this class.  It owns no socket (transports do) and no clock (`Books`
brings both), decides nothing about retries (the exchange does) and knows no dialect (protocols do).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from hexapla.auth.keeper import Keeper
from hexapla.config import Config, Loaded
from hexapla.engine.client import Answer, Ask
from hexapla.engine.counting import COUNTING, Counters, Question, estimate, whole
from hexapla.engine.faults import LeavingError, as_gateway_error, internal
from hexapla.engine.machine import memory_of
from hexapla.engine.means import Means
from hexapla.engine.recorder import Books
from hexapla.engine.routes import Routes
from hexapla.engine.shared import Shared
from hexapla.engine.sharing import Sharing
from hexapla.engine.short import Short
from hexapla.engine.traffic import Planned
from hexapla.engine.work import Running, Work, finished
from hexapla.errors import GatewayError, ProtocolError
from hexapla.plugins.services import Hit
from hexapla.routing.budget import HEDGES, RetryBudget
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Call
from hexapla.routing.memory import Memory
from hexapla.translate.peek import PRESET, Peek, check_conversation, peek
from hexapla.translate.plugged import Results
from hexapla.translate.preset import expanded, named
from hexapla.translate.thoughts import Thoughts
from hexapla.upstream.sweeper import Sweeper
from hexapla.upstream.transport import Request, Response, Transport

UNSOUGHT = Results(hits=(Hit(url="https://…", title="…", text="…"),), query="…", date="…")
"""What stands in the place of a search's results where a request is only looked at."""

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
        self.memory = Memory(memory_of(config.limits))
        self.thoughts = Thoughts(books.clock, self.memory, config.limits.remember_bytes)
        self.memory.ask(self.thoughts.clear)
        self._means = Means(
            config=config,
            routes=routes,
            books=books,
            transports=transports,
            chance=chance,
            sweeper=Sweeper(config.timeouts.beat),
            retries=RetryBudget(books.clock, share=config.retry.share, floor=config.retry.floor),
            hedges=RetryBudget(books.clock, share=HEDGES, floor=0.0, saved=0.0),
            memory=self.memory,
            thoughts=self.thoughts,
        )
        self._sharing = Sharing(self._generate_alone, books.clock, self.memory)
        self._works: set[Work] = set()
        self._counters = Counters()
        self.draining = False

    @property
    def running(self) -> int:
        """How many answers are being worked on."""
        return len(self._works)

    def drain(self) -> None:
        """Readiness turns first: what runs may finish, what is new is sent away."""
        self.draining = True

    def stop(self) -> None:
        """End what still runs, and tell those who wait for it."""
        for work in tuple(self._works):
            work.stop()

    def adopt(self, loaded: Loaded) -> None:
        """Take over another configuration, for every request from the next one on; those that run keep theirs.

        Who was benched may play again: the keys may be other ones.  Sessions stay where their prompt is cached.  Ledger
        and log stay as they were opened.
        """
        old, config, means = self.routes, loaded.config, self._means
        routes = Routes(loaded, self.books.clock, chance=means.chance, keep=old.keep, former=old.traffic)
        if old.found is not None:
            routes.discover(old.found)
        means.retries.share, means.retries.floor = config.retry.share, config.retry.floor
        self.memory.limit = memory_of(config.limits)
        self.thoughts.limit = config.limits.remember_bytes
        self.thoughts.bound()
        self.config, self.routes, self._counters = config, routes, Counters()
        self._means = replace(means, config=config, routes=routes, sweeper=Sweeper(config.timeouts.beat))

    def begin(self, ask: Ask, answer: Answer, *, alone: bool = False) -> Running | None:
        """Take one request; None: it was answered already, with an error.  Never raises.

        alone  it is not answered by what somebody else's request brings
        """
        means = self._means
        if not alone and (ask.idempotency or means.config.routing.coalesce):
            return Shared(self._sharing, means, ask, answer)
        peeked: Peek | None = None
        try:
            if self.draining:
                raise LeavingError
            peeked = peek(ask.protocol, ask.body, model=ask.model, stream=ask.stream)
            if not peeked.usual:
                peeked = self._looked_into(ask, peeked)
            routes = means.routes
            profile = ask.profile or routes.bound.get(ask.key, "")
            plan = routes.plan(peeked, profile, session=ask.session, key=ask.key)
            return Short(means, ask, peeked, plan, answer, self._works)
        except (GatewayError, ProtocolError) as error:
            means.refuse(ask, as_gateway_error(error), answer, story=means.story(peeked))
        except Exception as fault:  # the last resort (tests/server/test_guard.py)
            means.refuse(ask, internal(fault), answer)
        return None

    async def generate(self, ask: Ask, answer: Answer) -> None:
        """Answer one request.  Never raises but CancelledError, which closes the upstream connection first."""
        await finished(self.begin(ask, answer))

    async def _generate_alone(self, ask: Ask, answer: Answer) -> None:
        await finished(self.begin(ask, answer, alone=True))

    def refuse(
        self, protocol: str, error: GatewayError, answer: Answer, *, openrouter: bool = False, chinese: bool = False
    ) -> None:
        """Tell `error`, met before there was a request, in the client's dialect."""
        self._means.refuse(Ask(protocol=protocol, body=b"", openrouter=openrouter, chinese=chinese), error, answer)

    async def disconnect(self) -> None:
        """Close every transport."""
        await self.routes.settle(LAST_REFRESH)
        for transport in self._means.transports.values():
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
        plan = self._plan(ask, peeked)
        first = plan.candidates[0]
        question = COUNTING.get(first.endpoint.protocol)
        if question is not None and not self._counters.lacks(first.track):
            counted = await self._vendor_count(ask, plan, question)
            if counted is not None:
                return {"input_tokens": counted}
        return {"input_tokens": estimate(peeked), "estimated": True}

    async def _vendor_count(self, ask: Ask, plan: Planned, question: Question) -> int | None:
        """The vendor's count, or None where it has none to give."""
        candidate = plan.candidates[0]
        try:
            if isinstance(candidate.login, Keeper):
                await candidate.login.fresh()
            ask = whole(ask) if candidate.endpoint.protocol != ask.protocol else ask
            request = self._opener(ask, self._peek(ask), plan)(candidate).request
        except (GatewayError, ProtocolError):
            return None
        assert isinstance(request, Request)
        request = question(request)
        return await self._counters.count(candidate.track, self._means.transport(request), request)

    async def send(self, request: Request) -> Response:
        """One plain HTTP request, for what is no conversation.  Raises UpstreamError."""
        return await self._means.transport(request).send(request)

    def planned(self, ask: Ask) -> tuple[Peek, Planned, Callable[[Candidate], Call]]:
        """A request, who would be tried for it, and how each of them would be asked.  Raises GatewayError or
        ProtocolError."""
        peeked = self._peek(ask)
        plan = self._plan(ask, peeked)
        return peeked, plan, self._opener(ask, peeked, plan)

    def _opener(self, ask: Ask, peeked: Peek, plan: Planned) -> Callable[[Candidate], Call]:
        """How a request would be sent that nobody is going to answer."""
        means = self._means
        translation = means.translation(ask, peeked, plan, "unsent", 0)
        if plan.search is not None:
            translation.results = UNSOUGHT

        def opened(candidate: Candidate) -> Call:
            lane = means.lane(translation, candidate)
            return Call(lane=lane, request=means.request(ask, lane, candidate, peeked.stream))

        return opened

    def _peek(self, ask: Ask) -> Peek:
        return self._looked_into(ask, peek(ask.protocol, ask.body, model=ask.model, stream=ask.stream))

    def _looked_into(self, ask: Ask, peeked: Peek) -> Peek:
        """`peeked` with its preset, once its conversation is known to make sense; plain texts without one need neither."""
        if "preset" in peeked.fields or PRESET in peeked.model:
            body, model = expanded(ask.protocol, ask.body, self.config.presets, ask.model)
            name, _ = named(peeked.fields, ask.model)
            peeked = peek(ask.protocol, body, model=model, stream=ask.stream)
            peeked.preset = name
        if not peeked.only_texts:
            check_conversation(peeked)
        return peeked

    def _plan(self, ask: Ask, peeked: Peek) -> Planned:
        routes = self.routes
        return routes.plan(peeked, ask.profile or routes.bound.get(ask.key, ""), session=ask.session, key=ask.key)
