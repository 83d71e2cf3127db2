"""JSON that is almost right, made right: what models get wrong when they are asked for JSON and nothing else.

    around it     words before or behind, a markdown fence
    in it         commas that are missing or too many, keys and words without quotes, single quotes, Python's True and None,
                  comments, line ends inside of strings
    at its end    brackets and quotes that were never closed

(https://openrouter.ai/docs/guides/features/plugins/response-healing, 2026-08-22)

An answer that was cut off by its limit is not mended: closed brackets would make a part look like the whole.

Rules of this file: pure; what is JSON already keeps its bytes; what cannot be mended is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from hexapla.ir.content import Text
from hexapla.ir.event import AnyEvent, MessageStop, StreamError
from hexapla.ir.fold import fold, unfold
from hexapla.ir.response import GenerateResponse
from hexapla.wire.rawjson import UNDECODABLE

DEEPEST = 200
"""Brackets inside of each other; more is no answer that anybody asked for."""

_FENCE = re.compile(r"```[a-zA-Z0-9]*\s*\n(.*?)(?:```|\Z)", re.DOTALL)
_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?(?:\*/|\Z))*", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?=[\s,:}\]]|\Z)")
_BARE = re.compile(r"[^\s,:{}\[\]\"']+")
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_CLOSERS = {"{": "}", "[": "]"}


def healed(text: str) -> str | None:
    """`text` as JSON; None where nothing in it can be mended, or nothing need be."""
    if _is_json(text):
        return None
    fence = _FENCE.search(text)
    for candidate in (fence[1] if fence else "", text):
        start = _start(candidate)
        if start is None:
            continue
        if (whole := _prefix(candidate, start)) is not None:
            return whole
        try:
            value = _Reader(candidate, start).value(0)
        except ValueError:
            continue
        return msgspec.json.encode(value).decode()
    return None


class Healed:
    """Mends the text of a whole answer, where it has but one."""

    def __init__(self) -> None:
        self._events: list[AnyEvent] = []

    def __call__(self, event: AnyEvent) -> Iterable[AnyEvent]:
        self._events.append(event)
        if isinstance(event, StreamError):
            return self._events
        return unfold(_mended(fold(self._events))) if isinstance(event, MessageStop) else ()


def _mended(response: GenerateResponse) -> GenerateResponse:
    places = [place for place, part in enumerate(response.content) if isinstance(part, Text) and part.text]
    if len(places) != 1 or (response.stop is not None and response.stop.reason == "length"):
        return response
    part = response.content[places[0]]
    assert isinstance(part, Text)
    text = healed(part.text)
    if text is None:
        return response
    content = list(response.content)
    content[places[0]] = replace(part, text=text)
    return replace(response, content=tuple(content))


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except UNDECODABLE:
        return False
    return True


def _start(text: str) -> int | None:
    """Where the first object begins, or a list that nothing stands before: a bracket in a sentence is none."""
    blank = len(text) - len(text.lstrip())
    place = blank if text.startswith("[", blank) else text.find("{")
    return place if place >= 0 else None


def _prefix(text: str, start: int) -> str | None:
    """The JSON that begins there, untouched, if only what stands around it was wrong."""
    end = text.rfind(_CLOSERS[text[start]])
    return text[start : end + 1] if end > start and _is_json(text[start : end + 1]) else None


class _Reader:
    """Reads a value by what it most likely means.  Raises ValueError where it means nothing."""

    def __init__(self, text: str, place: int) -> None:
        self._text = text
        self._place = place

    def value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise ValueError("too deep")
        self._skip()
        first = self._peek()
        if first == "{":
            return self._object(depth)
        if first == "[":
            return self._list(depth)
        if first in ('"', "'"):
            return self._string(first)
        return self._bare()

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._place += 1
        while self._more("}"):
            key = self._string(quote) if (quote := self._peek()) in ('"', "'") else self._word()
            self._skip()
            if not self._peek():
                break
            if self._peek() != ":":
                raise ValueError("a key without a value")
            self._place += 1
            self._skip()
            found[key] = None if self._peek() in ("", ",", "}") else self.value(depth + 1)
        return found

    def _list(self, depth: int) -> list[Any]:
        found: list[Any] = []
        self._place += 1
        while self._more("]"):
            found.append(self.value(depth + 1))
        return found

    def _more(self, closer: str) -> bool:
        """Whether another element follows; steps over commas, and over the closer or its lack."""
        self._skip()
        while self._peek() == ",":
            self._place += 1
            self._skip()
        if not self._peek():
            return False
        if self._peek() == closer:
            self._place += 1
            return False
        return self._peek() not in "}]"  # which closes what stands around this: its own closer is missing

    def _string(self, quote: str) -> str:
        said: list[str] = []
        self._place += 1
        while char := self._peek():
            self._place += 1
            if char == "\\":
                said.append(self._escape())
            elif char == quote and self._closes():
                break
            else:
                said.append(char)
        return "".join(said)

    def _closes(self) -> bool:
        """Whether a quote ends its string: nothing but a string's end is followed by these."""
        rest = _SPACE.match(self._text, self._place)
        assert rest is not None
        after = self._text[rest.end() : rest.end() + 1]
        return not after or after in ",:}]" or "\n" in rest[0]

    def _escape(self) -> str:
        char = self._peek()
        self._place += 1
        if char != "u":
            return _ESCAPES.get(char, char)
        digits = self._text[self._place : self._place + 4]
        try:
            code = int(digits, 16)
        except ValueError:
            return "u"
        self._place += 4
        return chr(code) if not 0xD800 <= code < 0xE000 else self._pair(code)

    def _pair(self, high: int) -> str:
        """A character in two halves; half of one is none."""
        rest = self._text[self._place : self._place + 6]
        if high < 0xDC00 and rest.startswith("\\u"):
            try:
                low = int(rest[2:], 16)
            except ValueError:
                return "\ufffd"
            if 0xDC00 <= low < 0xE000:
                self._place += 6
                return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        return "\ufffd"

    def _bare(self) -> Any:
        number = _NUMBER.match(self._text, self._place)
        if number is not None:
            self._place = number.end()
            return msgspec.json.decode(number[0])
        word = self._word()
        return _WORDS.get(word, word)

    def _word(self) -> str:
        found = _BARE.match(self._text, self._place)
        if found is None:
            raise ValueError("nothing that can be read")
        self._place = found.end()
        return found[0]

    def _peek(self) -> str:
        return self._text[self._place : self._place + 1]

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._place)
        assert found is not None
        self._place = found.end()
