"""Requests that offer another protocol are read as if they did not, body and all that follows."""

from __future__ import annotations

import pytest

from server.client import dial, hear, request
from server.running import Gateway
from server.wire import CHAT, PATHS, ask

BODY = ask(CHAT, "nosuch/first")
AFTER = request(PATHS[CHAT], ask(CHAT, "nosuch/second"))
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n"
"""As Java's HttpClient sends it by default to an http:// address (java.net.http, Http2ClientImpl, 2026-11-28)."""

HEAD = request(PATHS[CHAT], BODY).replace(b"\r\n\r\n" + BODY, b"\r\n")
WHOLE = HEAD + OFFER + b"\r\n" + BODY
CHUNKED = WHOLE.replace(b"content-length: %d" % len(BODY), b"transfer-encoding: chunked").replace(
    BODY, b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
)


@pytest.mark.parametrize("first", [WHOLE, CHUNKED], ids=["length", "chunks"])
def test_the_body_of_such_a_request_is_read(served: Gateway, first: bytes) -> None:
    """However it is cut, and whatever comes after it on the same connection."""
    end = first.index(b"\r\n\r\n") + 4
    for cut in (0, 20, end - len(OFFER), end - 2, end, end + 1, len(first) - 1):
        with dial(served.url) as sock:
            for piece in (first[:cut], first[cut:]):
                sock.sendall(piece)
            assert b"'nosuch/first'" in hear(sock, b"'nosuch/first'")
            sock.sendall(AFTER)
            assert b"'nosuch/second'" in hear(sock, b"'nosuch/second'")
    with dial(served.url) as sock:
        sock.sendall(first + AFTER)
        assert b"'nosuch/first'" in hear(sock, b"'nosuch/second'")


def test_requests_without_a_body(served: Gateway) -> None:
    with dial(served.url) as sock:
        for _ in range(3):
            sock.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n" + OFFER + b"\r\n")
            assert hear(sock, b'"ok"}').startswith(b"HTTP/1.1 200")
        sock.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n")
        assert b'"ok"}' in hear(sock, b'"ok"}') and not sock.recv(1)
