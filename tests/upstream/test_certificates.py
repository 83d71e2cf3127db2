"""Providers that want to see a certificate, and those that show one of an authority of their own."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trustme
import uvloop
from authority import AUTHORITY, good
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from fault_server import FaultServer, serving

from hexapla.config import load_config
from hexapla.engine.assemble import open_gateway
from hexapla.engine.client import Ask
from hexapla.errors import ConfigError, Kind, UpstreamError
from hexapla.sdk.inbox import Inbox
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.reqwest import ReqwestTransport, installed
from hexapla.upstream.transport import Certificates, Request, Timeouts, Transport

CLIENTS = trustme.CA()
"""The authority that the server trusts."""

PATIENT = Timeouts(connect=5, head=5, idle=5)


def demanding(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A server that takes nobody without a certificate."""
    context = good()
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    CLIENTS.configure_trust(context)
    return context


def written(folder: Path, authority: trustme.CA = CLIENTS) -> Certificates:
    """A client's certificate by `authority`, and who it trusts, as files."""
    issued = authority.issue_cert("client@example.test")
    cert, key, ca = (folder / name for name in ("client.pem", "client.key", "ca.pem"))
    cert.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    ca.write_bytes(AUTHORITY.cert_pem.bytes())
    return Certificates(cert=str(cert), key=str(key), ca=str(ca))


@pytest.fixture(params=["http1", "reqwest"])
def make(request: pytest.FixtureRequest) -> Callable[[], Transport]:
    """Makes the transport under test, which trusts nobody but whom the files name."""
    if request.param == "reqwest" and not installed():
        pytest.skip("the extra hexapla[reqwest] is not installed")
    return Http1Transport if request.param == "http1" else ReqwestTransport


def play(
    make: Callable[[], Transport],
    scene: Callable[[FaultServer, Transport], Awaitable[None]],
    context: ssl.SSLContext | None = None,
) -> None:
    async def run() -> None:
        transport = make()
        async with serving(context or demanding(ssl.TLSVersion.TLSv1_3)) as server:
            try:
                await scene(server, transport)
            finally:
                await transport.aclose()

    uvloop.run(run())


async def fetch(transport: Transport, server: FaultServer, certificates: Certificates | None) -> bytes:
    asked = Request(url=f"{server.base}/ok", body=b"{}", timeouts=PATIENT, certificates=certificates)
    response = await transport.send(asked)
    try:
        return await response.read(1000)
    finally:
        response.close()


async def fails(transport: Transport, server: FaultServer, certificates: Certificates | None) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await fetch(transport, server, certificates)
    return caught.value


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("apart", [True, False], ids=["two-files", "one-file"])
def test_the_certificate_is_shown(
    apart: bool, version: ssl.TLSVersion, make: Callable[[], Transport], tmp_path: Path
) -> None:
    """Key and certificate in two files or in one, to a server whose own certificate is by a private authority."""
    shown = written(tmp_path)
    if not apart:
        both = Path(shown.key).read_bytes() + Path(shown.cert).read_bytes()
        Path(shown.cert).write_bytes(both)
        shown = Certificates(cert=shown.cert, ca=shown.ca)

    async def scene(server: FaultServer, transport: Transport) -> None:
        assert await fetch(transport, server, shown) == b"hello"

    play(make, scene, demanding(version))


def test_without_it_nothing_is_said(make: Callable[[], Transport], tmp_path: Path) -> None:
    """No certificate, or one of a stranger: the server hears no request, and other requests' connections do not serve."""
    known, stranger = written(tmp_path), tmp_path / "stranger"
    stranger.mkdir()
    others = written(stranger, trustme.CA())

    async def scene(server: FaultServer, transport: Transport) -> None:
        assert await fetch(transport, server, known) == b"hello"
        for shown in (Certificates(ca=known.ca), others):
            assert (await fails(transport, server, shown)).kind in (Kind.UPSTREAM_TLS, Kind.UPSTREAM_CONNECT)
        assert (await fails(transport, server, None)).kind is Kind.UPSTREAM_TLS
        assert len(server.requests) == 1

    play(make, scene)


def test_a_renewed_certificate_is_read(make: Callable[[], Transport], tmp_path: Path) -> None:
    """The file is replaced while the gateway runs: the next connection shows the new one."""
    shown = written(tmp_path, trustme.CA())

    async def scene(server: FaultServer, transport: Transport) -> None:
        await fails(transport, server, shown)
        written(tmp_path)
        for file in shown.files:
            os.utime(file, (1, 1))  # the clock of the files may be coarser than this test is fast
        assert await fetch(transport, server, shown) == b"hello"

    play(make, scene)


@pytest.mark.parametrize("wrong", ["cert", "key", "ca"])
@pytest.mark.parametrize("content", [None, b"no PEM at all"], ids=["missing", "nonsense"])
def test_a_file_that_is_of_no_use_is_named(
    content: bytes | None, wrong: str, make: Callable[[], Transport], tmp_path: Path
) -> None:
    """The operator hears which file it is, and never what stands in it."""
    shown = written(tmp_path)
    file = Path(getattr(shown, wrong))
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)

    async def scene(server: FaultServer, transport: Transport) -> None:
        error = await fails(transport, server, shown)
        assert error.kind is Kind.UPSTREAM_MISCONFIGURED and "tls" in str(error)
        assert str(file) in str(error) or str(shown.key) in str(error)
        assert "no PEM at all" not in str(error) and not server.requests

    play(make, scene)


def test_an_encrypted_key_asks_nobody(tmp_path: Path) -> None:
    """A server has no terminal to type a password at."""
    shown = written(tmp_path)
    key = load_pem_private_key(Path(shown.key).read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"s3cret"))
    Path(shown.key).write_bytes(locked)

    async def scene(server: FaultServer, transport: Transport) -> None:
        assert (await fails(transport, server, shown)).kind is Kind.UPSTREAM_MISCONFIGURED

    play(Http1Transport, scene)


CONFIG = """
[ledger]
path = ":memory:"
[providers.mine]
auth = {{ kind = "none" }}
tls = {{ cert = "client.pem", key = "client.key", ca = "ca.pem" }}
[[providers.mine.endpoints]]
protocol = "openai_chat"
base_url = "{base}"
path = "/answer"
transport = "{transport}"
"""


def test_a_provider_of_ones_own_is_asked_with_it(make: Callable[[], Transport], tmp_path: Path) -> None:
    """From the configuration's `tls`, whose paths stand beside it, to the answer."""
    written(tmp_path)
    name = "http1" if make is Http1Transport else "reqwest"

    async def scene(server: FaultServer, transport: Transport) -> None:
        file = tmp_path / "hexapla.toml"
        file.write_text(CONFIG.format(base=server.base, transport=name))
        gateway = open_gateway(file)
        try:
            inbox = Inbox(depth=0)
            body = {"model": "mine/m", "messages": [{"role": "user", "content": "Hello"}]}
            await gateway.generate(Ask(protocol="openai_chat", body=json.dumps(body).encode()), inbox)
            assert b"Hello." in await inbox.read()
        finally:
            await gateway.aclose()

    play(make, scene)


def test_files_that_are_not_there_are_told_at_the_start(tmp_path: Path) -> None:
    """With the line and the key."""
    file = tmp_path / "hexapla.toml"
    file.write_text(CONFIG.format(base="https://127.0.0.1:1", transport="http1"))
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert (caught.value.line, caught.value.key) == (6, "providers.mine.tls.cert") and "client.pem" in str(caught.value)
