"""Prints the Python that runs the gateway fastest, of those on this machine: `python tools/interpreter.py`.

A Python that was built without profiles, as pyenv and asdf build it unless told otherwise, costs a request a fifth more
than a distribution's (docs/measurements.md), and many machines have both.  The first `python3` of the PATH is taken unless
another one is clearly faster; `make PYTHON=...` overrules it.

Rules of this file: the standard library alone, for nothing is installed yet.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

NAMES = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
CLEARLY = 0.9  # of the first one's time: the clock is not more exact than that
TURNS = 10  # in which all are tried: a processor that others share takes twice the time for a while

WHO = "import sys, ensurepip, venv; assert sys.version_info >= (3, 11); print(sys.executable)"

TRIAL = """
import time

class Part:
    def __init__(self, text): self.text, self.size = text, len(text)
    def framed(self, before): return b"%x\\r\\n%b\\r\\n" % (before + self.size, self.text)

def seconds():
    begun, heard = time.process_time(), {}
    for number in range(20_000):
        heard[number & 63] = Part(b"word and word").framed(number)
        if heard[number & 63].startswith(b"{"): heard.clear()
    return time.process_time() - begun

print(min(seconds() for _ in range(4)))
"""
"""What a gateway does most: small objects, calls, bytes."""


def candidates() -> Iterator[Path]:
    """Every Python of the PATH, in its order."""
    for name in NAMES:
        for folder in os.get_exec_path():
            path = Path(folder, name)
            if os.access(path, os.X_OK):
                yield path


def said(python: Path, program: str) -> str:
    """What `program` prints there; "" where it fails."""
    command = [python, "-I", "-c", program]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)  # noqa: S603 from the PATH
    except (OSError, subprocess.SubprocessError):
        return ""
    return ran.stdout.strip()


def usable(paths: Iterable[Path]) -> list[Path]:
    """Those of `paths` that can make environments, each interpreter once."""
    found: dict[Path, Path] = {}
    for path in paths:
        if executable := said(path, WHO):
            found.setdefault(Path(executable).resolve(), Path(executable))
    return list(found.values())


def fastest(pythons: Sequence[Path]) -> Path:
    """The one to take."""
    if len(pythons) == 1:
        return pythons[0]
    turns = [[float(said(python, TRIAL) or "inf") for python in pythons] for _ in range(TURNS)]
    first, *others = map(min, zip(*turns, strict=True))
    best = min(others)
    return pythons[1 + others.index(best)] if best < CLEARLY * first else pythons[0]


if __name__ == "__main__":
    print(fastest(usable(candidates()) or [Path(sys.executable)]))
