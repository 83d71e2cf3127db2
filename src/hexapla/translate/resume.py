"""An answer that several attempts say: where one breaks off in the middle of a text, another one goes on.

The client hears one answer: one encoder tells it, so ids, block indexes and sequence numbers run on, there is one end, and
one usage report that adds what every attempt used.  A broken attempt's own error is kept back until it is known that nobody
goes on.  Whoever goes on is told the conversation and what was said of the answer (continuation.py); what it repeats of the
end is cut off (overlap.py).

What may be continued is text.  A call, a refusal, an image, half a thought and a structured output are not: their second
half would be another model's guess at the first.

Rules of this file: pure; an attempt changes nothing of what was told before its own first content; a resumable request
goes through the Hub from its beginning, since a verbatim one has no encoder that could go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from hexapla.catalog.schema import Continuation
from hexapla.ir.content import Reasoning, Text
from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    BlockStart,
    BlockStop,
    MessageStart,
    MessageStop,
    StreamError,
    TextDelta,
    UsageReport,
)
from hexapla.ir.fold import fold, unfold
from hexapla.ir.loss import Loss, LossLog
from hexapla.ir.response import Usage
from hexapla.ir.target import Target
from hexapla.protocols.base import Protocol, Reply
from hexapla.translate.continuation import ECHOED, repeated
from hexapla.translate.hub import Hub, HubStream
from hexapla.translate.lane import Begun, is_content
from hexapla.translate.overlap import Lap
from hexapla.translate.played import ahead, in_pieces


class Said:
    """What the client has been told, by all attempts together.

    losses  what of it could not be said
    usage   of the attempts that are over;  parts  how many they are
    """

    def __init__(self, client: Protocol, reply: Reply) -> None:
        self.losses = LossLog()
        self.encoder = client.encoder(reply, self.losses)
        self.usage: Usage | None = None
        self.parts = 0
        self.text = ""  # that the attempts which are over have said
        self._kinds: list[type] = []  # of the blocks
        self._open: set[int] = set()
        self._pieces: list[str] = []

    def start(self, kind: type) -> int:
        """Another block begins; return its index."""
        self._open.add(len(self._kinds))
        self._kinds.append(kind)
        return len(self._kinds) - 1

    def add(self, index: int, text: str) -> None:
        if self._kinds[index] is Text:
            self._pieces.append(text)

    def stop(self, index: int) -> None:
        self._open.discard(index)

    @property
    def open_text(self) -> int | None:
        """The index of the text that is not over."""
        return next((index for index in self._open if self._kinds[index] is Text), None)

    @property
    def able(self) -> bool:
        """Whether somebody else can go on: there is text, and thought that was thought to its end, and nothing else."""
        return {Text, Reasoning}.issuperset(self._kinds) and self._open <= {self.open_text}

    def over(self, usage: Usage) -> None:
        """An attempt broke off, which used this much."""
        self.usage = usage if self.usage is None else self.usage.plus(usage)
        self.parts += 1
        self.text += "".join(self._pieces)
        self._pieces.clear()


class Telling:
    """What the client of one request has been told; None while nobody has told it anything.

    marks  its stream says where another attempt goes on;  begun: whether targets go on in a turn
    """

    def __init__(self, *, marks: bool = False) -> None:
        self.said: Said | None = None
        self.marks = marks
        self.begun = Begun()


class Resumable(Hub):
    """One attempt at an answer that others may have begun, and others may finish.

    before  what was said of the answer, the client's own beginning included
    least   how many characters said again are a repetition
    mark    a comment for the client's stream, where this attempt goes on
    """

    telling: Telling
    said: Said
    before = ""
    least = 0
    mark = b""

    def join(self, telling: Telling, target: Target, way: Continuation | None, begun: str) -> None:
        """Go on with what was told, or begin.  `way` that its request takes; `begun` by the client itself."""
        self.telling = telling
        self.said = telling.said or Said(self.client, self.reply)
        if telling.said is None:
            return
        self.before = begun + telling.said.text
        self.begun = telling.begun if way is not None and telling.said.text.strip() else self.begun
        if way is None:
            self.least = repeated(self.before)
        else:
            self.least = min(ECHOED, len(self.before.rstrip())) if way.echoes else ECHOED
        if telling.marks:
            place = "".join(f"{target.origin.provider}/{target.model}".split())  # a comment is one line
            self.mark = f": resumed at {place}\n\n".encode()

    @property
    def losses(self) -> tuple[Loss, ...]:
        return (*self.lost.losses, *self.said.losses.losses)

    def stream(self) -> SeamStream:
        return SeamStream(self)

    def simulate(self, body: bytes) -> Iterator[bytes]:
        events = [*unfold(self._parsed(body))]
        fold(self.restore.all(events))  # an answer that is an error raises before a byte of it is said
        stream = self.stream()
        return ahead(stream.tell([event]) for event in in_pieces(events))


class SeamStream(HubStream):
    """One attempt's stream, told where the former one's ended."""

    def __init__(self, lane: Resumable) -> None:
        super().__init__(lane)
        self._text_passes = False  # it is remembered
        self._lane = lane
        self._said = lane.said
        self._held: list[AnyEvent] = []  # until the first content
        self._begun = False
        self._joins = lane.said.parts > 0
        self._places: dict[int, int | None] = {}  # indexes of this attempt -> the client's; None: not told
        self._lap: Lap | None = None
        self._lapped: int | None = None  # the block that goes on with a text
        self._failed = False  # the client was told of it

    def close(self) -> bytes:
        out = self.tell(self._decoder.close())
        return out if self.failed else out + self._said.encoder.close()

    def breaks(self) -> bool:
        """This attempt is over before its end: whether another one may go on."""
        if self._failed or not self._begun or not self._said.able:
            return False
        self._said.over(self.summary.spent(len(self._lane.body)))
        return True

    def fail(self, error: StreamError) -> bytes:
        """Tell the client what was kept back: the upstream's own error, else `error`."""
        if self._failed:
            return b""
        self._failed = True
        self.summary.error = self.summary.error or error
        return self._said.encoder.encode(self.summary.error)

    def _encode(self, events: list[AnyEvent]) -> bytes:
        return self.tell(events)

    def tell(self, decoded: list[AnyEvent]) -> bytes:
        """The client's bytes for these events of this attempt."""
        out: list[bytes] = []
        for each in decoded:
            for event in self._restore.feed(each):
                self.summary.note(event)
                if self._hearing is not None:
                    self._hearing.hear(event)
                if type(event) is MessageStop:
                    self._unheard.end(event.stop, self._decoder.unread, event.extras)
                if self._begun:
                    self._tell(event, out)
                elif not isinstance(event, StreamError):
                    self._hold(event, out)
        return b"".join(out)

    def _hold(self, event: AnyEvent, out: list[bytes]) -> None:
        """Nothing is told of an attempt that may yet turn out to have nothing to say."""
        self._held.append(event)
        if is_content(event):
            self.committed = True
        elif not isinstance(event, MessageStop):
            return
        self._begun = True
        self._lane.telling.said = self._said
        out.append(self._lane.mark)
        for held in self._held:
            self._tell(held, out)

    def _tell(self, event: AnyEvent, out: list[bytes]) -> None:
        rule = _RULES.get(type(event))
        events = (event,) if rule is None else rule(self, event)
        out += map(self._said.encoder.encode, events)

    def _start(self, event: MessageStart) -> tuple[AnyEvent, ...]:
        return () if self._joins else (event,)

    def _block_start(self, event: BlockStart) -> tuple[AnyEvent, ...]:
        part, before = event.part, self._said.open_text if self._joins else None
        if self._joins and isinstance(part, Reasoning):
            self._places[event.index] = None  # the client has been told what was thought of this answer
            return ()
        if self._joins and isinstance(part, Text) and self._lap is None:
            return self._go_on(event.index, part, before)
        self._unheard.part(event.index, part)
        closed = self._close(before) if before is not None and before not in self._places.values() else ()
        place = self._places[event.index] = self._said.start(type(part))
        if isinstance(part, Text):
            self._said.add(place, part.text)
        return (*closed, BlockStart(place, part))

    def _go_on(self, index: int, part: Text, before: int | None) -> tuple[AnyEvent, ...]:
        """The first text of this attempt goes on with the last one of the former."""
        self._lap, self._lapped = Lap(self._lane.before, self._lane.least), index
        place = self._places[index] = self._said.start(Text) if before is None else before
        started = (BlockStart(place, replace(part, text="")),) if before is None else ()
        return (*started, *self._delta(BlockDelta(index, TextDelta(part.text)))) if part.text else started

    def _delta(self, event: BlockDelta) -> tuple[AnyEvent, ...]:
        place, delta = self._places[event.index], event.delta
        if place is None:
            return ()
        if type(delta) is TextDelta:
            if event.index == self._lapped and self._lap is not None:
                delta = replace(delta, text=self._lap.feed(delta.text))
                if not delta.text:
                    return ()
            self._said.add(place, delta.text)
        return (BlockDelta(place, delta),)

    def _block_stop(self, event: BlockStop) -> tuple[AnyEvent, ...]:
        place = self._places[event.index]
        if place is None:
            return ()
        rest = self._lap.rest() if event.index == self._lapped and self._lap is not None else ""
        self._said.add(place, rest)
        return (*((BlockDelta(place, TextDelta(rest)),) if rest else ()), *self._close(place))

    def _close(self, place: int) -> tuple[AnyEvent, ...]:
        self._said.stop(place)
        return (BlockStop(place),)

    def _stop(self, event: MessageStop) -> tuple[AnyEvent, ...]:
        before, own = self._said.open_text, self.summary.usage
        closed = self._close(before) if before is not None else ()
        used = own if self._said.usage is None else self._said.usage.plus(own or Usage())
        return (*closed, *((UsageReport(used),) if used is not None else ()), event)

    def _later(self, event: UsageReport | StreamError) -> tuple[AnyEvent, ...]:
        """Usage is told at the end, for all attempts at once; an error when nobody goes on."""
        return ()


_RULES: dict[type, Callable[[SeamStream, Any], tuple[AnyEvent, ...]]] = {
    MessageStart: SeamStream._start,
    BlockStart: SeamStream._block_start,
    BlockDelta: SeamStream._delta,
    BlockStop: SeamStream._block_stop,
    UsageReport: SeamStream._later,
    MessageStop: SeamStream._stop,
    StreamError: SeamStream._later,
}
