"""How much memory all requests together may take, where the configuration does not say it: half of what there is.

What there is: the machine's, or what the process's cgroup is allowed, if that is less (a container).

Rules of this file: what cannot be read is no limit; the largest request that is allowed always fits.
"""

from __future__ import annotations

import os
from pathlib import Path

from hexapla.config import Limits
from hexapla.routing.memory import REQUEST, WEIGHT

SHARE = 0.5
CGROUPS = ("memory.max", "memory/memory.limit_in_bytes")  # of cgroup v2 and v1; inside a container its own


def memory_of(limits: Limits, *, root: Path = Path("/sys/fs/cgroup")) -> float:
    """Bytes."""
    if limits.memory_bytes:
        return limits.memory_bytes
    there = min(_physical(), *(_number(root / name) for name in CGROUPS))
    return max(there * SHARE, REQUEST + WEIGHT * limits.body_bytes)


def _physical() -> float:
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError):  # not every system tells
        return float("inf")


def _number(file: Path) -> float:
    try:
        return float(file.read_text())
    except (OSError, ValueError):  # no cgroup, or "max"
        return float("inf")
