"""The items of a Responses stream whose last event leaves them out or is ours, or whose calls lack their `call_id`.

The last event holds the whole answer, and it is the one that the SDK gives to a program that asks for the final response.
The Codex backend sends it with an empty output (all of its 25 recorded answers, and 8 of others), though every item was
said before: the program would see an answer without a word.  What has a last event that says it all passes byte for byte.

Where a stream breaks off, the last event is the gateway's: it goes on with the stream's own count and holds what was said.

Rules of this file: deltas are not looked at; what is kept of a stream is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Raw

from hexapla.translate.itemids import ItemIds
from hexapla.translate.peek import Peek
from hexapla.wire.events import events
from hexapla.wire.rawjson import NULL, dump, join, load
from hexapla.wire.sse import SSEDecoder, frame

_ITEM = b'"response.output_item.done"'
_LAST = (b'"response.completed"', b'"response.incomplete"')
_ANSWER = re.compile(rb'"response":\s*\{[^{}]*?"id":\s*"([^"\\]+)"')
_SAID = b'"output":[{'  # as OpenAI's last event holds it, which need not be read then
MOST = (
    4_000_000  # bytes of items that are kept; pictures may be larger, but who makes them says them at the end as well
)
NUMBER = re.compile(rb'"sequence_number":\s*(\d{1,15})')  # in a text its quotes would be escaped


class Outputs:
    """The items of one stream."""

    __slots__ = ("_ids", "_items", "_room")

    def __init__(self, asked: Peek | None = None) -> None:
        self._items: dict[bytes, Raw] = {}  # by output_index, as it stands in the stream
        self._room = MOST
        self._ids = ItemIds(asked)

    def stream(self, data: bytes, mattered: Sequence[bytes]) -> bytes:
        """Whole events, the last of which says what the items before it were."""
        if not self._ids.seed and (found := _ANSWER.search(data)):
            self._ids.seed = found.group(1).decode("utf-8", "replace")
        if self._ids.lack(data):
            data = b"".join([self._called(event) if self._ids.lack(event) else event for event in events(data)])
        if _ITEM not in data and (_SAID in data or not any(last in data for last in _LAST)):
            return data
        return b"".join([self._event(event) for event in events(data)])

    def failed(self, event: bytes, before: bytes) -> bytes:
        """The gateway's own `response.failed`, as this stream's last event.  `before`: what was said last, with a number
        if the stream has any."""
        (inner,) = SSEDecoder().feed(event)
        fields = load(inner.data, dict[str, Raw]) or {}
        response = load(fields.get("response", NULL), dict[str, Raw]) or {}
        fields["response"] = Raw(join({**response, "output": [*self._items.values()]}))
        if numbers := NUMBER.findall(before):
            fields["sequence_number"] = dump(int(numbers[-1]) + 1)
        return frame(join(fields), inner.event)

    def _called(self, event: bytes) -> bytes:
        """An event whose calls say their call_id."""
        for inner in SSEDecoder().feed(event):
            fields = load(inner.data, dict[str, Raw]) or {}
            response = load(fields.get("response", NULL), dict[str, Raw])
            if response is not None:
                return event.replace(inner.data, join({**fields, "response": dump(self._ids.items(response))}))
            if "item" in fields:
                place = load(fields.get("output_index", NULL), int) or 0
                return event.replace(inner.data, join({**fields, "item": self._ids.item(fields["item"], place)}))
        return event

    def _event(self, event: bytes) -> bytes:
        for inner in SSEDecoder().feed(event):
            fields = load(inner.data, dict[str, Raw]) or {}
            kind = bytes(fields.get("type", NULL))
            if kind == _ITEM and "item" in fields:
                self._keep(fields)
            elif kind in _LAST and self._items:
                return self._completed(event, inner.data, fields)
        return event

    def _keep(self, fields: dict[str, Raw]) -> None:
        item = bytes(fields["item"])
        self._room -= len(item)
        if self._room < 0:
            self._items.clear()  # half of an output is worse than none
        else:
            self._items[bytes(fields.get("output_index", dump(len(self._items))))] = Raw(item)

    def _completed(self, event: bytes, data: bytes, fields: dict[str, Raw]) -> bytes:
        response = load(fields.get("response", NULL), dict[str, Raw])
        output = load(response.get("output", NULL), list[Raw]) if response is not None else None
        if response is None or output:
            return event
        whole = join({**response, "output": [*self._items.values()]})
        return event.replace(data, join({**fields, "response": Raw(whole)}))
