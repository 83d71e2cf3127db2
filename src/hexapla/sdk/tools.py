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
from typing import Any

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
    try:
        parameters = _schema(*_parameters(tool))
    except _UNREADABLE as error:
        advice = "Give its schema as a dict in `tools`, and the function by this name in `functions`."
        raise _refused(name, str(error), advice) from None
    return {
        "type": "function",
        "function": {"name": name, "description": _description(tool), "parameters": parameters},
    }


def _schema(parameters: Mapping[str, inspect.Parameter], hints: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for name in parameters:
        (each,), found = msgspec.json.schema_components([hints.get(name, Any)], ref_template="#/$defs/{name}")
        properties[name] = each
        definitions |= found
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [name for name, parameter in parameters.items() if parameter.default is parameter.empty],
        "additionalProperties": False,
    }
    if definitions:
        schema["$defs"] = definitions
    return schema


_UNREADABLE = (TypeError, ValueError, NameError)
"""What inspect, typing and msgspec raise for a function without a signature, a type that nobody knows or can describe."""


def _parameters(tool: Callable[..., Any]) -> tuple[dict[str, inspect.Parameter], dict[str, Any]]:
    """What the model may give, and the types of it."""
    bound = tool.keywords if isinstance(tool, functools.partial) else {}
    known = {name: each for name, each in inspect.signature(tool).parameters.items() if name not in bound}
    return known, typing.get_type_hints(_function(tool))


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
        known, hints = _parameters(function)
    except _UNREADABLE:
        return given  # it came with a schema of its own
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise msgspec.ValidationError(f"unknown parameters: {', '.join(unknown)}")
    missing = [name for name, p in known.items() if p.default is p.empty and name not in given]
    if missing:
        raise msgspec.ValidationError(f"missing parameters: {', '.join(missing)}")
    return {name: msgspec.convert(value, hints.get(name, Any), strict=False) for name, value in given.items()}
