"""Who is tried for a request, in which order: the plan, from names, wishes and what traffic has taught.

Who offers a model is offers.py's, who may serve and who goes first is decided by routing/plan.py, who sits out at the
moment is known to traffic.py; this asks each of them once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from hexapla.config import Loaded
from hexapla.engine.address import Address
from hexapla.engine.offers import Keep, Name, Offers, idle
from hexapla.engine.searching import planned_search, wish_of
from hexapla.engine.session import session_of
from hexapla.engine.traffic import Planned, Traffic, beginning
from hexapla.engine.virtual import choice_of, demand_of, nothing_fits, virtual
from hexapla.engine.wishes import WISHING, load_of, need_of, preferences_of, said_tier
from hexapla.errors import GatewayError, RoutingError
from hexapla.plugins.asked import online
from hexapla.plugins.native import NATIVE, way
from hexapla.routing.candidate import Candidate
from hexapla.routing.plan import Wanted, planned
from hexapla.routing.preferences import NONE, Preferences, suffixed
from hexapla.routing.rank import Scene
from hexapla.routing.shares import drawn
from hexapla.routing.tiers import by_tier
from hexapla.routing.virtual import VIRTUAL, chosen
from hexapla.translate.choose import choose_lane
from hexapla.translate.fallbacks import Entry
from hexapla.translate.peek import Peek

_LANE_RANK = {"verbatim": 0, "patch": 1, "hub": 2}
_FOREIGN = 1  # for an endpoint that speaks another protocol than the client: more is lost on the way
_SEARCHLESS = 4  # for one that cannot make the search that is wished for, where its provider has another one


class Routes(Offers):
    """The plans of one configuration.

    clock   monotonic seconds, the same as the exchange's
    chance  draws from [0, 1)
    former  what traffic taught under a former configuration
    """

    def __init__(
        self,
        loaded: Loaded,
        clock: Callable[[], float] = time.monotonic,
        *,
        chance: Callable[[], float] = random.random,
        keep: Keep = idle,
        former: Traffic | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        settings = loaded.config.routing
        self.traffic = Traffic(settings, clock, wall, former)
        super().__init__(loaded, keep, self.traffic.state)
        self.bound = loaded.config.key_profiles()
        self._standing = settings.preferences
        self._searches = bool(loaded.config.search.kind)
        self.usd = settings.usd
        self._chance = chance

    def plan(self, peeked: Peek, profile: str = "", *, session: str = "", key: str = "") -> Planned:
        """Who is tried for `peeked`, in order: for each of its models those who may serve it, the best one first.

        session  what a header says of it;  key: the caller's name

        Raises RoutingError when no name resolves or the wishes leave nobody; names after the first that are unknown are
        left out.
        """
        sole = self._sole.get((profile, peeked.models))
        if sole is not None and peeked.usual:
            return replace(sole, load=load_of(peeked)) if self.traffic.limits.meters else sole
        wishes = self._standing if WISHING.isdisjoint(peeked.fields) else self.wishes(peeked)
        plain = wishes is NONE and peeked.plugins is None and "service_tier" not in peeked.fields
        if sole is not None and plain:
            return replace(sole, load=load_of(peeked))
        names = self.names(peeked.models, profile)
        entries = self._entries(peeked, profile) if peeked.entries else {}
        if peeked.model in VIRTUAL or (len(names) > 1 and not VIRTUAL.keys().isdisjoint(peeked.models)):
            names = self._real(names, peeked, entries)
        if len(names) == 1 and plain:
            offers = self.offer(names[0])
            if len(offers.candidates) == 1 and not offers.suffix:
                self._remember(profile, peeked.models, Planned(candidates=offers.candidates, plain=True))
            only = () if offers.suffix else self._ordered(offers.candidates, peeked)
            if len(only) == 1:
                return Planned(candidates=only, load=load_of(peeked))
        wanted: list[Wanted] = []
        first_error: GatewayError | None = None
        for name in names:
            try:
                wanted += self._wanted(name, wishes, peeked, entries.get(name))
            except GatewayError as error:
                first_error = first_error or error
        if not wanted:
            raise first_error or RoutingError("No endpoint can serve this request.")
        plan = replace(self._chosen(wanted, peeked, session, key), demands=wishes.require_parameters)
        if all(each.need.search is None for each in wanted):
            return plan
        return planned_search(plan, peeked, configured=self._searches)

    def _real(self, names: Sequence[Name], peeked: Peek, entries: dict[Name, Entry | None]) -> tuple[Name, ...]:
        """`names` with models in place of `auto` and `free`, which take over their entries.  Raises RoutingError where none
        of them fits."""
        usable = self.usable()
        real: list[Name] = []
        for inside, name in names:
            kind = virtual(name, usable) if self.catalog.meaning(name) is None else ""
            if not kind:
                real.append((inside, name))
                continue
            rows, demand = self.rows(usable), demand_of(peeked, configured=self._searches)
            found = chosen(kind, rows, demand, choice_of(peeked), self.usd, self._chance)
            if not found:
                raise nothing_fits(kind)
            models = [(inside, each) for each in found]
            for each in models if entries else ():
                entries.setdefault(each, entries.get((inside, name)))
            real += models
        return tuple(dict.fromkeys(real))

    def _chosen(self, wanted: Sequence[Wanted], peeked: Peek, header: str, key: str) -> Planned:
        """The candidates of `wanted` in their order, without those that sit out."""
        traffic, load = self.traffic, load_of(peeked)
        now = traffic.clock()
        scene = Scene(health=traffic.health, now=now, chance=self._chance, usd=self.usd, waits=traffic.waits(load))
        plan = planned(wanted, scene)
        chosen: Sequence[Candidate] = plan.candidates
        if self.weights:
            chosen = drawn(chosen, self.weights, self._chance)
        if traffic.bench.sitting:
            chosen = traffic.bench.choose(chosen, now)
        own = beginning(chosen, wanted[0].candidates)
        sort = wanted[0].preferences.sort.by
        if own < 2 or wanted[0].preferences.order:
            return Planned(candidates=chosen, load=load, asked=_asked(wanted), rejected=plan.rejected, sort=sort)
        session = session_of(peeked, key, header)
        led = traffic.affinity.led(session, chosen[:own], now)
        return Planned(
            candidates=(*led, *chosen[own:]),
            load=load,
            session=session,
            own=own,
            led=led[0] is not chosen[0],
            asked=_asked(wanted),
            rejected=plan.rejected,
            sort=sort,
        )

    def _entries(self, peeked: Peek, profile: str) -> dict[Name, Entry | None]:
        """By what each of the request's models means here, the entry of its `fallbacks` that it is asked by.

        What stands behind a model in a chain is asked as the request has it.
        """
        said = {entry.model: entry for entry in peeked.entries}
        found: dict[Name, Entry | None] = {}
        for model in peeked.models:
            found.setdefault(self.names((model,), profile)[0], said.get(model))
        return found

    def _wanted(self, name: Name, wishes: Preferences, peeked: Peek, entry: Entry | None) -> Iterator[Wanted]:
        """One model of the request, with what its suffix wishes of it: at the service tier that was asked for, then at
        others."""
        offers = self.offer(name, everywhere=wishes is not NONE)
        if entry is not None:
            peeked = peeked.by(entry)
            offers = replace(offers, candidates=tuple(replace(each, entry=entry) for each in offers.candidates))
        need = replace(need_of(peeked, self.usd), configured=self._searches)
        if offers.suffix:
            wishes = suffixed(wishes, offers.suffix)
            need = replace(need, free=":free" in offers.suffix)
            if ":online" in offers.suffix and not (need.search is not None and need.search.must):
                need = replace(need, search=online(peeked.fields))
        for candidates, wished in by_tier(offers.candidates, wishes, said_tier(peeked), offers.suffix):
            offered = self._ordered(candidates, peeked)
            yield Wanted(name=name[1], candidates=offered, preferences=wished, need=need)

    def wishes(self, peeked: Peek) -> Preferences:
        """What the request wishes of routing, over what the configuration does.  Raises ProtocolError."""
        return self._standing if WISHING.isdisjoint(peeked.fields) else preferences_of(peeked, self._standing)

    def kept(self, candidate: Candidate, peeked: Peek) -> frozenset[str]:
        """The keys of ours that a delegate is told; not `provider` where that names the delegate itself."""
        address = candidate.address
        assert isinstance(address, Address)
        wishes = self.wishes(peeked)
        own = not candidate.slugs.isdisjoint((*wishes.only, *wishes.order))
        return address.keeps - {"provider"} if own else address.keeps

    def _ordered(self, candidates: Sequence[Candidate], peeked: Peek) -> list[Candidate]:
        """For each key of each provider the endpoint in the cheapest lane; providers keep their order.

        Endpoints that speak the same protocol stand in for one another, so they all stay.
        """
        if len(candidates) == 1:
            return [candidates[0]]
        best: dict[tuple[str, ...], tuple[int, list[Candidate]]] = {}
        for candidate in candidates:
            rank = _rank(candidate, peeked)
            slot = (candidate.provider.id, candidate.model, candidate.tier, candidate.credential)
            known = best.get(slot)
            if known is None or rank < known[0]:
                best[slot] = (rank, [candidate])
            elif rank == known[0] and candidate.endpoint.protocol == known[1][0].endpoint.protocol:
                known[1].append(candidate)
        return [candidate for _, chosen in best.values() for candidate in chosen]


def _asked(wanted: Sequence[Wanted]) -> dict[int, str]:
    """By the candidate's identity, the model that it stands for."""
    if len({each.name for each in wanted}) < 2:
        return {}
    return {id(candidate): each.name for each in reversed(wanted) for candidate in each.candidates}


def _rank(candidate: Candidate, peeked: Peek) -> int:
    """How much is done to the request on its way: less is better."""
    protocol = candidate.endpoint.protocol
    lane = choose_lane(peeked, protocol, candidate.quirks, candidate.target)
    rank = _LANE_RANK[lane] + (_FOREIGN if protocol != peeked.protocol else 0)
    return rank if peeked.plugins is None and not candidate.searches else rank + _lacking(candidate, peeked)


def _lacking(candidate: Candidate, peeked: Peek) -> int:
    """What it counts for that an endpoint cannot make a search itself."""
    wish = wish_of(candidate, peeked)
    if wish is None or candidate.delegate or wish.engine not in ("", NATIVE):
        return 0
    if wish.foreign and candidate.endpoint.protocol == peeked.protocol:
        return 0  # it is told of the tool as it stands
    return 0 if way(wish, candidate.quirks.search, configured=False) else _SEARCHLESS
