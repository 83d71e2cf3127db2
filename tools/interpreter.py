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
from collections.abc import Iterable, Iterator
from pathlib import Path

NAMES = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
CLEARLY = 0.9  # of the first one's time: the clock is not more exact than that
TURNS = 3  # in which all are tried, so that none has the only quiet moment

TRIAL = """
import sys, time
import ensurepip, venv
assert sys.version_info >= (3, 11)

class Part:
    def __init__(self, text): self.text, self.size = text, len(text)
    def said(self, before): return b"%x\\r\\n%b\\r\\n" % (before + self.size, self.text)

def work():
    heard = {}
    for number in range(20_000):
        part = Part(b"word and word")
        heard[number & 63] = part.said(number)
        if heard[number & 63].startswith(b"{"): heard.clear()

def seconds():
    begun = time.process_time()  # which no other program can stretch much
    work()
    return time.process_time() - begun

print(min(seconds() for _ in range(9)), sys.executable)
"""


def candidates() -> Iterator[Path]:
    """Every Python that the PATH leads to, each once, in the PATH's order."""
    seen = set()
    for name in NAMES:
        for folder in os.get_exec_path():
            path = Path(folder, name)
            if os.access(path, os.X_OK) and path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def trial(path: Path) -> tuple[float, str] | None:
    """The seconds of the trial and the interpreter behind `path`; None for one that cannot make an environment."""
    try:
        ran = subprocess.run([path, "-I", "-c", TRIAL], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603  (found on the PATH, as make's own would be)
    except (OSError, subprocess.SubprocessError):
        return None
    seconds, executable = ran.stdout.strip().split(" ", 1)
    return float(seconds), executable


def fastest(paths: Iterable[Path]) -> str | None:
    """The one to take."""
    seconds: dict[str, float] = {}
    for path in tuple(paths) * TURNS:
        if (found := trial(path)) is not None:
            seconds[found[1]] = min(found[0], seconds.get(found[1], found[0]))
    if not seconds:
        return None
    first, best = next(iter(seconds)), min(seconds, key=seconds.__getitem__)
    return best if seconds[best] < CLEARLY * seconds[first] else first


if __name__ == "__main__":
    print(fastest(candidates()) or sys.executable)
