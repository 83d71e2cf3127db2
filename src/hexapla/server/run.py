"""The serving process: uvicorn with our limits, one line when it is ready, and a graceful end.

On SIGTERM, on SIGINT and when its terminal closes, readiness turns first: while answers are still running, the door stays
open for health checks, new questions are sent away with 503, and balancers notice.  When nothing runs any more, or when
the deadline has passed and the rest was told so, the door closes and the process ends with exit code 0.  A second SIGINT
ends it at once.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import cast

import uvicorn
import uvloop
from msgspec.structs import replace

from hexapla.config import Loaded
from hexapla.engine.assemble import open_gateway
from hexapla.engine.gateway import Gateway
from hexapla.engine.local import watch
from hexapla.engine.machine import connections_of, more_files
from hexapla.errors import ConfigError
from hexapla.server.app import App
from hexapla.server.arrivals import Arrivals
from hexapla.server.follow import Follower
from hexapla.server.heap import keep_heap
from hexapla.server.http import guarded
from hexapla.server.keys import KeyRing, check_open

LOG = logging.getLogger("hexapla")

BACKLOG = 2048
LAST_PORT = 65535
SWITCH_SECONDS = 0.001  # how long a thread that keeps the books may hold up an answer
ASIDE_AFTER = 0.2  # seconds
LAST_WORDS_SECONDS = 1  # for answers that were ended, and for connections that do not close


class Server(uvicorn.Server):
    """uvicorn's server, which drains before it closes its door."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, grace: float, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._grace = grace
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came.  uvicorn would remember it and kill the process with it in the end; our exit code is 0."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
        self._gateway.drain()

    async def main_loop(self) -> None:
        await super().main_loop()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._grace
        while self._gateway.running and loop.time() < deadline and not self.force_exit:  # noqa: ASYNC110 - three reasons
            await asyncio.sleep(0.05)
        self._gateway.stop()


def serve(loaded: Loaded, host: str | None, port: int | None, *, announce: Callable[[str], None]) -> None:
    """Serve until a signal ends it.  `host` and `port` stand above the configuration.

    announce  told the URL once requests are accepted

    Raises ConfigError when anyone but this machine could ask without a key, or when the address cannot be listened on.
    """
    settings = loaded.config.server
    address = host or settings.host
    names = loaded.config.key_names()
    check_open(address, names, loaded.config.file)
    sockets = listen(address, settings.port if port is None else port)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    LOG.setLevel(logging.INFO)
    keep_heap()
    more_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(loaded, address, KeyRing(names, settings.hosts, settings.cors_origins), sockets, announce))


def listen(host: str, port: int) -> list[socket.socket]:
    """A listening socket for each address of `host`; port 0 is any free one.  Raises ConfigError."""
    if not 0 <= port <= LAST_PORT:
        raise ConfigError(f"{port} is no port; ports go from 0 (any free one) to {LAST_PORT}.", key="server.port")
    sockets: list[socket.socket] = []
    trouble: OSError | None = None
    for family, address in _addresses(host):
        try:
            sockets.append(socket.create_server((address, port), family=family, backlog=BACKLOG))
        except OSError as error:
            trouble = trouble or error
            continue
        port = sockets[0].getsockname()[1]
    if trouble is not None and (not sockets or trouble.errno == errno.EADDRINUSE):
        for opened in sockets:
            opened.close()
        raise ConfigError(_why(trouble, host, port), key="server.port")
    return sockets


def _addresses(host: str) -> list[tuple[int, str]]:
    name = host.encode() if host.isascii() else host  # for bytes no tables of international names are loaded
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ConfigError(
            f"The host {host!r} is no address of this machine ({error.strerror}).", key="server.host"
        ) from None
    return list(dict.fromkeys((int(family), str(address[0])) for family, _, _, _, address in found))


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use by another process; choose another with --port, or 0 for any."
    return f"{host}:{port} cannot be listened on: {error.strerror or error}."


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def server_of(gateway: Gateway, keys: KeyRing, sockets: list[socket.socket], on_ready: Callable[[], None]) -> Server:
    """uvicorn as this gateway wants it."""
    app = App(gateway, keys)
    limits = replace(gateway.config.limits, connections=connections_of(gateway.config.limits))
    door = guarded(limits, gateway.books.ledger.new_id, app.find, gateway.memory, keys)
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", Arrivals(door, sockets)),  # it is called and nothing else
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",  # scanners and WebSocket attempts are no news
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=LAST_WORDS_SECONDS,
        backlog=BACKLOG,
    )
    return Server(config, gateway, gateway.config.server.grace_seconds, on_ready)


async def _serve(
    loaded: Loaded, address: str, keys: KeyRing, sockets: list[socket.socket], announce: Callable[[str], None]
) -> None:
    gateway = open_gateway(loaded, log=True)
    url = url_of(sockets[0])
    server = server_of(gateway, keys, sockets, lambda: announce(url))
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # `nohup` has it ignored
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, server.handle_exit, signal.SIGHUP, None)
    # the heap that start-up built lives for ever: the collector need not walk it at every full collection
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    sys.setswitchinterval(SWITCH_SECONDS)
    aside = asyncio.create_task(_aside(gateway, Follower(gateway, keys, loaded, address)))
    try:
        await server.serve(sockets)
    finally:
        aside.cancel()
        await gateway.aclose()


async def _aside(gateway: Gateway, follower: Follower) -> None:
    """What goes on beside the answers.  It waits until those have been heard who waited for the start."""
    await asyncio.sleep(ASIDE_AFTER)
    await asyncio.gather(follower.run(), watch(gateway))
