"""One door to every LLM provider: a gateway, a library and a command line."""

from __future__ import annotations

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
