"""A client's own search for tools: for other dialects a function like any other, and back.

Codex keeps most of its tools back and lets the model look for them: the model calls `tool_search`, the client answers with
definitions, and from then on what was found may be called
(https://platform.openai.com/docs/guides/tools-tool-search, 2026-11).  Where nobody knows such a tool, a function of this
name says the same; what was found stands among the tools.

Rules of this file: a search that the vendor runs is none of this, and stays what it is.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.content import AnyPart, Extras, Opaque, Origin, Text, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message, ServerTool, Tool
from hexapla.protocols.openai_responses.tools import parse_tools
from hexapla.protocols.openai_responses.words import NAME
from hexapla.protocols.typed import Reader, present
from hexapla.wire.rawjson import join, load

SEARCH = "tool_search"


class _Search(msgspec.Struct, forbid_unknown_fields=True):
    """The tool, a call of it and what the client found, which are told apart by their type."""

    type: str
    execution: str = ""
    call_id: str = ""
    description: str | None = None
    parameters: Raw = Raw()
    arguments: Raw = Raw(b"{}")
    tools: list[Raw] = []


_SEARCH = Reader(_Search)

Found = dict[tuple[str | None, str], Tool | ServerTool]
"""What searches have found, by namespace and name."""


def searches(request: GenerateRequest) -> bool:
    """Whether the client has tools that it looks for itself."""
    return any(isinstance(tool, ServerTool) and _own(tool.type, tool.data, SEARCH) for tool in request.tools)


def bridge_search(request: GenerateRequest, losses: LossLog) -> GenerateRequest:
    """`request` with the search as a function, and with all that it has found.  Raises ProtocolError."""
    found: Found = {}
    messages = tuple(_message(message, found) for message in request.messages)
    tools = [_tool(tool, f"tools[{index}]", losses) for index, tool in enumerate(request.tools)]
    known = {_key(tool) for tool in tools}
    further = [tool for key, tool in found.items() if key not in known]
    return replace(request, messages=messages, tools=(*tools, *further))


def search_call(call: ToolCall) -> ToolCall | Opaque:
    """A call of that function as the client knows it; the call itself where its arguments are no object."""
    arguments = load(call.arguments.encode("utf-8", "surrogatepass") or b"{}", dict[str, Raw])
    if arguments is None:
        return call
    said = {"type": f"{SEARCH}_call", "id": f"tsc_{call.id}", "call_id": call.id, "execution": "client"}
    data = Raw(join({**said, "status": "completed", "arguments": arguments}))
    return Opaque(origin=Origin(NAME), type=f"{SEARCH}_call", data=data)


def _own(kind: str, data: Raw, wanted: str) -> tuple[_Search, Extras] | None:
    """What the client's own search says, and beside that; None for everything else."""
    if kind != wanted:
        return None
    try:
        said, rest = _SEARCH.read(data)
    except ProtocolError:
        return None
    return (said, {NAME: rest} if rest else {}) if said.execution == "client" else None


def _key(tool: Tool | ServerTool) -> tuple[str | None, str]:
    return (tool.namespace, tool.name) if isinstance(tool, Tool) else (tool.type, tool.name or "")


def _tool(tool: Tool | ServerTool, path: str, losses: LossLog) -> Tool | ServerTool:
    own = _own(tool.type, tool.data, SEARCH) if isinstance(tool, ServerTool) else None
    if own is None:
        return tool
    losses.add(path, "the search for tools is carried as a function", "cosmetic")
    said, extras = own
    return Tool(name=SEARCH, description=said.description, parameters=present(said.parameters), extras=extras)


def _message(message: Message, found: Found) -> Message:
    if not any(type(part) is Opaque for part in message.content):
        return message
    return replace(message, content=tuple(_part(part, found) for part in message.content))


def _part(part: AnyPart, found: Found) -> AnyPart:
    if not isinstance(part, Opaque):
        return part
    if own := _own(part.type, part.data, f"{SEARCH}_call"):
        call, extras = own
        return ToolCall(id=call.call_id, name=SEARCH, arguments=bytes(call.arguments).decode(), extras=extras)
    if own := _own(part.type, part.data, f"{SEARCH}_output"):
        output, extras = own
        tools = parse_tools(output.tools)
        found |= {_key(tool): replace(tool, deferred=None) if isinstance(tool, Tool) else tool for tool in tools}
        said = Text(text=f"Tools found: {', '.join(tool.name or 'another' for tool in tools) or 'none'}")
        return ToolResult(call_id=output.call_id, content=(said,), plain=True, extras=extras)
    return part
