"""The calls of a stream as blocks: each begins once it has a name, and holds what its pieces say.

`calls.py` knows which call a piece belongs to, the decoder which blocks are open; what is between them stands here.  A name
that may not be whole yet is waited for: its call begins with its arguments, or when a text or a later call does.  Names of
several calls may come in turns, piece by piece.

Rules of this file: no chunks; nothing that came is lost, and nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from msgspec.structs import replace

from hexapla.ir.content import Extras, ToolCall
from hexapla.ir.event import AnyEvent, BlockDelta, BlockStop, TextDelta
from hexapla.protocols.blocks import Blocks
from hexapla.protocols.openai_chat.calls import Call, Calls, name_of
from hexapla.protocols.openai_chat.hung import call_extras
from hexapla.protocols.openai_chat.parts import json_text
from hexapla.protocols.openai_chat.schema import ToolDelta


class Answering(Protocol):
    """Whose calls they are: the decoder."""

    def open_block(self, key: tuple[str, int], part: ToolCall) -> int:
        """Open a block, once whatever can get no more was closed."""
        ...

    def hang(self, extras: Extras, call_id: str | None) -> None:
        """Say what a vendor hangs on a call."""
        ...


class Calling:
    """The calls of one answer.

    seed     the answer's id
    names    of the request's tools; None: nobody said
    waiting  have names that may not be whole, in order
    """

    seed: str | None = None
    names: Collection[str] | None = None

    def __init__(self, blocks: Blocks, events: list[AnyEvent], answer: Answering) -> None:
        self._blocks = blocks
        self._events = events
        self._answer = answer
        self._calls = Calls()
        self.waiting: list[Call] = []

    def __bool__(self) -> bool:
        return bool(self._calls)

    def piece(self, delta: ToolDelta) -> None:
        """One entry of tool_calls: find its call, add what is new, open it once it has a name."""
        call = self._calls.find(delta)
        arguments = delta.function.arguments if delta.function is not None else None
        freeform = delta.custom if delta.custom is not None and (delta.custom.name or not arguments) else None
        if delta.id and not call.given:
            call.given = str(delta.id)
        if not call.open:
            call.named(name_of(delta))
            call.custom = freeform is not None or delta.type == "custom"
            call.extras = call_extras(delta) or call.extras
        text = freeform.input or "" if freeform is not None else json_text(arguments)
        if text == "{}" and not (call.arguments or call.custom):
            call.empty = True  # said when nothing follows
        if (call.hollow and text == "{}") or call.again(text):
            text = ""
        if call.open:
            if delta.extra_content:
                self._answer.hang(call_extras(delta), self._calls.unique_id(call, self.seed))
        elif call.name:
            if text or call.arguments or call.empty or self._is_name(call.name):
                self._open(call)
            elif call not in self.waiting:
                self.waiting.append(call)
        if text:
            self._argue(call, text)
            call.arguments.append(text)

    def go_on(self) -> None:
        """Something else begins: calls whose names were waited for begin before it."""
        if self.waiting:
            self._open(self.waiting[-1])

    def whole(self) -> list[BlockStop]:
        """Stop the calls that can get no more."""
        stops: list[BlockStop] = []
        for call in self._calls:
            if self._blocks.index(call.key) is not None and call.whole:
                self._fill(call)
                stops += self._blocks.close(call.key)
        return stops

    def end(self) -> None:
        """The answer is over: whatever has not begun does now, be it without a name."""
        for call in self._calls:
            if not call.open and (call.name or call.arguments):
                self._open(call)
            self._fill(call)

    def _fill(self, call: Call) -> None:
        """Nothing followed the {}: it is what the arguments are."""
        if call.hollow:
            self._argue(call, "{}")
            call.arguments.append("{}")

    def _argue(self, call: Call, text: str) -> None:
        """More arguments of a call; of one that has no name yet they are said when it has."""
        index = self._blocks.index(call.key)
        if index is not None:
            self._events.append(BlockDelta(index, TextDelta(text)))

    def _is_name(self, name: str) -> bool:
        """Whether a name is whole: that of a tool, which no other tool's name begins with; where nobody said what tools
        there are, any name is."""
        names = self.names
        if names is None:
            return True
        return name in names and not any(other.startswith(name) for other in names if other != name)

    def _open(self, call: Call) -> None:
        """Begin a call, and before it those that came earlier and wait."""
        waiting = self.waiting
        place = waiting.index(call) if call in waiting else len(waiting)
        self.waiting = []  # the later ones go on waiting, though a block begins
        for each in (*waiting[:place], call):
            self._open_one(each)
        self.waiting = waiting[place + 1 :]

    def _open_one(self, call: Call) -> None:
        call.open = True
        call_id, extras = self._calls.unique_id(call, self.seed), call.extras
        if extras:
            self._answer.hang(extras, call_id)
        part = ToolCall(id=call_id, name=call.name, extras=extras)
        self._answer.open_block(call.key, replace(part, kind="custom") if call.custom else part)
        for text in call.arguments:
            self._argue(call, text)
