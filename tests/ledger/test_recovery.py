"""What a dead process left is found, completed and stored once; what a living one owns is left alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hexapla.errors import GatewayError
from hexapla.ledger.frame import MAGIC, scan
from hexapla.ledger.journal import Journal
from hexapla.ledger.record import Cost, Generation
from hexapla.ledger.recovery import Recovered, recover
from hexapla.ledger.segment import Claim
from hexapla.ledger.sqlite import SqliteStore
from hexapla.ledger.store import Where

Make = Callable[..., Generation]


def rows(store: SqliteStore) -> dict[str, str]:
    return {row.id: row.outcome for row in store.recent(1000, Where())}


@pytest.fixture
def dead(tmp_path: Path, begun: Make, ended: Make) -> Path:
    """The directory of a process that died with three requests finished and two open, over several segments."""
    living = tmp_path / "living"
    living.mkdir()
    journal = Journal(Claim.make(living), segment_size=600)
    for name in "abcde":
        journal.begin(begun(name, cost=Cost(currency="USD", nanos=5, source="catalogue") if name == "e" else None))
        if name in "acd":
            journal.end(ended(name))
        journal.tend()
    directory = tmp_path / "dead"
    shutil.copytree(living, directory)
    return directory


def test_everything_a_dead_process_left_is_stored(dead: Path) -> None:
    """Ends as they are, beginnings as interrupted; the journal is gone afterwards."""
    assert len(list(dead.glob("*.journal"))) > 2
    store = SqliteStore(None)
    assert recover(dead, store) == Recovered(finished=3, interrupted=2)
    assert rows(store) == {"a": "ok", "b": "interrupted", "c": "ok", "d": "ok", "e": "interrupted"}
    assert list(dead.iterdir()) == []
    assert recover(dead, store) == Recovered()


def test_a_reservation_stays_on_the_interrupted_row(dead: Path) -> None:
    """What was reserved for a request is the upper bound of what it may have cost, and marked as such."""
    store = SqliteStore(None)
    recover(dead, store)
    reserved, other = store.get("e"), store.get("b")
    assert reserved is not None and other is not None
    assert (reserved.cost, reserved.estimated) == (Cost(currency="USD", nanos=5, source="catalogue"), True)
    assert (other.cost, other.estimated) == (None, False)


def test_a_living_process_is_left_alone(tmp_path: Path, begun: Make, ended: Make) -> None:
    """Recovery beside a running gateway takes nothing from it."""
    journal = Journal(Claim.make(tmp_path))
    journal.begin(begun("a"))
    journal.end(ended("b"))
    store = SqliteStore(None)
    assert recover(tmp_path, store) == Recovered()
    assert rows(store) == {}
    journal.close()
    assert recover(tmp_path, store) == Recovered(finished=1, interrupted=1)


def test_a_recovery_that_dies_is_done_again(dead: Path, tmp_path: Path) -> None:
    """Wherever a recovery stops, the next one completes it without a double row."""
    store = SqliteStore(tmp_path / "ledger.db")
    again = tmp_path / "again"
    shutil.copytree(dead, again)
    recover(dead, store)
    recover(again, store)
    assert rows(store) == {"a": "ok", "b": "interrupted", "c": "ok", "d": "ok", "e": "interrupted"}
    store.close()


class FullStore(SqliteStore):
    """A store that takes nothing."""

    def put(self, records: object) -> None:
        raise GatewayError("internal", "full")  # type: ignore[arg-type]


def test_a_store_that_fails_loses_no_journal(dead: Path) -> None:
    """While the store takes nothing, the journals stay, and their claim is free for the next attempt."""
    before = sorted(dead.iterdir())
    with pytest.raises(GatewayError):
        recover(dead, FullStore(None))
    assert sorted(dead.iterdir()) == before
    assert recover(dead, SqliteStore(None)).finished == 3


def one_segment(directory: Path, frames: bytes) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "dead.lock").touch()
    (directory / "dead.00000001.journal").write_bytes(frames)


def test_cut_at_every_byte_it_opens_and_keeps_a_prefix(tmp_path: Path, begun: Make, ended: Make) -> None:
    """A journal truncated anywhere is recovered, and gives exactly the rows of the records before the cut."""
    journal = Journal(Claim.make(tmp_path))
    journal.begin(begun("a"))
    journal.begin(begun("b"))
    journal.end(ended("a"))
    journal.end(ended("b"))
    journal.end(ended("c"))
    (path,) = tmp_path.glob("*.journal")
    data = path.read_bytes()
    frames = list(scan(data, len(MAGIC)))
    ends = [frame.end for frame in frames]
    expected = [{}]  # rows after each whole frame
    for frame in frames:
        generation = msgspec.json.decode(frame.payload, type=Generation)
        outcome = "interrupted" if generation.outcome == "open" else generation.outcome
        expected.append({**expected[-1], generation.id: outcome})
    for cut in range(len(data) + 1):
        one_segment(tmp_path / "cut", data[:cut])
        store = SqliteStore(None)
        found = recover(tmp_path / "cut", store)
        assert rows(store) == expected[sum(end <= cut for end in ends)]
        assert found.damaged == 0
        assert list((tmp_path / "cut").iterdir()) == []
        store.close()


def test_damage_in_the_middle_is_kept_for_a_person(tmp_path: Path, ended: Make) -> None:
    """A record that rotted ends the reading of its segment, which is set aside; other segments are read."""
    journal = Journal(Claim.make(tmp_path))
    for name in "abc":
        journal.end(ended(name))
    (path,) = tmp_path.glob("*.journal")
    data = path.read_bytes()
    middle = data.index(b'"id":"b"')
    broken = data[:middle] + b"X" + data[middle + 1 :]
    directory = tmp_path / "dead"
    one_segment(directory, broken)
    (directory / "dead.00000002.journal").write_bytes(data)
    store = SqliteStore(None)
    assert recover(directory, store) == Recovered(finished=4, damaged=1)
    assert rows(store) == dict.fromkeys("abc", "ok")
    (kept,) = directory.iterdir()
    assert kept.name == "dead.00000001.journal.damaged"
    assert kept.read_bytes() == broken


@pytest.mark.parametrize("content", [b"", MAGIC[:3], bytes(100), b"something else entirely"])
def test_a_segment_without_a_beginning_is_no_obstacle(tmp_path: Path, content: bytes) -> None:
    """An empty, half-named or foreign file opens like any other; only a foreign one is kept."""
    one_segment(tmp_path / "dead", content)
    store = SqliteStore(None)
    assert recover(tmp_path / "dead", store) == Recovered(damaged=content.startswith(b"something"))


def test_records_of_a_later_version_hold_up_nobody(tmp_path: Path, ended: Make) -> None:
    """A whole frame that this version cannot read is passed over, and its file kept for one that can."""
    journal = Journal(Claim.make(tmp_path))
    journal.end(ended("a", latency="later versions say it in words"))
    journal.end(ended("b"))
    (path,) = tmp_path.glob("*.journal")
    one_segment(tmp_path / "dead", path.read_bytes())
    store = SqliteStore(None)
    assert recover(tmp_path / "dead", store) == Recovered(finished=1, damaged=1)
    assert rows(store) == {"b": "ok"}
    assert [kept.suffix for kept in (tmp_path / "dead").iterdir()] == [".damaged"]


def test_a_name_that_was_never_taken_is_swept_away(tmp_path: Path) -> None:
    """Its maker died between two calls; a young one may still be alive."""
    old, young = tmp_path / "aa.new", tmp_path / "bb.new"
    for file in (old, young):
        file.touch()
    os.utime(old, (0, 0))
    recover(tmp_path, SqliteStore(None))
    assert [file.name for file in tmp_path.iterdir()] == ["bb.new"]
