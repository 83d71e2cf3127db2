"""Which built-in provider stands behind an address.

A built-in provider knows its quirks, prices and all its protocols, so it is better than a table of one's own.  Only an
address that is exactly one of its own counts: one vendor sells different things at different paths.

Rules of this file: pure; ports that everybody uses prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from hexapla.catalog.address import normalise, rehosted
from hexapla.catalog.expand import expand
from hexapla.catalog.schema import Endpoint, Provider

ANYBODYS = frozenset({"vllm", "bedrock_litellm", "demo"})
"""Their usual ports (8000, 4000) are used by many servers."""

HOSTS = {"localhost": "127.0.0.1", "api.together.xyz": "api.together.ai"}
"""Other names of the same host."""


class Match(NamedTuple):
    """A built-in provider and, where it is not the usual one, its region."""

    provider: Provider
    region: str = ""

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Its endpoints, where they are in that region."""
        provider = replace(self.provider, host=expand(self.provider.host, {}), region=self.region)
        return rehosted(replace(provider, host="") if self.region else provider).endpoints


def match(known: Mapping[str, Provider], protocol: str, url: str) -> Match | None:
    """The built-in provider with an endpoint at `url`."""
    wanted = _plain(normalise(protocol, url))
    for provider in known.values():
        if provider.id in ANYBODYS:
            continue
        for region, endpoint_url in _places(provider):
            if _plain(endpoint_url) == wanted:
                return Match(provider, region)
    return None


def _places(provider: Provider) -> Iterator[tuple[str, str]]:
    """(region or "", address) of every endpoint."""
    usual = rehosted(replace(provider, host=expand(provider.host, {})))
    yield from (("", normalise(each.protocol, each.base_url)) for each in usual.endpoints if "${" not in each.base_url)
    for region, host in provider.regions.items():
        moved = rehosted(replace(provider, host=host))
        yield from ((region, normalise(each.protocol, each.base_url)) for each in moved.endpoints)


def _plain(url: str) -> str:
    """What is the same in different spellings of an address; a final /v1 makes no difference."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return url
    host = HOSTS.get(parts.hostname or "", parts.hostname or "")
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return f"{host}:{port or usual}{parts.path.rstrip('/').removesuffix('/v1')}"
