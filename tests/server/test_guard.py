"""The last resort: an exception that nobody foresaw is an internal error in the client's dialect, and no more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, MutableMapping
from typing import Any

import msgspec
import pytest

from hexapla.config import Config, LedgerConfig, LogConfig
from hexapla.engine.assemble import open_gateway
from hexapla.engine.gateway import Gateway
from hexapla.engine.means import Means
from hexapla.engine.recorder import Recorder
from hexapla.engine.routes import Routes
from hexapla.server.app import App
from hexapla.server.catalogue import Catalogue
from hexapla.server.keys import KeyRing
from hexapla.server.meta import Meta
from hexapla.translate.hub import HubStream
from hexapla.translate.verbatim import VerbatimStream
from server.wire import CHAT, DIALECTS, MESSAGES, PATHS, TERMINATORS, ask

SECRET = "the inner words of a bug"
QUIET = Config(ledger=LedgerConfig(path=":memory:"), log=LogConfig(path="off"))

dialects = pytest.mark.parametrize("protocol", DIALECTS)

Message = MutableMapping[str, Any]


class Bug(Exception):  # noqa: N818 - it stands for any exception
    """Nobody expects this one."""


def fails(*arguments: object, **named: object) -> Any:
    raise Bug(SECRET)


async def asked(app: App, path: str, body: bytes, method: str = "POST") -> list[Message]:
    """One request straight through the application; what it sent."""
    sent: list[Message] = []
    first = True

    async def receive() -> Message:
        nonlocal first
        if not first:
            await asyncio.Event().wait()
        first = False
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "root_path": "",
        "scheme": "http",
        "server": ("h", 80),
    }
    await app(scope, receive, send)
    return sent


def run(path: str, body: bytes, method: str = "POST") -> tuple[list[Message], Gateway]:
    """One request in a gateway of its own."""

    async def main() -> tuple[list[Message], Gateway]:
        gateway = open_gateway(QUIET)
        try:
            return await asked(App(gateway, KeyRing({})), path, body, method), gateway
        finally:
            await gateway.aclose()

    return asyncio.run(main())


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """The log; checks that the bug's traceback stands there once."""
    with caplog.at_level(logging.ERROR):
        yield caplog
    records = caplog.get_records("call")
    found = [record for record in records if record.exc_info and isinstance(record.exc_info[1], Bug)]
    assert len(found) == 1


def is_internal(sent: list[Message], protocol: str) -> None:
    head, *rest = sent
    assert head["status"] == 500
    assert b"x-request-id" in dict(head["headers"])
    body = b"".join(message["body"] for message in rest)
    said = msgspec.json.decode(body)
    assert (said.get("type") == "error") == (protocol == MESSAGES)
    assert SECRET.encode() not in body
    assert b"Traceback" not in body
    assert not rest[-1].get("more_body")


@dialects
@pytest.mark.parametrize(
    ("owner", "name"),
    [(KeyRing, "name"), (Routes, "plan"), (Means, "translation"), (Means, "transport")],
    ids=["keys", "plan", "translation", "transport"],
)
def test_before_the_answer(
    owner: type, name: str, protocol: str, monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture
) -> None:
    """A bug before the first byte is a 500 in the dialect."""
    monkeypatch.setattr(owner, name, fails)
    sent, gateway = run(PATHS[protocol], ask(protocol, "demo/echo"))
    is_internal(sent, protocol)
    assert gateway.running == 0


@dialects
def test_in_the_books(protocol: str, monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture) -> None:
    """A bug while the answer is written down comes before its first byte: still a 500, not half an answer."""
    once = iter([fails])
    plain = Recorder.end

    def end(*arguments: Any, **named: Any) -> None:
        next(once, plain)(*arguments, **named)

    monkeypatch.setattr(Recorder, "end", end)
    sent, _ = run(PATHS[protocol], ask(protocol, "demo/echo"))
    is_internal(sent, protocol)


@dialects
def test_inside_a_stream(protocol: str, monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture) -> None:
    """A bug after content ends the stream with the dialect's error event, never with a success."""
    for kind in (HubStream, VerbatimStream):
        monkeypatch.setattr(kind, "feed", _after_content(kind.feed))
    sent, gateway = run(PATHS[protocol], ask(protocol, "demo/slow", stream=True))
    body = b"".join(message["body"] for message in sent[1:])
    assert sent[0]["status"] == 200
    assert b"error" in body
    assert SECRET.encode() not in body
    assert TERMINATORS[protocol] not in body
    assert sent[-1]["more_body"] is False
    assert gateway.running == 0


def _after_content(feed: Any) -> Any:
    """`feed` that fails when content has gone out."""

    def failing(stream: Any, data: bytes) -> bytes:
        if stream.committed:
            raise Bug(SECRET)
        said: bytes = feed(stream, data)
        return said

    return failing


@pytest.mark.parametrize(
    ("path", "method", "views", "name", "protocol"),
    [
        ("/v1/models", "GET", Catalogue, "_usable", CHAT),
        ("/v1/messages/count_tokens", "POST", Meta, "count_tokens", MESSAGES),
    ],
)
def test_in_a_view(
    path: str,
    method: str,
    views: type,
    name: str,
    protocol: str,
    monkeypatch: pytest.MonkeyPatch,
    logged: pytest.LogCaptureFixture,
) -> None:
    """The routes beside generation are guarded in the same way."""
    monkeypatch.setattr(views, name, fails)
    is_internal(run(path, ask(MESSAGES, "demo/echo"), method)[0], protocol)
