"""Search services: what each is asked and what its answer means, against fakes that check like them."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from fakes.search import KEY, PAGES, answer
from hexapla.errors import ProtocolError
from hexapla.plugins.services import Found, Query, Service, call, found

KINDS = ("exa", "tavily", "brave", "searxng")
LONG = "heron " * 400


def service(kind: str, **more: object) -> Service:
    url = "http://127.0.0.1:8888" if kind == "searxng" else ""
    return Service(kind=kind, key="" if url else KEY, url=url, **more)  # type: ignore[arg-type]


def looked(kind: str, query: Query, **more: object) -> Found:
    asked = call(service(kind, **more), query)
    status, body = answer(kind, asked.url, dict(asked.headers), asked.body)
    assert status == 200, body
    return found(service(kind, **more), query, body)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["herons?", LONG, "你好"])
def test_pages_are_found(kind: str, text: str) -> None:
    """As many as were asked for, each with its address, title and text; however long the question is."""
    hits = looked(kind, Query(text=text, results=2)).hits
    assert [(hit.url, hit.title) for hit in hits] == [page[:2] for page in PAGES[:2]]
    assert all(page[2] in hit.text for hit, page in zip(hits, PAGES))


@pytest.mark.parametrize("kind", KINDS)
def test_domains_hold_whoever_is_asked(kind: str) -> None:
    """Below a domain counts as in it; a wildcard and a path narrow it."""

    def urls(include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> list[str]:
        return [hit.url for hit in looked(kind, Query(text="x", include=include, exclude=exclude)).hits]

    assert urls(("example.org",)) == [PAGES[0][0]]
    assert urls(("*.example.com", "other.net")) == [PAGES[1][0], PAGES[2][0]]
    assert urls(("news.example.com/weather",)) == []
    assert urls(exclude=("example.org", "other.net")) == [PAGES[1][0]]


def test_what_it_cost() -> None:
    """Exa says it; of the others only what is configured is known."""
    assert looked("exa", Query(text="x")).dollars == 0.007
    assert looked("tavily", Query(text="x")).dollars is None
    assert looked("tavily", Query(text="x"), price=0.008).dollars == 0.008


def test_what_is_sent() -> None:
    """Domains in the service's own words; one domain as an operator where there are none."""
    query = Query(text="x", include=("a.org",), exclude=("b.org",))
    exa, brave = call(service("exa"), query), call(service("brave"), query)
    body = json.loads(exa.body)
    assert (body["includeDomains"], body["excludeDomains"]) == (["a.org"], ["b.org"])
    assert parse_qs(urlsplit(brave.url).query)["q"] == ["x site:a.org"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_not_shown(kind: str) -> None:
    asked = call(service(kind), Query(text="secret question"))
    assert KEY not in repr(asked) and "secret" not in repr(asked) and KEY not in repr(service(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"results":3}', b"\xff"])
def test_what_is_no_answer(kind: str, body: bytes) -> None:
    with pytest.raises(ProtocolError, match=kind):
        found(service(kind), Query(text="x"), body)


def test_nothing_found() -> None:
    """Brave leaves the field out then."""
    assert found(service("brave"), Query(text="x"), b'{"type":"search"}').hits == ()
