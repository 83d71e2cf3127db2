"""Everything that the vendors' published types allow, as values: each field, each member of a union, each word.

`spread` walks a type of an SDK and gives its least value first, then every value that differs from it in one thing only,
at whatever depth.  So whoever compares what becomes of the least value and of another knows what became of that one thing.

Rules of this file: types only, nothing is known here of any dialect; text that has to be something (an address, base64,
a name) is so by the name of its field.
"""

from __future__ import annotations

import datetime
import types
from collections.abc import Iterator, Mapping
from functools import cache
from os import PathLike
from typing import IO, Annotated, Any, Literal, NotRequired, Required, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel
from typing_extensions import get_type_hints, is_typeddict

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQK"
HTTP = "https://example.org/a"
CALL = "call_1"
TOOL = "weather"

WORDS: dict[str, str] = {
    "url": HTTP,
    "image_url": HTTP,
    "file_url": HTTP,
    "data": PNG,
    "file_data": f"data:application/pdf;base64,{PDF}",
    "arguments": '{"city":"Rome"}',
    "call_id": CALL,
    "tool_call_id": CALL,
    "tool_use_id": CALL,
    "id": CALL,
    "name": TOOL,
    "finish_reason": "stop",
}
"""Texts that have to be something, by their field."""

NUMBERS = {"budget_tokens": 2048, "max_tokens": 4096} | dict.fromkeys(
    ("index", "output_index", "content_index", "summary_index", "annotation_index"), 0
)

NOTHING = object()
_FILES = (IO, PathLike)
"""What an SDK reads and sends as text."""

Spread = Iterator[tuple[Any, Any]]
"""(a value, the same without the one thing in which it differs from the least; NOTHING where that has to be there)."""


def spread(hint: Any, name: str = "", within: tuple[Any, ...] = ()) -> Spread:
    """The least value of `hint` for a field `name`, then all that differ from it in one thing."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint in within or hint in _FILES or origin in _FILES:
        return
    if is_typeddict(hint) or (isinstance(hint, type) and issubclass(hint, BaseModel)):
        yield from _object(hint, (*within, hint))
    elif origin in (Required, NotRequired, Annotated):
        yield from spread(inner[0], name, within)
    elif origin in (Union, types.UnionType):
        for each in inner:
            if each is not type(None):
                yield from spread(each, name, within)
    elif origin is Literal:
        yield from ((word, NOTHING) for word in inner)
    elif origin in (dict, Mapping):
        yield {"k": next(spread(inner[1], "v", within), ("v",))[0]}, NOTHING
    elif origin is not None:
        for value, without in spread(inner[0], name, within):
            yield [value], [] if without is NOTHING else [without]
    elif isinstance(hint, TypeVar):
        yield from spread(hint.__bound__ or object, name, within)
    else:
        yield from ((value, NOTHING) for value in _plain(hint, name))


def _plain(hint: Any, name: str) -> tuple[Any, ...]:
    if hint is bool:
        return (True, False)
    if hint is int:
        return (NUMBERS.get(name, 7),)
    if hint is float:
        return (0.5,)
    if hint is str or name in WORDS:
        return (WORDS.get(name, f"x {name}"),)
    if hint is datetime.datetime:
        return ("2026-11-28T00:00:00Z",)
    return ({"type": "object"},)


@cache
def fields_of(kind: Any) -> dict[str, tuple[Any, bool]]:
    """(type, whether it must be there) of each field."""
    if is_typeddict(kind):
        hints = get_type_hints(kind, include_extras=True)
        needed = kind.__required_keys__  # a type that is named in quotes does not tell it
        return {name: (hint, name in needed or get_origin(hint) is Required) for name, hint in hints.items()}
    return {info.alias or name: (info.annotation, info.is_required()) for name, info in kind.model_fields.items()}


def _object(kind: Any, within: tuple[Any, ...]) -> Spread:
    fields = fields_of(kind)
    least: dict[str, Any] = {}
    for name, (hint, needed) in fields.items():
        if needed:
            first = next(spread(hint, name, within), None)
            if first is None:
                return  # it holds itself
            least[name] = first[0]
    yield least, NOTHING
    for name, (hint, needed) in fields.items():
        if not needed:
            yield least | {name: None}, least
        for value, without in spread(hint, name, within):
            if not needed or value != least[name]:
                bare = NOTHING if needed else least
                yield least | {name: value}, bare if without is NOTHING else least | {name: without}


def faults(value: Any, hint: Any, path: str = "$") -> list[str]:
    """What keeps `value` from being a `hint`: fields that it does not have or that are missing, values of another kind."""
    origin, inner = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        return _faults_of_object(value, hint, path)
    if origin in (Required, NotRequired, Annotated):
        return faults(value, inner[0], path)
    if origin in (Union, types.UnionType):
        return min((faults(value, each, path) for each in inner), key=_weight)
    if origin is Literal:
        return [] if value in inner else [f"{path} is {value!r}"]
    if origin in (dict, Mapping):
        held = value.items() if isinstance(value, dict) else ((None, None),)
        return [fault for name, each in held for fault in faults(each, inner[1], f"{path}.{name}")]
    if origin is not None:
        if not isinstance(value, list):
            return [f"{path} is no list"]
        return [fault for i, each in enumerate(value) for fault in faults(each, inner[0], f"{path}[{i}]")]
    return [] if hint in (object, Any) or _is_plain(value, hint) else [f"{path} is no {hint.__name__}"]


def _weight(found: list[str]) -> tuple[int, int, int]:
    """The nearest member of a union is the one whose type fits, or that is wrong in the depth only."""
    if not found:
        return 0, 0, 0
    deep = max(fault.count(".") + fault.count("[") for fault in found)
    return 1 + sum(".type is" in fault for fault in found), -deep, len(found)


def _is_plain(value: Any, hint: Any) -> bool:
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, hint) and not (hint is int and isinstance(value, bool))


def _faults_of_object(value: Any, kind: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path} is no object"]
    fields = fields_of(kind)
    found = [f"{path}.{name} is missing" for name, (_, needed) in fields.items() if needed and name not in value]
    for name, each in value.items():
        found += faults(each, fields[name][0], f"{path}.{name}") if name in fields else [f"{path}.{name} is unknown"]
    return found
