"""The second transport: pyreqwest (rustls), for SOCKS proxies, HTTP/2-only hosts and client certificates.

It meets the contract of transport.py with these differences, which are its library's:
- one connection pool for each proxy; a stale connection is not retried (reqwest retries only what it knows to be unsent);
- the head of an answer may be larger (its own limit is 100 headers);
- compressed answers are decoded by the library, with a limit on their size but not on their ratio;
- an error that stands in the first body bytes may be raised by `send`.

`streamed_read_buffer_limit(0)` matters: its default of 64 KiB would hold a stream back until its end.
"""

from __future__ import annotations

import asyncio
import datetime
from typing import Any
from urllib.parse import urlsplit

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream import _optional as optional
from hexapla.upstream.transport import Request

# what rustls and hyper call it -> our kind; the first match counts
KINDS: tuple[tuple[tuple[str, ...], Kind], ...] = (
    (("certificate", "tls", "handshake"), Kind.UPSTREAM_TLS),
    (("proxy", "socks", "tunnel"), Kind.EGRESS_PROXY),
    (("end of file", "eof", "reading a body", "connection reset", "incomplete"), Kind.UPSTREAM_TRUNCATED),
    (("invalid", "message head", "parse", "chunk size"), Kind.UPSTREAM_PROTOCOL),
    (("connect", "dns", "closed before"), Kind.UPSTREAM_CONNECT),
)


def installed() -> bool:
    """Whether the extra is there."""
    return optional.INSTALLED


class ReqwestTransport:
    """See Transport.  `certificate`: a PEM with key and certificate for hosts that ask the client for one."""

    def __init__(self, *, certificate: bytes | None = None, http2: bool = False) -> None:
        self._certificate = certificate
        self._http2 = http2
        self._clients: dict[str | None, Any] = {}

    async def send(self, request: Request) -> ReqwestResponse:
        asked = self._client(request).request(request.method, request.url)
        asked = asked.headers(list(request.headers)).body_bytes(request.body).streamed_read_buffer_limit(0)
        opening = asked.build_streamed()
        try:
            async with asyncio.timeout(request.timeouts.head or None):
                response = await opening.__aenter__()
        except TimeoutError:
            raise UpstreamError(Kind.TIMEOUT, f"{_place(request)} did not answer in time.") from None
        except optional.PyreqwestError as error:
            raise _explained(error, request, begun=False) from None
        return ReqwestResponse(opening, response, request)

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    def _client(self, request: Request) -> Any:
        found = self._clients.get(request.proxy)
        if found is None:
            found = self._clients[request.proxy] = self._build(request)
        return found

    def _build(self, request: Request) -> Any:
        builder = optional.ClientBuilder().follow_redirects(False).gzip(True)
        builder = builder.connect_timeout(datetime.timedelta(seconds=request.timeouts.connect or 60))
        builder = builder.http2(True) if self._http2 else builder.http1_only()
        if self._certificate is not None:
            builder = builder.identity_pem(self._certificate)
        if request.proxy is None:
            return builder.no_proxy().build()
        return builder.proxy(optional.ProxyBuilder.all(request.proxy)).build()


class ReqwestResponse:
    """A response whose head has arrived (see transport.Response)."""

    def __init__(self, opening: Any, response: Any, request: Request) -> None:
        self._opening = opening
        self._reader = response.body_reader
        self._request = request
        self._size = 0
        self._closing: asyncio.Task[None] | None = None
        self.status: int = response.status
        self.headers: dict[str, str] = {}
        for name, value in response.headers.items():
            key = name.lower()
            if key != "set-cookie":
                self.headers[key] = f"{self.headers[key]}, {value}" if key in self.headers else value

    def chunks(self) -> ReqwestResponse:
        return self

    def __aiter__(self) -> ReqwestResponse:
        return self

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout(self._request.timeouts.idle or None):
                chunk = await self._reader.read_chunk()
        except TimeoutError:
            self.close()
            raise UpstreamError(Kind.TIMEOUT, f"{_place(self._request)} did not continue in time.") from None
        except optional.PyreqwestError as error:
            raise _explained(error, self._request, begun=True) from None
        if chunk is None:
            raise StopAsyncIteration
        data = bytes(chunk)
        self._size += len(data)
        limit = self._request.max_response_bytes
        if limit and self._size > limit:
            self.close()
            raise UpstreamError(Kind.UPSTREAM_PROTOCOL, f"The answer is larger than {limit} bytes.")
        return data

    async def read(self, limit: int) -> bytes:
        pieces, size = [], 0
        async for chunk in self:
            size += len(chunk)
            if size > limit:
                self.close()
                raise UpstreamError(Kind.UPSTREAM_PROTOCOL, f"The answer is larger than {limit} bytes.")
            pieces.append(chunk)
        return b"".join(pieces)

    def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())

    async def _close(self) -> None:
        try:
            await self._opening.__aexit__(None, None, None)
        except optional.PyreqwestError:
            return  # it was broken already, and whoever read it was told


def _place(request: Request) -> str:
    parts = urlsplit(request.url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _explained(error: Exception, request: Request, *, begun: bool) -> UpstreamError:
    """The library's error as ours.  Its texts name the URL but no header."""
    details = getattr(error, "details", None) or {}
    causes = [str(cause.get("message", "")) for cause in details.get("causes", [])]
    said = " ".join(causes).lower()
    if "timed out" in said or "timeout" in type(error).__name__.lower():
        kind = Kind.TIMEOUT
    else:
        usual = Kind.UPSTREAM_TRUNCATED if begun else Kind.UPSTREAM_CONNECT
        kind = next((found for words, found in KINDS if any(word in said for word in words)), usual)
    why = causes[-1] if causes else str(error)
    return UpstreamError(kind, f"{_place(request)}: {why}.")
