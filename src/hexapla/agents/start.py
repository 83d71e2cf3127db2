"""Starts a program as if it had been started by hand: its terminal, its signals, its exit code.

The program stays in our process group, so a terminal's own signals (Ctrl-C, Ctrl-Z, a changed size) reach it without
us.  We let those pass, hand on what was sent to us alone, and stop when the program stops itself, so that the shell gets
its terminal back.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from hexapla.agents.mirror import mirrored
from hexapla.agents.tool import FOLDER, Home, Launch, Tool
from hexapla.errors import ConfigError

HANDED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
KEYBOARD = (signal.SIGINT, signal.SIGQUIT)
"""A terminal sends these to the whole group."""

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
MOMENT = 0.05  # seconds
DIRECT = "127.0.0.1,localhost,::1"


def find(tool: Tool, environment: Mapping[str, str]) -> str:
    """The program's path.  Raises ConfigError that says how to install it."""
    found = shutil.which(tool.program, path=environment.get("PATH"))
    if found is None:
        raise ConfigError(f"{tool.title} is not installed: no program `{tool.program}` in PATH. Try: {tool.install}")
    return found


def environment_of(launch: Launch, own: Mapping[str, str], further: Mapping[str, str]) -> dict[str, str]:
    """The user's environment with what the program needs; the gateway is on this machine, so no proxy stands between."""
    kept = {name: value for name, value in own.items() if name not in launch.unset}
    if any(kept.get(name) for name in PROXIES):
        for name in ("NO_PROXY", "no_proxy"):
            kept[name] = ",".join(part for part in (kept.get(name, ""), DIRECT) if part)
    return kept | launch.environment | dict(further)


def start(program: str, launch: Launch, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the program to its end; return its exit code (128 and the signal's number, as a shell does)."""
    with tempfile.TemporaryDirectory(prefix="hexapla-") as folder, _mirror(launch, environment, Path(folder)) as seen:
        for name, content in launch.files.items():
            file = Path(folder) / name
            file.touch(0o600)
            file.write_text(content, encoding="utf-8")
        own = [argument.replace(FOLDER, folder) for argument in launch.arguments]
        with _Relay() as relay:
            process = subprocess.Popen([program, *own, *arguments], env=seen)  # noqa: S603 - what the user asked for
            relay.to(process.pid)
            code = _waited(process)
    return code if code >= 0 else 128 - code


@contextmanager
def _mirror(launch: Launch, environment: Mapping[str, str], folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a run, with the mirror that it sees."""
    mirror = launch.mirror
    if mirror is None:
        yield dict(environment)
        return
    own = Home(path=Path.home(), environment=environment).folder(mirror.variable, "") / mirror.folder
    with mirrored(mirror, own, folder / mirror.folder):
        yield {**environment, mirror.variable: str(folder)}


def _waited(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end, and stop with a program that stops itself.

    Some stop their whole group (Claude Code on Ctrl-Z) and so us as well; stopping once more after the shell continued
    both would hang it.  So we look again after a moment, which a stopped process spends stopped.
    """
    looking = 0
    while True:
        found, status = os.waitpid(process.pid, os.WUNTRACED | os.WCONTINUED | looking)
        if found and not (os.WIFSTOPPED(status) or os.WIFCONTINUED(status)):
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode
        looking = 0
        if not found:
            os.kill(os.getpid(), signal.SIGSTOP)  # until the shell continues the group
        elif os.WIFSTOPPED(status):
            time.sleep(MOMENT)
            looking = os.WNOHANG


class _Relay:
    """Hands signals on while a program runs; those that come before it is there wait for it."""

    def __init__(self) -> None:
        self._pid: int | None = None
        self._early: list[int] = []
        self._before: dict[int, object] = {}

    def __enter__(self) -> _Relay:
        for number in (*HANDED_ON, *KEYBOARD):
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def to(self, pid: int) -> None:
        """The program is there."""
        self._pid = pid
        for number in self._early:
            self._send(number)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if number in KEYBOARD and _has_terminal():
            return  # the terminal told the program as well
        if self._pid is None:
            self._early.append(number)
        else:
            self._send(number)

    def _send(self, number: int) -> None:
        assert self._pid is not None
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.kill(self._pid, number)


def _has_terminal() -> bool:
    """Whether a terminal's signals reach our group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
