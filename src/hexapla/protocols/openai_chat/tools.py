"""The tools of a client's Chat body, and the choice among them.

Accepts the functions of 2023 beside tools, freeform tools, and tools that only some server knows, which travel whole.

Rules of this file: reading only (`render.py` writes); schemas and grammars stay raw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import CacheMark
from hexapla.ir.request import ServerTool, Tool, ToolChoice
from hexapla.protocols.extras import MARK
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.typed import Reader, Rest, is_text, present, string
from hexapla.wire.rawjson import NULL, dump, join, load, split


class WireKind(msgspec.Struct):
    """What every tool may hold."""

    type: str | None = None
    cache_control: CacheMark | None = None


class WireTool(msgspec.Struct, forbid_unknown_fields=True):
    function: Raw
    type: str | None = None
    cache_control: CacheMark | None = None


class WireCustomTool(msgspec.Struct, forbid_unknown_fields=True):
    custom: Raw
    type: str | None = None
    cache_control: CacheMark | None = None


class WireDefinition(msgspec.Struct, forbid_unknown_fields=True):
    """What stands inside of `function` or `custom`."""

    name: str
    description: str | None = None
    parameters: Raw = Raw()
    strict: bool | None = None
    format: Raw = Raw()
    cache_control: CacheMark | None = None


class WireFunction(msgspec.Struct, forbid_unknown_fields=True):
    """One of the functions of 2023."""

    name: str
    description: str | None = None
    parameters: Raw = Raw()


class WireNamed(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class WireChoice(msgspec.Struct, forbid_unknown_fields=True):
    """A named tool, whose name stands inside or at the top."""

    type: str | None = None
    name: str | None = None
    function: WireNamed | None = None
    custom: WireNamed | None = None


_KIND, _TOOL, _CUSTOM_TOOL = Reader(WireKind), Reader(WireTool), Reader(WireCustomTool)
_DEFINITION, _FUNCTION, _CHOICE = Reader(WireDefinition), Reader(WireFunction), Reader(WireChoice)

_CHOICES: dict[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "any": "required",  # Mistral's word
}


def parse_tools(tools: Sequence[Raw], functions: Sequence[Raw]) -> tuple[Tool | ServerTool, ...]:
    """`tools`, and `functions` as they were in 2023.  Raises ProtocolError."""
    found = [_tool(raw, f"$.tools[{i}]") for i, raw in enumerate(tools)]
    return (*found, *[_function(raw, f"$.functions[{i}]") for i, raw in enumerate(functions)])


def _tool(raw: Raw, path: str) -> Tool | ServerTool:
    kind, rest = _KIND.read(raw, path)
    if kind.type == "custom":
        custom, beside = _CUSTOM_TOOL.read(raw, path)
        return _defined("custom", custom.custom, kind, beside, f"{path}.custom")
    if not kind.type or kind.type == "function":
        tool, beside = _TOOL.read(raw, path)
        return _defined("function", tool.function, kind, beside, f"{path}.function")
    fields = {name: value for name, value in split(raw).items() if value != NULL and name != "cache_control"}
    data = Raw(join({"type": fields["type"], **fields}))
    name = load(fields["name"], str) if "name" in fields else None
    extras = {NAME: {MARK: rest[MARK]}} if MARK in rest else {}
    return ServerTool(origin=NAME, type=kind.type, name=name, data=data, cache=kind.cache_control, extras=extras)


def _defined(kind: Literal["function", "custom"], raw: Raw, outer: WireKind, beside: Rest, path: str) -> Tool:
    inner, rest = _DEFINITION.read(raw, path)
    rest = {**beside, **({kind: rest} if rest else {})}
    return Tool(
        name=inner.name,
        description=inner.description,
        parameters=present(inner.parameters),
        strict=inner.strict,
        kind=kind,
        format=_flat(inner.format),
        cache=outer.cache_control or inner.cache_control,
        extras={NAME: rest} if rest else {},
    )


def _flat(raw: Raw) -> Raw | None:
    """A format as Responses says it, which says a grammar without an object around it."""
    said = load(raw, dict[str, Raw]) if raw else None
    if said is None or said.keys() != _WRAPPED or (inner := load(said["grammar"], dict[str, Raw])) is None:
        return present(raw)
    return dump({"type": "grammar", **inner}) if inner.keys() <= _GRAMMAR else raw


def wrapped(flat: Raw) -> Raw:
    """`_flat` undone."""
    said = load(flat, dict[str, Raw]) or {}
    grammar = {name: value for name, value in said.items() if name in _GRAMMAR}
    if said.keys() - grammar.keys() != {"type"} or said["type"] != Raw(b'"grammar"'):
        return flat
    return dump({"type": "grammar", "grammar": grammar})


_WRAPPED, _GRAMMAR = {"type", "grammar"}, {"definition", "syntax"}


def _function(raw: Raw, path: str) -> Tool:
    """One of the legacy `functions` list."""
    function, within = _FUNCTION.read(raw, path)
    return Tool(
        name=function.name,
        description=function.description,
        parameters=present(function.parameters),
        extras={NAME: {"function": within}} if within else {},
    )


def parse_choice(said: Raw, former: Raw) -> ToolChoice | None:
    """`tool_choice`, or `function_call` as it was in 2023.  Raises ProtocolError."""
    choice = present(said)
    raw = present(former) if choice is None else choice
    if raw is None:
        return None
    path = f"$.{'function_call' if choice is None else 'tool_choice'}"
    return _chosen_word(string(raw, path), path) if is_text(raw) else _chosen_tool(raw, path)


def _chosen_word(word: str, path: str) -> ToolChoice:
    mode = _CHOICES.get(word)
    if mode is None:
        raise ProtocolError(f"{word!r} is no tool choice; use auto, none, required or a named tool", path=path)
    return ToolChoice(mode=mode)


def _chosen_tool(raw: Raw, path: str) -> ToolChoice:
    """A named tool; anything else (allowed_tools, a server tool) is understood by Chat only."""
    choice, rest = _CHOICE.read(raw, path)
    if choice.type not in (None, "", "function", "custom"):
        return ToolChoice(mode="native", origin=NAME, native=raw)
    custom = choice.type == "custom"
    inner = choice.custom if custom else choice.function
    name = choice.name if inner is None else inner.name
    if name is None:
        raise ProtocolError("name is required", path=f"{path}.name")
    extras = {NAME: rest} if rest else {}
    return ToolChoice(mode="named", name=name, kind="custom" if custom else "function", extras=extras)
