"""Reading a client's Gemini JSON field by field, each name as camelCase or as snake_case.

Protocol buffers take both, and clients send both, sometimes in one request (google-genai writes `parameters_json_schema`
beside `functionDeclarations`), so the names are not those of a Struct.  Only the API's own objects are read so: what a
program put into arguments, results and schemas keeps its spelling.

A reader *takes* the fields that it knows; what is left over is what the dialect has that we do not (`rest`), which
travels in `extras`.  An explicit null is the same as nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeVar

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import Extras
from hexapla.protocols.typed import Rest
from hexapla.wire.rawjson import NULL, decode

T = TypeVar("T")

_object = msgspec.json.Decoder(dict[str, Raw])
_list: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_text = msgspec.json.Decoder(str)
_flag = msgspec.json.Decoder(bool)
_integer = msgspec.json.Decoder(int)
_number = msgspec.json.Decoder(float)
_strings = msgspec.json.Decoder(list[str])

_WORD = re.compile(r"_([a-z])")
_STANDARD = str.maketrans("-_", "+/")


class Camel:
    """The fields of one JSON object by their camelCase names; `path` names it in complaints (`$.contents[0]`)."""

    __slots__ = ("_fields", "path")

    def __init__(self, raw: bytes | Raw, path: str = "$") -> None:
        try:
            self._fields = decode(_object, raw)
        except ProtocolError as error:
            raise ProtocolError(error.message, path=path + error.path.removeprefix("$")) from None
        self.path = path
        for name in [name for name in self._fields if "_" in name]:
            value = self._fields.pop(name)
            self._fields.setdefault(camel(name), value)

    def __contains__(self, name: str) -> bool:
        return name in self._fields and self._fields[name] != NULL

    def raw(self, name: str) -> Raw | None:
        """Take a field as it stands; None when it is absent or null."""
        value = self._fields.pop(name, None)
        return None if value is None or value == NULL else value

    def peek(self, name: str) -> Raw | None:
        """Look at a field without taking it."""
        return self._fields.get(name)

    def put(self, name: str, value: Raw) -> None:
        """Put a field back, so that it counts as one that nobody took."""
        self._fields[name] = value

    def text(self, name: str) -> str | None:
        return self._take(name, _text, "a string")

    def flag(self, name: str) -> bool | None:
        return self._take(name, _flag, "true or false")

    def integer(self, name: str) -> int | None:
        return self._take(name, _integer, "an integer")

    def number(self, name: str) -> float | None:
        return self._take(name, _number, "a number")

    def strings(self, name: str) -> list[str] | None:
        return self._take(name, _strings, "a list of strings")

    def required(self, name: str) -> str:
        """Take a string that must be there."""
        value = self.text(name)
        if value is None:
            raise ProtocolError(f"{name} is required", path=f"{self.path}.{name}")
        return value

    def object(self, name: str) -> Camel | None:
        """Take a field that is an object."""
        value = self.raw(name)
        return None if value is None else Camel(value, f"{self.path}.{name}")

    def items(self, name: str) -> Iterator[tuple[str, Raw]]:
        """Take a field that is a list: (path, raw item) one by one."""
        listed: list[Raw] | None = self._take(name, _list, "a list")
        for index, item in enumerate(listed or ()):
            yield f"{self.path}.{name}[{index}]", item

    def objects(self, name: str) -> Iterator[Camel]:
        """Take a field that is a list of objects."""
        for path, item in self.items(name):
            yield Camel(item, path)

    def rest(self, *taken: Camel) -> Rest:
        """What nobody took, nulls left out; `taken`: objects inside of this one, of which the same is said."""
        rest: Rest = {name: value for name, value in self._fields.items() if value != NULL}
        for inner in taken:
            if left := inner.rest():
                rest[inner.path.rpartition(".")[2]] = left
        return rest

    def wrong(self, name: str, why: str) -> ProtocolError:
        """A complaint about one field."""
        return ProtocolError(why, path=f"{self.path}.{name}")

    def _take(self, name: str, decoder: msgspec.json.Decoder[T], what: str) -> T | None:
        value = self._fields.pop(name, None)
        if value is None or value == NULL:
            return None
        try:
            return decode(decoder, value)
        except ProtocolError:
            raise self.wrong(name, f"{name} must be {what}") from None


def extras_of(protocol: str, rest: Rest) -> Extras:
    """Leftover fields as extras."""
    return {protocol: rest} if rest else {}


def camel(name: str) -> str:
    """snake_case -> camelCase; a leading underscore is dropped (_responseJsonSchema is an older name)."""
    return _WORD.sub(lambda found: found[1].upper(), name.lstrip("_"))


def standard(data: str) -> str:
    """Base64 in the standard alphabet: google-genai writes the URL-safe one, other dialects refuse it."""
    return data.translate(_STANDARD) if "-" in data or "_" in data else data
