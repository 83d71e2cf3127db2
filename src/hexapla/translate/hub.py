"""The Hub lane: parse -> IR -> render, decode -> events -> encode.

Used where client and upstream speak different protocols, or where the same protocol needs an edit deeper than the top
level.  What the target cannot take is first bent into shape by `adapt` (names, ids, custom tools, output formats ...),
which also says how to bend the answer back.

Rules of this file: no dialect by name; every event passes `restore` before anybody hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.event import AnyEvent, BlockDelta, BlockStart, MessageStop, Ping, StreamError, TextDelta
from hexapla.ir.fold import fold, unfold
from hexapla.ir.loss import Loss, LossLog
from hexapla.ir.response import GenerateResponse
from hexapla.protocols.base import Protocol, Reply
from hexapla.protocols.failures import no_answer
from hexapla.translate.adapt.restore import Restore
from hexapla.translate.hearing import Hearing
from hexapla.translate.lane import Begun, Stream, is_content
from hexapla.translate.played import played
from hexapla.translate.summary import Summary
from hexapla.translate.unheard import Unheard


class Hub:
    """One attempt through the interlingua.

    lost     what the request's rendering and the answer could not say so far
    hearing  hears what has to come back with the answer's calls; None: nobody would ask
    """

    name = "hub"
    begun: Begun | None = None
    hearing: Hearing | None = None

    def __init__(
        self, client: Protocol, upstream: Protocol, reply: Reply, body: bytes, losses: LossLog, restore: Restore
    ) -> None:
        self.client = client
        self.upstream = upstream
        self.reply = reply
        self.lost = losses
        self.restore = restore
        self.body = body
        self.summary = Summary()

    @property
    def losses(self) -> tuple[Loss, ...]:
        return tuple(self.lost.values())

    def answer(self, body: bytes) -> bytes:
        response = self._parsed(body)
        restored = self.restore.whole(response)
        if restored is None:
            restored = self._fold([*self.restore.all(unfold(response))])
        else:
            self.summary.note_whole(restored)
            if self.hearing is not None:
                self.hearing.keep(restored.content)
        return self.client.render_response(restored, self.reply, self.lost)

    def simulate(self, body: bytes) -> Iterator[bytes]:
        events = [*self.restore.all(unfold(self._parsed(body)))]
        self._fold(events)  # an answer that is an error raises before a byte of it is said
        return played(events, self.client.encoder(self.reply, self.lost))

    def gather(self, stream: bytes) -> bytes:
        decoder = self.upstream.decoder()
        decoder.look()
        decoder.expect(self.restore.tools)
        events = [*decoder.feed(stream), *decoder.close()]
        response = self._fold([*self.restore.all(events)])
        unheard = replace(fold(events), unread=tuple(decoder.unread))
        Unheard(self.client.name, self.upstream.name, self.lost).whole(unheard)
        return self.client.render_response(response, self.reply, self.lost)

    def stream(self) -> Stream:
        return HubStream(self)

    def _parsed(self, body: bytes) -> GenerateResponse:
        try:
            response = self.upstream.parse_response(body)
        except ProtocolError as error:
            raise no_answer(body, self.upstream.name, error) from None
        Unheard(self.client.name, self.upstream.name, self.lost).whole(response)
        return response

    def _fold(self, events: list[AnyEvent]) -> GenerateResponse:
        """The answer that the events make, noted in the summary.  Raises GatewayError for one that failed."""
        for event in events:
            self.summary.note(event)
        response = fold(events)
        if self.hearing is not None:
            self.hearing.keep(response.content)
        return response


class HubStream:
    """A streaming answer through decoder and encoder."""

    def __init__(self, lane: Hub) -> None:
        self._unheard = Unheard(lane.client.name, lane.upstream.name, lane.lost)
        self._decoder = lane.upstream.decoder()
        self._decoder.look()
        self._decoder.expect(lane.restore.tools)
        self._encoder = lane.client.encoder(lane.reply, lane.lost)
        self._restore = lane.restore
        self._text_passes = lane.restore.text_passes  # as it is, and nobody else need hear of it
        self._hearing = lane.hearing
        self.summary = lane.summary
        self.committed = self.done = False

    @property
    def failed(self) -> bool:
        return self.summary.error is not None

    @property
    def settled(self) -> bool:
        return self._decoder.settled

    def feed(self, data: bytes) -> bytes:
        decoder = self._decoder
        text = decoder.piece(data) if self._text_passes else ""
        if text:  # nearly all there is
            self.committed = True
            self.summary.text_bytes += len(text)
            return self._encoder.more(decoder.text_index, text)
        said = self._encode(decoder.feed(data))
        self.done = decoder.done
        return said

    def close(self) -> bytes:
        return self._encode(self._decoder.close()) + self._encoder.close()

    def fail(self, error: StreamError) -> bytes:
        return b"" if self.failed else self._encode([error])

    def breaks(self) -> bool:
        return False

    def beat(self) -> bytes:
        return self._encoder.encode(Ping())

    def _encode(self, events: list[AnyEvent]) -> bytes:
        encode, text_passes, calls = self._encoder.encode, self._text_passes, self.summary.calls
        hearing = self._hearing
        out = []
        for decoded in events:
            if text_passes and type(decoded) is BlockDelta and type(decoded.delta) is TextDelta:  # nearly all there is
                self.committed = True
                self.summary.text_bytes += len(decoded.delta.text)
                if calls is not None:
                    calls.hear(decoded)  # a call's arguments are text as well
                if hearing is not None:
                    hearing.hear(decoded)
                out.append(encode(decoded))
                continue
            for event in self._restore.feed(decoded):
                if not self.committed and is_content(event):
                    self.committed = True
                self.summary.note(event)
                if hearing is not None:
                    hearing.hear(event)
                if type(event) is BlockStart:
                    self._unheard.part(event.index, event.part)
                elif type(event) is MessageStop:
                    self._unheard.end(event.stop, self._decoder.unread, event.extras)
                out.append(encode(event))
        return b"".join(out)
