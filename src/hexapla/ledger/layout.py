"""How the embedded store's file is laid out: what a record becomes in it, and a file of the former layout.

    labels       who asked whom, and how it ended: the few names that very many requests have in common
    requests     one row a request: its numbers, its label, and the whole record as JSON
    generations  a view for people with a SQLite shell: both together

An index more is a tenth of what a row costs, and a name in each row half as much.  So names stand in a table of their own,
and one index, over times and labels, answers every question but that for an id.

Rules of this file: runs inside its caller's transaction, but for `lay_out`; sqlite3.Error is the caller's to translate;
a row's places are those of `rows.Row`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

from hexapla.errors import GatewayError, Kind
from hexapla.ledger.rows import Names, Row

VERSION = 2
_PATIENCE = 60_000  # milliseconds that a start waits for another one, which may be moving a large file's rows

_TABLES = (
    """
    CREATE TABLE labels (
      number INTEGER PRIMARY KEY,
      key TEXT NOT NULL,
      provider TEXT NOT NULL,
      model TEXT NOT NULL,
      outcome TEXT NOT NULL,
      currency TEXT NOT NULL,
      UNIQUE (key, provider, model, outcome, currency)
    )
    """,
    """
    CREATE TABLE requests (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      created REAL NOT NULL,
      label INTEGER NOT NULL,
      input INTEGER NOT NULL,
      output INTEGER NOT NULL,
      cached INTEGER NOT NULL,
      cache_write INTEGER NOT NULL,
      reasoning INTEGER NOT NULL,
      nanos INTEGER NOT NULL,
      record TEXT NOT NULL
    )
    """,
    "CREATE INDEX requests_created ON requests (created, label)",
    """
    CREATE VIEW generations AS
    SELECT requests.number, id, created, key, provider, model, outcome, input, output, cached, cache_write, reasoning,
           nullif(currency, '') AS currency, CASE currency WHEN '' THEN NULL ELSE nanos END AS nanos, record
    FROM requests JOIN labels ON labels.number = label
    """,
)
# The former layout had one table, and in it NULL for what nobody knows.
_FORMER = (
    "ALTER TABLE generations RENAME TO former",
    *_TABLES,
    """
    INSERT INTO labels (key, provider, model, outcome, currency)
    SELECT DISTINCT key, provider, model, outcome, coalesce(currency, '') FROM former
    """,
    """
    INSERT INTO requests
    SELECT former.number, id, created, labels.number, coalesce(input, 0), coalesce(output, 0), coalesce(cached, 0),
           coalesce(cache_write, 0), coalesce(reasoning, 0), coalesce(nanos, 0), record
    FROM former JOIN labels USING (key, provider, model, outcome)
    WHERE labels.currency = coalesce(former.currency, '')
    ORDER BY former.number
    """,
    "DROP TABLE former",
)
_STEPS = {0: _TABLES, 1: _FORMER, VERSION: ()}  # by the version that a file has; a new one has none

_COLUMNS = (
    "id", "created", "label", "input", "output", "cached", "cache_write", "reasoning", "nanos", "record",
)  # fmt: skip
_LABEL_AT = _COLUMNS.index("label")
# Rows of one statement.  After each statement sqlite3 wants the interpreter back, and somebody else has it then.
_TOGETHER = (256, 16, 1)

Insert = tuple[tuple[int, str], ...]
"""How rows are stored: the statement for so many of them at once, the most first."""

_LABEL = "INSERT INTO labels (key, provider, model, outcome, currency) VALUES (?, ?, ?, ?, ?)"
_LABELLED = "SELECT number FROM labels WHERE (key, provider, model, outcome, currency) = (?, ?, ?, ?, ?)"


def lay_out(connection: sqlite3.Connection) -> None:
    """Give a new file its tables, and one of the former layout those of this.  Raises GatewayError for a later one."""
    if _version(connection) == VERSION:
        return
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        steps = _STEPS.get(_version(connection))  # somebody else may have been faster
        if steps is None:
            raise GatewayError(Kind.INTERNAL, "The ledger's store is of a later version of Hexapla.", status=503)
        for step in steps:
            connection.execute(step)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except (sqlite3.Error, GatewayError):
        connection.rollback()
        raise
    connection.execute(f"PRAGMA busy_timeout = {patience}")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _statements(conflict: str) -> Insert:
    """Store rows, and do `conflict` where there is one of that id."""
    row = f"({', '.join('?' * len(_COLUMNS))})"
    head, tail = f"INSERT INTO requests ({', '.join(_COLUMNS)}) VALUES", f"ON CONFLICT (id) DO {conflict}"
    return tuple((count, f"{head} {', '.join([row] * count)} {tail}") for count in _TOGETHER)


PUT = _statements(f"UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}")
INTERRUPT = _statements("NOTHING")


def insert(connection: sqlite3.Connection, how: Insert, rows: Sequence[Row]) -> int:
    """Store `rows`; return how many that has changed."""
    labels, changed, start = _Labels(connection), 0, 0
    for count, statement in how:
        while start + count <= len(rows):
            values: list[Any] = list(chain.from_iterable(rows[start : start + count]))
            values[_LABEL_AT :: len(_COLUMNS)] = map(labels.__getitem__, values[_LABEL_AT :: len(_COLUMNS)])
            changed += connection.execute(statement, values).rowcount
            start += count
    return changed


def forget_labels(connection: sqlite3.Connection) -> int:
    """Delete the labels that no request has any more; return how many are left."""
    connection.execute("DELETE FROM labels WHERE number NOT IN (SELECT label FROM requests)")
    return count_labels(connection)


def count_labels(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM labels").fetchone()
    return int(count)


class _Labels(dict[Names, int]):
    """The numbers of labels, in one transaction: in the next they may be others, or gone."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __missing__(self, name: Names) -> int:
        found = self._connection.execute(_LABELLED, name).fetchone()  # nearly always there
        if found is None:
            found = (self._connection.execute(_LABEL, name).lastrowid,)
        self[name] = number = int(found[0])
        return number
