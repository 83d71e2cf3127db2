"""Files of one setting a line: `.env`, and YAML as far as its top level.

Rules of this file: a setting that goes on over further lines is not ours to change, so it is a ConfigError.
"""

from __future__ import annotations

import json
import re
from typing import Self

from hexapla.errors import ConfigError

Place = tuple[str, ...]

_SETTING = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|.*?)(\s+#.*|\s*)""")
_PLAIN = re.compile(r"[A-Za-z0-9_./@:+-]+")


class _Lines:
    """Shared by both: `separator` stands between name and value."""

    separator = ""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    def get(self, place: Place) -> object:
        at = self._find(place)
        return None if at is None else self._value(self._lines[at])

    def put(self, place: Place, value: object) -> None:
        at = self._find(place)
        comment = "" if at is None else self._parts(self._lines[at])[1]
        self._set(place, f"{place[0]}{self.separator}{self._quoted(str(value))}{comment}")

    def remove(self, place: Place) -> None:
        at = self._find(place)
        if at is not None:
            del self._lines[at]

    def restore(self, place: Place, before: Self) -> None:
        at = before._find(place)
        if at is None:
            self.remove(place)
        else:
            self._set(place, before._lines[at])

    def _set(self, place: Place, line: str) -> None:
        at = self._find(place)
        if at is None:
            self._lines.append(line)
        else:
            self._lines[at] = line

    def _find(self, place: Place) -> int | None:
        (name,) = place
        start = re.compile(rf"(?:export\s+)?{re.escape(name)}\s*{self.separator.strip()}(?:\s|$|\S)")
        found = [number for number, line in enumerate(self._lines) if start.match(line)]
        if not found:
            return None
        self._check(found[-1])
        return found[-1]

    def _check(self, at: int) -> None:
        """Raise ConfigError for a setting that needs more than its line."""

    def _value(self, line: str) -> str:
        said = self._parts(line)[0]
        if said[:1] == '"':
            return str(json.loads(said))
        return said[1:-1] if said[:1] == "'" else said

    def _parts(self, line: str) -> tuple[str, str]:
        """The value as it is written, and the comment behind it with the blanks before it."""
        found = _SETTING.fullmatch(line.partition(self.separator.strip())[2])
        return (found[1], found[2]) if found else ("", "")

    def _quoted(self, value: str) -> str:
        return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


class EnvText(_Lines):
    """NAME=value."""

    separator = "="


class YamlText(_Lines):
    """name: value, at the top level."""

    separator = ": "

    def _check(self, at: int) -> None:
        said = self._value(self._lines[at])
        further = self._lines[at + 1] if at + 1 < len(self._lines) else ""
        if further[:1] in (" ", "\t", "-") or said[:1] in ("|", ">", "&", "*"):
            name = self._lines[at].partition(":")[0]
            raise ConfigError(f"{name} goes on over several lines; change it by hand.", line=at + 1)
