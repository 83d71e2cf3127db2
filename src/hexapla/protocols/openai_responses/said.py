"""What a stream has said so far: its items by place, their blocks, and what each block holds.

Servers say the same thing up to four times (delta, `.done` of the part, `.done` of the item, the final object), and
leave any of these out.  So every later telling is compared with what was said, and only what is missing is said then: a
stream without deltas, one whose items come in `.done` events alone, and one whose final output is empty all give the whole
answer once.  A telling that contradicts the deltas changes nothing: what a client has read cannot be unsaid.

Rules of this file: no wire events, no frames; blocks are numbered in order of appearance (`protocols/blocks.py`); text is
kept in pieces, so that a long answer costs no more per delta than a short one.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Raw
from msgspec.structs import replace

from hexapla.ir.content import Extras, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import (
    AnyEvent,
    BlockDelta,
    CitationDelta,
    Delta,
    PartDelta,
    ReasoningDelta,
    SummaryDelta,
    TextDelta,
)
from hexapla.ir.fold import head_of
from hexapla.ir.response import ResponsePart
from hexapla.protocols.blocks import Blocks
from hexapla.protocols.openai_responses.items import message_extras, parse_citation, parse_item, text_of
from hexapla.wire.rawjson import load

Key = tuple[int, int]  # (place of the item, index of the content part in it)


class Block:
    """One open block: what it began as, and what was said of it."""

    __slots__ = ("citations", "head", "index", "logprobs", "pieces", "summary")

    def __init__(self, index: int, head: ResponsePart) -> None:
        self.index = index
        self.head = head
        self.pieces: list[str] = []
        self.summary: list[str] = []
        self.citations = 0
        self.logprobs = False


class _Item:
    """One item: what kind it is ("" while only its content was heard of), its fields, and whether it is whole."""

    __slots__ = ("done", "extras", "kind")

    def __init__(self, kind: str = "", extras: Extras = {}) -> None:  # noqa: B006
        self.kind = kind
        self.extras = extras
        self.done = False


MOST_PARAGRAPHS = 10_000
"""Of a summary: their numbers are the server's, and those that it leaves out are kept as empty ones."""


class Said:
    """The account of one stream; what is new goes to `events`.

    blocks  open blocks by key
    parts   how every block began, in order: what the answer is made of
    """

    __slots__ = ("_by_id", "_events", "_items", "_numbers", "blocks", "parts")

    def __init__(self, events: list[AnyEvent]) -> None:
        self._events = events
        self._numbers = Blocks()
        self._items: dict[int, _Item] = {}
        self._by_id: dict[str, int] = {}
        self.blocks: dict[tuple[int | None, int | None], Block] = {}
        self.parts: list[ResponsePart] = []

    # places

    def place(self, index: int | None, item_id: str | None) -> int:
        """The place of the item that an event speaks of."""
        if index is not None:
            return index
        if item_id is None:
            return max(self._items, default=0)
        known = self._by_id.get(item_id)
        return self._fresh(item_id) if known is None else known

    def _fresh(self, item_id: str | None) -> int:
        place = max(self._items, default=-1) + 1
        self._items[place] = _Item()
        if item_id is not None:
            self._by_id[item_id] = place
        return place

    def _place_of(self, index: int | None, item_id: str | None, kind: str) -> int:
        """The place of a whole item: the wire's, the one of its id, or the last of its kind that is still open."""
        if index is not None:
            if item_id is not None:
                self._by_id.setdefault(item_id, index)
            return index
        if item_id is not None:
            return self.place(None, item_id)
        waiting = (place for place, item in self._items.items() if not item.done and item.kind in ("", kind))
        found = max(waiting, default=None)
        return self._fresh(None) if found is None else found

    def has_parts(self, place: int, part: ResponsePart) -> bool:
        """Whether content indexes tell blocks apart there: in messages they do, in thought and calls they do not."""
        item = self._items.get(place)
        return item.kind == "message" if item is not None and item.kind else isinstance(part, Text | Refusal)

    # items

    def begin(self, index: int | None, raw: Raw) -> None:
        """An item was added.  A message's blocks are its content parts, which follow; every other item is one block."""
        kind, item_id, fields = _look(raw)
        place = self._fresh(item_id) if index is None and item_id not in self._by_id else self.place(index, item_id)
        if item_id is not None:
            self._by_id.setdefault(item_id, place)
        item = self._items.setdefault(place, _Item())
        if item.kind or item.done:
            return
        fields.pop("status", None)
        item.kind, item.extras = kind, message_extras(fields) if kind == "message" else {}
        if kind != "message":
            for part in parse_item(raw):
                self.open((place, 0), head_of(part))

    def end(self, index: int | None, raw: Raw) -> None:
        """An item is whole: say what is missing of it, and close its blocks."""
        kind, item_id, fields = _look(raw)
        place = self._place_of(index, item_id, kind)
        self._end(place, kind, fields, raw)

    def _end(self, place: int, kind: str, fields: dict[str, Raw], raw: Raw) -> None:
        item = self._items.setdefault(place, _Item())
        if item.done:
            return
        if not item.kind:
            fields.pop("status", None)
            item.kind, item.extras = kind, message_extras(fields) if kind == "message" else {}
        for number, part in enumerate(parse_item(raw)):
            self._finish_part((place, number), part)
        self._close(place)

    def _close(self, place: int) -> None:
        self._items[place].done = True
        for key in [key for key in self.blocks if key[0] == place]:
            del self.blocks[key]
            self._events.extend(self._numbers.close(key))

    def finish(self, output: Iterable[Raw]) -> None:
        """The answer is over.  `output` is the final telling of all items, where there is one."""
        for position, raw in enumerate(output):
            kind, item_id, fields = _look(raw)
            self._end(self._last_place(position, kind, item_id), kind, fields, raw)
        for place in [place for place, item in self._items.items() if not item.done]:
            self._close(place)

    def _last_place(self, position: int, kind: str, item_id: str | None) -> int:
        """Where a final item was streamed: found by id, or by position where the kinds agree; else it is new."""
        known = self._by_id.get(item_id) if item_id is not None else None
        if known is not None:
            return known
        item = self._items.get(position)
        if item is None or item.kind in ("", kind):
            return position
        return self._fresh(item_id)

    # blocks

    def open(self, key: Key, part: ResponsePart) -> Block | None:
        """The open block of `key`, begun as `part` where there is none yet; None where its item is whole already."""
        block = self.blocks.get(key)
        if block is not None:
            return block
        item = self._items.setdefault(key[0], _Item())
        if item.done:
            return None
        if isinstance(part, Text) and not part.extras:
            part = replace(part, extras=item.extras)
        start = self._numbers.open(key, part)
        block = self.blocks[key] = Block(start.index, part)
        self.parts.append(part)
        self._events.append(start)
        return block

    def _delta(self, block: Block, delta: Delta) -> None:
        if isinstance(delta, SummaryDelta | ReasoningDelta) and not isinstance(block.head, Reasoning):
            return  # said of an item that is something else
        self._events.append(BlockDelta(block.index, delta))

    def say(self, key: Key, text: str, logprobs: tuple[Raw, ...] = ()) -> None:
        """More text, arguments or thought."""
        block = self.blocks.get(key)
        if block is None or not (text or logprobs):
            return
        block.pieces.append(text)
        block.logprobs = block.logprobs or bool(logprobs)
        self._delta(block, TextDelta(text, logprobs))

    def complete(self, key: Key, text: str) -> None:
        """The whole text of a block: say what the deltas did not."""
        block = self.blocks.get(key)
        if block is not None:
            said = "".join(block.pieces)
            if len(text) > len(said) and text.startswith(said):
                self.say(key, text[len(said) :])

    def cite(self, key: Key, annotation: Raw) -> None:
        """One more citation."""
        block = self.blocks.get(key)
        if block is not None:
            block.citations += 1
            self._delta(block, CitationDelta(parse_citation(annotation)))

    def summarise(self, key: Key, number: int, text: str) -> None:
        """More of a summary paragraph; the first word of one, even an empty one, opens it."""
        block = self.blocks.get(key)
        if block is None or (not text and number < len(block.summary)) or not 0 <= number < MOST_PARAGRAPHS:
            return
        block.summary.extend("" for _ in range(number + 1 - len(block.summary)))
        block.summary[number] += text
        self._delta(block, SummaryDelta(number, text))

    def complete_summary(self, key: Key, number: int, text: str) -> None:
        """A whole summary paragraph: say what the deltas did not."""
        block = self.blocks.get(key)
        if block is not None:
            said = block.summary[number] if number < len(block.summary) else ""
            if number >= len(block.summary) or text.startswith(said):
                self.summarise(key, number, text[len(said) :])

    # whole parts

    def _finish_part(self, key: Key, part: ResponsePart) -> None:
        block = self.open(key, head_of(part))
        assert block is not None  # its item is not done
        if isinstance(part, Text):
            self._finish_text(key, block, part)
        elif isinstance(part, Refusal):
            self.complete(key, part.text)
        elif isinstance(part, ToolCall):
            self.complete(key, part.arguments)
        elif isinstance(part, Reasoning):
            self._finish_thought(key, block, part)
        elif block.head != part:
            self._delta(block, PartDelta(part))

    def _finish_text(self, key: Key, block: Block, part: Text) -> None:
        self.complete(key, part.text)
        if part.logprobs and not block.logprobs:
            self._delta(block, TextDelta("", part.logprobs))
        for citation in part.citations[block.citations :]:
            self._delta(block, CitationDelta(citation))

    def _finish_thought(self, key: Key, block: Block, part: Reasoning) -> None:
        for number, paragraph in enumerate(part.summary):
            self.complete_summary(key, number, paragraph)
        self.complete(key, part.text)
        head = block.head
        known = head.id if isinstance(head, Reasoning) else None
        late = ReasoningDelta(encrypted=part.encrypted, id=part.id if known is None else None)
        if late != ReasoningDelta():
            self._delta(block, late)


def _look(raw: Raw) -> tuple[str, str | None, dict[str, Raw]]:
    """(kind, id, fields) of an item."""
    fields = load(raw, dict[str, Raw]) or {}
    return text_of(fields, "type") or "message", text_of(fields, "id"), fields
