"""A request as a Chat Completions body.

Only what was said is emitted.  What Chat, or this target, cannot say is a Loss.

Rules of this file: top-level fields and tools (`turns.py` writes the conversation, `effort.py` the wish to think); wire
names stand here and nowhere else.
"""

from __future__ import annotations

from typing import Any

from hexapla.errors import ClientError, Kind
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, OutputFormat, Sampling, ServerTool, Tool, ToolChoice
from hexapla.ir.target import Target
from hexapla.protocols.base import nothing_left
from hexapla.protocols.extras import lose_extras
from hexapla.protocols.openai_chat.effort import render_effort
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.openai_chat.tools import wrapped
from hexapla.protocols.openai_chat.turns import Turns
from hexapla.protocols.openai_chat.usual import usual_tool
from hexapla.protocols.openai_chat.words import TIERS
from hexapla.wire.rawjson import join, split

Json = dict[str, Any]

_NOTHING, _PARAMETERS = Sampling(), Sampling.__struct_fields__
_SAMPLED = (
    *("temperature", "top_p", "top_k", "min_p", "top_a"),
    *("frequency_penalty", "presence_penalty", "repetition_penalty"),
)
"""What a model that takes no sampling parameters refuses."""

_WIRE: dict[str, tuple[str, ...]] = {
    # IR fields whose wire name is another one
    "max_tokens": ("max_tokens", "max_completion_tokens"),
    "output": ("response_format",),
    "reasoning": ("reasoning_effort", "reasoning", "thinking", "enable_thinking", "thinking_budget"),
    "cache_key": ("prompt_cache_key",),
    "cache": ("cache_control",),
}


def render_request(request: GenerateRequest, target: Target, losses: LossLog) -> bytes:
    """Request -> upstream body.  Raises ClientError for n > 1: one answer is all that can be carried across."""
    if (request.sampling.n or 1) > 1:
        raise ClientError(Kind.UNSUPPORTED, "This route gives one answer per request; n must be 1.", param="n")
    return join(_Body(request, target, losses).fields())


class _Body:
    """One rendering."""

    def __init__(self, request: GenerateRequest, target: Target, losses: LossLog) -> None:
        self._request = request
        self._target = target
        self._losses = losses
        self._turns = Turns(request, target, losses)

    def fields(self) -> Json:
        request, target = self._request, self._target
        body: Json = {"model": request.model, "messages": self._turns.render()}
        if not body["messages"]:
            raise nothing_left("messages")
        if request.tools:
            body |= self._tools()
        elif request.tool_choice is not None or request.parallel_tool_calls is not None:
            body |= self._toolless()
        if request.max_tokens is not None:
            body[target.max_tokens_field or "max_tokens"] = request.max_tokens
        if request.sampling != _NOTHING:
            body |= self._sampling(request.sampling)
        if request.reasoning is not None:
            body |= render_effort(request.reasoning, request, target, self._losses)
        if request.output is not None:
            body["response_format"] = self._output(request.output)
        for name, value in (
            ("service_tier", None if request.service_tier is None else self._tier(request.service_tier)),
            ("verbosity", request.verbosity),
            ("user", request.user),
            ("metadata", request.metadata),
            ("store", request.store),
            ("prompt_cache_key", request.cache_key),
            ("safety_identifier", request.safety_identifier),
        ):
            if value is not None:
                body[name] = value
        if request.cache is not None:
            body |= self._turns.mark(request.cache, "cache")
        if request.continues is not None or request.betas:
            self._foreign()
        if request.stream:
            body |= self._stream()
        if request.extras:
            body = self._turns.beside(body, request.extras, "")
        for path in target.unsupported:
            self._refused(body, path)
        return body

    def _foreign(self) -> None:
        """What no Chat request has."""
        if self._request.continues is not None:
            self._losses.add("continues", "Chat Completions has no stored conversations", "content")
        if self._request.betas:
            self._losses.add("betas", "beta headers are Anthropic's", "cosmetic")

    def _stream(self) -> Json:
        """Usage is always asked for, since the ledger needs it."""
        usage = {"stream_options": {"include_usage": True}} if self._target.stream_usage else {}
        return {"stream": True} | usage

    def _refused(self, body: Json, path: str) -> None:
        """Take out a field that this provider refuses."""
        name = path.rpartition(".")[2]
        for field in _WIRE.get(name, (name,)):
            if body.pop(field, None) is not None:
                self._losses.add(path, f"{self._target.origin.provider or 'the target'} refuses {field}")

    def _tier(self, tier: str) -> str | None:
        """OpenAI's tiers; those of another dialect mean something else."""
        if tier in TIERS or self._request.protocol == NAME:
            return tier
        self._losses.add("service_tier", f"{tier} is no service tier of Chat Completions")
        return None

    # tools

    def _tools(self) -> Json:
        request = self._request
        rendered = [usual_tool(tool) or self._tool(f"tools[{i}]", tool) for i, tool in enumerate(request.tools)]
        tools = [tool for tool in rendered if tool is not None]
        if not tools:
            return self._toolless()
        said: Json = {"tools": tools}
        choice = self._choice(request.tool_choice)
        if choice is not None:
            said["tool_choice"] = choice
        if request.parallel_tool_calls is not None:
            said["parallel_tool_calls"] = request.parallel_tool_calls
        return said

    def _toolless(self) -> Json:
        for name in ("tool_choice", "parallel_tool_calls"):
            if getattr(self._request, name) is not None:
                self._losses.add(name, "the request has no tools", "cosmetic")
        return {}

    def _tool(self, path: str, tool: Tool | ServerTool) -> Json | None:
        if isinstance(tool, ServerTool):
            if tool.origin == NAME:
                own = split(tool.data) | self._turns.mark(tool.cache, f"{path}.cache")
                return self._turns.beside(own, tool.extras, f"{path}.") if tool.extras else own
            self._losses.add(path, f"the server tool {tool.type} exists at {tool.origin} only", "content")
            return None
        for name in ("namespace", "namespace_description", "deferred"):
            if getattr(tool, name) is not None:
                self._losses.add(f"{path}.{name}", f"Chat Completions has no {name} of tools", "cosmetic")
        body: Json = {"type": tool.kind, tool.kind: self._inner(path, tool)}
        body |= self._turns.mark(tool.cache, f"{path}.cache")
        return self._turns.beside(body, tool.extras, f"{path}.") if tool.extras else body

    def _inner(self, path: str, tool: Tool) -> Json:
        fields = ("description", "format") if tool.kind == "custom" else ("description", "parameters", "strict")
        inner: Json = {"name": tool.name}
        inner |= {name: value for name in fields if (value := getattr(tool, name)) is not None}
        if tool.format is not None and tool.kind == "custom":
            inner["format"] = wrapped(tool.format)
        if "strict" in inner and not self._target.strict_tools:
            del inner["strict"]
            self._losses.add(f"{path}.strict", "the target knows no strict tools")
        return inner

    def _choice(self, choice: ToolChoice | None) -> Any:
        if choice is None:
            return None
        if choice.mode == "native":
            if choice.origin == NAME:
                return choice.native
            self._losses.add("tool_choice", f"this choice is understood by {choice.origin} only")
            return None
        if choice.mode in ("required", "named") and not self._target.tool_choice_required:
            self._losses.add("tool_choice", "the target cannot be forced to call a tool")
            return "auto"
        if choice.mode == "named":
            said = {"type": choice.kind, choice.kind: {"name": choice.name}}
            return self._turns.beside(said, choice.extras, "tool_choice.")
        lose_extras(choice.extras, "tool_choice.", "Chat Completions takes this choice as one word only", self._losses)
        return choice.mode

    # parameters

    def _sampling(self, sampling: Sampling) -> Json:
        """Every parameter that somebody named."""
        said = {name: value for name in _PARAMETERS if (value := getattr(sampling, name)) is not None}
        if sampling.stop == ():
            del said["stop"]  # an empty list, which says nothing, is refused
        if not self._target.sampling:
            for name in [name for name in _SAMPLED if name in said]:
                del said[name]
                self._losses.add(f"sampling.{name}", "the model takes no sampling parameters")
        return said

    def _output(self, output: OutputFormat) -> Json:
        if output.kind != "json_schema":
            said = {"type": output.kind} | ({} if output.schema is None else {"schema": output.schema})
            return self._turns.beside(said, output.extras, "output.")
        if output.name is None:
            self._losses.add("output.name", "Chat Completions wants a name for a schema", "cosmetic")
        schema: Json = {"name": output.name or "response"}
        schema |= {n: value for n in ("description", "schema", "strict") if (value := getattr(output, n)) is not None}
        return self._turns.beside({"type": "json_schema", "json_schema": schema}, output.extras, "output.")
