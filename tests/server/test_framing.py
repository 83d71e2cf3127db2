"""What RFC 9112 wants of requests, by raw sockets: who reads a head in two ways can hear what nobody said."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest

from server.client import SECONDS, call, dial, hear, hear_all, request
from server.running import SHORT, Gateway
from server.twin import Connection, say
from server.upstream import Upstream, Visit
from server.wire import CHAT, LAST, PATHS, STREAM, ask, chunk, ending, opening, piece

BODY = ask(CHAT, "demo/echo")
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = chunk(BODY) + LAST
OFFER = ("Connection: Upgrade", "Upgrade: h2c")
PROBE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


def said(
    *lines: str, body: bytes = BODY, start: str = f"POST {PATHS[CHAT]} HTTP/1.1", host: str = "Host: localhost"
) -> bytes:
    """The bytes of a request."""
    head = "\r\n".join([start, *([host] if host else []), *lines, "", ""])
    return head.encode("latin-1") + body


def got(path: str, *lines: str, method: str = "GET", **more: str) -> bytes:
    return said(*lines, start=f"{method} {path} HTTP/1.1", body=b"", **more)


def heard(url: str, data: bytes) -> tuple[list[int], bytes]:
    """The statuses of all answers to `data`, and the answers.  The client says no more, and what is open is closed then."""
    with dial(url) as sock:
        sock.sendall(data + b"GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        try:
            while more := sock.recv(65536):
                answer += more
        except ConnectionResetError:
            pass  # more was sent than was read
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
    return statuses[:-1] if statuses[-1:] == [404] else statuses, answer


REFUSED: dict[str, tuple[int, bytes]] = {
    "no host": (400, said(LENGTH, host="")),
    "no host, another path": (400, got("/livez", host="")),
    "no host in a whole URL": (400, got("http://localhost/livez", host="")),
    "two hosts": (400, said("Host: localhost", LENGTH)),
    "a host with a blank": (400, got("/livez", host="Host: a b")),
    "a host with a path": (400, got("/livez", host="Host: localhost/x")),
    "a host with a user": (400, got("/livez", host="Host: me@localhost")),
    "a whole URL with a user": (400, got("http://me@localhost/livez")),
    "a length beside chunks": (400, said(LENGTH, CHUNKED, body=CHUNKS)),
    "chunks beside a length": (400, said(CHUNKED, LENGTH, body=CHUNKS)),
    "two lengths": (400, said(LENGTH, LENGTH)),
    "two lengths that differ": (400, said(LENGTH, "Content-Length: 3")),
    "a list of lengths": (400, said(f"{LENGTH}, {len(BODY)}")),
    "a signed length": (400, said(f"Content-Length: +{len(BODY)}")),
    "a folded coding": (400, said("Transfer-Encoding:\r\n chunked", body=CHUNKS)),
    "a folded header": (400, said("X-A: b\r\n c", LENGTH)),
    "an unknown coding": (501, said("Transfer-Encoding: xchunked", body=CHUNKS)),
    "identity": (501, said("Transfer-Encoding: identity", body=CHUNKS)),
    "two codings": (501, said("Transfer-Encoding: gzip, chunked", body=CHUNKS)),
    "two codings on two lines": (501, said("Transfer-Encoding: identity", CHUNKED, body=CHUNKS)),
    "an empty coding before": (501, said("Transfer-Encoding: ,chunked", body=CHUNKS)),
    "chunks that are not the last coding": (400, said("Transfer-Encoding: chunked, gzip", body=CHUNKS)),
    "chunks in 1.0": (400, said(CHUNKED, body=CHUNKS, start=f"POST {PATHS[CHAT]} HTTP/1.0")),
    "a bare LF": (400, said("X-A: b\n" + LENGTH)),
    "a bare CR": (400, said("X-A: b\rX-B: c", LENGTH)),
    "bare LFs in chunks": (400, said(CHUNKED, body=CHUNKS.replace(b"\r\n", b"\n"))),
    "a blank before the colon": (400, said("X-A : b", LENGTH)),
    "a blank before the length's colon": (400, said(f"Content-Length : {len(BODY)}")),
    "a blank before the first name": (400, said(LENGTH, host=" Host: localhost")),
    "NUL": (400, said("X-A: a\0b", LENGTH)),
    "no name": (400, said(": b", LENGTH)),
    "no path": (400, got("livez")),
    "HTTP/0.9": (505, b"GET /livez\r\n\r\n"),
    "HTTP/2.0": (505, said(start="GET /livez HTTP/2.0", body=b"")),
    "CONNECT": (501, got("example.com:443", method="CONNECT")),
    "an unknown method": (501, got("/livez", method="BREW")),
    "no HTTP": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    "the length of a trailer": (400, said(CHUNKED, body=CHUNKS[:-2] + b"Content-Length: 5\r\n\r\n")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_be_read_in_two_ways_is_refused_and_its_connection_closed(case: str, served: Gateway) -> None:
    status, data = REFUSED[case]
    statuses, answer = heard(served.url, data)
    assert statuses == [status]
    assert b"\r\nconnection: close\r\n" in answer and b'"type":"invalid_request_error"' in answer


TAKEN: dict[str, tuple[list[int], bytes]] = {
    "chunks, and one more request": ([200, 200], said(CHUNKED, body=CHUNKS) + PROBE),
    "another case": ([200], said("transfer-encoding: CHUNKED", body=CHUNKS)),
    "an extension of a chunk": ([200], said(CHUNKED, body=CHUNKS.replace(b"\r\n", b";a=b\r\n", 1))),
    "a whole URL": ([200], said(LENGTH, start=f"POST http://localhost{PATHS[CHAT]} HTTP/1.1")),
    "a whole URL, another path": ([200], got("http://localhost/livez")),
    "1.0 without a host": ([200], said(start="GET /livez HTTP/1.0", host="", body=b"")),
    "1.0 is closed": ([200], said(LENGTH, start=f"POST {PATHS[CHAT]} HTTP/1.0") + PROBE),
    "1.0 hears no 100": ([200], said(LENGTH, "Expect: 100-continue", start=f"POST {PATHS[CHAT]} HTTP/1.0")),
    "close among others": ([200], said("Connection: x, Close", LENGTH) + PROBE),
    "empty lines before": ([200], b"\r\n\r\n" + PROBE),
    "pipelined": ([200] * 4, said(LENGTH) + PROBE + said(LENGTH) + PROBE),
    "pipelined and broken": ([200, 200, 400], said(LENGTH) + PROBE + said(CHUNKED, LENGTH, body=CHUNKS)),
    "pipelined and broken in its body": ([200, 200, 400], said(LENGTH) + PROBE + said(CHUNKED, body=b"x\r\n")),
    "pipelined and no HTTP": ([200, 400], PROBE + b"\x16\x03\x01\x02\r\n\r\n"),
    "an offer, and what is not taken": ([200, 501], got("/livez", *OFFER) + said("Transfer-Encoding: x", body=CHUNKS)),
    "a body that nobody reads": ([200, 200], got("/livez", "Content-Length: 5") + b"hello" + PROBE),
    "HEAD": ([405, 200], got(PATHS[CHAT], method="HEAD") + PROBE),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_is_plain_is_taken(case: str, served: Gateway) -> None:
    expected, data = TAKEN[case]
    assert heard(served.url, data)[0] == expected


def test_a_whole_url_names_the_host(served: Gateway) -> None:
    """Not the header beside it (RFC 9112, 3.2.2): a gateway without keys is not asked by anybody's name."""
    for start in (f"POST http://evil.example{PATHS[CHAT]} HTTP/1.1", "GET http://evil.example/v1/models HTTP/1.1"):
        statuses, answer = heard(served.url, said(LENGTH, start=start))
        assert statuses[:1] == [403] and b"server.hosts" in answer


def test_a_trailer_is_no_header(served: Gateway) -> None:
    """Neither for a generation nor for another path, which reads its headers when the body is there."""
    trailers = CHUNKS[:-2] + b"Host: evil.example\r\nOrigin: http://evil.example\r\nx-hexapla-hedge: no\r\n\r\n"
    for path in (PATHS[CHAT], "/v1/route"):
        assert heard(served.url, said(CHUNKED, body=trailers, start=f"POST {path} HTTP/1.1") + PROBE)[0] == [200, 200]


def test_trailers_have_the_limits_of_a_head(served: Gateway) -> None:
    with dial(served.url) as sock:
        sock.sendall(said(CHUNKED, body=CHUNKS[:-2] + b"X-T: "))
        with pytest.raises(ConnectionError):
            for _ in range(200):
                sock.sendall(b"a" * 65536)
    assert served.alive()


@pytest.mark.parametrize(
    ("reads", "closed"),
    [
        ((b"7d0\r\n", b"a" * 1999, b"a\r\n5", b"\r\n", b"a" * 5 + b"\r\n0\r\n", b"X-T: 1\r\n\r\n"), False),
        ((b"7d0\r\n" + b"a" * 1000, b"a" * 1000 + b"\r\n3e8\r\n", b"a" * 1000 + b"\r\n0\r\n\r\n"), False),
        ((b"1\r\na\r\n0\r\nX-T: ", b"a" * 500, b"a" * 500), True),
    ],
)
def test_long_chunks_are_no_trailers(reads: tuple[bytes, ...], closed: bool) -> None:
    """However they are cut; a head has 900 bytes here."""

    async def played() -> bytes:
        connection = Connection()
        await connection.take(said(CHUNKED, "Authorization: Bearer one", body=b""))
        for read in reads:
            await connection.take(read)
        assert connection.transport.closing is closed and len(connection.gateway.asked) == (not closed)
        return b"".join(connection.transport.said)

    assert (b" 431 " in asyncio.run(played())) is closed


def test_whoever_waits_for_100_hears_it_at_every_path(served: Gateway) -> None:
    """curl waits a second for it."""
    for path in (PATHS[CHAT], "/v1/messages/count_tokens", "/v1/route"):
        with dial(served.url) as sock:
            sock.sendall(said(LENGTH, "Expect: 100-continue", body=b"", start=f"POST {path} HTTP/1.1"))
            assert hear(sock, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            sock.sendall(BODY)
            assert hear(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_thousand_requests_in_one_read() -> None:
    """Those that are answered at once leave the stack alone, and the next one is answered as well."""
    first, wrong = request(PATHS[CHAT], b"{}"), request(PATHS[CHAT], b"refuse")
    key = b"\r\nAuthorization: Bearer one\r\n"

    async def played() -> bytes:
        connection = Connection()
        connection.gateway.memory.limit = 1 << 30
        reads = [each.replace(b"\r\n", key, 1) for each in (first, *[wrong] * 1000, first)]
        await connection.take(b"".join(reads))
        for _ in range(2):
            await connection.take(say)
        assert not connection.transport.paused and connection.gateway.memory.held == 0
        return b"".join(connection.transport.said)

    answers = re.findall(rb"HTTP/1\.1 (\d+) ", asyncio.run(played()))
    assert answers == [b"200", *[b"400"] * 1000, b"200"]


@pytest.mark.parametrize(
    ("behind", "status"), [(got("/livez", method="BREW"), 501), (got("/livez", host=""), 400), (PROBE[:20], 408)]
)
def test_nothing_is_said_into_a_stream(behind: bytes, status: int, upstream: Upstream, served: Gateway) -> None:
    """What is wrong with a pipelined request is told when the answer before it is out."""
    go = threading.Event()

    async def held(visit: Visit) -> None:
        await visit.write(STREAM + chunk(opening(CHAT) + piece(CHAT, "first")))
        while not go.is_set():  # noqa: ASYNC110 - told by another thread
            await asyncio.sleep(0.01)
        await visit.write(chunk(ending(CHAT, "first")) + LAST)

    model = f"{SHORT[CHAT]}/{upstream.play(held)}"
    with dial(served.url) as sock:
        sock.sendall(request(PATHS[CHAT], ask(CHAT, model, stream=True)))
        assert b"first" in hear(sock, b"first")
        sock.sendall(behind)
        sock.settimeout(1.3)  # a head has a second here
        with pytest.raises(TimeoutError):
            sock.recv(1)
        go.set()
        sock.settimeout(SECONDS)
        assert b"[DONE]\n\n\r\n0\r\n\r\nHTTP/1.1 %d " % status in hear_all(sock)


@pytest.mark.parametrize(
    ("path", "status"), [(PATHS[CHAT], 403), ("/nowhere", 404)], ids=["a generation", "another path"]
)
def test_who_was_answered_hears_no_second_answer(path: str, status: int, served: Gateway) -> None:
    """A body that breaks off behind its own refusal ends the connection, and says nothing that the next could take."""
    with dial(served.url) as sock:
        head = said(CHUNKED, "Origin: http://evil.example", body=chunk(b"{"), start=f"POST {path} HTTP/1.1")
        sock.sendall(head)
        assert hear(sock, b"}").startswith(b"HTTP/1.1 %d " % status)
        sock.sendall(b"no size of a chunk\r\n")
        assert b"HTTP/1.1" not in hear_all(sock)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", PATHS[CHAT], "POST"),
        ("OPTIONS", PATHS[CHAT], "POST"),
        ("DELETE", "/v1/responses", "GET, HEAD, POST"),
        ("POST", "/v1/models", "GET, HEAD"),
        ("PUT", "/v1beta/models/demo/echo:generateContent", "POST"),
        ("GET", "/v1beta/models/demo/echo:generateContent", "POST"),
        ("GET", "/p/work/v1/models/demo/echo:countTokens", "POST"),
        ("DELETE", "/v1beta/models", "GET, HEAD"),
    ],
)
def test_a_method_that_a_path_does_not_take(method: str, path: str, allowed: str, served: Gateway) -> None:
    answer = call(served.url, path, method=method)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "path",
    ["/v1/chat/completions/", "//v1/chat/completions", "/v1/../v1/chat/completions", "/p/a" * 15_000 + PATHS[CHAT]],
)
def test_a_path_that_is_none(path: str, served: Gateway) -> None:
    """It is not bent into one either: a redirect would go wherever `Host` says."""
    answer = call(served.url, path, BODY)
    assert answer.status == 404 and "location" not in answer.headers
