"""Runs the commands of an exchange that stand at once (routing/race.py): each has a task, and each response a line.

Rules of this file: whoever is dropped is cancelled and closed; a task never raises, a failure is its fact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hexapla.auth.grant import Token
from hexapla.auth.keeper import Keeper
from hexapla.errors import UpstreamError
from hexapla.routing.commands import (
    Chunk,
    End,
    Expired,
    Failed,
    Head,
    LogIn,
    Of,
    Race,
    Receive,
    Send,
    Single,
    Sleep,
    Wait,
)
from hexapla.routing.race import NEVER
from hexapla.upstream.body import Pulled, body_of
from hexapla.upstream.secrets import secrets_of, without
from hexapla.upstream.transport import Request, Response, Transport


class Line:
    """A response and its body; `secrets` are taken out of it."""

    def __init__(self, response: Response, secrets: tuple[bytes, ...]) -> None:
        self.response = response
        self.body = body_of(response)
        self.secrets = secrets

    async def next(self) -> Chunk | End:
        """The next bytes of the body, or its end.  Raises UpstreamError."""
        while (data := self.body.take()) is None:
            heard = asyncio.Event()
            self.body.tell(heard.set)
            try:
                await heard.wait()
            finally:
                self.body.tell(None)
        return Chunk(without(self.secrets, data)) if data else End()

    def close(self) -> None:
        if isinstance(self.body, Pulled):
            self.body.close()
        self.response.close()


class Racing:
    """Those of one exchange, by number."""

    def __init__(self, transport: Callable[[Request], Transport]) -> None:
        self._transport = transport
        self._lines: dict[int, Line] = {}
        self._waiting: dict[int, asyncio.Task[Single]] = {}

    async def first(self, command: Race) -> Of | Expired:
        """Start those who do not wait yet; the first fact that any of them brings."""
        loop = asyncio.get_running_loop()
        for number, wait in command.waits.items():
            if number not in self._waiting:
                self._waiting[number] = loop.create_task(self._fact(number, wait))
        seconds = None if command.until == NEVER else max(0.0, command.until - loop.time())
        done, _ = await asyncio.wait(self._waiting.values(), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for number, task in self._waiting.items():
            if task in done:
                del self._waiting[number]
                return Of(number, task.result())
        return Expired()

    def adopt(self, number: int) -> Line | None:
        """The line of the winner, which is nobody's concern here any more."""
        return self._lines.pop(number, None)

    def drop(self, number: int) -> None:
        """Let one of them wait for nothing more, and close its response."""
        task, line = self._waiting.pop(number, None), self._lines.pop(number, None)
        if task is not None:
            task.cancel()
        if line is not None:
            line.close()

    def close(self) -> None:
        """Drop them all."""
        for number in self._waiting.keys() | self._lines.keys():
            self.drop(number)

    async def _fact(self, number: int, wait: Wait) -> Single:
        """What one command brings."""
        try:
            if isinstance(wait, Sleep):
                await asyncio.sleep(wait.seconds)
                return None
            async with asyncio.timeout_at(None if wait.deadline == NEVER else wait.deadline):
                return await self._brought(number, wait)
        except UpstreamError as error:
            return failed(error)
        except TimeoutError:
            return Expired()

    async def _brought(self, number: int, wait: Send | Receive | LogIn) -> Single:
        if isinstance(wait, LogIn):
            return await token_for(wait)
        if isinstance(wait, Receive):
            return await self._lines[number].next()
        assert isinstance(wait.request, Request)
        response = await self._transport(wait.request).send(wait.request)
        self._lines[number] = Line(response, secrets_of(wait.request.headers))
        return Head(response.status, response.headers)


def failed(error: UpstreamError) -> Failed:
    """The error as a fact, which outlives what it came from: its traceback would keep all that was collected until then."""
    return Failed(error.with_traceback(None))


async def token_for(command: LogIn) -> Token:
    """The token that a login has, or another one than that which was refused.  Raises UpstreamError."""
    assert isinstance(command.login, Keeper)
    return await (command.login.fresh() if command.refused is None else command.login.renewed(command.refused))
