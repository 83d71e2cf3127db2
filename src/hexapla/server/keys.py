"""Who is calling: the client's key, taken from any of the places that SDKs put it.

Keys are compared by their SHA-256, so that the comparison's time tells nothing of a key.  A header that was right once is
remembered and found by a keyed hash that nobody else can make, which tells as little and costs less.

A gateway without keys serves every program of this machine, and a browser is one: any page could let it spend the owner's
money with a plain form.  Browsers say where a request comes from (`Origin`), so other people's pages are refused, unless
the operator allows them (docs/decisions/2026-11-28-web-pages.md).  A page whose own name was made to lead here (DNS
rebinding) is at home for its browser and sends no foreign origin, but it says that name as `Host`: names that anybody
could own are refused as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256

from hexapla.errors import ClientError, ConfigError, Kind
from hexapla.server.pages import Pages

Headers = Iterable[tuple[bytes, bytes]]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

KEPT = 1024  # headers that were right

_PLACES = {b"authorization": True, b"x-api-key": False, b"api-key": False, b"x-goog-api-key": False}
"""Header -> whether the key stands behind `Bearer`."""

# programs that are built like pages have schemes of their own (app://, vscode-webview://, chrome-extension://)
_WEB = re.compile(rb"https?://|null$").match
_OWN = re.compile(rb"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$", re.IGNORECASE).match
_ADDRESS = re.compile(rb"(?:\d+\.\d+\.\d+\.\d+|\[[\da-fA-F:.]+\])(?::\d+)?$").match  # no resolver is asked for it
_PORT = re.compile(r":\d+$").sub
_SAFER = "a gateway that asks for no key. Add [[keys]] to hexapla.toml and send one of them."


class KeyRing:
    """The configured client keys.

    names    SHA-256 of a key (hex) -> its name; empty: no key is required
    hosts    names beside this machine's own under which a gateway without keys may be asked
    origins  of web pages that may ask, and hear what is answered: `pages`, None for none
    edition  another object when others were adopted: what `name` said before may be wrong
    """

    def __init__(self, names: Mapping[str, str], hosts: Iterable[str] = (), origins: Collection[str] = ()) -> None:
        self.adopt(names, hosts, origins)

    def adopt(self, names: Mapping[str, str], hosts: Iterable[str] = (), origins: Collection[str] = ()) -> None:
        """Replace them, for every request from the next one on."""
        self._names = {bytes.fromhex(digest): name for digest, name in names.items()}
        self._hosts = frozenset(host.lower() for host in hosts)
        self.pages = Pages(origins) if origins else None
        self._known: dict[tuple[bytes, bytes], str] = {}
        self.edition = object()

    @property
    def open(self) -> bool:
        """No key is configured, so none is asked for."""
        return not self._names

    def name(self, headers: Headers) -> str:
        """The caller's name.

        Raises ClientError(client_auth) when a key is needed and none is right, ClientError(permission) for a web page of
        another site where no key is needed.
        """
        for header in headers:
            if header[0] in _PLACES and header in self._known:
                return self._known[header]
        if self._names:
            return self._looked_up(headers)
        self.guard(headers)
        return ""

    def _looked_up(self, headers: Headers) -> str:
        message = "No API key was sent. Put a key of this gateway into `Authorization: Bearer` or `x-api-key`."
        for header, key in presented(headers):
            name = self._names.get(sha256(key).digest())
            if name is not None:
                if len(self._known) >= KEPT:
                    self._known.clear()
                self._known[header] = name
                return name
            message = "The API key is not known to this gateway."
        raise ClientError(Kind.CLIENT_AUTH, message)

    def guard(self, headers: Headers) -> None:
        """Raise ClientError(permission) for a web page of another site, if no key is needed."""
        for name, value in () if self._names else headers:
            if name == b"origin" and self._foreign(value):
                raise ClientError(
                    Kind.PERMISSION,
                    f"Web pages of other sites may not use {_SAFER} Or name this one's origin in server.cors_origins.",
                )
            if name == b"host" and not (_ADDRESS(value) or self._ours(value)):
                raise ClientError(
                    Kind.PERMISSION,
                    f"Anybody could lead the name {_bare(value)!r} here for a web page. Ask 127.0.0.1, or add the name to "
                    f"server.hosts in hexapla.toml. Pages of other sites may not use {_SAFER}",
                )

    def _foreign(self, origin: bytes) -> bool:
        """Whether a page of this origin is somebody else's, and not allowed."""
        web = _WEB(origin)
        if web is None or self._ours(origin[web.end() :]):
            return False
        return self.pages is None or not self.pages.allow(origin)

    def _ours(self, host: bytes) -> bool:
        """Whether nobody else's pages can stand at `host`, which may have a port."""
        return _OWN(host) is not None or _bare(host) in self._hosts


def check_open(address: str, names: Mapping[str, str], file: str) -> None:
    """Raise ConfigError when anyone but this machine could ask without a key."""
    if not names and address not in LOOPBACK:
        raise ConfigError(
            f"Listening on {address} without keys would open every provider to the network. "
            "Add [[keys]] to hexapla.toml, or listen on 127.0.0.1.",
            file=file,
            key="keys",
        )


def _bare(host: bytes) -> str:
    """A `Host` without its port, in small letters."""
    return _PORT("", host.decode("latin-1")).removesuffix(".").lower()


def presented(headers: Headers) -> list[tuple[tuple[bytes, bytes], bytes]]:
    """Each header with a key, and the key; a program may send its own login beside the gateway's key."""
    keys: list[tuple[tuple[bytes, bytes], bytes]] = []
    for header in headers:
        name, value = header
        bearer = _PLACES.get(name)
        if bearer is False:
            keys.append((header, value))
        elif bearer:
            scheme, _, token = value.partition(b" ")
            if scheme.lower() == b"bearer" and token:
                keys.append((header, token.strip()))
    return keys
