"""Tools and the choice among them, both ways.

Functions and freeform (custom) tools are ours; those inside a namespace stand one by one and name it.  Whatever else a tool
is (web_search, mcp ...) the vendor runs, or the client in a way of its own (`search.py`): it travels whole, and so does a
namespace that holds such a tool.

Rules of this file: schemas and grammars stay raw; unknown fields survive in extras.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.content import Extras, Unknown
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, ServerTool, Tool, ToolChoice
from hexapla.ir.target import Target
from hexapla.protocols.extras import beside, lose_extras, own_extras, put
from hexapla.protocols.openai_responses.words import NAME
from hexapla.protocols.typed import Reader, is_text, present, string
from hexapla.wire.rawjson import NULL, join, load, split

Json = dict[str, Any]

_OURS = frozenset({"function", "custom"})
_MODES = ("auto", "none", "required")
_NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')
_SPACE = "namespace"
"""Where a tool's extras keep the fields of its namespace that nobody knows, as if it stood inside of the tool."""

# read


class WireKind(msgspec.Struct):
    type: str | None = None


class WireTool(msgspec.Struct, forbid_unknown_fields=True):
    """A function or a freeform tool."""

    name: str
    type: str | None = None
    description: str | None = None
    parameters: Raw = Raw()
    strict: bool | None = None
    format: Raw = Raw()
    defer_loading: bool | None = None


class WireNamespace(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    type: str | None = None
    description: str | None = None
    tools: list[Raw] | None = None


class WireChoice(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    name: str | None = None


_KIND, _TOOL, _NAMESPACE, _CHOICE = Reader(WireKind), Reader(WireTool), Reader(WireNamespace), Reader(WireChoice)


def parse_tools(listed: list[Raw]) -> tuple[Tool | ServerTool, ...]:
    """The tools of a request, namespaces opened.  Raises ProtocolError."""
    return tuple([tool for i, raw in enumerate(listed) for tool in _tools(raw, f"$.tools[{i}]")])


def _tools(raw: Raw, path: str) -> Sequence[Tool | ServerTool]:
    kind = _KIND.read(raw, path)[0].type
    if kind is None:
        raise ProtocolError("type is required", path=f"{path}.type")
    if kind in _OURS:
        return (_tool(raw, path),)
    space = _namespace(raw, path) if kind == "namespace" else None
    return space or (_server_tool(raw, kind),)


def _tool(raw: Raw, path: str) -> Tool:
    tool, rest = _TOOL.read(raw, path)
    return Tool(
        name=tool.name,
        description=tool.description,
        parameters=present(tool.parameters),
        strict=tool.strict,
        kind="custom" if tool.type == "custom" else "function",
        format=present(tool.format),
        deferred=tool.defer_loading,
        extras={NAME: rest} if rest else {},
    )


def _namespace(raw: Raw, path: str) -> list[Tool] | None:
    """The tools of a namespace, each of which names it; None when one of them is not ours to understand."""
    space, rest = _NAMESPACE.read(raw, path)
    tools: list[Tool] = []
    for index, inner in enumerate(space.tools or ()):
        where = f"{path}.tools[{index}]"
        if (_KIND.read(inner, where)[0].type or "function") not in _OURS:
            return None
        tool = _tool(inner, where)
        extras = _with(tool.extras, _SPACE, rest) if rest else tool.extras
        tools.append(replace(tool, namespace=space.name, namespace_description=space.description, extras=extras))
    return tools


def _with(extras: Extras, name: str, value: Unknown) -> Extras:
    return {NAME: {**extras.get(NAME, {}), name: value}}


def _server_tool(raw: Raw, kind: str) -> ServerTool:
    fields = {name: value for name, value in split(raw).items() if value != NULL}
    data = Raw(join({"type": fields["type"], **fields}))
    return ServerTool(origin=NAME, type=kind, name=load(fields.get("name", Raw()), str), data=data)


def parse_choice(raw: Raw) -> ToolChoice | None:
    """tool_choice: a mode, one tool, or a choice that only Responses understands (allowed_tools, hosted tools)."""
    path = "$.tool_choice"
    if present(raw) is None:
        return None
    if is_text(raw):
        word = string(raw, path)
        if word not in _MODES:
            raise ProtocolError(f"{word!r} is no tool choice; use {', '.join(_MODES)} or a tool", path=path)
        return ToolChoice(mode=word)  # type: ignore[arg-type]
    choice, rest = _CHOICE.read(raw, path)
    if choice.type not in _OURS:
        return ToolChoice(mode="native", origin=NAME, native=raw)
    if choice.name is None:
        raise ProtocolError("name is required", path=f"{path}.name")
    kind: Literal["custom", "function"] = "custom" if choice.type == "custom" else "function"
    return ToolChoice(mode="named", name=choice.name, kind=kind, extras={NAME: rest} if rest else {})


# write


def render_tools(request: GenerateRequest, target: Target, losses: LossLog) -> list[Any]:
    """The tools of a body, those of one namespace together where the first of them stands."""
    rendered: list[Any] = []
    spaces: dict[str, Json] = {}
    for index, tool in enumerate(request.tools):
        path = f"tools[{index}]"
        if tool.cache is not None:
            losses.add(f"{path}.cache", "Responses takes no cache marks", "cosmetic")
        if isinstance(tool, ServerTool):
            rendered.extend(_hosted(tool, path, losses))
            continue
        body, space = _function(tool, path, request, target, losses)
        if tool.namespace is None:
            rendered.append(body)
        elif tool.namespace in spaces:
            spaces[tool.namespace]["tools"].append(body)
        else:
            spaces[tool.namespace] = _opened(tool, space, body)
            rendered.append(spaces[tool.namespace])
    return rendered


def _hosted(tool: ServerTool, path: str, losses: LossLog) -> Iterable[Raw]:
    if tool.origin == NAME:
        return (tool.data,)
    losses.add(path, f"the server tool {tool.type} exists at {tool.origin} only", "content")
    return ()


def _opened(tool: Tool, space: Json, body: Json) -> Json:
    """A namespace with its first tool."""
    said: Json = {"type": "namespace", "name": tool.namespace}
    if tool.namespace_description is not None:
        said["description"] = tool.namespace_description
    return said | space | {"tools": [body]}


def _function(tool: Tool, path: str, request: GenerateRequest, target: Target, losses: LossLog) -> tuple[Json, Json]:
    """(a function or a freeform tool, what else its namespace said)."""
    body: Json = {"type": tool.kind, "name": tool.name}
    said: Json = {"description": tool.description, "defer_loading": tool.deferred}
    if tool.kind == "custom":
        said["format"] = tool.format
    else:
        said |= {"parameters": _parameters(tool, request), "strict": _strict(tool, path, request, target, losses)}
    body |= {name: value for name, value in said.items() if value is not None}
    own = own_extras(tool.extras, NAME, f"{path}.", losses)
    space = own.pop(_SPACE, {})
    return put(body, own), space


def _parameters(tool: Tool, request: GenerateRequest) -> Raw | None:
    """The schema; elsewhere silence means no parameters, here the field has to say so."""
    return _NO_PARAMETERS if tool.parameters is None and request.protocol != NAME else tool.parameters


def _strict(tool: Tool, path: str, request: GenerateRequest, target: Target, losses: LossLog) -> bool | None:
    """Unsaid, Responses tries to be strict; the other dialects' silence means that it is not."""
    if not target.strict_tools:
        if tool.strict is not None:
            losses.add(f"{path}.strict", "the target knows no strict tools")
        return None
    return False if tool.strict is None and request.protocol != NAME else tool.strict


def render_choice(choice: ToolChoice | None, target: Target, losses: LossLog) -> Any:
    """tool_choice, or None for nothing to say."""
    if choice is None:
        return None
    if choice.mode == "native":
        if choice.origin == NAME:
            return choice.native
        losses.add("tool_choice", f"this choice is understood by {choice.origin} only")
        return None
    if choice.mode in ("required", "named") and not target.tool_choice_required:
        losses.add("tool_choice", "the target cannot be forced to call a tool")
        return "auto"
    if choice.mode == "named":
        return beside({"type": choice.kind, "name": choice.name}, choice.extras, NAME, "tool_choice.", losses)
    lose_extras(choice.extras, "tool_choice.", "Responses takes this choice as one word only", losses)
    return choice.mode
