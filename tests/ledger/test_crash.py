"""kill -9 at any moment: no request is lost, none is invented, none stands there twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from hexapla.ledger import Generation, Ledger
from hexapla.ledger.store import Where

WORKER = Path(__file__).with_name("crash_worker.py")


class Told(msgspec.Struct):
    """What killed processes said: what they were about to do (upper case) and what they had done."""

    beginning: set[str] = msgspec.field(default_factory=set)
    begun: set[str] = msgspec.field(default_factory=set)
    ending: dict[str, int] = msgspec.field(default_factory=dict)
    ended: dict[str, int] = msgspec.field(default_factory=dict)

    def hear(self, output: bytes) -> None:
        for line in output.decode().splitlines():
            match line.split():
                case ["B", name]:
                    self.beginning.add(name)
                case ["b", name]:
                    self.begun.add(name)
                case ["E", name, tokens]:
                    self.ending[name] = int(tokens)
                case ["e", name, tokens]:
                    self.ended[name] = int(tokens)


def run_and_kill(path: Path, durability: str, seed: int, delay: float | None = None, point: str = "") -> bytes:
    """Run the worker until it kills itself, or for `delay` seconds: counted from its readiness, or, if negative, from
    its start, so that recovery and start-up are hit as well."""
    command = [sys.executable, str(WORKER), str(path), durability, str(seed), *([point] if point else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)  # a buffer would keep what it read ahead
    assert process.stdout is not None
    output = b""
    try:
        if delay is not None and delay >= 0:
            output = process.stdout.readline()
        more, _ = process.communicate(timeout=20 if delay is None else abs(delay))
        assert point and process.returncode == -signal.SIGKILL, f"the worker ended by itself: {process.returncode}"
    except subprocess.TimeoutExpired:
        assert delay is not None, f"the worker never came to {point}"
        process.kill()
        more, _ = process.communicate()
    return output + more


def check(path: Path, told: Told) -> None:
    """Compare the ledger with what was said; see the module's docstring for the three laws."""
    start = time.monotonic()
    ledger = Ledger.open(path)
    recovery = time.monotonic() - start
    rows = ledger._store.recent(10**6, Where())
    (usage,) = ledger.usage(group_by="key") or [None]
    ledger.close()
    found: dict[str, Generation] = {row.id: row for row in rows}
    finished = {name: row for name, row in found.items() if row.outcome == "ok"}
    assert len(found) == len(rows), "a double row"
    assert told.begun <= found.keys(), "a lost request"
    assert told.ended.keys() <= finished.keys(), "a lost end"
    assert found.keys() <= told.beginning, "an invented request"
    assert finished.keys() <= told.ending.keys(), "an invented end"
    assert {row.outcome for row in found.values()} <= {"ok", "interrupted"}
    assert all(row.usage.input == told.ending[name] for name, row in finished.items()), "another request's figures"
    if usage is not None:
        nanos = sum(cost.nanos for cost in usage.cost)
        assert nanos == sum(told.ending[name] * 1000 for name in finished)
    assert recovery < 1.0
    assert not list(path.with_name(f"{path.name}.journal").iterdir())


def cycles(path: Path, durability: str, count: int) -> Told:
    chance = random.Random(count)
    told = Told()
    for seed in range(count):
        delay = chance.uniform(-0.3, -0.05) if seed % 5 == 4 else chance.uniform(0, 0.08)
        told.hear(run_and_kill(path, durability, seed, delay))
    check(path, told)
    return told


@pytest.mark.parametrize(("durability", "count"), [("write", 30), ("fsync", 6)])
def test_killed_at_random_moments(path: Path, durability: str, count: int) -> None:
    """Processes that share one ledger, one after the other, each killed: the books agree with what they said."""
    told = cycles(path, durability, count)
    assert len(told.ended) > count * 5, "nothing was going on"
    assert told.ended.keys() < told.beginning


def test_the_check_sees_a_loss(path: Path) -> None:
    """Without a journal the same kills do lose requests, and the comparison says so."""
    with pytest.raises(AssertionError, match="a lost request"):
        cycles(path, "off", 3)


@pytest.mark.slow
@pytest.mark.parametrize(("durability", "count"), [("write", 200), ("fsync", 200)])
@pytest.mark.timeout(600)
def test_killed_two_hundred_times(path: Path, durability: str, count: int) -> None:
    """The same, often enough to meet the rare moments."""
    told = cycles(path, durability, count)
    assert len(told.ended) > count * 20


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "point", ["claim:1", "create:1", "create:2", "append:40", "rotate:2", "take:2", "put:2", "settle:2", "remove:1"]
)
def test_killed_at_a_named_point(path: Path, point: str, moment: str) -> None:
    """Death between any two steps of writing, draining and deleting."""
    told = Told()
    name, count = point.split(":")
    told.hear(run_and_kill(path, "write", 1, 0.02))
    told.hear(run_and_kill(path, "write", 2, point=f"{name}:{moment}:{count}"))
    check(path, told)


@pytest.mark.parametrize("point", ["put:before:1", "put:after:1", "interrupt:before:1", "interrupt:after:1"])
def test_killed_while_recovering(path: Path, point: str) -> None:
    """Death in the recovery of the dead: it is done again, completely and once."""
    told = Told()
    told.hear(run_and_kill(path, "write", 1, 0.02))
    told.hear(run_and_kill(path, "write", 2, point=point))
    told.hear(run_and_kill(path, "write", 3, point="release:before:1"))
    check(path, told)
