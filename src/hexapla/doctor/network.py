"""The way to a provider's hosts: name, connection, certificate, clock.

The connection is made as the gateway makes it (upstream/dial.py), so that what is seen here is what a request meets.

Rules of this file: one look at each host; whoever fails here is not asked anything.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any

from hexapla.doctor.finding import Check, Finding, Verdict, found
from hexapla.errors import Kind, UpstreamError
from hexapla.upstream.dial import dial
from hexapla.upstream.origin import Origin
from hexapla.upstream.tls import context_of

DNS_SECONDS = 5
CONNECT_SECONDS = 8
SOON_DAYS = 14
SKEW_WARN = 60  # seconds; Date headers are whole seconds, and answers take a while
SKEW_FAIL = 300  # what signed requests and short-lived tokens tolerate
DAY = 86_400

# OpenSSL's reasons (X509_V_ERR_*, https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/, 2026-11)
_VERIFY = {
    9: "tls.not-yet",
    10: "tls.expired",
    18: "tls.self-signed",
    19: "tls.self-signed",
    20: "tls.issuer",
    21: "tls.issuer",
    62: "tls.name",
    64: "tls.name",
}


async def examine_network(provider: str, origin: Origin, wall: float) -> AsyncIterator[Finding]:
    """Name, connection and certificate of one host.

    wall  Unix seconds
    """
    if origin.proxy is None:
        named = await _resolve(provider, origin)
        yield named
        if named.verdict == "fail":
            return
    if (origin.proxy or "http:").startswith(("http:", "socks5")):  # only the other transport goes through others
        yield await _connect(provider, origin, wall)


def examine_clock(provider: str, date: str, wall: float) -> Finding:
    """Compare our clock with the Date of an answer that came at `wall` (Unix seconds)."""
    try:
        skew = round(wall - parsedate_to_datetime(date).timestamp())
    except (TypeError, ValueError):
        return found(provider, "clock", "skip", "clock.unknown")
    off = abs(skew)
    if off <= SKEW_WARN:
        return found(provider, "clock", "ok", "clock.ok", skew=max(off, 1))
    way, way_zh = ("ahead of", "快") if skew > 0 else ("behind", "慢")
    verdict: Verdict = "fail" if off > SKEW_FAIL else "warn"
    return found(provider, "clock", verdict, "clock.off", skew=off, direction=way, direction_zh=way_zh)


async def _resolve(provider: str, origin: Origin) -> Finding:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(DNS_SECONDS):
            infos = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except TimeoutError:
        return found(provider, "dns", "fail", "dns.slow", host=origin.host, limit=DNS_SECONDS)
    except (OSError, UnicodeError) as error:  # UnicodeError: no name that DNS could hold
        why = getattr(error, "strerror", None) or str(error)
        return found(provider, "dns", "fail", "dns.failed", host=origin.host, why=why)
    known = list(dict.fromkeys(str(info[4][0]) for info in infos))
    shown = ", ".join(known[:2]) + (f" (+{len(known) - 2})" if len(known) > 2 else "")
    return found(provider, "dns", "ok", "dns.ok", host=origin.host, addresses=shown, seconds=loop.time() - began)


async def _connect(provider: str, origin: Origin, wall: float) -> Finding:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        context = context_of(origin.certificates) if origin.tls else None
        connection = await dial(origin, context, CONNECT_SECONDS)
    except UpstreamError as error:
        check, code = _failure(error)
        said = error.message.rstrip(".")
        return found(provider, check, "fail", code, host=str(origin), said=said, limit=CONNECT_SECONDS)
    certificate = connection.certificate
    connection.close()
    seconds = loop.time() - began
    if certificate is None:
        return found(provider, "tls", "ok", "tls.none", seconds=seconds)
    days = int((ssl.cert_time_to_seconds(certificate["notAfter"]) - wall) // DAY)
    verdict, code = _LIFETIME[days < SOON_DAYS]
    issuer = _issuer(certificate)
    return found(provider, "tls", verdict, code, host=origin.host, days=days, issuer=issuer, seconds=seconds)


_LIFETIME: dict[bool, tuple[Verdict, str]] = {True: ("warn", "tls.soon"), False: ("ok", "tls.ok")}


def _issuer(certificate: dict[str, Any]) -> str:
    named = dict(pair for relative in certificate.get("issuer", ()) for pair in relative)
    return str(named.get("organizationName") or named.get("commonName") or "?")


def _failure(error: UpstreamError) -> tuple[Check, str]:
    """Which check has failed, and how."""
    below = error.__context__  # what OpenSSL said
    if error.kind is Kind.EGRESS_PROXY:
        return "proxy", "proxy.failed"
    if isinstance(below, ssl.SSLCertVerificationError):
        return "tls", _VERIFY.get(below.verify_code, "tls.failed")
    codes = {Kind.UPSTREAM_TLS: "tls.failed", Kind.TIMEOUT: "tls.slow"}
    return "tls", codes.get(error.kind, "tls.refused")
