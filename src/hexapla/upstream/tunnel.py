"""The way through a proxy to somebody else: HTTP's CONNECT, and SOCKS5 (RFC 1928, its login RFC 1929).

Rules of this file: a proxy's refusal is UpstreamError(egress_proxy) and shows no login; nothing may stand behind what the
proxy says, since the other end waits for us to speak first.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from urllib.parse import unquote, urlsplit

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.egress import proxy_login
from hexapla.upstream.origin import Origin

MAX_CONNECT_HEAD = 16 * 1024

SOCKS = ("socks5", "socks5h")
"""Who looks up the name: we, or the proxy (as curl has it)."""

_VERSION, _CONNECT, _PLAIN, _LOGIN = 5, 1, 0, 2
_IPV4, _NAME, _IPV6 = 1, 3, 4

REFUSALS = {
    1: "it has failed",
    2: "it is not allowed",
    3: "the network cannot be reached",
    4: "the host cannot be reached",
    5: "the connection was refused",
    6: "its packets ran out of time",
    7: "it does not know CONNECT",
    8: "it does not know this kind of address",
}
"""What the reply of a SOCKS5 proxy means (RFC 1928, 6)."""


async def connect(sock: socket.socket, origin: Origin, proxy_url: str, where: str) -> None:
    """Let the HTTP proxy at the other end of `sock` open a tunnel to `origin`."""
    loop = asyncio.get_running_loop()
    lines = [f"CONNECT {origin} HTTP/1.1", f"Host: {origin}", *proxy_login(proxy_url)]
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


async def socks(sock: socket.socket, host: str, port: int, proxy_url: str, where: str) -> None:
    """Let the SOCKS5 proxy at the other end of `sock` connect to `host`, a name or an address."""
    proxy = urlsplit(proxy_url)
    line = _Line(sock, where)
    ways = [_PLAIN] if proxy.username is None else [_PLAIN, _LOGIN]
    await line.send(bytes([_VERSION, len(ways), *ways]))
    version, method = await line.receive(2)
    if version != _VERSION:
        raise line.no_socks()
    if method == _LOGIN and _LOGIN in ways:
        name, word = (unquote(each).encode()[:255] for each in (proxy.username or "", proxy.password or ""))
        await line.send(b"\1%c%b%c%b" % (len(name), name, len(word), word))
        if (await line.receive(2))[1]:
            raise UpstreamError(Kind.EGRESS_PROXY, f"The proxy {where} refused the login that its URL holds.")
    elif method != _PLAIN:
        raise UpstreamError(Kind.EGRESS_PROXY, f"The proxy {where} wants another login than its URL holds.")
    await line.send(bytes([_VERSION, _CONNECT, 0]) + _spelled(host) + struct.pack(">H", port))
    version, reply, _, kind = await line.receive(4)
    if version != _VERSION:
        raise line.no_socks()
    if reply:
        why = REFUSALS.get(reply, f"reply {reply}")
        raise UpstreamError(Kind.EGRESS_PROXY, f"The proxy {where} did not connect to {host}: {why}.")
    length = {_IPV4: 4, _IPV6: 16}.get(kind) or (await line.receive(1))[0]
    await line.receive(length + 2)  # where it has connected from


class _Line:
    """A SOCKS5 proxy, message by message."""

    def __init__(self, sock: socket.socket, where: str) -> None:
        self._sock = sock
        self._where = where
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._sock, data)

    async def receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = await self._loop.sock_recv(self._sock, size - len(data))
            if not more:
                raise self.no_socks()
            data += more
        return data

    def no_socks(self) -> UpstreamError:
        return UpstreamError(Kind.EGRESS_PROXY, f"The proxy {self._where} does not speak SOCKS5.")


def _spelled(host: str) -> bytes:
    """A host as SOCKS5 has it."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = _name(host)
        return bytes([_NAME, len(name)]) + name
    return bytes([_IPV4 if address.version == 4 else _IPV6]) + address.packed


def _name(host: str) -> bytes:
    try:
        name = host.encode("idna")
    except UnicodeError:  # a label that is empty or has more than 63 letters
        name = b""
    if not 0 < len(name) < 256:
        why = f"The name {host} cannot be resolved: it is no name that could exist."
        raise UpstreamError(Kind.UPSTREAM_CONNECT, why)
    return name
