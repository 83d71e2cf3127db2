"""The calls of Messages answers that pass by: one that has no id, or another call's, gets one of its own.

Only the tools of the client are looked at: what the vendor runs itself stands in the same answer with its result.  An
answer in which all is well leaves here byte for byte, and one without calls is not looked at.

Rules of this file: ids alone are written anew; a call of an earlier turn is not known here, since requests pass by as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from hexapla.protocols.typed import NULL
from hexapla.translate.distinct import Distinct
from hexapla.translate.tap import events
from hexapla.wire.rawjson import dump, join, load
from hexapla.wire.sse import SSEDecoder

Json = dict[str, Raw]

_USE = Raw(b'"tool_use"')
_BEGINS = b'"tool_use"', b'"message_start"'


class UseIds:
    """The calls of one answer."""

    __slots__ = ("_ids",)

    def __init__(self, asked: bytes = b"") -> None:
        self._ids = Distinct()

    def stream(self, data: bytes, mattered: Sequence[bytes]) -> bytes:
        """Whole events in which every call begins with an id of its own."""
        if not any(begins in data for begins in _BEGINS):
            return data
        return b"".join([self._event(event) for event in events(data)])

    def _event(self, event: bytes) -> bytes:
        for inner in SSEDecoder().feed(event):
            fields = load(inner.data, Json) or {}
            if "message" in fields:
                self._ids = Distinct(seed=load((load(fields["message"], Json) or {}).get("id", NULL), str))
            elif "content_block" in fields:
                block = load(fields["content_block"], Json) or {}
                mended = self._mended(block)
                if mended is not block:
                    return event.replace(inner.data, join({**fields, "content_block": dump(mended)}))
        return event

    def whole(self, body: bytes) -> bytes:
        """A whole answer in which every call has an id of its own."""
        answer = load(body, Json) or {}
        content = load(answer.get("content", NULL), list[Json])
        if content is None:
            return body
        self._ids = Distinct(seed=load(answer.get("id", NULL), str))
        mended = [self._mended(block) for block in content]
        return body if mended == content else join({**answer, "content": dump(mended)})

    def _mended(self, block: Json) -> Json:
        if block.get("type") != _USE:
            return block
        given = load(block.get("id", NULL), str) or ""
        found = self._ids.take(given)
        return block if found == given else {**block, "id": dump(found)}


def with_use_ids(body: bytes, asked: bytes) -> bytes:
    """A whole answer in which every call has an id of its own."""
    return UseIds(asked).whole(body)
