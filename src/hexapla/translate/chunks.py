"""Chat chunks as the SDKs take them: every choice with a delta, every event with data.

OpenAI's SDK ends in an exception where a choice has no delta, as at the end of DeepSeek's streams
(https://github.com/osaurus-ai/osaurus/pull/2150, 2026-07), where choices are null, and at data that says nothing.
MiniMax ends its streams with a frame that holds the whole message in the delta's place and calls itself a whole answer
(https://github.com/GCWing/OpenBitFun/pull/792, 2026-05); gateways in front of Baidu send messages throughout.  What a
message says that was said already is left out, as in the Hub lane.

Rules of this file: an event that is as OpenAI says it passes byte for byte, and is not taken apart to see that; what is
wrong with the calls in it is seen to after that (callids.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Raw

from hexapla.protocols.base import HEARTBEAT
from hexapla.translate.callids import CallIds
from hexapla.translate.peek import Peek
from hexapla.wire.rawjson import NULL, dump, join, load
from hexapla.wire.sse import SSEDecoder

Json = dict[str, Raw]

_DELTA, _SPACED_DELTA = b'"delta":{', b'"delta": {'
_NONE, _SPACED_NONE = b'"choices":[]', b'"choices": []'
_MESSAGE = b'"message"'
_ODD = re.compile(rb'"finish_reason"|"message":\s*\{|"choices":\s*null|^data: ?(?:null|\{\s*\})?\r?$', re.MULTILINE)
"""What may be wrong in an event that tells no delta, or a message: no delta, no choices at all, nothing said."""

_SAYS = re.compile(rb'"delta":\s*\{[^{}]*"content":\s*"[^"]')
_NOTHING = (b"", b"null", b"{}")


class Chunks:
    """The chunks of one stream.  `asked`: the request."""

    __slots__ = ("_calls", "_messages", "_said")

    def __init__(self, asked: Peek | None = None) -> None:
        self._calls = CallIds(asked)
        self._said = False  # a delta has had a text
        self._messages = False  # pieces come as messages

    def stream(self, data: bytes, mattered: Sequence[bytes]) -> bytes:
        """Whole events that an SDK can put together.  `mattered`: those of them that are more than a text."""
        for event in mattered:
            if not self._said:
                self._said = _SAYS.search(event) is not None
            told = _DELTA in event or _NONE in event or _SPACED_DELTA in event or _SPACED_NONE in event
            if (not told or _MESSAGE in event) and _ODD.search(event):
                data = data.replace(event, self._event(event), 1)
        return self._calls.stream(data)

    def _event(self, event: bytes) -> bytes:
        for inner in SSEDecoder().feed(event):
            if inner.data.strip() in _NOTHING:
                return HEARTBEAT
            fields = load(inner.data, Json)
            if fields is not None and "choices" in fields:
                return event.replace(inner.data, self._chunk(inner.data, fields))
        return event

    def _chunk(self, data: bytes, fields: Json) -> bytes:
        said = load(fields["choices"], list[Json]) or []
        choices = [self._choice(choice) for choice in said]
        if choices == said and said:
            return data
        return join({**fields, "object": dump("chat.completion.chunk"), "choices": dump(choices)})

    def _choice(self, choice: Json) -> Json:
        if choice.get("delta", NULL) != NULL:
            return choice
        message = load(choice.get("message", NULL), Json) or {}
        kept = {name: value for name, value in choice.items() if name != "message"}
        return {**kept, "delta": dump(self._unsaid(message))}

    def _unsaid(self, message: Json) -> Json:
        """What a message adds to the deltas before it."""
        if self._messages or not (self._said or self._calls.begun):
            self._messages = bool(message)
            return message
        left = {"content"} if self._said else set()
        left |= {"tool_calls", "function_call"} if self._calls.begun else set()
        return {
            name: value for name, value in message.items() if name in ("content", "tool_calls") and name not in left
        }
