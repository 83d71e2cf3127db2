"""Upstreams that say too much: by how much a gateway grows, as its system tells (the peak of its resident size)."""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from hexapla.upstream.reqwest import installed
from server.client import begin, call
from server.running import Gateway, gateway
from server.upstream import Script, Upstream, Visit
from server.wire import CHAT, MESSAGES, OK, PATHS, STREAM, ask, chunk, ending, opening, piece, whole

pytestmark = pytest.mark.slow

MB = 1024 * 1024
LIMIT = 32 * MB  # of an answer
EVENT = 16 * MB  # of one event
LARGE = 24 * MB  # an answer that may pass
BOMB = 20 * MB  # that a gateway may grow by for one
SPARE = 16 * MB  # what an allocator may keep beside what is held
HEADS = {"u": 2 * MB, "ureqwest": SPARE + 8 * MB}  # of which so much may be held, its first runtime included
AT_ONCE = 32
SETTINGS = f"[retry]\nbase = 0.02\nfloor = 10000\n[limits]\nanswer_bytes = {LIMIT}\n"
WAYS = [(client, stream) for stream in (False, True) for client in (CHAT, MESSAGES)]
"""Who asks, in the upstream's dialect and in another one."""


def provider(url: str, transport: str) -> str:
    more = f'transport = "{transport}"\n' if transport else ""
    return (
        f'[providers.u{transport}]\nauth = {{ kind = "none" }}\n[[providers.u{transport}.endpoints]]\n'
        f'protocol = "{CHAT}"\nbase_url = "{url}/v1"\n{more}'
    )


@pytest.fixture(scope="module", params=["", "reqwest"], ids=["http1", "reqwest"])
def named(request: pytest.FixtureRequest) -> str:
    """The provider whose endpoint is asked over a transport."""
    if request.param and not installed():
        pytest.skip("the extra hexapla[reqwest] is not installed")
    return f"u{request.param}"


@pytest.fixture
def fresh(named: str, _upstream: Upstream, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that has answered a few requests and refused some, so that what it needs for that is there, and nothing
    else."""
    text = SETTINGS + provider(_upstream.url, named.removeprefix("u"))
    with gateway(tmp_path, text) as running:
        model = f"{named}/{_upstream.play(answers)}"
        for client, stream in WAYS * 3:
            assert call(running.url, PATHS[client], ask(client, model, stream=stream)).status == 200
        model = f"{named}/{_upstream.play(says_nothing)}"
        for client, stream in WAYS:
            assert call(running.url, PATHS[client], ask(client, model, stream=stream)).status == 502
        yield running


@pytest.fixture
def idle(fresh: Gateway) -> int:
    """Its resident bytes before anything went wrong."""
    return fresh.memory()


async def says_nothing(visit: Visit) -> None:
    await visit.write(OK + b"content-length: 2\r\n\r\n??")


async def answers(visit: Visit) -> None:
    if not visit.stream:
        await visit.write(whole(CHAT))
        return
    stream = opening(CHAT) + piece(CHAT, "Hello.") + ending(CHAT, "Hello.")
    await visit.write(STREAM + chunk(stream) + b"0\r\n\r\n")


def packs(first: bytes, more: bytes) -> Script:
    """A packed answer that begins like this and goes on for a hundred megabytes."""
    pack = zlib.compressobj(9, wbits=31)
    packed = pack.compress(first) + b"".join(pack.compress(more * (MB // len(more))) for _ in range(100)) + pack.flush()

    async def says(visit: Visit) -> None:
        await visit.write(OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b" % (len(packed), packed))

    return says


def pours(first: bytes, more: bytes) -> Script:
    """A body without end."""

    async def says(visit: Visit) -> None:
        await visit.write(STREAM + chunk(first))
        while not visit.writer.transport.is_closing():
            await visit.write(more)

    return says


BEGUN = b'{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"'
BOMBS: dict[str, Callable[[], Script]] = {
    "zeros": lambda: packs(b"", b"\0"),
    "an answer": lambda: packs(BEGUN, b"x"),
    "a stream": lambda: packs(opening(CHAT), piece(CHAT, "x" * 2000)),
}
FLOODS: dict[str, tuple[Script, int]] = {
    "an answer": (pours(BEGUN, chunk(b"x" * 60_000)), LIMIT),
    "an event": (pours(opening(CHAT) + piece(CHAT, "a") + b"data: ", chunk(b"x" * 60_000)), EVENT),
    "an event of many lines": (pours(opening(CHAT) + piece(CHAT, "a"), chunk(b"data: xxxxxx\n" * 5000)), EVENT),
    "white space": (pours(b" ", chunk(b" " * 60_000)), 0),
}
"""Bodies without end, and what a stream may hold of them; a whole answer may hold all that it may have."""


@pytest.mark.parametrize("bomb", BOMBS)
def test_f40_a_bomb_is_not_unpacked(bomb: str, named: str, upstream: Upstream, fresh: Gateway, idle: int) -> None:
    """Whole and streamed, passed on and translated, and many at once."""
    model = f"{named}/{upstream.play(BOMBS[bomb]())}"
    for client, stream in WAYS:
        body = ask(client, model, stream=stream)
        grown = fresh.peak(partial(call, fresh.url, PATHS[client], body)) - idle
        print(f"{named} {bomb} {client} {stream}: {grown / MB:.1f} MB")
        assert grown < BOMB
    with ThreadPoolExecutor(AT_ONCE) as threads:
        once = partial(call, fresh.url, PATHS[MESSAGES], ask(MESSAGES, model, stream=True))
        grown = fresh.peak(lambda: [one.result() for one in [threads.submit(once) for _ in range(4 * AT_ONCE)]]) - idle
    print(f"{named} {bomb} {4 * AT_ONCE}, {AT_ONCE} at once: {grown / MB:.1f} MB")
    assert grown < AT_ONCE * 2 * MB  # what one held is gone when the next one comes


@pytest.mark.parametrize("flood", FLOODS)
def test_f41_a_body_without_end_is_held_once(
    flood: str, named: str, upstream: Upstream, fresh: Gateway, idle: int
) -> None:
    """Up to the limit that it runs into, and the upstream is stopped there."""
    script, most = FLOODS[flood]
    model = f"{named}/{upstream.play(script)}"
    for client, stream in reversed(WAYS):  # those that may hold less come first
        upstream.visits.clear()
        body = ask(client, model, stream=stream)
        grown = fresh.peak(partial(call, fresh.url, PATHS[client], body)) - idle
        assert all(visit.over.wait(5) for visit in upstream.visits)
        print(f"{named} {flood} {client} {stream}: {grown / MB:.1f} MB")
        assert grown < (most if stream else LIMIT) + SPARE


async def ignores_the_stream(visit: Visit) -> None:
    """A large answer that is whole, though a stream was asked for."""
    body = json.loads(whole(CHAT).partition(b"\r\n\r\n")[2])
    body["choices"][0]["message"]["content"] = "x" * LARGE
    data = json.dumps(body).encode()
    await visit.write(OK + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(data), data))


@pytest.mark.parametrize("client", [CHAT, MESSAGES], ids=["verbatim", "hub"])
def test_f41_of_a_played_answer_no_second_stream_is_held(
    client: str, named: str, upstream: Upstream, fresh: Gateway, idle: int
) -> None:
    """What came, what was read of it, and nothing of what is told; its pieces were 4.9 times its size once."""
    model = f"{named}/{upstream.play(ignores_the_stream)}"
    heard: list[bytes] = []
    asked = ask(client, model, stream=True)
    grown = fresh.peak(lambda: heard.append(call(fresh.url, PATHS[client], asked).body)) - idle
    print(f"{named} {client}: {grown / LARGE:.2f} times")
    assert heard[0].count(b"x") >= LARGE and max(map(len, heard[0].split(b"\n"))) < MB
    assert grown < 3 * LARGE + SPARE


async def heads(visit: Visit) -> None:
    """A head without end."""
    await visit.write(OK)
    while not visit.writer.transport.is_closing():
        await visit.write(b"x-more: " + b"x" * 1000 + b"\r\n")


def test_f13_a_head_without_end_is_not_collected(named: str, upstream: Upstream, fresh: Gateway, idle: int) -> None:
    model = f"{named}/{upstream.play(heads)}"
    for client, stream in WAYS:
        grown = fresh.peak(partial(call, fresh.url, PATHS[client], ask(client, model, stream=stream))) - idle
        print(f"{named} {client} {stream}: {grown / MB:.1f} MB")
        assert grown < HEADS[named]
    assert all(visit.over.wait(5) for visit in upstream.visits)


@pytest.mark.parametrize("client", [CHAT, MESSAGES], ids=["verbatim", "hub"])
def test_a_slow_client_slows_the_upstream(
    client: str, named: str, upstream: Upstream, fresh: Gateway, idle: int
) -> None:
    """It reads a little of an answer without end: the upstream has to wait, and the gateway does not grow."""
    model = f"{named}/{upstream.play(pours(opening(CHAT), chunk(piece(CHAT, 'x' * 2000) * 32)))}"
    with closing(begin(fresh.url, PATHS[client], ask(client, model, stream=True), receive_buffer=16 * 1024)) as sock:
        visit = upstream.last()
        assert sock.recv(1024)
        peak = fresh.peak(partial(stands_still, visit))
        print(f"{named} {client}: {visit.written / MB:.1f} MB written, grown by {(peak - idle) / MB:.1f} MB")
    assert peak - idle < SPARE
    assert visit.over.wait(5)


def stands_still(visit: Visit) -> None:
    """Wait until nothing more is taken."""
    end, written = time.monotonic() + 20, -1
    while written != visit.written:
        written = visit.written
        time.sleep(0.5)
        assert time.monotonic() < end


def test_a_packed_stream_arrives(named: str, upstream: Upstream, fresh: Gateway) -> None:
    """All of it, though it is unpacked in pieces and what is packed came at once."""
    text = "".join(f"word {number} " for number in range(200_000))
    stream = (
        opening(CHAT) + b"".join(piece(CHAT, text[at : at + 50]) for at in range(0, len(text), 50)) + ending(CHAT, text)
    )
    packed = zlib.compress(stream)

    async def says(visit: Visit) -> None:
        await visit.write(OK + b"content-encoding: deflate\r\ncontent-length: %d\r\n\r\n%b" % (len(packed), packed))

    model = f"{named}/{upstream.play(says)}"
    heard = call(fresh.url, PATHS[CHAT], ask(CHAT, model, stream=True)).body
    assert heard == stream
    heard = call(fresh.url, PATHS[MESSAGES], ask(MESSAGES, model, stream=True)).body
    assert b"".join(re.findall(rb'"text_delta","text":"([^"]*)"', heard)) == text.encode() and b"message_stop" in heard


def test_a_packed_answer_arrives(named: str, upstream: Upstream, fresh: Gateway) -> None:
    """Whole, again and again over the same connection."""
    plain = whole(CHAT, "word " * 100_000).partition(b"\r\n\r\n")[2]
    packed = zlib.compress(plain)

    async def says(visit: Visit) -> None:
        await visit.write(OK + b"content-encoding: deflate\r\ncontent-length: %d\r\n\r\n%b" % (len(packed), packed))

    model = f"{named}/{upstream.play(says)}"
    opened = upstream.connections
    for _ in range(3):
        assert call(fresh.url, PATHS[CHAT], ask(CHAT, model)).body == plain
        assert call(fresh.url, PATHS[MESSAGES], ask(MESSAGES, model)).json["content"][0]["text"] == "word " * 100_000
    assert upstream.connections == opened
