"""The journal keeps what is written, forgets what is stored, and outlives its disk's moods."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hexapla.ledger.frame import BEGIN, MAGIC, decode, scan, torn
from hexapla.ledger.journal import Journal
from hexapla.ledger.record import Generation
from hexapla.ledger.rows import Row, rows
from hexapla.ledger.segment import Claim, Segment, keeps_room

Make = Callable[..., Generation]


def ids(found: list[Row]) -> list[str]:
    """The rows' ids; what they say beside the record is what it says."""
    records = [row[-1].encode() for row in found]
    assert found == rows((decode(record), record) for record in records)
    return [row[0] for row in found]


def written(path: Path) -> list[str]:
    """The ids of all frames of a segment."""
    return [decode(frame.payload).id for frame in scan(path.read_bytes(), len(MAGIC))]


def drain(journal: Journal) -> list[str]:
    """Take everything, as the drain does when its store takes everything."""
    found: list[str] = []
    while (batch := journal.take(10)).rows or batch.positions:
        found += ids(batch.rows)
        journal.settle(batch)
    return found


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.journal"))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(Claim.make(tmp_path), segment_size=4096)


@pytest.fixture
def mapped(tmp_path: Path) -> Journal:
    """A journal that writes to the memory of its files."""
    return Journal(Claim.make(tmp_path), segment_size=4096, mapped=True)


@pytest.fixture
def forgetful(tmp_path: Path) -> Journal:
    """A journal that keeps nothing in memory, as one does whose store is far behind: what is taken is read from files."""
    return Journal(Claim.make(tmp_path), segment_size=4096, fresh=0)


def fill_disk(monkeypatch: pytest.MonkeyPatch, error: int = errno.ENOSPC) -> None:
    def fail(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "pwrite", fail)
    monkeypatch.setattr(os, "posix_fallocate", fail)


def test_a_record_is_with_the_system_when_the_call_returns(journal: Journal, tmp_path: Path, begun: Make) -> None:
    """After `begin`, and without any flush, another reader of the file sees the record."""
    journal.begin(begun("a"))
    (frame,) = scan(segments(tmp_path)[0].read_bytes(), len(MAGIC))
    assert (frame.kind, decode(frame.payload).id) == (BEGIN, "a")


def test_finished_records_are_taken_in_order_and_once(journal: Journal, begun: Make, ended: Make) -> None:
    """`take` gives ends only, again and again until they are settled, then never again."""
    for name in "abc":
        journal.begin(begun(name))
    for name in "bca":
        journal.end(ended(name))
    assert ids(journal.take(10).rows) == ids(journal.take(10).rows) == ["b", "c", "a"]
    assert drain(journal) == ["b", "c", "a"]
    assert drain(journal) == []
    assert journal.backlog == 0


def test_full_segments_are_replaced_and_deleted_when_stored(
    journal: Journal, tmp_path: Path, begun: Make, ended: Make
) -> None:
    """The journal never keeps more than the store lacks: one segment remains, with the request that is still open."""
    journal.begin(begun("long"))
    for number in range(50):
        journal.begin(begun(f"{number}"))
        journal.end(ended(f"{number}"))
        journal.tend()
    assert len(segments(tmp_path)) > 5
    assert drain(journal) == [f"{number}" for number in range(50)]
    (last,) = segments(tmp_path)
    assert written(last)[0] == "long"
    journal.end(ended("long"))
    assert drain(journal) == ["long"]


def test_a_store_far_behind_reads_the_files(tmp_path: Path, begun: Make, ended: Make) -> None:
    """Memory is bounded: beyond it records are read from the files, once each, until the store has caught up."""
    journal = Journal(Claim.make(tmp_path), segment_size=4096, fresh=5)
    names = [f"{number}" for number in range(34)]
    for name in names[:4]:
        journal.end(ended(name))
    assert ids(journal.take(10).rows) == names[:4]
    for name in names[4:30]:
        journal.begin(begun(name))
        journal.end(ended(name))
        journal.tend()
    assert drain(journal) == names[:30]
    assert journal.backlog == 0
    (last,) = segments(tmp_path)
    for name in names[30:34]:
        journal.end(ended(name))
    last.write_bytes(b"what stands in memory need not be read")
    assert drain(journal) == names[30:34]
    assert (journal.lost, journal.errors) == (0, 0)


def test_memory_holds_little_more_than_it_may(tmp_path: Path, ended: Make) -> None:
    """Many are made rows of at once, so the bound is looked at once in so many; beyond it nothing is held."""
    journal = Journal(Claim.make(tmp_path), fresh=100)
    held = []
    for _ in range(200):
        journal.end(ended())
        held.append(len(journal._fresh) + len(journal._ended))
    assert 100 <= max(held) < 100 + 32
    assert held[-1] == 0
    assert len(drain(journal)) == 200


def test_a_record_larger_than_a_read_is_taken(forgetful: Journal, ended: Make) -> None:
    """Records of any size come through, between ordinary ones."""
    attempt = ended().attempts[0]
    large = tuple(msgspec.structs.replace(attempt, message="m" * 3000) for _ in range(40))
    for name, attempts in (("a", ()), ("b", large), ("c", ())):
        forgetful.end(ended(name, attempts=attempts))
    assert drain(forgetful) == ["a", "b", "c"]


def test_a_beginning_stands_as_it_was(journal: Journal, tmp_path: Path, begun: Make, ended: Make) -> None:
    """A generation that is filled in while its request runs is carried on as it began, never as an end."""
    generation = begun("long")
    journal.begin(generation)
    generation.outcome, generation.status = "ok", 200
    for number in range(50):
        journal.end(ended(f"{number}"))
        journal.tend()
    frames = [frame for path in segments(tmp_path) for frame in scan(path.read_bytes(), len(MAGIC))]
    carried = [msgspec.json.decode(frame.payload, type=Generation) for frame in frames if frame.kind == BEGIN]
    assert len(carried) > 5
    assert {(each.id, each.outcome) for each in carried} == {("long", "open")}


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_failing_disk_costs_nothing_but_a_fault(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, begun: Make, ended: Make, error: int
) -> None:
    """While nothing can be written, ends wait in memory; when it can, a new segment has every open beginning."""
    journal.begin(begun("before"))
    with monkeypatch.context() as patch:
        fill_disk(patch, error)
        journal.begin(begun("during"))
        journal.end(ended("before"))
        journal.tend()
        assert journal.fault is not None
        assert journal.fault.errno == error
        assert drain(journal) == ["before"]
    journal.tend()
    assert journal.fault is None
    assert drain(journal) == []
    assert written(segments(tmp_path)[-1]) == ["during"]
    assert (journal.errors, journal.lost) == (2, 0)


def test_memory_is_bounded_while_the_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: Make) -> None:
    """Records beyond the bound are lost, and counted."""
    journal = Journal(Claim.make(tmp_path), spill_size=3000)
    fill_disk(monkeypatch)
    for _ in range(100):
        journal.end(ended())
    kept = len(drain(journal))
    assert 0 < kept < 10
    assert journal.lost == 100 - kept


def test_half_a_write_is_no_record(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ended: Make
) -> None:
    """A write that the disk cuts short is a fault; its bytes are never read, and the record is not lost."""
    journal.end(ended("a"))
    write = os.pwrite
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda fd, data, offset: write(fd, data[: len(data) // 2], offset))
        journal.end(ended("b"))
    journal.end(ended("c"))
    journal.tend()
    journal.end(ended("d"))
    assert sorted(drain(journal)) == ["a", "b", "c", "d"]
    assert len(segments(tmp_path)) == 1


def test_unreadable_segments_are_set_aside(forgetful: Journal, tmp_path: Path, ended: Make) -> None:
    """A page that rots under us costs its segment's rest, never the ones after it."""
    forgetful.end(ended("a"))
    forgetful.end(ended("b"))
    (first,) = segments(tmp_path)
    data = bytearray(first.read_bytes())
    data[-5] ^= 1
    first.write_bytes(data)
    for number in range(20):
        forgetful.end(ended(f"{number}"))
        forgetful.tend()
    found = drain(forgetful)
    assert found[0] == "a"
    assert found[-1] == "19"
    assert "b" not in found
    assert forgetful.damaged == 1
    assert len(list(tmp_path.glob("*.damaged"))) == 1


def test_a_segment_that_cannot_be_renamed_is_passed_over(
    forgetful: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ended: Make
) -> None:
    """Even where damage cannot be set aside, what follows it comes through, and every failure is counted."""

    def refuse(_path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("hexapla.ledger.journal.set_aside", refuse)
    forgetful.end(ended("a"))
    (first,) = segments(tmp_path)
    first.write_bytes(first.read_bytes()[:-1] + b"X")
    for number in range(20):
        forgetful.end(ended(f"{number}"))
        forgetful.tend()
    assert drain(forgetful)[-1] == "19"
    assert (forgetful.damaged, forgetful.errors) == (1, 2)


def test_a_segment_that_cannot_be_deleted_stays(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ended: Make
) -> None:
    """Failing to delete is counted and changes no answer; the file is the next start's to find."""

    def refuse(_segment: Segment) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Segment, "remove", refuse)
    names = [f"{number}" for number in range(20)]
    for name in names:
        journal.end(ended(name))
        journal.tend()
    assert drain(journal) == names
    assert drain(journal) == []
    assert journal.errors == len(segments(tmp_path)) - 1 > 0


def test_a_failed_sync_is_told_and_repaired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: Make, ended: Make
) -> None:
    """After a failed sync the file is not trusted again: beginnings are written anew, ends reach the store."""
    journal = Journal(Claim.make(tmp_path), synced=True)
    assert journal.sync() is None
    journal.begin(begun("a"))
    journal.end(ended("b"))
    with monkeypatch.context() as patch:
        patch.setattr("hexapla.ledger.journal.sync_data", lambda _fd: os.fsync(1 << 30))
        fault = journal.sync()
        assert fault is not None
        assert fault.errno == errno.EBADF
        journal.tend()
        assert journal.sync() is journal.fault is not None
    journal.tend()
    assert journal.sync() is None
    assert drain(journal) == ["b"]
    (last,) = segments(tmp_path)
    assert written(last) == ["a"]


def test_closing_deletes_what_is_stored_and_keeps_the_rest(tmp_path: Path, begun: Make, ended: Make) -> None:
    """A clean end leaves an empty directory; anything unstored stays for the next process."""
    clean, busy, behind = (Journal(Claim.make(tmp_path)) for _ in range(3))
    clean.end(ended("a"))
    drain(clean)
    clean.close()
    assert len(segments(tmp_path)) == 2
    busy.begin(begun("b"))
    drain(busy)
    busy.close()
    behind.end(ended("c"))
    behind.close()
    assert len(segments(tmp_path)) == 2
    behind.end(ended("d"))
    assert behind.lost == 1


def test_many_threads_write_whole_records(journal: Journal, begun: Make, ended: Make) -> None:
    """Threads that write at once, while segments change under them, lose nothing and mix nothing."""

    def work(worker: int) -> None:
        for number in range(100):
            journal.begin(begun(f"{worker}-{number}"))
            journal.end(ended(f"{worker}-{number}"))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    found: list[str] = []
    while any(thread.is_alive() for thread in threads):
        journal.tend()
        found += drain(journal)
    found += drain(journal)
    assert sorted(found) == sorted(f"{worker}-{number}" for worker in range(4) for number in range(100))
    assert journal.open == {}


def test_without_a_file_records_wait_in_memory(begun: Make, ended: Make) -> None:
    """A journal without a claim has no fault and no file, and refuses nobody."""
    journal = Journal(None)
    journal.begin(begun("a"))
    journal.end(ended("a"))
    journal.tend()
    assert journal.fault is None
    assert journal.sync() is None
    assert drain(journal) == ["a"]


def test_what_is_put_into_a_files_memory_is_with_the_system(mapped: Journal, tmp_path: Path, begun: Make) -> None:
    """Another reader of the file sees the record when the call returns, and nothing after it."""
    mapped.begin(begun("a"))
    data = segments(tmp_path)[0].read_bytes()
    (frame,) = scan(data, len(MAGIC))
    assert decode(frame.payload).id == "a"
    assert data[frame.end :] == bytes(4096 - frame.end)


def test_what_has_no_room_is_written_behind_it(mapped: Journal, tmp_path: Path, begun: Make, ended: Make) -> None:
    """A thread that is late with the next segment costs speed and no record."""
    names = [f"{number}" for number in range(30)]
    for name in names:
        mapped.begin(begun(name))
        mapped.end(ended(name))
    (path,) = segments(tmp_path)
    assert path.stat().st_size > 4096
    assert len(written(path)) == 60
    mapped.tend()
    assert drain(mapped) == names
    assert len(segments(tmp_path)) == 1


def test_a_disk_without_room_is_a_fault_that_passes(
    mapped: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ended: Make
) -> None:
    """The segment that stands has its room; the next one waits until there is some again."""
    with monkeypatch.context() as patch:
        fill_disk(patch)
        for number in range(30):
            mapped.end(ended(f"{number}"))
            mapped.tend()
        assert mapped.fault is not None
        assert len(segments(tmp_path)) == 1
    mapped.tend()
    assert mapped.fault is None
    assert sorted(map(int, drain(mapped))) == list(range(30))
    assert mapped.lost == 0


def test_a_stored_file_becomes_the_next_segment(mapped: Journal, tmp_path: Path, ended: Make) -> None:
    """Its blocks and its memory go on under another name, and nothing that it held can be read from it any more."""
    (first,) = segments(tmp_path)
    number = first.stat().st_ino
    for name in map(str, range(30)):
        mapped.end(ended(name))
    mapped.tend()
    assert len(drain(mapped)) == 30
    (spare,) = tmp_path.glob("*.spare")
    assert (spare.stat().st_ino, spare.read_bytes()) == (number, bytes(4096))
    mapped.end(ended("x"))
    mapped.end(ended("y" * 3000))
    mapped.tend()
    (_, again) = segments(tmp_path)
    assert (again.stat().st_ino, again.read_bytes()) == (number, MAGIC + bytes(4096 - len(MAGIC)))
    assert drain(mapped) == ["x", "y" * 3000]
    mapped.close()
    assert list(tmp_path.iterdir()) == []


def test_an_idle_journal_keeps_no_second_file(mapped: Journal, tmp_path: Path, ended: Make) -> None:
    """The memory of a file is given back when nothing comes any more."""
    for name in map(str, range(10)):
        mapped.end(ended(name))
    mapped.tend()
    drain(mapped)
    assert len(list(tmp_path.glob("*.spare"))) == 1
    mapped.tend()
    assert list(tmp_path.glob("*.spare")) == []


def test_the_next_segment_begins_while_there_is_room_in_this_one(
    mapped: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ended: Make
) -> None:
    """Where as much comes each time, nothing has to be written behind the memory."""

    def never(*_: object) -> None:
        raise AssertionError("written by a system call")

    monkeypatch.setattr(os, "pwrite", never)
    for turn in range(20):
        for name in range(4):
            mapped.end(ended(f"{turn}-{name}"))
        mapped.tend()
        assert len(drain(mapped)) == 4
    assert mapped.errors == 0


@pytest.mark.parametrize("step", ["retire", "revive"])
def test_a_file_that_cannot_be_used_again_is_replaced(
    mapped: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ended: Make, step: str
) -> None:
    """A failure of either step is counted; records go on, and the directory is clean in the end."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    found = []
    with monkeypatch.context() as patch:
        patch.setattr(Segment, step, refuse)
        for turn in range(6):
            for name in range(6):
                mapped.end(ended(f"{turn}-{name}"))
            mapped.tend()
            found += drain(mapped)
    assert mapped.errors > 0
    mapped.tend()
    assert mapped.fault is None
    found += drain(mapped)
    assert sorted(found) == sorted(f"{turn}-{name}" for turn in range(6) for name in range(6))
    assert mapped.lost == 0
    mapped.close()
    assert list(tmp_path.iterdir()) == []


def test_half_a_record_in_a_files_memory_is_an_unfinished_write(mapped: Journal, tmp_path: Path, ended: Make) -> None:
    """Killed in the middle of a copy: what stands before it is read, and nobody is told of damage."""
    mapped.end(ended("a"))
    mapped.end(ended("b"))
    data = segments(tmp_path)[0].read_bytes()
    (first, second) = scan(data, len(MAGIC))
    for cut in range(first.end + 1, second.end):
        assert torn((data[:cut] + bytes(4096 - cut))[first.end :])
    rotten = data[len(MAGIC) : first.end - 1] + b"X"
    assert not torn(rotten + data[first.end :])


def test_only_file_systems_that_keep_their_word_are_mapped(tmp_path: Path) -> None:
    """By the mount that the directory is on; what is not known is not mapped."""
    device = tmp_path.stat().st_dev
    mine = f"{os.major(device)}:{os.minor(device)}"
    mounts = tmp_path / "mountinfo"
    for kind, keeps in (("ext4", True), ("xfs", True), ("btrfs", False), ("overlay", False), ("nfs4", False)):
        mounts.write_text(
            f"1 2 999:9 / /other rw - ext4 /dev/x rw\n3 4 {mine} / /mine rw,noatime shared:1 - {kind} /dev/y rw\n"
        )
        assert keeps_room(tmp_path, mounts) is keeps
    mounts.write_text("")
    assert not keeps_room(tmp_path, mounts)
    assert not keeps_room(tmp_path, tmp_path / "absent")
