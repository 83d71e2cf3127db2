"""Where a candidate is reached, and what every request to it carries.

Worked out once for each candidate, since nothing of it changes between requests; only a login's token does, so an address
with one looks at its keeper, and keeps no letterhead.

Rules of this file: an address holds a credential, so its repr shows the URL only.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from hexapla.auth.api_key import Credential, auth_headers
from hexapla.auth.keeper import Keeper
from hexapla.catalog.address import endpoint_url
from hexapla.catalog.login import Auth
from hexapla.catalog.resolve import Match
from hexapla.catalog.schema import Endpoint, Tls
from hexapla.routing.patience import Timers
from hexapla.upstream.egress import proxy_for
from hexapla.upstream.head import Letterhead, standing
from hexapla.upstream.transport import USER_AGENT, Certificates, Request, Timeouts

GATEWAYS: dict[str, frozenset[str]] = {
    "openrouter": frozenset({"provider", "plugins", "debug", "session_id", "trace", "transforms", "usage"}),
}
"""Providers that are gateways themselves and understand these top-level keys."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one candidate.  `headers` holds the credential: never shown, never logged.

    begun_url  where a model goes on in an answer that was begun for it
    usual      the letterhead of what is asked most: a whole answer, with no headers of the client's; None where the short
               way (short.py) is not for it
    """

    url: str
    stream_url: str
    begun_url: str
    headers: tuple[tuple[str, str], ...]
    timeouts: Timeouts
    proxy: str | None
    transport: str
    certificates: Certificates | None
    keeps: frozenset[str]
    limit: int
    usual: Letterhead | None = None

    def __repr__(self) -> str:
        return f"Address({self.url})"

    def letterhead(self, forward: tuple[tuple[str, str], ...]) -> Letterhead | None:
        """`usual` with headers of the client's."""
        return None if self.usual is None else standing(self.request(b"", stream=False, forward=forward))

    def request(
        self, body: bytes, *, stream: bool, forward: tuple[tuple[str, str], ...], begun: bool = False
    ) -> Request:
        """The HTTP request that carries `body`; `forward` headers replace ours of the same name."""
        headers = self.headers
        if forward:
            named = dict(forward)
            headers = (*(pair for pair in headers if pair[0] not in named), *forward)
        return Request(
            url=self.begun_url if begun else self.stream_url if stream else self.url,
            headers=headers,
            body=body,
            timeouts=self.timeouts,
            proxy=self.proxy,
            transport=self.transport,
            certificates=self.certificates,
            max_response_bytes=self.limit,
        )


class TokenAddress(Address, frozen=True, kw_only=True):
    """How to reach a candidate whose login keeps a token: its headers, and sometimes its host, are the token's."""

    protocol: str
    auth: Auth
    keeper: Keeper

    def __repr__(self) -> str:
        return f"TokenAddress({self.url})"

    def request(
        self, body: bytes, *, stream: bool, forward: tuple[tuple[str, str], ...], begun: bool = False
    ) -> Request:
        """The HTTP request that carries `body` and the present token; without one, none is sent."""
        request = super().request(body, stream=stream, forward=forward, begun=begun)
        token = self.keeper.token
        if token is None:
            return request
        login = auth_headers(self.protocol, self.auth, token)
        named = {name for name, _ in login}
        headers = (*(pair for pair in request.headers if pair[0] not in named), *login)
        return replace(request, url=_moved(request.url, token.base), headers=headers)


def address_of(
    match: Match, credential: Credential | Keeper | None, timers: Timers, environment: Mapping[str, str], limit: int
) -> Address:
    """The address of `match`, asked with `credential`.

    environment  for its proxy variables;  limit: bytes of an answer
    """
    endpoint, auth = match.endpoint, match.provider.auth
    keeper = credential if isinstance(credential, Keeper) else None
    login = auth_headers(endpoint.protocol, auth, None if isinstance(credential, Keeper) else credential)
    own = tuple((name.lower(), value) for name, value in endpoint.headers.items())
    url, stream_url = (endpoint_url(endpoint, match.model, stream=stream) for stream in (False, True))
    way = match.quirks.continuation
    begun = replace(endpoint, path=way.path, stream_path="") if way is not None and way.path else None
    address = Address(
        url=url,
        stream_url=stream_url,
        begun_url=stream_url if begun is None else endpoint_url(begun, match.model, stream=True),
        headers=(("content-type", "application/json"), USER_AGENT, *own, *login),
        timeouts=_timeouts(timers, endpoint),
        proxy=proxy_for(url, endpoint.proxy, environment),
        transport=endpoint.transport,
        certificates=certificates_of(match.provider.tls),
        keeps=GATEWAYS.get(match.provider.id, frozenset()),
        limit=limit,
    )
    if keeper is None:
        return replace(
            address, usual=standing(address.request(b"", stream=False, forward=())) if _short(timers) else None
        )
    fields = {name: getattr(address, name) for name in Address.__struct_fields__}
    return TokenAddress(**fields, protocol=endpoint.protocol, auth=auth, keeper=keeper)


def certificates_of(tls: Tls) -> Certificates | None:
    """What a provider's table says of certificates, for a request; None where it says nothing."""
    return None if tls == Tls() else Certificates(cert=tls.cert, key=tls.key, ca=tls.ca)


@lru_cache(maxsize=256)
def _moved(url: str, base: str) -> str:
    """`url` at the host that a login server named."""
    if not base:
        return url
    host = urlsplit(base)
    return urlsplit(url)._replace(scheme=host.scheme, netloc=host.netloc).geturl()


def _short(timers: Timers) -> bool:
    """Whether all that is watched of a whole answer is the time until its head comes, as a connection does by itself."""
    return not timers.total or 0 < timers.head <= timers.total


def _timeouts(timers: Timers, endpoint: Endpoint) -> Timeouts:
    """The transport's own share; between the bytes of a whole answer it is patient unless the endpoint says otherwise."""
    idle = endpoint.timeouts.get("idle", max(timers.idle, Timeouts().idle))
    return Timeouts(connect=timers.connect, write=timers.write, head=timers.head, idle=idle)
