"""The drain moves everything for whoever asks, and by itself what makes a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from hexapla.ledger.drain import Drain
from hexapla.ledger.journal import Journal
from hexapla.ledger.record import Generation
from hexapla.ledger.rows import Row
from hexapla.ledger.segment import Claim
from hexapla.ledger.sqlite import SqliteStore

Make = Callable[..., Generation]


class BusyStore(SqliteStore):
    """A request ends while a batch is stored, but for the fourth."""

    def __init__(self, end: Callable[[], None]) -> None:
        super().__init__(None)
        self.batches: list[int] = []
        self._end = end

    def put(self, rows: Sequence[Row]) -> None:
        super().put(rows)
        self.batches.append(len(rows))
        if len(self.batches) < 4:
            self._end()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(Claim.make(tmp_path), fresh=200)


@pytest.fixture
def store(journal: Journal, ended: Make) -> BusyStore:
    return BusyStore(lambda: journal.end(ended()))


@pytest.fixture
def drain(journal: Journal, store: BusyStore) -> Iterator[Drain]:
    """One whose thread sleeps."""
    drain = Drain(journal, store, pause=1000.0)
    yield drain
    drain.close()


def test_whoever_asks_gets_the_tail_as_well(journal: Journal, store: BusyStore, drain: Drain, ended: Make) -> None:
    """Until nothing is left, however little comes meanwhile."""
    journal.end(ended())
    drain.pump()
    assert store.batches == [1, 1, 1, 1]
    assert journal.backlog == 0


def test_the_tail_waits_for_the_next_batch(journal: Journal, store: BusyStore, drain: Drain, ended: Make) -> None:
    """The drain by itself leaves what came meanwhile, where a store is not behind."""
    for _ in range(70):
        journal.end(ended())
    drain.pump(tail=False)
    assert store.batches == [70]
    assert journal.backlog > 0
    drain.pump(tail=False)
    assert store.batches == [70, 1]


def test_a_store_that_is_behind_is_not_kept_waiting(tmp_path: Path, ended: Make) -> None:
    """What stands in files alone is moved to its end at once."""
    journal = Journal(Claim.make(tmp_path), fresh=0)
    store = BusyStore(lambda: journal.end(ended()))
    drain = Drain(journal, store, pause=1000.0)
    for _ in range(600):
        journal.end(ended())
    drain.pump(tail=False)
    assert sum(store.batches) == 603
    assert journal.backlog == 0
    drain.close()
