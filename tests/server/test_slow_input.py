"""Heads and bodies that drip, and heads that are bombs."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

from server.client import dial, hear_all, request
from server.running import Gateway
from server.wire import DIALECTS, MESSAGES, PATHS, ask

dialects = pytest.mark.parametrize("protocol", DIALECTS)


def told(answer: bytes) -> tuple[int, dict[str, object]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"x-request-id: " in head
    return int(head.split(b" ")[1]), json.loads(body)


def test_dripped_head(served: Gateway) -> None:
    """A head that comes byte by byte is cut off with 408 when its time is over, however lively it drips."""
    with dial(served.url) as sock:
        began = time.monotonic()
        sock.settimeout(0.1)
        heard = b""
        for byte in b"POST /v1/messages HTTP/1.1\r\nhost: h\r\nx-drip: " + b"a" * 100:
            sock.sendall(bytes([byte]))
            try:
                heard = sock.recv(65536)
                break
            except TimeoutError:
                continue
        assert 0.8 < time.monotonic() - began < 2.5
        status, body = told(heard)
    assert status == 408
    assert body["type"] == "error"
    assert served.alive()


@dialects
def test_dripped_body(protocol: str, served: Gateway) -> None:
    """A body that does not come in time is a 408 in the dialect."""
    whole = request(PATHS[protocol], ask(protocol, "demo/echo"))
    with dial(served.url) as sock:
        began = time.monotonic()
        sock.sendall(whole[:-20])
        sock.settimeout(0.1)
        heard = b""
        for byte in whole[-20:-5]:
            sock.sendall(bytes([byte]))
            try:
                heard = sock.recv(65536)
                break
            except TimeoutError:
                continue
        assert 0.8 < time.monotonic() - began < 2.5
        status, body = told(heard)
    assert status == 408
    assert (body.get("type") == "error") == (protocol == MESSAGES)
    assert served.alive()


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
            sock.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: h\r\n" + headers + b"\r\n")
        status, body = told(hear_all(sock))
    assert status == 431
    assert body["type"] == "error"
    assert served.alive()
    assert served.memory() - before < 5_000_000


def test_url_bomb(served: Gateway) -> None:
    """An endless URL counts as head."""
    with dial(served.url) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nhost: h\r\n\r\n")
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
