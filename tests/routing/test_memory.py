"""The account of what all requests hold, and what an answer adds to it."""

from __future__ import annotations

from playbook import Play

from hexapla.errors import Kind
from hexapla.routing.commands import Chunk, Drop, End, Finish, Head, Receive, Send
from hexapla.routing.memory import SMALL, WEIGHT, CrowdedError, Memory

OK = Head(200, {})


def test_who_can_spare_something_is_asked_one_after_the_other() -> None:
    """Only as far as it is needed; then it is crowded, or it is not."""
    memory = Memory(100)
    asked: list[str] = []

    def gives(name: str, size: int) -> None:
        asked.append(name)
        memory.held -= size

    memory.ask(lambda: gives("a", 30))
    memory.ask(lambda: gives("b", 20))
    memory.held = 100
    assert not memory.crowded() and asked == []
    assert not memory.crowded(25) and asked == ["a"]
    memory.held = 200
    assert memory.crowded() and asked == ["a", "a", "b"]


def test_a_refusal_is_counted_and_says_when_to_come_again() -> None:
    """Nobody else is asked for it: it is the gateway's own."""
    memory = Memory(0)
    error = memory.refusal()
    assert (memory.shed, error.kind, error.status, error.retry_after) == (1, Kind.OVERLOADED, 503, 1.0)


def collecting(memory: Memory) -> Play:
    """A whole answer, from its second piece on."""
    play = Play("a", "b", stream=False, memory=memory)
    assert isinstance(play.say(), Send)
    assert isinstance(play.say(OK), Receive)
    assert isinstance(play.say(Chunk(b"[")), Receive)
    return play


def test_an_answer_is_held_until_the_client_has_it() -> None:
    """Not a byte longer."""
    memory = Memory()
    play = collecting(memory)
    assert memory.held == WEIGHT
    play.say(End())
    assert isinstance(play.say(), Finish) and memory.held == WEIGHT
    play.say()
    assert memory.held == 0


def test_an_answer_that_is_broken_off_is_let_go() -> None:
    """When the client leaves, the exchange is closed."""
    memory = Memory()
    play = collecting(memory)
    assert memory.held == WEIGHT
    play._steps.close()
    assert memory.held == 0


def test_a_small_answer_is_completed_however_crowded_it_is() -> None:
    """What runs goes on."""
    memory = Memory(0)
    play = collecting(memory)
    play.say(Chunk(b"1" * (SMALL - 1)))
    play.say(End())
    assert isinstance(play.say(), Finish)


def test_a_large_answer_that_finds_no_room_is_given_up() -> None:
    """The client hears why, nobody else is asked, and nobody else's fault is noted."""
    memory = Memory(WEIGHT * 1000)
    play = collecting(memory)
    assert isinstance(play.say(Chunk(b"1" * SMALL)), Drop)
    assert play.say() is None
    assert play.outcome is not None and isinstance(play.outcome.error, CrowdedError)
    assert play.opened == ["a"] and memory.held == 0 and memory.shed == 1
