"""SOCKS5 proxies (https://www.rfc-editor.org/rfc/rfc1928, rfc1929) in front of both transports."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

import pytest
from authority import AUTHORITY, good
from fault_server import FaultServer, Proxy, Writer, listening, serving

from hexapla.errors import Kind, UpstreamError
from hexapla.upstream import dial
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.origin import Origin
from hexapla.upstream.reqwest import ReqwestTransport, installed
from hexapla.upstream.transport import Request, Timeouts, Transport

PATIENT = Timeouts(connect=5, head=5, idle=5)
DONE = b"\5\0\0\1" + bytes(6)


class Socks(Proxy):
    """Wants the login, if there is one, and says `says` to whoever wants to go somewhere; b"" is nothing at all."""

    def __init__(self, says: bytes = DONE, login: bytes = b"", method: bytes = b"") -> None:
        super().__init__(says)
        self.login = login
        self.method = method or (b"\2" if login else b"\0")
        self.asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            offered = await reader.readexactly((await reader.readexactly(2))[1])
            writer.write(b"\5" + self.method)
            if self.method not in offered:
                return
            if self.login:
                assert await reader.readexactly(1) == b"\1"
                name = await reader.readexactly((await reader.readexactly(1))[0])
                word = await reader.readexactly((await reader.readexactly(1))[0])
                writer.write(b"\1" + (b"\0" if name + b":" + word == self.login else b"\1"))
            head = await reader.readexactly(4)
            size = {1: 4, 4: 16}.get(head[3]) or (await reader.readexactly(1))[0]
            place, port = await reader.readexactly(size), int.from_bytes(await reader.readexactly(2))
            self.heads.append(head + place)
            self.asked.set()
            for byte in self.says:  # one by one, as a slow line would
                writer.write(bytes([byte]))
                await writer.drain()
            if self.says == DONE:
                await self.carry(port, reader, writer)
            elif not self.says:
                await reader.read()
        writer.close()


def http1() -> Transport:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return Http1Transport(ssl_context=context)


def reqwest() -> Transport:
    if not installed():
        pytest.skip("the extra hexapla[reqwest] is not installed")
    return ReqwestTransport(authorities=AUTHORITY.cert_pem.bytes())


both = pytest.mark.parametrize("make", [http1, reqwest])


async def fetch(transport: Transport, faults: FaultServer, proxy: str, host: str = "127.0.0.1") -> bytes:
    url = faults.base.replace("127.0.0.1", host)
    response = await transport.send(Request(url=f"{url}/ok", body=b"{}", proxy=proxy, timeouts=PATIENT))
    try:
        return await response.read(100)
    finally:
        response.close()


def through(
    make: Callable[[], Transport],
    proxy: Socks,
    url: str = "socks5://127.0.0.1:{}",
    *,
    host: str = "127.0.0.1",
    times: int = 1,
    context: ssl.SSLContext | None = None,
) -> FaultServer:
    """Ask through `proxy`; the upstream that was asked.  Raises what the transport raises."""

    async def run() -> FaultServer:
        transport = make()
        async with serving(context) as faults, listening(proxy.serve) as port:
            try:
                for _ in range(times):
                    assert await fetch(transport, faults, url.format(port), host) == b"hello"
            finally:
                await transport.aclose()
        return faults

    return asyncio.run(run())


@both
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_tunnel_to_either_scheme(secure: bool, make: Callable[[], Transport]) -> None:
    """It is kept for the next request, and the server is asked as without a proxy."""
    proxy = Socks()
    faults = through(make, proxy, times=2, context=good() if secure else None)
    assert proxy.heads == [b"\5\1\0\1\x7f\0\0\1"]
    assert [head.split(b" ")[1] for head in faults.requests] == [b"/v1/ok", b"/v1/ok"]


@both
@pytest.mark.parametrize(("scheme", "kind"), [("socks5", b"\1\x7f\0\0\1"), ("socks5h", b"\3localhost")])
def test_who_looks_up_the_name(scheme: str, kind: bytes, make: Callable[[], Transport]) -> None:
    """We do, or the proxy: then no name server here hears of it."""
    proxy = Socks()
    through(make, proxy, scheme + "://127.0.0.1:{}", host="localhost")
    (head,) = proxy.heads
    assert head[3:] == kind or (scheme == "socks5" and head[3:] == b"\4" + socket.inet_pton(socket.AF_INET6, "::1"))


@both
def test_a_login(make: Callable[[], Transport]) -> None:
    through(make, Socks(login=b"user:s3@cret"), "socks5h://user:s3%40cret@127.0.0.1:{}")


def test_ipv4_is_asked_for_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy is asked for one address, and many have no way to IPv6."""
    found: list[dial.Address] = [(socket.AF_INET6, ("2001:db8::1", 80, 0, 0)), (socket.AF_INET, ("192.0.2.1", 80))]

    async def addresses(host: str, port: int) -> list[dial.Address]:
        return found

    monkeypatch.setattr(dial, "_addresses", addresses)
    origin = Origin("a.example", 80, tls=False)
    assert asyncio.run(dial._one_address(origin)) == "192.0.2.1"
    del found[1]
    assert asyncio.run(dial._one_address(origin)) == "2001:db8::1"
    found.clear()
    with pytest.raises(OSError, match="no address"):
        asyncio.run(dial._one_address(origin))


def test_a_login_that_nobody_wants() -> None:
    through(http1, Socks(), "socks5h://user:s3cret@127.0.0.1:{}")


@both
@pytest.mark.parametrize(
    "proxy",
    [
        lambda: Socks(login=b"user:other"),
        lambda: Socks(method=b"\xff"),
        *(lambda reply=reply: Socks(bytes([5, reply, 0, 1]) + bytes(6)) for reply in (1, 2, 3, 4, 5, 6, 7, 8, 99)),
        lambda: Socks(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        lambda: Socks(b"\5\0\0"),
    ],
)
def test_f06_a_proxy_that_refuses(proxy: Callable[[], Socks], make: Callable[[], Transport]) -> None:
    """Is told as the proxy's refusal, without the login."""
    with pytest.raises(UpstreamError) as caught:
        through(make, proxy(), "socks5h://user:s3cret@127.0.0.1:{}")
    assert caught.value.kind is Kind.EGRESS_PROXY, str(caught.value)
    assert "s3cret" not in str(caught.value)


@both
def test_f06_a_proxy_that_wants_a_login(make: Callable[[], Transport]) -> None:
    with pytest.raises(UpstreamError) as caught:
        through(make, Socks(method=b"\2"), "socks5h://127.0.0.1:{}")
    assert caught.value.kind is Kind.EGRESS_PROXY


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".test", ".".join(["a" * 60] * 5)])
def test_f03_a_name_that_cannot_exist(host: str) -> None:
    for scheme in ("socks5", "socks5h"):
        with pytest.raises(UpstreamError, match="cannot be resolved") as caught:
            through(http1, Socks(), scheme + "://127.0.0.1:{}", host=host)
        assert caught.value.kind is Kind.UPSTREAM_CONNECT


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_f62_leaving_closes_what_the_proxy_has(scheme: str) -> None:
    """Also before the proxy has answered."""

    async def run() -> None:
        transport, proxy = Http1Transport(), Socks(says=b"")
        async with serving() as faults, listening(proxy.serve) as port:
            task = asyncio.ensure_future(fetch(transport, faults, f"{scheme}://127.0.0.1:{port}"))
            await asyncio.wait_for(proxy.asked.wait(), 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert transport.busy == transport.idle == 0
        await transport.aclose()

    asyncio.run(run())


def test_a_proxy_that_is_silent_takes_the_time_for_connecting() -> None:
    async def run() -> UpstreamError:
        transport, proxy = Http1Transport(), Socks(says=b"")
        async with listening(proxy.serve) as port:
            times = Timeouts(connect=0.3, head=60)
            asked = Request(url="http://127.0.0.1:1/", proxy=f"socks5://127.0.0.1:{port}", timeouts=times)
            with pytest.raises(UpstreamError) as caught:
                await transport.send(asked)
        await transport.aclose()
        return caught.value

    assert asyncio.run(run()).kind is Kind.TIMEOUT


def test_the_default_transport_carries_it() -> None:
    """The extra is needed for other proxies alone."""
    asked = {proxy: Request(url="https://a.example/", proxy=proxy).carrier for proxy in PROXIES}
    assert asked == PROXIES


PROXIES = {
    "socks5://p:1": "",
    "socks5h://p:1": "",
    "http://p:1": "",
    "https://p:1": "reqwest",
    "socks4://p:1": "reqwest",
    "socks://p:1": "reqwest",
}
