"""Tools and the choice among them, both ways.

Functions and freeform (custom) tools are ours; those inside a namespace stand one by one and name it.  Whatever else a tool
is (web_search, mcp, tool_search ...) the vendor runs: it travels whole, and so does a namespace that holds such a tool.

Rules of this file: schemas and grammars stay raw; unknown fields survive in extras.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.content import Extras
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, ServerTool, Tool, ToolChoice
from hexapla.ir.target import Target
from hexapla.protocols.fields import Fields, extras_of, is_text, string
from hexapla.protocols.openai_responses.extras import native_extras
from hexapla.protocols.openai_responses.words import NAME
from hexapla.wire.rawjson import dump, join, load

Json = dict[str, Any]

_OURS = frozenset({"function", "custom"})
_MODES = ("auto", "none", "required")
_NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')
_SPACE = "namespace"
"""Where a tool's extras keep the fields of its namespace that nobody knows."""

# read


def parse_tools(fields: Fields) -> tuple[Tool | ServerTool, ...]:
    """The tools of a request, namespaces opened."""
    return tuple([tool for path, raw in fields.items("tools") for tool in _tools(raw, path)])


def _tools(raw: Raw, path: str) -> list[Tool | ServerTool]:
    fields = Fields(raw, path)
    kind = fields.required("type")
    if kind in _OURS:
        return [_tool(fields, kind)]
    space = _namespace(Fields(raw, path)) if kind == "namespace" else None
    return [_server_tool(fields, kind)] if space is None else [*space]


def _tool(fields: Fields, kind: str) -> Tool:
    return Tool(
        name=fields.required("name"),
        description=fields.text("description"),
        parameters=fields.raw("parameters"),
        strict=fields.flag("strict"),
        kind="custom" if kind == "custom" else "function",
        format=fields.raw("format"),
        deferred=fields.flag("defer_loading"),
        extras=extras_of(NAME, fields.rest()),
    )


def _namespace(fields: Fields) -> list[Tool] | None:
    """The tools of a namespace, each of which names it; None when one of them is not ours to understand."""
    name, description = fields.required("name"), fields.text("description")
    fields.drop("type")
    tools: list[Tool] = []
    for inner in fields.objects("tools"):
        kind = inner.text("type") or "function"
        if kind not in _OURS:
            return None
        tools.append(replace(_tool(inner, kind), namespace=name, namespace_description=description))
    rest = fields.rest()
    if not rest:
        return tools or None
    return [replace(tool, extras=_with(tool.extras, _SPACE, dump(rest))) for tool in tools] or None


def _with(extras: Extras, name: str, value: Raw) -> Extras:
    return {NAME: {**extras.get(NAME, {}), name: value}}


def _server_tool(fields: Fields, kind: str) -> ServerTool:
    rest = fields.rest()
    return ServerTool(
        origin=NAME, type=kind, name=load(rest.get("name", Raw()), str), data=Raw(join({"type": dump(kind), **rest}))
    )


def parse_choice(fields: Fields) -> ToolChoice | None:
    """tool_choice: a mode, one tool, or a choice that only Responses understands (allowed_tools, hosted tools)."""
    raw = fields.raw("tool_choice")
    if raw is None:
        return None
    path = "$.tool_choice"
    if is_text(raw):
        word = string(raw, path)
        if word not in _MODES:
            raise ProtocolError(f"{word!r} is no tool choice; use {', '.join(_MODES)} or a tool", path=path)
        return ToolChoice(mode=word)  # type: ignore[arg-type]
    inner = Fields(raw, path)
    kind = inner.required("type")
    if kind in _OURS:
        return ToolChoice(mode="named", name=inner.required("name"), kind="custom" if kind == "custom" else "function")
    return ToolChoice(mode="native", origin=NAME, native=raw)


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


def _opened(tool: Tool, space: Raw | None, body: Json) -> Json:
    """A namespace with its first tool."""
    said: Json = {"type": "namespace", "name": tool.namespace}
    if tool.namespace_description is not None:
        said["description"] = tool.namespace_description
    rest = load(space, dict[str, Raw]) if space is not None else None
    return said | (rest or {}) | {"tools": [body]}


def _function(
    tool: Tool, path: str, request: GenerateRequest, target: Target, losses: LossLog
) -> tuple[Json, Raw | None]:
    """(a function or a freeform tool, what else its namespace said)."""
    body: Json = {"type": tool.kind, "name": tool.name}
    said: Json = {"description": tool.description, "defer_loading": tool.deferred}
    if tool.kind == "custom":
        said["format"] = tool.format
    else:
        said |= {"parameters": _parameters(tool, request), "strict": _strict(tool, path, request, target, losses)}
    body |= {name: value for name, value in said.items() if value is not None}
    own = native_extras(tool.extras, f"{path}.", losses)
    space = own.pop(_SPACE, None)
    return body | own, space


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
        losses.add("tool_choice", "the target cannot be made to call a tool")
        return "auto"
    return {"type": choice.kind, "name": choice.name} if choice.mode == "named" else choice.mode
