"""A started program: its environment, its files, its signals and its exit code are what they would be by hand."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from hexapla.agents.start import environment_of, find, start
from hexapla.agents.tool import FOLDER, Launch
from hexapla.agents.tools import TOOLS
from hexapla.errors import ConfigError

STARTER = """
import os, sys
from hexapla.agents.start import start
from hexapla.agents.tool import Launch
sys.exit(start(sys.executable, Launch(), ["-c", os.environ["PROGRAM"]], os.environ))
"""
LISTENS = """
import signal, sys
def heard(number, frame):
    print("heard", signal.Signals(number).name, flush=True)
    if number in (signal.SIGTERM, signal.SIGQUIT):
        sys.exit(7)
for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGWINCH", "SIGQUIT"):
    signal.signal(getattr(signal, name), heard)
print("ready", flush=True)
while True:
    signal.pause()
"""
STOPS = """
import os, signal
print("ready", flush=True)
os.kill({who}, signal.{how})
print("continued", flush=True)
"""

TELLS = """
import json, os, sys
file = sys.argv[1]
folder = os.path.dirname(file)
modes = [oct(os.stat(path).st_mode) for path in (folder, file)]
json.dump([open(file).read(), *modes, folder], open({note!r}, "w"))
"""


def starting(program: str, **settings: object) -> subprocess.Popen[str]:
    """A process that starts `program`."""
    return subprocess.Popen(
        [sys.executable, "-c", STARTER],
        env={**os.environ, "PROGRAM": program},
        text=True,
        **settings,  # type: ignore[call-overload]
    )


def said(stream: object) -> str:
    return stream.readline().strip()  # type: ignore[attr-defined, no-any-return]


def test_a_program_that_is_not_there_is_told_with_a_remedy() -> None:
    """Which one, and how to get it."""
    with pytest.raises(ConfigError, match="npm install -g @anthropic-ai/claude-code"):
        find(TOOLS["claude"], {"PATH": "/nowhere"})


@pytest.mark.parametrize(
    ("program", "code"), [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 15)", 143)]
)
def test_the_exit_code_is_the_programs(program: str, code: int) -> None:
    """And 128 and the number for one that a signal ended."""
    assert start(sys.executable, Launch(), ["-c", program], os.environ) == code


def test_files_are_there_for_the_run_only(tmp_path: Path) -> None:
    """In a folder that nobody else reads, named in arguments."""
    note = tmp_path / "note"
    script = tmp_path / "program.py"
    script.write_text(TELLS.format(note=str(note)))
    launch = Launch(arguments=(str(script), f"{FOLDER}/a.json"), files={"a.json": "content"})
    assert start(sys.executable, launch, [], os.environ) == 0
    content, folder_mode, file_mode, folder = json.loads(note.read_text())
    assert (content, folder_mode, file_mode) == ("content", "0o40700", "0o100600")
    assert not Path(folder).exists()


def test_the_environment_is_the_users_with_ours_in_it() -> None:
    """What leads elsewhere is gone, a profile's own variables are there, and no proxy stands between."""
    launch = Launch(environment={"A": "1", "B": "2"}, unset=("C",))
    own = {"C": "3", "D": "4", "https_proxy": "http://p", "no_proxy": "corp"}
    assert environment_of(launch, own, {"B": "5"}) == {
        "A": "1",
        "B": "5",
        "D": "4",
        "https_proxy": "http://p",
        "no_proxy": "corp,127.0.0.1,localhost,::1",
        "NO_PROXY": "127.0.0.1,localhost,::1",
    }
    assert "NO_PROXY" not in environment_of(launch, {}, {})


def test_signals_sent_to_us_reach_the_program() -> None:
    """Where no terminal tells it: a service manager, a script, a closed connection."""
    process = starting(LISTENS, stdout=subprocess.PIPE, start_new_session=True)
    with process:
        assert said(process.stdout) == "ready"
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            process.send_signal(number)
            assert said(process.stdout) == f"heard {number.name}"
        assert process.wait(20) == 7


def test_a_terminal_tells_the_program_itself() -> None:
    """Ctrl-C arrives once, for a second one means "leave" to many programs; a changed size arrives."""
    ours, theirs = pty.openpty()
    process = starting(
        LISTENS,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    with process, os.fdopen(ours, "r+b", buffering=0) as terminal:
        seen = _until(terminal, b"ready")
        terminal.write(b"\x03")
        seen = _until(terminal, b"heard SIGINT")
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        seen += _until(terminal, b"heard SIGWINCH")
        terminal.write(b"\x1c")
        seen += _until(terminal, b"heard SIGQUIT")
        assert process.wait(20) == 7
    assert seen.count(b"heard SIGINT") == 1


@pytest.mark.parametrize(("who", "how"), [("os.getpid()", "SIGSTOP"), ("0", "SIGTSTP")])
def test_a_program_that_stops_itself_gives_the_terminal_back(who: str, how: str) -> None:
    """Alone or with its group: then we stop too, and the shell continues both, once."""
    process = starting(STOPS.format(who=who, how=how), stdout=subprocess.PIPE, process_group=0)
    with process:
        assert said(process.stdout) == "ready"
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        os.killpg(process.pid, signal.SIGCONT)
        assert said(process.stdout) == "continued"
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0


def _until(terminal: object, word: bytes) -> bytes:
    """What a terminal shows, up to `word`."""
    seen = b""
    while word not in seen:
        seen += terminal.read(1024)  # type: ignore[attr-defined]
    return seen
