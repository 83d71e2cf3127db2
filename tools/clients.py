"""Install the agent command lines that the end-to-end tests run: `python tools/clients.py`, which prints their folder.

Versions are exact: npm takes an old release in silence when the newest one does not suit the installed Node.  Nothing is
done when they are there.  Exit status 1, with the reason, when they cannot be had: no npm, or no registry.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
from pathlib import Path

CLIENTS = {"@anthropic-ai/claude-code": "2.1.330", "@openai/codex": "0.169.0"}
FOLDER = Path(__file__).resolve().parents[1] / ".cache" / "npm-clients"
MANIFEST = json.dumps({"private": True, "dependencies": CLIENTS}, indent=2)
WITHIN = 600  # seconds; 770 MB


def installed() -> bool:
    """Whether every client is there in its exact version."""
    return all(_version(name) == version for name, version in CLIENTS.items())


def _version(name: str) -> str:
    try:
        described = (FOLDER / "node_modules" / name / "package.json").read_text(encoding="utf-8")
    except OSError:
        return ""
    return str(json.loads(described)["version"])


def install() -> str:
    """Install the clients; return why that failed, or ""."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    (FOLDER / "package.json").write_text(MANIFEST, encoding="utf-8")
    command = [npm, "install", "--no-fund", "--no-audit", "--no-package-lock", "--loglevel=error"]
    try:
        done = subprocess.run(  # noqa: S603 a fixed command
            command, cwd=FOLDER, capture_output=True, text=True, timeout=WITHIN, check=False
        )
    except subprocess.TimeoutExpired:
        return f"npm did not finish within {WITHIN} s"
    return "" if done.returncode == 0 and installed() else f"npm install failed: {done.stderr[-500:]}"


def main() -> int:
    """Install once, however many processes ask at the same time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        why = "" if installed() else install()
    if why:
        print(why, file=sys.stderr)
        return 1
    print(FOLDER / "node_modules" / ".bin")
    return 0


if __name__ == "__main__":
    sys.exit(main())
