"""Streams that are cut anywhere: no cut is ever taken for a success.

Streams of recorded shape (the golden cases of tests/matrix in every protocol, a few characters a delta) are cut at random
bytes; what was heard up to there is decoded and folded, as whole answers are.  A tenth of a million cuts is the default;

    HEXAPLA_CUTS=1000000 pytest tests/mishaps/test_cuts.py -k decoder

is the million.  HEXAPLA_SEED plays one round again.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
from misspoken import unfinished
from msgspec.structs import replace
from scripted import told

from hexapla.catalog.schema import Quirks
from hexapla.errors import GatewayError
from hexapla.ir.content import Origin
from hexapla.ir.event import AnyEvent, BlockDelta, MessageStop, StreamError, SummaryDelta, TextDelta
from hexapla.ir.fold import fold, unfold
from hexapla.ir.grammar import check
from hexapla.ir.response import GenerateResponse
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek
from mishaps.plays import reset
from server.running import SHORT, Gateway, gateway, providers
from server.upstream import Script, Upstream, Visit
from server.wire import DIALECTS, LAST, PATHS, STREAM, TERMINATORS, ask, chunk

sys.path.insert(0, str(Path(__file__).parents[1] / "matrix"))

from cases import CASES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mishaps")]

CUTS = int(os.environ.get("HEXAPLA_CUTS", "100000"))
SEED = int(os.environ.get("HEXAPLA_SEED", "1"))
OVER_SOCKETS = 2000
PIECE = 5  # characters of a delta
REPLY = Reply(id="gen-1", created=1_700_000_000, model="m", include_usage=True)


def streams(protocol: str) -> list[bytes]:
    """Every golden answer that the protocol can say, as its stream."""
    found = []
    for case in CASES:
        encoder = PROTOCOLS[protocol].encoder(REPLY)
        said = [encoder.encode(small) for event in unfold(case.answers) for small in _smaller(event)]
        found.append(b"".join(said) + encoder.close())
    return list(dict.fromkeys(found))


def _smaller(event: AnyEvent) -> list[AnyEvent]:
    """An event as vendors send it: a delta says a few characters."""
    if not isinstance(event, BlockDelta):
        return [event]
    delta = event.delta
    if not isinstance(delta, TextDelta | SummaryDelta) or len(delta.text) <= PIECE:
        return [event]
    cut = [delta.text[at : at + PIECE] for at in range(0, len(delta.text), PIECE)]
    return [replace(event, delta=replace(delta, text=piece)) for piece in cut]


def decoded(protocol: str, *pieces: bytes) -> list[AnyEvent]:
    decoder = PROTOCOLS[protocol].decoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


def substance(response: GenerateResponse) -> tuple[Any, ...]:
    return response.content, response.stop


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_cut_is_a_success_to_decoder_and_fold(protocol: str) -> None:
    """One terminal event; a success only where everything is there, word for word; folding anything else raises."""
    chance = Random(SEED)
    todo = streams(protocol)
    wholes = {stream: substance(fold(decoded(protocol, stream))) for stream in todo}
    ends: Counter[type] = Counter()
    for number in range(CUTS // len(PROTOCOLS)):
        stream = todo[number % len(todo)]
        place = chance.randrange(len(stream))
        split = chance.randrange(place + 1)
        events = decoded(protocol, stream[:split], stream[split:place])
        last = type(events[-1])
        ends[last] += 1
        assert last in (MessageStop, StreamError), (number, place)
        assert not any(type(event) in (MessageStop, StreamError) for event in events[:-1]), (number, place)
        if last is MessageStop:
            assert substance(fold(events)) == wholes[stream], f"{stream[:place]!r} passed for a success"
        elif number % 50 == 0:
            check(events)
            with pytest.raises(GatewayError):
                fold(events)
    assert ends[StreamError] > 0.5 * ends.total()
    print(f"{protocol}: {ends.total()} cuts of {len(todo)} streams, {ends[MessageStop]} behind the end")


@pytest.mark.parametrize("upstream", DIALECTS)
@pytest.mark.parametrize("client", DIALECTS)
def test_no_cut_is_a_success_to_a_client(client: str, upstream: str) -> None:
    """Through the lanes: bytes that end a stream well are said only where the upstream's end was heard."""
    chance = Random(SEED)
    stream = told(upstream, True)
    whole = unfinished(upstream, True, stream)
    peeked = peek(client, ask(client, "m", stream=True))
    for _ in range(CUTS // 100):
        place = chance.randrange(len(stream))
        translation = Translation(peeked, REPLY)
        lane = translation.open(Target(origin=Origin(upstream, "u"), model="m"), Quirks())
        telling = lane.stream()
        heard = telling.feed(stream[:place]) + telling.close()
        assert TERMINATORS[client] not in heard or place > whole, place
        assert telling.failed or place > whole, place


def cut_at(place: int, end: str) -> Script:
    """A stream up to a byte, and its end."""

    async def script(visit: Visit) -> None:
        data = told(visit.protocol, True)[:place]
        await visit.write(STREAM + (chunk(data) if data else b""))
        if end == "clean":
            await visit.write(LAST)
        elif end == "closed":
            visit.writer.close()
        else:
            reset(visit)

    return script


async def heard_of(url: str, client: str, model: str) -> bytes:
    """Everything that the gateway says of one stream."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    body = ask(client, model, stream=True)
    head = (
        f"POST {PATHS[client]} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    heard = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return heard


@pytest.mark.timeout(300)
def test_no_cut_is_a_success_over_sockets(tmp_path: Path) -> None:
    """Two thousand streams that a gateway carries between all dialects: cut, and never ended well."""
    chance = Random(SEED)
    with (
        Upstream().running() as upstream,
        gateway(tmp_path, "[retry]\nbase = 0.01\n" + providers(upstream.url)) as running,
    ):
        todo = []
        for number in range(OVER_SOCKETS):
            client, spoken = DIALECTS[number % 3], DIALECTS[number // 3 % 3]
            place = chance.randrange(len(told(spoken, True)))
            upstream.scripts[f"k{number}"] = cut_at(place, ("clean", "closed", "reset")[number // 9 % 3])
            todo.append((client, spoken, f"{SHORT[spoken]}/k{number}", place))
        asyncio.run(_all_cut(running, todo))
        assert running.alive()


async def _all_cut(running: Gateway, todo: list[tuple[str, str, str, int]]) -> None:
    room = asyncio.Semaphore(16)
    ends: Counter[str] = Counter()

    async def one(client: str, spoken: str, model: str, place: int) -> None:
        async with room:
            heard = await heard_of(running.url, client, model)
        whole = place > unfinished(spoken, True, told(spoken, True))
        ends["well" if TERMINATORS[client] in heard else "broken"] += 1
        assert TERMINATORS[client] not in heard or whole, (client, model, place, heard[-300:])
        assert TERMINATORS[client] in heard or b"error" in heard or b"response.failed" in heard, (client, model, heard)

    await asyncio.gather(*(one(*each) for each in todo))
    print(dict(ends))
    assert ends["broken"] > OVER_SOCKETS / 2
