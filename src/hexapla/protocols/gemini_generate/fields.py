"""Reading Google's JSON, in which a field may be spelt in camelCase or in snake_case.

Protocol buffers take both, and clients send both, sometimes in one request (google-genai writes `parameters_json_schema`
beside `functionDeclarations`).  Only the API's own objects are read so: what a program put into arguments, results and
schemas keeps its spelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Raw

from hexapla.protocols.fields import Fields

_WORD = re.compile(r"_([a-z])")
_STANDARD = str.maketrans("-_", "+/")


class Camel(Fields):
    """Fields by their camelCase names, however they were spelt."""

    __slots__ = ()

    def __init__(self, raw: bytes | Raw, path: str = "$") -> None:
        super().__init__(raw, path)
        for name in [name for name in self._fields if "_" in name]:
            value = self._fields.pop(name)
            self._fields.setdefault(camel(name), value)

    def object(self, name: str) -> Camel | None:
        value = self.raw(name)
        return None if value is None else Camel(value, f"{self.path}.{name}")

    def objects(self, name: str) -> Iterator[Camel]:
        for path, item in self.items(name):
            yield Camel(item, path)


def camel(name: str) -> str:
    """snake_case -> camelCase; a leading underscore is dropped (_responseJsonSchema is an older name)."""
    return _WORD.sub(lambda found: found[1].upper(), name.lstrip("_"))


def standard(data: str) -> str:
    """Base64 in the standard alphabet: google-genai writes the URL-safe one, other dialects refuse it."""
    return data.translate(_STANDARD) if "-" in data or "_" in data else data
