"""What the requests of one configuration work with.

`adopt` gives a gateway other means; a request keeps those that it began with to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from hexapla.config import Config
from hexapla.engine.address import Address
from hexapla.engine.client import Answer, Ask, OnLoss
from hexapla.engine.heads import Pairs, error_headers, plain_head
from hexapla.engine.recorder import Books
from hexapla.engine.routes import Routes
from hexapla.engine.story import Story
from hexapla.engine.telling import told, told_in_chinese
from hexapla.engine.traffic import Planned
from hexapla.errors import GatewayError, Kind, UpstreamError
from hexapla.ledger import Attempt
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.routing.budget import RetryBudget
from hexapla.routing.candidate import Candidate
from hexapla.routing.exchange import Hedge
from hexapla.routing.memory import Memory
from hexapla.translate.calls import Calls
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import Peek
from hexapla.translate.resume import Telling
from hexapla.translate.thoughts import Thoughts
from hexapla.upstream.sweeper import Sweeper
from hexapla.upstream.transport import Request, Transport


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """See above.

    transports  by name: "http1", "reqwest" (when installed), "demo"
    chance      draws from [0, 1)
    """

    config: Config
    routes: Routes
    books: Books
    transports: Mapping[str, Transport]
    chance: Callable[[], float]
    sweeper: Sweeper
    retries: RetryBudget
    hedges: RetryBudget
    memory: Memory
    thoughts: Thoughts

    def transport(self, request: Request) -> Transport:
        """The transport that carries `request`: the demo's own, the one asked for, or the default."""
        wanted = request.carrier
        name = wanted or request.url.partition(":")[0]
        found = self.transports.get(name)
        if found is None and wanted:
            raise UpstreamError(
                Kind.UPSTREAM_MISCONFIGURED,
                f"The transport {wanted!r} is not installed: pip install hexapla[{wanted}].",
            )
        return found or self.transports["http1"]

    def translation(self, ask: Ask, peeked: Peek, plan: Planned, answer_id: str, created: int) -> Translation:
        """The request, ready to be opened towards any endpoint."""
        reply = Reply(
            id=answer_id,
            created=created,
            model=peeked.model,
            include_usage=peeked.include_usage or ask.openrouter,
            openrouter=ask.openrouter,
        )
        # whoever cannot be told every parameter refuses before it is asked, and the next one is tried
        demanded: OnLoss | None = "strict" if plan.demands else None
        return Translation(
            peeked,
            reply,
            on_loss=ask.on_loss or demanded or self.config.on_loss,
            telling=Telling(marks=bool(ask.resume)) if self.resumes(ask) else None,
            thoughts=self.thoughts,
            whose=ask.key,
            in_chinese=ask.chinese,
        )

    def resumes(self, ask: Ask) -> bool:
        """Whether an answer that breaks off may be continued elsewhere."""
        return self.config.routing.resume if ask.resume is None else ask.resume

    def lane(self, translation: Translation, candidate: Candidate) -> Lane:
        """An attempt's lane.  Raises ClientError or ProtocolError."""
        address = candidate.address
        assert isinstance(address, Address)
        opened = translation if candidate.entry is None else translation.by(candidate.entry)
        if candidate.thinks:
            opened = opened.thinking()
        if candidate.tier:
            opened = opened.at(candidate.tier)
        lane = opened.open(
            candidate.target,
            candidate.quirks,
            keep=self.routes.kept(candidate, translation.peeked) if candidate.delegate else address.keeps,
            provider=candidate.provider.name or candidate.provider.id,
            facts=candidate.facts,
            searching=candidate.searches,
        )
        if "tools" in translation.peeked.fields and self.routes.traffic.listens(candidate):
            forced = candidate.target.tool_choice_required
            lane.summary.calls = Calls(translation.peeked, candidate.endpoint.protocol, forced=forced)
        return lane

    def request(self, ask: Ask, lane: Lane, candidate: Candidate, stream: bool) -> Request:
        """The HTTP request for what a lane says."""
        address = candidate.address
        assert isinstance(address, Address)
        forward = ask.forward if ask.protocol == candidate.endpoint.protocol else ()
        return address.request(lane.body, stream=stream, forward=forward, begun=lane.begun is not None)

    def hedge(self, ask: Ask) -> Hedge | None:
        """When a second endpoint is asked beside the first; None: never."""
        wanted = self.config.routing.hedge if ask.hedge is None else ask.hedge
        return Hedge(after=self.routes.traffic.late, may=self.hedges.spend) if wanted else None

    def story(self, peeked: Peek | None, plan: Planned | None = None, attempts: Sequence[Attempt] = ()) -> Story:
        """What can be told of a request's way."""
        if peeked is None:
            return Story()
        alias = self.routes.catalog.meaning(peeked.model) is not None
        demands = plan is not None and plan.demands
        return Story(models=peeked.models, alias=alias, plan=plan, demands=demands, attempts=attempts)

    def refuse(
        self,
        ask: Ask,
        error: GatewayError,
        answer: Answer,
        *,
        answer_id: str = "",
        more: Pairs = (),
        story: Story | None = None,
    ) -> None:
        """Tell `error` in the client's dialect.

        answer_id  "" for a request that has no record
        more       headers beside those of every error
        """
        answer_id = answer_id or self.books.ledger.new_id()
        status, body = told(ask, error, PROTOCOLS[ask.protocol].render_error(error), story or Story(), answer_id)
        if ask.chinese:
            body = told_in_chinese(body)
        answer.start(status, plain_head(answer_id, *more, *error_headers(error)))
        answer.finish(body)
