"""The proxy that a request leaves by, as the environment says it for every program.

HTTPS_PROXY, HTTP_PROXY and ALL_PROXY name one for addresses of their scheme, NO_PROXY the hosts that need none; small
letters stand above capitals, as curl has it (https://everything.curl.dev/usingcurl/proxies/env.html, 2026-11).  This
machine's own addresses are always reached directly, as Go has it, so that a local model server needs no exception.

An endpoint's own `proxy` stands above all of this; "direct" means none.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

DIRECT = "direct"


def proxy_for(url: str, chosen: str, environment: Mapping[str, str]) -> str | None:
    """The proxy for `url`, or None.  `chosen` is the endpoint's own word."""
    if chosen:
        return None if chosen == DIRECT else chosen
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    proxy = _variable(f"{parts.scheme}_proxy", environment) or _variable("all_proxy", environment)
    if not proxy or not host or _local(host) or _exempt(host, _variable("no_proxy", environment)):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def proxy_login(proxy_url: str) -> list[str]:
    """The header line by which a proxy knows us; none where its URL names nobody."""
    proxy = urlsplit(proxy_url)
    if proxy.username is None:
        return []
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return [f"proxy-authorization: Basic {base64.b64encode(pair).decode()}"]


def _variable(name: str, environment: Mapping[str, str]) -> str:
    return environment.get(name) or environment.get(name.upper()) or ""


def _local(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)


def _exempt(host: str, listed: str) -> bool:
    """Whether NO_PROXY names the host: itself, a domain above it, a network that its address is in, or `*`."""
    entries = [entry.strip().lower() for entry in listed.split(",")]
    return any(entry == "*" or _names(entry, host) for entry in entries if entry)


def _names(entry: str, host: str) -> bool:
    address = _address(host)
    if address is None:
        domain = entry.partition(":")[0].removeprefix("*").removeprefix(".")
        return host == domain or host.endswith(f".{domain}")
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
