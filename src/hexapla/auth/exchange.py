"""A key or login that buys a token for minutes: GitHub Copilot's, GitLab's direct access.

Rules of this file: pure.  Where the answer names the place for requests, they go there.
"""

from __future__ import annotations

import msgspec

from hexapla.auth.grant import Token, at, seconds
from hexapla.auth.oauth import document, filled, lowered, place, refused, sendable
from hexapla.auth.steps import Call, Clock, Headers, Reply, Steps
from hexapla.catalog.login import Exchange

KEPT_BACK = frozenset({"authorization", "x-api-key", "api-key", "host", "content-length", "content-type"})
"""Headers that an answer may not set: the token's place, and what HTTP itself needs."""


def exchanged(exchange: Exchange, grant: str, host: str, now: Clock, headers: Headers = ()) -> Steps[Token]:
    """The token that `grant` buys at `host`; `headers` go along with it.  Raises UpstreamError."""
    url = filled(exchange.url, host)
    asked = {name: value.replace("{grant}", grant) for name, value in exchange.headers.items()}
    body = b""
    if exchange.method == "POST":
        asked["content-type"] = "application/json"
        body = msgspec.json.encode(exchange.body)
    reply: Reply = yield Call(exchange.method, url, (*lowered(asked), ("accept", "application/json")), body)
    said = document(reply)
    secret = at(said, exchange.token)
    if reply.status >= 300 or not isinstance(secret, str) or not sendable(secret):
        raise refused(reply, url, "the login's exchange for a token")
    return Token(
        secret=secret,
        headers=(*headers, *(_headers(at(said, exchange.headers_from)) if exchange.headers_from else ())),
        base=place(str(at(said, exchange.base) or ""), host) if exchange.base else "",
        expires=now() + (seconds(at(said, exchange.seconds or ())) or exchange.lifetime),
        obtained=now(),
    )


def _headers(said: object) -> Headers:
    """Headers out of an answer; a value may stand in a list."""
    named = said.items() if isinstance(said, dict) else ()
    texts = (
        (name.lower(), ", ".join(map(str, value)) if isinstance(value, list) else str(value)) for name, value in named
    )
    return tuple((name, text) for name, text in texts if name not in KEPT_BACK and sendable(text))
