"""`hexapla run` with the real Claude Code, Codex and Gemini CLI: a small job, and a home that stays as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.agents import Agent
from e2e.doors import configuration, provider
from e2e.programs import programs
from fakes.running import Fake
from fakes.scripts import GREETING

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.network]

SECRET = "the heron stands at 7 o'clock, 鹭"
PROFILE = '[server]\nport = 9\n[profiles.work]\nprovider = "f_chat"\nmodel = "tool"\nhaiku = "plain"\n'
MINE = {
    ".claude/settings.json": '{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}} ',
    ".codex/config.toml": 'model = "mine" # stays\n',
}
"""What the user had said before; Claude Code's own would lead nowhere."""

GOOGLES = '{"security": {"auth": {"selectedType": "oauth-personal"}}} // mine\n'

JOBS = {
    "claude": ("-p", "{job}", "--allowedTools", "Read"),
    "gemini": ("-p", "{job}", "--skip-trust"),
    "opencode": ("run", "{job}"),
    "codex": ("exec", "--skip-git-repo-check", "-s", "danger-full-access", "{job}"),
}


@pytest.mark.parametrize("tool", ["claude", "codex"])
def test_does_a_small_job(tool: str, clients: Path, fake: Fake, tmp_path: Path) -> None:
    """Started with nothing but a profile: the tool's call, what it read, and the words on stdout, with exit code 0."""
    agent = Agent(clients, tmp_path)
    agent.work.mkdir()
    note = agent.work / "note.txt"
    note.write_text(SECRET + "\n", encoding="utf-8")
    for name, text in MINE.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    config = configuration(PROFILE + provider("f_chat", "openai_chat", fake.url), tmp_path)
    done = hexapla_run(agent, config, tool, f"Read {note} and tell me what it says.")
    assert done.returncode == 0 and SECRET in done.stdout, done.stdout + done.stderr
    refused = [(asked.path, asked.status, asked.error) for asked in fake.asked() if asked.status != 200]
    assert not refused
    assert {asked.body["model"] for asked in fake.asked()} <= {"tool", "plain"}
    assert SECRET in json.dumps(fake.last().body, ensure_ascii=False)
    assert {name: (tmp_path / name).read_text() for name in MINE} == MINE


def test_gemini_cli_speaks(fake: Fake, tmp_path: Path) -> None:
    """Its login is Google's by the user's settings: a run sees them with a key's login, and leaves them alone."""
    agent = Agent(programs("gemini"), tmp_path)
    agent.work.mkdir()
    settings = tmp_path / ".gemini" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(GOOGLES)
    profile = '[server]\nport = 9\n[profiles.work]\nprovider = "f_gemini"\nmodel = "plain"\n'
    config = configuration(profile + provider("f_gemini", "gemini_generate", fake.url), tmp_path)
    done = hexapla_run(agent, config, "gemini", "Hello")
    assert done.returncode == 0 and GREETING in done.stdout, done.stdout + done.stderr
    assert settings.read_text() == GOOGLES
    assert list((tmp_path / ".gemini").rglob("session-*"))


def hexapla_run(agent: Agent, config: Path, tool: str, job: str) -> subprocess.CompletedProcess[str]:
    own = Path(sys.executable).with_name("hexapla")
    rest = [part.format(job=job) for part in JOBS[tool]]
    command = [str(own), "run", tool, "--config", str(config), "--profile", "work", "--", *rest]
    path = f"{agent.bin}:/usr/local/bin:/usr/bin:/bin"
    return agent.run(command, PATH=path, IS_SANDBOX="1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1")
