"""The front: every request is visible from its beginning on, on disk and in memory, and closing loses nothing."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hexapla.errors import ConfigError, GatewayError
from hexapla.ledger import Generation, Ledger, default_path
from hexapla.ledger.sqlite import SqliteStore
from hexapla.ledger.store import Where

Make = Callable[..., Generation]


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("durability", ["write", "fsync", "off"])
def test_a_request_is_visible_from_its_beginning_on(path: Path, begun: Make, ended: Make, durability: str) -> None:
    """`get` sees it open, then ended at once, then after a restart; unknown ids are None."""
    ledger = Ledger.open(path, durability=durability)  # type: ignore[arg-type]
    first, last = begun("a"), ended("a")
    ledger.begin(first)
    assert ledger.get("a") == first
    assert ledger.running() == [first]
    ledger.end(last)
    assert ledger.get("a") == last
    assert ledger.running() == []
    assert ledger.get("b") is None
    ledger.close()
    again = Ledger.open(path)
    assert again.get("a") == last
    assert again.health.recovered == 0
    again.close()


def test_in_memory_nothing_touches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: Make) -> None:
    """ ":memory:" answers like a file, keeps the newest rows only, and writes no file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ledger = Ledger.open(":memory:", max_rows=10)
    for _ in range(30):
        ledger.end(ended())
    assert ledger.usage(group_by="model")[0].requests == 30
    ledger._drain.prune()
    assert [row.id for row in ledger.recent(99)] == [f"gen-{n}" for n in range(30, 20, -1)]
    ledger.close()
    assert list(tmp_path.iterdir()) == []


def test_records_reach_the_store_by_themselves(ledger: Ledger, ended: Make) -> None:
    """Nobody needs to read or flush: within a moment the store has everything, a batch at a time."""
    for _ in range(1000):
        ledger.end(ended())
    wait_until(lambda: ledger.health.backlog == 0)
    assert len(ledger._store.recent(2000, Where())) == 1000


def test_questions_see_what_has_just_ended(ledger: Ledger, ended: Make) -> None:
    """`recent` and `usage` include the request that ended a microsecond ago, and honour their filters."""
    for number in range(5):
        ledger.end(ended(key="ab"[number % 2], created=float(number)))
    assert [row.created for row in ledger.recent(2)] == [4.0, 3.0]
    assert [row.created for row in ledger.recent(9, before=3.0, key="a")] == [2.0, 0.0]
    assert [(row.group, row.requests) for row in ledger.usage(group_by="key")] == [("a", 3), ("b", 2)]
    assert [row.requests for row in ledger.usage(1.0, 4.0, key="b")] == [2]


def test_closing_interrupts_what_is_open_and_leaves_no_file(path: Path, begun: Make, ended: Make) -> None:
    """After a clean close there is one database, an empty journal, and no thread."""
    ledger = Ledger.open(path)
    ledger.begin(begun("a"))
    ledger.end(ended("b"))
    ledger.close()
    ledger.close()
    assert list(path.with_name("ledger.db.journal").iterdir()) == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hexapla-ledger")]
    again = Ledger.open(path)
    assert {row.id: row.outcome for row in again.recent()} == {"a": "interrupted", "b": "ok"}
    again.close()


def test_a_late_end_after_close_is_harmless_and_counted(ledger: Ledger, begun: Make, ended: Make) -> None:
    """A request that outlives the ledger is told nothing; reading says 503."""
    ledger.close()
    ledger.begin(begun("a"))
    ledger.end(ended("a"))
    assert ledger.health.lost == 1
    with pytest.raises(GatewayError):
        ledger.get("b")


def test_two_processes_share_one_ledger(path: Path, begun: Make, ended: Make) -> None:
    """A second opener takes nothing from the first, and each sees what the other has stored."""
    first = Ledger.open(path)
    first.begin(begun("a"))
    second = Ledger.open(path)
    assert second.health.interrupted == 0
    second.end(ended("b"))
    second.flush()
    assert first.get("b") is not None
    first.end(ended("a"))
    first.flush()
    assert second.get("a") is not None
    second.close()
    first.close()


def test_a_store_that_fails_is_reported_and_caught_up_with(
    path: Path, monkeypatch: pytest.MonkeyPatch, ended: Make
) -> None:
    """While SQLite takes nothing the journal keeps everything; afterwards the ledger is whole again by itself."""
    ledger = Ledger.open(path)

    def full(_store: SqliteStore, _records: object) -> None:
        raise GatewayError("internal", "The ledger's store failed (disk I/O error).", status=503)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "put", full)
        for number in range(500):
            ledger.end(ended(f"{number}"))
        wait_until(lambda: ledger.health.degraded)
        assert "disk I/O error" in ledger.health.message
        with pytest.raises(GatewayError):
            ledger.get("0")
        with pytest.raises(GatewayError):
            ledger.flush()
    wait_until(lambda: not ledger.health.degraded)
    assert ledger.usage()[0].requests == 500
    assert (ledger.health.lost, ledger.health.backlog) == (0, 0)
    ledger.close()


def test_a_store_that_never_recovers_leaves_the_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch, begun: Make, ended: Make
) -> None:
    """Closing with a dead store loses nothing: the next start finds it all in the journal."""
    ledger = Ledger.open(path)

    def full(_store: SqliteStore, _records: object) -> None:
        raise GatewayError("internal", "full")  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "put", full)
        ledger.begin(begun("a"))
        ledger.end(ended("b"))
        ledger.close()
        degraded = Ledger.open(path)
        assert degraded.health.degraded
        degraded.close()
    again = Ledger.open(path)
    assert {row.id: row.outcome for row in again.recent()} == {"a": "interrupted", "b": "ok"}
    assert not again.health.degraded
    again.close()


def test_a_full_disk_is_survived_without_a_word_lost(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, begun: Make, ended: Make
) -> None:
    """ENOSPC in the journal: degraded, and everything goes on; then it heals."""
    ledger._journal._current.room = 0  # type: ignore[union-attr]

    def full(_fd: int, _data: bytes, _offset: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        ledger.begin(begun("a"))
        assert ledger.health.degraded
        ledger.end(ended("a"))
        assert ledger.get("a") == ledger.recent(1)[0]
    wait_until(lambda: not ledger.health.degraded)
    ledger.begin(begun("c"))
    assert ledger.health.lost == 0


def test_old_rows_go_by_themselves(path: Path, ended: Make) -> None:
    """With a retention, rows beyond it are deleted; younger ones stay."""
    now = time.time()
    ledger = Ledger.open(path)
    ledger.end(ended("old", created=now - 3 * 86_400))
    ledger.end(ended("young", created=now - 60))
    ledger.close()
    again = Ledger.open(path, retention_days=2)
    wait_until(lambda: again.get("old") is None)
    assert again.get("young") is not None
    again.close()


def test_fsync_waits_and_write_does_not(path: Path, begun: Make, ended: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """`durable` returns after a sync of the journal in fsync mode, at once otherwise."""
    synced: list[int] = []
    sync = os.fdatasync
    monkeypatch.setattr("hexapla.ledger.journal.sync_data", lambda fd: (synced.append(fd), sync(fd)))

    async def main(durability: str) -> int:
        ledger = Ledger.open(path, durability=durability)  # type: ignore[arg-type]
        before = len(synced)
        ledger.begin(begun())
        await ledger.durable()
        ledger.end(ended())
        await ledger.durable()
        count = len(synced) - before
        assert ledger.waits == (durability == "fsync")
        await ledger.close_async()
        return count

    assert asyncio.run(main("fsync")) == 2
    assert asyncio.run(main("write")) == 0


def test_a_disk_that_cannot_sync_refuses_nobody(path: Path, begun: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing fdatasync: who waits is told, and the ledger says that it is degraded."""

    async def main() -> None:
        ledger = Ledger.open(path, durability="fsync")
        monkeypatch.setattr("hexapla.ledger.journal.sync_data", lambda _fd: os.fsync(1 << 30))
        ledger.begin(begun())
        assert await ledger.durable() is not None
        assert ledger.health.degraded
        monkeypatch.undo()
        await asyncio.to_thread(wait_until, lambda: not ledger.health.degraded)
        assert await ledger.durable() is None
        await ledger.close_async()

    asyncio.run(main())


def test_async_twins_answer_the_same(path: Path, ended: Make) -> None:
    """What may block has a twin that does not block the loop."""

    async def main() -> None:
        ledger = Ledger.open(path)
        ledger.end(ended("a"))
        assert await ledger.get_async("a") == ledger.get("a")
        assert await ledger.usage_async(group_by="key") == ledger.usage(group_by="key")
        await ledger.close_async()

    asyncio.run(main())


def test_ids_are_unique_and_in_order(ledger: Ledger) -> None:
    """Ids of one mint never repeat and sort by time; those of two mints never meet."""
    other = Ledger.open(":memory:")
    mine = [ledger.new_id() for _ in range(1000)]
    theirs = {other.new_id() for _ in range(1000)}
    other.close()
    assert len(set(mine)) == 1000
    assert mine == sorted(mine)
    assert theirs.isdisjoint(mine)


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    """A path through a file, or one that is a directory, is an error of the configuration that names it."""
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    for path in (tmp_path / "file" / "ledger.db", tmp_path / "directory"):
        with pytest.raises(ConfigError, match=str(path)):
            Ledger.open(path)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hexapla-ledger")]


def test_a_disk_that_is_full_from_the_start_is_a_clear_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening without room for a journal says so, and leaves neither a lock nor an open file behind."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(ConfigError, match=r"ledger\.db: No space left on device\.$"):
            Ledger.open(path)
    assert list(path.with_name("ledger.db.journal").iterdir()) == []
    Ledger.open(path).close()


def test_the_default_place_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$XDG_STATE_HOME if it is absolute, else ~/.local/state; only the owner may look inside."""
    assert default_path({"XDG_STATE_HOME": "/x"}) == Path("/x/hexapla/ledger.db")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert default_path({"XDG_STATE_HOME": "relative"}) == Path("/home/somebody/.local/state/hexapla/ledger.db")
    assert default_path({}) == Path("/home/somebody/.local/state/hexapla/ledger.db")
    Ledger.open(tmp_path / "own" / "ledger.db").close()
    assert (tmp_path / "own" / "ledger.db.journal").stat().st_mode & 0o077 == 0
    assert (tmp_path / "own" / "ledger.db").stat().st_mode & 0o077 == 0
