"""Where in a TOML text a value stands, and which value of a document is not what its schema wants.

msgspec tells what is wrong but not where in the file, and names no key of a dict on the way.  Someone who edits a
configuration needs the line.  So the faulty value is found again by walking the schema, and its line by reading the
text's table headers and keys.

Rules of this file: slow is fine (it runs after a mistake), a wrong line is not: what cannot be placed gets the line of
the nearest table or key around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import msgspec

Place = tuple[str | int, ...]
"""Keys and list indexes from the top of a document down to a value."""

_WORD = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_KEYS = rf"{_WORD}(?:\s*\.\s*{_WORD})*"
_TABLE = re.compile(rf"^\s*(\[\[?)\s*({_KEYS})\s*\]")
_SETTING = re.compile(rf"^\s*({_KEYS})\s*=")
_QUOTES = ('"""', "'''")


def line_of(text: str, place: Place) -> int | None:
    """The line (from 1) on which the value at `place` is set, or the nearest one around it; None for an empty place."""
    known: dict[Place, int] = {}
    for found, line in _lines(text):
        for depth in range(1, len(found) + 1):  # a table is where the first of its parts is
            known.setdefault(found[:depth], line)
    for depth in range(len(place), 0, -1):
        if place[:depth] in known:
            return _within(text, known[place[:depth]], place[depth:])
    return None


def fault(value: Any, kind: Any) -> Place:
    """The innermost place at which `value`, which is no `kind`, goes wrong."""
    for step, inner, inner_kind in _children(value, kind):
        if not _fits(inner, inner_kind):
            return (step, *fault(inner, inner_kind))
    struct = _struct(kind)
    if struct is not None and isinstance(value, dict):
        return next(((key,) for key in value if key not in field_names(struct)), ())
    return ()


def kind_at(kind: Any, place: Place) -> Any:
    """What the schema `kind` wants at `place`; None where it knows no such place."""
    for step in place:
        struct = _struct(kind)
        if struct is not None:
            kind = next((field.type for field in msgspec.structs.fields(struct) if field.encode_name == step), None)
        else:
            kind = _items(kind)
    return kind


def field_names(struct: Any) -> tuple[str, ...]:
    """The keys that a table of this kind may have."""
    struct = _struct(struct)
    return tuple(field.encode_name for field in msgspec.structs.fields(struct)) if struct is not None else ()


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _children(value: Any, kind: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """Every value one step below, with its step and the kind that it should be."""
    struct = _struct(kind)
    if struct is not None and isinstance(value, dict):
        for field in msgspec.structs.fields(struct):
            if field.encode_name in value:
                yield field.encode_name, value[field.encode_name], field.type
    elif isinstance(value, dict) and _items(kind) is not None:
        for key, inner in value.items():
            yield key, inner, _items(kind)
    elif isinstance(value, list) and _items(kind) is not None:
        for index, inner in enumerate(value):
            yield index, inner, _items(kind)


def _struct(kind: Any) -> Any:
    """The Struct that `kind` is, or that its union holds."""
    options = (kind, *(get_args(kind) if get_origin(kind) not in (dict, tuple, list) else ()))
    return next((each for each in options if isinstance(each, type) and issubclass(each, msgspec.Struct)), None)


def _items(kind: Any) -> Any:
    """What a dict, tuple or list of this kind holds."""
    for option in (kind, *get_args(kind)):
        inner = [each for each in get_args(option) if each is not ...]
        if get_origin(option) in (dict, tuple, list) and inner:
            return inner[-1]
    return None


def _lines(text: str) -> Iterator[tuple[Place, int]]:
    """Every table and key of a TOML text with its line."""
    table: Place = ()
    lists: dict[Place, int] = {}  # how many elements of [[lists]] were seen
    quote = ""
    for number, line in enumerate(text.splitlines(), 1):
        if quote:
            quote = "" if quote in line else quote
        elif header := _TABLE.match(line):
            table = _resolved(_split(header[2]), lists, grow=header[1] == "[[")
            yield table, number
        elif setting := _SETTING.match(line):
            yield (*table, *_split(setting[1])), number
            quote = next((mark for mark in _QUOTES if line.count(mark) == 1), "")


def _resolved(keys: tuple[str, ...], lists: dict[Place, int], *, grow: bool) -> Place:
    """The place of a table header: names of lists are followed by the index of their last element."""
    place: Place = ()
    for depth, key in enumerate(keys, 1):
        place = (*place, key)
        if grow and depth == len(keys):
            lists[place] = lists.get(place, -1) + 1
        if place in lists:
            place = (*place, lists[place])
    return place


def _split(keys: str) -> tuple[str, ...]:
    return tuple(word.strip("\"'") for word in re.findall(_WORD, keys))


def _within(text: str, line: int, rest: Place) -> int:
    """The line at or after `line` on which the last named step of `rest` is set, inside an inline table or list."""
    names = [step for step in rest if isinstance(step, str)]
    if not names:
        return line
    setting = re.compile(rf"""(?:^|[\s,{{])["']?{re.escape(names[-1])}["']?\s*=""")
    for number, row in enumerate(text.splitlines()[line - 1 :], line):
        if number > line and _TABLE.match(row):
            break
        if setting.search(row):
            return number
    return line
