"""What a store is told of a finished request: its names, its numbers and its record.

Rules of this file: pure; counts are clamped, so that no upstream's nonsense can overflow a sum, and what nobody knows is 0.
"""

from __future__ import annotations

from collections.abc import Iterable

from hexapla.ledger.record import Generation

Record = tuple[Generation, bytes]
"""A generation, and its JSON as it stands in the journal."""

Names = tuple[str, str, str, str, str]
"""Key, provider, model, outcome and currency ("": nobody knows the cost): what very many requests have in common."""

Row = tuple[str, float, Names, int, int, int, int, int, int, str]
"""Id, created, names, tokens (input, output, cached, cache_write, reasoning), nanos, and the record as text."""

_MOST_TOKENS = 10**12  # of one request; nine million such requests fit into SQLite's sums
_MOST_NANOS = 10**15  # a million dollars
_SANE = 1 << 39  # less than the most, and one test for all counts: none of them has that bit, or is negative


def rows(records: Iterable[Record]) -> list[Row]:
    """Return a row for each record."""
    made: list[Row] = []
    for it, record in records:
        usage, cost = it.usage, it.cost
        fresh, output, cached = usage.input or 0, usage.output or 0, usage.cached or 0
        written, thought = usage.cache_write or 0, usage.reasoning or 0
        if not 0 <= fresh | output | cached | written | thought < _SANE:
            fresh, output, cached, written, thought = map(_known, (fresh, output, cached, written, thought))
        currency, nanos = ("", 0) if cost is None else (cost.currency, max(0, min(cost.nanos, _MOST_NANOS)))
        names = it.key, it.provider, it.model, it.outcome, currency
        made.append((it.id, it.created, names, fresh, output, cached, written, thought, nanos, record.decode()))
    return made


def _known(count: int) -> int:
    return max(0, min(count, _MOST_TOKENS))
