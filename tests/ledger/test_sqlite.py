"""The embedded store answers what it was given, once each, and survives nonsense, locks and a broken file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from hexapla.errors import GatewayError
from hexapla.ir.response import Usage
from hexapla.ledger import sqlite
from hexapla.ledger.record import Cost, Generation
from hexapla.ledger.rows import Row, rows
from hexapla.ledger.sqlite import SqliteStore
from hexapla.ledger.store import UsageRow, Where

Make = Callable[..., Generation]
ALL = Where()
SET = ("page_size", "auto_vacuum", "journal_mode", "synchronous")


def told(*generations: Generation) -> list[Row]:
    return rows((generation, msgspec.json.encode(generation)) for generation in generations)


def dollars(nanos: int, source: str = "catalogue") -> Cost:
    return Cost(currency="USD", nanos=nanos, source=source)


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "ledger.db" if request.param == "file" else None)
    yield store
    store.close()


@pytest.mark.parametrize("synced", [False, True])
def test_opening_waits_for_no_disk(tmp_path: Path, synced: bool) -> None:
    """A new file is laid out before there is a log of writes, and an old one is not written when it is opened."""
    file = tmp_path / "ledger.db"
    for _ in range(2):
        store = SqliteStore(file, synced=synced)
        assert file.with_name("ledger.db-wal").stat().st_size == 0
        said = {name: store._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in SET}
        assert said == {"page_size": 8192, "auto_vacuum": 2, "journal_mode": "wal", "synchronous": 1 + synced}
        store.close()


def test_what_was_put_is_what_is_got(store: SqliteStore, ended: Make) -> None:
    """A generation comes back equal, by its id; an unknown id, even an impossible one, is None."""
    generation = ended("a")
    store.put(told(generation))
    assert store.get("a") == generation
    assert store.get("b") is store.get("\ud800") is None


def test_a_later_record_replaces_an_earlier(store: SqliteStore, ended: Make) -> None:
    """Twice the same is one row; a different end of the same id wins."""
    first = ended("a")
    later = msgspec.structs.replace(first, cost=dollars(99, "upstream"))
    store.put(told(first, first))
    store.put(told(first))
    store.put(told(later))
    assert store.recent(9, ALL) == [later]


def test_many_records_are_stored_as_few_are(store: SqliteStore, ended: Make) -> None:
    """However many come at once, each is one row, the last of an id wins, and what is not known is no number."""
    many = [ended(f"{number % 200}", created=float(number), cost=None, usage=Usage()) for number in range(600)]
    store.put(told(*many))
    assert store.recent(999, ALL) == many[:399:-1]
    (row,) = store.usage("model", ALL)
    assert (row.requests, row.unpriced, row.cost) == (200, 200, ())
    store.interrupt(told(*many))
    assert store.recent(1, ALL) == many[-1:]


def test_an_interruption_never_hides_an_end(store: SqliteStore, begun: Make, ended: Make) -> None:
    """A row without an end is stored only where no end is known, and gives way to one that comes later."""
    store.put(told(ended("a")))
    open_ones = told(begun("a", outcome="interrupted"), begun("b", outcome="interrupted"))
    assert store.interrupt(open_ones) == 1
    assert store.interrupt(open_ones) == 0
    assert [(row.id, row.outcome) for row in store.recent(9, ALL)] == [("b", "interrupted"), ("a", "ok")]
    store.put(told(ended("b")))
    assert {row.outcome for row in store.recent(9, ALL)} == {"ok"}


def test_recent_is_newest_first_and_pages(store: SqliteStore, ended: Make) -> None:
    """`until` continues a list where the last page ended; a key sees its own rows only."""
    rows = [ended(created=float(n), key="ab"[n % 2]) for n in range(10)]
    store.put(told(*rows))
    page = store.recent(4, ALL)
    assert [row.created for row in page] == [9, 8, 7, 6]
    assert [row.created for row in store.recent(4, Where(until=page[-1].created))] == [5, 4, 3, 2]
    assert [row.created for row in store.recent(9, Where(key="a"))] == [8, 6, 4, 2, 0]


def test_usage_sums_exactly_by_group(store: SqliteStore, ended: Make) -> None:
    """Sums are exact, apart by currency; what has no cost is counted as such."""
    yuan = Cost(currency="CNY", nanos=7, source="catalogue")
    usage = Usage(input=5, output=3, cached=2, cache_write=1, reasoning=1)
    store.put(
        told(
            ended(key="a", model="x", usage=usage, cost=dollars(10)),
            ended(key="a", model="y", usage=usage, cost=dollars(11)),
            ended(key="a", model="x", usage=usage, cost=yuan),
            ended(key="b", model="x", usage=Usage(), cost=None, outcome="timeout"),
            ended(key="b", model="x", usage=usage, cost=dollars(1), outcome="cancelled"),
        )
    )
    a, b = store.usage("key", ALL)
    costs = (Cost(currency="CNY", nanos=7, source="sum"), dollars(21, "sum"))
    assert a == UsageRow(
        group="a", requests=3, ok=3, input=15, output=9, cached=6, cache_write=3, reasoning=3, cost=costs
    )
    assert (b.requests, b.ok, b.unpriced, b.input, b.cost) == (2, 0, 1, 5, (dollars(1, "sum"),))
    assert [(row.group, row.requests) for row in store.usage("model", ALL)] == [("x", 4), ("y", 1)]
    assert [row.requests for row in store.usage("provider", Where(key="a", model="x"))] == [2]
    assert store.usage("model", Where(provider="nobody")) == []


def test_usage_by_day_and_span(store: SqliteStore, ended: Make) -> None:
    """Days are UTC; a span includes its start and excludes its end."""
    store.put(told(*(ended(created=created) for created in (0.0, 86_399.9, 86_400.0, 200_000.0))))
    assert [(row.group, row.requests) for row in store.usage("day", ALL)] == [
        ("1970-01-01", 2),
        ("1970-01-02", 1),
        ("1970-01-03", 1),
    ]
    assert [row.requests for row in store.usage("day", Where(since=86_400.0, until=200_000.0))] == [1]


def test_nonsense_cannot_overflow_a_sum(store: SqliteStore, ended: Make) -> None:
    """Counts and costs beyond all reason are clamped in the columns, kept in the record, and summed without error."""
    monster = Usage(input=10**30, output=-(10**30))
    rows = [ended(usage=monster, cost=dollars(10**30)) for _ in range(100)]
    store.put(told(*rows))
    (row,) = store.usage("key", ALL)
    assert row.input == 10**14
    assert row.output == 0
    assert row.cost == (dollars(10**17, "sum"),)
    assert store.get(rows[0].id) == rows[0]


def test_a_row_of_a_later_version_hides_no_other(tmp_path: Path, ended: Make) -> None:
    """A record that this version cannot read is None, and lists go on without it."""
    store = SqliteStore(tmp_path / "ledger.db")
    store.put(told(ended("a"), ended("b", latency="in words")))
    assert store.get("b") is None
    assert [row.id for row in store.recent(9, ALL)] == ["a"]
    assert store.usage("key", ALL)[0].requests == 2
    store.close()


def test_pruning_by_age_and_by_number(store: SqliteStore, ended: Make) -> None:
    """Pruning works in bites until nothing is left to do, and never touches what is to be kept."""
    store.put(told(*(ended(created=float(n)) for n in range(1200))))
    bites = []
    while deleted := store.prune(before=1000.0, keep=None):
        bites.append(deleted)
    assert bites == [500, 500]
    assert store.prune(before=None, keep=50) == 150
    assert [row.created for row in store.recent(99, ALL)] == [float(n) for n in range(1199, 1149, -1)]
    assert store.prune(before=None, keep=None) == 0


def test_a_locked_file_is_a_503_and_passes(tmp_path: Path, ended: Make) -> None:
    """While somebody else holds the file, writing fails cleanly; afterwards the same records go in."""
    store = SqliteStore(tmp_path / "ledger.db", busy_timeout=0.05)
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(GatewayError, match="locked") as refusal:
        store.put(told(ended("a")))
    assert refusal.value.status == 503
    assert store.get("a") is None
    other.execute("ROLLBACK")
    other.close()
    store.put(told(ended("a")))
    assert store.get("a") is not None
    store.close()


def test_a_file_that_is_no_database_is_set_aside(tmp_path: Path, ended: Make) -> None:
    """A broken file does not stop the gateway: it is kept under another name, and a new one begun."""
    content = b"this is no database, but long enough to look like a file" * 99
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    store = SqliteStore(path)
    store.put(told(ended("a")))
    assert store.get("a") is not None
    assert store.damaged == 1
    assert (tmp_path / "ledger.db.damaged").read_bytes() == content
    store.close()


def test_a_file_that_breaks_while_open_is_set_aside(tmp_path: Path, ended: Make) -> None:
    """Corruption met while writing costs the old rows' visibility, not the new ones."""
    path = tmp_path / "ledger.db"
    store = SqliteStore(path)
    store.put(told(*(ended() for _ in range(200))))
    store.close()
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))
    store = SqliteStore(path)
    store.put(told(ended("new")))
    assert [row.id for row in store.recent(9, ALL)] == ["new"]
    assert store.damaged == 1
    store.close()
    path.write_bytes(b"broken again, and still long enough to look like a file of some sort" * 99)
    SqliteStore(path).close()
    assert len(list(tmp_path.glob("ledger.db.damaged*"))) == 2


def test_a_closed_store_is_a_503(store: SqliteStore, ended: Make) -> None:
    """Use after close is an error of the one tree, not of sqlite3."""
    store.close()
    with pytest.raises(GatewayError):
        store.get("a")
    with pytest.raises(GatewayError):
        store.put(told(ended("a")))


def test_rows_are_legible_to_other_tools(tmp_path: Path, ended: Make) -> None:
    """Any SQLite shell finds names, numbers and the record's JSON in one place."""
    store = SqliteStore(tmp_path / "ledger.db")
    store.put(told(ended("a"), ended("b", cost=None)))
    shell = sqlite3.connect(tmp_path / "ledger.db")
    names = "key, model, outcome, input, currency, nanos"
    query = f"SELECT {names}, json_extract(record, '$.attempts[0].provider') FROM generations"
    assert shell.execute(query).fetchall() == [
        ("alice", "chat", "ok", 100, "USD", 12_345, "deepseek"),
        ("alice", "chat", "ok", 100, None, None, "deepseek"),
    ]
    shell.close()
    store.close()


def test_questions_read_only_the_rows_that_they_are_about(store: SqliteStore) -> None:
    """A span of time and a name are found by the index, without the rows of others."""
    for where in (Where(since=1.0), Where(since=1.0, key="a"), Where(until=9.0, model="m", provider="p")):
        condition, values = sqlite._where(where)
        query = f"EXPLAIN QUERY PLAN SELECT record FROM requests WHERE {condition} ORDER BY created DESC, number DESC"
        plan = [step[3] for step in store._reader.execute(query, values)]
        assert "SEARCH requests USING INDEX requests_created" in plan[0]
        assert not any("SCAN requests" in step for step in plan)
