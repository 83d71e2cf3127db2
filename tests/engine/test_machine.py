"""How much memory requests may take where nobody says it."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import pytest

from hexapla.config import Config, LedgerConfig, Limits, assemble
from hexapla.engine.assemble import open_gateway
from hexapla.engine.machine import OWN_FILES, connections_of, memory_of, more_files
from hexapla.routing.memory import WEIGHT


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_a_container_is_the_machine(name: str, tmp_path: Path) -> None:
    """Half of what its cgroup allows; a cgroup that says "max" says nothing."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("600000000\n")
    assert memory_of(Limits(), root=tmp_path) == 300_000_000
    file.write_text("max\n")
    assert memory_of(Limits(), root=tmp_path) == memory_of(Limits(), root=tmp_path / "nothing")


def test_the_largest_request_always_fits(tmp_path: Path) -> None:
    """However small the machine is."""
    (tmp_path / "memory.max").write_text("1000")
    assert memory_of(Limits(body_bytes=10_000_000), root=tmp_path) > WEIGHT * 10_000_000


def test_what_is_said_holds(tmp_path: Path) -> None:
    """The configuration stands above the machine."""
    assert memory_of(Limits(memory_bytes=5), root=tmp_path) == 5


def test_a_changed_limit_holds_from_then_on() -> None:
    """Whatever is held at that time."""

    async def adopt() -> None:
        first, then = (
            Config(ledger=LedgerConfig(path=":memory:"), limits=Limits(memory_bytes=n, remember_bytes=n // 10))
            for n in (10**9, 10**8)
        )
        gateway = open_gateway(first)
        gateway.memory.held = 5
        gateway.adopt(assemble(then, {}))
        assert (gateway.memory.limit, gateway.memory.held, gateway.thoughts.limit) == (10**8, 5, 10**7)
        await gateway.aclose()

    asyncio.run(adopt())


@pytest.mark.parametrize(
    ("files", "most"), [(1024, (1024 - OWN_FILES) // 2), (3, 1), (resource.RLIM_INFINITY, 0)], ids=str
)
def test_half_of_the_files_are_for_clients(files: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the configuration says how many."""
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (files, files))
    assert connections_of(Limits()) == most
    assert connections_of(Limits(connections=7)) == 7


def test_all_the_files_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that allows less than it says leaves things as they are."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: asked.append(limits))
    more_files()
    assert asked == [(4096, 4096)]

    def refuse(kind: int, limits: tuple[int, int]) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    more_files()
