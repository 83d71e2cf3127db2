"""What large bodies have freed is there for the next ones, in large pages, and they pay for no page faults."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import resource, sys
from hexapla.server.heap import keep_heap
kept = keep_heap()
def bodies():
    return [b"x" * 100_000 for _ in range(5)]
bodies()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    bodies()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
WHERE = """
import re
from hexapla.server.heap import enlarge_heap, keep_heap
keep_heap()
enlarge_heap()
body = b"x" * 1_000_000
for mapping in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", open("/proc/self/smaps").read())[1:]:
    begin, end = (int(place, 16) for place in mapping.split()[0].split("-"))
    if begin <= id(body) < end:
        print("hg" in mapping.rpartition("VmFlags:")[2].split())
"""
GLIBC = platform.libc_ver()[0] == "glibc"


def faults(**said: str) -> tuple[str, int]:
    """Whether the heap is kept, and how many faults a hundred rounds of bodies cost."""
    kept, number = run(PROGRAM, **said).split()
    return kept, int(number)


def run(program: str, **said: str) -> str:
    """What a program prints where nobody but `said` says anything of malloc."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=others | said, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not GLIBC, reason="only glibc is told")
def test_the_heap_is_kept() -> None:
    """The first rounds may meet new pages; without it, every round pays for all of its own again."""
    kept, number = faults()
    assert kept == "True" and number < 1000
    kept, without = faults(MALLOC_TRIM_THRESHOLD_=str(128 * 1024))
    assert kept == "False" and without > 5 * max(number, 1000)


@pytest.mark.skipif(not GLIBC, reason="only glibc is told")
@pytest.mark.skipif(not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="the kernel has no large pages")
def test_large_bodies_lie_in_large_pages() -> None:
    """Whether there is one when it is needed is the kernel's affair."""
    assert run(WHERE).split() == ["True"]
    assert run(WHERE, MALLOC_TRIM_THRESHOLD_=str(128 * 1024)).split() == ["False"]
