"""A client's Chat Completions body, parsed.

Accepts a superset of the published types: OpenRouter's and vLLM's further sampling fields, three ways to ask for thought,
tools that only some server knows, explicit nulls.  Unknown fields travel in extras.  What cannot be right is refused
with the path of the first wrong field.

Rules of this file: top-level fields only (`history.py` reads the conversation, `wish.py` the wish to think); a Struct says
what an object may hold, a function what it means; an absent field stays None.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import CacheMark
from hexapla.ir.request import GenerateRequest, OutputFormat, Sampling, ServerTool, Tool, ToolChoice
from hexapla.protocols.openai_chat.history import parse_messages
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.openai_chat.wish import Asked, parse_wish
from hexapla.protocols.typed import NULL, Reader, Rest, is_text, present, string
from hexapla.wire.rawjson import join, load, split
from hexapla.wire.surrogates import mend


class WireRequest(Asked, forbid_unknown_fields=True, kw_only=True):
    model: str
    messages: Raw
    tools: list[Raw] | None = None
    functions: list[Raw] | None = None
    tool_choice: Raw = Raw()
    function_call: Raw = Raw()
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    top_a: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    logit_bias: Raw = Raw()
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: int | None = None
    response_format: Raw = Raw()
    verbosity: str | None = None
    stream: bool | None = None
    stream_options: Raw = Raw()
    user: str | None = None
    metadata: Raw = Raw()
    service_tier: str | None = None
    store: bool | None = None
    prompt_cache_key: str | None = None
    cache_control: CacheMark | None = None
    safety_identifier: str | None = None


class WireOptions(msgspec.Struct, forbid_unknown_fields=True):
    include_usage: bool | None = None


class WireKind(msgspec.Struct):
    """What every tool may hold."""

    type: str | None = None
    cache_control: CacheMark | None = None


class WireTool(msgspec.Struct, forbid_unknown_fields=True):
    function: Raw
    type: str | None = None
    cache_control: CacheMark | None = None


class WireCustomTool(msgspec.Struct, forbid_unknown_fields=True):
    custom: Raw
    type: str | None = None
    cache_control: CacheMark | None = None


class WireDefinition(msgspec.Struct, forbid_unknown_fields=True):
    """What stands inside of `function` or `custom`."""

    name: str
    description: str | None = None
    parameters: Raw = Raw()
    strict: bool | None = None
    format: Raw = Raw()
    cache_control: CacheMark | None = None


class WireFunction(msgspec.Struct, forbid_unknown_fields=True):
    """One of the functions of 2023."""

    name: str
    description: str | None = None
    parameters: Raw = Raw()


class WireNamed(msgspec.Struct):
    name: str


class WireChoice(msgspec.Struct):
    """A named tool, whose name stands inside or at the top."""

    type: str | None = None
    name: str | None = None
    function: WireNamed | None = None
    custom: WireNamed | None = None


class WireSchema(msgspec.Struct):
    name: str | None = None
    description: str | None = None
    schema: Raw = Raw()
    strict: bool | None = None


class WireFormat(msgspec.Struct):
    type: str
    json_schema: WireSchema | None = None
    schema: Raw = Raw()


_REQUEST, _OPTIONS = Reader(WireRequest), Reader(WireOptions)
_KIND, _TOOL, _CUSTOM_TOOL = Reader(WireKind), Reader(WireTool), Reader(WireCustomTool)
_DEFINITION, _FUNCTION = Reader(WireDefinition), Reader(WireFunction)
_CHOICE, _FORMAT = Reader(WireChoice), Reader(WireFormat)

_CHOICES: dict[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "any": "required",  # Mistral's word
}


def parse_request(body: bytes) -> GenerateRequest:
    """Client body -> request.  Raises ProtocolError."""
    try:
        return _request(body)
    except ProtocolError:
        mended = mend(body)  # agents cut tool output in the middle of an emoji
        if mended == body:
            raise
    return _request(mended)


def _request(body: bytes) -> GenerateRequest:
    wire, rest = _REQUEST.read(body)
    output = _output(wire.response_format) if wire.response_format else None
    options, further = _OPTIONS.maybe(wire.stream_options, "$.stream_options")
    wish = parse_wish(wire)
    untaken = {
        "stream_options": Raw(join(further)) if further else Raw(),
        "response_format": wire.response_format if output is None else Raw(),
        "thinking": wire.thinking if wire.thinking and is_text(wire.thinking) else Raw(),
    }
    rest = rest | {name: found for name, raw in untaken.items() if (found := present(raw)) is not None}
    tools = [_tool(raw, f"$.tools[{i}]") for i, raw in enumerate(wire.tools or ())]
    tools += [_function(raw, f"$.functions[{i}]") for i, raw in enumerate(wire.functions or ())]
    return GenerateRequest(
        protocol=NAME,
        model=wire.model,
        messages=parse_messages(wire.messages),
        tools=tuple(tools),
        tool_choice=_tool_choice(wire) if wire.tool_choice or wire.function_call else None,
        parallel_tool_calls=wire.parallel_tool_calls,
        max_tokens=wire.max_tokens if wire.max_completion_tokens is None else wire.max_completion_tokens,
        sampling=_sampling(wire),
        reasoning=wish,
        output=output,
        verbosity=wire.verbosity,
        stream=wire.stream or False,
        include_usage=options.include_usage if options is not None else None,
        user=wire.user,
        metadata=present(wire.metadata),
        service_tier=wire.service_tier,
        store=wire.store,
        cache_key=wire.prompt_cache_key,
        cache=wire.cache_control,
        safety_identifier=wire.safety_identifier,
        extras={NAME: rest} if rest else {},
    )


def _sampling(wire: WireRequest) -> Sampling:
    stop = wire.stop
    return Sampling(
        temperature=wire.temperature,
        top_p=wire.top_p,
        top_k=wire.top_k,
        min_p=wire.min_p,
        top_a=wire.top_a,
        frequency_penalty=wire.frequency_penalty,
        presence_penalty=wire.presence_penalty,
        repetition_penalty=wire.repetition_penalty,
        seed=wire.seed,
        stop=None if stop is None else (stop,) if isinstance(stop, str) else tuple(stop),
        logit_bias=present(wire.logit_bias),
        logprobs=wire.logprobs,
        top_logprobs=wire.top_logprobs,
        n=wire.n,
    )


# tools


def _tool(raw: Raw, path: str) -> Tool | ServerTool:
    kind, _ = _KIND.read(raw, path)
    if kind.type == "custom":
        custom, beside = _CUSTOM_TOOL.read(raw, path)
        return _defined("custom", custom.custom, kind, beside, f"{path}.custom")
    if not kind.type or kind.type == "function":
        tool, beside = _TOOL.read(raw, path)
        return _defined("function", tool.function, kind, beside, f"{path}.function")
    fields = {name: value for name, value in split(raw).items() if value != NULL and name != "cache_control"}
    data = Raw(join({"type": fields["type"], **fields}))
    name = load(fields["name"], str) if "name" in fields else None
    return ServerTool(origin=NAME, type=kind.type, name=name, data=data, cache=kind.cache_control)


def _defined(kind: Literal["function", "custom"], raw: Raw, outer: WireKind, beside: Rest, path: str) -> Tool:
    inner, rest = _DEFINITION.read(raw, path)
    rest = {**rest, **beside}
    return Tool(
        name=inner.name,
        description=inner.description,
        parameters=present(inner.parameters),
        strict=inner.strict,
        kind=kind,
        format=present(inner.format),
        cache=outer.cache_control or inner.cache_control,
        extras={NAME: rest} if rest else {},
    )


def _function(raw: Raw, path: str) -> Tool:
    """One of the legacy `functions` list."""
    function, rest = _FUNCTION.read(raw, path)
    return Tool(
        name=function.name,
        description=function.description,
        parameters=present(function.parameters),
        extras={NAME: rest} if rest else {},
    )


def _tool_choice(wire: WireRequest) -> ToolChoice | None:
    choice, legacy = present(wire.tool_choice), present(wire.function_call)
    raw = legacy if choice is None else choice
    if raw is None:
        return None
    path = f"$.{'function_call' if choice is None else 'tool_choice'}"
    return _chosen_word(string(raw, path), path) if is_text(raw) else _chosen_tool(raw, path)


def _chosen_word(word: str, path: str) -> ToolChoice:
    mode = _CHOICES.get(word)
    if mode is None:
        raise ProtocolError(f"{word!r} is no tool choice; use auto, none, required or a named tool", path=path)
    return ToolChoice(mode=mode)


def _chosen_tool(raw: Raw, path: str) -> ToolChoice:
    """A named tool; anything else (allowed_tools, a server tool) is understood by Chat only."""
    choice, _ = _CHOICE.read(raw, path)
    if choice.type not in (None, "", "function", "custom"):
        return ToolChoice(mode="native", origin=NAME, native=raw)
    custom = choice.type == "custom"
    inner = choice.custom if custom else choice.function
    name = choice.name if inner is None else inner.name
    if name is None:
        raise ProtocolError("name is required", path=f"{path}.name")
    return ToolChoice(mode="named", name=name, kind="custom" if custom else "function")


def _output(raw: Raw) -> OutputFormat | None:
    """response_format; None for a kind that only some server knows (grammar, regex), which stays an unknown field."""
    found, _ = _FORMAT.maybe(raw, "$.response_format")
    if found is None:
        return None
    if found.type == "text":
        return OutputFormat(kind="text")
    if found.type == "json_object":  # Together, Fireworks and llama.cpp put a schema beside it
        return OutputFormat(kind="json_object", schema=present(found.schema))
    if found.type != "json_schema":
        return None
    schema = found.json_schema
    if schema is None:
        raise ProtocolError("json_schema is required", path="$.response_format.json_schema")
    return OutputFormat(
        kind="json_schema",
        name=schema.name,
        description=schema.description,
        schema=present(schema.schema),
        strict=schema.strict,
    )
