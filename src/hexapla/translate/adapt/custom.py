"""Freeform (custom) tools for targets that only know functions.

Codex's apply_patch takes free text in a grammar.  Such a tool becomes a function with one string parameter `input`;
its calls and results in the history follow, and `restore.py` turns the model's calls back into freeform ones.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.ir.content import AnyPart, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Tool
from hexapla.translate.adapt.parts import TOOLED, bend_parts
from hexapla.wire.rawjson import load

_PARAMETERS = Raw(
    b'{"type":"object","properties":{"input":{"type":"string","description":"The whole input, as plain text."}},'
    b'"required":["input"],"additionalProperties":false}'
)


class _Input(msgspec.Struct):
    input: str


class _Format(msgspec.Struct):
    """What a freeform input must look like; of any text there is nothing to say."""

    type: str = ""
    syntax: str = ""
    definition: str = ""


def custom_names(request: GenerateRequest) -> frozenset[str]:
    """Names of the request's freeform tools."""
    return frozenset([tool.name for tool in request.tools if isinstance(tool, Tool) and tool.kind == "custom"])


def bridge_custom(request: GenerateRequest, losses: LossLog) -> GenerateRequest:
    """`request` with freeform tools, calls, results and choice as functions."""
    for index, tool in enumerate(request.tools):
        if isinstance(tool, Tool) and tool.kind == "custom":
            losses.add(f"tools[{index}].format", "a freeform tool is carried as a function with one string", "cosmetic")
    choice = request.tool_choice
    return replace(
        bend_parts(request, TOOLED, _part),
        tools=tuple(_tool(tool) if isinstance(tool, Tool) else tool for tool in request.tools),
        tool_choice=replace(choice, kind="function") if choice and choice.kind == "custom" else choice,
    )


def unwrap_input(arguments: str) -> str:
    """The free text inside a bridged call's arguments; the arguments themselves when the model did not wrap it."""
    try:
        return msgspec.json.decode(arguments, type=_Input).input
    except msgspec.MsgspecError:
        return arguments


def _tool(tool: Tool) -> Tool:
    if tool.kind != "custom":
        return tool
    description = f"{tool.description or ''}\n\n{_said(tool.format)}".strip()
    return replace(tool, kind="function", format=None, parameters=_PARAMETERS, description=description)


def _said(form: Raw | None) -> str:
    """A format in words; the grammar as its author wrote it, since a model reads that better than the JSON of it."""
    known = load(form, _Format) if form is not None else None
    if form is None or (known is not None and known.type == "text"):
        return ""
    if known is not None and known.definition:
        return f"The input must follow this {known.syntax} grammar:\n{known.definition}"
    return f"The input must follow this format:\n{bytes(form).decode()}"


def _part(part: AnyPart) -> AnyPart:
    if isinstance(part, ToolCall) and part.kind == "custom":
        arguments = msgspec.json.encode({"input": part.arguments}).decode()
        return replace(part, kind="function", arguments=arguments)
    if isinstance(part, ToolResult) and part.kind == "custom":
        return replace(part, kind="function")
    return part
