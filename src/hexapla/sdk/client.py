"""`Client`: the same as AsyncClient for code without an event loop.

The engine runs on one background event loop; every call here waits for it.  There are no sync twins of anything below.

The loop's thread is a daemon, and a client that nobody closes is closed when it is forgotten or when the program ends:
scripts do not close things, and a thread that is waited for would keep them from ending.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio
from anyio.from_thread import BlockingPortal

from hexapla.config import Config
from hexapla.engine.client import OnLoss
from hexapla.sdk.aclient import AsyncClient, AsyncStream, Prompt
from hexapla.sdk.answer import Answer
from hexapla.sdk.tools import ToolLike


class Stream:
    """An answer that is still coming: iterate for text pieces; afterwards `answer` holds the whole."""

    def __init__(self, client: Client, stream: AsyncStream) -> None:
        self._client = client  # not to be closed while this is read
        self._stream = stream

    def __iter__(self) -> Iterator[str]:
        pieces = aiter(self._stream)
        while True:
            try:
                yield self._client._portal.call(anext, pieces)
            except StopAsyncIteration:
                return

    @property
    def answer(self) -> Answer | None:
        return self._stream.answer


class Client:
    """Every provider behind one object, for synchronous code.  See AsyncClient for every parameter.

    with hexapla.Client() as client:
        print(client.chat("Say hello", model="demo/echo"))
    """

    def __init__(
        self,
        config: Config | Path | str | None = None,
        *,
        model: str = "fast",
        on_loss: OnLoss | None = None,
        language: str | None = None,
    ) -> None:
        self._portal, thread = _background()
        try:
            self._client = self._portal.call(
                lambda: AsyncClient(config, model=model, on_loss=on_loss, language=language)
            )
        except BaseException:
            self._portal.call(self._portal.stop)
            raise
        self._close = weakref.finalize(self, _end, self._portal, thread, self._client)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections, the ledger and the background loop.  Idempotent."""
        self._close()

    def chat(
        self,
        prompt: Prompt,
        *,
        model: str | None = None,
        system: str | None = None,
        fallback_models: Sequence[str] = (),
        **fields: Any,
    ) -> Answer:
        """Ask once and return the whole answer."""
        options = {"model": model, "system": system, "fallback_models": fallback_models, **fields}
        return self._running.call(lambda: self._client.chat(prompt, **options))

    def chat_stream(
        self,
        prompt: Prompt,
        *,
        model: str | None = None,
        system: str | None = None,
        fallback_models: Sequence[str] = (),
        **fields: Any,
    ) -> Stream:
        """Ask and iterate over text pieces as they come."""
        options = {"model": model, "system": system, "fallback_models": fallback_models, **fields}
        return Stream(self, self._running.call(lambda: self._client.chat_stream(prompt, **options)))

    def chat_with_image(
        self, prompt: str, image: str | Path | bytes, *, detail: str | None = None, **options: Any
    ) -> Answer:
        """Ask about an image: a path, a URL, or its bytes."""
        return self._running.call(lambda: self._client.chat_with_image(prompt, image, detail=detail, **options))

    def chat_with_tools(
        self,
        prompt: Prompt,
        tools: Sequence[ToolLike],
        *,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        max_iterations: int = 10,
        system: str | None = None,
        **options: Any,
    ) -> Answer:
        """Let the model call Python functions until it answers."""
        options |= {"functions": functions, "max_iterations": max_iterations, "system": system}
        return self._running.call(lambda: self._client.chat_with_tools(prompt, tools, **options))

    @property
    def _running(self) -> BlockingPortal:
        if not self._close.alive:
            raise RuntimeError("The client is closed.")
        return self._portal


def _background() -> tuple[BlockingPortal, threading.Thread]:
    """An event loop on a daemon thread, and the way to call into it."""
    opened: Future[BlockingPortal] = Future()

    async def run() -> None:
        async with BlockingPortal() as portal:
            opened.set_result(portal)
            await portal.sleep_until_stopped()

    thread = threading.Thread(target=anyio.run, args=(run,), name="hexapla-client", daemon=True)
    thread.start()
    return opened.result(), thread


def _end(portal: BlockingPortal, thread: threading.Thread, client: AsyncClient) -> None:
    if threading.current_thread() is thread:
        return  # forgotten on its own loop, which cannot wait for itself; the journal has everything
    portal.call(client._end_running)
    portal.call(client._gateway.disconnect)
    client._gateway.books.ledger.close()  # here, since the loop has no threads any more when the program ends
    portal.call(portal.stop)
    thread.join()
