"""Follows the configuration's files, so that a change is in force without a restart.

A good change replaces routes, keys, aliases and everything else between two requests; those that run keep what they
began with.  A bad one is told in the log, with file, line, key and the name that was probably meant, and counted; the
configuration before it keeps serving.

Rules of this file: contents decide, not events (an event may be missing on network drives and bind mounts, and most
events change nothing); a file is read when it has held still; what cannot change in a running process is named.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from hexapla.config import Config, Loaded, load_config
from hexapla.engine.gateway import Gateway
from hexapla.errors import ConfigError
from hexapla.server.keys import KeyRing, check_open

if TYPE_CHECKING:
    from watchfiles import Change

LOG = logging.getLogger("hexapla")

STEP_MS = 50  # how long files must have been quiet
LOOK_MS = 5_000  # the files are looked at this often even when no event comes
SETTLE = 0.05  # seconds between two looks that must agree

RESTART = (
    "server.host",
    "server.port",
    "server.grace_seconds",
    "limits.connections",
    "limits.head_bytes",
    "limits.head_lines",
    "limits.head_seconds",
    "limits.stall_seconds",
    "ledger.path",
    "ledger.durability",
    "ledger.retention_days",
    "log.path",
    "log.style",
)
"""Settings of what was opened at the start: sockets, ledger, log, the memory of who failed.  Everything else follows."""


class Follower:
    """Keeps `gateway` and `keys` at the files of `loaded`.

    address  where the gateway listens: without keys only this machine may ask
    taken    changes that are in force;  refused  those that were not understood
    stale    the files differ from what is in force, because the last change was refused
    """

    def __init__(self, gateway: Gateway, keys: KeyRing, loaded: Loaded, address: str) -> None:
        self.taken = self.refused = 0
        self.stale = False
        self._gateway = gateway
        self._keys = keys
        self._address = address
        self._began = loaded.config
        self._files = loaded.files
        self._seen = self._contents()
        metrics = gateway.books.metrics
        metrics.watch("hexapla_config_reloads", "Changed configurations in force.", lambda: self.taken, "counter")
        metrics.watch("hexapla_config_refusals", "Changed configurations refused.", lambda: self.refused, "counter")
        metrics.watch("hexapla_config_stale", "1 while the files hold a refused change.", lambda: float(self.stale))

    async def run(self) -> None:
        """Follow until cancelled, beginning with what has changed since the start."""
        watchfiles = await asyncio.to_thread(importlib.import_module, "watchfiles")  # no start waits for it
        folders = {file.absolute().parent for file in self._files}
        watched = watchfiles.awatch(
            *(folder for folder in folders if folder.is_dir()),
            watch_filter=self._concerns,
            step=STEP_MS,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            recursive=False,
        )
        await self.look()
        try:
            async for _ in watched:
                await self.look()
        except (OSError, RuntimeError) as error:  # the system gives no more watches: watchfiles raises either
            LOG.warning("Changes of the configuration are not followed: %s", error)

    async def look(self) -> None:
        """Take over what the files hold, if it is new."""
        found = self._contents()
        while found != self._seen:
            self._seen = found
            await asyncio.sleep(SETTLE)
            found = self._contents()
            if found == self._seen:
                await self._reload()

    async def _reload(self) -> None:
        # the file that was found at the start stays the file, even when it is gone for a moment
        asked = self._gateway.config.file or None
        try:
            loaded = await asyncio.to_thread(load_config, asked)
            names = loaded.config.key_names()
            check_open(self._address, names, loaded.config.file)
            self._gateway.adopt(loaded)
        except ConfigError as error:
            self.refused += 1
            self.stale = True
            LOG.error("The changed configuration is refused, the one before keeps serving. %s", error)
            return
        self._keys.adopt(names, loaded.config.server.hosts, loaded.config.server.cors_origins)
        self._files = loaded.files
        self.taken += 1
        self.stale = False
        LOG.info("The changed configuration is in force.%s", _waiting(self._began, loaded.config))

    def _contents(self) -> dict[Path, bytes | None]:
        return {file.absolute(): _content(file) for file in self._files}

    def _concerns(self, change: Change, path: str) -> bool:
        return Path(path).name in {file.name for file in self._files}


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _waiting(began: Config, now: Config) -> str:
    """Which changed settings wait for a restart."""
    names = [name for name in RESTART if attrgetter(name)(began) != attrgetter(name)(now)]
    return f" Changes of {', '.join(names)} wait for a restart." if names else ""
