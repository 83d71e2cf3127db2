"""Two endpoints at once: who is asked when, who wins, and what becomes of the other one."""

from __future__ import annotations

from dataclasses import dataclass

from playbook import Play

from hexapla.errors import Kind, UpstreamError
from hexapla.routing.commands import (
    Adopt,
    Chunk,
    Command,
    Drop,
    End,
    Expired,
    Failed,
    Finish,
    Forward,
    Head,
    Of,
    Race,
    Receive,
    Send,
    Start,
)
from hexapla.routing.exchange import Hedge

OK = Head(200, {})


@dataclass
class Purse:
    """A hedge budget."""

    left: int = 1

    def spend(self) -> bool:
        self.left -= 1
        return self.left >= 0


def hedged(*names: str, after: float | None = 2.0, left: int = 1, asked: dict[str, str] | None = None) -> Play:
    hedge = Hedge(after=lambda candidate: after, may=Purse(left).spend)
    return Play(*(names or ("a", "b")), retries=0, hedge=hedge, asked=asked)


def waits(command: Command | None) -> dict[int, str]:
    assert isinstance(command, Race)
    return {number: type(wait).__name__ for number, wait in command.waits.items()}


def both(play: Play) -> Race:
    """Bring a play to the point where both endpoints were asked."""
    race = play.say()
    assert isinstance(race, Race) and waits(race) == {0: "Send"} and race.until == 2.0
    play.now = 2.0
    race = play.say(Expired())
    assert isinstance(race, Race) and waits(race) == {0: "Send", 1: "Send"} and race.until == float("inf")
    assert play.opened == ["a", "b"]
    return race


def test_who_is_in_time_is_alone() -> None:
    """Content before the p95: nobody else is asked, and the stream goes on as any other."""
    play = hedged()
    assert waits(play.say()) == {0: "Send"}
    assert waits(play.say(Of(0, OK))) == {0: "Receive"}
    assert play.say(Of(0, Chunk(b"c"))) == Adopt(0)
    assert isinstance(play.say(), Start)
    assert play.say() == Forward(b"c")
    assert isinstance(play.say(), Receive)
    assert play.say(Chunk(b"d")) == Forward(b"d.")
    assert play.say() == Finish()
    play.say()
    assert play.say(End()) == Drop()
    assert play.say() is None
    assert play.opened == ["a"]


def test_the_second_one_wins_and_the_first_is_cancelled_and_recorded() -> None:
    """The loser's connection is closed before a byte is said, and it is noted with what it used."""
    play = hedged()
    both(play)
    assert waits(play.say(Of(1, OK))) == {0: "Send", 1: "Receive"}
    assert play.say(Of(1, Chunk(b"c"))) == Drop(0)
    assert play.say() == Adopt(1)
    start = play.say()
    assert isinstance(start, Start) and start.candidate.provider.id == "b" and start.tried == 2
    [lost] = [note.tried for note in play.notes]
    assert lost.candidate.provider.id == "a" and lost.ended - lost.started == 2.0
    assert lost.error is not None and lost.error.kind is Kind.CANCELLED and lost.spent is not None
    assert play.say() == Forward(b"c")
    assert isinstance(play.say(), Receive)
    play.say(Chunk(b"d"))
    play.say()
    play.say()
    assert play.say(End()) == Drop()
    assert play.say() is None
    assert play.outcome is not None and play.outcome.error is None and play.outcome.tried == 2
    assert [note.tried.candidate.provider.id for note in play.notes] == ["a", "b"]


def test_the_first_one_may_still_win() -> None:
    """Whoever has content first, not whoever was asked last."""
    play = hedged()
    both(play)
    play.say(Of(0, OK))
    assert play.say(Of(0, Chunk(b"c"))) == Drop(1)
    assert play.say() == Adopt(0)
    assert play.notes[0].tried.candidate.provider.id == "b"


def test_a_side_that_fails_leaves_the_race_to_the_other() -> None:
    """A refused connection is noted, and the other one is waited for alone."""
    play = hedged()
    both(play)
    assert play.say(Of(1, Failed(UpstreamError(Kind.UPSTREAM_TLS, "no")))) == Drop(1)
    assert waits(play.say()) == {0: "Send"}
    assert play.notes[0].tried.candidate.provider.id == "b"
    play.say(Of(0, OK))
    assert play.say(Of(0, Chunk(b"c"))) == Adopt(0)


def test_when_both_fail_the_next_one_is_asked() -> None:
    """The race is a turn like any other; whoever raced has had theirs."""
    play = hedged("a", "b", "c")
    both(play)
    tls = Failed(UpstreamError(Kind.UPSTREAM_TLS, "no"))
    assert play.say(Of(0, tls)) == Drop(0)
    assert waits(play.say()) == {1: "Send"}
    assert play.say(Of(1, tls)) == Drop(1)
    assert isinstance(play.say(), Send)
    assert play.opened == ["a", "b", "c"]


def test_who_fails_early_is_followed_and_not_raced() -> None:
    """Before the p95 a failure is a failure: the second one has its own turn, and could be raced itself."""
    play = hedged("a", "b", "c")
    play.say()
    assert play.say(Of(0, Failed(UpstreamError(Kind.UPSTREAM_TLS, "no")))) == Drop(0)
    assert waits(play.say()) == {0: "Send"}
    assert play.opened == ["a", "b"]


def test_without_budget_nobody_else_is_asked() -> None:
    """The hedge budget is asked when the time has come, and its answer stands."""
    play = hedged(left=0)
    play.say()
    race = play.say(Expired())
    assert isinstance(race, Race) and waits(race) == {0: "Send"} and race.until == float("inf")
    assert play.opened == ["a"]


def test_only_who_offers_the_same_model_elsewhere_may_stand_in() -> None:
    """Not the next model of a chain, and not while nothing is known of the first one's times."""
    for play in (hedged(asked={"b": "another"}), hedged(after=None), hedged("a", "a")):
        assert isinstance(play.say(), Send)


def test_an_end_before_content_is_no_win() -> None:
    """A stream that ends with nothing, or hides an error, loses to one that is still silent."""
    play = hedged()
    both(play)
    play.say(Of(1, OK))
    assert play.say(Of(1, End())) == Drop(1)
    assert waits(play.say()) == {0: "Send"}
