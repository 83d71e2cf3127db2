"""What the calls of Chat answers lack that otherwise pass by as they are.

A client answers a call under its id, and the SDKs put a streamed call together by its index, joining every id and name that
they meet.  One in fifteen hundred answers with calls has no id, or gives two calls the same (Google's compatible endpoint,
small servers); the id of an earlier turn comes again (distinct.py); Mistral names no type; indexes are missing, begin at 5,
or are all 0; ids and names are said again in every piece.  The Hub lane mends that, and so does this, in the same way.  A
call that is as OpenAI says it is never touched, and an answer without another leaves here byte for byte.

Small servers answer a request with `tools` by the function_call of 2023, for which a program of today never looks; it
hears a call as its request knows them.  Who asks with `functions` hears it as it is.

Rules of this file: what belongs to which call is decided where the decoder decides it; only what is wrong is written anew.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Raw

from hexapla.protocols.openai_chat.calls import Call, Calls, name_of
from hexapla.protocols.openai_chat.parts import json_text
from hexapla.protocols.openai_chat.response import calls_of
from hexapla.protocols.openai_chat.schema import ToolDelta, decode_chunk
from hexapla.translate.distinct import Called, Distinct
from hexapla.translate.peek import Peek
from hexapla.translate.tap import OF_CALLS
from hexapla.wire.events import events
from hexapla.wire.rawjson import NULL, UNDECODABLE, dump, join, load, split

_MAYBE = re.compile(rb'"tool_calls":\s*(?:\[\s*)?\{')  # TGI's streams have a bare object (text-generation-inference 2)
_NULLS = re.compile(rb'"(?:id|type|name|arguments)":\s*null')
_NO_CALLS = (NULL, Raw(b"[]"))
_EMPTY = frozenset({b"null", b'""'})
_OLD_END = Raw(b'"function_call"')
_OLD = re.compile(rb'"function_call":\s*\{|"finish_reason":\s*"function_call"')
_DATA = re.compile(rb"^data: ?(\{.*\})\s*$", re.MULTILINE)


_INNER = ("name", "arguments")
"""Fields that stand inside of a call's function."""

Changes = dict[str, str | int | None]
"""Fields that a piece of a call must have, with None for those that it must not; nothing where it is right."""


class CallIds:
    """The calls of one answer, whole or in pieces.

    asked  the request, which is only read where an answer makes a call in the old way, or under an id of an earlier one
    """

    __slots__ = ("_asked", "_called", "_choices", "_seed", "_tools")

    def __init__(self, asked: Peek | None = None) -> None:
        self._asked = asked
        self._called = Called(asked)
        self._tools: bool | None = None  # whether it speaks of tools; None: nobody has looked
        self._choices: dict[int, _Choice] = {}  # by index
        self._seed: str | None = None

    @property
    def begun(self) -> bool:
        """Whether any call was said."""
        return bool(self._choices)

    def stream(self, data: bytes) -> bytes:
        """Whole events in which every call begins with an id of its own."""
        if OF_CALLS not in data or not (_MAYBE.search(data) or _OLD.search(data)):
            return data
        return b"".join([_DATA.sub(self._event, event) for event in events(data)])

    def _event(self, found: re.Match[bytes]) -> bytes:
        data = found.group(1)
        mended = self.mended(data)
        return found.group() if mended is data else found.group().replace(data, mended)

    def mended(self, data: bytes, *, whole: bool = False) -> bytes:
        """One chunk, or a whole answer, whose calls are as a client expects them."""
        if _OLD.search(data) and self._asked_with_tools():
            data = _renewed(data, whole=whole)
        return self._identified(data, whole=whole) if _MAYBE.search(data) else data

    def _asked_with_tools(self) -> bool:
        if self._tools is None:
            asked = self._asked
            self._tools = asked is not None and bool(load(asked.fields.get("tools", NULL), list[Raw]))
        return self._tools

    def _identified(self, data: bytes, *, whole: bool) -> bytes:
        try:
            answer = decode_chunk.decode(data)
        except UNDECODABLE:
            return data
        self._seed = self._seed or (str(answer.id) if answer.id else None)
        wrong: dict[int, list[Changes]] = {}
        for number, choice in enumerate(answer.choices or ()):
            said = choice.message or choice.delta
            if said is None or not said.tool_calls:
                continue
            known = self._choices.setdefault(number if whole else choice.index or 0, _Choice(self._seed, self._called))
            calls = calls_of(said)
            changes = [known.whole(place, call) if whole else known.piece(call) for place, call in enumerate(calls)]
            if not whole and _NULLS.search(data):
                changes = [_nulls(call) | change for call, change in zip(calls, changes, strict=True)]
            if any(changes) or calls is not said.tool_calls:
                wrong[number] = changes
        return _rewritten(data, wrong) if wrong else data


class _Choice:
    """The calls of one choice.

    seed   the answer's id
    known  the ids of the conversation's earlier calls
    """

    __slots__ = ("_calls", "_ids", "_seed")

    def __init__(self, seed: str | None, known: Called) -> None:
        self._calls = Calls()
        self._ids = Distinct(known, seed)
        self._seed = seed

    def whole(self, place: int, call: ToolDelta) -> Changes:
        call.index = place
        changes = self.piece(call)
        changes.pop("index", None)
        if call.function is not None and call.function.arguments is None:
            changes["arguments"] = "{}"
        return changes

    def piece(self, piece: ToolDelta) -> Changes:
        """What this piece of a call must say otherwise."""
        call = self._calls.find(piece)
        place = self._calls.place(call)
        given = piece.function.arguments if piece.function is not None else None
        text = json_text(given)
        changes: Changes = {"index": place} if piece.index != place else {}
        if call.again(text):
            text = ""
        if given is not None and text is not given:
            changes["arguments"] = text
        call.arguments.append(text)
        said = call.open or bool(call.given)
        if not call.open:
            call.given = call.given or str(piece.id or "")
            if not (call.named(name_of(piece)) or name_of(piece)):
                changes |= {"name": call.name} if call.name else {}  # another call of the same tool
            return changes | self._begun(call, piece, said) if call.name else changes
        if piece.id:
            changes["id"] = None
        named = name_of(piece)
        more = call.named(named)
        return changes | ({"name": more or None} if more != (named or "") else {})

    def _begun(self, call: Call, piece: ToolDelta, said: bool) -> Changes:
        """What the piece with the name must say otherwise.

        said  an earlier piece has given the id
        """
        call.open = True
        changes: Changes = {"type": "custom" if piece.custom else "function"} if piece.type is None else {}
        unique = self._calls.unique_id(call, self._seed)
        if not said:
            unique = self._ids.take(unique)
        if unique != call.given:
            changes["id"] = unique
        elif said and piece.id:
            changes["id"] = None
        elif piece.id is not None and type(piece.id) is not str:
            changes["id"] = unique
        return changes


def _nulls(piece: ToolDelta) -> Changes:
    """What a piece of a call says nothing of; some programs take null for the value, as OpenAI never sends it
    (https://github.com/anomalyco/opencode/issues/43328, https://github.com/anomalyco/opencode/issues/26412; 2026)."""
    said: list[tuple[str, object]] = [("id", piece.id), ("type", piece.type)]
    if piece.function is not None:
        said += [("name", piece.function.name), ("arguments", piece.function.arguments)]
    return {name: None for name, value in said if value is None}


def with_ids(body: bytes, asked: Peek | None = None) -> bytes:
    """A whole answer in which every call has an id of its own."""
    return CallIds(asked).mended(body, whole=True)


def _renewed(data: bytes, *, whole: bool) -> bytes:
    """`data` whose old call is a call of a tool; one that is said in both ways stays as it is."""
    answer = load(data, dict[str, Raw]) or {}
    choices = load(answer.get("choices", NULL), list[dict[str, Raw]]) or []
    renewed = [_renewed_choice(choice, whole=whole) for choice in choices]
    return data if renewed == choices else join({**answer, "choices": dump(renewed)})


def _renewed_choice(choice: dict[str, Raw], *, whole: bool) -> dict[str, Raw]:
    end = {"finish_reason": dump("tool_calls")} if choice.get("finish_reason") == _OLD_END else {}
    side = "message" if choice.get("message", NULL) != NULL else "delta"
    said = load(choice.get(side, NULL), dict[str, Raw]) or {}
    old = load(said.get("function_call", NULL), dict[str, Raw]) or {}
    if _EMPTY.issuperset(map(bytes, old.values())) or said.get("tool_calls", NULL) not in _NO_CALLS:
        return choice | end
    call = {"type": "function", "function": old} if whole else {"index": 0, "function": old}
    kept = {name: value for name, value in said.items() if name != "function_call"}
    return choice | {side: dump(kept | {"tool_calls": dump([call])})} | end


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
        place = _inside(fields) if name in _INNER else fields
        if value is None:
            place.pop(name, None)
        else:
            place[name] = value
    return fields


def _inside(call: dict[str, Any]) -> dict[str, Any]:
    """The fields of a call's function."""
    side = "function" if call.get("function", NULL) != NULL else "custom"
    if isinstance(call[side], Raw):
        call[side] = dict(split(call[side]))
    inner: dict[str, Any] = call[side]
    return inner
