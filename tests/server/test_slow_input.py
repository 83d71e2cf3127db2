"""Heads and bodies that drip, and heads that are bombs."""

from __future__ import annotations

import contextlib
import json
import socket
import time

import pytest

from server.client import at_once, dial, hear, hear_all
from server.running import Gateway
from server.wire import DIALECTS, MESSAGES, PATHS


def told(answer: bytes) -> tuple[int, dict[str, object]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"x-request-id: " in head
    return int(head.split(b" ")[1]), json.loads(body)


LIMIT = 1.0  # seconds: conftest.py's head_seconds and body_seconds
PATIENCE = 10.0  # what a busy machine may make of it; without the limit it would be for ever


def drip(sock: socket.socket) -> bytes:
    """Send a byte ten times a second until something is heard; that, and whatever follows up to the end."""
    sock.settimeout(0.1)
    until = time.monotonic() + PATIENCE
    heard = b""
    while time.monotonic() < until:
        try:
            sock.sendall(b"a")
            if not (got := sock.recv(65536)):
                return heard
            heard += got
        except TimeoutError:
            continue
        except ConnectionError:
            return heard
    raise AssertionError(f"the connection is still open after {PATIENCE:g} seconds; heard {heard!r}")


def test_dripped_head(served: Gateway) -> None:
    """A head that comes byte by byte is cut off with 408 when its time is over, however lively it drips."""
    began = time.monotonic()
    with dial(served.url) as sock:
        sock.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-drip: ")
        status, body = told(drip(sock))
        assert time.monotonic() - began >= LIMIT
    assert status == 408
    assert body["type"] == "error"
    assert served.alive()


def test_second_head_that_never_ends(served: Gateway) -> None:
    """A connection that was used before has no longer time for its next head."""
    with dial(served.url) as sock:
        sock.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        hear(sock, b'"ok"}')
        sock.sendall(b"GET /livez HTTP/1.1\r\nx-drip: ")
        assert told(drip(sock))[0] == 408


def head_of(protocol: str, length: int, *more: str) -> bytes:
    lines = [f"POST {PATHS[protocol]} HTTP/1.1", "host: localhost", f"content-length: {length}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def test_dripped_body(served: Gateway) -> None:
    """A body that does not come in time is a 408 in the dialect, and who goes on dripping is cut off."""

    def play(protocol: str, begun: bytes) -> None:
        began = time.monotonic()
        with dial(served.url) as sock:
            sock.sendall(head_of(protocol, 100_000) + begun)
            status, body = told(drip(sock))
            assert time.monotonic() - began >= LIMIT
        assert status == 408
        assert (body.get("type") == "error") == (protocol == MESSAGES)

    at_once(play, DIALECTS, [b"", b"{"])
    assert served.alive()


def test_body_that_never_begins(served: Gateway) -> None:
    """A client that announces a body and says nothing has its time as well."""
    with dial(served.url) as sock:
        sock.sendall(head_of(MESSAGES, 100))
        assert told(hear_all(sock))[0] == 408


def test_body_that_is_announced_too_large(served: Gateway) -> None:
    """Its head is enough for the 413; nobody is asked to go on, and who does is cut off."""

    def play(protocol: str, expects: tuple[str, ...]) -> None:
        with dial(served.url) as sock:
            sock.sendall(head_of(protocol, 500_000, *expects) + b"{")
            assert hear(sock, b"limits.body_bytes").startswith(b"HTTP/1.1 413 ")
            drip(sock)

    at_once(play, DIALECTS, [(), ("expect: 100-continue",)])
    assert served.alive()


@pytest.mark.parametrize(
    "path",
    ["/v1/messages/count_tokens", "/v1/route", "/v1beta/models/demo/echo:generateContent", "/p/claude/v1/messages"],
)
def test_every_body_that_is_announced_too_large(path: str, served: Gateway) -> None:
    """Also where the request goes the longer way."""
    with dial(served.url) as sock:
        sock.sendall(f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 500000\r\n\r\n".encode())
        assert hear(sock, b"limits.body_bytes").startswith(b"HTTP/1.1 413 ")


def test_refused_body_that_comes_whole(served: Gateway) -> None:
    """Who sends the rest at once may go on with the connection."""
    with dial(served.url) as sock:
        sock.sendall(head_of(MESSAGES, 500_000) + b"{")
        hear(sock, b"limits.body_bytes")
        sock.sendall(b" " * 499_999 + b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert b'{"status":"ok"}' in hear(sock, b'"ok"}')
        time.sleep(LIMIT * 1.2)  # the time that the refused body had
        sock.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert b'{"status":"ok"}' in hear(sock, b'"ok"}')


@pytest.mark.parametrize(
    "headers",
    [
        b"".join(b"x-%d: y\r\n" % number for number in range(5000)),
        b"x-huge: " + b"y" * 300_000 + b"\r\n",
        b"x-endless: " + b"y" * 300_000,
        b"y" * 300_000 + b": z\r\n",
    ],
    ids=["many", "huge", "endless", "name"],
)
def test_header_bomb(headers: bytes, served: Gateway) -> None:
    """Too many or too large headers are a 431; the connection is closed and nothing else suffers."""
    before = served.memory()
    with dial(served.url) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n" + headers + b"\r\n")
        status, body = told(hear_all(sock))
    assert status == 431
    assert body["type"] == "error"
    assert served.alive()
    assert served.memory() - before < 5_000_000


def test_url_bomb(served: Gateway) -> None:
    """An endless URL counts as head."""
    with dial(served.url) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert told(hear_all(sock))[0] == 431


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"\0" * 100],
    ids=["tls", "short", "zeros"],
)
def test_no_http(data: bytes, served: Gateway) -> None:
    """What is no HTTP (TLS to a plain port, nonsense) is a 400, and nothing else suffers."""
    with dial(served.url) as sock:
        sock.sendall(data)
        assert told(hear_all(sock))[0] == 400
    assert served.alive()
