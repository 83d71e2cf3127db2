"""A head that is known changes what a request costs, and nothing else: the same reads come to the same end without it
(twin.py)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hexapla.engine.client import Ask
from hexapla.server.keys import KeyRing
from hexapla.server.known import PATIENCE, remembered
from hexapla.server.turn import Opening, Turn
from server.twin import KEYS, LIMITS, Connection, Step, adopt, crowd, narrow, say, spared

CHAT = ("POST /v1/chat/completions HTTP/1.1", "Host: x", "Content-Length: {}", "Authorization: Bearer one")
OTHER = ("POST /v1/messages HTTP/1.1", "host: x", "x-api-key: two", "anthropic-version: 1", "content-length:{}")
SESSION = (*CHAT, "x-session-id: s", "x-hexapla-hedge: true")


def request(lines: Iterable[str] = CHAT, body: bytes = b'{"model":"m"}', length: object = None) -> bytes:
    said = "\r\n".join(lines).replace("{}", str(len(body) if length is None else length))
    return said.encode("latin-1") + b"\r\n\r\n" + body


def replaced(line: str, *lines: str) -> tuple[str, ...]:
    return tuple(new for old in CHAT for new in (lines if old.startswith(line) else (old,)))


ODD: dict[str, bytes] = {
    "another key": request(replaced("Auth", "Authorization: Bearer two")),
    "a wrong key": request(replaced("Auth", "Authorization: Bearer three")),
    "no key": request(replaced("Auth")),
    "a word that is none": request((*CHAT, "x-hexapla-hedge: perhaps")),
    "close": request((*CHAT, "connection: close")),
    "keep-alive": request((*CHAT, "connection: keep-alive")),
    "1.0": request(replaced("POST", "POST /v1/chat/completions HTTP/1.0")),
    "another method": request(replaced("POST", "PUT /v1/chat/completions HTTP/1.1")),
    "another path": request(replaced("POST", "POST /v1/files HTTP/1.1")),
    "expect": request((*CHAT, "expect: 100-continue")),
    "upgrade": request((*CHAT, "connection: upgrade", "upgrade: websocket")),
    "chunks": request((*replaced("Content"), "transfer-encoding: chunked"), b"2\r\n{}\r\n0\r\n\r\n"),
    "chunks and a length": request((*CHAT, "transfer-encoding: chunked"), b"2\r\n{}\r\n0\r\n\r\n"),
    "no length": request(replaced("Content"), b""),
    "length 0": request(body=b""),
    "two lengths": request((*CHAT, "content-length: {}")),
    "two lengths that differ": request((*CHAT, "content-length: 1")),
    "leading zeros": request(length="00013"),
    "a plus": request(length="+13"),
    "a space behind": request(length="13 "),
    "a space before": request(length=" 13"),
    "a list": request(length="13, 13"),
    "hexadecimal": request(length="0xd"),
    "other digits": request(length="\xb9\xb3"),
    "no digits": request(length=""),
    "ten digits": request(length="0000000013"),
    "huge": request(length="99999999999999999999999"),
    "a line that goes on": request(length="13\r\n "),
    "a length in two lines": request(length="\r\n 13"),
    "bare line feeds": request().replace(b"\r\n", b"\n"),
    "a bare line feed": request(length="13\nx: y"),
    "a bare carriage return": request(length="13\rx: y"),
    "a nul": request((*CHAT, "x: \0")),
    "a space in a name": request((*CHAT, "x : y")),
    "empty lines before": b"\r\n\r\n" + request(),
    "empty lines behind": request() + b"\r\n\r\n",
    "line ends for a body": request(body=b"\r\n\r\n") + b"\r\n\r\n",
    "line ends after bare ones": request(body=b"\r\n\r\n").replace(b"x\r\nContent", b"x\nContent") + b"\r\n\r\n",
    "many lines": request((*CHAT, *(f"x-{number}: y" for number in range(20)))),
    "a long head": request((*CHAT, "x: " + "y" * 760)),
    "a head that is too long": request((*CHAT, "x: " + "y" * 2000)),
    "too much": request(body=b"x" * 4000),
    "refused": request(body=b"refuse"),
    "no HTTP": b"\x16\x03\x01\x02\x00",
    "less than announced": request(length=20),
    "more than announced": request(length=5),
    "a request behind it": request(length=0, body=request(body=b"{}")),
}


def test_nothing_shows_a_key() -> None:
    async def shown() -> str:
        connection = Connection()
        await connection.take(request(replaced("Auth", "Authorization: Bearer two")))
        known = connection.door._known
        assert known is not None
        return repr((known, known.opening, connection.door.cycle))

    assert "Bearer" not in asyncio.run(shown())


def lengths() -> Iterator[bytes]:
    return (b"x" * size for size in (1, 9, 10, 11, 99, 100, 1000, 5))


@pytest.mark.parametrize("lines", [CHAT, OTHER, SESSION, (*CHAT, "connection: keep-alive")])
def test_a_head_that_comes_again_is_not_parsed(lines: tuple[str, ...]) -> None:
    """Whatever the body's length; the first one is how it becomes known."""
    assert spared([step for body in lengths() for step in (request(lines, body), say)]) == 7


def test_its_bytes_reach_the_gateway() -> None:
    async def asked() -> list[tuple[str, str, bytes]]:
        connection = Connection()
        for step in (request(OTHER, b"one"), say, request(OTHER, b"two!"), say):
            await connection.take(step)
        assert connection.parsed == 1
        return [(ask.key, ask.profile, ask.body) for ask in connection.gateway.asked]

    assert asyncio.run(asked()) == [("second", "work", b"one"), ("second", "work", b"two!")]


@pytest.mark.parametrize("name", ODD)
def test_odd_requests(name: str) -> None:
    """Each before, between and behind usual ones, in one read and in two, answered at once and late."""
    odd, usual = ODD[name], request()
    for first, then in ((odd, odd), (usual, odd), (odd, usual)):
        spared([first, say, then, say, usual, say])
        spared([first, then, usual, say, say, say])
        spared([usual, say, first + then, say, say, usual, say])
        for cut in range(0, len(then), 5 + len(then) // 100):
            spared([usual, say, first, say, then[:cut], then[cut:], say, usual, say])


@pytest.mark.parametrize("name", ["keep-alive", "a long head"])
def test_heads_that_may_be_known(name: str) -> None:
    assert spared([ODD[name], say, ODD[name], say]) == 1


@pytest.mark.parametrize(
    "name",
    [
        "expect",
        "upgrade",
        "close",
        "1.0",
        "chunks",
        "two lengths",
        "length 0",
        "leading zeros",
        "a line that goes on",
        "empty lines before",
    ],
)
def test_heads_that_stay_unknown(name: str) -> None:
    assert spared([ODD[name], say, ODD[name], say, ODD[name], say]) == 0


LINES = [b"POST / HTTP/1.1", b"host: x", b"content-length: 3"]


def learned(data: bytes, *names: bytes) -> bool:
    headers = [(name, b"") for name in (b"host", b"content-length", *names)]
    endpoint = SimpleNamespace(keys=KeyRing({}))
    opening = Opening(endpoint=cast(Any, endpoint), profile="", headers=headers, keep_alive=True, expects=False)
    turn = SimpleNamespace(opening=opening, ask=Ask(protocol="openai_chat", body=b""))
    return remembered(data, cast(Turn, turn), 900) is not None


def test_only_the_plainest_heads_are_kept() -> None:
    """Even if a parser should take another one."""
    head = b"\r\n".join(LINES)
    assert learned(head + b"\r\n\r\nabc")
    assert not learned(head + b"\r\n\r\nabc", b"content-length")
    assert not learned(head + b"\r\n\r\nabc", b"transfer-encoding")
    assert not learned(head + b"\r\n\r\nabcd")
    for end in (
        b"\n\n",
        b"\r\r",
        b"\n\r\n",
        b"\r\n",
        b" \r\n\r\n",
        b"\r\n 3\r\n\r\n",
        b"\r\nx\ny: \r\n\r\n",
        b"0\r\n\r\n",
    ):
        assert not learned(head + end + b"abc"), end
    assert not learned(head.replace(b"host", b" host") + b"\r\n\r\nabc")
    assert not learned(b"\r\n" + head + b"\r\n\r\nabc")


def test_every_cut() -> None:
    """Two requests and a third's beginning, cut once, wherever."""
    data = request(SESSION, b"{}") + request(SESSION, b"{ }") + request(SESSION)[:30]
    for cut in range(len(data)):
        spared([request(SESSION), say, data[:cut], say, data[cut:], say, say])


def test_other_keys() -> None:
    """Who is no longer known is sent away, and who is known again is asked as ever."""
    usual = request()
    assert spared([usual, say, usual, say, adopt("two"), usual, say, usual, say]) == 1
    assert spared([usual, say, adopt("one"), usual, say, usual, say]) == 1
    assert spared([usual, say, adopt(), usual, say, usual, say]) == 0  # no key, and a host that could be anybody's


def test_limits_that_change() -> None:
    large, small = request(body=b"x" * 30), request()
    assert spared([large, say, narrow, large, small, say, large, say]) == 3
    assert spared([large, say, crowd, large, small, say, small]) == 3


def test_before_the_last_answer_is_out() -> None:
    """What is pipelined is parsed, and waits; what stays in the socket meanwhile need not be."""
    usual = request()
    assert spared([usual, say, usual, usual, usual, say, say, say, usual, say]) == 3


def test_a_connection_that_closes() -> None:
    def shut(connection: Connection) -> None:  # as uvicorn does it at the end
        connection.door.cycle.keep_alive = False

    usual = request()
    assert spared([usual, say, usual, shut, say, usual]) == 1


def test_heads_that_never_come_again() -> None:
    """Where every head is another, as behind a proxy, none is kept in the end; one that came again gives new hope."""
    usual = request()
    other = [step for number in range(PATIENCE) for step in (request((*CHAT, f"x: {number}")), say)]
    assert spared([*other[:-2], usual, say, usual, say]) == 1
    assert spared([*other, usual, say, usual, say]) == 0
    assert spared([*other[:-2], usual, say, usual, say, *other[:-2], usual, say, usual, say]) == 2


def test_after_the_end() -> None:
    """What still comes when the connection closes is asked nobody and teaches nothing."""

    async def play() -> None:
        connection = Connection()
        await connection.take(request())
        await connection.take(say)
        connection.transport.close()
        kept = connection.door._known
        assert kept is not None
        for data in (request(), request(OTHER)):
            connection.door.data_received(data)
        assert len(connection.gateway.asked) == 1 and connection.door._known is kept

    asyncio.run(play())


def test_two_requests_in_one_read() -> None:
    """The first one's head is not taken for the second one's, whose answer was the last."""
    one, two = request(body=b"refuse"), request(OTHER, b"refuse")
    assert spared([one + two, one, one]) == 1
    assert spared([one + two, two, two]) == 1


def test_a_request_for_a_body() -> None:
    """Bytes that come where a body is awaited are no request, whatever they look like."""
    inner = request(OTHER)
    head, whole = request(body=b"", length=len(inner)), request(body=inner)
    assert spared([head, inner, say, inner, say, whole, say]) == 0
    assert spared([whole, say, inner, say, whole, say, head, inner, say, inner, say]) == 0
    assert spared([whole, say, head + inner[:9], inner[9:], say, inner, say, whole, say]) == 0


def test_a_head_that_grows_too_long() -> None:
    """Nobody gets past the limit of a head by more digits."""
    empty = len(request((*CHAT, "x: "), b"x")) - 1
    filled = (*CHAT, "x: " + "y" * (LIMITS.head_bytes - empty))
    assert spared([request(filled, b"x"), say, request(filled, b"x"), say, request(filled, b"x" * 1000), say]) == 0


def test_a_client_that_leaves() -> None:
    def leave(connection: Connection) -> None:
        connection.transport.closing = True
        connection.door.connection_lost(None)

    assert spared([request(), say, request(), leave]) == 1


USUAL = [request(), request(body=b"{}" * 9), request(OTHER), request(SESSION)]


def mutated(chance: random.Random, data: bytes) -> bytes:
    """`data` with a few bytes changed, taken away or put in, most of them in its head."""
    out = bytearray(data)
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        place = chance.randrange(len(out))
        new = chance.choice((b"\r", b"\n", b"\r\n", b" ", b"0", b"9", b":", b"\0", b"x", b""))
        out[place : place + chance.randrange(2)] = new
    return bytes(out)


def sequence(chance: random.Random) -> list[Step]:
    """What a connection may live through: a client's usual request again and again, and something in between."""
    usual, steps = chance.choice(USUAL), list[Step]()
    for _ in range(10):
        kind = chance.random()
        data = usual if kind < 0.8 else chance.choice(USUAL) if kind < 0.9 else chance.choice(list(ODD.values()))
        data = mutated(chance, data) if chance.random() < 0.1 else data
        if steps and isinstance(steps[-1], bytes) and chance.random() < 0.5:
            data = steps.pop() + data  # type: ignore[operator]
        cut = chance.randrange(len(data)) if chance.random() < 0.2 else 0
        steps += [read for read in (data[:cut], data[cut:]) if read]
        steps += [say] * chance.choice((0, 1, 1, 1, 1, 2))
        if chance.random() < 0.05:
            steps.append(adopt(*chance.sample(sorted(KEYS), chance.randrange(3))))
    return steps


@pytest.mark.parametrize("seed", range(8))
def test_anything(seed: int) -> None:
    """Requests of all kinds and their mutants, in any cut, answered at any time."""
    chance = random.Random(seed)
    assert sum(spared(sequence(chance)) for _ in range(60)) > 60
