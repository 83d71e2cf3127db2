"""Claude Code and Codex without a person: each run has a home of its own and talks to nobody but the door.

Settings as the vendors document them (https://code.claude.com/docs/en/env-vars, https://developers.openai.com/codex/config-reference,
2026-11-24), tried with the versions in tools/aside.py.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from e2e.doors import Door

KEY = "agent-key"
WITHIN = 300  # seconds; a run takes less than 1, with a real model 5, with one that goes on and on many times that


@dataclass(frozen=True)
class Agent:
    """A command line in a folder of its own."""

    bin: Path
    home: Path

    @property
    def work(self) -> Path:
        """The folder that the agent works in."""
        return self.home / "work"

    def run(self, command: list[str], **extra: str) -> subprocess.CompletedProcess[str]:
        """Run to the end without input."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM") if name in os.environ}
        return subprocess.run(
            command,
            cwd=self.work,
            env=kept | {"HOME": str(self.home), "TMPDIR": str(self.home)} | extra,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )


class ClaudeCode(Agent):
    """Speaks Messages."""

    dialect = "messages"

    def ask(self, door: Door, script: str, prompt: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`claude -p`; the answer is on stdout."""
        command = [str(self.bin / "claude"), "-p", prompt, "--model", door.model(script), *arguments]
        return self.run(
            command,
            ANTHROPIC_BASE_URL=door.url,
            ANTHROPIC_AUTH_TOKEN=KEY,
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
            CLAUDE_CODE_MAX_OUTPUT_TOKENS="2000",  # a small model may go on and on
            CLAUDE_CODE_MAX_RETRIES="1",
            IS_SANDBOX="1",
        )

    def read_file(self, door: Door, script: str, prompt: str) -> subprocess.CompletedProcess[str]:
        """`ask` with leave to read."""
        return self.ask(door, script, prompt, "--allowedTools", "Read")


class Codex(Agent):
    """Speaks Responses."""

    dialect = "responses"

    def ask(self, door: Door, script: str, prompt: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`codex exec`; the answer is on stdout, the steps are on stderr."""
        return self.call(door.url, door.model(script), prompt, *arguments)

    def call(self, url: str, model: str, prompt: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`ask` for a model by any name."""
        config = self.home / ".codex" / "config.toml"
        config.parent.mkdir(exist_ok=True)
        config.write_text(_CODEX.format(model=model, url=url), encoding="utf-8")
        command = [str(self.bin / "codex"), "exec", "--skip-git-repo-check", *arguments, prompt]
        return self.run(command, DOOR_KEY=KEY)

    def read_file(self, door: Door, script: str, prompt: str) -> subprocess.CompletedProcess[str]:
        """`ask` with leave to run commands."""
        return self.ask(door, script, prompt, "-s", "danger-full-access")


_CODEX = """
model = "{model}"
model_provider = "door"
[model_providers.door]
name = "door"
base_url = "{url}/v1"
env_key = "DOOR_KEY"
wire_api = "responses"
"""

AGENTS: tuple[type[ClaudeCode | Codex], ...] = (ClaudeCode, Codex)
