"""A request for a generation, in the richest common form.

`None` always means "the client did not say", so a renderer emits nothing.  Messages keep the client's order and places:
system and developer messages stand where the client put them (Messages' `system` and Responses' `instructions` become
the first message).

Canonical shape, made by every parser and relied on by every renderer:
- tool results live in messages of role "tool" that hold nothing but ToolResult parts; adjacent ones are one message;
- what a Messages user turn says beside its tool results follows as its own "user" message;
- an assistant turn is one message: reasoning, text and calls in order (Responses items are gathered).

Rules of this file: values only, no wire names, no defaults of ours.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

from hexapla.ir.content import AnyPart, CacheMark, Extras

Role = Literal["system", "developer", "user", "assistant", "tool"]

SYSTEM: tuple[Role, ...] = ("system", "developer")
"""Roles that instruct the model."""


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One turn.  `plain`: the wire carried the content as a bare string (then content is one Text part)."""

    role: Role
    content: tuple[AnyPart, ...] = ()
    plain: bool = False
    name: str | None = None
    extras: Extras = {}


class Tool(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A tool that the client runs.

    parameters  JSON schema text, untouched; None when the client sent none
    kind        "custom" takes free-form text; `format` is its grammar as Responses says it
    namespace   Responses namespace tools: the namespace this tool stands in
    deferred    Messages/Responses defer_loading
    """

    name: str
    description: str | None = None
    parameters: Raw | None = None
    strict: bool | None = None
    kind: Literal["function", "custom"] = "function"
    format: Raw | None = None
    namespace: str | None = None
    namespace_description: str | None = None
    deferred: bool | None = None
    cache: CacheMark | None = None
    extras: Extras = {}


class ServerTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that the vendor runs (web_search, code_execution, tool_search ...): replayed only to `origin` protocol."""

    origin: str
    type: str
    name: str | None = None
    data: Raw
    cache: CacheMark | None = None
    extras: Extras = {}


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """mode "named" carries `name` (and the tool's `kind`); "native" is a choice only `origin` understands."""

    mode: Literal["auto", "none", "required", "named", "native"]
    name: str | None = None
    kind: Literal["function", "custom"] = "function"
    origin: str = ""
    native: Raw | None = None
    extras: Extras = {}


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """Sampling parameters; ranges are the client's dialect's own (temperature 0-2 for OpenAI, 0-1 for Messages)."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    top_a: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    logit_bias: Raw | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: int | None = None


class ReasoningWish(msgspec.Struct, frozen=True, kw_only=True):
    """How much thought the client wants, and how much of it to see.

    mode     enabled | disabled | adaptive, where the dialect says so (Messages thinking.type)
    effort   none | minimal | low | medium | high | xhigh | max
    budget   tokens (Messages budget_tokens, OpenRouter reasoning.max_tokens)
    summary  auto | concise | detailed (Responses), summarized | omitted | updates (Messages display)
    exclude  think, but do not send the thought (OpenRouter)
    form     the native field that said it, where a dialect has several (Chat's thinking, enable_thinking)
    """

    mode: Literal["enabled", "disabled", "adaptive"] | None = None
    effort: str | None = None
    budget: int | None = None
    summary: str | None = None
    exclude: bool | None = None
    form: str = ""
    extras: Extras = {}


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True):
    """response_format, text.format or output_config.format.  `schema` is raw text: key order matters to models."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: Raw | None = None
    strict: bool | None = None
    extras: Extras = {}


class GenerateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request for one answer.

    protocol       name of the protocol that it was parsed from
    functions      its tools were said as Chat's functions of 2023: whoever says so knows calls by that name only
    include_usage  Chat's stream_options.include_usage; None for dialects that always report usage
    continues      Responses previous_response_id: replayed only to the same provider
    betas          Messages' anthropic-beta header values (filled in by the server, not by parse_request)
    extras         unknown top-level fields, by protocol
    """

    protocol: str
    model: str
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool | ServerTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: bool = False
    max_tokens: int | None = None
    sampling: Sampling = Sampling()
    reasoning: ReasoningWish | None = None
    output: OutputFormat | None = None
    verbosity: str | None = None
    stream: bool = False
    include_usage: bool | None = None
    user: str | None = None
    metadata: Raw | None = None
    service_tier: str | None = None
    store: bool | None = None
    cache_key: str | None = None
    cache: CacheMark | None = None  # Messages' top-level cache_control
    safety_identifier: str | None = None
    continues: str | None = None
    betas: tuple[str, ...] = ()
    extras: Extras = {}
