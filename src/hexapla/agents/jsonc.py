"""JSON with comments and trailing commas, edited in place.

A parser notes where every value stands; an edit replaces, adds or takes out that piece of the text and parses again, so
that what it leaves is known to be a document.

Rules of this file: text in, text out; the indentation of a new member is that of its neighbours.
"""

from __future__ import annotations

import json
import re
from typing import Self

import msgspec

from hexapla.errors import ConfigError

Place = tuple[str, ...]

_BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"[^\s,\[\]{}:\"/]+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_INDENT = re.compile(r"\n([ \t]+)\S")


class _Node(msgspec.Struct, kw_only=True):
    """A value and where it stands: text[start:end]."""

    start: int
    end: int = 0
    value: object = None
    members: dict[str, _Member] | None = None


class _Member(msgspec.Struct, kw_only=True):
    """A member of an object, from its key on; `comma` is where the comma behind it stands."""

    start: int
    node: _Node
    comma: int | None = None


class JsonText:
    """A JSON document (see document.py)."""

    def __init__(self, text: str) -> None:
        self.text = text if text.strip() else "{}\n"
        self._root = _Parser(self.text).document()
        if self._root.members is None:
            raise ConfigError("This is not a JSON object.", line=1)

    def get(self, place: Place) -> object:
        node = self._find(place)
        return None if node is None else node.value

    def put(self, place: Place, value: object) -> None:
        node = self._find(place)
        if node is not None:
            self._replace(node.start, node.end, self._dump(value, len(place)))
            return
        self._add(place, value)

    def remove(self, place: Place) -> None:
        outer = self._find(place[:-1])
        member = (outer.members or {}).get(place[-1]) if outer is not None else None
        if outer is None or member is None:
            return
        members = list((outer.members or {}).values())
        at = members.index(member)
        start, end = self._piece(member)
        self._replace(start, end, "")
        if member.comma is None and at and (comma := members[at - 1].comma) is not None:
            self._replace(comma, comma + 1, "")

    def _piece(self, member: _Member) -> tuple[int, int]:
        """What goes when a member goes: its whole line where it has one, else the blanks on the side of its comma."""
        start, end = member.start, member.node.end if member.comma is None else member.comma + 1
        head = len(self.text[:start].rstrip(" \t"))
        tail = end + len(self.text[end:]) - len(self.text[end:].lstrip(" \t"))
        if self.text[head - 1 : head] == "\n" and self.text[tail : tail + 1] == "\n":
            return head, tail + 1
        return (head, end) if member.comma is None else (start, tail)

    def restore(self, place: Place, before: Self) -> None:
        earlier = before._find(place)
        if earlier is None:
            self.remove(place)
            outer = place[:-1]
            while outer and self.get(outer) == {} and before._find(outer) is None:
                self.remove(outer)
                outer = outer[:-1]
            return
        node = self._find(place)
        if node is None:
            self._add(place, earlier.value)
        else:
            self._replace(node.start, node.end, before.text[earlier.start : earlier.end])

    def _find(self, place: Place) -> _Node | None:
        node = self._root
        for key in place:
            member = (node.members or {}).get(key)
            if member is None:
                return None
            node = member.node
        return node

    def _add(self, place: Place, value: object) -> None:
        """Add a member to the innermost object on the way that is there."""
        node, depth = self._root, 0
        while (member := (node.members or {}).get(place[depth])) is not None:
            node, depth = member.node, depth + 1
        if node.members is None:
            raise ConfigError(f"{'.'.join(place[:depth])} is no object there; change it by hand.")
        for key in reversed(place[depth + 1 :]):
            value = {key: value}
        name = json.dumps(place[depth])
        if node.members and "\n" not in self.text[node.start : node.end]:
            self._join(node, f" {name}: {json.dumps(value, ensure_ascii=False)}")
        else:
            indent = self._indent() * (depth + 1)
            self._join(node, f"\n{indent}{name}: {self._dump(value, depth + 1)}", "\n" + self._indent() * depth)

    def _join(self, node: _Node, added: str, close: str = "") -> None:
        """Put a member behind the last one; `close` comes before the brace of an object that was empty."""
        last = list(node.members.values())[-1] if node.members else None
        at = len(self.text[: node.end - 1].rstrip())
        if last is None:
            self._replace(at, node.end - 1, added + close)
        elif last.comma is None:
            self._replace(last.node.end, at, f",{self.text[last.node.end : at]}{added}")
        else:
            self._replace(at, at, f"{added},")

    def _replace(self, start: int, end: int, piece: str) -> None:
        self.text = self.text[:start] + piece + self.text[end:]
        self._root = _Parser(self.text).document()

    def _indent(self) -> str:
        found = _INDENT.search(self.text)
        return found[1] if found else "  "

    def _dump(self, value: object, depth: int) -> str:
        indent = self._indent()
        return json.dumps(value, indent=indent, ensure_ascii=False).replace("\n", "\n" + indent * depth)


class _Parser:
    """One walk over a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def document(self) -> _Node:
        node = self._value()
        if self._next():
            raise self._error("something stands behind the end")
        return node

    def _next(self) -> str:
        """The character that comes after blanks and comments; "" at the end."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _take(self, mark: str) -> bool:
        if self._next() != mark:
            return False
        self._at += 1
        return True

    def _value(self) -> _Node:
        first = self._next()
        node = _Node(start=self._at)
        if first == "{":
            self._object(node)
        elif first == "[":
            self._array(node)
        else:
            node.value = self._scalar()
        node.end = self._at
        return node

    def _object(self, node: _Node) -> None:
        self._at += 1
        members: dict[str, _Member] = {}
        while not self._take("}"):
            self._next()
            start = self._at
            key = str(self._scalar())
            if not self._take(":"):
                raise self._error("a colon is missing")
            member = members[key] = _Member(start=start, node=self._value())
            if self._take(","):
                member.comma = self._at - 1
            elif self._next() != "}":
                raise self._error("a comma is missing")
        node.members = members
        node.value = {key: member.node.value for key, member in members.items()}

    def _array(self, node: _Node) -> None:
        self._at += 1
        values = []
        while not self._take("]"):
            values.append(self._value().value)
            if not self._take(",") and self._next() != "]":
                raise self._error("a comma is missing")
        node.value = values

    def _scalar(self) -> object:
        found = _STRING.match(self._text, self._at) or _WORD.match(self._text, self._at)
        if found is None:
            raise self._error("a value is missing")
        try:
            value: object = json.loads(found.group(), strict=False)
        except ValueError:
            raise self._error(f"{found.group()[:40]!r} is no value") from None
        self._at = found.end()
        return value

    def _error(self, why: str) -> ConfigError:
        return ConfigError(f"This is not valid JSON: {why}.", line=self._text.count("\n", 0, self._at) + 1)
