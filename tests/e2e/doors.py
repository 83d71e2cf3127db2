"""A running gateway in front of the fake, and the fake without one.

A door is a place that a client is pointed at.  The gateway's doors lead to the fake through each upstream dialect; the
direct door is the control: what fails there is the test's or the fake's fault.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

UPSTREAM_KEY = "upstream-key"
PROVIDERS = {
    "f_chat": "openai_chat",
    "f_resp": "openai_responses",
    "f_msgs": "anthropic_messages",
    "f_gemini": "gemini_generate",
}
DIALECTS = {"f_chat": "chat", "f_resp": "responses", "f_msgs": "messages", "f_gemini": "gemini"}
READY_WITHIN = 20  # seconds, on a machine that is busy with other tests


@dataclass(frozen=True)
class Door:
    """Where a client is pointed at.  `name` is direct, f_chat, f_resp, f_msgs or f_gemini."""

    name: str
    url: str

    def model(self, script: str) -> str:
        """The name under which the fake's script is asked for at this door."""
        return script if self.name == "direct" else f"{self.name}/{script}"

    def upstream(self, dialect: str) -> str:
        """The dialect that the fake is asked in when the client speaks `dialect`."""
        return DIALECTS.get(self.name, dialect)


def configuration(providers: str, folder: Path) -> Path:
    """A hexapla.toml that leaves nothing outside of `folder`."""
    file = folder / "hexapla.toml"
    ledger = f'[ledger]\npath = "{folder / "ledger"}"\n'
    log = f'[log]\npath = "{folder / "log"}"\n'
    file.write_text(ledger + log + providers, encoding="utf-8")
    return file


def provider(name: str, protocol: str, url: str) -> str:
    """One provider with one endpoint and a key of its own; the fake wants its thought back as DeepSeek does."""
    return (
        f'[providers.{name}]\nauth = {{ kind = "api_key", key = "{UPSTREAM_KEY}" }}\n'
        f'[[providers.{name}.endpoints]]\nprotocol = "{protocol}"\nbase_url = "{url}/v1"\n'
        f"[providers.{name}.endpoints.quirks]\ntarget = {{ demands_thought = true }}\n"
    )


@contextmanager
def gateway(config: Path) -> Iterator[str]:
    """A `hexapla serve` of its own on a free port; the value is its URL."""
    home = config.parent
    own = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY") and "HEXAPLA" not in name}
    command = [str(Path(sys.executable).with_name("hexapla")), "serve", "--config", str(config), "--port", "0"]
    with (home / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, env=own | {"HOME": str(home)}, cwd=home, text=True
        )
        try:
            yield printed_url(process, home / "stderr")
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout
            process.stdout.close()


def free_port() -> int:
    """A port that was free a moment ago, for servers that cannot say which one they took."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for(url: str) -> None:
    """Return when `url` answers."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")


def printed_url(process: subprocess.Popen[str], log: Path | None = None) -> str:
    """The URL on the line that a server prints when it accepts requests; what it says later is read and dropped."""
    assert process.stdout
    lines: list[str] = []
    threading.Thread(target=_drain, args=(process.stdout, lines), daemon=True).start()
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"http://[\w.\[\]:]+", "".join(lines))
        if found:
            return found.group()
        time.sleep(0.02)
    raise RuntimeError(f"the server did not start: {''.join(lines)}{log.read_text() if log else ''}")


def _drain(pipe: IO[str], lines: list[str]) -> None:
    with contextlib.suppress(ValueError):  # closed while it waits
        lines.extend(pipe)
