"""Every disk operation fails once, in turn, and nothing is lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hexapla.ledger import journal as journal_module
from hexapla.ledger import segment as segment_module
from hexapla.ledger.journal import FRESH, Journal
from hexapla.ledger.record import Generation
from hexapla.ledger.recovery import recover
from hexapla.ledger.segment import Claim
from hexapla.ledger.sqlite import SqliteStore
from hexapla.ledger.store import Where

Make = Callable[..., Generation]

FALLIBLE = ("open", "pwrite", "pread", "fsync", "fdatasync")


class FaultyOs:
    """The os module, whose n-th disk operation fails; `failed` says which."""

    def __init__(self, n: int) -> None:
        self.left = n
        self.failed = ""

    def __getattr__(self, name: str) -> Any:
        function = getattr(os, name)
        return self._counted(name, function) if name in FALLIBLE else function

    def _counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                self.failed = name
                raise OSError(errno.EIO, "Input/output error")
            return function(*args)

        return call


def work(directory: Path, store: SqliteStore, begun: Make, ended: Make, fresh: int) -> Journal:
    """Ten requests over many segments, drained as they come, three of them left open."""
    journal = Journal(Claim.make(directory), synced=True, segment_size=1200, fresh=fresh)
    for number in range(10):
        journal.begin(begun(f"{number}"))
        if number >= 3:
            journal.end(ended(f"{number}"))
        journal.sync()
        journal.tend()
        if number % 5 == 4:
            pump(journal, store)
    return journal


def pump(journal: Journal, store: SqliteStore) -> None:
    batch = journal.take(100)
    store.put(batch.rows)
    journal.settle(batch)


@pytest.mark.parametrize(
    ("fresh", "met"),
    [
        pytest.param(0, {"open", "pwrite", "pread", "fsync", "fdatasync"}, id="read from files"),
        pytest.param(FRESH, {"open", "pwrite", "fsync", "fdatasync"}, id="kept in memory"),
    ],
)
def test_any_single_failure_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: Make, ended: Make, fresh: int, met: set[str]
) -> None:
    """For every n: the n-th operation fails, every request is in the store once, and the open ones are recovered."""
    failed: list[str] = []
    while True:
        directory = tmp_path / f"{len(failed)}"
        directory.mkdir()
        store = SqliteStore(None)
        faulty = FaultyOs(len(failed) + 1)
        with monkeypatch.context() as patch:
            patch.setattr(segment_module, "os", faulty)
            patch.setattr(journal_module, "os", faulty)
            patch.setattr(journal_module, "sync_data", lambda fd, faulty=faulty: faulty.fdatasync(fd))
            try:
                journal = work(directory, store, begun, ended, fresh)
            except OSError:  # opening may fail, and says so
                assert len(failed) < 7
                failed.append(faulty.failed)
                continue
        journal.tend()
        pump(journal, store)
        journal.close()
        recover(directory, store)
        rows = [(row.id, row.outcome) for row in store.recent(99, Where())]
        assert sorted(rows) == sorted((f"{n}", "ok" if n >= 3 else "interrupted") for n in range(10)), faulty.failed
        assert journal.lost == journal.damaged == 0
        if not faulty.failed:
            break
        assert journal.errors == 1
        failed.append(faulty.failed)
    assert set(failed) == met
    assert len(failed) > 50, len(failed)
