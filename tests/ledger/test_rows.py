"""A row says what its record says, and no number in it is beyond sense."""

from __future__ import annotations

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from hexapla.ir.response import Usage
from hexapla.ledger.record import Cost, Generation
from hexapla.ledger.rows import rows

MOST = 10**12
COUNT = st.none() | st.integers(-3, 3) | st.integers(MOST - 3, MOST + 3) | st.integers(2**39 - 3, 2**39 + 3)
COUNTS = st.tuples(COUNT, COUNT, COUNT, COUNT, COUNT)


@given(COUNTS)
@example((2**38, 2**38 - 1, 1, 2**70, None))
def test_counts_are_clamped_one_by_one(counts: tuple[int | None, ...]) -> None:
    """However they come together: the quick test of all of them lets nothing through that a test of each would not."""
    entered, output, cached, written, thought = counts
    usage = Usage(input=entered, output=output, cached=cached, cache_write=written, reasoning=thought)
    (row,) = rows([(Generation(id="a", usage=usage), b"{}")])
    assert row[3:8] == tuple(max(0, min(count or 0, MOST)) for count in counts)


def test_a_row_says_what_its_record_says() -> None:
    """Names together, costs in nanos, nobody's cost as 0 of no currency; in the order in which they came."""
    cost = Cost(currency="USD", nanos=10**30, source="upstream")
    paid = Generation(id="a", created=1.5, key="k", provider="p", model="é", outcome="ok", cost=cost)
    free = Generation(id="b")
    records = [(each, msgspec.json.encode(each)) for each in (paid, free)]
    assert rows(records) == [
        ("a", 1.5, ("k", "p", "é", "ok", "USD"), 0, 0, 0, 0, 0, 10**15, records[0][1].decode()),
        ("b", 0.0, ("", "", "", "open", ""), 0, 0, 0, 0, 0, 0, records[1][1].decode()),
    ]
