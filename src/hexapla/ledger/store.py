"""What a store of finished generations can do, and what it answers.

The embedded store is SQLite (sqlite.py); a shared one implements the same seven methods.

Rules of this file: types only.  A store raises GatewayError(INTERNAL, 503) when it cannot do its work, nothing else;
`put` of the same rows twice is the same as once.
"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from typing import Literal

import msgspec

from hexapla.ledger.record import Cost, Generation
from hexapla.ledger.rows import Row

GroupBy = Literal["key", "model", "provider", "day"]


class UsageRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one key, model, provider or UTC day (`2026-10-31`) used.

    ok        requests that succeeded
    unpriced  requests whose cost nobody knows: with any, `cost` is a lower bound
    cost      one sum a currency
    """

    group: str
    requests: int = 0
    ok: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    unpriced: int = 0
    cost: tuple[Cost, ...] = ()


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: since <= created < until, and equal names where one is given."""

    since: float = 0.0
    until: float | None = None
    key: str | None = None
    model: str | None = None
    provider: str | None = None


class Store(typing.Protocol):
    """Finished generations, by id."""

    def put(self, rows: Sequence[Row]) -> None:
        """Store generations; a later record of an id replaces an earlier."""
        ...

    def interrupt(self, rows: Sequence[Row]) -> int:
        """Store generations that never ended, except those whose end is known.  Returns how many were stored."""
        ...

    def get(self, name: str) -> Generation | None:
        """Return the generation whose id is `name`."""
        ...

    def recent(self, n: int, where: Where) -> list[Generation]:
        """Return the newest, newest first."""
        ...

    def usage(self, group_by: GroupBy, where: Where) -> list[UsageRow]: ...

    def prune(self, *, before: float | None, keep: int | None) -> int:
        """Delete some of what is older than `before` or beyond the newest `keep`; return how many, 0 when done."""
        ...

    def close(self) -> None: ...
