"""The journal: every request is written down before its upstream is called, and again before the client hears the end.

A gateway that dies with requests in flight owes its keeper the truth about them: what was begun, and what was
finished.  So a record is handed to the operating system by whichever thread has it, and survives `kill -9`; a power cut
too where the caller waits for `sync` (see commit.py).  From there a thread carries finished records into the store (see
drain.py), and a segment whose records have all arrived is emptied for the next one, or deleted.  Begun ones are carried
from segment to segment until they end.  What has just been written need not be read: the latest finished records are
kept in memory, as the rows that a store takes (rows.py), and files are read only for a store that is further behind, or
by the next process.

A disk that fails does not stop the gateway.  Finished records wait in memory, up to a bound, beginnings are known from
`open`, and the next segment that can be written repairs everything.  Nobody is refused meanwhile.

Rules of this file: `begin` and `end` take microseconds and never wait for another disk operation than their own write;
one consumer calls take, settle and tend; a lock is never taken while a later one is held (_tending, then _lock).
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from hexapla.ledger.frame import BEGIN, END, decode, pack, scan, wanted
from hexapla.ledger.record import Generation
from hexapla.ledger.rows import Record, Row, rows
from hexapla.ledger.segment import Claim, Segment, set_aside, sync_data, sync_directory

SEGMENT_SIZE = 1 << 20  # bytes; about a thousand requests
SPILL_SIZE = 16 << 20  # bytes of finished records that wait in memory while no file can be written
_CHUNK = 1 << 16
FRESH = 4096  # finished records that are kept in memory as well: a store that is not behind has nothing to read
_WAKE_AT = 1024  # of them
_TOGETHER = 32  # of which rows are made at once: soon, since their many small parts are far away later


class Batch(NamedTuple):
    """Finished records on their way to the store, and where the reading stands once they have arrived."""

    rows: list[Row]
    spilled: int  # how many of them stand in no file
    positions: dict[Segment, int]


class Journal:
    """See above.  Without a claim there is no file: finished records wait in memory for the store.

    mapped    records are put into the files' memory, which the kernel keeps as it keeps what write(2) brings
    open      the frames of what was begun and has not ended, by id
    fault     why the file cannot be written at the moment; None if it can
    behind    more have ended than memory holds, and the files are read
    errors    failed operations so far;  lost  finished records that found no room;  damaged  segments set aside
    wake      set when a batch of finished records is waiting, or a new segment is needed
    """

    def __init__(
        self,
        claim: Claim | None,
        *,
        synced: bool = False,
        segment_size: int = SEGMENT_SIZE,
        spill_size: int = SPILL_SIZE,
        fresh: int = FRESH,
        mapped: bool = False,
    ) -> None:
        self.open: dict[str, bytes] = {}
        self.fault: OSError | None = None
        self.errors = 0
        self.lost = 0
        self.damaged = 0
        self.wake = threading.Event()
        self._claim = claim
        self._synced = synced
        self._segment_size = segment_size
        self._room = segment_size if mapped else 0
        self._spill_size = spill_size
        self._lock = threading.Lock()  # guards what begin and end touch
        self._tending = threading.Lock()  # guards the life of segments: creation, sync, removal
        self._spill: deque[Record] = deque()
        self._spilled = 0  # bytes
        self._fresh: list[Row] = []  # of all that stand in a file and were not taken, but for
        self._ended: list[Record] = []  # the last ones
        self._together = min(fresh, _TOGETHER)
        self._most_fresh = fresh
        self._many = self._pressing = min(fresh, _WAKE_AT)  # pressing: how many of them are news
        self.behind = fresh == 0  # there were too many: these are empty
        self._taken: Batch | None = None  # until it is settled
        self._number = 0
        self._segments: deque[Segment] = deque()
        self._current: Segment | None = None
        self._spare: Segment | None = None  # a retired one
        self._tended = 0  # where the current segment ended when it was last looked at
        self._append: Callable[[bytes], None] = _nowhere  # the current segment's, while it can be written
        self._closed = False
        if claim is not None:
            self._rotate(claim)

    # --- writing ------------------------------------------------------------------------------------------------------

    def begin(self, generation: Generation) -> None:
        """Write down that a request begins.  Never raises."""
        name, (frame, _) = generation.id, pack(generation, BEGIN)
        self._lock.acquire()  # a with statement takes twice as long
        try:
            self.open[name] = frame
            self._append(frame)
        except OSError as error:
            self._unwritten(error)
        finally:
            self._lock.release()

    def end(self, generation: Generation) -> None:
        """Write down how it ended.  Never raises."""
        frame, payload = pack(generation, END)
        self._lock.acquire()
        try:
            self.open.pop(generation.id, None)
            self._append(frame)
        except OSError as error:
            self._unwritten(error)
            self._keep(generation, payload)
        else:
            if not self.behind:
                self._ended.append((generation, payload))
                if len(self._ended) == self._together:
                    self._gather()
        finally:
            self._lock.release()

    def _gather(self) -> None:
        """Make rows of the last ones, and say when many wait to be taken, or at last too many."""
        self._fresh += rows(self._ended)
        self._ended.clear()
        if len(self._fresh) < self._pressing:
            return
        self.wake.set()
        if len(self._fresh) > self._most_fresh:
            self._fresh, self.behind, self._pressing = [], True, self._many
        else:
            self._pressing = self._most_fresh + 1

    def _keep(self, generation: Generation, record: bytes) -> None:
        if self._closed or self._spilled + len(record) > self._spill_size:
            self.lost += 1
            return
        self._spill.append((generation, record))
        self._spilled += len(record)

    def _unwritten(self, error: OSError) -> None:
        if not isinstance(error, _NowhereError):
            self._fail(error)
            self.wake.set()  # the sooner the next segment, the fewer are refused

    def _fail(self, error: OSError) -> None:
        self.fault, self._append = error, _nowhere
        self.errors += 1

    # --- reading ------------------------------------------------------------------------------------------------------

    @property
    def backlog(self) -> int:
        """Bytes that the store has not got yet, beginnings included."""
        with self._lock:
            return self._spilled + sum(segment.end - segment.read for segment in self._segments)

    def take(self, limit: int) -> Batch:
        """Return finished records, oldest first, the same ones until they are settled; none when the store has everything.

        limit  how many at once, where they do not stand in memory anyway
        """
        batch = self._taken or self._next(limit)
        self._taken = batch if batch.rows or batch.positions else None
        return batch

    def _next(self, limit: int) -> Batch:
        with self._lock:
            records = list(islice(self._spill, limit))
            fresh, behind = self._fresh + rows(self._ended), self.behind
            self._fresh, self._ended, self._pressing = [], [], self._many
            ends = {segment: segment.end for segment in self._segments if segment.read < segment.end}
        spilled = len(records)
        if not behind:
            return Batch(rows(records) + fresh, spilled, ends)
        positions = {}
        for segment, end in ends.items():
            offset = self._read(segment, end, limit, records)
            if offset > segment.read:
                positions[segment] = offset
        return Batch(rows(records), spilled, positions)

    def settle(self, batch: Batch) -> None:
        """Forget what `take` gave: the store has it."""
        self._taken = None
        with self._lock:
            for _ in range(batch.spilled):
                self._spilled -= len(self._spill.popleft()[1])
            for segment, offset in batch.positions.items():
                segment.read = offset
            if self.behind and self._most_fresh:
                self.behind = any(segment.read < segment.end for segment in self._segments)
        self._discard()

    def _read(self, segment: Segment, end: int, limit: int, records: list[Record]) -> int:
        """Append finished records of one segment to `records`; return the offset after the last frame seen."""
        offset = segment.read
        while offset < end and len(records) < limit:
            try:
                data = _pread(segment.fd, offset, end)
            except OSError:  # it may pass: the next batch tries again
                self.errors += 1
                return offset
            start = offset
            for frame in scan(data):
                if frame.kind == END:
                    self._collect(frame.payload, records)
                offset = start + frame.end
            if offset == start:  # what was written whole is not whole any more
                self._set_aside(segment)
                return end
        return offset

    def _collect(self, payload: bytes, records: list[Record]) -> None:
        try:
            records.append((decode(payload), payload))
        except msgspec.DecodeError:  # no generation, though it was written as one
            self.lost += 1

    def _set_aside(self, segment: Segment) -> None:
        if not segment.path.exists():
            return
        self.damaged += 1
        self.errors += 1
        try:
            set_aside(segment.path)
        except OSError:
            self.errors += 1

    # --- the life of segments -----------------------------------------------------------------------------------------

    def tend(self) -> None:
        """Start a new segment when the current one is full or soon will be, or when a fault may have passed."""
        if self._claim is None or self._closed:
            return
        try:
            with self._tending:
                if self.fault is not None or self._filled():
                    self._rotate(self._claim)
        except OSError as error:
            with self._lock:
                self._fail(error)

    def _filled(self) -> bool:
        """Whether the current segment has no room for as much again as has come since it was last looked at."""
        if self._current is None:
            return True
        end, news = self._current.end, self._current.end - self._tended
        self._tended = end
        if not news and self._spare is not None:  # an idle journal needs no second file
            spare, self._spare = self._spare, None
            self._remove(spare)
        return end + (news if self._current.room else 0) >= self._segment_size

    def sync(self) -> OSError | None:
        """Make everything written so far survive a power cut; return what prevents it."""
        with self._tending:
            if self._current is None or self.fault is not None:
                return self.fault
            try:
                sync_data(self._current.fd)
            except OSError as error:  # which pages were lost is unknowable: only a new segment can be trusted again
                with self._lock:
                    self._fail(error)
                self.wake.set()
                return error
        return None

    def close(self) -> None:
        """Give up the files; those that the store has not got completely stay for the next process."""
        with self._tending, self._lock:
            self._closed = True
            self._current, self._append = None, _nowhere
            if self._spare is not None:
                self._remove(self._spare)
            for segment in self._segments:
                if segment.read >= segment.end and not self.open:
                    self._remove(segment)
                segment.close()
            self._segments.clear()
            if self._claim is not None:
                self._claim.release()

    def _rotate(self, claim: Claim) -> None:
        """Open the next segment, carry open beginnings into it, and let it take over."""
        self._number += 1
        last, healthy = self._current, self.fault is None
        segment = self._another(claim.segment(self._number))
        try:
            carried = self._carry(segment, set())
            if self._synced:
                sync_data(segment.fd)
                sync_directory(claim.directory)
            with self._lock:
                self._carry(segment, carried)
                self._segments.append(segment)
                self._current, self._append, self.fault = segment, segment.append, None
                self._tended = segment.end
        except OSError:
            segment.remove()
            raise
        if self._synced:
            sync_data(segment.fd)
            if last is not None and healthy:  # whoever waited for a failed segment has been told
                sync_data(last.fd)

    def _another(self, path: Path) -> Segment:
        """An empty segment."""
        if self._spare is None:
            return Segment.create(path, self._room)
        segment, self._spare = self._spare, None
        try:
            segment.revive(path)
        except OSError:
            segment.remove()
            raise
        return segment

    def _carry(self, segment: Segment, known: set[str]) -> set[str]:
        """Write the beginnings that `segment` lacks.  One that ends meanwhile does no harm: its end is written later,
        or stands in the store already."""
        missing = {name: frame for name, frame in list(self.open.items()) if name not in known}
        frames = b"".join(missing.values())
        if frames:
            segment.append(frames)
        return known | missing.keys()

    def _discard(self) -> None:
        """Delete the segments of the past that the store has completely."""
        with self._tending:
            with self._lock:
                done = [s for s in self._segments if s is not self._current and s.read >= s.end]
                self._segments = deque(s for s in self._segments if s not in done)
            for segment in done:
                self._finish(segment)

    def _finish(self, segment: Segment) -> None:
        """Keep one file for the next segment, and delete the others."""
        if self._claim is None or self._spare is not None or not segment.room:
            self._remove(segment)
            return
        try:
            segment.retire(self._claim.spare)
            self._spare = segment
        except OSError:
            self.errors += 1
            self._remove(segment)

    def _remove(self, segment: Segment) -> None:
        try:
            segment.remove()
        except OSError:  # it stays; the next start stores its records again, which changes nothing
            self.errors += 1


class _NowhereError(OSError):
    """There is no file at the moment."""


def _nowhere(_frame: bytes) -> None:
    raise _NowhereError


def _pread(fd: int, offset: int, end: int) -> bytes:
    """Return bytes from `offset` on, at least one frame of them."""
    data = os.pread(fd, min(_CHUNK, end - offset), offset)
    size = wanted(data)
    return data if size <= len(data) else os.pread(fd, min(size, end - offset), offset)
