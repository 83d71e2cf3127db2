"""Renders the head of a request.

What goes into a head comes from configuration, credentials and clients.  A line end in any of it would begin a second
request on a connection that others use too, so every name and value is checked, by two string predicates that cost
less than an expression.

Rules of this file: framing belongs to the transport alone; messages name a header, never its value.
"""

from __future__ import annotations

import re
from functools import lru_cache

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.transport import Request

FRAMING = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that speak of this connection, not of the request (RFC 9110 7.6.1); nobody above may set them."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 5.6.2
_VALUE = re.compile(r"[\t -~\x80-\xff]*")  # RFC 9110 5.5, obs-text included


def render_head(request: Request, start: str) -> bytes:
    """The head of `request`, blank line included.  Raises UpstreamError(upstream_misconfigured).

    start  see Destination
    """
    lines = [request.method, start]
    coding = "accept-encoding: identity\r\n"
    for name, value in request.headers:
        if not (value.isascii() and value.isprintable()):
            _check_value(name, value)
        _check_name(name)
        if name == "accept-encoding":
            coding = ""
        lines.append(f"{name}: {value}\r\n")
    if request.body or request.method != "GET":
        lines.append(f"{coding}content-length: {len(request.body)}\r\n\r\n")
    else:
        lines.append(f"{coding}\r\n")
    return "".join(lines).encode("latin-1")


@lru_cache(maxsize=512)
def check_method(method: str) -> None:
    """Raises UpstreamError(upstream_misconfigured)."""
    if not _TOKEN.fullmatch(method) or method == "CONNECT":
        raise UpstreamError(Kind.UPSTREAM_MISCONFIGURED, f"{method[:40]!r} is no method of an HTTP request.")


@lru_cache(maxsize=512)
def _check_name(name: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise UpstreamError(Kind.UPSTREAM_MISCONFIGURED, f"{name[:100]!r} is no name of an HTTP header.")
    if name.lower() in FRAMING:
        raise UpstreamError(Kind.UPSTREAM_MISCONFIGURED, f"The header {name} is the transport's own; do not set it.")


def _check_value(name: str, value: str) -> None:
    if not _VALUE.fullmatch(value):
        raise UpstreamError(
            Kind.UPSTREAM_MISCONFIGURED, f"The header {name[:100]} holds a line end or another character HTTP forbids."
        )
