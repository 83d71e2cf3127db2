"""One of the responses of a race, as the driver reads it (routing/race.py)."""

from __future__ import annotations

import asyncio

from hexapla.routing.commands import Chunk, End
from hexapla.upstream.body import Pulled, body_of
from hexapla.upstream.secrets import without
from hexapla.upstream.transport import Response


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
