"""Plays every fault for every client, whole and streamed, alone and with a second endpoint, and says what was heard.

One gateway serves all of it.  A cell is one request; it has a provider of its own, so that no breaker and no bench of one
cell is another one's concern.  Cells that wait for a timer wait together.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

from scripted import TEXT

from mishaps.judging import Heard, Judge
from mishaps.places import Places, opened
from mishaps.plays import PLAYS, Play
from server.client import begin, call
from server.running import Gateway, gateway
from server.upstream import Upstream, Visit
from server.wire import (
    CHAT,
    DIALECTS,
    LAST,
    MESSAGES,
    PATHS,
    RESPONSES,
    STREAM,
    ask,
    chunk,
    ending,
    opening,
    piece,
    whole,
)
from upstream.authority import AUTHORITY

OTHER = {CHAT: MESSAGES, RESPONSES: CHAT, MESSAGES: RESPONSES}
SECOND = "Said by the second one."
KEY = "sk-of-the-upstream"

QUICK = "connect = 1.0, head = 1.5, first = 1.5, idle = 1.5, progress = 2.0, total = 6.0"
PATIENT = "connect = 20, head = 20, first = 20, idle = 20, progress = 20, total = 20"
SETTINGS = """
[timeouts]
beat = 0
[retry]
base = 0.02
floor = 10000
[limits]
answer_bytes = 2000000
[local]
probe = false
"""
CROWDED = "body_bytes = 2000\nmemory_bytes = 42000\n"  # [limits] with room for one request
PATIENCE = 10.0  # seconds for the gateway to be done with everything
AT_ONCE = {True: 96, False: 10}
"""How many cells are played at the same time, those that wait for a timer and those that do not."""


@dataclass(frozen=True)
class Cell:
    """One request.  resumes: with the wish that what breaks off is continued by the second endpoint."""

    number: int
    play: Play
    client: str
    upstream: str
    stream: bool
    second: bool
    resumes: bool = False

    @property
    def name(self) -> str:
        return f"c{self.number}"

    @property
    def spare(self) -> str:
        """The provider that is well, of the other dialect than the endpoint's."""
        return f"well-{OTHER[self.upstream]}/well"


@dataclass(frozen=True)
class Played:
    """What came of a cell.

    asked    how often the endpoint was asked, as it says;  tries: as the gateway's log says
    outcome  what went wrong, as the log says, or "ok"
    """

    cell: Cell
    heard: Heard
    seconds: float
    asked: int
    tries: int = 0
    outcome: str = ""


def cells(plays: Sequence[Play] = PLAYS) -> list[Cell]:
    """Every play, from every client, to an endpoint of its own dialect and of another one."""
    ways = [(client, upstream) for client in DIALECTS for upstream in (client, OTHER[client])]
    combined = [(*each, False) for each in product(plays, ways, (False, True), (False, True))]
    combined += [(play, way, True, True, True) for play, way in product(plays, ways) if play.resumable]
    return [Cell(n, play, *way, *modes) for n, (play, way, *modes) in enumerate(combined)]


def provider(cell: Cell, upstream: str, places: Places) -> str:
    """The endpoint of a cell."""
    here = upstream.replace("127.0.0.1", f"{cell.name}.here.test") if cell.play.apart else upstream
    url = places.urls.get(cell.play.place, here)
    proxy = places.proxies.get(cell.play.place)
    return (
        f'[providers.{cell.name}]\nauth = {{ kind = "api_key", key = "{KEY}" }}\n[[providers.{cell.name}.endpoints]]\n'
        f'protocol = "{cell.upstream}"\nbase_url = "{url}/v1"\n'
        f"timeouts = {{ {QUICK if cell.play.stalls else PATIENT} }}\n" + (f'proxy = "{proxy}"\n' if proxy else "")
    )


def healthy(upstream: str) -> str:
    """Second endpoints, one for each dialect."""
    return "".join(
        f'[providers.well-{protocol}]\nauth = {{ kind = "none" }}\n[[providers.well-{protocol}.endpoints]]\n'
        f'protocol = "{protocol}"\nbase_url = "{upstream}/v1"\n'
        for protocol in DIALECTS
    )


async def well(visit: Visit) -> None:
    """The second endpoint, which goes on where it is told what was said."""
    said = _strings(visit.asked)
    begun = next((TEXT[:size] for size in range(len(TEXT), 3, -1) if TEXT[:size] in said), "")
    text = TEXT[len(begun) :] if begun else SECOND
    if not visit.stream:
        await visit.write(whole(visit.protocol, text))
        return
    stream = opening(visit.protocol) + piece(visit.protocol, text) + ending(visit.protocol, text)
    await visit.write(STREAM + chunk(stream) + LAST)


def _strings(value: Any) -> set[str]:
    """Every string in a request."""
    if isinstance(value, str):
        return {value}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set[str]().union(*map(_strings, inner))


@dataclass
class Swept:
    """All that was heard, and how the gateway was afterwards."""

    played: list[Played]
    leaked: int  # HTTP requests that arrived where none may
    complaints: str
    running: int


@contextmanager
def trusting(folder: Path) -> Iterator[None]:
    """The gateway's TLS trusts the authority of the test's good certificates."""
    file = folder / "authority.pem"
    file.write_bytes(AUTHORITY.cert_pem.bytes())
    with patch.dict(os.environ, SSL_CERT_FILE=str(file)):
        yield


def sweep(plays: Sequence[Play] = PLAYS) -> Swept:
    """Play everything."""
    with tempfile.TemporaryDirectory() as held, Upstream().running() as upstream:
        return asyncio.run(_swept(cells(plays), upstream, Path(held)))


async def _swept(cells: list[Cell], upstream: Upstream, folder: Path) -> Swept:
    upstream.scripts |= {"well": well, "silent": Visit.until_gone}
    todo = [cell for cell in cells if not cell.play.crowded]
    crowded = await _crowded([cell for cell in cells if cell.play.crowded], upstream, folder)
    for cell in todo:
        if cell.play.acts is not None:
            upstream.scripts[cell.name] = cell.play.acts
    async with opened() as places:
        text = SETTINGS + healthy(upstream.url) + "".join(provider(cell, upstream.url, places) for cell in todo)
        launch = (sys.executable, str(Path(__file__).with_name("launch.py")))
        with trusting(folder), gateway(folder, text, program=launch) as running:
            played = await _all(todo, upstream, running)
            log = await asyncio.to_thread(_log, running, sum(1 + cell.play.warm for cell in todo))
            leaked = sum(len(server.requests) for server in places.heard)
            left = await asyncio.to_thread(running.running)
            return Swept([*_logged(played, log), *crowded], leaked, running.complaints(), left)


async def _crowded(todo: list[Cell], upstream: Upstream, folder: Path) -> list[Played]:
    """The cells of a gateway whose memory one request holds.  No request of theirs begins, so none has a record: those
    that were sent away are counted."""
    if not todo:
        return []
    apart = folder / "crowded"
    apart.mkdir()
    text = SETTINGS.replace("[limits]\n", f"[limits]\n{CROWDED}") + healthy(upstream.url)
    text += "".join(provider(cell, upstream.url, Places()) for cell in todo)
    with gateway(apart, text) as running, closing(begin(running.url, PATHS[CHAT], ask(CHAT, f"well-{CHAT}/silent"))):
        await asyncio.to_thread(upstream.last)
        played = await _all(todo, upstream, running)
        shed = (await asyncio.to_thread(call, running.url, "/metrics")).body.decode()
    assert f"hexapla_shed_requests_total {len(todo):.1f}" in shed
    return [replace(one, outcome="overloaded") for one in played]


def _log(running: Gateway, count: int) -> list[dict[str, Any]]:
    """The gateway's log when all `count` requests are over and written down, and their connections are done with."""
    end = time.monotonic() + PATIENCE
    while (len(log := running.log()) < count or running.running()) and time.monotonic() < end:
        time.sleep(0.1)
    return log


async def _all(todo: list[Cell], upstream: Upstream, running: Gateway) -> list[Played]:
    judge = Judge(running.url)
    room = {stalls: asyncio.Semaphore(number) for stalls, number in AT_ONCE.items()}

    async def play(cell: Cell) -> Played:
        async with room[cell.play.stalls]:
            return await _play(cell, upstream, judge)

    try:
        waiting = await asyncio.gather(*(play(cell) for cell in todo if cell.play.stalls))
        return [*waiting, *await asyncio.gather(*(play(cell) for cell in todo if not cell.play.stalls))]
    finally:
        await judge.aclose()


async def _play(cell: Cell, upstream: Upstream, judge: Judge) -> Played:
    model = f"{cell.name}/{cell.name}"
    if cell.play.warm:
        await judge.hear(cell.client, cell.stream, model)
    began = time.monotonic()
    heard = await judge.hear(cell.client, cell.stream, model, cell.spare if cell.second else "", cell.resumes)
    return Played(cell, heard, time.monotonic() - began, upstream.turns[cell.name] - cell.play.warm)


def _logged(played: list[Played], log: list[dict[str, Any]]) -> list[Played]:
    """With what the gateway wrote of each cell's last request."""
    lines = {line["requested"]: line for line in log}

    def logged(one: Played) -> Played:
        name = one.cell.name
        line = lines[f"{name}/{name}"]
        tries = sum(attempt.startswith(f"{name}/") for attempt in line["attempts"])
        return replace(one, tries=tries, outcome=line["outcome"])

    return [logged(one) for one in played]
