"""Stand-ins for the programs that Hexapla starts: each notes how it was started and asks the gateway once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = """#!{python}
import json, os, pathlib, sys, urllib.error, urllib.request
ask, note = {ask!r}, {note!r}
environment = dict(os.environ)
settings = pathlib.Path(environment.get("GEMINI_CLI_HOME", "/nowhere"), ".gemini", "settings.json")
files = [str(part) for part in sys.argv if part.endswith(".json") and os.path.exists(part)]
said = {{
    "arguments": sys.argv[1:], "environment": environment, "stdin": sys.stdin.read(), "cwd": os.getcwd(),
    "files": {{os.path.basename(file): open(file).read() for file in [*files, settings] if os.path.exists(file)}},
}}
if ask:
    url, key, body = (part.format_map(environment) if isinstance(part, str) else part for part in ask)
    headers = {{"authorization": "Bearer " + key, "content-type": "application/json"}}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        answer = urllib.request.urlopen(request, timeout=20)
        said["status"], said["model"] = answer.status, answer.headers["x-hexapla-model"]
    except urllib.error.HTTPError as error:
        said["status"], said["model"] = error.code, error.read().decode()
json.dump(said, open(note, "w"))
print("the program's own words")
sys.exit(5)
"""

MESSAGES = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
ASK_CLAUDE = ("{ANTHROPIC_BASE_URL}/v1/messages", "{ANTHROPIC_AUTH_TOKEN}", MESSAGES)


class Place:
    """A home, a folder of programs and a folder to work in."""

    def __init__(self, root: Path, text: str) -> None:
        self.home, self.bin, self.work = root / "home", root / "bin", root / "work"
        for folder in (self.home, self.bin, self.work):
            folder.mkdir()
        self._note = root / "note.json"
        self.state = root / "state"
        self.config = root / "hexapla.toml"
        self.config.write_text(text)

    def program(self, name: str, ask: object = None) -> None:
        """Put a stand-in into the PATH; `ask` is (url, key, body), with variables in braces."""
        file = self.bin / name
        file.write_text(PROGRAM.format(python=sys.executable, note=str(self._note), ask=ask))
        file.chmod(0o755)

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """`hexapla …` as a person would."""
        return subprocess.run(
            [sys.executable, "-m", "hexapla", *arguments],
            cwd=self.work,
            env=self.environment() | environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """What leads a process here."""
        return {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.state),
            "HEXAPLA_LANG": "en",
            "HEXAPLA_CONFIG": str(self.config),
        }

    def noted(self) -> dict[str, Any]:
        """How the stand-in was started."""
        said: dict[str, Any] = json.loads(self._note.read_text())
        return said

    def started(self) -> bool:
        return self._note.exists()

    def contents(self) -> dict[str, bytes]:
        """Every file of the home."""
        return {str(file): file.read_bytes() for file in sorted(self.home.rglob("*")) if file.is_file()}
