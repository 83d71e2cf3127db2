"""Where a request goes, as far as connections care: those to one origin stand in for one another."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.transport import Certificates, Request


class Origin(NamedTuple):
    """Where connections of one pool go."""

    host: str
    port: int
    tls: bool
    proxy: str | None = None
    certificates: Certificates | None = None

    def __str__(self) -> str:
        return f"{self.name}:{self.port}"

    @property
    def forwarded(self) -> bool:
        """The proxy is asked for the whole URL, and answers for the server; a SOCKS proxy leads there instead."""
        return self.proxy is not None and not self.tls and not self.proxy.lower().startswith("socks")

    @property
    def name(self) -> str:
        """The host as a URL spells it."""
        return f"[{self.host}]" if ":" in self.host else self.host


def origin_of(request: Request) -> Origin:
    """The pool that a request belongs to.  Raises UpstreamError."""
    return _origin(request.url, request.proxy, request.certificates)


@lru_cache(maxsize=1024)
def _origin(url: str, proxy: str | None, certificates: Certificates | None) -> Origin:
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise UpstreamError(Kind.UPSTREAM_MISCONFIGURED, f"{url!r} is no http(s) URL; correct the provider's base_url.")
    if proxy is not None and _parts(proxy) is None:  # which may hold a password
        raise UpstreamError(Kind.EGRESS_PROXY, "The proxy's URL cannot be read; it has the form http://host:port.")
    tls = parts.scheme == "https"
    return Origin(parts.hostname, parts.port or (443 if tls else 80), tls, proxy, certificates if tls else None)


def _parts(url: str) -> SplitResult | None:
    """`url` in parts; None where it cannot be read."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # read when it is asked for
    except ValueError:
        return None
    return parts
