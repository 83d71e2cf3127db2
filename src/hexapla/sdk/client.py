"""`Client`: the same as AsyncClient for code without an event loop.

The engine runs on one background event loop; every call here waits for it.  There are no sync twins of anything below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from anyio.from_thread import BlockingPortal, start_blocking_portal

from hexapla.config import Config
from hexapla.engine.client import OnLoss
from hexapla.sdk.aclient import AsyncClient, AsyncStream, Prompt
from hexapla.sdk.answer import Answer
from hexapla.sdk.tools import ToolLike


class Stream:
    """An answer that is still coming: iterate for text pieces; afterwards `answer` holds the whole."""

    def __init__(self, portal: BlockingPortal, stream: AsyncStream) -> None:
        self._portal = portal
        self._stream = stream

    def __iter__(self) -> Iterator[str]:
        pieces = aiter(self._stream)
        while True:
            try:
                yield self._portal.call(anext, pieces)
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
        self, config: Config | Path | str | None = None, *, model: str = "fast", on_loss: OnLoss | None = None
    ) -> None:
        self._stack = ExitStack()
        self._portal = self._stack.enter_context(start_blocking_portal())
        self._client = self._portal.call(lambda: AsyncClient(config, model=model, on_loss=on_loss))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections, the ledger and the background loop."""
        self._portal.call(self._client.aclose)
        self._stack.close()

    def chat(self, prompt: Prompt, **options: Any) -> Answer:
        """Ask once and return the whole answer."""
        return self._portal.call(lambda: self._client.chat(prompt, **options))

    def chat_stream(self, prompt: Prompt, **options: Any) -> Stream:
        """Ask and iterate over text pieces as they come."""
        return Stream(self._portal, self._portal.call(lambda: self._client.chat_stream(prompt, **options)))

    def chat_with_image(self, prompt: str, image: str | Path | bytes, **options: Any) -> Answer:
        """Ask about an image: a path, a URL, or its bytes."""
        return self._portal.call(lambda: self._client.chat_with_image(prompt, image, **options))

    def chat_with_tools(self, prompt: Prompt, tools: Sequence[ToolLike], **options: Any) -> Answer:
        """Let the model call Python functions until it answers."""
        return self._portal.call(lambda: self._client.chat_with_tools(prompt, tools, **options))
