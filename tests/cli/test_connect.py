"""`hexapla connect`: shown, written, proved, taken back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.programs import MESSAGES, Place
from e2e.doors import free_port
from hexapla.agents.tools import TOOLS
from hexapla.cli.main import main

CONFIG = """
[server]
port = {port}
[log]
path = "off"
[ledger]
path = "{ledger}"
[profiles.work]
provider = "demo"
model = "tools"
haiku = "echo"
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, CONFIG.format(port=free_port(), ledger=tmp_path / "ledger"))


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`hexapla …` in this process: exit code and everything that it printed."""
    for name, value in place.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(place.work)

    def called(*arguments: str) -> tuple[int, str]:
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return called


@pytest.mark.parametrize("name", TOOLS)
def test_shown_written_and_taken_back(name: str, run: Run, place: Place) -> None:
    """Without --write nothing is touched; a second time there is nothing to do; --undo leaves nothing behind."""
    code, shown = run("connect", name)
    assert code == 0 and "+" in shown and "Nothing was written" in shown
    assert "hexapla serve" in shown and not place.contents()
    code, shown = run("connect", name, "--write")
    assert code == 0 and "--undo" in shown and place.contents()
    assert "Nothing has to be changed" in run("connect", name)[1]
    code, shown = run("connect", name, "--undo")
    assert code == 0 and "as it was" in shown and not place.contents()
    code, shown = run("connect", name, "--undo")
    assert code == 2 and "nothing to take back" in shown


def test_what_is_done_as_json(run: Run, place: Place) -> None:
    """One object at the end, without a key: what would change, what was written, what was taken back."""
    place.config.write_text('keys = ["plain-key"]\n' + place.config.read_text())
    code, shown = run("connect", "claude", "--json")
    said = json.loads(shown)
    assert (code, said["tool"], said["profile"], said["gateway"]) == (0, "claude", "work", "absent")
    assert said["url"].endswith("/p/work") and said["models"]["haiku"] == "demo/echo"
    (change,) = said["changes"]
    assert change["file"].endswith("settings.json") and "+" in change["diff"] and "plain-key" not in shown
    assert not said["written"] and not place.contents()
    assert json.loads(run("connect", "codex", "--json")[1])["export"] == "HEXAPLA_KEY"
    assert json.loads(run("connect", "claude", "--json", "--write")[1])["written"] and place.contents()
    assert json.loads(run("connect", "claude", "--json")[1])["changes"] == []
    (undone,) = json.loads(run("connect", "claude", "--json", "--undo")[1])["undone"]
    assert undone == {"file": change["file"], "exact": True} and not place.contents()
    code, shown = run("connect", "claude", "--json", "--wait", "0.5")
    assert code == 1 and json.loads(shown)["heard"] is None


def test_keys_are_put_in_and_not_shown(run: Run, place: Place) -> None:
    """Programs that take a variable's name are told of it instead; a key that cannot be read is asked for."""
    own = place.config.read_text()
    place.config.write_text('keys = ["plain-key"]\n' + own)
    shown = run("connect", "claude", "--write")[1]
    settings = place.home / ".claude" / "settings.json"
    assert "plain-key" not in shown
    assert json.loads(settings.read_text())["env"]["ANTHROPIC_AUTH_TOKEN"] == "plain-key"
    shown = run("connect", "codex")[1]
    assert "plain-key" not in shown and "export HEXAPLA_KEY=" in shown
    place.config.write_text(f'[[keys]]\nsha256 = "{"0" * 64}"\n' + own)
    code, shown = run("connect", "claude")
    assert code == 2 and "set HEXAPLA_KEY" in shown


def test_a_login_of_its_own_needs_nothing(run: Run) -> None:
    """The subscription is not a matter of configuration."""
    code, shown = run("connect", "claude", "--profile", "claude")
    assert code == 2 and "own login" in shown


def test_the_first_request_is_the_proof(place: Place) -> None:
    """Where no gateway runs, one is there while we wait; the program's request ends the wait, and is told."""
    command = [sys.executable, "-m", "hexapla", "connect", "claude", "--write", "--wait", "40"]
    process = subprocess.Popen(command, cwd=place.work, env=place.environment(), stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        seen = ""
        while "Waiting for a request" not in seen:
            line = process.stdout.readline()
            assert line, seen
            seen += line
        said = json.loads((place.home / ".claude" / "settings.json").read_text())["env"]
        url = f"{said['ANTHROPIC_BASE_URL']}/v1/messages"
        headers = {"authorization": f"Bearer {said['ANTHROPIC_AUTH_TOKEN']}"}
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(MESSAGES).encode(), headers)) as answer:
            assert answer.status == 200
        rest = process.stdout.read()
        assert process.wait(30) == 0
    assert "one runs here" in seen
    assert re.search(r"asked for claude-haiku-4-5; demo/echo answered \(ok, [\d.]+ s\)", rest)


def test_no_request_is_no_proof(run: Run) -> None:
    """After the time that was given."""
    code, shown = run("connect", "claude", "--wait", "0.5")
    assert code == 1 and "No request of Claude Code came" in shown
    code, shown = run("connect", "claude", "--wait", "1", "--url", "http://127.0.0.1:9")
    assert code == 2 and "this machine only" in shown
