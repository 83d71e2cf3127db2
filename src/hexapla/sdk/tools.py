"""Plain Python functions as tools: the schema from the signature, the call from the model's JSON.

Any type that msgspec can describe may be a parameter: str, int, float, bool, list, dict, Literal, enums, dataclasses,
TypedDicts, Structs and unions of them.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

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
                self.schemas.append(tool)
            else:
                self.schemas.append(describe(tool))
                self._functions[tool.__name__] = tool

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


def describe(function: Callable[..., Any]) -> Mapping[str, Any]:
    """A function as a Chat tool: its name, its docstring, its parameters as JSON schema."""
    hints = typing.get_type_hints(function)
    parameters = inspect.signature(function).parameters
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for name in parameters:
        (schema,), found = msgspec.json.schema_components([hints.get(name, Any)], ref_template="#/$defs/{name}")
        properties[name] = schema
        definitions |= found
    schema = {
        "type": "object",
        "properties": properties,
        "required": [name for name, parameter in parameters.items() if parameter.default is parameter.empty],
        "additionalProperties": False,
    }
    if definitions:
        schema["$defs"] = definitions
    function_object = {
        "name": function.__name__,
        "description": inspect.getdoc(function) or "",
        "parameters": schema,
    }
    return {"type": "function", "function": function_object}


def convert_arguments(function: Callable[..., Any], arguments: str) -> dict[str, Any]:
    """The model's JSON as keyword arguments of `function`.  Raises MsgspecError for what does not fit."""
    given = msgspec.json.decode(arguments or "{}", type=dict[str, Any])
    hints = typing.get_type_hints(function)
    known = inspect.signature(function).parameters
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise msgspec.ValidationError(f"unknown parameters: {', '.join(unknown)}")
    missing = [name for name, p in known.items() if p.default is p.empty and name not in given]
    if missing:
        raise msgspec.ValidationError(f"missing parameters: {', '.join(missing)}")
    return {name: msgspec.convert(value, hints.get(name, Any), strict=False) for name, value in given.items()}
