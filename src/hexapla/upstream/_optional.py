"""The optional extra of this floor: `hexapla[reqwest]` (pyreqwest), imported when it is first needed, for it takes 7 MB.

INSTALLED says whether the rest may be used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

INSTALLED = find_spec("pyreqwest") is not None

_HOMES = {
    "ClientBuilder": "pyreqwest.client",
    "ProxyBuilder": "pyreqwest.proxy",
    "PyreqwestError": "pyreqwest.exceptions",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
