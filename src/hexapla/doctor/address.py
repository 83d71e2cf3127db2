"""Where requests would go, and through which proxy: what can be said without going there.

Rules of this file: pure; a proxy's password and an address's query are never shown.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from hexapla.catalog.schema import Endpoint, Provider
from hexapla.doctor.finding import Finding, found
from hexapla.upstream.egress import proxy_for

_SCHEMES = ("http", "https", "demo")  # the last one lives in this process
_PROXIES = ("http", "socks5", "socks5h")


def examine_address(provider: Provider, *, keyed: bool) -> list[Finding]:
    """One finding for each address that is wrong; one for all of them when none is.

    keyed  a key would be sent there
    """
    if provider.unavailable:
        return [found(provider.id, "address", "fail", "address.unavailable", why=provider.unavailable)]
    hosts = ", ".join(dict.fromkeys(place(endpoint.base_url) for endpoint in provider.endpoints))
    return _once(_wrong_addresses(provider, keyed)) or [found(provider.id, "address", "ok", "address.ok", hosts=hosts)]


def examine_proxy(provider: Provider, environment: Mapping[str, str]) -> list[Finding]:
    """Which proxies are used: the endpoints' own, or the environment's."""
    asked = [proxy_for(endpoint.base_url, endpoint.proxy, environment) for endpoint in provider.endpoints]
    used = [proxy for proxy in asked if proxy is not None]
    return _once(_proxy(provider, proxy) for proxy in used) or [found(provider.id, "proxy", "ok", "proxy.none")]


def place(url: str) -> str:
    """Host and port of a URL, without name, password and query; "" where there is none."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # a proxy's; an endpoint's address was read before
        return ""
    host = parts.hostname or ""
    return (f"[{host}]" if ":" in host else host) + port


def is_local(host: str) -> bool:
    """Whether a host (with or without port) is this machine or on its private network."""
    name = host.removeprefix("[").partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return ipaddress.ip_address(name).is_private
    except ValueError:
        return "." not in name or name.endswith((".local", ".internal", ".localhost"))


def _wrong_addresses(provider: Provider, keyed: bool) -> Iterator[Finding]:
    for endpoint in provider.endpoints:
        host, scheme = place(endpoint.base_url), _scheme(endpoint)
        if scheme not in _SCHEMES or not host:
            shown = endpoint.base_url.partition("?")[0][:80]
            yield found(provider.id, "address", "fail", "address.wrong", url=shown)
        elif scheme == "http" and keyed and not is_local(host):
            yield found(provider.id, "address", "warn", "address.plain", host=host)


def _scheme(endpoint: Endpoint) -> str:
    """As the gateway reads it: none is https, or http on this machine and its network."""
    scheme, separator, _ = endpoint.base_url.strip().partition("://")
    if separator:
        return scheme.lower()
    return "http" if is_local(place(endpoint.base_url)) else "https"


def _proxy(provider: Provider, proxy: str) -> Finding:
    shown = place(proxy)
    if proxy.partition("://")[0] in _PROXIES and "://" in proxy and shown:
        return found(provider.id, "proxy", "ok", "proxy.used", proxy=shown)
    return found(provider.id, "proxy", "fail", "proxy.wrong", proxy=shown)


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Endpoints share hosts and proxies: what is wrong with both is said once."""
    seen: list[Finding] = []
    for finding in findings:
        if finding not in seen:
            seen.append(finding)
    return seen
