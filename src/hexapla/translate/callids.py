"""Ids for calls that come without one, in Chat answers that otherwise pass by as they are.

A client answers a call under its id.  One in fifteen hundred answers with calls has none, or gives two calls the same
(Google's compatible endpoint, small servers); the Hub lane makes one up then, and so does this, the same one.  A call that
has an id of its own is never touched, and an answer without such a call leaves here byte for byte.

Rules of this file: what belongs to which call is decided where the decoder decides it; only what is wrong is written anew.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from hexapla.protocols.openai_chat.calls import Call, Calls, name_of
from hexapla.protocols.openai_chat.parts import json_text
from hexapla.protocols.openai_chat.response import calls_of
from hexapla.protocols.openai_chat.schema import ToolDelta, decode_chunk
from hexapla.translate.tap import events
from hexapla.wire.rawjson import load

MARK = b'"tool_calls"'
_MAYBE = re.compile(rb'"tool_calls":\s*(?:\[\s*)?\{')  # TGI's streams have a bare object (text-generation-inference 2)
_DATA = re.compile(rb"^data: ?(\{.*\})\s*$", re.MULTILINE)


class CallIds:
    """The ids of one answer's calls, whole or in pieces."""

    __slots__ = ("_calls", "_made", "_seed")

    def __init__(self) -> None:
        self._calls = Calls()
        self._made: set[Call] = set()  # calls that got their id here: a late one of their own is too late
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
        """One chunk, or a whole answer, whose calls have ids."""
        try:
            answer = decode_chunk.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return data
        self._seed = self._seed or (str(answer.id) if answer.id else None)
        choice = answer.choices[0] if answer.choices else None
        said = (choice.message or choice.delta) if choice is not None else None
        if said is None or not said.tool_calls:
            return data
        wanted, calls = [], calls_of(said)
        for place, delta in enumerate(calls):
            delta.index = place if whole else delta.index
            wanted.append(self._id(delta))
        same = all(ident == delta.id for ident, delta in zip(wanted, calls, strict=True))
        return data if same and calls is said.tool_calls else _rewritten(data, wanted)

    def _id(self, delta: ToolDelta) -> str | int | None:
        """The id that this piece of a call must have; None for none."""
        call = self._calls.find(delta)
        call.arguments.append(json_text(delta.function.arguments if delta.function is not None else None))
        if call.open:
            return None if call in self._made else delta.id
        call.given, call.name = call.given or str(delta.id or ""), name_of(delta) or ""
        if not call.name:
            return delta.id
        call.open = True
        unique = self._calls.unique_id(call, self._seed)
        if unique == call.given:
            return delta.id
        self._made.add(call)
        return unique


def with_ids(body: bytes) -> bytes:
    """A whole answer in which every call has an id of its own."""
    return CallIds().mended(body, whole=True) if MARK in body and _MAYBE.search(body) else body


def _rewritten(data: bytes, wanted: list[str | int | None]) -> bytes:
    value = load(data, dict[str, Any]) or {}
    choice = value["choices"][0]
    said = choice.get("message") or choice["delta"]
    if isinstance(said["tool_calls"], dict):
        said["tool_calls"] = [said["tool_calls"]]
    for call, ident in zip(said["tool_calls"], wanted, strict=True):
        if ident is None:
            call.pop("id", None)
        else:
            call["id"] = ident
    return msgspec.json.encode(value)
