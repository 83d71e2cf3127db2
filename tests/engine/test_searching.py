"""A search that the gateway makes: what it sends, and what becomes of a service that does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fakes.search import KEY, PAGES, answer
from hexapla.engine.searching import search
from hexapla.errors import Kind, UpstreamError
from hexapla.plugins.asked import Wish
from hexapla.plugins.services import Found, Service
from hexapla.protocols.base import Reply
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek
from hexapla.upstream.transport import Request

ASKED = b'{"model":"m","messages":[{"role":"user","content":"Herons?"}]}'
RUNNING = (
    b'{"model":"m","messages":[{"role":"user","content":"Herons?"},{"role":"assistant","tool_calls":'
    b'[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"r"}]}'
)
EXA = Service(kind="exa", key=KEY, timeout=0.05)


class Said:
    """A response that is there at once."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.headers: dict[str, str] = {}
        self._body = body

    async def read(self, limit: int) -> bytes:
        return self._body

    def close(self) -> None:
        """Nothing is open."""


class Line:
    """A transport that answers as it is told."""

    def __init__(self, says: Callable[[Request], Said]) -> None:
        self.says = says
        self.sent: list[Request] = []

    async def send(self, request: Request) -> Said:
        self.sent.append(request)
        return self.says(request)


class Silent(Line):
    async def send(self, request: Request) -> Said:
        await asyncio.Event().wait()
        raise AssertionError


def fine(request: Request) -> Said:
    return Said(*answer("exa", request.url, dict(request.headers), request.body))


def refuses(request: Request) -> Said:
    raise UpstreamError(Kind.UPSTREAM_CONNECT, "Nobody listens there.")


def looked(line: Line, body: bytes = ASKED, **environment: str) -> tuple[Found | None, Translation]:
    translation = Translation(peek("openai_chat", body), Reply(id="g", created=1, model="m"))
    wish = Wish(tool=True, results=2)
    transport = lambda request: line  # noqa: E731 - a transport for every request
    found = asyncio.run(search(EXA, wish, translation, transport, environment, 1.7e9))  # type: ignore[arg-type]
    return found, translation


def test_what_is_found_is_told() -> None:
    """By the way that the environment names, as every request goes."""
    line = Line(fine)
    found, translation = looked(line, HTTPS_PROXY="http://proxy:3128")
    assert found is not None and [hit.url for hit in found.hits] == [page[0] for page in PAGES[:2]]
    assert translation.results is not None
    assert (translation.results.query, translation.results.date) == ("Herons?", "2023-11-14")
    assert line.sent[0].proxy == "http://proxy:3128" and line.sent[0].url == "https://api.exa.ai/search"


def test_nobody_is_asked_while_tools_run() -> None:
    """The tool is there for what somebody asks; this time it is a result that comes back."""
    line = Line(fine)
    found, translation = looked(line, RUNNING)
    assert found is None and translation.results is None and not line.sent


@pytest.mark.parametrize(
    ("line", "kind", "why"),
    [
        (Silent(fine), Kind.TIMEOUT, "within 0.05 seconds"),
        (Line(refuses), Kind.UPSTREAM_CONNECT, "Nobody listens there"),
        (Line(lambda request: Said(200, b"<html>")), Kind.UPSTREAM_PROTOCOL, "cannot be read"),
        (Line(lambda request: Said(418, b"secret words")), Kind.UPSTREAM_ERROR, "status 418"),
        (Line(lambda request: Said(402, b"")), Kind.UPSTREAM_BILLING, "no money"),
    ],
)
def test_a_service_that_does_not_answer(line: Line, kind: Kind, why: str) -> None:
    with pytest.raises(UpstreamError, match=why) as caught:
        looked(line)
    assert caught.value.kind is kind and caught.value.provider == "exa"
    assert KEY not in str(caught.value) and "secret" not in str(caught.value)
