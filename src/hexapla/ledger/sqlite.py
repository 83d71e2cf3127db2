"""The embedded store: one SQLite file in WAL mode.

SQLite is the best-tested piece of storage there is, and a gateway on one machine needs no more.  Each row has the
columns that questions are asked about, and the whole record as JSON beside them, so that no field is ever lost.

Rules of this file: sqlite3.Error never leaves it; counts are clamped on the way in, so that no upstream's nonsense can
overflow a sum; column names come from tables in this file, never from a caller.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from hexapla.errors import GatewayError, Kind
from hexapla.ledger.record import Cost, Generation
from hexapla.ledger.segment import set_aside
from hexapla.ledger.store import GroupBy, Record, UsageRow, Where

_T = TypeVar("_T")
_Value = str | int | float | None

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS generations (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  created REAL NOT NULL,
  key TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  outcome TEXT NOT NULL,
  input INTEGER,
  output INTEGER,
  cached INTEGER,
  cache_write INTEGER,
  reasoning INTEGER,
  currency TEXT,
  nanos INTEGER,
  record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS generations_created ON generations (created);
CREATE INDEX IF NOT EXISTS generations_key ON generations (key, created);
CREATE INDEX IF NOT EXISTS generations_model ON generations (model, created);
CREATE INDEX IF NOT EXISTS generations_provider ON generations (provider, created);
"""
_COLUMNS = (
    "id", "created", "key", "provider", "model", "outcome",
    "input", "output", "cached", "cache_write", "reasoning", "currency", "nanos", "record",
)  # fmt: skip
_UNKNOWN = -1  # stands for NULL on the way in: sqlite3 takes longer to bind a None than five numbers
_PLACES = {"currency": "nullif(?, '')"} | dict.fromkeys((*_COLUMNS[6:11], "nanos"), f"nullif(?, {_UNKNOWN})")
_ROW = f"({', '.join(_PLACES.get(name, '?') for name in _COLUMNS)})"
# Rows of one statement.  After each statement sqlite3 wants the interpreter back, and somebody else has it then.
_TOGETHER = 64


class _Insert(NamedTuple):
    """How rows are stored: one by one, or many at once."""

    one: str
    together: str

    @classmethod
    def but(cls, conflict: str) -> _Insert:
        head = f"INSERT INTO generations ({', '.join(_COLUMNS)}) VALUES"
        tail = f"ON CONFLICT (id) DO {conflict}"
        return cls(f"{head} {_ROW} {tail}", f"{head} {', '.join([_ROW] * _TOGETHER)} {tail}")


_PUT = _Insert.but(f"UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}")
_INTERRUPT = _Insert.but("NOTHING")

_GROUPS: dict[GroupBy, str] = {
    "key": "key",
    "model": "model",
    "provider": "provider",
    "day": "date(created, 'unixepoch')",
}
_USAGE = """
SELECT {group}, currency, count(*), sum(outcome = 'ok'), sum(input), sum(output), sum(cached), sum(cache_write),
       sum(reasoning), sum(nanos)
FROM generations WHERE {where} GROUP BY 1, 2 ORDER BY 1, 2
"""  # fmt: skip
_SUMS = ("requests", "ok", "input", "output", "cached", "cache_write", "reasoning")

_PAGE = 8192  # bytes: fewer writes than SQLite's own choice; still more would make a single row dear

_MOST_TOKENS = 10**12  # of one request; nine million such requests fit into SQLite's sums
_MOST_NANOS = 10**15  # a million dollars
_PRUNED_AT_ONCE = 500
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")

_decode = msgspec.json.Decoder(Generation).decode


class SqliteStore:
    """See above.  Writing and reading have a connection each (one between them in memory), for one thread at a time.

    damaged  how often the file was found broken, set aside, and begun anew
    """

    def __init__(self, path: Path | None, *, synced: bool = False, busy_timeout: float = 5.0) -> None:
        self.damaged = 0
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

    def put(self, records: Sequence[Record]) -> None:
        self._write(lambda connection: _insert(connection, _PUT, records))

    def interrupt(self, records: Sequence[Record]) -> int:
        return self._write(lambda connection: _insert(connection, _INTERRUPT, records))

    def get(self, name: str) -> Generation | None:
        legible = name.encode("utf-8", "replace").decode()  # SQLite refuses lone surrogates
        found = _generations(self._read("SELECT record FROM generations WHERE id = ?", (legible,)))
        return found[0] if found else None

    def recent(self, n: int, where: Where) -> list[Generation]:
        condition, values = _where(where)
        query = f"SELECT record FROM generations WHERE {condition} ORDER BY created DESC, number DESC LIMIT ?"  # noqa: S608
        return _generations(self._read(query, (*values, n)))

    def usage(self, group_by: GroupBy, where: Where) -> list[UsageRow]:
        condition, values = _where(where)
        return _merge(self._read(_USAGE.format(group=_GROUPS[group_by], where=condition), values))

    def prune(self, *, before: float | None, keep: int | None) -> int:
        deleted = 0
        for condition, value in (
            ("created < ?", before),
            ("number <= (SELECT max(number) FROM generations) - ?", keep),
        ):
            if value is not None:
                query = f"SELECT number FROM generations WHERE {condition} LIMIT {_PRUNED_AT_ONCE}"  # noqa: S608
                deleted += self._delete(f"DELETE FROM generations WHERE number IN ({query})", value)  # noqa: S608
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
                self._writer.executescript(_SCHEMA)
                self._writer.execute(f"PRAGMA user_version = {_VERSION}")
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
                connection.execute(f"PRAGMA page_size = {_PAGE}")  # of a new file
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA synchronous = {'FULL' if self._synced else 'NORMAL'}")
                connection.execute(
                    f"PRAGMA wal_autocheckpoint = {(16 << 20) // _PAGE}"
                )  # a page is written once for more rows
                connection.execute(
                    "PRAGMA temp_store = MEMORY"
                )  # else a copy of each page that many rows change is a file
                connection.execute("PRAGMA journal_size_limit = 67108864")
            except sqlite3.Error:
                connection.close()
                raise
            return connection

    def _delete(self, statement: str, value: float) -> int:
        return self._write(lambda connection: connection.execute(statement, (value,)).rowcount)

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


def _insert(connection: sqlite3.Connection, insert: _Insert, records: Sequence[Record]) -> int:
    changed = 0
    for start in range(0, len(records), _TOGETHER):
        rows = list(map(_row, records[start : start + _TOGETHER]))
        if len(rows) == _TOGETHER:
            changed += connection.execute(insert.together, tuple(chain.from_iterable(rows))).rowcount
        else:
            changed += connection.executemany(insert.one, rows).rowcount
    return changed


def _row(record: Record) -> tuple[_Value, ...]:
    it, data = record
    usage, cost = it.usage, it.cost
    return (
        it.id,
        it.created,
        it.key,
        it.provider,
        it.model,
        it.outcome,
        _known(usage.input),
        _known(usage.output),
        _known(usage.cached),
        _known(usage.cache_write),
        _known(usage.reasoning),
        "" if cost is None else cost.currency,
        _UNKNOWN if cost is None else max(0, min(cost.nanos, _MOST_NANOS)),
        data.decode(),
    )


def _known(count: int | None) -> int:
    if count is None:
        return _UNKNOWN
    return count if 0 <= count <= _MOST_TOKENS else max(0, min(count, _MOST_TOKENS))


def _where(where: Where) -> tuple[str, tuple[_Value, ...]]:
    terms: list[tuple[str, _Value]] = [
        ("created >= ?", where.since),
        ("created < ?", where.until),
        ("key = ?", where.key),
        ("model = ?", where.model),
        ("provider = ?", where.provider),
    ]
    given = [(term, value) for term, value in terms if value is not None]
    return " AND ".join(term for term, _ in given), tuple(value for _, value in given)


def _merge(rows: Sequence[tuple[Any, ...]]) -> list[UsageRow]:
    """Join the rows of one group, which come one a currency, and one for requests without a cost."""
    merged: dict[str, UsageRow] = {}
    for group, currency, *sums, nanos in rows:
        row = merged.get(group) or UsageRow(group=group)
        counts = {name: getattr(row, name) + int(value or 0) for name, value in zip(_SUMS, sums)}
        if currency is None:
            counts["unpriced"] = row.unpriced + int(sums[0])
            costs = row.cost
        else:
            costs = (*row.cost, Cost(currency=currency, nanos=int(nanos), source="sum"))
        merged[group] = msgspec.structs.replace(row, **counts, cost=costs)
    return list(merged.values())
