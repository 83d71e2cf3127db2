"""The way to the provider: names, connections, certificates, clocks, proxies, each failing in its own way."""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import trustme

from doctor.vendor import Examined, Vendor, examined, run, toml, trusted, visit
from hexapla.doctor import network
from hexapla.doctor.network import examine_clock

NOW = datetime.now(UTC)


def test_a_healthy_provider_passes_every_check() -> None:
    """Nothing is skipped, and the question is asked of a model that is listed."""
    vendor = Vendor()
    found = visit(vendor)
    assert set(found.verdicts().values()) == {"ok"}, found
    assert {body["model"] for body in vendor.asked} == {"tiny"} and len(vendor.asked) == 3
    assert found.code("tls") == "tls.none" and found["call"].seconds is not None


def test_a_name_that_does_not_exist() -> None:
    """`.invalid` never resolves (RFC 6761)."""
    found = run(examined(toml("https://no-such-host.invalid/v1"), "own"))
    assert found.code("dns") == "dns.failed" and "no-such-host.invalid" in found.cause("dns")
    assert found.code("tls") == found.code("call") == "skipped"
    assert found.cause("tls") == "not examined, because dns failed"


def test_a_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "DNS_SECONDS", -1)
    assert run(examined(toml("https://api.example.com/v1"), "own")).code("dns") == "dns.slow"


def test_a_name_that_is_no_name() -> None:
    """A label of more than 63 letters is refused before DNS is asked."""
    assert run(examined(toml(f"https://{'x' * 64}.example/v1"), "own")).code("dns") == "dns.failed"


def test_a_port_where_nobody_listens() -> None:
    found = run(examined(toml("http://127.0.0.1:9/v1"), "own"))
    assert found.code("tls") == "tls.refused" and "127.0.0.1:9" in found.cause("tls")


def test_one_of_two_hosts_may_be_down() -> None:
    """The other one is examined on."""

    async def told() -> Examined:
        vendor = Vendor()
        runner = await vendor.start()
        second = '[[providers.own.endpoints]]\nprotocol = "anthropic_messages"\nbase_url = "http://127.0.0.1:9/v1"'
        try:
            return await examined(toml(vendor.url, second), "own")
        finally:
            await runner.cleanup()

    found = run(told())
    assert found.code("tls") == "tls.refused" and found["call"].verdict == "ok"


def test_providers_are_examined_at_once() -> None:
    """Each waits for the other at the list of models: one after the other they would never end."""

    async def told() -> Examined:
        vendor = Vendor()
        both = asyncio.Event()

        async def waiting(request: Any) -> Any:
            vendor.keys.append("asked")
            if len(vendor.keys) == 2:
                both.set()
            await both.wait()
            return await Vendor._models(vendor, request)

        vendor._models = waiting  # type: ignore[method-assign]
        runner = await vendor.start()
        second = toml(vendor.url).replace("providers.own", "providers.other")
        try:
            async with asyncio.timeout(20):
                return await examined(toml(vendor.url) + second, "own", "other")
        finally:
            await runner.cleanup()

    found = run(told())
    assert {finding.provider for finding in found.findings if finding.code == "models.listed"} == {"own", "other"}


AUTHORITY = trustme.CA(organization_name="Doctor's own")
CERTIFICATES: dict[str, tuple[dict[str, Any], str]] = {
    "good": ({}, "tls.ok"),
    "soon": ({"not_after": NOW + timedelta(days=5, hours=1)}, "tls.soon"),
    "expired": ({"not_before": NOW - timedelta(days=9), "not_after": NOW - timedelta(days=2)}, "tls.expired"),
    "not yet": ({"not_before": NOW + timedelta(days=2)}, "tls.not-yet"),
    "another name": ({"name": "elsewhere.example"}, "tls.name"),
}


def serving(how: dict[str, Any]) -> ssl.SSLContext:
    """A server's context with a certificate of AUTHORITY."""
    how = dict(how)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(how.pop("name", "127.0.0.1"), **how).configure_cert(context)
    return context


@pytest.mark.parametrize("case", CERTIFICATES)
def test_certificates(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expiry, beginning and name are told apart; a good one tells its issuer and its days."""
    monkeypatch.setenv("SSL_CERT_FILE", trusted(tmp_path, AUTHORITY))
    how, code = CERTIFICATES[case]
    found = visit(Vendor(), context=serving(how))
    assert found.code("tls") == code
    if code == "tls.ok":
        assert "Doctor's own" in found.cause("tls") and found["call"].verdict == "ok"
    elif code == "tls.soon":
        assert "5 days" in found.cause("tls") and found["call"].verdict == "ok"
    else:
        assert found["tls"].verdict == "fail" and found.code("call") == "skipped" and found.remedy("tls")


def test_an_issuer_that_nobody_knows() -> None:
    assert visit(Vendor(), context=serving({})).code("tls") in ("tls.issuer", "tls.self-signed")


def test_a_certificate_that_signed_itself(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "both.pem"))
    AUTHORITY.private_key_pem.write_to_path(str(tmp_path / "both.pem"), append=True)
    context.load_cert_chain(tmp_path / "both.pem")
    found = visit(Vendor(), context=context)
    assert found.code("tls") == "tls.self-signed" and "SSL_CERT_FILE" in found.remedy("tls")


def test_a_port_that_speaks_no_tls() -> None:
    async def told() -> Examined:
        vendor = Vendor()
        runner = await vendor.start()
        try:
            return await examined(toml(vendor.url.replace("http:", "https:")), "own")
        finally:
            await runner.cleanup()

    assert run(told()).code("tls") == "tls.failed"


async def _proxied(answer: bytes) -> Examined:
    """An examination through a proxy that says `answer`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        return await examined(toml("https://api.example.com/v1", f'proxy = "http://u:hidden@127.0.0.1:{port}"'), "own")


def test_a_proxy_that_refuses() -> None:
    """407 is the proxy's failure and nobody else's; names are the proxy's business."""
    found = run(_proxied(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
    assert found["proxy"].verdict == "fail" and "407" in found.cause("proxy") and found.code("tls") == "skipped"
    assert found.code("dns") == "skipped" and "hidden" not in repr(found)


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_proxy_that_is_not_there(scheme: str) -> None:
    found = run(examined(toml("https://api.example.com/v1", f'proxy = "{scheme}://127.0.0.1:9"'), "own"))
    assert found["proxy"].code == "proxy.failed"


def test_a_host_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody takes the connection and says nothing."""
    monkeypatch.setattr(network, "CONNECT_SECONDS", 0.2)

    async def told() -> Examined:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            return await examined(toml(f"https://127.0.0.1:{port}/v1"), "own")

    assert run(told()).code("tls") == "tls.slow"


@pytest.mark.parametrize(("off", "verdict"), [(0, "ok"), (-30, "ok"), (120, "warn"), (3600, "fail"), (-3600, "fail")])
def test_a_clock_that_is_off(off: int, verdict: str) -> None:
    """The Date header of an answer is the provider's clock; which way ours is off is told."""
    wall = time.time()
    found = Examined([examine_clock("own", formatdate(wall - off, usegmt=True), wall)])
    assert found["clock"].verdict == verdict
    if verdict == "fail":
        assert ("ahead of" if off > 0 else "behind") in found.cause("clock")
        assert ("快" if off > 0 else "慢") in found.cause("clock", "zh")


def test_a_clock_is_read_from_the_list_of_models() -> None:
    """A clock that is off by an hour fails, and the examination goes on: most providers do not mind."""
    vendor = Vendor()
    vendor.listing = (*vendor.listing[:2], {"Date": formatdate(time.time() - 3600, usegmt=True)})
    found = visit(vendor)
    assert found["clock"].verdict == "fail" and found["call"].verdict == "ok"


@pytest.mark.parametrize("date", ["", "soon", "Thu, 99 Foo 2026 00:00:00 GMT"])
def test_a_date_that_is_none(date: str) -> None:
    assert examine_clock("own", date, 0.0).code == "clock.unknown"
