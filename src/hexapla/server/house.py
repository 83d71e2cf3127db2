"""A gateway for one program: on a free port of this machine, on a thread, gone when the program is.

It wants a key that nobody else knows, so that other users of the machine cannot spend the owner's money.  It writes to
a file and never to the terminal, which belongs to the program.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import uvloop
from msgspec.structs import replace

from hexapla.config import Key, Loaded
from hexapla.engine.assemble import open_gateway
from hexapla.server.keys import KeyRing
from hexapla.server.run import LOG, Server, listen, server_of, url_of

HOST = "127.0.0.1"
GRACE = 1.0  # seconds; who asked is gone


@contextmanager
def housed(loaded: Loaded, key: Key, log: Path | None, port: int = 0) -> Iterator[str]:
    """A gateway of `loaded` that takes `key` as well; the value is its URL.

    log  where requests and mishaps are written; None for nowhere

    Raises ConfigError when it cannot be opened.
    """
    ready: Future[tuple[str, Server, asyncio.AbstractEventLoop]] = Future()
    loaded = _quiet(loaded, key, log)
    thread = threading.Thread(target=_run, args=(loaded, port, ready), name="hexapla-gateway", daemon=True)
    with _logged(log):
        thread.start()
        url, server, loop = ready.result()
        try:
            yield url
        finally:
            loop.call_soon_threadsafe(server.handle_exit, signal.SIGTERM, None)
            thread.join(GRACE * 5)


def _quiet(loaded: Loaded, key: Key, log: Path | None) -> Loaded:
    config = loaded.config
    where = config.log.path if config.log.path != "stderr" else str(log or "off")
    config = replace(
        config,
        keys=(*config.keys, key),
        log=replace(config.log, path=where, style="json"),
        server=replace(config.server, grace_seconds=GRACE),
    )
    return replace(loaded, config=config)


@contextmanager
def _logged(log: Path | None) -> Iterator[None]:
    """Our own log goes to the file as well."""
    handler = logging.FileHandler(log, delay=True) if log is not None else logging.NullHandler()
    LOG.addHandler(handler)
    LOG.propagate = False
    try:
        yield
    finally:
        LOG.propagate = True
        LOG.removeHandler(handler)
        handler.close()


def _run(loaded: Loaded, port: int, ready: Future[tuple[str, Server, asyncio.AbstractEventLoop]]) -> None:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(loaded, port, ready))
    except BaseException as error:  # a thread's end is told to whoever waits for it
        if ready.done():
            raise
        ready.set_exception(error)


async def _serve(loaded: Loaded, port: int, ready: Future[tuple[str, Server, asyncio.AbstractEventLoop]]) -> None:
    sockets = listen(HOST, port)
    gateway = open_gateway(loaded, log=True)
    settings = loaded.config.server
    keys = KeyRing(loaded.config.key_names(), settings.hosts, settings.cors_origins)
    loop = asyncio.get_running_loop()
    server = server_of(gateway, keys, sockets, lambda: ready.set_result((url_of(sockets[0]), server, loop)))
    try:
        await server.serve(sockets)
    finally:
        await gateway.aclose()
