"""What is the same in all requests to one place, worked out once.

Rules of this file: a header value that holds a line end is refused; it would be a second header, or a second request.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from hexapla.errors import UpstreamError
from hexapla.translate.cached import cached
from hexapla.upstream.egress import proxy_login
from hexapla.upstream.origin import Origin, origin_of
from hexapla.upstream.secrets import Headers, secrets_of, size_of
from hexapla.upstream.transport import Request, Timeouts, smuggled


class Letterhead(msgspec.Struct, frozen=True, kw_only=True):
    """All of a request but its body.

    head     its bytes up to the value of content-length: never shown, never logged
    secrets  that its answer must not show
    limit    bytes of its answer; 0 is none
    """

    origin: Origin
    head: bytes
    secrets: tuple[bytes, ...]
    timeouts: Timeouts
    limit: int

    def __repr__(self) -> str:
        return f"Letterhead({self.origin})"


def letterhead_of(request: Request) -> Letterhead:
    """The letterhead of `request`.  Raises UpstreamError for one that cannot be sent."""
    origin = origin_of(request)
    return Letterhead(
        origin=origin,
        head=_head(request.headers, request.method, request.url, origin),
        secrets=secrets_of(request.headers),
        timeouts=request.timeouts,
        limit=request.max_response_bytes,
    )


def standing(request: Request) -> Letterhead | None:
    """The letterhead to keep for requests like this one, where the default transport carries them; None where it does
    not, or where they cannot be sent, which whoever sends one is told."""
    if request.carrier:
        return None
    try:
        return letterhead_of(request)
    except UpstreamError:
        return None


@cached(1024, size_of)
def _head(headers: Headers, method: str, url: str, origin: Origin) -> bytes:
    parts = urlsplit(url)
    path = parts.path or "/"
    if parts.query:
        path = f"{path}?{parts.query}"
    standard = 443 if origin.tls else 80
    host = origin.name if origin.port == standard else str(origin)
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}"]
    if origin.forwarded:
        lines = [f"{method} http://{host}{path} HTTP/1.1", f"host: {host}", *proxy_login(origin.proxy or "")]
    for name, value in headers:
        if "\r" in value or "\n" in value or "\0" in value:
            raise smuggled(name)
        lines.append(f"{name}: {value}")
    return ("\r\n".join(lines) + "\r\ncontent-length: ").encode("latin-1", "replace")
