"""Where a driver says an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hexapla.routing.commands import Start


class Sink(Protocol):
    """Where the client hears the answer (see engine.client.Answer)."""

    @property
    def full(self) -> bool:
        """The client is slow: await `drain` before saying more, which slows the upstream down."""
        ...

    def start(self, start: Start) -> None:
        """Content begins, or goes on with another attempt's."""
        ...

    def beat(self, start: Start, data: bytes) -> None:
        """A heartbeat of an attempt that has no content yet."""
        ...

    def send(self, data: bytes) -> bool:
        """Say more; return whether the client is slow now, as `full` tells."""
        ...

    def voice(self) -> Callable[[bytes], bool]:
        """`send`, for pieces among which the answer's end is not; as short a way as there is by now."""
        ...

    def finish(self, data: bytes) -> None:
        """Hand over the last bytes; nothing follows."""
        ...

    async def drain(self) -> None: ...
