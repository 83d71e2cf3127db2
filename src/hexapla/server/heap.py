"""The process's heap: what a request has freed stays for the next one, and lies in large pages.

glibc gives memory back as soon as 128 KB at the heap's end are free, and asks for it again when the next large body comes:
every request of 100 KB paid for twenty page faults, which was a sixth of all that it cost.  The size from which a block
gets a mapping of its own, with faults of its own, adapts itself only as long as nobody says anything; so both are said.

A body of 100 KB and its copies are a hundred small pages, whose addresses the processor must look up; in large ones such a
request costs 3 to 6 µs of 150 less.

Rules of this file: only for a process of our own, never for a program that uses the library; an operator's own settings of
malloc stand; other C libraries are left alone.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from functools import cache

KEPT = 16 * 1024 * 1024  # bytes at the end of the heap that are not given back
MAPPED = 32 * 1024 * 1024  # bytes from which on a block is mapped: what glibc would come to by itself, and its most
LARGE = KEPT - 1024 * 1024  # bytes in large pages: as much as is surely kept
LARGE_BODY = 64 * 1024  # bytes of a request that makes large pages worth while
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_SAID = ("MALLOC_", "GLIBC_TUNABLES")
_LARGE_PAGES: int | None = getattr(mmap, "MADV_HUGEPAGE", None)

_kept: list[ctypes.CDLL] = []  # the C library that was told


def keep_heap() -> bool:
    """Keep what is freed.  False where that is not ours to say, or nobody can be told."""
    if any(name.startswith(_SAID) for name in os.environ):
        return False
    try:
        libc = ctypes.CDLL(None)
        told = libc.mallopt
    except (AttributeError, OSError):  # macOS, musl
        return False
    if not (told(_MMAP_THRESHOLD, MAPPED) and told(_TRIM_THRESHOLD, KEPT)):
        return False
    _kept.append(libc)
    return True


@cache
def enlarge_heap() -> None:
    """Ask, once, for large pages at the end of a heap that is kept, which is where large blocks come from.

    For a process that has met a large body: until then memory grows by what is used, and not by 2 MB at a time.  None is
    taken before it is used; a system that has none for us has small ones.
    """
    if not _kept or _LARGE_PAGES is None:
        return
    libc = _kept[0]
    libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    libc.madvise.argtypes, libc.free.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int], [ctypes.c_void_p]
    block: int | None = libc.malloc(LARGE)
    if block is None:
        return
    libc.madvise(block - block % mmap.PAGESIZE, LARGE, _LARGE_PAGES)
    libc.free(block)
