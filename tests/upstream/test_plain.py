"""A whole answer that is read at once is what the parser would have made of it; whatever else is the parser's."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from hexapla.routing.allowance import RATELIMIT, TELLS
from hexapla.upstream import connection
from hexapla.upstream.connection import Connection
from hexapla.upstream.head import Letterhead
from hexapla.upstream.origin import Origin
from hexapla.upstream.plain import plain
from hexapla.upstream.transport import Timeouts

CASES = int(os.environ.get("HEXAPLA_ANSWERS", "4000"))
BODY = b'{"id":"c1","choices":[]}'
LETTERHEAD = Letterhead(
    origin=Origin("127.0.0.1", 80, tls=False), head=b"", secrets=(), timeouts=Timeouts(write=0), limit=200
)


def answer(*lines: bytes, body: bytes = BODY, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join([status, *lines, b"content-length: %d" % len(body)]) + b"\r\n\r\n" + body


VENDOR = (
    b"Date: Sat, 28 Nov 2026 13:46:14 GMT",
    b"Content-Type: application/json",
    b"Connection: keep-alive",
    b"x-ratelimit-limit-requests: 10000",
    b"Set-Cookie: __cf_bm=a.b-1.0; path=/; HttpOnly",
    b"set-cookie: _cfuvid=a; path=/",
    b'alt-svc: h3=":443"; ma=86400',
    b"x-name: caf\xe9\ttab",
    b"empty:",
)


def chunked(*chunks: bytes, lines: tuple[bytes, ...] = (), end: bytes = b"0\r\n\r\n") -> bytes:
    head = answer(*lines, body=b"").replace(b"content-length: 0", b"transfer-encoding: chunked")
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end


SIMPLE = (
    answer(),
    answer(*VENDOR),
    answer(b"server: x", body=b""),
    answer(*VENDOR, body=b"\r\n\r\n" * 8),
    chunked(BODY),
    chunked(BODY[:9], BODY[9:], lines=VENDOR),
    chunked(),
    chunked(b"\r\n0\r\n\r\n", b"0\r\n"),
)

PARSED = {
    "another status": answer(status=b"HTTP/1.1 201 Created"),
    "no content": b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
    "no reason": answer(status=b"HTTP/1.1 200"),
    "HTTP/1.0": answer(status=b"HTTP/1.0 200 OK"),
    "interim": b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + answer(),
    "a line before it": b"\r\n" + answer(),
    "no length": b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
    "two lengths": answer(b"content-length: 3"),
    "one length twice": answer(b"content-length: %d" % len(BODY)),
    "two lengths in one": answer().replace(b": 24", b": 24, 24"),
    "a longer length": answer().replace(b": 24", b": 25"),
    "a shorter length": answer().replace(b": 24", b": 23"),
    "a signed length": answer().replace(b": 24", b": +24"),
    "a length in words": answer().replace(b": 24", b": 0x18"),
    "a space behind the length": answer().replace(b": 24", b": 24 "),
    "a tab before the length": answer().replace(b": 24", b":\t24"),
    "a length of nothing": answer().replace(b": 24", b": "),
    "chunks and a length": answer(b"transfer-encoding: chunked"),
    "chunks and a length, in capitals": answer(b"TRANSFER-ENCODING: chunked"),
    "chunks, said twice": chunked(BODY, lines=(b"transfer-encoding: chunked",)),
    "chunks, compressed": chunked(BODY).replace(b": chunked", b": gzip, chunked"),
    "many chunks": chunked(*(b"x" for _ in range(9))),
    "chunks without an end": chunked(BODY, end=b""),
    "chunks with half an end": chunked(BODY, end=b"0\r\n"),
    "a trailer": chunked(BODY, end=b"0\r\nx: y\r\n\r\n"),
    "a chunk's extension": chunked(BODY).replace(b"18\r\n", b"18;x=y\r\n"),
    "a chunk's size with a space": chunked(BODY).replace(b"18\r\n", b"18 \r\n"),
    "a signed size": chunked(BODY).replace(b"18\r\n", b"+18\r\n"),
    "a size with its base": chunked(BODY).replace(b"18\r\n", b"0x18\r\n"),
    "a size that is too small": chunked(BODY).replace(b"18\r\n", b"17\r\n"),
    "a size that is too large": chunked(BODY).replace(b"18\r\n", b"19\r\n"),
    "chunks with something behind them": chunked(BODY) + b"x",
    "too many bytes in chunks": chunked(b"x" * 150, b"x" * 51),
    "compressed": answer(b"content-encoding: gzip"),
    "compressed, not at all": answer(b"content-encoding: identity"),
    "the last one": answer(b"connection: close"),
    "the last one, among others": answer(b"connection: keep-alive, close"),
    "the last one for a proxy": answer(b"proxy-connection: close"),
    "an upgrade": answer(b"upgrade: h2c", b"connection: upgrade"),
    "a folded line": answer(b"a: b\r\n c"),
    "a space before the colon": answer(b"a : b"),
    "a space before the colon of what matters": answer(b"transfer-encoding : chunked"),
    "a space before the name": answer(b" a: b"),
    "no colon": answer(b"a"),
    "no name": answer(b": b"),
    "a name that is none": answer(b"a(b): c"),
    "a lonely line feed": answer(b"a: b\nc: d"),
    "a lonely carriage return": answer(b"a: b\rc: d"),
    "a zero byte": answer(b"a: b\0c"),
    "a control character": answer(b"a: b\x1bc"),
    "a deleted one": answer(b"a: b\x7fc"),
    "a line feed in the reason": answer(status=b"HTTP/1.1 200 OK\nx: y"),
    "lines that end in one character": answer(b"a: b").replace(b"\r\n", b"\n"),
    "something behind it": answer() + b"x",
    "another answer behind it": answer() * 2,
    "too many headers": answer(*(b"x-%d: y" % number for number in range(201))),
    "too large a head": answer(b"a: " + b"b" * 70_000),
    "too large a body": answer(body=b"x" * 201),
}


class Socket:
    def write(self, data: bytes) -> None: ...

    def abort(self) -> None: ...

    def resume_reading(self) -> None: ...

    def is_closing(self) -> bool:
        return False


def told(reads: list[bytes], *, parsed: bool) -> list[Any]:
    """What a connection makes of these reads, one exchange after the other as long as it is kept."""
    with pytest.MonkeyPatch.context() as patch:
        if parsed:
            patch.setattr(connection, "plain", lambda data, limit: None)
        return list(_told(reads))


def _told(reads: list[bytes]) -> Iterator[Any]:
    line = opened()
    for read in reads:
        if line.reusable:
            line.begin(LETTERHEAD, b"")
        if not line.closed:
            line.data_received(read)
        head, error = line.head, line.error
        yield (head[0], dict(head[1])) if head is not None else None
        yield (error.kind, error.message) if error is not None else None
        yield b"".join(line._chunks), line.whole(), line.ended, line.closed
        if line.ended:
            line.finish()
        yield line.reusable, len(line.pool.waiting)
    line.connection_lost(None)
    yield line.head is not None, str(line.error), line.ended


def opened() -> Connection:
    line = Connection()
    line.connection_made(Socket())  # type: ignore[arg-type]
    return line


def same(*reads: bytes) -> None:
    assert told(list(reads), parsed=False) == told(list(reads), parsed=True), reads


@pytest.fixture(autouse=True, scope="module")
def _loop() -> Iterator[None]:
    """A connection asks for the loop that it belongs to."""
    loop = asyncio.new_event_loop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "get_running_loop", lambda: loop)
        yield
    loop.close()


@pytest.mark.parametrize("data", SIMPLE, ids=lambda data: str(len(data)))
def test_what_is_simple_is_read_at_once(data: bytes) -> None:
    """Also as the answer before and after one that is not, and with bytes behind its end that nobody asked for."""
    parsed = answer(b"content-encoding: identity")
    assert plain(data) is not None and plain(parsed) is None
    same(data, data, parsed, data, parsed, parsed, data)
    same(data, b"x")
    same(data[:-1] + b"?", data[:9], data[9:])


@pytest.mark.parametrize("case", PARSED)
def test_whatever_else_is_the_parsers(case: str) -> None:
    data = PARSED[case]
    assert plain(data, LETTERHEAD.limit) is None
    same(data, answer())
    same(answer(*VENDOR), data, answer())


def test_bytes_behind_the_end_end_the_connection() -> None:
    """They come while the answer is being read: the connection is not used again, and they are no other answer's."""
    line = opened()
    line.begin(LETTERHEAD, b"")
    line.data_received(answer())
    line.data_received(answer(body=b'{"of":"another"}'))
    assert line.whole() == BODY and line.ended
    line.finish()
    assert line.closed and not line.reusable


def test_answers_that_are_nearly_simple() -> None:
    """Thousands of answers in which a few things are different, most of them wrong."""
    chance = random.Random(6336)
    simple = 0
    for _ in range(CASES):
        data = chance.choice(SIMPLE)
        for _ in range(chance.choice((1, 1, 2, 3))):
            data = chance.choice(MUTATIONS)(data, chance)
        simple += plain(data) is not None
        same(data, answer(*VENDOR))
    assert simple > CASES // 10


def test_words_that_tell_of_limits() -> None:
    """One look tells whether there is any of them, without reading a header."""
    for name in TELLS:
        found = plain(answer(b"%b: 1" % name.upper().encode()))
        assert found is not None and found[0][1].mention(RATELIMIT) and name in found[0][1]
    found = plain(answer(b"server: x"))
    assert found is not None and not found[0][1].mention(RATELIMIT)


def _flip(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([chance.choice(ODD)]) + data[place + 1 :]


def _insert(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([chance.choice(ODD)]) + data[place:]


def _cut(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + data[place + chance.choice((1, 2, 9)) :]


def _double(data: bytes, chance: random.Random) -> bytes:
    place, size = chance.randrange(len(data)), chance.choice((1, 2, 30))
    return data[: place + size] + data[place:]


def _line(data: bytes, chance: random.Random) -> bytes:
    """A line more, somewhere in the head."""
    lines = data.split(b"\r\n")
    lines.insert(chance.randrange(1, 4), chance.choice(LINES))
    return b"\r\n".join(lines)


def _case(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + data[place : place + 20].swapcase() + data[place + 20 :]


def _length(data: bytes, chance: random.Random) -> bytes:
    told = chance.choice((b"0%d", b" %d", b"%d ", b"\t%d", b"+%d", b"-%d", b"%d;", b"%d\x0b", b"%d, %d"))
    right = told % ((len(BODY),) * told.count(b"%d"))
    size = told.replace(b"%d", b"%x") % ((len(BODY),) * told.count(b"%d"))
    return data.replace(b"length: %d" % len(BODY), b"length: " + right).replace(b"18\r\n", size + b"\r\n")


ODD = b'\0\t\n\r\x0b\x0c\x1f !"(),/:;<=>?@[\\]{}0a-_~\x7f\x80\xff'
MUTATIONS = (_flip, _insert, _cut, _double, _line, _line, _case, _length)
LINES = (
    *VENDOR,
    b"transfer-encoding: chunked",
    b"Transfer-Encoding:",
    b"content-encoding: gzip",
    b"content-length: 24",
    b"content-length:24",
    b"connection: close",
    b"Connection: Keep-Alive",
    b"connection:",
    b"connection-x: close",
    b"content-lengthy: 9",
    b"proxy-connection: close",
    b"keep-alive: timeout=5",
    b"upgrade: websocket",
    b"trailer: x",
    b"te: trailers",
    b"a:b:c",
    b"a:  b  ",
    b"a:\tb\t",
    b" folded",
    b"no colon",
    b"",
)
