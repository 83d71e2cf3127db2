"""The Ledger: what the gateway calls to have every request on record.

It joins the journal (fast, crash-safe), the store (slow, full of answers) and the thread between them, and hides which
of them an answer comes from: a request is visible from its `begin` on.

Rules of this file: no SQL, no file formats; `begin` and `end` take microseconds; whatever may block for longer has an
async twin that runs it in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from hexapla.errors import ConfigError, GatewayError
from hexapla.ledger.commit import GroupCommit
from hexapla.ledger.drain import HASTE, PAUSE, Drain
from hexapla.ledger.frame import unpack
from hexapla.ledger.ids import Mint
from hexapla.ledger.journal import SEGMENT_SIZE, Journal
from hexapla.ledger.record import Generation
from hexapla.ledger.recovery import Recovered, interrupted, recover
from hexapla.ledger.segment import Claim, keeps_room
from hexapla.ledger.sqlite import SqliteStore
from hexapla.ledger.store import GroupBy, UsageRow, Where

Durability = Literal["fsync", "write", "off"]

_MEMORY = ":memory:"
_MEMORY_ROWS = 10_000

Write = Callable[[Generation], None]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the ledger is.

    degraded     the journal cannot be written, or the store takes nothing, at the moment
    message      why, for a person
    errors       failed disk and store operations since the start
    lost         finished records that are in neither journal nor store
    backlog      bytes that the store has not got yet
    recovered    finished records that a dead process had left in its journal
    interrupted  requests that a dead process had begun and not ended
    damaged      files set aside because they could not be read
    """

    degraded: bool = False
    message: str = ""
    errors: int = 0
    lost: int = 0
    backlog: int = 0
    recovered: int = 0
    interrupted: int = 0
    damaged: int = 0


class Ledger:
    """Open it with `Ledger.open`; close it, or lose nothing but the time that the next start takes to recover.

    new_id  makes the id of the next generation
    begin   record that a request begins; call it before the upstream is called.  A cost given here is a reservation: it
            stands if the end is never seen.  Never raises
    end     record how a request ended; call it before the client hears the end.  A later end of the same id replaces an
            earlier one, and a beginning is not needed.  Never raises
    waits   whether `durable` has anything to wait for
    """

    def __init__(self, parts: _Parts) -> None:
        self.new_id = Mint()
        self.waits = parts.commit is not None
        self.begin: Write = parts.journal.begin
        self.end: Write = parts.journal.end
        self._journal = parts.journal
        self._store = parts.store
        self._drain = parts.drain
        self._commit = parts.commit
        self._recovered = parts.recovered
        self._unrecovered = parts.unrecovered
        self._closed = False

    @classmethod
    def open(
        cls,
        path: Path | str | None = None,
        *,
        durability: Durability = "write",
        retention_days: float | None = None,
        max_rows: int | None = None,
        segment_size: int = SEGMENT_SIZE,
    ) -> Ledger:
        """Open the ledger at `path` (None: `default_path()`; ":memory:": nowhere), and recover what the dead left.

        durability      what `begin` and `end` promise: "write" survives the death of the process, "fsync" a power cut
                        as well (await `durable`), "off" neither (a fifth of a second may be lost)
        retention_days  older generations are deleted
        max_rows        all but the newest so many are deleted; in memory 10,000 unless said otherwise
        segment_size    bytes after which the journal starts a new file

        Raises ConfigError if the ledger cannot be kept there.
        """
        if path == _MEMORY:
            journal, store = Journal(None), SqliteStore(None)
            return cls(_Parts(journal, store, Drain(journal, store, retention_days, max_rows or _MEMORY_ROWS)))
        file = default_path() if path is None else Path(path).expanduser()
        try:
            return cls(_open(file, durability, retention_days, max_rows, segment_size))
        except (OSError, GatewayError) as error:
            reason = str(getattr(error, "strerror", None) or error).rstrip(".")
            raise ConfigError(f"The ledger cannot be kept at {file}: {reason}.") from error

    # --- writing ------------------------------------------------------------------------------------------------------

    async def durable(self) -> OSError | None:
        """Return when everything recorded so far survives what `durability` promises; the error where the disk fails."""
        return await self._commit.wait() if self._commit is not None else None

    def flush(self) -> None:
        """Bring everything that has ended into the store.  Raises GatewayError (503) if the store fails."""
        self._drain.pump()

    def close(self) -> None:
        """Flush and stop.  What has not ended is recorded as interrupted; what cannot be flushed stays in the journal
        for the next start."""
        if self._closed:
            return
        self._closed = True
        for generation in self.running():
            self._journal.end(interrupted(generation))
        if self._commit is not None:
            self._commit.close()
        self._drain.close()
        with contextlib.suppress(GatewayError):
            self._drain.pump()
        self._journal.close()
        self._store.close()

    # --- reading ------------------------------------------------------------------------------------------------------

    def running(self) -> list[Generation]:
        """Return what this process has begun and not ended, oldest first."""
        return [unpack(frame) for frame in list(self._journal.open.values())]

    def get(self, name: str) -> Generation | None:
        """Return the generation whose id is `name`, open or ended.  Raises GatewayError (503) if nobody can tell."""
        frame = self._journal.open.get(name)
        if frame is not None:
            return unpack(frame)
        self._settle()
        generation = self._store.get(name)
        if generation is None and self._drain.fault is not None:
            raise self._drain.fault
        return generation

    def recent(self, n: int = 50, *, before: float | None = None, key: str | None = None) -> list[Generation]:
        """Return the newest ended generations, newest first, created before `before` (Unix seconds)."""
        self._settle()
        return self._store.recent(n, Where(until=before, key=key))

    def usage(
        self,
        since: float = 0.0,
        until: float | None = None,
        *,
        group_by: GroupBy = "day",
        key: str | None = None,
        model: str | None = None,
        provider: str | None = None,
    ) -> list[UsageRow]:
        """Return sums over what was created in since <= t < until (Unix seconds), one row a group, in its order."""
        self._settle()
        return self._store.usage(group_by, Where(since=since, until=until, key=key, model=model, provider=provider))

    @property
    def health(self) -> Health:
        """How the ledger is, at this moment."""
        journal, drain = self._journal, self._drain
        faults = [str(fault) for fault in (journal.fault, drain.fault, self._unrecovered) if fault]
        return Health(
            degraded=bool(faults),
            message="; ".join(faults),
            errors=journal.errors + drain.errors,
            lost=journal.lost,
            backlog=journal.backlog,
            recovered=self._recovered.finished,
            interrupted=self._recovered.interrupted,
            damaged=self._recovered.damaged + journal.damaged + self._store.damaged,
        )

    async def get_async(self, name: str) -> Generation | None:
        """`get`, off the event loop."""
        return await asyncio.to_thread(self.get, name)

    async def usage_async(
        self,
        since: float = 0.0,
        until: float | None = None,
        *,
        group_by: GroupBy = "day",
        key: str | None = None,
        model: str | None = None,
        provider: str | None = None,
    ) -> list[UsageRow]:
        """`usage`, off the event loop."""
        return await asyncio.to_thread(
            self.usage, since, until, group_by=group_by, key=key, model=model, provider=provider
        )

    async def close_async(self) -> None:
        """`close`, off the event loop."""
        await asyncio.to_thread(self.close)

    def _settle(self) -> None:
        """Let the store catch up, so that an answer includes what has just ended; the drain remembers its failures."""
        if self._journal.backlog:
            with contextlib.suppress(GatewayError):
                self._drain.pump()


class _Parts(NamedTuple):
    journal: Journal
    store: SqliteStore
    drain: Drain
    commit: GroupCommit | None = None
    recovered: Recovered = Recovered()
    unrecovered: str = ""


def _open(
    file: Path, durability: Durability, retention_days: float | None, max_rows: int | None, segment_size: int
) -> _Parts:
    directory = file.with_name(f"{file.name}.journal")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    synced = durability == "fsync"
    store = SqliteStore(file, synced=synced)
    recovered, unrecovered = Recovered(), ""
    try:
        recovered = recover(directory, store)
    except GatewayError as error:  # full or locked: what is in the journals is safe there until the next start
        unrecovered = error.message
    claim = None
    try:
        if durability != "off":
            claim = Claim.make(directory)
        mapped = not synced and keeps_room(directory)
        journal = Journal(claim, synced=synced, segment_size=segment_size, mapped=mapped)
    except OSError:
        if claim is not None:
            claim.release()
        store.close()
        raise
    drain = Drain(journal, store, retention_days, max_rows, HASTE if claim is None else PAUSE)
    return _Parts(journal, store, drain, GroupCommit(journal.sync) if synced else None, recovered, unrecovered)


def default_path(environ: Mapping[str, str] = os.environ) -> Path:
    """`$XDG_STATE_HOME/hexapla/ledger.db`, by default under ~/.local/state
    (https://specifications.freedesktop.org/basedir-spec/latest/)."""
    base = environ.get("XDG_STATE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state") / "hexapla" / "ledger.db"
