"""Puts a Gateway together from a configuration: books, transports, routes."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from hexapla.auth.driver import run
from hexapla.auth.grant import Token
from hexapla.auth.keeper import Keeper
from hexapla.auth.sources import Source
from hexapla.auth.steps import Steps
from hexapla.catalog.schema import Provider
from hexapla.config import Config, Loaded, assemble, load_config
from hexapla.engine.gateway import Gateway
from hexapla.engine.offers import Keep
from hexapla.engine.recorder import Books
from hexapla.engine.routes import Routes
from hexapla.ledger import Ledger
from hexapla.observe.log import RequestLog
from hexapla.observe.metrics import Metrics
from hexapla.routing.memory import Memory
from hexapla.translate.thoughts import Thoughts
from hexapla.upstream.demo import DemoTransport
from hexapla.upstream.http1 import Http1Transport
from hexapla.upstream.login import sender
from hexapla.upstream.reqwest import ReqwestTransport, installed
from hexapla.upstream.transport import Transport


def open_gateway(source: Config | Loaded | Path | str | None = None, *, log: bool = False) -> Gateway:
    """A running Gateway.  `source`: a configuration, a path to one, or None for the usual search.

    log  write the request log (the server does, the library does not)

    To be called inside a running event loop.  Raises ConfigError.
    """
    loaded = _loaded(source)
    config = loaded.config
    books = Books(
        ledger=Ledger.open(
            config.ledger.path or None,
            durability=config.ledger.durability,
            retention_days=config.ledger.retention_days,
        ),
        metrics=Metrics(),
        log=_request_log(config) if log else None,
        wall=time.time,
        clock=time.monotonic,
    )
    transports: dict[str, Transport] = {"http1": Http1Transport(), "demo": DemoTransport()}
    if installed():
        transports["reqwest"] = ReqwestTransport()
    routes = Routes(loaded, books.clock, chance=random.random, keep=keeping(transports["http1"], loaded.environment))
    gateway = Gateway(config, routes, books, transports, random.random)
    _watch(books.metrics, gateway.memory, gateway.thoughts)
    return gateway


def _watch(metrics: Metrics, memory: Memory, thoughts: Thoughts) -> None:
    metrics.watch("hexapla_memory_bytes", "Memory that all requests hold, by estimate.", lambda: memory.held)
    metrics.watch("hexapla_memory_limit_bytes", "Memory that all requests may hold.", lambda: memory.limit)
    metrics.watch("hexapla_shed_requests", "Requests that no memory was left for.", lambda: memory.shed, "counter")
    metrics.watch("hexapla_thought_bytes", "Thought that is kept for clients that lose it.", lambda: thoughts.held)
    about = "Turns that got the thought back which their client had lost."
    metrics.watch("hexapla_returned_thoughts", about, lambda: thoughts.returned, "counter")


def keeping(transport: Transport, environment: Mapping[str, str]) -> Keep:
    """Keepers that talk to login servers over `transport`, by the way that the provider's requests take."""

    def keep(provider: Provider, source: Source) -> Keeper:
        proxy = next((endpoint.proxy for endpoint in provider.endpoints if endpoint.proxy), "")
        send = sender(transport, proxy, environment)

        async def runs(steps: Steps[Token]) -> Token:
            return await run(steps, send)

        return Keeper(source, runs)

    return keep


def _loaded(source: Config | Loaded | Path | str | None) -> Loaded:
    if isinstance(source, Loaded):
        return source
    if isinstance(source, Config):
        return assemble(source, dict(os.environ))
    return load_config(source)


def _request_log(config: Config) -> RequestLog | None:
    if config.log.path == "off":
        return None
    color = config.log.style == "pretty" and sys.stderr.isatty()
    return RequestLog.open(config.log.path, style=config.log.style, color=color)
