"""Optional extras of this floor, imported in one place.  INSTALLED says whether the rest may be used."""

from __future__ import annotations

try:
    from pyreqwest.client import ClientBuilder
    from pyreqwest.exceptions import PyreqwestError
    from pyreqwest.proxy import ProxyBuilder

    INSTALLED = True
except ImportError:  # the extra `hexapla[reqwest]`
    INSTALLED = False

__all__ = ["INSTALLED", "ClientBuilder", "ProxyBuilder", "PyreqwestError"]
