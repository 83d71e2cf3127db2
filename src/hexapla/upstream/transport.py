"""The socket seam: one request out, a head and body chunks back.

Everything above this file is free of sockets.  A `Transport` moves bytes and knows HTTP; it knows no dialect, no
provider and no retry (but for the one free retry of a stale pooled connection before any response byte).

Contract, held by every implementation and by one shared suite (tests/upstream/test_contract.py):
- `send` returns when the final response head is complete (1xx skipped, at most 20 of them), or raises `UpstreamError`
  with kind upstream_connect | upstream_tls | upstream_protocol | egress_proxy | timeout | upstream_misconfigured.
- `Response.chunks()` yields body bytes as they arrive, decoded of Transfer-Encoding and Content-Encoding, never empty;
  it ends normally only when the body is complete by its framing, else raises UpstreamError(upstream_truncated).
- Redirects are never followed: a 3xx is returned as it is.
- Back-pressure: while nobody asks for the next chunk, at most `READ_HIGH_WATER` bytes are buffered, then reading
  pauses.
- Cancelling `send` or an iteration, or calling `close()`, closes the connection at once unless the body was complete;
  a slot in the pool is never lost.
- A header value with a line end is refused.  Errors never contain header values.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

import msgspec

from hexapla.errors import Kind, UpstreamError

READ_HIGH_WATER = 256 * 1024

USER_AGENT = ("user-agent", "hexapla/0.1")
"""The header by which everybody who is asked knows us."""


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Deadlines in seconds, measured on a monotonic clock; 0 means none."""

    connect: float = 5.0  # name lookup, TCP, proxy CONNECT and TLS together
    write: float = 120.0  # in which nothing of what was sent is taken; where the system can tell (Linux)
    head: float = 600.0  # from the request's last byte until the final head is complete
    idle: float = 300.0  # between two body chunks


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    """Files in PEM; "" is none.

    cert  shown to the server, with its intermediates;  key: its private key, which may stand in the same file
    ca    authorities that are trusted beside the usual ones
    """

    cert: str = ""
    key: str = ""
    ca: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(file for file in (self.cert, self.key, self.ca) if file)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request.  `headers` are lower-case ASCII names in sending order, without host and content-length.

    proxy      None for a direct connection, else http://[user:password@]host:port or socks5://, socks5h:// of the same form
               (https:// needs "reqwest")
    transport  the name of the transport that shall carry it; "" is the default one
    certificates  for TLS; None: those that every program of this machine trusts, and none of one's own
    max_response_bytes  of the answer's body; 0 is no limit.  The read that passes it, 256 KB at most, is the last one, and
               nobody gets it
    """

    method: str = "POST"
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    timeouts: Timeouts = Timeouts()
    proxy: str | None = None
    transport: str = ""
    certificates: Certificates | None = None
    max_response_bytes: int = 0

    @property
    def carrier(self) -> str:
        """The transport that it needs; "" where the default one will do."""
        return self.transport or ("reqwest" if (self.proxy or "").startswith(("socks4", "socks:", "https:")) else "")


class Response(Protocol):
    """A response whose head has arrived."""

    status: int

    @property
    def headers(self) -> Mapping[str, str]:
        """Lower-case names; repeated ones joined with ", " (set-cookie is dropped)."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield body bytes as they arrive.  To be iterated once."""
        ...

    async def read(self, limit: int) -> bytes:
        """Return the whole body; raise UpstreamError(upstream_protocol) above `limit` bytes."""
        ...

    def close(self) -> None:
        """Give the connection back (complete body) or close it.  Idempotent, never blocks, never raises."""
        ...


class Transport(Protocol):
    """Sends requests.  Safe for concurrent use on one event loop."""

    async def send(self, request: Request) -> Response: ...

    async def aclose(self) -> None:
        """Close every pooled connection and cancel background work."""
        ...


async def read_whole(response: Response, limit: int) -> bytes:
    """`Response.read`, for responses that hand out chunks."""
    pieces, size = [], 0
    async for chunk in response.chunks():
        size += len(chunk)
        if size > limit:
            response.close()
            raise UpstreamError(Kind.UPSTREAM_PROTOCOL, f"The answer is larger than {limit} bytes.")
        pieces.append(chunk)
    return b"".join(pieces)


def smuggled(name: str) -> UpstreamError:
    """The error of a header value that holds a line end: it would be a second header, or a second request."""
    return UpstreamError(Kind.UPSTREAM_MISCONFIGURED, f"The header {name} holds a line end.")
