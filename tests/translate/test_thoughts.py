"""The store of thoughts: its bounds, and that nobody finds another's."""

from __future__ import annotations

from hexapla.ir.content import Origin, Reasoning
from hexapla.routing.memory import Memory
from hexapla.translate.thoughts import SECONDS, Key, Thoughts, Turn


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


ORIGIN = Origin("openai_chat", "p")


def key(call_id: str, whose: str = "me", origin: Origin = ORIGIN, proof: str = "") -> Key:
    return Key(whose, origin, call_id, proof)


def turn(*call_ids: str, size: int = 10, whose: str = "me") -> Turn:
    keys = tuple(key(call_id, whose) for call_id in call_ids)
    return Turn(keys=keys, calls=(), model="m", first=(Reasoning(text="hm", origin=ORIGIN),), size=size)


def store(limit: int = 30) -> tuple[Thoughts, Clock, Memory]:
    clock, memory = Clock(), Memory()
    return Thoughts(clock, memory, limit), clock, memory


def test_a_turn_is_found_by_each_of_its_calls() -> None:
    """A client may have dropped one of several."""
    kept, _, _ = store()
    both = turn("a", "b")
    kept.keep(both)
    assert kept.find(key("a")) is both and kept.find(key("b")) is both
    assert kept.find(key("c")) is None


def test_nobody_finds_what_is_kept_for_another_key() -> None:
    """Nor what another provider thought, nor under an id with another proof."""
    kept, _, _ = store()
    kept.keep(turn("a"))
    assert kept.find(key("a", "you")) is None
    assert kept.find(key("a", origin=Origin("openai_chat", "q"))) is None
    assert kept.find(key("a", proof="1")) is None


def test_what_was_not_asked_for_longest_goes_first() -> None:
    """And its bytes with it, from both accounts."""
    kept, _, memory = store(limit=30)
    for name in "abc":
        kept.keep(turn(name))
    assert kept.find(key("a")) is not None
    kept.keep(turn("d"))
    assert [kept.find(key(name)) is not None for name in "abcd"] == [True, False, True, True]
    assert kept.held == memory.held == 30


def test_what_is_larger_than_all_there_is_is_not_kept() -> None:
    """And takes nobody's place; nothing at all is kept where nothing may be."""
    kept, _, memory = store(limit=30)
    kept.keep(turn("a"))
    kept.keep(turn("b", size=31))
    assert kept.find(key("a")) is not None and kept.find(key("b")) is None
    none, _, _ = store(limit=0)
    none.keep(turn("a"))
    assert none.find(key("a")) is None and none.held == 0
    assert memory.held == 10


def test_an_hour_counts_from_the_last_time() -> None:
    """Whoever works all day long keeps what is in use; the rest goes even if nobody asks for it."""
    kept, clock, memory = store(limit=100)
    kept.keep(turn("a"))
    kept.keep(turn("b"))
    clock.now = SECONDS
    assert kept.find(key("a")) is not None
    clock.now += 1.0
    assert kept.find(key("b")) is None
    clock.now += SECONDS
    kept.keep(turn("c"))
    assert kept.held == memory.held == 10


def test_a_key_that_comes_again_means_the_later_turn() -> None:
    """Of which nothing of the former is left."""
    kept, _, memory = store(limit=100)
    kept.keep(turn("a", "b"))
    later = turn("b", "c")
    kept.keep(later)
    assert kept.find(key("a")) is None
    assert kept.find(key("b")) is later
    assert kept.held == memory.held == 10


def test_it_makes_room_when_it_gets_crowded() -> None:
    """A request is worth more than a thought that may come back."""
    kept, _, memory = store(limit=100)
    memory.limit = 50
    memory.ask(kept.clear)
    for name in "abcde":
        kept.keep(turn(name))
    assert not memory.crowded(20)
    assert kept.held == memory.held == 0 and kept.find(key("a")) is None


def test_a_smaller_limit_holds_at_once() -> None:
    """As a changed configuration has it."""
    kept, _, memory = store(limit=30)
    for name in "abc":
        kept.keep(turn(name))
    kept.limit = 10
    kept.bound()
    assert kept.held == memory.held == 10 and kept.find(key("c")) is not None
