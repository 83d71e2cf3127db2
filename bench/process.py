"""CPU and memory of a process and everything below it, as Linux counts them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def tree(pid: int) -> Iterator[int]:
    """The process and its descendants."""
    yield pid
    try:
        children = [
            child for task in (PROC / str(pid) / "task").iterdir() for child in (task / "children").read_text().split()
        ]
    except OSError:  # it ended meanwhile
        return
    for child in children:
        yield from tree(int(child))


def cpu_seconds(pid: int) -> float:
    """CPU time of the tree, threads that have ended included, to the nanosecond."""
    return sum(map(_process_seconds, tree(pid)))


def _process_seconds(pid: int) -> float:
    """By the process's own CPU clock, whose id the kernel derives from the process's (clock_getcpuclockid(3))."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:  # it ended meanwhile
        return 0.0


def memory_bytes(pid: int) -> int:
    """Memory of the tree in which shared pages are shared out (PSS)."""
    return sum(_pss(member) for member in tree(pid))


def _pss(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def cores() -> tuple[set[int], set[int]]:
    """The cores of the measured server, and of everything else; the same where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return {usable[0]}, set(usable[1:]) or {usable[0]}
