"""A client's Messages body, parsed.

Accepts both API versions and what agents really send: deferred tools, server tools, an output format in either of its two
places (`history.py` reads the conversation).  Unknown fields travel in extras.  What cannot be right is refused with its
path.

Rules of this file: a Struct says what an object may hold, a function what it means.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.content import CacheMark
from hexapla.ir.request import GenerateRequest, OutputFormat, ReasoningWish, Sampling, ServerTool, Tool, ToolChoice
from hexapla.protocols.anthropic_messages.history import parse_system, parse_turns
from hexapla.protocols.anthropic_messages.words import NAME
from hexapla.protocols.extras import MARK
from hexapla.protocols.typed import NO_REST, Reader, Rest, present, read_list
from hexapla.wire.rawjson import NULL, dump, join, load, split


class WireRequest(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    model: str
    messages: Raw
    max_tokens: int
    system: str | list[Raw] | None = None
    tools: Raw = Raw()
    tool_choice: Raw = Raw()
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    thinking: Raw = Raw()
    output_config: Raw = Raw()
    output_format: Raw = Raw()
    stream: bool | None = None
    metadata: Raw = Raw()
    service_tier: str | None = None
    cache_control: CacheMark | None = None
    # travels as what is unknown does; but Claude Code says it in every request, and to sift 70 KB for it takes 60 µs
    context_management: Raw = Raw()


class WireTool(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A tool that the client runs."""

    name: str
    type: Literal["custom"] | None = None
    description: str | None = None
    input_schema: Raw = Raw()
    strict: bool | None = None
    defer_loading: bool | None = None
    cache_control: CacheMark | None = None


class WireKind(msgspec.Struct):
    """What every tool may hold."""

    type: str | None = None
    cache_control: CacheMark | None = None


class WireChoice(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class WireThinking(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


class WireConfig(msgspec.Struct, forbid_unknown_fields=True):
    effort: str | None = None
    format: Raw = Raw()


class WireFormat(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    name: str | None = None
    schema: Raw = Raw()


class WireMetadata(msgspec.Struct, forbid_unknown_fields=True):
    user_id: str | None = None


_NO_SAMPLING, _UNSAID = Sampling(), (None,) * 4
_REQUEST = Reader(WireRequest)
_KIND = Reader(WireKind)
_TOOL = Reader(WireTool)
_CHOICE = Reader(WireChoice)
_THINKING = Reader(WireThinking)
_CONFIG = Reader(WireConfig)
_FORMAT = Reader(WireFormat)
_METADATA = Reader(WireMetadata)


def parse_request(body: bytes) -> GenerateRequest:
    """Client body -> request.  Raises ProtocolError."""
    wire, rest = _REQUEST.read(body)
    if wire.context_management and wire.context_management != NULL:
        rest = {**rest, "context_management": wire.context_management}
    system = parse_system(wire.system) if wire.system else ()
    turns = parse_turns(wire.messages)
    if not turns:
        raise ProtocolError("messages: at least one message is required", path="$.messages")
    request = GenerateRequest(
        protocol=NAME,
        model=wire.model,
        messages=(*system, *turns),
        tools=_tools(wire.tools) if wire.tools else (),
        max_tokens=wire.max_tokens,
        sampling=_sampling(wire),
        stream=wire.stream or False,
    )
    more = wire.tool_choice or wire.thinking or wire.metadata or wire.output_config or wire.output_format
    return _further(request, wire, rest) if more or rest or wire.service_tier or wire.cache_control else request


def _further(request: GenerateRequest, wire: WireRequest, rest: Rest) -> GenerateRequest:
    """`request` with what not every body says."""
    config: WireConfig | None = None
    if wire.output_config:
        config, beside = _CONFIG.maybe(wire.output_config, "$.output_config")
        rest = rest | _untaken(wire, config, beside)
    choice, parallel = _tool_choice(wire.tool_choice) if wire.tool_choice else (None, None)
    user, metadata = _metadata(wire.metadata) if wire.metadata else (None, None)
    return replace(
        request,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        reasoning=_reasoning(wire.thinking, config) if wire.thinking or config is not None else None,
        output=_output(wire.output_format, config) if wire.output_format or config is not None else None,
        user=user,
        metadata=metadata,
        service_tier=wire.service_tier,
        cache=wire.cache_control,
        extras={NAME: rest} if rest else {},
    )


def _untaken(wire: WireRequest, config: WireConfig | None, beside: Rest) -> Rest:
    """What output_config holds beside effort and format, and the beta's format where there are two."""
    rest: Rest = {"output_config": beside} if beside else {}
    twice = present(wire.output_format) if config is not None and present(config.format) is not None else None
    return rest if twice is None else {**rest, "output_format": twice}


def _metadata(raw: Raw) -> tuple[str | None, Raw | None]:
    """(the user's id, what else stands beside it)."""
    metadata, rest = _METADATA.maybe(raw, "$.metadata")
    return metadata.user_id if metadata is not None else None, Raw(join(rest)) if rest else None


def _sampling(wire: WireRequest) -> Sampling:
    said = (wire.temperature, wire.top_p, wire.top_k, wire.stop_sequences)
    if said == _UNSAID:
        return _NO_SAMPLING
    temperature, top_p, top_k, stop = said
    return Sampling(temperature=temperature, top_p=top_p, top_k=top_k, stop=None if stop is None else tuple(stop))


def _tools(raw: Raw) -> tuple[Tool | ServerTool, ...]:
    """All tools, in one decode where all are the client's and say nothing unknown."""
    known = load(raw, list[WireTool])
    if known is not None:
        return tuple([_client_tool(tool, NO_REST) for tool in known])
    if raw == NULL:
        return ()
    return tuple([parse_tool(each, f"$.tools[{i}]") for i, each in enumerate(read_list(raw, "$.tools"))])


def parse_tool(raw: Raw, path: str) -> Tool | ServerTool:
    """One tool, whatever it says.  Raises ProtocolError."""
    kind, rest = _KIND.read(raw, path)
    if kind.type not in (None, "custom"):
        return _server_tool(kind, {MARK: rest[MARK]} if MARK in rest else {}, raw)
    return _client_tool(*_TOOL.read(raw, path))


def _client_tool(tool: WireTool, rest: Rest) -> Tool:
    return Tool(
        name=tool.name,
        description=tool.description,
        parameters=present(tool.input_schema),
        strict=tool.strict,
        deferred=tool.defer_loading,
        cache=tool.cache_control,
        extras={NAME: rest} if rest else {},
    )


def _server_tool(kind: WireKind, rest: Rest, raw: Raw) -> ServerTool:
    """A tool that Anthropic runs; which fields it has is Anthropic's business."""
    fields = {name: value for name, value in split(raw).items() if value != NULL and name != "cache_control"}
    name = load(fields["name"], str) if "name" in fields else None
    data = Raw(join({"type": fields["type"], **fields}))
    extras = {NAME: rest} if rest else {}
    return ServerTool(origin=NAME, type=kind.type or "", name=name, data=data, cache=kind.cache_control, extras=extras)


_MODES: dict[str, Literal["auto", "none", "required"]] = {"auto": "auto", "any": "required", "none": "none"}


def _tool_choice(raw: Raw) -> tuple[ToolChoice | None, bool | None]:
    """(choice, parallel calls allowed)."""
    choice, rest = _CHOICE.maybe(raw, "$.tool_choice")
    if choice is None:
        return None, None
    parallel = None if choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use
    extras = {NAME: rest} if rest else {}
    if choice.type in _MODES:
        return ToolChoice(mode=_MODES[choice.type], extras=extras), parallel
    if choice.type != "tool":
        return ToolChoice(mode="native", origin=NAME, native=raw), parallel
    if choice.name is None:
        raise ProtocolError("name is required", path="$.tool_choice.name")
    return ToolChoice(mode="named", name=choice.name, extras=extras), parallel


_BETWEEN = "between_tools"
"""A way to think that only Messages knows, between two calls (anthropic-python 2.13, 2026-11); it travels as it is."""

_THOUGHT: dict[str, Literal["enabled", "disabled", "adaptive"]] = {
    "enabled": "enabled",
    "disabled": "disabled",
    "adaptive": "adaptive",
    _BETWEEN: "adaptive",
}


def _reasoning(raw: Raw, config: WireConfig | None) -> ReasoningWish | None:
    """thinking{} and output_config.effort."""
    effort = config.effort if config is not None else None
    thinking, rest = _THINKING.maybe(raw, "$.thinking")
    if thinking is None:
        return None if effort is None else ReasoningWish(effort=effort)
    if thinking.type not in _THOUGHT:
        why = f"{thinking.type!r} is no kind of thinking; use enabled, disabled or adaptive"
        raise ProtocolError(why, path="$.thinking.type")
    if thinking.type == _BETWEEN:
        rest = {**rest, "type": dump(_BETWEEN)}
    return ReasoningWish(
        mode=_THOUGHT[thinking.type],
        effort=effort,
        budget=thinking.budget_tokens,
        summary=thinking.display,
        extras={NAME: rest} if rest else {},
    )


def _output(beta: Raw, config: WireConfig | None) -> OutputFormat | None:
    """output_config.format, or output_format as its beta had it."""
    path = "$.output_config.format"
    found, rest = _FORMAT.maybe(config.format if config is not None else Raw(), path)
    if found is None:
        path = "$.output_format"
        found, rest = _FORMAT.maybe(beta, path)
    if found is None:
        return None
    if found.type != "json_schema":
        raise ProtocolError(f"{found.type!r} is no output format; use json_schema", path=f"{path}.type")
    extras = {NAME: rest} if rest else {}
    return OutputFormat(kind="json_schema", name=found.name, schema=present(found.schema), extras=extras)
