"""Who is calling: the client's key, taken from any of the places that SDKs put it.

Keys are compared by their SHA-256, so that neither the comparison's time nor a memory dump of the table tells a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from hexapla.errors import ClientError, ConfigError, Kind

Headers = Iterable[tuple[bytes, bytes]]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_PLACES = {b"authorization": True, b"x-api-key": False, b"api-key": False, b"x-goog-api-key": False}
"""Header -> whether the key stands behind `Bearer`."""


class KeyRing:
    """The configured client keys.  `names` maps the SHA-256 of a key (hex) to its name; empty: no key is required."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = dict(names)

    def adopt(self, names: Mapping[str, str]) -> None:
        """Replace the keys, for every request from the next one on."""
        self._names = dict(names)

    @property
    def open(self) -> bool:
        """No key is configured, so none is asked for."""
        return not self._names

    def name(self, headers: Headers) -> str:
        """The caller's name.  Raises ClientError(client_auth) when a key is needed and none is right."""
        if not self._names:
            return ""
        sent = presented(headers)
        if sent is None:
            raise ClientError(
                Kind.CLIENT_AUTH,
                "No API key was sent. Put a key of this gateway into `Authorization: Bearer` or `x-api-key`.",
            )
        name = self._names.get(hashlib.sha256(sent).hexdigest())
        if name is None:
            raise ClientError(Kind.CLIENT_AUTH, "The API key is not known to this gateway.")
        return name


def check_open(address: str, names: Mapping[str, str], file: str) -> None:
    """Raise ConfigError when anyone but this machine could ask without a key."""
    if not names and address not in LOOPBACK:
        raise ConfigError(
            f"Listening on {address} without keys would open every provider to the network. "
            "Add [[keys]] to hexapla.toml, or listen on 127.0.0.1.",
            file=file,
            key="keys",
        )


def presented(headers: Headers) -> bytes | None:
    """The key that the request carries, from the first place that has one."""
    for name, value in headers:
        bearer = _PLACES.get(name)
        if bearer is None:
            continue
        if not bearer:
            return value
        scheme, _, token = value.partition(b" ")
        if scheme.lower() == b"bearer" and token:
            return token.strip()
    return None
