"""The tools of a request as Messages takes them, and the choice among them.

Rules of this file: schemas stay raw; what Messages, or this model, cannot take is a Loss.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from hexapla.ir.request import ServerTool, Tool, ToolChoice
from hexapla.protocols.anthropic_messages.turns import Json, Turns
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.extras import MARK
from hexapla.wire.rawjson import dump, join, load, split

_WORDS = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}
_UNKNOWN = ("namespace", "namespace_description", "format")


def render_tools(turns: Turns) -> list[Json]:
    """All tools that Messages has."""
    found = [_tool(turns, f"tools[{index}]", tool) for index, tool in enumerate(turns.request.tools)]
    return [tool for tool in found if tool is not None]


def _tool(turns: Turns, path: str, tool: Tool | ServerTool) -> Json | None:
    body = _server_tool(turns, path, tool) if isinstance(tool, ServerTool) else _own_tool(turns, path, tool)
    if body is None:
        return None
    mark = turns.mark(tool.cache, f"{path}.cache") if tool.cache is not None else None
    if mark is not None:
        body[MARK] = mark
    return turns.beside(body, tool.extras, f"{path}.") if tool.extras else body


def _own_tool(turns: Turns, path: str, tool: Tool) -> Json:
    body: Json = {"name": tool.name}
    if tool.description is not None:
        body["description"] = tool.description
    body["input_schema"] = _object_schema(turns, path, tool.parameters)
    if tool.strict is not None and turns.target.strict_tools:
        body["strict"] = tool.strict
    elif tool.strict is not None:
        turns.losses.add(f"{path}.strict", "the target knows no strict tools")
    if tool.deferred is not None:
        body["defer_loading"] = tool.deferred
    for name in _UNKNOWN:
        if getattr(tool, name) is not None:
            turns.losses.add(f"{path}.{name}", f"Messages has no {name} of tools", "cosmetic")
    return body


def _server_tool(turns: Turns, path: str, tool: ServerTool) -> Json | None:
    if tool.origin == NAME:
        return dict(split(tool.data))
    turns.losses.add(path, f"the server tool {tool.type} exists at {tool.origin} only", "content")
    return None


class _Typed(msgspec.Struct):
    type: str | list[str] | None = None


def _object_schema(turns: Turns, path: str, schema: Raw | None) -> Raw:
    """The schema as it is, if it says that it is an object's, which Messages demands."""
    if schema is None:
        return Raw(b'{"type":"object","properties":{}}')
    found = load(schema, _Typed)
    if found is not None and found.type == "object":
        return schema
    fields = load(schema, dict[str, Raw])
    if fields is None:
        turns.losses.add(f"{path}.parameters", "it is not a schema")
    return Raw(join({"type": dump("object"), **(fields or {})}))


def render_choice(turns: Turns, choice: ToolChoice | None, thinking: Json | None) -> Any:
    """`tool_choice` beside `thinking`; None for nothing to say."""
    parallel = turns.request.parallel_tool_calls
    if choice is None:
        return None if parallel is None else {"type": "auto", "disable_parallel_tool_use": not parallel}
    if choice.mode == "native":
        if choice.origin == NAME:
            return choice.native
        turns.losses.add("tool_choice", f"this choice is understood by {choice.origin} only")
        return render_choice(turns, None, thinking)
    said = _WORDS[choice.mode]
    if said in ("any", "tool") and thinking is not None and thinking.get("type") == "enabled":
        # "Thinking may not be enabled when tool_choice forces tool use" (docs.claude.com, extended thinking)
        turns.losses.add("tool_choice", "a model that thinks cannot be forced to call a tool")
        said = "auto"
    body: Json = {"type": said} | ({"name": choice.name} if said == "tool" else {})
    if parallel is not None and said != "none":
        body["disable_parallel_tool_use"] = not parallel
    return turns.beside(body, choice.extras, "tool_choice.")
