"""Generations as the engine makes them, and stores and journals in temporary places."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hexapla.ir.response import Usage
from hexapla.ledger import Attempt, Cost, Generation, Ledger
from hexapla.ledger.sqlite import SqliteStore

Make = Callable[..., Generation]


@pytest.fixture(autouse=True)
def _stores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close every store that a test leaves open: Python 3.13 complains of connections that nobody closes."""
    made: list[SqliteStore] = []
    plain = SqliteStore.__init__

    def init(store: SqliteStore, *arguments: Any, **named: Any) -> None:
        plain(store, *arguments, **named)
        made.append(store)

    monkeypatch.setattr(SqliteStore, "__init__", init)
    yield
    for store in made:
        store.close()


@pytest.fixture
def begun() -> Make:
    """Make generations as they are when a request begins."""
    numbers = itertools.count(1)

    def make(name: str | None = None, **fields: object) -> Generation:
        number = next(numbers)
        defaults = {"key": "alice", "client_protocol": "openai_chat", "requested": "fast", "created": 1000.0 + number}
        return Generation(id=name or f"gen-{number}", **{**defaults, **fields})  # type: ignore[arg-type]

    return make


@pytest.fixture
def ended(begun: Make) -> Make:
    """Make generations as they are when a request has ended."""

    def make(name: str | None = None, **fields: object) -> Generation:
        attempt = Attempt(
            provider="deepseek", model="chat", protocol="openai_chat", lane="verbatim", started=1000.0, latency=0.5
        )
        defaults = {
            "provider": "deepseek",
            "model": "chat",
            "lane": "verbatim",
            "outcome": "ok",
            "status": 200,
            "latency": 0.6,
            "first": 0.2,
            "usage": Usage(input=100, output=10, cached=40),
            "cost": Cost(currency="USD", nanos=12_345, source="catalogue"),
            "attempts": (attempt,),
        }
        return begun(name, **{**defaults, **fields})

    return make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger of this test lives."""
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """An open ledger on disk."""
    ledger = Ledger.open(path)
    yield ledger
    ledger.close()
