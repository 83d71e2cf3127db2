"""Keys with weights share the traffic; everything else keeps its place."""

from __future__ import annotations

import random
from collections import Counter

from msgspec.structs import replace
from playbook import candidate

from hexapla.routing.candidate import Candidate
from hexapla.routing.shares import drawn


def key(name: str, provider: str = "acme") -> Candidate:
    return replace(candidate(provider), credential=name)


WEIGHTS = {("acme", "a"): 3.0, ("acme", "b"): 1.0}


def test_who_is_first_follows_the_weights() -> None:
    """Three to one over many requests."""
    chance = random.Random(7).random
    first = Counter(drawn([key("b"), key("a")], WEIGHTS, chance)[0].credential for _ in range(4000))
    assert 2850 < first["a"] < 3150


def test_everybody_stays_and_nobody_else_moves() -> None:
    """Endpoints of one key stay together, keys without weight come last, other providers keep their places."""
    plan = [key("x", "other"), key("c"), key("a"), key("a"), key("b"), key("y", "else"), key("x", "else")]
    for seed in range(20):
        got = [c.credential for c in drawn(plan, WEIGHTS, random.Random(seed).random)]
        assert got[0] == "x" and got[5:] == ["y", "x"] and got[4] == "c"
        assert sorted(got[1:4]) == ["a", "a", "b"] and got[1:4] != ["a", "b", "a"]
