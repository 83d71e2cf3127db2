"""A file of the former layout becomes one of this, whole or not at all; labels go with the requests that need them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hexapla.errors import GatewayError
from hexapla.ir.response import Usage
from hexapla.ledger import layout, sqlite
from hexapla.ledger.record import Cost, Generation
from hexapla.ledger.rows import Row, rows
from hexapla.ledger.sqlite import SqliteStore
from hexapla.ledger.store import Where

Make = Callable[..., Generation]

FORMER = """
CREATE TABLE generations (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created REAL NOT NULL, key TEXT NOT NULL, provider TEXT NOT NULL,
  model TEXT NOT NULL, outcome TEXT NOT NULL, input INTEGER, output INTEGER, cached INTEGER, cache_write INTEGER,
  reasoning INTEGER, currency TEXT, nanos INTEGER, record TEXT NOT NULL
);
CREATE INDEX generations_created ON generations (created);
CREATE INDEX generations_key ON generations (key, created);
CREATE INDEX generations_model ON generations (model, created);
CREATE INDEX generations_provider ON generations (provider, created);
PRAGMA user_version = 1;
"""


def told(*generations: Generation) -> list[Row]:
    return rows((generation, msgspec.json.encode(generation)) for generation in generations)


def former(path: Path, *generations: Generation) -> None:
    """Write a file as version 1 did."""
    connection = sqlite3.connect(path)
    connection.executescript(FORMER)
    for number, it in enumerate(generations):
        usage, cost = it.usage, it.cost
        counts = usage.input, usage.output, usage.cached, usage.cache_write, usage.reasoning
        money = (cost.currency, cost.nanos) if cost is not None else (None, None)
        row = (
            2 * number,
            it.id,
            it.created,
            it.key,
            it.provider,
            it.model,
            it.outcome,
            *counts,
            *money,
            msgspec.json.encode(it).decode(),
        )
        connection.execute(f"INSERT INTO generations VALUES ({', '.join('?' * len(row))})", row)
    connection.commit()
    connection.close()


@pytest.fixture
def several(ended: Make) -> list[Generation]:
    """Generations of two keys and currencies; one without a cost, one of whose use nothing is known."""
    return [
        ended("a", key="alice"),
        ended("b", key="bob", cost=Cost(currency="CNY", nanos=7, source="catalogue")),
        ended("c", key="bob", cost=None, model="other"),
        ended("d", key="alice", outcome="timeout", usage=Usage(), cost=None),
    ]


def test_a_file_of_the_former_layout_answers_as_a_new_one(
    tmp_path: Path, several: list[Generation], ended: Make
) -> None:
    """Every answer is the same, and what comes now stands beside what was there, or replaces it."""
    former(tmp_path / "old.db", *several)
    old, new = SqliteStore(tmp_path / "old.db"), SqliteStore(tmp_path / "new.db")
    new.put(told(*several))
    later = told(ended("e", key="bob"), ended("a", key="alice", model="late"))
    for store in old, new:
        store.put(later)
    assert old.damaged == 0
    assert old.recent(9, Where()) == new.recent(9, Where())
    assert len(old.recent(9, Where())) == 5
    assert old.get("b") == several[1]
    for where in Where(), Where(key="bob"), Where(model="chat"), Where(provider="deepseek", since=several[1].created):
        assert old.usage("key", where) == new.usage("key", where)
        assert old.usage("model", where) == new.usage("model", where)
    assert old.prune(before=None, keep=3) == new.prune(before=None, keep=3) + 1  # numbers are what they were
    old.close()
    again = SqliteStore(tmp_path / "old.db")
    assert again.get("e") is not None
    again.close()


def test_a_move_that_fails_leaves_the_former_file(
    tmp_path: Path, several: list[Generation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, or out of space, in the middle: everything is where it was, and the next start does it."""
    path = tmp_path / "ledger.db"
    former(path, *several)
    with monkeypatch.context() as patch:
        patch.setitem(layout._STEPS, 1, (*layout._FORMER, "INSERT INTO nowhere VALUES (1)"))
        with pytest.raises(GatewayError, match="nowhere"):
            SqliteStore(path)
    shell = sqlite3.connect(path)
    assert shell.execute("SELECT count(*), max(number) FROM generations").fetchone() == (4, 6)
    assert shell.execute("PRAGMA user_version").fetchone() == (1,)
    shell.close()
    store = SqliteStore(path)
    assert len(store.recent(9, Where())) == 4
    store.close()


def test_several_may_start_at_once(tmp_path: Path, several: list[Generation]) -> None:
    """One of them moves the rows, once; the others wait for it and go on."""
    path = tmp_path / "ledger.db"
    former(path, *several)
    found: list[int] = []

    def start() -> None:
        store = SqliteStore(path)
        found.append(len(store.recent(9, Where())))
        store.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [4] * 4


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    """What nobody here understands is neither written to nor set aside."""
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(GatewayError, match="later version"):
        SqliteStore(path)
    assert path.read_bytes()[100:] == before[100:]  # behind SQLite's own header
    assert [each.name for each in tmp_path.glob("*damaged*")] == []


def test_labels_go_with_the_last_request_that_had_them(
    tmp_path: Path, ended: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models that clients make up do not stay for ever: pruning looks for their labels when there are many."""
    monkeypatch.setattr(sqlite, "_FEW_LABELS", 20)
    store = SqliteStore(tmp_path / "ledger.db")
    store.put(told(*(ended(model=f"made up {number}", created=float(number)) for number in range(40))))
    assert store.prune(before=5.0, keep=None) == 5
    assert layout.count_labels(store._reader) == 35
    assert store.prune(before=38.0, keep=None) == 33
    assert layout.count_labels(store._reader) == 35  # not twice as many as there were
    store.put(told(*(ended(model=f"again {number}", created=0.0) for number in range(40))))
    assert store.prune(before=38.0, keep=None) == 40
    assert layout.count_labels(store._reader) == 2
    assert [row.group for row in store.usage("model", Where())] == ["made up 38", "made up 39"]
    store.put(told(ended("x", model="made up 3")))
    assert store.usage("model", Where(model="made up 3"))[0].requests == 1
    store.close()


def test_a_label_that_was_rolled_back_is_made_again(tmp_path: Path, ended: Make) -> None:
    """A batch that fails takes its labels with it; the same batch goes in later."""
    store = SqliteStore(tmp_path / "ledger.db")
    good, bad = ended("a", model="first"), ended("b", created=None)
    with pytest.raises(GatewayError, match="NOT NULL"):
        store.put(told(good, bad))
    assert layout.count_labels(store._reader) == 0
    store.put(told(good))
    assert [row.group for row in store.usage("model", Where())] == ["first"]
    store.close()
