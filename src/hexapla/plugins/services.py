"""Services that search the web for the gateway: how each is asked, and what it answers.

    exa      POST https://api.exa.ai/search            x-api-key           says what it costs (costDollars.total)
    tavily   POST https://api.tavily.com/search        Bearer              at most 400 characters of query
    brave    GET  https://api.search.brave.com/res/v1/web/search   X-Subscription-Token    at most 400 characters, 50 words
    searxng  GET  {url}/search?format=json             no key              `json` must stand in its settings' formats

No service was ever reached from here.  What is asked and read is what their clients ask and read (docs.rs/lc-tools 0.22,
hosted_search/exa.rs; langchain_community 0.3, utilities/tavily_search.py; @brave/n8n-nodes-brave-search 1.0.25) and, for
SearXNG, its own page (https://docs.searxng.org/dev/search_api); 2026-11-28.

Domains are told to those that can be told, and held to here for all: a result from elsewhere is left out.

Rules of this file: pure; a service's answer that is none raises ProtocolError; a key stands in headers only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import urlencode, urlsplit

import msgspec

from hexapla.errors import ProtocolError
from hexapla.wire.rawjson import UNDECODABLE

Kind = Literal["", "exa", "tavily", "brave", "searxng"]

LONGEST = 2000  # characters of a query, where a service says nothing of it
MOST_TEXT = 4000  # characters of one result: what Exa's highlights have at most unless told otherwise


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[search]` table.

    kind     whose service; "" is none
    key      its key; "" is the variable that the service itself names (EXA_API_KEY ...)
    url      where it is, for one's own; "" is the service's own address
    results  how many, where the request does not say;  timeout  seconds
    price    dollars for a search, where the service does not say what it took
    """

    kind: Kind = ""
    key: str = ""
    url: str = ""
    results: int = 5
    timeout: float = 15.0
    price: float | None = None

    def __repr__(self) -> str:
        return f"Service({self.kind})"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for."""

    text: str
    results: int = 5
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request.  Its headers hold the key, so its repr shows the URL without the query only."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Call({self.method} {self.url.partition('?')[0]})"


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One page that was found."""

    url: str
    title: str = ""
    text: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a search brought.  `dollars`: what it cost, where that is known."""

    hits: tuple[Hit, ...] = ()
    dollars: float | None = None


KEYS = {"exa": ("EXA_API_KEY",), "tavily": ("TAVILY_API_KEY",), "brave": ("BRAVE_API_KEY", "BRAVE_SEARCH_API_KEY")}
"""Variables that hold a service's key; a service without one takes none."""


def call(service: Service, query: Query) -> Call:
    """How `service` is asked."""
    return _ASKED[service.kind](service, query)


def found(service: Service, query: Query, body: bytes) -> Found:
    """What it answered.  Raises ProtocolError."""
    try:
        answer = _ANSWERS[service.kind].decode(body)
    except UNDECODABLE as error:
        raise ProtocolError(f"The answer of the search service {service.kind} cannot be read: {error}") from None
    hits = [hit for hit in answer.hits() if hit.url and _wanted(hit.url, query)]
    dollars = answer.dollars()
    return Found(hits=tuple(hits[: query.results]), dollars=service.price if dollars is None else dollars)


# --- questions --------------------------------------------------------------------------------------------------------


def _exa(service: Service, query: Query) -> Call:
    body: dict[str, object] = {
        "query": query.text[:LONGEST],
        "type": "auto",
        "numResults": query.results,
        "contents": {"highlights": True},
    }
    body |= {"includeDomains": query.include} if query.include else {}
    body |= {"excludeDomains": query.exclude} if query.exclude else {}
    return _post(service.url or "https://api.exa.ai/search", ("x-api-key", service.key), body)


def _tavily(service: Service, query: Query) -> Call:
    body: dict[str, object] = {"query": query.text[:400], "max_results": min(query.results, 20)}
    body |= {"include_domains": query.include} if query.include else {}
    body |= {"exclude_domains": query.exclude} if query.exclude else {}
    return _post(service.url or "https://api.tavily.com/search", ("authorization", f"Bearer {service.key}"), body)


def _brave(service: Service, query: Query) -> Call:
    text = _with_sites(" ".join(query.text.split()[:50])[:400], query)
    parameters = {"q": text, "count": min(query.results, 20)}
    url = service.url or "https://api.search.brave.com/res/v1/web/search"
    return Call(
        method="GET",
        url=f"{url}?{urlencode(parameters)}",
        headers=(("accept", "application/json"), ("x-subscription-token", service.key)),
    )


def _searxng(service: Service, query: Query) -> Call:
    parameters = {"q": _with_sites(query.text[:LONGEST], query), "format": "json"}
    url = f"{service.url.rstrip('/').removesuffix('/search')}/search?{urlencode(parameters)}"
    return Call(method="GET", url=url, headers=(("accept", "application/json"),))


def _with_sites(text: str, query: Query) -> str:
    """One domain can be said as an operator; several are sorted out afterwards."""
    return f"{text} site:{query.include[0].removeprefix('*.')}" if len(query.include) == 1 else text


def _post(url: str, key: tuple[str, str], body: dict[str, object]) -> Call:
    headers = (("content-type", "application/json"), ("accept", "application/json"), key)
    return Call(method="POST", url=url, headers=headers, body=msgspec.json.encode(body))


_ASKED: dict[str, Callable[[Service, Query], Call]] = {
    "exa": _exa,
    "tavily": _tavily,
    "brave": _brave,
    "searxng": _searxng,
}


# --- answers ----------------------------------------------------------------------------------------------------------


class _Answer(msgspec.Struct):
    """An answer of a kind; all fields may be missing."""

    def hits(self) -> Sequence[Hit]:
        raise NotImplementedError

    def dollars(self) -> float | None:
        return None


class _ExaHit(msgspec.Struct):
    url: str = ""
    title: str | None = None
    highlights: list[str] | None = None
    text: str | None = None


class _ExaCost(msgspec.Struct):
    total: float | None = None


class _Exa(_Answer):
    results: list[_ExaHit]
    cost: _ExaCost | None = msgspec.field(name="costDollars", default=None)

    def hits(self) -> Sequence[Hit]:
        return [
            _hit(each.url, each.title, "\n[...]\n".join(each.highlights or ()) or each.text) for each in self.results
        ]

    def dollars(self) -> float | None:
        return self.cost.total if self.cost is not None else None


class _PlainHit(msgspec.Struct):
    """Tavily's and SearXNG's."""

    url: str = ""
    title: str | None = None
    content: str | None = None


class _Plain(_Answer):
    results: list[_PlainHit]

    def hits(self) -> Sequence[Hit]:
        return [_hit(each.url, each.title, each.content) for each in self.results]


class _BraveHit(msgspec.Struct):
    """`extra_snippets` come with some of its plans."""

    url: str = ""
    title: str | None = None
    description: str | None = None
    extra_snippets: list[str] | None = None


class _BraveWeb(msgspec.Struct):
    results: list[_BraveHit] = []


class _Brave(_Answer):
    """Where nothing was found there is no `web`."""

    type: str
    web: _BraveWeb | None = None

    def hits(self) -> Sequence[Hit]:
        listed = self.web.results if self.web is not None else []
        return [_hit(e.url, e.title, "\n".join((e.description or "", *(e.extra_snippets or ())))) for e in listed]


_plain = msgspec.json.Decoder(_Plain)
_ANSWERS: dict[str, msgspec.json.Decoder[_Exa] | msgspec.json.Decoder[_Plain] | msgspec.json.Decoder[_Brave]] = {
    "exa": msgspec.json.Decoder(_Exa),
    "tavily": _plain,
    "brave": msgspec.json.Decoder(_Brave),
    "searxng": _plain,
}


def _hit(url: str, title: str | None, text: str | None) -> Hit:
    return Hit(url=url, title=(title or "").strip(), text=(text or "").strip()[:MOST_TEXT])


# --- domains ----------------------------------------------------------------------------------------------------------


def _wanted(url: str, query: Query) -> bool:
    """Whether the domains that are wished for, and those that are not, let `url` pass."""
    if query.include and not any(_within(url, domain) for domain in query.include):
        return False
    return not any(_within(url, domain) for domain in query.exclude)


def _within(url: str, domain: str) -> bool:
    """Whether `url` lies in a domain: `example.com` and what is below it, `*.substack.com`, `openai.com/blog`."""
    parts = urlsplit(url)
    host, (wanted, _, path) = parts.hostname or "", domain.lower().partition("/")
    inside = fnmatchcase(host, wanted) or fnmatchcase(host, f"*.{wanted}")
    return inside and parts.path.strip("/").startswith(path.strip("/"))
