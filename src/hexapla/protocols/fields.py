"""Reading a client's JSON object field by field, with the path in every complaint.

A reader *takes* the fields that it knows; what is left over is what the dialect has that we do not (`rest`), which
travels in `extras`.  An explicit null is the same as nothing: Ark's and Z.ai's SDKs send null for every unset field.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.wire.rawjson import decode

T = TypeVar("T")

NULL = Raw(b"null")

_object = msgspec.json.Decoder(dict[str, Raw])
_list = msgspec.json.Decoder(list[Raw])
_text = msgspec.json.Decoder(str)
_flag = msgspec.json.Decoder(bool)
_integer = msgspec.json.Decoder(int)
_number = msgspec.json.Decoder(float)
_strings = msgspec.json.Decoder(list[str])
_any = msgspec.json.Decoder()


class Fields:
    """The fields of one JSON object; `path` names it in complaints (`$.messages[0]`)."""

    __slots__ = ("_fields", "path")

    def __init__(self, raw: bytes | Raw, path: str = "$") -> None:
        try:
            self._fields = decode(_object, raw)
        except ProtocolError as error:
            raise ProtocolError(error.message, path=path + error.path.removeprefix("$")) from None
        self.path = path

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

    def value(self, name: str) -> Any:
        """Take a field decoded, whatever it is."""
        return self._take(name, _any, "JSON")

    def required(self, name: str) -> str:
        """Take a string that must be there."""
        value = self.text(name)
        if value is None:
            raise ProtocolError(f"{name} is required", path=f"{self.path}.{name}")
        return value

    def object(self, name: str) -> Fields | None:
        """Take a field that is an object."""
        value = self.raw(name)
        return None if value is None else Fields(value, f"{self.path}.{name}")

    def items(self, name: str) -> Iterator[tuple[str, Raw]]:
        """Take a field that is a list: (path, raw item) one by one."""
        value = self.raw(name)
        if value is None:
            return
        listed: list[Raw] = self._decoded(name, value, _list, "a list")
        for index, item in enumerate(listed):
            yield f"{self.path}.{name}[{index}]", item

    def objects(self, name: str) -> Iterator[Fields]:
        """Take a field that is a list of objects."""
        for path, item in self.items(name):
            yield Fields(item, path)

    def rest(self) -> dict[str, Raw]:
        """What nobody took, nulls left out."""
        return {name: value for name, value in self._fields.items() if value != NULL}

    def drop(self, *names: str) -> None:
        """Take fields that mean nothing to anyone."""
        for name in names:
            self._fields.pop(name, None)

    def wrong(self, name: str, why: str) -> ProtocolError:
        """A complaint about one field."""
        return ProtocolError(why, path=f"{self.path}.{name}")

    def _take(self, name: str, decoder: msgspec.json.Decoder[T], what: str) -> T | None:
        value = self._fields.pop(name, None)
        if value is None or value == NULL:
            return None
        return self._decoded(name, value, decoder, what)

    def _decoded(self, name: str, value: Raw, decoder: msgspec.json.Decoder[T], what: str) -> T:
        try:
            return decode(decoder, value)
        except ProtocolError:
            raise ProtocolError(f"{name} must be {what}", path=f"{self.path}.{name}") from None


def is_text(raw: Raw) -> bool:
    """Whether a raw value is a JSON string."""
    return bytes(memoryview(raw)[:1]) == b'"'


def string(raw: Raw, path: str) -> str:
    """A raw JSON string decoded."""
    try:
        return decode(_text, raw)
    except ProtocolError:
        raise ProtocolError("must be a string", path=path) from None


def extras_of(protocol: str, rest: dict[str, Raw]) -> dict[str, dict[str, Raw]]:
    """Leftover fields as extras."""
    return {protocol: rest} if rest else {}
