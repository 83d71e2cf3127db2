"""Plain Python functions as tools: the schema from the signature, the call from the model's JSON.

Any type that msgspec can describe may be a parameter: str, int, float, bool, list, dict, Literal, enums, dataclasses,
TypedDicts, Structs and unions of them.  A `functools.partial` keeps what it has bound from the model, and an object with
`__call__` goes by the name of its class; a `__name__` that is set on either is used instead.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from hexapla.errors import ClientError, Kind

ToolLike = Callable[..., Any] | Mapping[str, Any]
"""A function, or a tool in the shape of the Chat dialect (`{"type": "function", "function": {...}}`)."""


class ToolBox:
    """The tools of one loop: what the model is told, and how its calls are run.

    functions  by name, for tools that were given as schemas
    """

    def __init__(self, tools: Sequence[ToolLike], functions: Mapping[str, Callable[..., Any]] | None = None) -> None:
        self._functions = dict(functions or {})
        self.schemas: list[Mapping[str, Any]] = []
        for tool in tools:
            if isinstance(tool, Mapping):
                self._check(tool)
                self.schemas.append(tool)
            else:
                self._add(tool)

    def _check(self, schema: Mapping[str, Any]) -> None:
        function = schema.get("function")
        name = function.get("name") if isinstance(function, Mapping) else None
        if name is not None and name not in self._functions:
            raise _refused(name, "nothing runs it", "Give its function by this name in `functions`.")

    def _add(self, tool: Callable[..., Any]) -> None:
        schema = describe(tool)
        name = schema["function"]["name"]
        if self._functions.setdefault(name, tool) is not tool:
            raise _refused(name, "another tool has this name", "Set another `__name__` on one of them.")
        self.schemas.append(schema)

    async def run(self, name: str, arguments: str) -> str:
        """Run one call and return what the model shall read: text as it is, anything else as JSON.

        A call of an unknown tool, arguments that do not fit and an exception of the tool are told to the model, which
        can then do better; they do not end the loop.
        """
        function = self._functions.get(name)
        if function is None:
            return f"Error: there is no tool named {name!r}; the tools are {', '.join(self._functions)}."
        try:
            given = convert_arguments(function, arguments)
        except (msgspec.MsgspecError, TypeError) as error:
            return f"Error: the arguments do not fit: {error}"
        try:
            result = function(**given)
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:
            return f"Error: {type(error).__name__}: {error}"
        if isinstance(result, str):
            return result.encode("utf-8", "replace").decode()  # half a character, as a file's odd name has, is no JSON
        return msgspec.json.encode(result, enc_hook=str).decode()


def describe(tool: Callable[..., Any]) -> Mapping[str, Any]:
    """A function as a Chat tool: its name, its docstring, its parameters as JSON schema.

    Raises ClientError for what is no function, or one whose parameters cannot be read.
    """
    if not callable(tool):
        raise _refused(tool, "it is neither a function nor a schema", "Give a function or a Chat tool as a dict.")
    name = _name(tool)
    if name == _NAMELESS:
        raise _refused(name, "it has no name that a model could call it by", "Write a `def`, or set its `__name__`.")
    try:
        parameters = _schema(_wanted(tool))
    except _UNREADABLE as error:
        advice = "Give its schema as a dict in `tools`, and the function by this name in `functions`."
        raise _refused(name, str(error), advice) from None
    return {
        "type": "function",
        "function": {"name": name, "description": _description(tool), "parameters": parameters},
    }


class _Wanted(NamedTuple):
    """What a function takes by name, the types of it, and whether it takes any other name (**kwargs)."""

    named: dict[str, inspect.Parameter]
    hints: dict[str, Any]
    more: bool


def _schema(wanted: _Wanted) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for name in wanted.named:
        (each,), found = msgspec.json.schema_components([wanted.hints.get(name, Any)], ref_template="#/$defs/{name}")
        properties[name] = each
        definitions |= found
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": _required(wanted),
        "additionalProperties": wanted.more,
    }
    if definitions:
        schema["$defs"] = definitions
    return schema


def _required(wanted: _Wanted) -> list[str]:
    return [name for name, parameter in wanted.named.items() if parameter.default is parameter.empty]


_NAMELESS = "<lambda>"
_UNREADABLE = (TypeError, ValueError, NameError)
"""What inspect, typing and msgspec raise for a function without a signature, a type that nobody knows or can describe."""


def _wanted(tool: Callable[..., Any]) -> _Wanted:
    """What the model may give.  Raises TypeError for a parameter that has no name for callers."""
    bound = tool.keywords if isinstance(tool, functools.partial) else {}
    known = {name: each for name, each in inspect.signature(tool).parameters.items() if name not in bound}
    for name, each in known.items():
        if each.kind is each.POSITIONAL_ONLY:
            raise TypeError(f"its parameter {name!r} cannot be given by name")
    named = {name: each for name, each in known.items() if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)}
    more = any(each.kind is each.VAR_KEYWORD for each in known.values())
    return _Wanted(named, typing.get_type_hints(_function(tool)), more)


def _function(tool: Callable[..., Any]) -> Callable[..., Any]:
    """The function behind an object with `__call__`; a class is called for what it makes."""
    core = _core(tool)
    called: Callable[..., Any] = type(core).__call__
    return core if inspect.isroutine(core) or inspect.isclass(core) else called


def _core(tool: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(tool, functools.partial):
        tool = tool.func
    return tool


def _name(tool: Callable[..., Any]) -> str:
    core = _core(tool)
    return getattr(tool, "__name__", "") or getattr(core, "__name__", type(core).__name__)


def _description(tool: Callable[..., Any]) -> str:
    core, function = _core(tool), _function(tool)
    said = inspect.getdoc(core) if function is core else function.__doc__ or core.__doc__
    return inspect.cleandoc(said or "")


def _refused(tool: object, why: str, advice: str) -> ClientError:
    return ClientError(Kind.INVALID_REQUEST, f"The tool {tool!r} cannot be used: {why}. {advice}")


def convert_arguments(function: Callable[..., Any], arguments: str) -> dict[str, Any]:
    """The model's JSON as keyword arguments of `function`.  Raises MsgspecError for what does not fit."""
    given = msgspec.json.decode(arguments or "{}", type=dict[str, Any])
    try:
        wanted = _wanted(function)
    except _UNREADABLE:
        return given  # it came with a schema of its own
    unknown = sorted(set(given) - set(wanted.named))
    if unknown and not wanted.more:
        raise msgspec.ValidationError(f"unknown parameters: {', '.join(unknown)}")
    missing = [name for name in _required(wanted) if name not in given]
    if missing:
        raise msgspec.ValidationError(f"missing parameters: {', '.join(missing)}")
    return {name: msgspec.convert(value, wanted.hints.get(name, Any), strict=False) for name, value in given.items()}
