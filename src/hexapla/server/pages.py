"""Which web pages may ask, and the headers by which a browser lets them hear the answer (CORS).

A browser lets a page hear nothing of another site unless each answer says that it may, and lets it send no more than a form
could unless the site has said so before (a preflight).  What an operator has not allowed here hears no word of all this;
whether such a page is served at all is said by the keys (keys.py).

Rules of this file: pure (https://fetch.spec.whatwg.org/#http-cors-protocol, 2026-11-28).  No cookies are used here, so none
are allowed, and `*` may stand for every header of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Headers = Iterable[tuple[bytes, bytes]]
Pairs = tuple[tuple[bytes, bytes], ...]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

REMEMBER = b"7200"  # seconds for which a browser may keep a preflight's answer; Chromium keeps none longer

UNHEARD = frozenset({"/metrics"})
"""Paths that need no key by themselves and tell what is nobody's business: models, costs.  No page hears them."""

_ASKS = b"access-control-request-"
_ANY = r"[\x21-\x7e]+"
_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, \t-]*").fullmatch


class Pages:
    """Pages of these origins: `scheme://host[:port]`, with `*` for a part of a name or for a port; `*` alone is all."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._allowed = re.compile("|".join(map(_pattern, origins)).encode(), re.IGNORECASE).fullmatch

    def allow(self, origin: bytes) -> bool:
        """Whether pages of this origin may ask."""
        return self._allowed(origin) is not None

    def granted(self, headers: Headers, path: str = "") -> Pairs:
        """What an answer to these headers says to the browser; nothing where it is no page, or may not hear it."""
        origin = dict(headers).get(b"origin", b"")
        if path in UNHEARD or not self.allow(origin):
            return ()
        return (
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", b"*"),
            (b"vary", b"origin"),
        )

    def lines(self, headers: Headers) -> str:
        """`granted` in the form of HTTP/1.1."""
        return "".join([f"{name.decode()}: {value.decode()}\r\n" for name, value in self.granted(headers)])


def preflight(method: str, headers: Headers) -> Pairs:
    """What is said beside `granted` to who asks before asking; nothing where it is another question."""
    asked = dict(headers)
    if method != "OPTIONS" or _ASKS + b"method" not in asked:
        return ()
    names = asked.get(_ASKS + b"headers", b"")
    private = asked.get(_ASKS + b"private-network") == b"true"  # a page of the internet asks a gateway at home
    return (
        (b"access-control-allow-methods", b"GET, HEAD, POST"),
        (b"access-control-allow-headers", names if _NAMES(names) else b""),
        (b"access-control-max-age", REMEMBER),
        *(((b"access-control-allow-private-network", b"true"),) if private else ()),
    )


def granting(send: Send, granted: Pairs) -> Send:
    """`send` of an ASGI application whose answer says this as well."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *granted]}
        await send(message)

    return sent


def _pattern(origin: str) -> str:
    """What a configured origin matches; a `*` stands for signs of a name or a port, never for both nor for other bytes."""
    return _ANY if origin == "*" else re.escape(origin.rstrip("/")).replace(r"\*", r"[\w.-]*")
