"""Two endpoints at once: when the first content takes longer than usual, a second one is asked as well.

Whoever first has something to say to the client wins; the other one is cancelled in the same moment, and noted like every
attempt.  Both are ordinary parts of the exchange (`Steps`), which know nothing of each other: this file runs them side by
side, hands their waiting commands to the driver in one `Race`, and after the decision is out of the way.

    Race({0: Send}, until p95)  ->  Expired         the second one is asked, if the hedge budget allows
    Race({0: Send, 1: Send})    ->  Of(1, Head)     the second one's head came first; the other command stands
    Race({0: Send, 1: Receive}) ->  Of(1, Chunk)    content: Drop(0), Note, Adopt(1), Start, Forward ...

Rules of this file: pure; the client hears nothing before there is a winner; a part that fails alone is no end.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from hexapla.errors import GatewayError, Kind, UpstreamError
from hexapla.routing.commands import (
    Adopt,
    Command,
    Drop,
    Fact,
    Failed,
    Finish,
    Forward,
    LogIn,
    Of,
    Race,
    Receive,
    Send,
    Sleep,
    Start,
    Steps,
    Wait,
)

NEVER = float("inf")


class _Runner:
    """One side of a race: its steps, and the command that it waits for."""

    __slots__ = ("error", "number", "says", "steps", "wait")

    def __init__(self, number: int, steps: Steps) -> None:
        self.number = number
        self.steps = steps
        self.wait: Wait | None = None
        self.says: Start | Forward | Finish | None = None  # the first thing that it has to say to the client
        self.error: GatewayError | None = None

    def go_on(self, fact: Fact) -> Generator[Command, Fact, None]:
        """Hand `fact` over; do what needs no waiting, up to the next command that does or that the client would hear."""
        self.wait = None
        try:
            while True:
                command = self.steps.send(fact)
                if isinstance(command, Send | Receive | Sleep | LogIn):
                    self.wait = command
                    return
                if isinstance(command, Start | Forward | Finish):
                    self.says = command
                    return
                fact = yield Drop(self.number) if isinstance(command, Drop) else command
        except StopIteration as stop:
            self.error = stop.value


def race(first: Steps, rival: Callable[[], Steps | None], until: float) -> Steps:
    """Run `first`, and from the time `until` on what `rival` gives beside it, if it gives anything."""
    runners = [_Runner(0, first)]
    try:
        yield from runners[0].go_on(None)
        while (winner := next((each for each in runners if each.says is not None), None)) is None:
            waits = {each.number: each.wait for each in runners if each.wait is not None}
            if not waits:
                return runners[-1].error
            fact = yield Race(waits, until)
            if isinstance(fact, Of):
                yield from runners[fact.number].go_on(fact.fact)
                continue
            until = NEVER
            steps = rival()
            if steps is not None:
                runners.append(_Runner(1, steps))
                yield from runners[1].go_on(None)
        for each in runners:
            if isinstance(each.wait, Sleep | LogIn):
                yield Drop(each.number)  # its steps have no response to give back, but the driver waits for it
            if each.wait is not None:
                yield from each.go_on(_lost())
        yield Adopt(winner.number)
        return (yield from _rest(winner))
    finally:
        for each in runners:
            each.steps.close()


def _lost() -> Fact:
    return Failed(UpstreamError(Kind.CANCELLED, "Another endpoint answered first."))


def _rest(winner: _Runner) -> Steps:
    """What the winner still does, now that nobody else is there."""
    command: Command | None = winner.says
    try:
        while command is not None:
            command = winner.steps.send((yield command))
    except StopIteration as stop:
        error: GatewayError | None = stop.value
        return error
    return None
