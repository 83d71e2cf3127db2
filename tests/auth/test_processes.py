"""Several processes and one login: each refresh token is used once, and a killed writer leaves the old file or the new."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.logins import Desk, running
from hexapla.auth import files
from hexapla.errors import ConfigError

WORKER = Path(__file__).with_name("worker.py")
WRITER = """
import sys
from hexapla.auth import files
path, size = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
for number in range(10**9):
    files.write(path, (b"%d" % (number % 10)) * size)
"""


@pytest.fixture
def desk() -> Iterator[Desk]:
    with running() as found:
        yield found


def ended_login(folder: Path, desk: Desk) -> Path:
    desk.issue()
    desk.good.clear()
    file = folder / "acme.json"
    grant = {"access": "access-1", "refresh": desk.refreshable, "expires": time.time() - 1, "host": desk.url}
    file.write_text(json.dumps(grant))
    return file


def begin(*arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def test_processes_that_refresh_at_once_refresh_once(desk: Desk, tmp_path: Path) -> None:
    """Three find an ended token in the same moment: one asks, the others take what it left; reuse would end the login."""
    ended_login(tmp_path, desk)
    desk.delay = 0.1
    workers = [begin(str(WORKER), str(tmp_path), desk.url, "1") for _ in range(3)]
    said = []
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        out, err = worker.communicate(timeout=30)
        assert worker.returncode == 0, err
        said.append(out.strip())
    assert said == ["access-2"] * 3
    assert len(desk.asked("/token")) == 1


def test_a_holder_of_the_lock_that_is_killed_lets_go(desk: Desk, tmp_path: Path) -> None:
    """Killed while the server thinks: the next process gets the lock at once, and its turn."""
    ended_login(tmp_path, desk)
    desk.delay = 30
    victim = begin(str(WORKER), str(tmp_path), desk.url, "1")
    assert victim.stdin
    victim.stdin.write("go\n")
    victim.stdin.flush()
    deadline = time.monotonic() + 20
    while not desk.asked("/token") and time.monotonic() < deadline:
        time.sleep(0.01)
    victim.kill()
    victim.communicate()
    desk.delay = 0
    next_one = begin(str(WORKER), str(tmp_path), desk.url, "1")
    out, err = next_one.communicate("go\n", timeout=30)
    assert next_one.returncode == 0, err
    assert out.strip().startswith("access-")


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    """Killed in the middle of a write, again and again: old or new, never a mixture, and the next write works."""
    path = tmp_path / "credentials" / "acme.json"
    size = 200_000
    files.write(str(path), b"0" * size)
    for pause in (0.0, 0.003, 0.007, 0.013, 0.021, 0.034):
        writer = begin("-c", WRITER, str(path), str(size))
        time.sleep(pause)
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
        data = path.read_bytes()
        assert len(data) == size and len(set(data)) == 1
    files.write(str(path), b"after")
    assert path.read_bytes() == b"after"
    assert [entry.name for entry in path.parent.iterdir()] == ["acme.json"]


def test_files_and_folders_are_closed_to_others(tmp_path: Path) -> None:
    """0600 in 0700, whatever the umask, and also where an open file stood before."""
    old = os.umask(0)
    try:
        path = tmp_path / "credentials" / "acme.json"
        files.write(str(path), b"x")
        path.chmod(0o644)
        files.write(str(path), b"y")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Dotfiles are often links into a repository."""
    (tmp_path / "real.json").write_bytes(b"old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    files.write(str(tmp_path / "link.json"), b"new")
    assert (tmp_path / "link.json").is_symlink() and (tmp_path / "real.json").read_bytes() == b"new"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The path and the reason, never the content."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError) as caught:
        files.write(str(tmp_path / "file" / "acme.json"), b"sesame")
    assert "acme.json cannot be written" in str(caught.value) and "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "environment", "expected"),
    [
        ("~/x", {"HOME": "/home/me"}, "/home/me/x"),
        ("~/x", {}, ""),
        ("${CODEX_HOME:-~/.codex}/auth.json", {"HOME": "/h"}, "/h/.codex/auth.json"),
        ("${CODEX_HOME:-~/.codex}/auth.json", {"HOME": "/h", "CODEX_HOME": "/c"}, "/c/auth.json"),
        ("${NOWHERE}/x", {"HOME": "/h"}, ""),
    ],
)
def test_where_files_are(path: str, environment: dict[str, str], expected: str) -> None:
    """Variables, defaults and the home; "" where it cannot be told."""
    assert files.located(path, environment) == expected


def test_where_logins_are_kept() -> None:
    """XDG's state, else under the home; nowhere without one."""
    assert files.state_folder({"HOME": "/h"}) == "/h/.local/state/hexapla/credentials"
    assert files.state_folder({"HOME": "/h", "XDG_STATE_HOME": "/s"}) == "/s/hexapla/credentials"
    assert files.state_folder({"HOME": "/h", "XDG_STATE_HOME": "relative"}) == "/h/.local/state/hexapla/credentials"
    assert files.state_folder({}) == ""
