"""Many large requests at once: those that fit are answered, others are sent away, and nothing stays in the account."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hexapla.routing.memory import REQUEST, WEIGHT
from hexapla.upstream.reqwest import installed
from server.client import Heard, begin, call, dial, hear, hear_all, request
from server.running import SHORT, Gateway, gateway, providers
from server.twin import Connection
from server.upstream import Upstream, Visit
from server.wire import CHAT, DIALECTS, MESSAGES, PATHS, STREAM, answer, ask, chunk, ending, opening, piece, whole

BODY = 2_000_000  # bytes of a large request; two of them fit
LIMIT = 20_000_000
SETTINGS = f"""
[limits]
body_bytes = 3000000
head_seconds = 20
memory_bytes = {LIMIT}
"""


@pytest.fixture(scope="module")
def narrow(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with little memory."""
    with gateway(tmp_path_factory.mktemp("narrow"), SETTINGS + providers(_upstream.url)) as running:
        yield running


class Held:
    """An upstream that answers when it is told to."""

    def __init__(self) -> None:
        self.told = threading.Event()

    async def __call__(self, visit: Visit) -> None:
        while not self.told.is_set():
            if visit.reader.at_eof():
                visit.over.set()
                return
            await _moment()
        await visit.write(whole(visit.protocol))


async def _moment() -> None:
    await asyncio.sleep(0.01)


def large(protocol: str, model: str, size: int = BODY) -> bytes:
    """A request of about `size` bytes."""
    text = "word " * (size // 5)
    more: dict[str, Any] = (
        {"input": text} if "responses" in protocol else {"messages": [{"role": "user", "content": text}]}
    )
    return ask(protocol, f"{SHORT[CHAT]}/{model}", **more)


def metric(running: Gateway, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", call(running.url, "/metrics").body.decode(), re.M)
    assert found
    return float(found.group(1))


def held(running: Gateway) -> float:
    return metric(running, "hexapla_memory_bytes")


def settles(running: Gateway, least: float = 0, most: float = 0) -> bool:
    """Whether what is held comes to be between two numbers."""
    end = time.monotonic() + 10
    while not least <= held(running) <= most:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def outcomes(running: Gateway) -> list[str]:
    """Those of the log, as soon as there are any."""
    end = time.monotonic() + 10
    while not (lines := running.log()) and time.monotonic() < end:
        time.sleep(0.02)
    return [line["outcome"] for line in lines]


def refused(heard: Heard, protocol: str) -> None:
    """The dialect's word for a crowd, and when to come again."""
    assert heard.status == (529 if protocol == MESSAGES else 503)
    assert heard.headers["retry-after"] == "1" and heard.headers["x-should-retry"] == "true"
    assert "limits.memory_bytes" in heard.error["message"]
    if protocol == MESSAGES:
        assert heard.error["type"] == "overloaded_error"


def test_what_does_not_fit_is_sent_away_at_once(upstream: Upstream, narrow: Gateway) -> None:
    """In every dialect; what runs ends well, what is small is answered, and there is room again afterwards."""
    waits = Held()
    model = upstream.play(waits)
    quick = upstream.play(_answers)
    shed = metric(narrow, "hexapla_shed_requests_total")
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(call, narrow.url, PATHS[CHAT], large(CHAT, model)) for _ in range(2)]
        assert settles(narrow, 4 * 2 * BODY, LIMIT)
        for protocol in DIALECTS:
            refused(call(narrow.url, PATHS[protocol], large(protocol, quick)), protocol)
        assert call(narrow.url, PATHS[CHAT], ask(CHAT, f"{SHORT[CHAT]}/{quick}")).status == 200
        assert metric(narrow, "hexapla_shed_requests_total") == shed + len(DIALECTS)
        waits.told.set()
        assert [one.result().status for one in running] == [200, 200]
    assert settles(narrow)
    assert call(narrow.url, PATHS[CHAT], large(CHAT, quick)).status == 200


async def _answers(visit: Visit) -> None:
    await visit.write(whole(visit.protocol))


def test_a_body_without_a_length_is_sent_away_when_it_has_grown(upstream: Upstream, narrow: Gateway) -> None:
    """It is counted as it comes, and what was held of it is let go."""
    waits = Held()
    model = upstream.play(waits)
    with (
        closing(begin(narrow.url, PATHS[CHAT], large(CHAT, model))),
        closing(begin(narrow.url, PATHS[CHAT], large(CHAT, model))),
    ):
        assert settles(narrow, 4 * 2 * BODY, LIMIT)
        before = held(narrow)
        with dial(narrow.url) as sock:
            sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n")
            for _ in range(40):
                sock.sendall(chunk(b" " * 50_000))
            assert hear(sock, b"memory_bytes").startswith(b"HTTP/1.1 503 ")
            assert settles(narrow, before, before)
    assert settles(narrow)


@pytest.mark.parametrize(
    "way", ["left", "too large", "no request", "unknown", "refused", "pipelined", "counted", "gemini"]
)
def test_nothing_stays_in_the_account(way: str, upstream: Upstream, narrow: Gateway) -> None:
    """However a request ends."""
    WAYS[way](upstream, narrow)
    assert settles(narrow)


def _left(upstream: Upstream, narrow: Gateway) -> None:
    """The client leaves inside its body, and while it waits."""
    with dial(narrow.url) as sock:
        sock.sendall(request(PATHS[CHAT], b" " * BODY)[: BODY // 2])
        assert settles(narrow, BODY, LIMIT)
    waits = Held()
    with closing(begin(narrow.url, PATHS[CHAT], large(CHAT, upstream.play(waits)))):
        assert settles(narrow, 4 * BODY, LIMIT)


def _too_large(upstream: Upstream, narrow: Gateway) -> None:
    with dial(narrow.url) as sock:
        sock.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(62):
            sock.sendall(chunk(b" " * 50_000))
        assert hear(sock, b"body_bytes").startswith(b"HTTP/1.1 413 ")


def _no_request(upstream: Upstream, narrow: Gateway) -> None:
    assert call(narrow.url, PATHS[CHAT], b"[" + b" " * BODY).status == 400


def _unknown(upstream: Upstream, narrow: Gateway) -> None:
    assert call(narrow.url, PATHS[CHAT], ask(CHAT, "nobody/nothing")).status == 404


def _refused(upstream: Upstream, narrow: Gateway) -> None:
    async def refuses(visit: Visit) -> None:
        await visit.write(answer(400, json.dumps({"error": {"message": "x" * 300_000}}).encode()))

    assert call(narrow.url, PATHS[MESSAGES], large(MESSAGES, upstream.play(refuses))).status == 400


def _pipelined(upstream: Upstream, narrow: Gateway) -> None:
    """Two on one connection, whose client leaves."""
    waits = Held()
    model = upstream.play(waits)
    small = ask(CHAT, f"{SHORT[CHAT]}/{model}")
    with dial(narrow.url) as sock:
        sock.sendall(request(PATHS[CHAT], small) * 2)
        upstream.last()
        assert settles(narrow, 2 * 32 * 1024, LIMIT)
    waits.told.set()  # with a second request behind it, nobody sees the client leave before it is answered


def _counted(upstream: Upstream, narrow: Gateway) -> None:
    body = large(MESSAGES, upstream.play(_answers))
    assert call(narrow.url, "/v1/messages/count_tokens", body).json["input_tokens"] > 0


def _gemini(upstream: Upstream, narrow: Gateway) -> None:
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": "word " * (BODY // 5)}]}]}).encode()
    path = f"/v1beta/models/{SHORT[CHAT]}/{upstream.play(_answers)}:generateContent"
    assert call(narrow.url, path, body).status == 200


WAYS = {
    "left": _left,
    "too large": _too_large,
    "no request": _no_request,
    "unknown": _unknown,
    "refused": _refused,
    "pipelined": _pipelined,
    "counted": _counted,
    "gemini": _gemini,
}


def test_a_body_that_comes_too_late_is_let_go(served: Gateway) -> None:
    """What has come of it as well."""
    before = held(served)  # answers that are kept for their Idempotency-Key
    with dial(served.url) as sock:
        sock.sendall(request(PATHS[CHAT], b" " * 300_000)[:200_000])
        assert settles(served, before + 4 * 100_000, LIMIT)
        assert hear(sock, b"did not arrive").startswith(b"HTTP/1.1 408 ")
    assert settles(served, most=before)


def test_a_crowd_of_large_requests(upstream: Upstream, narrow: Gateway) -> None:
    """Sixty at once, of which two fit: some are answered, the rest is sent away, and memory stays within its bounds."""
    waits = Held()
    model = upstream.play(waits)
    body = large(CHAT, model)
    before, peak = narrow.memory(), 0
    with ThreadPoolExecutor(60) as threads:
        asked = [threads.submit(call, narrow.url, PATHS[CHAT], body) for _ in range(60)]
        while sum(one.done() for one in asked) < 58:
            peak = max(peak, narrow.memory() - before)
            time.sleep(0.02)
        waits.told.set()
        counted = Counter(one.result().status for one in asked)
    assert counted.keys() == {200, 503} and 1 <= counted[200] <= 2
    assert peak < LIMIT * 2
    assert settles(narrow)
    assert narrow.alive()


def test_an_answer_that_is_collected_counts(upstream: Upstream, narrow: Gateway) -> None:
    """Two answers of many megabytes: while the first is read, the second finds no room, and says so."""
    more = threading.Event()

    async def says_much(visit: Visit) -> None:
        body = json.loads(whole(CHAT).partition(b"\r\n\r\n")[2])
        body["choices"][0]["message"]["content"] = "x" * 6_000_000
        data = answer(200, json.dumps(body).encode())
        await visit.write(data[:3_000_000])
        while not more.is_set():
            await _moment()
        await visit.write(data[3_000_000:])

    model = f"{SHORT[CHAT]}/{upstream.play(says_much)}"
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(call, narrow.url, PATHS[CHAT], ask(CHAT, model))
        assert settles(narrow, 4 * 2_000_000, LIMIT)
        second = threads.submit(call, narrow.url, PATHS[CHAT], ask(CHAT, model))
        refused(second.result(), CHAT)
        assert not first.done()
        more.set()
        first.result()
    assert settles(narrow)


async def pours(visit: Visit) -> None:
    """Text without end, as fast as it is taken."""
    block = chunk(piece(CHAT, "x" * 2000) * 32)
    await visit.write(STREAM + chunk(opening(CHAT)))
    while True:
        await visit.write(block)


def test_what_a_slow_client_leaves_lying_counts(upstream: Upstream, narrow: Gateway) -> None:
    """An answer that nobody takes is held until it is taken, or until the client leaves."""

    body = ask(CHAT, f"{SHORT[CHAT]}/{upstream.play(pours)}", stream=True)
    sock = begin(narrow.url, PATHS[CHAT], body, receive_buffer=16 * 1024)
    assert settles(narrow, 2 * 32 * 1024, LIMIT)
    sock.close()
    assert settles(narrow)


CARRIERS = pytest.mark.parametrize(
    "carrier",
    ["http1", pytest.param("reqwest", marks=pytest.mark.skipif(not installed(), reason="hexapla[reqwest] is missing"))],
)


@CARRIERS
def test_f60_a_client_that_stops_reading_is_cut_off(carrier: str, upstream: Upstream, tmp_path: Path) -> None:
    """After `stall_seconds` without a byte taken: its upstream is closed, and the record says that it left."""

    with gateway(tmp_path, stalling(upstream, carrier)) as running:
        body = ask(CHAT, f"{SHORT[CHAT]}/{upstream.play(pours)}", stream=True)
        with closing(begin(running.url, PATHS[CHAT], body, receive_buffer=16 * 1024)) as sock:
            visit = upstream.last()
            assert visit.over.wait(10)
            assert b"[DONE]" not in hear_all(sock)
        assert settles(running)
        assert outcomes(running) == ["cancelled"]


@CARRIERS
def test_f60_a_client_that_takes_nothing_of_a_whole_answer(carrier: str, upstream: Upstream, tmp_path: Path) -> None:
    """It is cut off as well, and what lay there for it is let go; the answer was whole, and so it stands in the books."""

    async def says_much(visit: Visit) -> None:
        body = json.loads(whole(CHAT).partition(b"\r\n\r\n")[2])
        body["choices"][0]["message"]["content"] = "x" * 16_000_000
        await visit.write(answer(200, json.dumps(body).encode()))

    with gateway(tmp_path, stalling(upstream, carrier)) as running:
        body = ask(CHAT, f"{SHORT[CHAT]}/{upstream.play(says_much)}")
        with closing(begin(running.url, PATHS[CHAT], body, receive_buffer=16 * 1024)) as sock:
            assert outcomes(running) == ["ok"]
            assert settles(running)
            assert len(hear_all(sock)) < 16_000_000


def stalling(upstream: Upstream, carrier: str) -> str:
    """A configuration of a gateway that loses its patience with clients soon."""
    endpoints = providers(upstream.url).replace('/v1"\n', f'/v1"\ntransport = "{carrier}"\n')
    return "[limits]\nstall_seconds = 0.5\n" + endpoints


def test_a_client_that_is_slow_is_not_cut_off(upstream: Upstream, tmp_path: Path) -> None:
    """Who takes a little in every while has the whole answer."""

    async def says_much(visit: Visit) -> None:
        text = "x" * 8_000_000
        await visit.write(STREAM + chunk(opening(CHAT) + piece(CHAT, text) + ending(CHAT, text)) + b"0\r\n\r\n")

    settings = "[limits]\nstall_seconds = 0.5\n" + providers(upstream.url)
    with gateway(tmp_path, settings) as running:
        body = ask(CHAT, f"{SHORT[CHAT]}/{upstream.play(says_much)}", stream=True)
        with closing(begin(running.url, PATHS[CHAT], body, receive_buffer=64 * 1024)) as sock:
            heard = _slowly(sock, pieces=20)
        assert heard.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def _slowly(sock: socket.socket, pieces: int) -> bytes:
    """A piece ten times a second, then the rest."""
    heard = b""
    for _ in range(pieces):
        heard += sock.recv(256 * 1024)
        time.sleep(0.1)
    while not heard.endswith(b"\r\n0\r\n\r\n") and (got := sock.recv(1024 * 1024)):
        heard += got
    return heard


def test_tiny_pieces_are_counted_by_what_they_take() -> None:
    """Each is an object, whose bytes are the least of it; when all is there, only the body counts."""
    pieces = 300

    async def play() -> tuple[int, int]:
        connection = Connection()
        lines = (
            "POST /v1/chat/completions HTTP/1.1",
            "host: localhost",
            "x-api-key: one",
            "transfer-encoding: chunked",
        )
        await connection.take("\r\n".join((*lines, "", "")).encode())
        for _ in range(pieces):
            await connection.take(b"2\r\n  \r\n")
        arriving = connection.gateway.memory.held
        await connection.take(b"0\r\n\r\n")
        return arriving, connection.gateway.memory.held

    arriving, whole = asyncio.run(play())
    assert arriving - REQUEST >= pieces * (sys.getsizeof(b"  ") + 8)
    assert whole == REQUEST + WEIGHT * 2 * pieces
