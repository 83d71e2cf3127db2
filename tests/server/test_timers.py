"""Each timer by itself, in a running gateway: what it cuts off, what the client hears, what the record says.

connect   a connection that nobody takes            head      a whole answer that does not begin
write     a request that nobody takes
first     a stream without content, pings or not    idle      a stream that falls silent
progress  a stream of pings                         total     an answer that never ends, however busy it is
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from server.client import Heard, at_once, call
from server.running import Gateway, gateway
from server.upstream import Script, Upstream, Visit
from server.wire import DIALECTS, MESSAGES, OK, PATHS, STREAM, TERMINATORS, ask, chunk, opening, piece
from upstream.fault_server import black_hole

LIMIT = 0.4  # of the timer that is tested
PATIENCE = 60.0  # of all the others


def pings(protocol: str) -> bytes:
    return chunk(b'event: ping\ndata: {"type": "ping"}\n\n' if protocol == MESSAGES else b": ping\n\n")


async def silence(visit: Visit) -> None:
    await visit.until_gone()


async def only_pings(visit: Visit) -> None:
    await visit.write(STREAM + chunk(opening(visit.protocol)))
    await _for_ever(visit, pings(visit.protocol))


async def content_then_silence(visit: Visit) -> None:
    await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "first")))
    await visit.until_gone()


async def content_then_pings(visit: Visit) -> None:
    await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "first")))
    await _for_ever(visit, pings(visit.protocol))


async def content_without_end(visit: Visit) -> None:
    await visit.write(STREAM + chunk(opening(visit.protocol)))
    await _for_ever(visit, chunk(piece(visit.protocol, "first ")))


async def dripped_body(visit: Visit) -> None:
    """F42: a byte from time to time."""
    await visit.write(OK + b"content-type: application/json\r\ncontent-length: 100000\r\n\r\n{")
    await _for_ever(visit, b" ")


async def _for_ever(visit: Visit, data: bytes) -> None:
    """Say `data` again and again until nobody listens."""
    leaving = asyncio.ensure_future(visit.until_gone())
    while not leaving.done():
        await visit.write(data)
        await asyncio.wait([leaving], timeout=0.05)


CASES: dict[str, tuple[str, Script, bool, bool]] = {
    "head": ("head", silence, False, False),
    "first": ("first", silence, True, False),
    "first_with_pings": ("first", only_pings, True, False),
    "idle": ("idle", content_then_silence, True, True),
    "progress": ("progress", content_then_pings, True, True),
    "total": ("total", content_without_end, True, True),
    "total_of_a_body": ("total", dripped_body, False, False),
}
"""Timer, what the upstream does, whether a stream is asked for, whether content is heard before the timer."""

TIMERS = ("connect", "write", "head", "first", "idle", "progress", "total")


def provider(timer: str, protocol: str, url: str) -> str:
    times = ", ".join(f"{name} = {LIMIT if name == timer else PATIENCE}" for name in TIMERS)
    return (
        f'[providers.{timer}_{protocol}]\nauth = {{ kind = "none" }}\n[[providers.{timer}_{protocol}.endpoints]]\n'
        f'protocol = "{protocol}"\nbase_url = "{url}/v1"\ntimeouts = {{ {times} }}\n'
    )


@pytest.fixture(scope="module")
def timed(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with a provider for every timer and dialect, which does not try twice and sends no heartbeats."""
    with black_hole() as hole, socket.create_server(("127.0.0.1", 0)) as deaf:
        places = {"connect": hole, "write": deaf.getsockname()[1]}
        urls = {timer: f"http://127.0.0.1:{places[timer]}" if timer in places else _upstream.url for timer in TIMERS}
        text = "".join(provider(timer, protocol, url) for timer, url in urls.items() for protocol in DIALECTS)
        with gateway(
            tmp_path_factory.mktemp("timed"), "[timeouts]\nbeat = 0\n[retry]\nretries = 0\n" + text
        ) as running:
            yield running


def cut_off(timed: Gateway, protocol: str, model: str, stream: bool) -> Heard:
    """Ask; the answer comes after the timer's time, and its record says why."""
    began = time.monotonic()
    heard = call(timed.url, PATHS[protocol], ask(protocol, model, stream=stream))
    assert time.monotonic() - began >= LIMIT
    assert timed.generation(heard.headers["x-request-id"])["outcome"] == "timeout"
    return heard


@pytest.mark.parametrize("case", CASES)
def test_timer(case: str, upstream: Upstream, timed: Gateway) -> None:
    """504 before content, the dialect's error event after it; the upstream's connection is closed."""
    timer, script, stream, content = CASES[case]
    name = upstream.play(script)

    def play(protocol: str) -> None:
        heard = cut_off(timed, protocol, f"{timer}_{protocol}/{name}", stream)
        assert heard.status == (200 if content else 504), heard.body
        named = f"{timer}_{protocol}".encode()  # errors name the provider
        assert (b"first" in heard.body.replace(named, b"")) == content
        assert b"in time" in heard.body and TERMINATORS[protocol] not in heard.body

    at_once(play, DIALECTS)
    assert len(upstream.visits) == len(DIALECTS)
    assert all(visit.over.wait(3) for visit in upstream.visits)


def test_connecting(timed: Gateway) -> None:
    """A connection that nobody takes is given up after the time for connecting."""

    def play(protocol: str) -> None:
        assert cut_off(timed, protocol, f"connect_{protocol}/m", stream=False).status == 504

    at_once(play, DIALECTS)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux tells when nothing is taken any more")
def test_writing(timed: Gateway) -> None:
    """A large request of which nothing more is taken is given up long before the time for its answer."""

    def play(protocol: str) -> None:
        body = ask(protocol, f"write_{protocol}/m", user="x" * 12_000_000)
        heard = call(timed.url, PATHS[protocol], body)
        assert heard.status == 504 and b"took nothing more of the request" in heard.body
        assert timed.generation(heard.headers["x-request-id"])["outcome"] == "timeout"

    at_once(play, DIALECTS)
