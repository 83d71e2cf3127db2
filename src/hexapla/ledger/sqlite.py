"""The embedded store: one SQLite file in WAL mode.

SQLite is the best-tested piece of storage there is, and a gateway on one machine needs no more.  Each row has the
columns that questions are asked about, and the whole record as JSON beside them, so that no field is ever lost (layout.py).

Rules of this file: sqlite3.Error never leaves it; column names come from tables in this file, never from a caller.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hexapla.errors import GatewayError, Kind
from hexapla.ledger.layout import INTERRUPT, PUT, count_labels, forget_labels, insert, lay_out
from hexapla.ledger.record import Cost, Generation
from hexapla.ledger.rows import Row
from hexapla.ledger.segment import set_aside
from hexapla.ledger.store import GroupBy, UsageRow, Where

_T = TypeVar("_T")
_Value = str | int | float | None

_GROUPS: dict[GroupBy, str] = {
    "key": "key",
    "model": "model",
    "provider": "provider",
    "day": "date(created, 'unixepoch')",
}
_USAGE = """
SELECT {group}, currency, count(*), sum(outcome = 'ok'), sum(input), sum(output), sum(cached), sum(cache_write),
       sum(reasoning), sum(nanos)
FROM requests CROSS JOIN labels ON labels.number = label WHERE {where} GROUP BY 1, 2 ORDER BY 1, 2
"""  # CROSS: in this order
_OF = "label IN (SELECT number FROM labels WHERE {} = ?)"  # which the index knows without the row
_SUMS = ("requests", "ok", "input", "output", "cached", "cache_write", "reasoning")

_PAGE = 8192  # bytes: fewer writes than SQLite's own choice; still more would make a single row dear

_PRUNED_AT_ONCE = 500
_FEW_LABELS = 1000
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")

_decode = msgspec.json.Decoder(Generation).decode


class SqliteStore:
    """See above.  Writing and reading have a connection each (one between them in memory), for one thread at a time.

    damaged  how often the file was found broken, set aside, and begun anew
    """

    def __init__(self, path: Path | None, *, synced: bool = False, busy_timeout: float = 5.0) -> None:
        self.damaged = 0
        self._labels = _FEW_LABELS  # with more, pruning looks for those that nobody needs any more
        self._path = path
        self._synced = synced
        self._busy_timeout = busy_timeout
        self._writing = threading.RLock()
        self._reading = self._writing if path is None else threading.RLock()
        try:
            self._open()
        except GatewayError as error:
            self._renew_after(error)

    # --- Store --------------------------------------------------------------------------------------------------------

    def put(self, rows: Sequence[Row]) -> None:
        self._write(lambda connection: insert(connection, PUT, rows))

    def interrupt(self, rows: Sequence[Row]) -> int:
        return self._write(lambda connection: insert(connection, INTERRUPT, rows))

    def get(self, name: str) -> Generation | None:
        legible = name.encode("utf-8", "replace").decode()  # SQLite refuses lone surrogates
        found = _generations(self._read("SELECT record FROM requests WHERE id = ?", (legible,)))
        return found[0] if found else None

    def recent(self, n: int, where: Where) -> list[Generation]:
        condition, values = _where(where)
        query = f"SELECT record FROM requests WHERE {condition} ORDER BY created DESC, number DESC LIMIT ?"  # noqa: S608
        return _generations(self._read(query, (*values, n)))

    def usage(self, group_by: GroupBy, where: Where) -> list[UsageRow]:
        condition, values = _where(where)
        return _merge(self._read(_USAGE.format(group=_GROUPS[group_by], where=condition), values))

    def prune(self, *, before: float | None, keep: int | None) -> int:
        deleted = 0
        for condition, value in (
            ("created < ?", before),
            ("number <= (SELECT max(number) FROM requests) - ?", keep),
        ):
            if value is not None:
                query = f"SELECT number FROM requests WHERE {condition} LIMIT {_PRUNED_AT_ONCE}"  # noqa: S608
                deleted += self._delete(f"DELETE FROM requests WHERE number IN ({query})", value)  # noqa: S608
        return deleted

    def close(self) -> None:
        with self._writing, self._reading, contextlib.suppress(sqlite3.Error):
            self._reader.close()
            self._writer.close()

    # --- connections --------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._writer = self._connect()
        try:
            with _translated():
                lay_out(self._writer)
            self._reader = self._writer if self._path is None else self._connect()
        except GatewayError:
            self._writer.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        """Open the file; a transaction is only ever the one that `_write` begins."""
        with _translated():
            if self._path is not None:
                self._path.touch(mode=0o600)
            connection = sqlite3.connect(
                self._path or ":memory:", timeout=self._busy_timeout, isolation_level=None, check_same_thread=False
            )
            try:
                if self._path is None or self._path.stat().st_size == 0:
                    self._begin(connection)
                self._write_ahead(connection)
                connection.execute(f"PRAGMA synchronous = {'FULL' if self._synced else 'NORMAL'}")
                # a page is written once for more rows
                connection.execute(f"PRAGMA wal_autocheckpoint = {(16 << 20) // _PAGE}")
                # else a copy of each page that many rows change is a file
                connection.execute("PRAGMA temp_store = MEMORY")
                connection.execute(f"PRAGMA journal_size_limit = {64 << 20}")
            except sqlite3.Error:
                connection.close()
                raise
            return connection

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Lay out a file that holds nothing yet.

        Unless it must survive a power cut, without waiting for the disk: SQLite would do so ten times to keep that nothing,
        which is 30 ms of a first start, and a second where others keep the disk busy.
        """
        if not self._synced:
            connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        lay_out(connection)

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        """SQLite waits for nobody here, be it for another process that lays out the same new file at this moment."""
        late = time.monotonic() + self._busy_timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > late:
                    raise
            time.sleep(0.01)

    def _delete(self, statement: str, value: float) -> int:
        return self._write(lambda connection: self._deleted(connection, statement, value))

    def _deleted(self, connection: sqlite3.Connection, statement: str, value: float) -> int:
        deleted = connection.execute(statement, (value,)).rowcount
        if deleted and count_labels(connection) > self._labels:
            self._labels = max(_FEW_LABELS, 2 * forget_labels(connection))
        return deleted

    def _write(self, action: Callable[[sqlite3.Connection], int]) -> int:
        """Run `action`, which returns how many rows it has changed, in a transaction."""
        return self._renewing(lambda: self._transact(action))

    def _transact(self, action: Callable[[sqlite3.Connection], int]) -> int:
        with self._writing, _translated():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                changed = action(self._writer)
                self._writer.execute("COMMIT")
            except sqlite3.Error:
                with contextlib.suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise
            return changed

    def _read(self, query: str, values: tuple[_Value, ...]) -> list[tuple[Any, ...]]:
        with self._reading, _translated():
            return self._reader.execute(query, values).fetchall()

    def _renewing(self, action: Callable[[], _T]) -> _T:
        """Run `action`; if the file turns out to be broken, set it aside, begin a new one, and run it again."""
        try:
            return action()
        except GatewayError as error:
            self._renew_after(error)
        return action()

    def _renew_after(self, error: GatewayError) -> None:
        """Begin a new file if `error` says that this one is broken; raise it otherwise."""
        if self._path is None or getattr(error.__cause__, "sqlite_errorname", "") not in _DAMAGE:
            raise error
        self._renew(self._path)

    def _renew(self, path: Path) -> None:
        with self._writing, self._reading, _translated():
            if hasattr(self, "_reader"):
                self.close()
            self.damaged += 1
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    set_aside(path.with_name(path.name + suffix))
            self._open()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise GatewayError(Kind.INTERNAL, f"The ledger's store failed ({error}).", status=503) from error


# --- rows -------------------------------------------------------------------------------------------------------------


def _load(record: bytes | str) -> Generation | None:
    """Return the generation; None for what is none, or not to this version."""
    try:
        return _decode(record)
    except msgspec.DecodeError:
        return None


def _generations(rows: Sequence[tuple[Any, ...]]) -> list[Generation]:
    return [generation for (record,) in rows if (generation := _load(record)) is not None]


def _where(where: Where) -> tuple[str, tuple[_Value, ...]]:
    terms: list[tuple[str, _Value]] = [
        ("created >= ?", where.since),
        ("created < ?", where.until),
        *((_OF.format(name), getattr(where, name)) for name in ("key", "model", "provider")),
    ]
    given = [(term, value) for term, value in terms if value is not None]
    return " AND ".join(term for term, _ in given), tuple(value for _, value in given)


def _merge(rows: Sequence[tuple[Any, ...]]) -> list[UsageRow]:
    """Join the rows of one group, which come one a currency, and one for requests without a cost."""
    merged: dict[str, UsageRow] = {}
    for group, currency, *sums, nanos in rows:
        row = merged.get(group) or UsageRow(group=group)
        counts = {name: getattr(row, name) + int(value or 0) for name, value in zip(_SUMS, sums)}
        if not currency:
            counts["unpriced"] = row.unpriced + int(sums[0])
            costs = row.cost
        else:
            costs = (*row.cost, Cost(currency=currency, nanos=int(nanos), source="sum"))
        merged[group] = msgspec.structs.replace(row, **counts, cost=costs)
    return list(merged.values())
