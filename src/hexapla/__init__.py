"""One door to every LLM provider: a gateway, a library and a command line.

    import hexapla

    with hexapla.Client() as client:
        print(client.chat("Say hello", model="demo/echo"))

Names are loaded when they are first used, so that `import hexapla` and `hexapla --help` cost nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hexapla.errors import ConfigError, GatewayError, HexaplaError
    from hexapla.sdk.aclient import AsyncClient, AsyncStream
    from hexapla.sdk.answer import Answer
    from hexapla.sdk.client import Client, Stream

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "AsyncClient",
    "AsyncStream",
    "Client",
    "ConfigError",
    "GatewayError",
    "HexaplaError",
    "Stream",
]

_HOMES = {
    "Answer": "hexapla.sdk.answer",
    "AsyncClient": "hexapla.sdk.aclient",
    "AsyncStream": "hexapla.sdk.aclient",
    "Client": "hexapla.sdk.client",
    "ConfigError": "hexapla.errors",
    "GatewayError": "hexapla.errors",
    "HexaplaError": "hexapla.errors",
    "Stream": "hexapla.sdk.client",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'hexapla' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
