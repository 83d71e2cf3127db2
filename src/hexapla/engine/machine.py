"""How much of the machine all requests together may take, where the configuration does not say it: half of what there is.

Of memory: the machine's, or what the process's cgroup is allowed, if that is less (a container).  Of files: as many as the
process may open, for each client's connection may need one to an upstream.  Without a bound on the first, those who are
connected would not be answered when the last file is taken.

Rules of this file: what cannot be read is no limit; the largest request that is allowed always fits.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

from hexapla.config import Limits
from hexapla.routing.memory import REQUEST, WEIGHT

SHARE = 0.5
OWN_FILES = 32  # that are no connections: 26 were open in a gateway that nobody asked (2026-11-28)
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


def more_files() -> None:
    """Let this process open as many files as it may allow itself, as Go's programs do (go.dev/doc/go1.19): the usual 1024
    are meant for programs that use select()."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (ValueError, OSError):  # macOS: more than the kernel lets anybody have
        return


def connections_of(limits: Limits) -> int:
    """How many clients may be connected at once; 0 is any number."""
    if limits.connections:
        return limits.connections
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 0 if files == resource.RLIM_INFINITY else max(1, int((files - OWN_FILES) * SHARE))
