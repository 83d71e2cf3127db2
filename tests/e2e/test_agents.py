"""Claude Code and Codex do a small job through the gateway, by every upstream dialect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.agents import AGENTS, ClaudeCode, Codex
from e2e.doors import Door
from fakes.running import Fake
from fakes.scripts import GREETING

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.network]

SECRET = "the heron stands at 7 o'clock, 鹭"

Kind = type[ClaudeCode | Codex]
agents = pytest.mark.parametrize("kind", AGENTS, ids=lambda kind: kind.__name__)


@pytest.fixture
def agent(kind: Kind, clients: Path, tmp_path: Path) -> ClaudeCode | Codex:
    """The agent, with a note in its folder."""
    agent = kind(clients, tmp_path)
    agent.work.mkdir()
    (agent.work / "note.txt").write_text(SECRET + "\n", encoding="utf-8")
    return agent


@agents
@pytest.mark.parametrize("script", ["tool", "think-tool", "think-hidden-tool"])
def test_reads_a_file_and_answers(agent: ClaudeCode | Codex, script: str, door: Door, fake: Fake) -> None:
    """The agent's own tool is called, what it read goes up (with the thought before it), and the words come down."""
    done = agent.read_file(door, script, f"Read {agent.work}/note.txt and tell me what it says.")
    assert SECRET in done.stdout, done.stdout + done.stderr
    refused = [(asked.path, asked.status, asked.error) for asked in fake.asked() if asked.status != 200]
    assert not refused
    assert SECRET in json.dumps(fake.last().body, ensure_ascii=False)


@agents
def test_answers_in_words(agent: ClaudeCode | Codex, door: Door) -> None:
    """The words on stdout are the upstream's, to the last character."""
    done = agent.ask(door, "plain~bytes=50", "Hello")
    assert GREETING in done.stdout, done.stdout + done.stderr
