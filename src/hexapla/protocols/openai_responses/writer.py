"""What every open item of a client's stream has: its lines, its place, and text that arrives in pieces.

Deltas are the hot path: the bytes around them are made once for each item.
"""

from __future__ import annotations

import itertools
from typing import Any

import msgspec

from hexapla.ir.event import Delta, TextDelta
from hexapla.ir.loss import LossLog
from hexapla.protocols.openai_responses.output import identify
from hexapla.protocols.openai_responses.words import Ids
from hexapla.wire.sse import frame

Json = dict[str, Any]

_json = msgspec.json.Encoder().encode


class Lines:
    """The numbered lines of one stream, and what its items share: ids, places in the output, losses."""

    __slots__ = ("ids", "losses", "next_number", "next_place")

    def __init__(self, ids: Ids, losses: LossLog) -> None:
        self.ids = ids
        self.losses = losses
        self.next_number = itertools.count().__next__
        self.next_place = itertools.count().__next__

    def event(self, kind: str, body: Json) -> bytes:
        """One event.  Raw values keep the line ends between their tokens, which no frame can hold and no JSON needs."""
        data = _json({"type": kind, "sequence_number": self.next_number(), **body})
        if b"\n" in data or b"\r" in data:
            data = data.translate(None, b"\r\n")
        return frame(data, kind)


class Writer:
    """One open item.

    item   the whole item after `end`; None where Responses has none for it
    place  its place in the output (`output_index`)
    """

    def __init__(self, part: Any, index: int, lines: Lines) -> None:
        self.part = part
        self.lines = lines
        self.index = index
        self.item: Json | None = None
        self.place = -1

    def begin(self) -> bytes:
        raise NotImplementedError

    def delta(self, delta: Delta) -> bytes:
        raise NotImplementedError

    def end(self) -> bytes:
        raise NotImplementedError

    def unfinished(self) -> Json | None:
        """The item as far as it got, for an answer that failed; None where half of it is worse than nothing."""
        return None

    def _added(self, item: Json) -> bytes:
        self.place = self.lines.next_place()
        return self.lines.event("response.output_item.added", {"output_index": self.place, "item": item})

    def _done(self, item: Json) -> bytes:
        self.item = item
        return self.lines.event("response.output_item.done", {"output_index": self.place, "item": item})


class Piecewise(Writer):
    """An item whose content arrives as text, in events that differ in nothing but the text.

    kind   what its delta events are called
    extra  the fields of a delta between output_index and delta, as JSON
    """

    kind = b""
    extra = b""

    def __init__(self, part: Any, index: int, lines: Lines) -> None:
        super().__init__(part, index, lines)
        self.id = identify(part, lines.ids, index)
        self.pieces: list[str] = []
        self._template = b""

    @property
    def text(self) -> str:
        """All of it, which takes the place of its pieces: a large one is said four times, and held once."""
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""

    def where(self) -> Json:
        """The fields that every event of the item has."""
        return {"item_id": self.id, "output_index": self.place}

    def more(self, text: str) -> bytes:
        """A piece of the text."""
        self.pieces.append(text)
        template = self._template or self._make()
        return template % (self.lines.next_number(), _json(text))

    def _make(self) -> bytes:
        named = _json(self.id).replace(b"%", b"%%")
        self._template = (
            (b"event: " + self.kind + b'\ndata: {"type":"' + self.kind + b'","sequence_number":%d,"item_id":' + named)
            + b',"output_index":%d' % self.place
            + self.extra
            + b',"delta":%b}\n\n'
        )
        return self._template

    def delta(self, delta: Delta) -> bytes:
        return self.more(delta.text) if type(delta) is TextDelta else b""
