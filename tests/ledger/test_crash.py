"""kill -9 at any moment: no request is lost, none is invented, none stands there twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

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


class Nursery:
    """Starts workers, each of which somebody kills."""

    def __init__(self, folder: Path) -> None:
        self._pipe = folder / "pipe"
        os.mkfifo(self._pipe)
        self._process = subprocess.Popen([sys.executable, str(WORKER)], stdin=subprocess.PIPE, text=True)

    def worker(self, path: Path, durability: str, seed: int, point: str = "") -> tuple[int, BinaryIO]:
        """A new one: its process, and what it says."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{self._pipe} {path} {durability} {seed} {point}\n")
        self._process.stdin.flush()
        output = self._pipe.open("rb", buffering=0)
        return int(output.readline()), output

    def kill_after(self, path: Path, durability: str, seed: int, words: int) -> bytes:
        """Run a worker until it has said so many lines (readiness is the first), kill it, and return what it said.  Lines
        and not seconds: a busy machine has as much going on, only later."""
        process, output = self.worker(path, durability, seed)
        heard = b""
        while heard.count(b"\n") < words:
            heard += output.read(65536)
        return heard + self.end(process, output)

    def kill_soon(self, path: Path, durability: str, seed: int, seconds: float) -> bytes:
        """Kill a worker in its recovery and start-up."""
        process, output = self.worker(path, durability, seed)
        time.sleep(seconds)
        return self.end(process, output)

    def end(self, process: int, output: BinaryIO) -> bytes:
        os.kill(process, signal.SIGKILL)
        with output:
            return output.readall()  # type: ignore[no-any-return, attr-defined]

    def dies_at(self, path: Path, durability: str, seed: int, point: str) -> bytes:
        """Run a worker until it kills itself."""
        _, output = self.worker(path, durability, seed, point)
        with output:
            heard: bytes = output.readall()  # type: ignore[attr-defined]
        assert not heard.endswith(b"X\n"), f"the worker ended by itself: {heard[-2000:]!r}"
        return heard

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    made = Nursery(tmp_path_factory.mktemp("nursery"))
    yield made
    made.close()


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
    # a worker that dies while it takes a name leaves an empty file, which is swept away a minute later
    assert not [file for file in path.with_name(f"{path.name}.journal").iterdir() if file.suffix != ".new"]


def cycles(nursery: Nursery, path: Path, durability: str, count: int) -> Told:
    chance = random.Random(count)
    told = Told()
    for seed in range(count):
        if seed % 5 == 4:
            told.hear(nursery.kill_soon(path, durability, seed, chance.uniform(0, 0.03)))
        else:
            told.hear(nursery.kill_after(path, durability, seed, chance.randrange(1, 400)))
    check(path, told)
    return told


@pytest.mark.parametrize(("durability", "count"), [("write", 30), ("fsync", 6)])
def test_killed_at_random_moments(nursery: Nursery, path: Path, durability: str, count: int) -> None:
    """Processes that share one ledger, one after the other, each killed: the books agree with what they said."""
    told = cycles(nursery, path, durability, count)
    assert len(told.ended) > count * 5, "nothing was going on"
    assert told.ended.keys() < told.beginning


def test_the_check_sees_a_loss(nursery: Nursery, path: Path) -> None:
    """Without a journal the same kills do lose requests, and the comparison says so."""
    with pytest.raises(AssertionError, match="a lost request"):
        cycles(nursery, path, "off", 3)


@pytest.mark.slow
@pytest.mark.parametrize(("durability", "count"), [("write", 200), ("fsync", 100)])
@pytest.mark.timeout(600)
def test_killed_often(nursery: Nursery, path: Path, durability: str, count: int) -> None:
    """The same, often enough to meet the rare moments."""
    told = cycles(nursery, path, durability, count)
    assert len(told.ended) > count * 20


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "point",
    [
        "claim:1", "create:1", "create:2", "append:40", "rotate:2", "take:2", "put:2", "settle:2",
        "retire:1", "retire:2", "revive:1", "remove:1",
    ],
)  # fmt: skip
def test_killed_at_a_named_point(nursery: Nursery, path: Path, point: str, moment: str) -> None:
    """Death between any two steps of writing, draining and deleting."""
    told = Told()
    name, count = point.split(":")
    told.hear(nursery.kill_after(path, "write", 1, 60))
    durability = "fsync" if name == "remove" else "write"  # where files are mapped, they are used again
    told.hear(nursery.dies_at(path, durability, 2, f"{name}:{moment}:{count}"))
    check(path, told)


@pytest.mark.parametrize("point", ["put:before:1", "put:after:1", "interrupt:before:1", "interrupt:after:1"])
def test_killed_while_recovering(nursery: Nursery, path: Path, point: str) -> None:
    """Death in the recovery of the dead: it is done again, completely and once."""
    told = Told()
    told.hear(nursery.kill_after(path, "write", 1, 60))
    told.hear(nursery.dies_at(path, "write", 2, point))
    told.hear(nursery.dies_at(path, "write", 3, "release:before:1"))
    check(path, told)
