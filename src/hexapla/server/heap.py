"""The process's heap: what a request has freed stays for the next one.

glibc gives memory back as soon as 128 KB at the heap's end are free, and asks for it again when the next large body comes:
every request of 100 KB paid for twenty page faults, which was a sixth of all that it cost.  The size from which a block
gets a mapping of its own, with faults of its own, adapts itself only as long as nobody says anything; so both are said.

Rules of this file: only for a process of our own, never for a program that uses the library; an operator's own settings of
malloc stand; other C libraries are left alone.
"""

from __future__ import annotations

import ctypes
import os

KEPT = 16 * 1024 * 1024  # bytes at the end of the heap that are not given back
MAPPED = 32 * 1024 * 1024  # bytes from which on a block is mapped: what glibc would come to by itself, and its most
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_SAID = ("MALLOC_", "GLIBC_TUNABLES")


def keep_heap() -> bool:
    """Keep what is freed.  False where that is not ours to say, or nobody can be told."""
    if any(name.startswith(_SAID) for name in os.environ):
        return False
    try:
        told = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # macOS, musl
        return False
    return bool(told(_MMAP_THRESHOLD, MAPPED) and told(_TRIM_THRESHOLD, KEPT))
