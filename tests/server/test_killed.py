"""kill -9 of the whole gateway: no answer that a client heard to its end is missing, and what was cut off says so."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from http.client import HTTPException
from pathlib import Path
from typing import Any

from server.client import begin, call, hear
from server.running import SHORT, environment, gateway, providers
from server.upstream import Upstream, Visit
from server.wire import CHAT, DIALECTS, LAST, PATHS, STREAM, TERMINATORS, ask, chunk, ending, opening, piece

ASKING = 6  # clients at once
ENOUGH = 60  # answers before the kill


async def speaks(visit: Visit) -> None:
    """A good stream."""
    said = opening(visit.protocol) + piece(visit.protocol, "Hello.") + ending(visit.protocol, "Hello.")
    await visit.write(STREAM + chunk(said) + LAST)


async def hangs(visit: Visit) -> None:
    """A stream that never ends."""
    await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "first")))
    await visit.until_gone()


class Clients:
    """They ask one question after the other until the gateway is gone; `heard` holds the ids of whole answers."""

    def __init__(self, url: str, model: str) -> None:
        self.heard: list[str] = []
        self.enough = threading.Event()
        self._url, self._model = url, model
        self._threads = [threading.Thread(target=self._ask, args=(DIALECTS[n % 3],)) for n in range(ASKING)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _ask(self, protocol: str) -> None:
        body = ask(protocol, f"{SHORT[protocol]}/{self._model}", stream=True)
        while True:
            try:
                answer = call(self._url, PATHS[protocol], body)
            except (OSError, HTTPException):
                return
            if TERMINATORS[protocol] in answer.body:
                self.heard.append(answer.headers["x-request-id"])
            if len(self.heard) >= ENOUGH:
                self.enough.set()


def recent(folder: Path) -> dict[str, dict[str, Any]]:
    """What `hexapla usage` tells of the last requests, by id."""
    command = [str(Path(sys.executable).with_name("hexapla")), "usage", "--recent", "100000", "--json"]
    options: Any = {"cwd": folder, "env": environment(folder), "timeout": 60}
    done = subprocess.run(command, check=True, capture_output=True, text=True, **options)
    return {row["id"]: row for row in json.loads(done.stdout)}


def test_killed_under_load(upstream: Upstream, tmp_path: Path) -> None:
    """Of every whole answer there is a record; of every stream that was open one that says interrupted."""
    text = providers(upstream.url)
    with gateway(tmp_path, text) as running:
        model = upstream.play(hangs)
        opened = [begin(running.url, PATHS[p], ask(p, f"{SHORT[p]}/{model}", stream=True)) for p in DIALECTS]
        ids = [hear(sock, b"first").partition(b"x-request-id: ")[2].partition(b"\r\n")[0].decode() for sock in opened]
        asked = Clients(running.url, upstream.play(speaks, "speaks"))
        asked.start()
        assert asked.enough.wait(30)
        running.signal(signal.SIGKILL)
        asked.join()
        for sock in opened:
            sock.close()
    rows = recent(tmp_path)
    assert {rows[name]["outcome"] for name in asked.heard} == {"ok"}
    assert [rows[name]["outcome"] for name in ids] == ["interrupted"] * len(ids)
    cut = [row for row in rows.values() if row["outcome"] != "ok"]
    assert len(ids) <= len(cut) <= len(ids) + ASKING
    with gateway(tmp_path, text) as again:
        assert again.generation(asked.heard[0])["outcome"] == "ok"
        assert again.generation(ids[0])["outcome"] == "interrupted"
        assert call(again.url, PATHS[CHAT], ask(CHAT, f"u_chat/{upstream.play(speaks)}", stream=True)).status == 200
