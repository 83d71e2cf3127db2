"""Structured output for targets that have no native form of it.

`tool`: the schema becomes a tool that the model must call; `restore.py` turns its arguments into the text.
`instruction`: a system message asks for JSON; the answer is not validated, so this counts as a lost parameter.
"""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace

from hexapla.ir.content import Text
from hexapla.ir.loss import LossLog
from hexapla.ir.request import SYSTEM, GenerateRequest, Message, OutputFormat, Tool, ToolChoice
from hexapla.ir.target import Target

_ANY_OBJECT = Raw(b'{"type":"object"}')
DEFAULT_NAME = "structured_output"
NO_JSON_MODE = frozenset({"anthropic_messages"})
"""Protocols that know a schema, but no JSON without one."""
ONE_SYSTEM = frozenset({"anthropic_messages"})
"""Protocols whose system text is one; what is added stands in it."""


def emulate_output(request: GenerateRequest, target: Target, losses: LossLog) -> tuple[GenerateRequest, str | None]:
    """(`request` without the format that the target lacks, name of the tool whose arguments are the text or None)."""
    output = request.output
    if output is None or output.kind == "text":
        return request, None
    if output.kind == "json_schema" and target.json_schema == "tool":
        losses.add("output", "structured output is carried as a forced tool call", "cosmetic")
        if request.tool_choice is not None:
            losses.add("tool_choice", "the forced call takes its place", "cosmetic")
        return _as_tool(request, output)
    if (output.kind == "json_schema" and target.json_schema == "instruction") or (
        output.kind == "json_object" and not (target.json_object and target.origin.protocol not in NO_JSON_MODE)
    ):
        losses.add("output", "the target has no structured output; the model is asked for JSON in words", "parameter")
        return _as_instruction(request, output, apart=target.origin.protocol not in ONE_SYSTEM), None
    return request, None


def _as_tool(request: GenerateRequest, output: OutputFormat) -> tuple[GenerateRequest, str]:
    name = output.name or DEFAULT_NAME
    description = output.description or "Give the final answer by calling this tool."
    tool = Tool(name=name, description=description, parameters=output.schema or _ANY_OBJECT, strict=output.strict)
    # beside real tools the model must stay free to call those first
    choice = ToolChoice(mode="required") if request.tools else ToolChoice(mode="named", name=name)
    return replace(request, output=None, tools=(*request.tools, tool), tool_choice=choice), name


def _as_instruction(request: GenerateRequest, output: OutputFormat, *, apart: bool) -> GenerateRequest:
    text = "Answer with one JSON object and nothing else: no code fence, no comment."
    if output.schema is not None:
        text += f" It must be valid against this JSON schema:\n{bytes(output.schema).decode()}"
    place = next((i for i, m in enumerate(request.messages) if m.role not in SYSTEM), 0)
    leading, rest = request.messages[:place], request.messages[place:]
    if apart or not leading:
        leading = (*leading, Message(role="system", content=(Text(text=text),), plain=True))
    else:
        last = leading[-1]
        leading = (*leading[:-1], replace(last, content=(*last.content, Text(text=text)), plain=False))
    return replace(request, output=None, messages=(*leading, *rest))
