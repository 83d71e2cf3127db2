"""A `hexapla serve` of its own, seen from outside: its output, its memory, its ledger, its end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.client import call
from server.wire import DIALECTS, GEMINI

READY_WITHIN = 60.0  # seconds; a busy machine has needed more than twenty
SHORT = {"openai_chat": "u_chat", "openai_responses": "u_resp", "anthropic_messages": "u_msgs", GEMINI: "u_gem"}
"""The provider that speaks a protocol."""


@dataclass(eq=False)
class Gateway:
    """A running gateway."""

    process: subprocess.Popen[str]
    folder: Path
    url: str = ""

    def memory(self) -> int:
        """Resident bytes."""
        self._settle()
        return self._status("VmRSS")

    def _settle(self) -> None:
        """Wait until it watches its files: that is loaded after the start, and takes ten megabytes."""
        deadline = time.monotonic() + READY_WITHIN
        while not any("inotify" in _link(entry) for entry in Path(f"/proc/{self.process.pid}/fd").iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _status(self, name: str) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", text)
        assert found
        return int(found.group(1)) * 1024

    def peak(self, play: Callable[[], object]) -> int:
        """The most resident bytes that it had while `play` was played."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")  # what was before is forgotten (proc(5))
        play()
        return self._status("VmHWM")

    def sockets(self) -> int:
        """How many sockets it holds open."""
        return sum(_link(entry).startswith("socket:") for entry in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def complaints(self) -> str:
        """What it wrote to stderr."""
        return (self.folder / "stderr").read_text()

    def alive(self) -> bool:
        return self.process.poll() is None and call(self.url, "/livez").status == 200

    def log(self) -> list[dict[str, Any]]:
        """The request log: one line for each generation that is over."""
        file = self.folder / "log"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def generation(self, answer_id: str, **headers: str) -> dict[str, Any]:
        """The ledger's record."""
        found: dict[str, Any] = call(self.url, f"/v1/generation?id={answer_id}", **headers).json["data"]
        return found

    def running(self) -> int:
        running: int = call(self.url, "/readyz").json["running"]
        return running


def _link(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:  # closed since the folder was read
        return ""


def providers(url: str, prefix: str = "") -> str:
    """One provider for each protocol, all at `url`."""
    return "".join(
        f'[providers.{prefix}{SHORT[protocol]}]\nauth = {{ kind = "api_key", key = "upstream-key" }}\n'
        f'[[providers.{prefix}{SHORT[protocol]}.endpoints]]\nprotocol = "{protocol}"\nbase_url = "{url}/v1"\n'
        for protocol in (*DIALECTS, GEMINI)
    )


def command(folder: Path, text: str, *more: str, program: Sequence[str] = ()) -> list[str]:
    """The command line of a gateway that leaves nothing outside of `folder`; `program` stands in for `hexapla`."""
    file = folder / "hexapla.toml"
    own = f'[ledger]\npath = "{folder / "ledger"}"\n[log]\npath = "{folder / "log"}"\n'
    file.write_text(text + own, encoding="utf-8")
    called = program or (str(Path(sys.executable).with_name("hexapla")),)
    return [*called, "serve", "--config", str(file), *more]


def environment(folder: Path) -> dict[str, str]:
    """An environment without anybody's keys."""
    own = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY") and "HEXAPLA" not in name}
    return own | {"HOME": str(folder)}


@contextmanager
def gateway(folder: Path, text: str, *more: str, program: Sequence[str] = ()) -> Iterator[Gateway]:
    """A gateway on a free port."""
    with (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            command(folder, text, "--port", "0", *more, program=program),
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(folder),
            cwd=folder,
            text=True,
        )
    running = Gateway(process, folder)
    assert process.stdout
    try:
        running.url = _url(running)
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def _url(running: Gateway) -> str:
    """The URL on the line that says that requests are accepted."""
    stdout = running.process.stdout
    assert stdout
    lines: list[str] = []
    threading.Thread(target=lambda: lines.append(stdout.readline()), daemon=True).start()
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and running.process.poll() is None:
        if found := re.search(r"http://[\w.\[\]:]+", "".join(lines)):
            return found.group()
        time.sleep(0.02)
    raise RuntimeError(f"the gateway did not start: {''.join(lines)}{running.complaints()}")
