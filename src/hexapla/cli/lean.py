"""Loads a command's module, and of uvicorn only what serves.

The front of uvicorn brings its own command line with click, a reloader and a supervisor of processes: 17 ms of the 200
that `hexapla serve` takes to its first answer, and 2.4 MB for as long as it runs.  The collector would walk again and
again through what is being loaded and lives for ever (docs/decisions/2026-11-29-late-loading.md).

Rules of this file: for a process of our own and before anything else is loaded, never for a program that uses the library.
"""

from __future__ import annotations

import gc
import importlib
import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType

INSIDE = {"Config": "uvicorn.config", "Server": "uvicorn.server"}
"""What uvicorn's own modules ask its front for, and where that is."""


def load(name: str) -> ModuleType:
    """The module of this name, and all that it needs."""
    gc.disable()
    try:
        _close_front("uvicorn", INSIDE)
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _close_front(name: str, inside: dict[str, str]) -> None:
    """Let a package's modules be loaded without its `__init__`, until somebody asks it for more than is `inside`."""
    spec = find_spec(name)
    if name in sys.modules or spec is None or spec.loader is None:
        return
    package, loader = module_from_spec(spec), spec.loader

    def answer(wanted: str) -> object:
        if wanted in inside:
            return getattr(importlib.import_module(inside[wanted]), wanted)
        del package.__dict__["__getattr__"]
        loader.exec_module(package)
        return getattr(package, wanted)

    package.__dict__["__getattr__"] = answer
    sys.modules[name] = package
