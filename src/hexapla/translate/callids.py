"""What the calls of Chat answers lack that otherwise pass by as they are.

A client answers a call under its id, and the SDKs put a streamed call together by its index, joining every id and name that
they meet.  One in fifteen hundred answers with calls has no id, or gives two calls the same (Google's compatible endpoint,
small servers); Mistral names no type; indexes are missing, begin at 5, or are all 0; ids and names are said again in every
piece.  The Hub lane mends that, and so does this, in the same way.  A call that is as OpenAI says it is never touched, and
an answer without another leaves here byte for byte.

Rules of this file: what belongs to which call is decided where the decoder decides it; only what is wrong is written anew.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw

from hexapla.protocols.openai_chat.calls import Call, Calls, name_of
from hexapla.protocols.openai_chat.parts import json_text
from hexapla.protocols.openai_chat.response import calls_of
from hexapla.protocols.openai_chat.schema import ToolDelta, decode_chunk
from hexapla.protocols.typed import NULL
from hexapla.translate.tap import MARK, events
from hexapla.wire.rawjson import dump, join, load, split

_MAYBE = re.compile(rb'"tool_calls":\s*(?:\[\s*)?\{')  # TGI's streams have a bare object (text-generation-inference 2)
_DATA = re.compile(rb"^data: ?(\{.*\})\s*$", re.MULTILINE)

Changes = dict[str, str | int | None]
"""Fields that a piece of a call must have, with None for those that it must not; nothing where it is right."""


class CallIds:
    """The calls of one answer, whole or in pieces."""

    __slots__ = ("_choices", "_seed")

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}  # by index
        self._seed: str | None = None

    def stream(self, data: bytes) -> bytes:
        """Whole events in which every call begins with an id of its own."""
        if MARK not in data or not _MAYBE.search(data):
            return data
        return b"".join([_DATA.sub(self._event, event) for event in events(data)])

    def _event(self, found: re.Match[bytes]) -> bytes:
        data = found.group(1)
        mended = self.mended(data) if _MAYBE.search(data) else data
        return found.group() if mended is data else found.group().replace(data, mended)

    def mended(self, data: bytes, *, whole: bool = False) -> bytes:
        """One chunk, or a whole answer, whose calls are as a client expects them."""
        try:
            answer = decode_chunk.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return data
        self._seed = self._seed or (str(answer.id) if answer.id else None)
        wrong: dict[int, list[Changes]] = {}
        for number, choice in enumerate(answer.choices or ()):
            said = choice.message or choice.delta
            if said is None or not said.tool_calls:
                continue
            known = self._choices.setdefault(number if whole else choice.index or 0, _Choice(self._seed))
            calls = calls_of(said)
            changes = [known.whole(place, call) if whole else known.piece(call) for place, call in enumerate(calls)]
            if any(changes) or calls is not said.tool_calls:
                wrong[number] = changes
        return _rewritten(data, wrong) if wrong else data


class _Choice:
    """The calls of one choice.

    seed  the answer's id
    """

    __slots__ = ("_calls", "_seed")

    def __init__(self, seed: str | None) -> None:
        self._calls = Calls()
        self._seed = seed

    def whole(self, place: int, call: ToolDelta) -> Changes:
        call.index = place
        return {name: value for name, value in self.piece(call).items() if name != "index"}

    def piece(self, piece: ToolDelta) -> Changes:
        """What this piece of a call must say otherwise."""
        call = self._calls.find(piece)
        place = self._calls.place(call)
        call.arguments.append(json_text(piece.function.arguments if piece.function is not None else None))
        changes: Changes = {"index": place} if piece.index != place else {}
        said = call.open or bool(call.given)
        if not call.open:
            call.given, call.name = call.given or str(piece.id or ""), name_of(piece) or ""
            return changes | self._begun(call, piece, said) if call.name else changes
        again = {"id": piece.id, "name": name_of(piece) == call.name}  # another name is the rest of it
        return changes | {name: None for name, value in again.items() if value}

    def _begun(self, call: Call, piece: ToolDelta, said: bool) -> Changes:
        """What the piece with the name must say otherwise.

        said  an earlier piece has given the id
        """
        call.open = True
        changes: Changes = {"type": "custom" if piece.custom else "function"} if piece.type is None else {}
        unique = self._calls.unique_id(call, self._seed)
        if unique != call.given:
            changes["id"] = unique
        elif said and piece.id:
            changes["id"] = None
        return changes


def with_ids(body: bytes) -> bytes:
    """A whole answer in which every call has an id of its own."""
    return CallIds().mended(body, whole=True) if MARK in body and _MAYBE.search(body) else body


def _rewritten(data: bytes, wrong: dict[int, list[Changes]]) -> bytes:
    """`data` with the changes in the calls of its choices, by place; every other value keeps its bytes."""
    answer = split(data)
    choices = load(answer["choices"], list[Raw]) or []
    for number, changes in wrong.items():
        choice = split(choices[number])
        side = "message" if choice.get("message", NULL) != NULL else "delta"
        said = split(choice[side])
        calls = load(said["tool_calls"], list[Raw]) or [said["tool_calls"]]
        said["tool_calls"] = dump([_changed(call, each) for call, each in zip(calls, changes, strict=True)])
        choice[side] = dump(said)
        choices[number] = dump(choice)
    answer["choices"] = dump(choices)
    return join(answer)


def _changed(call: Raw, changes: Changes) -> dict[str, Any]:
    fields: dict[str, Any] = {**split(call)}
    for name, value in changes.items():
        if name == "name":
            _nameless(fields)
        elif value is None:
            fields.pop(name, None)
        else:
            fields[name] = value
    return fields


def _nameless(fields: dict[str, Any]) -> None:
    for side in ("function", "custom"):
        if fields.get(side, NULL) != NULL:
            fields[side] = {name: value for name, value in split(fields[side]).items() if name != "name"}
