"""The second transport: pyreqwest (rustls), for https:// and SOCKS4 proxies and HTTP/2-only hosts.

It meets the contract of transport.py with these differences, which are its library's:
- one connection pool for each proxy and set of time-outs; only what the library knows to be unsent is sent again;
- every chunk of a body costs a round between two threads, 50 to 90 µs where nothing else runs (3,000 chunks of a byte: 0.16
  to 0.27 s), and each way waits for the interpreter where something does;
- the head of an answer may be larger (400 KB, 100 headers), and interim answers are bounded by the time for the head;
- an answer that breaks off inside its head looks like one that never began;
- a request that is cancelled before its head arrives is let go here at once, but the library only detaches from it
  (0.15.1, src/runtime/runtime.rs: the tokio task is not aborted), so its connection lives until the time for a head is
  over, or that for a pause where it is longer (the library has one for both); nothing of it can be reached from here: the
  runtime is one for all clients, closing a client does not abort it, and a body that has been sent is let go.

`streamed_read_buffer_limit(0)` matters: its default of 64 KiB would hold a stream back until its end.  Decoding is ours
(inflate.py): the library bounds neither what an answer grows into nor what it may be packed in.
"""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream import _optional as optional
from hexapla.upstream.connection import PROXY_LOGIN, wants_login
from hexapla.upstream.inflate import Inflate, inflate_of
from hexapla.upstream.origin import Origin, origin_of
from hexapla.upstream.tls import Stamps, context_of, pem_of, stamps
from hexapla.upstream.transport import Certificates, Request, Timeouts, read_whole, smuggled

_Kind = tuple[str | None, Timeouts, Certificates | None, Stamps]
"""What clients differ in."""

# what rustls and hyper call it -> our kind; the first match counts
Words = tuple[tuple[tuple[str, ...], Kind], ...]
HEAD_KINDS: Words = (
    (("timed out",), Kind.TIMEOUT),
    (("tunnel", "proxy", "socks"), Kind.EGRESS_PROXY),
    (("close_notify",), Kind.UPSTREAM_CONNECT),  # closed without the words that TLS has for it
    (("certificate", "tls", "handshake", "fatal alert", "message of type"), Kind.UPSTREAM_TLS),
    (("dns", "connect", "closed before", "broken pipe"), Kind.UPSTREAM_CONNECT),
    (("",), Kind.UPSTREAM_PROTOCOL),
)
BODY_KINDS: Words = (
    (("timed out",), Kind.TIMEOUT),
    (("invalid",), Kind.UPSTREAM_PROTOCOL),
    (("",), Kind.UPSTREAM_TRUNCATED),
)


def installed() -> bool:
    """Whether the extra is there."""
    return optional.INSTALLED


class ReqwestTransport:
    """See Transport.

    authorities  PEMs of certificate authorities that are trusted beside the usual ones
    """

    def __init__(self, *, authorities: bytes | None = None) -> None:
        self._authorities = authorities
        self._clients: dict[_Kind, Any] = {}

    async def send(self, request: Request) -> ReqwestResponse:
        origin = origin_of(request)
        for name, value in request.headers:
            if "\r" in value or "\n" in value or "\0" in value:
                raise smuggled(name)
        asked = self._client(request).request(request.method, request.url)
        asked = asked.headers(list(request.headers)).body_bytes(request.body).streamed_read_buffer_limit(0)
        opening = asked.build_streamed()
        try:
            async with asyncio.timeout(request.timeouts.head or None):
                response = await opening.__aenter__()
        except TimeoutError:
            raise UpstreamError(Kind.TIMEOUT, f"{origin} did not answer in time.") from None
        except optional.PyreqwestError as error:
            raise _explained(error, origin, HEAD_KINDS) from None
        answer = ReqwestResponse(opening, response, request, origin)
        try:
            answer.check()
        except UpstreamError:
            answer.close()
            raise
        return answer

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    def _client(self, request: Request) -> Any:
        key = request.proxy, request.timeouts, request.certificates, stamps(request.certificates)
        found = self._clients.get(key)
        if found is None:
            try:
                found = self._clients[key] = self._build(request)
            except OSError as error:  # the library is read at its first use, for which no file may be left
                why = f"{origin_of(request)} cannot be reached: {error.strerror or error}."
                raise UpstreamError(Kind.UPSTREAM_CONNECT, why) from None
        return found

    def _build(self, request: Request) -> Any:
        builder = optional.ClientBuilder().follow_redirects(False)
        builder = builder.gzip(False).deflate(False).brotli(False).zstd(False)
        times = request.timeouts
        if times.connect:
            builder = builder.connect_timeout(datetime.timedelta(seconds=times.connect))
        if times.write:
            builder = builder.tcp_user_timeout(datetime.timedelta(seconds=times.write))
        if times.head and times.idle:
            builder = builder.read_timeout(datetime.timedelta(seconds=max(times.head, times.idle)))
        builder = builder.http2(True)  # where TLS negotiates it; http:// stays HTTP/1.1
        if self._authorities is not None:
            builder = builder.add_root_certificate_pem(self._authorities)
        if request.certificates is not None:
            builder = _shown(builder, request.certificates)
        if request.proxy is None:
            return builder.no_proxy().build()
        return builder.proxy(optional.ProxyBuilder.all(request.proxy)).build()


class ReqwestResponse:
    """A response whose head has arrived (see transport.Response)."""

    def __init__(self, opening: Any, response: Any, request: Request, origin: Origin) -> None:
        self._opening = opening
        self._reader = response.body_reader
        self._origin = origin
        self._idle = request.timeouts.idle
        self._limit = request.max_response_bytes
        self._size = 0
        self._inflate: Inflate | None = None
        self._closing: asyncio.Task[None] | None = None
        self.status: int = response.status
        self.headers: dict[str, str] = {}
        for name in dict.fromkeys(response.headers):
            try:
                values = response.headers.getall(name)
            except ValueError:
                continue  # one that is not ASCII, which the library has and does not say
            if name.lower() != "set-cookie":
                self.headers[name.lower()] = ", ".join(values)

    def check(self) -> None:
        """Raise UpstreamError for a head that is a proxy's, or that promises what cannot be read."""
        if self.status == PROXY_LOGIN and self._origin.forwarded:
            raise wants_login(self._origin)
        if self.status < 200:
            raise UpstreamError(Kind.UPSTREAM_PROTOCOL, "The provider switched to another protocol.")
        if "content-length" in self.headers and "transfer-encoding" in self.headers:
            raise UpstreamError(Kind.UPSTREAM_PROTOCOL, "The provider names a length and sends chunks.")
        length = self.headers.get("content-length", "")
        if self.status < 300 and length.isdecimal() and 0 < self._limit < int(length):
            raise self._too_large()
        self._inflate = inflate_of(self.headers.get("content-encoding", ""), self._limit)

    def chunks(self) -> ReqwestResponse:
        return self

    def __aiter__(self) -> ReqwestResponse:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await (self._piece() if self._inflate is None else self._unpacked(self._inflate))
        except UpstreamError:
            self.close()
            raise

    async def _unpacked(self, inflate: Inflate) -> bytes:
        """The next bytes of a packed body."""
        while not (data := inflate.take()):
            try:
                inflate.feed(await self._piece())
            except StopAsyncIteration:
                inflate.close()
                raise
        return data

    async def _piece(self) -> bytes:
        """The next bytes as they came.  Raises StopAsyncIteration at their end."""
        try:
            async with asyncio.timeout(self._idle or None):
                chunk = await self._reader.read_chunk()
        except TimeoutError:
            raise UpstreamError(Kind.TIMEOUT, f"{self._origin} did not continue in time.") from None
        except optional.PyreqwestError as error:
            raise _explained(error, self._origin, BODY_KINDS) from None
        if chunk is None:
            raise StopAsyncIteration
        self._size += len(chunk)
        if self._limit and self._size > self._limit:
            raise self._too_large()
        return bytes(chunk)

    def _too_large(self) -> UpstreamError:
        return UpstreamError(Kind.UPSTREAM_PROTOCOL, f"The answer is larger than {self._limit} bytes.")

    async def read(self, limit: int) -> bytes:
        return await read_whole(self, limit)

    def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())

    async def _close(self) -> None:
        try:
            await self._opening.__aexit__(None, None, None)
        except optional.PyreqwestError:
            return  # it was broken already, and whoever read it was told


def _shown(builder: Any, certificates: Certificates) -> Any:
    """`builder` with the certificates.  Raises UpstreamError for files that cannot be used."""
    context_of(certificates)  # the library looks at files later or not at all; OpenSSL says which one is wrong, and why
    if certificates.ca:
        builder = builder.add_root_certificate_pem(pem_of(certificates.ca))
    if certificates.cert:
        pems = [pem_of(file) for file in (certificates.key, certificates.cert) if file]
        builder = builder.identity_pem(b"\n".join(pems))
    return builder


def _explained(error: Exception, origin: Origin, kinds: Words) -> UpstreamError:
    """The library's error as ours.  Its texts name the URL, whose words mean nothing here, and no header."""
    details = getattr(error, "details", None) or {}
    causes = [str(cause.get("message", "")) for cause in details.get("causes", [])]
    causes = [cause for cause in causes if " for url (" not in cause] or [type(error).__name__]
    said = " ".join(causes).lower()
    kind = next(kind for words, kind in kinds if any(word in said for word in words))
    return UpstreamError(kind, f"{origin}: {causes[-1]}.")
