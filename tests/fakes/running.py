"""The fake in a thread of its own, so that synchronous tests can ask it and read its journal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

from fakes.server import Asked, Journal, application


@dataclass(frozen=True)
class Fake:
    """A running fake.  `url` is without /v1."""

    url: str
    journal: Journal

    def asked(self) -> list[Asked]:
        """What was asked, in order."""
        return list(self.journal.asked)

    def last(self) -> Asked:
        """The last of `asked`."""
        return self.journal.asked[-1]


@contextmanager
def running(port: int = 0) -> Iterator[Fake]:
    """A fake that serves until the block ends."""
    journal = Journal()
    ready: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    with ThreadPoolExecutor(1, "fake") as thread:
        served = thread.submit(asyncio.run, _serve(journal, port, ready))
        served.add_done_callback(lambda done: ready.done() or ready.set_exception(done.exception() or RuntimeError()))
        url, loop, stop = ready.result(10)
        try:
            yield Fake(url, journal)
        finally:
            loop.call_soon_threadsafe(stop.set)
            served.result(10)


async def _serve(
    journal: Journal, port: int, ready: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]]
) -> None:
    stop = asyncio.Event()
    runner = web.AppRunner(application(journal), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    ready.set_result((f"http://127.0.0.1:{runner.addresses[0][1]}", asyncio.get_running_loop(), stop))
    await stop.wait()
    await runner.cleanup()
