"""Counts of several answers together."""

from __future__ import annotations

from hexapla.ir.response import Usage


def test_counts_of_two_answers_are_added() -> None:
    """What either knows counts; what neither knows stays unknown, and so does a bill of which one half is."""
    first, second = Usage(input=9, output=4, cached=2, cost=0.5), Usage(input=1, output=2, reasoning=1)
    assert first.plus(second) == Usage(input=10, output=6, cached=2, reasoning=1)
    assert first.plus(Usage(cost=0.25)).cost == 0.75
