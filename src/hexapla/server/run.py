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

from hexapla.server.app import App
from hexapla.server.http import GuardedProtocol


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


def serve(build: Callable[[], App], host: str, port: int, *, grace: float, announce: Callable[[str], None]) -> None:
    """Serve until a signal ends it.  `build` makes the application inside the event loop.

    announce  told the URL once requests are accepted
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(build, host, port, grace, announce))


async def _serve(
    build: Callable[[], App], host: str, port: int, grace: float, announce: Callable[[str], None]
) -> None:
    app = build()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=GuardedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(grace),
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


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    return uvloop.new_event_loop
