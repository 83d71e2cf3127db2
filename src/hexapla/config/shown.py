"""What of a configuration may be shown: everything but its secrets.

A secret is known by its key, by its value, which the environment holds under a name that tells, or as the login in a URL.

Rules of this file: pure; whoever shows a part of a configuration shows what comes out of here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

MASK = "***"
_SECRET = re.compile(r"^(key|keys|sha256|cookie)$|authorization|api-?key|token|secret|password", re.IGNORECASE)
_NAMED_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_SHORTEST = 6  # shorter values of the environment are words, not secrets


def without_secrets(value: Any, environment: Mapping[str, str]) -> Any:
    """`value`, built-in types only, with every secret masked and without what is None."""
    held = {
        value
        for name, value in environment.items()
        if _NAMED_SECRET.search(name) and len(value) >= _SHORTEST and not value.startswith(("/", "~"))
    }
    return _masked(value, held)


def _masked(value: Any, held: set[str], key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {name: _masked(inner, held, name) for name, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_masked(inner, held, key) for inner in value if inner is not None]
    if not isinstance(value, str) or not value:
        return value
    if _SECRET.search(key):
        return MASK
    for secret in held:
        value = value.replace(secret, MASK)
    return _without_login(value) if "@" in value and "://" in value else value


def _without_login(url: str) -> str:
    """A proxy's or a server's URL may hold a name and a password."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return parts._replace(netloc=f"{MASK}@{parts.netloc.rpartition('@')[2]}").geturl()
