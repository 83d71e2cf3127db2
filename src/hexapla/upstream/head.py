"""The head of a request as bytes, made once for all requests to one place.

Rules of this file: a header value that holds a line end is refused; it would be a second header, or a second request.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hexapla.upstream.egress import proxy_login
from hexapla.upstream.transport import smuggled

if TYPE_CHECKING:
    from hexapla.upstream.dial import Origin


@lru_cache(maxsize=1024)
def head_of(method: str, url: str, headers: tuple[tuple[str, str], ...], origin: Origin) -> bytes:
    """A request's head up to the value of its content-length.  Raises UpstreamError."""
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
