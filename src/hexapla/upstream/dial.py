"""Opening connections: TCP, TLS, and the way through a proxy, within one deadline.

Through an HTTP proxy https is reached by CONNECT, plain http by asking the proxy for the whole URL: many proxies allow
CONNECT to port 443 alone (Squid's default), and curl and httpx ask in the same way (RFC 9112, 3.2.2).  A SOCKS5 proxy leads
to both (tunnel.py).

A host with several addresses is tried at all of them, each a moment after the one before (RFC 8305): where IPv6 leads
nowhere, IPv4 answers a quarter of a second later and not after the whole time for connecting.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from itertools import zip_longest
from typing import Any
from urllib.parse import urlsplit

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.connection import Connection
from hexapla.upstream.names import NAMES
from hexapla.upstream.origin import Origin
from hexapla.upstream.tls import handshake_failed
from hexapla.upstream.tunnel import SOCKS, connect, socks

ATTEMPT_DELAY = 0.25  # seconds before the next address is tried beside a silent one

Address = tuple[int, Any]  # a family, and an address in its shape


async def dial(origin: Origin, context: ssl.SSLContext | None, seconds: float) -> Connection:
    """A fresh connection.  Raises UpstreamError: upstream_connect, upstream_tls, egress_proxy or timeout."""
    try:
        async with asyncio.timeout(seconds or None):
            return await _opened(origin, context)
    except TimeoutError:
        raise UpstreamError(Kind.TIMEOUT, f"{origin} could not be reached within {seconds:g} seconds.") from None
    except ssl.SSLError as error:
        raise handshake_failed(origin, error) from None
    except socket.gaierror as error:
        raise UpstreamError(
            Kind.UPSTREAM_CONNECT, f"The name {origin.host} cannot be resolved: {_why(error)}."
        ) from None
    except OSError as error:
        kind = Kind.UPSTREAM_TLS if origin.tls and isinstance(error, ConnectionResetError) else Kind.UPSTREAM_CONNECT
        raise UpstreamError(kind, f"{origin} cannot be reached: {_why(error)}.") from None


def _why(error: OSError) -> str:
    """The system's words; the loop's own would tell the address once more."""
    if isinstance(error, socket.gaierror):  # whose numbers are the resolver's own
        return error.strerror or str(error)
    return os.strerror(error.errno) if error.errno else str(error) or type(error).__name__


async def _opened(origin: Origin, context: ssl.SSLContext | None) -> Connection:
    sock = await (_reach(origin.host, origin.port) if origin.proxy is None else _through(origin, origin.proxy))
    try:
        _, connection = await asyncio.get_running_loop().create_connection(
            Connection,
            sock=sock,
            ssl=context if origin.tls else None,
            server_hostname=origin.host if origin.tls else None,
        )
        return connection
    except BaseException:
        sock.close()
        raise


async def _through(origin: Origin, proxy_url: str) -> socket.socket:
    """A socket that leads to `origin` through a proxy, or to the proxy that will be asked for it."""
    proxy = urlsplit(proxy_url)
    by_socks = proxy.scheme in SOCKS
    port = proxy.port or (1080 if by_socks else 80)
    where = f"{proxy.hostname}:{port}"
    host = await _one_address(origin) if proxy.scheme == "socks5" else origin.host
    try:
        sock = await _reach(proxy.hostname or "", port)
        if origin.forwarded:
            return sock
        try:
            if by_socks:
                await socks(sock, host, origin.port, proxy_url, where)
            else:
                await connect(sock, origin, proxy_url, where)
        except BaseException:
            sock.close()
            raise
    except OSError as error:
        raise UpstreamError(Kind.EGRESS_PROXY, f"The proxy {where} cannot be reached: {_why(error)}.") from None
    return sock


async def _reach(host: str, port: int) -> socket.socket:
    """A socket that is connected to the first address of `host` that answers.  Raises OSError: the first one's."""
    addresses = await _addresses(host, port)
    if len(addresses) == 1:
        return await _knock(addresses[0])
    knocks: list[asyncio.Task[socket.socket]] = []
    won: asyncio.Task[socket.socket] | None = None
    try:
        for address in addresses:
            knocks.append(asyncio.create_task(_knock(address)))
            won = await _first(knocks, None if len(knocks) == len(addresses) else ATTEMPT_DELAY)
            if won is not None:
                return won.result()
        raise knocks[0].exception() or OSError(f"{host} has no address")
    finally:
        for knock in knocks:
            if knock is not won:
                knock.cancel()
                knock.add_done_callback(_forget)


async def _first(
    knocks: list[asyncio.Task[socket.socket]], seconds: float | None
) -> asyncio.Task[socket.socket] | None:
    """The first success; None when `seconds` are over or, while there are more addresses, when one has failed."""
    running = {knock for knock in knocks if not knock.done()}
    while running:
        done, running = await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        won = next((knock for knock in done if knock.exception() is None), None)
        if won is not None or seconds is not None:
            return won
    return None


def _forget(knock: asyncio.Task[socket.socket]) -> None:
    """Close what a knock that nobody waits for any more has opened."""
    if not knock.cancelled() and knock.exception() is None:
        knock.result().close()


async def _addresses(host: str, port: int) -> list[Address]:
    """The addresses of `host`, families in turn, the resolver's favourite first."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:  # it is a name
        found = await NAMES.look_up(host, port)
    except UnicodeError:  # a label that is empty or has more than 63 letters
        raise socket.gaierror(socket.EAI_NONAME, "it is no name that could exist") from None
    by_family: dict[int, list[Address]] = {}
    for family, _, _, _, address in found:
        by_family.setdefault(family, []).append((family, address))
    return [address for turn in zip_longest(*by_family.values()) for address in turn if address is not None]


async def _one_address(origin: Origin) -> str:
    """The one that a proxy can be asked for; not every proxy has a way to IPv6."""
    found = await _addresses(origin.host, origin.port)
    if not found:
        raise OSError(f"{origin.host} has no address")
    _, place = min(found, key=lambda address: address[0] != socket.AF_INET)
    return str(place[0])


async def _knock(address: Address) -> socket.socket:
    """A socket that is connected to `address`."""
    family, place = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # said here because asyncio says it only for sockets that were made with a protocol number
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, place)
    except BaseException:
        sock.close()
        raise
    return sock
