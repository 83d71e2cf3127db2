"""Executes the commands of a login: the only part of this floor that waits.

Rules of this file: decides nothing; a lock is let go when its flow is over, however it ends; what a program prints to
stderr is shown to nobody, for it may hold a secret.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from hexapla.auth import files
from hexapla.auth._optional import from_keyring
from hexapla.auth.loopback import Loopback
from hexapla.auth.steps import (
    Call,
    Caught,
    Command,
    Delete,
    Keyring,
    Listen,
    Lock,
    Paste,
    Prompt,
    Read,
    Reply,
    Run,
    Show,
    Sleep,
    Steps,
    Write,
)
from hexapla.errors import HexaplaError, Kind, UpstreamError

T = TypeVar("T")
Sends = Callable[[Call], Awaitable[Reply]]


class Person(Protocol):
    """Whoever logs in."""

    def show(self, prompt: Prompt) -> None: ...

    def paste(self, prompt: Prompt) -> str: ...


class Nobody:
    """A gateway has no person to ask, and its flows ask none."""

    def show(self, prompt: Prompt) -> None:
        raise AssertionError("nobody is there")

    def paste(self, prompt: Prompt) -> str:
        raise AssertionError("nobody is there")


async def run(steps: Steps[T], send: Sends, person: Person | None = None) -> T:
    """Run a flow to its end.  Raises what the flow raises: UpstreamError or ConfigError."""
    return await _Runner(send, person or Nobody()).run(steps)


class _Runner:
    def __init__(self, send: Sends, person: Person) -> None:
        self._send = send
        self._person = person
        self._held: list[files.Held] = []
        self._loopback: Loopback | None = None

    async def run(self, steps: Steps[T]) -> T:
        try:
            command = next(steps)
            while True:
                try:
                    fact = await _EXECUTE[type(command)](self, command)
                except HexaplaError as error:
                    command = steps.throw(error)
                else:
                    command = steps.send(fact)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            steps.close()
            for held in self._held:
                held.release()
            if self._loopback is not None:
                await self._loopback.aclose()

    async def _call(self, command: Call) -> Reply:
        return await self._send(command)

    async def _sleep(self, command: Sleep) -> None:
        await asyncio.sleep(command.seconds)

    async def _read(self, command: Read) -> bytes | None:
        return files.read(command.path)

    async def _write(self, command: Write) -> None:
        files.write(command.path, command.data)

    async def _delete(self, command: Delete) -> None:
        files.delete(command.path)

    async def _lock(self, command: Lock) -> None:
        self._held.append(await files.lock(command.path))

    async def _run_program(self, command: Run) -> str:
        return await program(command.words, command.seconds)

    async def _keyring(self, command: Keyring) -> str | None:
        return await asyncio.to_thread(from_keyring, command.service, command.user)

    async def _show(self, command: Show) -> None:
        self._person.show(command.prompt)

    async def _listen(self, command: Listen) -> int:
        self._loopback = Loopback(command.path, command.state)
        return await self._loopback.open(command.ports)

    async def _caught(self, command: Caught) -> dict[str, str]:
        assert self._loopback is not None
        return await self._loopback.caught(command.seconds)

    async def _paste(self, command: Paste) -> str:
        return await asyncio.to_thread(self._person.paste, command.prompt)


async def program(words: tuple[str, ...], seconds: float) -> str:
    """What a program prints.  Raises UpstreamError when it cannot be started, fails or takes too long."""
    name = words[0] if words else ""
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except (OSError, TypeError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no command"
        raise UpstreamError(Kind.UPSTREAM_AUTH, f"The command {name!r} cannot be run: {why}.") from None
    try:
        async with asyncio.timeout(seconds):
            printed, _ = await process.communicate()
    except TimeoutError:
        raise UpstreamError(Kind.UPSTREAM_AUTH, f"The command {name!r} took longer than {seconds:g} seconds.") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise UpstreamError(Kind.UPSTREAM_AUTH, f"The command {name!r} failed with exit code {process.returncode}.")
    return printed.decode("utf-8", "replace")


_EXECUTE: dict[type[Command], Callable[[_Runner, Any], Awaitable[Any]]] = {
    Call: _Runner._call,
    Sleep: _Runner._sleep,
    Read: _Runner._read,
    Write: _Runner._write,
    Delete: _Runner._delete,
    Lock: _Runner._lock,
    Run: _Runner._run_program,
    Keyring: _Runner._keyring,
    Show: _Runner._show,
    Listen: _Runner._listen,
    Caught: _Runner._caught,
    Paste: _Runner._paste,
}
