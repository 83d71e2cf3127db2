"""Conversations stay where their prompt is cached."""

from __future__ import annotations

from msgspec.structs import replace
from playbook import candidate

from hexapla.catalog.schema import Model, Price
from hexapla.routing.affinity import KEPT, SECONDS, Affinity, Session
from hexapla.routing.candidate import Candidate


def offer(name: str, cached: float | None = 0.1, credential: str = "k") -> Candidate:
    facts = Model(id="m", price=Price(input=1.0, output=1.0, cached=cached))
    return replace(candidate(name), facts=facts, credential=credential)


A, B = offer("a"), offer("b")
NAMED, OPENING = Session("s", True), Session("s", False)


def test_a_named_session_sticks_at_once() -> None:
    """The client said that these requests belong together."""
    affinity = Affinity()
    affinity.served(NAMED, B, 0, 0.0)
    assert affinity.led(NAMED, [A, B], 1.0) == [B, A]
    assert affinity.led(Session("other", True), [A, B], 1.0) == [A, B]


def test_a_conversation_sticks_after_its_first_hit() -> None:
    """Nothing is bound before the cache has been seen to work; afterwards every success prolongs it."""
    affinity = Affinity()
    affinity.served(OPENING, B, 0, 0.0)
    assert affinity.led(OPENING, [A, B], 1.0) == [A, B]
    affinity.served(OPENING, B, 900, 2.0)
    assert affinity.led(OPENING, [A, B], SECONDS + 1.0) == [B, A]
    affinity.served(OPENING, B, 0, SECONDS)
    assert affinity.led(OPENING, [A, B], SECONDS * 2 - 1) == [B, A]


def test_silence_ends_it() -> None:
    """Providers forget as well."""
    affinity = Affinity()
    affinity.served(NAMED, B, 0, 0.0)
    assert affinity.led(NAMED, [A, B], SECONDS) == [A, B]


def test_it_follows_whoever_served() -> None:
    """After a failure somebody else has the conversation in its cache."""
    affinity = Affinity()
    affinity.served(NAMED, B, 0, 0.0)
    affinity.served(NAMED, A, 0, 1.0)
    assert affinity.led(NAMED, [B, A], 2.0) == [A, B]


def test_only_where_cached_input_is_cheaper() -> None:
    """There is nothing to save elsewhere."""
    affinity = Affinity()
    for dear in (offer("b", cached=None), offer("b", cached=1.0)):
        affinity.served(NAMED, dear, 900, 0.0)
        assert affinity.led(NAMED, [A, dear], 1.0) == [A, dear]


def test_the_account_counts() -> None:
    """Caches belong to accounts, not to providers."""
    affinity = Affinity()
    second = offer("a", credential="second")
    affinity.served(NAMED, second, 0, 0.0)
    assert affinity.led(NAMED, [A, second, B], 1.0) == [second, A, B]


def test_who_is_not_planned_is_not_brought_back() -> None:
    """A place that is benched or unwanted stays out."""
    affinity = Affinity()
    affinity.served(NAMED, B, 0, 0.0)
    assert affinity.led(NAMED, [A], 1.0) == [A]


def test_sessions_are_bounded() -> None:
    """The oldest goes."""
    affinity = Affinity()
    for n in range(KEPT + 10):
        affinity.served(Session(str(n), True), B, 0, 0.0)
    assert affinity.led(Session("0", True), [A, B], 1.0) == [A, B]
    assert affinity.led(Session(str(KEPT + 9), True), [A, B], 1.0) == [B, A]
