"""Where a request goes: the origin whose connections can carry it, and the first lines it begins with.

Two requests may share a connection exactly when their `Origin` is equal, so the pool is keyed by it.  A gateway asks the
same few URLs again and again: what can be worked out from a URL alone is worked out once and remembered.

Rules of this file: no I/O; whatever is not a plain http(s) URL is refused here, before a socket is opened; messages show
neither credentials nor queries, because some providers put keys there.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from hexapla.errors import Kind, UpstreamError

_PRINTABLE = re.compile(r"[!-~]+")
_SECRETS = re.compile(r"//[^/?#]*@|[?#].*", re.DOTALL)
_STANDARD_PORTS = {"http": 80, "https": 443}


class Proxy(NamedTuple):
    """An HTTP proxy.  `authorization` is the value of the header of that name, or empty."""

    host: str
    port: int
    authorization: str = ""

    def __str__(self) -> str:
        return authority(self.host, self.port)

    __repr__ = __str__  # a traceback shows no credentials


class Origin(NamedTuple):
    """Where the connections of one pool go."""

    host: str
    port: int
    tls: bool
    proxy: Proxy | None = None

    def __str__(self) -> str:
        return authority(self.host, self.port)


class Destination(NamedTuple):
    """Where one request goes.

    start  what follows the method: target, version, host and, for a proxy that is asked directly, our credentials
    """

    origin: Origin
    start: str


def authority(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@lru_cache(maxsize=1024)
def locate(url: str, proxy: str | None = None) -> Destination:
    """The destination of `url`.  Raises UpstreamError(upstream_misconfigured | egress_proxy)."""
    parts, port = _split(url, Kind.UPSTREAM_MISCONFIGURED, "http://host[:port]/path or https://host[:port]/path")
    if "@" in parts.netloc:
        raise UpstreamError(
            Kind.UPSTREAM_MISCONFIGURED,
            f"The URL {_shown(url)} carries credentials; configure them as the provider's auth instead.",
        )
    origin = Origin(parts.hostname or "", port, parts.scheme == "https", parse_proxy(proxy) if proxy else None)
    return Destination(origin, _start(parts, origin))


@lru_cache(maxsize=64)
def parse_proxy(url: str) -> Proxy:
    """The proxy that `url` names.  Raises UpstreamError(egress_proxy)."""
    parts, port = _split(url, Kind.EGRESS_PROXY, "http://[user:password@]host[:port] for this transport")
    if parts.scheme != "http":
        raise UpstreamError(
            Kind.EGRESS_PROXY, f"The proxy {_shown(url)} is spoken to in plain HTTP here; use the reqwest transport."
        )
    if parts.username is None:
        return Proxy(parts.hostname or "", port)
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return Proxy(parts.hostname or "", port, f"Basic {base64.b64encode(pair).decode()}")


def _split(url: str, kind: Kind, shape: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or _STANDARD_PORTS.get(parts.scheme)
    except ValueError:
        port = None
    if port is None or not parts.hostname or not _PRINTABLE.fullmatch(url):
        raise UpstreamError(kind, f"The URL {_shown(url)} is not of the form {shape}.")
    return parts, port


def _start(parts: SplitResult, origin: Origin) -> str:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    standard = origin.port == _STANDARD_PORTS[parts.scheme]
    host = str(origin).rpartition(":")[0] if standard else str(origin)
    if origin.proxy is None or origin.tls:
        return f" {target} HTTP/1.1\r\nhost: {host}\r\n"
    login = origin.proxy.authorization
    credentials = f"proxy-authorization: {login}\r\n" if login else ""
    return f" http://{host}{target} HTTP/1.1\r\nhost: {host}\r\n{credentials}"


def _shown(url: str) -> str:
    """`url` without credentials, query and what could not be printed."""
    return repr(_SECRETS.sub(lambda found: "//" if found[0].startswith("//") else "", url)[:200])
