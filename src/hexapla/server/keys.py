"""Who is calling: the client's key, taken from any of the places that SDKs put it.

Keys are compared by their SHA-256, so that neither the comparison's time nor a memory dump of the table tells a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from hexapla.errors import ClientError, Kind

Headers = Iterable[tuple[bytes, bytes]]

_PLACES = {b"authorization": True, b"x-api-key": False, b"api-key": False, b"x-goog-api-key": False}
"""Header -> whether the key stands behind `Bearer`."""


class KeyRing:
    """The configured client keys.  `names` maps the SHA-256 of a key (hex) to its name; empty: no key is required."""

    def __init__(self, names: Mapping[str, str]) -> None:
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
