"""Opening connections: TCP, TLS, and CONNECT through a proxy, within one deadline."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.connection import Connection
from hexapla.upstream.transport import Request

MAX_CONNECT_HEAD = 16 * 1024


class Origin(NamedTuple):
    """Where connections of one pool go."""

    host: str
    port: int
    tls: bool
    proxy: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@lru_cache(maxsize=1024)
def _split(url: str) -> tuple[str, int, bool]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UpstreamError(Kind.UPSTREAM_MISCONFIGURED, f"{url!r} is no http(s) URL; correct the provider's base_url.")
    tls = parts.scheme == "https"
    return parts.hostname, parts.port or (443 if tls else 80), tls


def origin_of(request: Request) -> Origin:
    """The pool that a request belongs to."""
    return Origin(*_split(request.url), request.proxy)


async def dial(
    origin: Origin, context: ssl.SSLContext | None, seconds: float, released: Callable[[Connection], None]
) -> Connection:
    """A fresh connection.  Raises UpstreamError: upstream_connect, upstream_tls, egress_proxy or timeout."""
    try:
        async with asyncio.timeout(seconds or None):
            if origin.proxy is None:
                return await _direct(origin, context, released)
            return await _proxied(origin, context, released)
    except TimeoutError:
        raise UpstreamError(Kind.TIMEOUT, f"{origin} could not be reached within {seconds:g} seconds.") from None
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or "handshake failed"
        raise UpstreamError(Kind.UPSTREAM_TLS, f"TLS with {origin} failed: {reason}.") from None
    except socket.gaierror as error:
        raise UpstreamError(Kind.UPSTREAM_CONNECT, f"The name {origin.host} cannot be resolved: {error}.") from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        kind = Kind.UPSTREAM_TLS if origin.tls and isinstance(error, ConnectionResetError) else Kind.UPSTREAM_CONNECT
        raise UpstreamError(kind, f"{origin} cannot be reached: {why}.") from None


async def _direct(origin: Origin, context: ssl.SSLContext | None, released: Callable[[Connection], None]) -> Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        lambda: Connection(released),
        origin.host,
        origin.port,
        ssl=context if origin.tls else None,
        server_hostname=origin.host if origin.tls else None,
    )
    return connection


async def _proxied(
    origin: Origin, context: ssl.SSLContext | None, released: Callable[[Connection], None]
) -> Connection:
    """Through an HTTP proxy: CONNECT, then TLS if the origin wants it."""
    assert origin.proxy is not None
    proxy = urlsplit(origin.proxy)
    loop = asyncio.get_running_loop()
    where = f"{proxy.hostname}:{proxy.port or 80}"
    sock: socket.socket | None = None
    try:
        infos = await loop.getaddrinfo(proxy.hostname, proxy.port or 80, type=socket.SOCK_STREAM)
        sock = socket.socket(infos[0][0], infos[0][1])
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(sock, infos[0][4])
        await _connect(loop, sock, origin, proxy.username, proxy.password, where)
        _, connection = await loop.create_connection(
            lambda: Connection(released),
            sock=sock,
            ssl=context if origin.tls else None,
            server_hostname=origin.host if origin.tls else None,
        )
        return connection
    except (UpstreamError, ssl.SSLError):
        _shut(sock)
        raise
    except OSError as error:
        _shut(sock)
        why = error.strerror or type(error).__name__
        raise UpstreamError(Kind.EGRESS_PROXY, f"The proxy {where} cannot be reached: {why}.") from None
    except asyncio.CancelledError:
        _shut(sock)
        raise


async def _connect(
    loop: asyncio.AbstractEventLoop,
    sock: socket.socket,
    origin: Origin,
    user: str | None,
    password: str | None,
    where: str,
) -> None:
    lines = [f"CONNECT {origin} HTTP/1.1", f"Host: {origin}"]
    if user is not None:
        pair = f"{unquote(user)}:{unquote(password or '')}".encode()
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}")
    await loop.sock_sendall(sock, ("\r\n".join(lines) + "\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        data = await loop.sock_recv(sock, 4096)
        head += data
        if not data or len(head) > MAX_CONNECT_HEAD:
            raise UpstreamError(Kind.EGRESS_PROXY, f"The proxy {where} did not answer CONNECT with HTTP.")
    status = head.split(b" ", 2)[1:2]
    if status != [b"200"]:
        said = status[0].decode("latin-1") if status else "nothing"
        raise UpstreamError(Kind.EGRESS_PROXY, f"The proxy {where} refused the connection ({said}).")


def _shut(sock: socket.socket | None) -> None:
    if sock is not None:
        sock.close()
