"""The Verbatim lane where its calls must come back with their thought: what the client hears is read once more.

It is read as the client has it, so that every call has the id under which it will come back.
"""

from __future__ import annotations

from contextlib import suppress

from hexapla.errors import HexaplaError
from hexapla.translate.hearing import Hearing
from hexapla.translate.lane import Stream
from hexapla.translate.verbatim import Verbatim, VerbatimStream


class Overheard(Verbatim, eq=False):
    """One attempt.  `hearing`: None where nobody keeps what was heard."""

    hearing: Hearing | None = None

    def answer(self, body: bytes) -> bytes:
        said = super().answer(body)
        if self.hearing is not None and self.summary.stop == "tool_calls":
            with suppress(HexaplaError):  # what we cannot read passes all the same
                self.hearing.keep(self._protocol.parse_response(said).content)
        return said

    def stream(self) -> Stream:
        if self.hearing is None:
            return super().stream()
        stream = OverheardStream(
            self._protocol, self._reply, self.summary, hide_usage=self.hide_usage, asked=self._asked
        )
        stream.listen(self.hearing)
        return stream


class OverheardStream(VerbatimStream):
    """Bytes that pass by, and are read."""

    def listen(self, hearing: Hearing) -> None:
        self._decoder = self._protocol.decoder()
        self._hearing = hearing

    def feed(self, data: bytes) -> bytes:
        said = super().feed(data)
        for event in self._decoder.feed(said):
            self._hearing.hear(event)
        return said

    def close(self) -> bytes:
        said = super().close()
        for event in () if self.failed else self._decoder.close():
            self._hearing.hear(event)
        return said
