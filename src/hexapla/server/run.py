"""The serving process: uvicorn with our limits, one line when it is ready, and a graceful end.

On SIGTERM readiness turns first, so that balancers stop sending; then no connection is accepted and streams may finish
within the deadline; what is left afterwards is cancelled, which closes the upstream connections.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import uvicorn
import uvloop

from hexapla.config import Loaded
from hexapla.engine.assemble import open_gateway
from hexapla.errors import ConfigError
from hexapla.server.app import App
from hexapla.server.http import GuardedProtocol
from hexapla.server.keys import KeyRing


class Server(uvicorn.Server):
    """uvicorn's server, told of readiness."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[str], None], on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            self._on_ready(f"http://{shown}:{port}")

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        self._on_stop()
        await super().shutdown(sockets)  # type: ignore[arg-type]


LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def serve(loaded: Loaded, host: str | None, port: int | None, *, announce: Callable[[str], None]) -> None:
    """Serve until a signal ends it.  `host` and `port` stand above the configuration.

    announce  told the URL once requests are accepted

    Raises ConfigError when anyone but this machine could ask without a key.
    """
    settings = loaded.config.server
    address = host or settings.host
    keys = KeyRing(loaded.config.key_names())
    if keys.open and address not in LOOPBACK:
        raise ConfigError(
            f"Listening on {address} without keys would open every provider to the network. "
            "Add [[keys]] to hexapla.toml, or listen on 127.0.0.1.",
            file=loaded.config.file,
            key="keys",
        )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(loaded, keys, address, settings.port if port is None else port, announce))


async def _serve(loaded: Loaded, keys: KeyRing, host: str, port: int, announce: Callable[[str], None]) -> None:
    app = App(open_gateway(loaded, log=True), keys)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=GuardedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(loaded.config.server.grace_seconds),
        backlog=2048,
    )
    server = Server(config, announce, app.gateway.drain)
    # the heap that start-up built lives for ever: the collector need not walk it at every full collection
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        await server.serve()
    finally:
        await app.gateway.aclose()
