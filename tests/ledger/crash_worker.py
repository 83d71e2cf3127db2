"""A process that keeps a ledger busy until somebody kills it.  Not a test: test_crash.py runs it.

It says on standard output, before and after each call, what it is about to do and what it has done, so that whoever
killed it knows what the ledger must say.  With a crash point (`append:after:7`) it kills itself there.

To be killed hundreds of times it must start fast: the process that runs this file imports everything once and then forks a
worker for each line on its standard input.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from hexapla.ir.response import Usage
from hexapla.ledger import Cost, Generation, Ledger
from hexapla.ledger.journal import Journal
from hexapla.ledger.segment import Claim, Segment
from hexapla.ledger.sqlite import SqliteStore

POINTS: dict[str, tuple[Any, str]] = {
    "claim": (Claim, "make"),
    "release": (Claim, "release"),
    "create": (Segment, "create"),
    "append": (Segment, "append"),
    "remove": (Segment, "remove"),
    "retire": (Segment, "retire"),
    "revive": (Segment, "revive"),
    "rotate": (Journal, "_rotate"),
    "take": (Journal, "take"),
    "settle": (Journal, "settle"),
    "put": (SqliteStore, "put"),
    "interrupt": (SqliteStore, "interrupt"),
}


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def die_at(point: str) -> None:
    """Replace a function by one that kills the process before or after its n-th call."""
    name, moment, count = point.split(":")
    owner, attribute = POINTS[name]
    original = owner.__dict__[attribute]
    calls = itertools.count(1)

    def kill(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            last = next(calls) == int(count)
            if last and moment == "before":
                kill()
            result = function(*args, **kwargs)
            if last:
                kill()
            return result

        return call

    if isinstance(original, classmethod):
        setattr(owner, attribute, classmethod(dying(original.__func__)))
    else:
        setattr(owner, attribute, dying(original))


async def work(ledger: Ledger, seed: int) -> None:
    """Begin and end requests in random order, a dozen open at a time."""
    chance = random.Random(seed)
    running: deque[Generation] = deque()
    for number in itertools.count():
        name = f"{seed}-{number}"
        generation = Generation(id=name, key="k", created=float(number), requested="m", client_protocol="openai_chat")
        say("B", name)
        ledger.begin(generation)
        if ledger.waits:
            assert await ledger.durable() is None
        say("b", name)
        running.append(generation)
        if len(running) > chance.randrange(12):
            running.rotate(chance.randrange(4))
            await finish(ledger, running.popleft(), number)


async def finish(ledger: Ledger, generation: Generation, tokens: int) -> None:
    ended = Generation(
        id=generation.id,
        key="k",
        created=generation.created,
        model="m",
        provider="p",
        outcome="ok",
        usage=Usage(input=tokens, output=1),
        cost=Cost(currency="USD", nanos=tokens * 1000, source="catalogue"),
    )
    say("E", generation.id, tokens)
    ledger.end(ended)
    if ledger.waits:
        assert await ledger.durable() is None
    say("e", generation.id, tokens)


def main(path: str, durability: str, seed: str, point: str = "") -> None:
    if point:
        die_at(point)
    ledger = Ledger.open(path, durability=durability, segment_size=50_000)  # type: ignore[arg-type]
    say("ready")
    asyncio.run(work(ledger, int(seed)))


def work_at(output: str, arguments: list[str]) -> None:
    """In a process of its own: say everything into the pipe at `output`, the process's id first."""
    os.dup2(os.open(output, os.O_WRONLY), 1)
    say(os.getpid())
    try:
        main(*arguments)
    finally:  # nobody comes here by being killed
        say("X")
        os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        output, *arguments = line.split()
        if os.fork() == 0:
            work_at(output, arguments)
