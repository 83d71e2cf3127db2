"""What a request costs inside the gateway: `python -m bench.inside [SCENARIO...]`.

The server's own connection class is fed with a request's bytes, and the upstream's answers at once, so that nothing is
measured but our code: Python-level calls, which no noise changes, and microseconds of the loop's thread, the least of many
rounds.  Sockets, the kernel and the threads that carry the books come on top of that.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple, cast

import msgspec
import uvicorn
import uvloop
from msgspec.structs import replace
from uvicorn.server import ServerState

from bench.scenarios import PATHS, SCENARIOS, Scenario
from bench.upstream import BURST, CHUNKS, END, PLAIN, STREAM_HEAD
from hexapla.config import load_config
from hexapla.engine.assemble import open_gateway
from hexapla.engine.gateway import Gateway
from hexapla.server.app import App
from hexapla.server.http import Door, guarded
from hexapla.server.keys import KeyRing
from hexapla.upstream import http1
from hexapla.upstream.connection import Connection
from hexapla.upstream.origin import Origin

KEY = "sk-bench-key"
ROUNDS, TIMES = 200, 20
NAMES = ("plain-32", "large", "hub", "burst", "hub-burst", "paced", "hub-paced")


class Cost(NamedTuple):
    """Of one request, or of one event of a paced stream with its share of the request.

    calls  of a whole request by function, those of the generator's frames that go on included
    units  what they have to be divided by
    """

    microseconds: float
    calls: Counter[CodeType]
    units: int

    @property
    def number(self) -> float:
        """Of calls."""
        return self.calls.total() / self.units


PIECES = {
    b"plain": [PLAIN],
    b"burst": [BURST],
    b"paced": [STREAM_HEAD + CHUNKS[0], *CHUNKS[1:-1], CHUNKS[-1] + END],
}
"""What comes of an answer at once."""


class _Socket:
    """The part of a transport that is the same at both ends."""

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default


class Provider(_Socket):
    """The upstream's end: answers in the next turn of the loop when it has the whole request."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._got = b""

    def write(self, data: bytes) -> None:
        self._got += data
        head, _, body = self._got.partition(b"\r\n\r\n")
        if len(body) == int(head.rpartition(b"content-length: ")[2] or -1):
            self._got = b""
            name = next(name for name in PIECES if b"/%b/" % name in head)
            asyncio.get_running_loop().call_soon(self._say, iter(PIECES[name]))

    def _say(self, pieces: Iterator[bytes]) -> None:
        """A piece in each turn of the loop."""
        for piece in pieces:
            asyncio.get_running_loop().call_soon(self._say, pieces)
            self._connection.data_received(piece)
            return

    def writelines(self, pieces: Iterable[bytes]) -> None:
        self.write(b"".join(pieces))

    def abort(self) -> None: ...


class Client(_Socket):
    """The client's end: keeps the pieces of the answer."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.heard.append(data)

    def close(self) -> None:
        raise AssertionError(b"".join(self.heard)[:1000])


class Inside:
    """A gateway without sockets."""

    def __init__(self, gateway: Gateway) -> None:
        keys = KeyRing(gateway.config.key_names())
        app = App(gateway, keys)
        kind = guarded(gateway.config.limits, gateway.books.ledger.new_id, app.find, gateway.memory, keys)
        config = uvicorn.Config(app, http=kind, ws="none", lifespan="off", log_config=None, timeout_keep_alive=75)
        config.load()
        self.client = Client()
        self._door: Door = kind(config=config, server_state=ServerState(), app_state={})
        self._door.connection_made(cast("asyncio.Transport", self.client))
        self._over = self._door._place.over
        self._door._place = replace(self._door._place, over=self._told)

    def _told(self) -> None:
        self._over()
        self._done.set_result(None)

    async def ask(self, data: bytes) -> None:
        """One request, to the last byte of its answer."""
        self.client.heard.clear()
        self._done = asyncio.get_running_loop().create_future()
        self._door.data_received(data)
        await self._done

    async def cost(self, scenario: Scenario, rounds: int) -> Cost:
        """What one request of a scenario costs, once everything is warm."""
        data = request_of(scenario)
        least = float("inf")
        for _ in range(rounds):
            began = time.thread_time()
            for _ in range(TIMES):
                await self.ask(data)
            least = min(least, (time.thread_time() - began) / TIMES)
        assert b" 200 OK" in self.client.heard[0], self.client.heard
        calls: Counter[CodeType] = Counter()

        def count(frame: FrameType, event: str, _: object) -> None:
            if event == "call":
                calls[frame.f_code] += 1

        sys.setprofile(count)
        try:
            await self.ask(data)
        finally:
            sys.setprofile(None)
        ours = Counter({code: n for code, n in calls.items() if code.co_filename != __file__})
        return Cost(least * 1e6 / scenario.units, ours, scenario.units)


def request_of(scenario: Scenario) -> bytes:
    """The request as it arrives."""
    body = msgspec.json.encode(scenario.body(f"u_{scenario.kind}/bench"))
    lines = (
        f"POST {PATHS[scenario.dialect]} HTTP/1.1",
        "host: 127.0.0.1:6336",
        "content-type: application/json",
        f"authorization: Bearer {KEY}",
        f"content-length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def measure(folder: Path, names: tuple[str, ...] = NAMES, rounds: int = ROUNDS) -> dict[str, Cost]:
    """The costs of these scenarios."""
    providers = "".join(
        f'[providers.u_{kind}]\nauth = {{ kind = "api_key", key = "sk-upstream" }}\n[[providers.u_{kind}.endpoints]]\n'
        f'protocol = "openai_chat"\nbase_url = "http://127.0.0.1:9/{kind}/v1"\n'
        for kind in ("plain", "burst", "paced")
    )
    config = folder / "hexapla.toml"
    config.write_text(
        f'keys = ["{KEY}"]\n[ledger]\npath = "{folder}/ledger"\n[log]\npath = "{folder}/log"\n{providers}'
    )
    dial, http1.dial = http1.dial, _dial
    gateway = open_gateway(load_config(config), log=True)
    try:
        gc.freeze()
        inside = Inside(gateway)
        return {each.name: await inside.cost(each, rounds) for each in SCENARIOS if each.name in names}
    finally:
        gc.unfreeze()
        await gateway.aclose()
        http1.dial = dial


async def _dial(origin: Origin, context: object, seconds: float) -> Connection:
    connection = Connection()
    connection.connection_made(cast("asyncio.Transport", Provider(connection)))
    return connection


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        found = uvloop.run(measure(Path(temporary), tuple(sys.argv[1:]) or NAMES))
    for name, cost in found.items():
        print(f"{name:10} {cost.number:6.1f} calls {cost.microseconds:7.1f} µs")
