"""Messages events as the SDKs take them: one beginning, counts at the end, and calls under ids of their own.

Anthropic's SDKs end in an exception at a second message_start (Kimi sends dozens:
https://github.com/MoonshotAI/Kimi-K2.5/issues/33, 2026-03) and at a message_delta without usage (MiniMax:
https://github.com/earendil-works/pi/issues/6567, 2026-07).  Of calls only those are looked at that the client answers: what
the vendor runs itself stands in the same answer with its result.

Rules of this file: an answer in which all is well passes byte for byte, and its deltas are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Raw

from hexapla.translate.distinct import Called, Distinct
from hexapla.translate.peek import Peek
from hexapla.wire.events import events
from hexapla.wire.rawjson import NULL, dump, join, load
from hexapla.wire.sse import SSEDecoder

Json = dict[str, Raw]

_UNCOUNTED = re.compile(rb'"message_delta"(?![^\n\r]*"usage":\s*\{)')
_USE, _START, _DELTA = b'"tool_use"', b'"message_start"', b'"message_delta"'


class Messages:
    """The events of one answer."""

    __slots__ = ("_called", "_counts", "_ids", "_started")

    def __init__(self, asked: Peek | None = None) -> None:
        self._called = Called(asked)
        self._ids = Distinct(self._called)
        self._started = False
        self._counts = dump({"output_tokens": 0})  # what is said of them at the start

    def stream(self, data: bytes, mattered: Sequence[bytes]) -> bytes:
        """Whole events that an SDK can put together.  `mattered`: those of them that are more than a delta."""
        if _USE in data or _START in data or (_DELTA in data and _UNCOUNTED.search(data)):
            return b"".join([self._event(event) for event in events(data)])
        return data

    def _event(self, event: bytes) -> bytes:
        for inner in SSEDecoder().feed(event):
            fields = load(inner.data, Json) or {}
            if "message" in fields:
                return self._start(event, load(fields["message"], Json) or {})
            if "content_block" in fields:
                block = load(fields["content_block"], Json) or {}
                mended = self._mended(block)
                if mended is not block:
                    return event.replace(inner.data, join({**fields, "content_block": dump(mended)}))
            elif _DELTA in inner.data and fields.get("usage", NULL) == NULL:
                return event.replace(inner.data, join({**fields, "usage": self._counts}))
        return event

    def _start(self, event: bytes, message: Json) -> bytes:
        """The first beginning; any other is a repetition."""
        if self._started:
            return b""
        self._started = True
        self._ids = Distinct(self._called, load(message.get("id", NULL), str))
        counts = load(message.get("usage", NULL), Json) or {}
        if counts.get("output_tokens", NULL) != NULL:
            self._counts = dump({"output_tokens": counts["output_tokens"]})
        return event

    def whole(self, body: bytes) -> bytes:
        """A whole answer in which every call has an id of its own."""
        answer = load(body, Json) or {}
        content = load(answer.get("content", NULL), list[Json])
        if content is None:
            return body
        self._ids = Distinct(self._called, load(answer.get("id", NULL), str))
        mended = [self._mended(block) for block in content]
        return body if mended == content else join({**answer, "content": dump(mended)})

    def _mended(self, block: Json) -> Json:
        if bytes(block.get("type", NULL)) != _USE:
            return block
        given = load(block.get("id", NULL), str) or ""
        found = self._ids.take(given)
        return block if found == given else {**block, "id": dump(found)}


def with_use_ids(body: bytes, asked: Peek | None) -> bytes:
    """A whole answer in which every call has an id of its own."""
    return Messages(asked).whole(body)
