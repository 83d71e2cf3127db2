"""The files of a journal: segments that are only ever appended to, and the claim that says whose they are.

Several processes (workers, a command line beside a server) keep one ledger.  Each writes segments of its own under a
name that nobody else has, and holds a lock for as long as it lives; the kernel lets go of the lock when the process
dies, however it dies, and only then may another process take its segments for a dead one's.

    <owner>.new                an owner's lock for the moment in which it is made
    <owner>.lock               locked by the living owner
    <owner>.00000001.journal   segments, oldest first
    <owner>.spare              a former segment, whose blocks and memory the next one takes over

Rules of this file: blocking file calls, each short; OSError is the caller's to handle.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hexapla.ledger.frame import MAGIC

_LOCK = ".lock"
_SEGMENT = ".journal"
_DAMAGED = ".damaged"
_SPARE = ".spare"
_UNNAMED = ".new"
_UNNAMED_SECONDS = 60.0  # after which nobody is about to name a file any more: its maker died in that moment

_ZEROS = bytes(1 << 16)
_POPULATE_WRITE = 23  # madvise(2); Python has no name for it
_KEEPS_ROOM = frozenset({"ext2", "ext3", "ext4", "tmpfs", "xfs"})

sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class Segment:
    """One file, open for appending and reading.

    end   offset after the last whole frame;  read  offset up to which the store has everything
    room  so many bytes of it are the file's own and stand in our memory as well: what is put there is written
    """

    __slots__ = ("_memory", "end", "fd", "path", "read", "room")

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.fd = fd
        self.end = 0
        self.read = len(MAGIC)
        self.room = 0

    @classmethod
    def create(cls, path: Path, room: int = 0) -> Segment:
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        segment = cls(path, fd)
        try:
            if room:
                segment._make(room)
            segment.append(MAGIC)
        except OSError:
            segment.remove()
            raise
        return segment

    def _make(self, room: int) -> None:
        os.posix_fallocate(self.fd, 0, room)
        self._memory = mmap.mmap(self.fd, room)
        self.room = room
        with suppress(OSError):  # a kernel before 5.14: then each page is fetched when it is first written to
            self._memory.madvise(_POPULATE_WRITE)

    def append(self, frame: bytes) -> None:
        """Write one frame, or raise; what a failed write left behind lies after `end` and is never read."""
        start = self.end
        end = start + len(frame)
        if end <= self.room:
            self._memory[start:end] = frame
        elif (written := os.pwrite(self.fd, frame, start)) != len(frame):  # a full disk: the next call would say so
            raise OSError(f"only {written} of {len(frame)} bytes were written")
        self.end = end

    def retire(self, spare: Path) -> None:
        """Empty the file, under a name that nobody reads: giving it blocks and memory was dearer than all that it held."""
        os.ftruncate(self.fd, self.room)
        self.path = self.path.rename(spare)
        for start in range(0, min(self.end, self.room), len(_ZEROS)):
            end = min(start + len(_ZEROS), self.room)
            self._memory[start:end] = _ZEROS[: end - start]
        self.end, self.read = 0, len(MAGIC)

    def revive(self, path: Path) -> None:
        """Make a retired file the segment at `path`."""
        self.path = self.path.rename(path)
        self.append(MAGIC)

    def remove(self) -> None:
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        if self.fd >= 0:
            if self.room:
                self._memory.close()
            os.close(self.fd)
            self.fd = -1


class Claim:
    """A name in the journal's directory, and the lock that proves that its owner lives."""

    __slots__ = ("_fd", "directory", "owner")

    def __init__(self, directory: Path, owner: str, fd: int) -> None:
        self.directory = directory
        self.owner = owner
        self._fd = fd

    @classmethod
    def make(cls, directory: Path) -> Claim:
        """Take a new name.  The file gets its name when it is locked already, so nobody ever finds it unlocked."""
        owner = secrets.token_hex(8)
        unnamed = directory / f"{owner}{_UNNAMED}"
        fd = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(directory / f"{owner}{_LOCK}")
        return cls(directory, owner, fd)

    @classmethod
    def seize(cls, lock: Path) -> Claim | None:
        """Take over a dead owner's name; None while the owner lives or when somebody else was faster."""
        try:
            fd = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        return cls(lock.parent, lock.name.removesuffix(_LOCK), fd)

    def segments(self) -> list[Path]:
        """Return the owner's segments, oldest first."""
        return sorted(self.directory.glob(f"{self.owner}.*{_SEGMENT}"))

    def segment(self, number: int) -> Path:
        return self.directory / f"{self.owner}.{number:08}{_SEGMENT}"

    @property
    def spare(self) -> Path:
        return self.directory / f"{self.owner}{_SPARE}"

    def release(self) -> None:
        """Give the name up.  With segments left, the next process to open the ledger takes them over."""
        if self._fd >= 0:
            if not self.segments():
                (self.directory / f"{self.owner}{_LOCK}").unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = -1


def keeps_room(directory: Path, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether blocks that a file was given stay its own, so that writing to its memory cannot fail for want of space.

    A file system that takes new blocks for every write (btrfs, ZFS), or that nobody here can see into (overlay, network),
    would kill the process by SIGBUS where a write fails with ENOSPC (proc_pid_mountinfo(5), mmap(2)).
    """
    device = directory.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with suppress(OSError):
        for fields in map(str.split, mounts.read_text().splitlines()):
            if fields[2] == wanted:
                return fields[fields.index("-") + 1] in _KEEPS_ROOM
    return False


def dead_claims(directory: Path) -> Iterator[Claim]:
    """Yield the claims whose owners are dead, each locked by us."""
    for lock in sorted(directory.glob(f"*{_LOCK}")):
        claim = Claim.seize(lock)
        if claim is not None:
            yield claim


def sweep(directory: Path) -> None:
    """Remove what processes left that died while they took a name."""
    for unnamed in directory.glob(f"*{_UNNAMED}"):
        with suppress(FileNotFoundError):
            if time.time() - unnamed.stat().st_mtime > _UNNAMED_SECONDS:
                unnamed.unlink()


def set_aside(path: Path) -> Path:
    """Keep a damaged file for a person to look at, under a name that is never read again."""
    number = sum(1 for _ in path.parent.glob(f"{path.name}{_DAMAGED}*"))
    return path.rename(path.with_name(f"{path.name}{_DAMAGED}{number or ''}"))


def sync_directory(directory: Path) -> None:
    """Make new and renamed files of a directory survive a power cut."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
