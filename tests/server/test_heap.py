"""What large bodies have freed is there for the next ones, which pay for no page faults then."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

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
GLIBC = platform.libc_ver()[0] == "glibc"


def faults(**said: str) -> tuple[str, int]:
    """Whether the heap is kept, and how many faults a hundred rounds of bodies cost."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=others | said, capture_output=True, text=True, check=True
    )
    kept, number = done.stdout.split()
    return kept, int(number)


@pytest.mark.skipif(not GLIBC, reason="only glibc is told")
def test_the_heap_is_kept() -> None:
    """The first rounds may meet new pages; without it, every round pays for all of its own again."""
    kept, number = faults()
    assert kept == "True" and number < 1000
    kept, without = faults(MALLOC_TRIM_THRESHOLD_=str(128 * 1024))
    assert kept == "False" and without > 5 * max(number, 1000)
