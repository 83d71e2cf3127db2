"""What the recorder writes of a request, by whichever of its methods it was told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hexapla.catalog.schema import Endpoint, Model, Price, Provider, Quirks
from hexapla.engine.recorder import Books, Recorder
from hexapla.ir.response import Usage
from hexapla.ir.target import Origin, Target
from hexapla.ledger import Cost, Generation, Ledger
from hexapla.observe.metrics import Metrics
from hexapla.protocols.base import Reply
from hexapla.routing.candidate import Candidate
from hexapla.routing.commands import Start
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek

BODY = b'{"model": "p/m", "messages": [{"role": "user", "content": "Hi"}]}'
CANDIDATE = Candidate(
    provider=Provider(id="p"),
    endpoint=Endpoint(protocol="openai_chat", base_url="http://127.0.0.1:9/v1"),
    model="m",
    facts=Model(id="m", price=Price(input=1.0, output=2.0)),
    quirks=Quirks(),
    target=Target(origin=Origin(protocol="openai_chat", provider="p"), model="m"),
    track="p/m",
)


@pytest.fixture
def books() -> Iterator[Books]:
    ledger = Ledger.open(":memory:")
    yield Books(ledger=ledger, metrics=Metrics(), wall=lambda: 1_700_000_000.0, clock=lambda: 5.0)
    ledger.close()


def answered(usage: Usage | None) -> Lane:
    """A lane that an answer has passed."""
    peeked = peek("openai_chat", BODY)
    lane = Translation(peeked, Reply(id="a", created=1, model="p/m")).open(CANDIDATE.target, Quirks())
    lane.summary.id, lane.summary.usage, lane.summary.stop, lane.summary.native = "up-1", usage, "stop", "stop"
    lane.summary.text_bytes = 40
    return lane


def begun(books: Books, name: str) -> Recorder:
    recorder = Recorder(books, Generation(id=name, provider="p", model="m", created=1_700_000_000.0), len(BODY))
    recorder.begin()
    return recorder


@pytest.mark.parametrize("usage", [Usage(input=1_000_000, output=500_000), None])
def test_served_is_all_of_it_in_one(books: Books, usage: Usage | None) -> None:
    """A whole answer of the first attempt leaves the same record, told at once or step by step."""
    lane = answered(usage)
    at_once, by_steps = begun(books, "a"), begun(books, "a")
    at_once.served(Start(lane, CANDIDATE, False, 1, 4.0))
    one = books.ledger.get("a")
    by_steps.started(Start(lane, CANDIDATE, False, 1, 4.0))
    by_steps.spoke()
    by_steps.end(lane=lane)
    assert one == books.ledger.get("a")
    assert one is not None
    assert (one.outcome, one.stop, one.attempts[0].upstream_id, one.first) == ("ok", "stop", "up-1", 0.0)
    assert one.attempts[0].latency == 1.0
    assert one.estimated is (usage is None)
    if usage is not None:
        assert one.cost == Cost(currency="USD", nanos=2 * 10**9, source="catalogue")


def test_an_end_is_final(books: Books) -> None:
    """Whatever is told afterwards changes neither record nor counts."""
    recorder = begun(books, "a")
    recorder.served(Start(answered(None), CANDIDATE, False, 1, 4.0))
    found = books.ledger.get("a")
    recorder.end(outcome="timeout", status=504)
    recorder.served(Start(answered(Usage(input=1)), CANDIDATE, False, 1, 4.0))
    assert books.ledger.get("a") == found
    assert books.metrics.in_flight == 0
    (tally,) = books.metrics.tallies()
    assert dict(tally.requests) == {("", "verbatim", "ok"): 1}
