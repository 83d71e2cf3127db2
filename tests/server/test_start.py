"""What a start loads: nothing that the answers to come do not need."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hexapla.engine.assemble import open_gateway
from hexapla.server.app import App
from hexapla.server.keys import KeyRing
from server.client import call
from server.running import Gateway, gateway
from server.test_guard import QUIET, asked
from server.wire import CHAT, PATHS, ask

TELLING = (sys.executable, "-X", "importtime", "-m", "hexapla")

LATER = {"starlette", "prometheus_client"}
"""Loaded for whoever asks at an ordinary path, or for the metrics."""

NEVER = {"rich", "tomlkit", "importlib.resources"}


@pytest.fixture
def telling(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that says on stderr what it loads.  It looks for no server of one's own: names are looked up for that."""
    with gateway(tmp_path, "[local]\nprobe = false\n", program=TELLING) as running:
        yield running


def loaded(running: Gateway) -> set[str]:
    """What it has loaded until now."""
    return set(re.findall(r"^import time:.*\| +([\w.]+)$", running.complaints(), re.MULTILINE))


def test_a_generation_request_needs_no_framework(telling: Gateway) -> None:
    """Neither does the start.  What is there for others comes when they ask, and once."""
    assert call(telling.url, PATHS[CHAT], ask(CHAT, "demo/echo")).status == 200
    assert "hexapla.server.run" in loaded(telling)
    assert not loaded(telling) & (LATER | NEVER)
    assert call(telling.url, "/livez").status == 200
    assert loaded(telling) & LATER == {"starlette"}
    assert b"hexapla_requests_total" in call(telling.url, "/metrics").body
    assert loaded(telling) >= LATER
    assert not loaded(telling) & NEVER


def test_who_asks_first_may_leave() -> None:
    """What is being loaded for one who leaves is there for the next one, and is loaded once."""

    async def story() -> None:
        opened = open_gateway(QUIET)
        app = App(opened, KeyRing({}))
        try:
            first = asyncio.create_task(asked(app, "/livez", b"", "GET"))
            await asyncio.sleep(0)
            loading = app._ordinary
            first.cancel()
            head, _ = await asked(app, "/livez", b"", "GET")
            assert head["status"] == 200 and app._ordinary is loading is not None
        finally:
            await opened.aclose()

    asyncio.run(story())
