"""How many Python calls a request may cost: noise does not change it, and every habit on the hot path does."""

from __future__ import annotations

from pathlib import Path

import uvloop
from bench.inside import measure

CALLS = {"plain-32": 55, "large": 65, "hub": 75, "burst": 613, "hub-burst": 945, "paced": 15.5, "hub-paced": 16.5}
"""Scenario -> a tenth more than when this was written.  Lower a number when it has become too easy."""


def test_a_request_costs_no_more_calls_than_it_did(tmp_path: Path) -> None:
    """Whoever makes it dearer says so here."""
    found = uvloop.run(measure(tmp_path, rounds=2))
    dear = {name: cost.number for name, cost in found.items() if cost.number > CALLS[name]}
    assert found.keys() == CALLS.keys()
    assert dear == {}
