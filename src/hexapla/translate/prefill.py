"""A client's own beginning of the answer, as its last turn, told to a vendor in the vendor's own way.

Messages clients begin an answer and let the model go on; so do some Chat clients.  Vendors that can go on want to be told
in a word of their own (`prefix`, `partial`) and at times at another path, else they refuse the turn or answer it anew
(catalog/schema.py: Continuation).  Where an answer begins with the turn once more, the client does not hear that part
again.

Who says the vendor's word itself speaks the vendor's dialect: it hears what the vendor says, all of it.

Rules of this file: pure; where nothing is known of the vendor's way the turn is sent as it came.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Raw
from msgspec.structs import replace

from hexapla.catalog.schema import Continuation, Quirks
from hexapla.ir.content import Text, ToolCall
from hexapla.ir.event import AnyEvent, BlockDelta, BlockStart, BlockStop, TextDelta
from hexapla.ir.request import GenerateRequest
from hexapla.ir.target import Target
from hexapla.translate.continuation import ECHOED, begins, way_on, with_fields
from hexapla.translate.overlap import Lap
from hexapla.translate.peek import Peek
from hexapla.wire.rawjson import load

TURNS = frozenset({"openai_chat", "anthropic_messages"})
"""Dialects whose conversation is a list of turns with roles."""

_ASSISTANT = Raw(b'"assistant"')


def begun_in(peeked: Peek, way: Continuation) -> bool:
    """Whether a body ends in the beginning of an answer about which its vendor has to be told something."""
    if not way.turn or not (way.message or way.request or way.path) or peeked.protocol not in TURNS:
        return False
    raw = peeked.fields.get("messages", Raw())
    said = bytes(raw)
    at = said.rfind(b'"role"')
    if b"assistant" not in said[at : at + 40]:  # nearly every conversation ends with the user's turn
        return False
    turns = load(raw, list[Raw])
    last = (load(turns[-1], dict[str, Raw]) or {}) if turns else {}
    if last.get("role") != _ASSISTANT or last.get("tool_calls", b"null") != b"null":
        return False
    return bool(way.path) or way.message.keys().isdisjoint(last)


class Beginning:
    """How the beginning of one request's answer is told to one target.

    request  with the vendor's words
    steps    what is done to the answer
    """

    def __init__(self, request: GenerateRequest, target: Target, way: Continuation) -> None:
        own, last = target.origin.protocol, request.messages[-1]
        silent = way.echoes and way.message.keys().isdisjoint(last.extras.get(own, {}))
        self.steps = (Unechoed(begins(request)),) if silent else ()
        told = replace(last, extras=with_fields(last.extras, own, way.message))
        extras = with_fields(request.extras, own, way.request)
        self.request = replace(request, messages=(*request.messages[:-1], told), extras=extras)


def beginning(request: GenerateRequest, target: Target, quirks: Quirks) -> Beginning | None:
    """How `target` is told of the answer's beginning; None where there is none, or nothing to tell of it."""
    if not request.messages or request.messages[-1].role != "assistant":
        return None
    way = way_on(request, target, quirks)
    if way is None or not (way.message or way.request or way.path):
        return None
    called = any(isinstance(part, ToolCall) for part in request.messages[-1].content)
    return None if called or not begins(request).strip() else Beginning(request, target, way)


class Unechoed:
    """Leaves out of an answer's first text what it repeats of its beginning, as far as the client has said that itself."""

    def __init__(self, begun: str) -> None:
        self._lap = Lap(begun, min(ECHOED, len(begun.rstrip())))
        self._index: int | None = None  # of the first text

    def __call__(self, event: AnyEvent) -> Iterator[AnyEvent]:
        if self._index is None and isinstance(event, BlockStart) and isinstance(event.part, Text):
            self._index = event.index
            yield BlockStart(event.index, replace(event.part, text=""))
            yield from self._new(self._lap.feed(event.part.text))
        elif isinstance(event, BlockDelta) and event.index == self._index and isinstance(event.delta, TextDelta):
            yield from self._new(self._lap.feed(event.delta.text))
        elif isinstance(event, BlockStop) and event.index == self._index:
            yield from self._new(self._lap.rest())
            yield event
        else:
            yield event

    def _new(self, text: str) -> Iterator[AnyEvent]:
        if text and self._index is not None:
            yield BlockDelta(self._index, TextDelta(text))
