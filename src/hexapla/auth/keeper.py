"""The tokens that a running gateway holds in memory: one for each login, renewed in time, once for all who wait.

Rules of this file: a waiter that leaves ends nobody's refresh; a token that is still good is handed out while its
successor is being fetched; a login that has ended is not asked for again at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from hexapla.auth.grant import Token
from hexapla.auth.sources import Source
from hexapla.auth.steps import Clock, Steps
from hexapla.errors import ConfigError, Kind, UpstreamError

Runs = Callable[[Steps[Token]], Awaitable[Token]]
REST = 10.0  # seconds for which an ended login is not tried again, nor a token renewed that was renewed for a refusal


class Keeper:
    """The token of one source.

    run   executes a flow (driver.py)
    wall  seconds since 1970
    """

    def __init__(self, source: Source, run: Runs, wall: Clock = time.time) -> None:
        self.source = source
        self.token: Token | None = None
        self._run = run
        self._wall = wall
        self._task: asyncio.Task[Token] | None = None
        self._rests = 0.0  # until when a refused token is not renewed again
        self._over: tuple[float, UpstreamError] | None = None

    @property
    def name(self) -> str:
        return self.source.name

    async def fresh(self) -> Token:
        """A token that can be sent.  Raises UpstreamError."""
        token, now = self.token, self._wall()
        if token is None or token.ended(now):
            return await self._obtained(None)
        if token.due(now):
            self._begin(None)
        return token

    async def renewed(self, refused: Token) -> Token:
        """Another token than the one that was just refused.  Raises UpstreamError where there is none."""
        token = self.token
        if token is None or token.secret == refused.secret:
            if self._wall() < self._rests:
                raise UpstreamError(Kind.UPSTREAM_AUTH, f"The provider refused a token that is new ({self.name}).")
            token = await self._obtained(refused)
            self._rests = self._wall() + REST
        if token.secret == refused.secret:
            raise UpstreamError(
                Kind.UPSTREAM_AUTH, f"The provider refused the token, and there is no other ({self.name})."
            )
        return token

    async def settle(self, seconds: float) -> None:
        """Let a refresh that is under way come to its end: its answer may be the only copy of the login."""
        if self._task is not None and not self._task.done():
            await asyncio.wait((self._task,), timeout=seconds)

    async def _obtained(self, refused: Token | None) -> Token:
        if self._over is not None and self._wall() < self._over[0]:
            raise self._over[1].with_traceback(None)  # raised many times, it would grow each time
        return await asyncio.shield(self._begin(refused))

    def _begin(self, refused: Token | None) -> asyncio.Task[Token]:
        """The one refresh that is under way."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._obtain(refused))
            self._task.add_done_callback(_seen)
        return self._task

    async def _obtain(self, refused: Token | None) -> Token:
        try:
            self.token = await self._run(self.source.obtain(self._wall, refused))
        except ConfigError as error:
            raise UpstreamError(Kind.UPSTREAM_AUTH, error.message) from None
        except UpstreamError as error:
            if error.kind is Kind.UPSTREAM_AUTH:
                self._over = (self._wall() + REST, error)
            raise
        self._over = None
        return self.token


def _seen(task: asyncio.Task[Token]) -> None:
    """A refresh that nobody waited for may fail in silence: whoever needs the token next asks again and is told."""
    if not task.cancelled():
        task.exception()
