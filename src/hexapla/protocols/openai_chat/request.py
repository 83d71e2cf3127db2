"""A client's Chat Completions body, parsed.

Accepts a superset of the published types: OpenRouter's and vLLM's further sampling fields, three ways to ask for thought,
tools that only some server knows, explicit nulls.  Unknown fields travel in extras.  What cannot be right is refused
with the path of the first wrong field.

Rules of this file: top-level fields only (`history.py` reads the conversation); an absent field stays None.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.request import GenerateRequest, OutputFormat, ReasoningWish, Sampling, ServerTool, Tool, ToolChoice
from hexapla.protocols.fields import Fields, extras_of, is_text, string
from hexapla.protocols.openai_chat.history import parse_cache, parse_messages
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.wire.rawjson import dump, join
from hexapla.wire.surrogates import mend

_NUMBERS = ("temperature", "top_p", "min_p", "top_a", "frequency_penalty", "presence_penalty", "repetition_penalty")
_INTEGERS = ("top_k", "seed", "top_logprobs", "n")

_CHOICES: dict[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "any": "required",  # Mistral's word
}
_THINKING: dict[str, Literal["enabled", "disabled", "adaptive"]] = {
    "enabled": "enabled",
    "disabled": "disabled",
    "adaptive": "adaptive",
    "auto": "adaptive",  # Ark
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
    fields = Fields(body)
    model = fields.required("model")
    messages = parse_messages(fields)
    limit, newer_limit = fields.integer("max_tokens"), fields.integer("max_completion_tokens")
    return GenerateRequest(
        protocol=NAME,
        model=model,
        messages=messages,
        tools=tuple([_tool(tool) for tool in fields.objects("tools")]) + _functions(fields),
        tool_choice=_tool_choice(fields),
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        max_tokens=limit if newer_limit is None else newer_limit,
        sampling=_sampling(fields),
        reasoning=_reasoning(fields),
        output=_output(fields),
        verbosity=fields.text("verbosity"),
        stream=fields.flag("stream") or False,
        include_usage=_include_usage(fields),
        user=fields.text("user"),
        metadata=fields.raw("metadata"),
        service_tier=fields.text("service_tier"),
        store=fields.flag("store"),
        cache_key=fields.text("prompt_cache_key"),
        cache=parse_cache(fields),
        safety_identifier=fields.text("safety_identifier"),
        extras=extras_of(NAME, fields.rest()),
    )


def _include_usage(fields: Fields) -> bool | None:
    """stream_options.include_usage; the other options stay where they are."""
    raw = fields.peek("stream_options")
    options = fields.object("stream_options")
    if options is None:
        return None
    said, rest = options.flag("include_usage"), options.rest()
    if rest and raw is not None:
        fields.put("stream_options", Raw(join(rest)))
    return said


def _tool(fields: Fields) -> Tool | ServerTool:
    kind = fields.text("type") or "function"
    cache = parse_cache(fields)
    if kind not in ("function", "custom"):
        data = Raw(join({"type": dump(kind), **fields.rest()}))
        return ServerTool(origin=NAME, type=kind, name=fields.text("name"), data=data, cache=cache)
    inner = fields.object(kind)
    if inner is None:
        raise fields.wrong(kind, f"{kind} is required")
    cache = cache or parse_cache(inner)
    return Tool(
        name=inner.required("name"),
        description=inner.text("description"),
        parameters=inner.raw("parameters"),
        strict=inner.flag("strict"),
        kind="custom" if kind == "custom" else "function",
        format=inner.raw("format"),
        cache=cache,
        extras=extras_of(NAME, inner.rest() | fields.rest()),
    )


def _functions(fields: Fields) -> tuple[Tool, ...]:
    """The legacy `functions` list."""
    return tuple(
        [
            Tool(
                name=function.required("name"),
                description=function.text("description"),
                parameters=function.raw("parameters"),
                extras=extras_of(NAME, function.rest()),
            )
            for function in fields.objects("functions")
        ]
    )


def _tool_choice(fields: Fields) -> ToolChoice | None:
    choice, legacy = fields.raw("tool_choice"), fields.raw("function_call")
    raw = legacy if choice is None else choice
    if raw is None:
        return None
    path = f"{fields.path}.{'function_call' if choice is None else 'tool_choice'}"
    return _chosen_word(string(raw, path), path) if is_text(raw) else _chosen_tool(raw, path)


def _chosen_word(word: str, path: str) -> ToolChoice:
    mode = _CHOICES.get(word)
    if mode is None:
        raise ProtocolError(f"{word!r} is no tool choice; use auto, none, required or a named tool", path=path)
    return ToolChoice(mode=mode)


def _chosen_tool(raw: Raw, path: str) -> ToolChoice:
    """A named tool; anything else (allowed_tools, a server tool) is understood by Chat only."""
    choice = Fields(raw, path)
    kind = choice.text("type") or "function"
    if kind not in ("function", "custom"):
        return ToolChoice(mode="native", origin=NAME, native=raw)
    inner = choice.object(kind) or choice
    return ToolChoice(mode="named", name=inner.required("name"), kind="custom" if kind == "custom" else "function")


def _sampling(fields: Fields) -> Sampling:
    said: dict[str, Any] = {name: fields.number(name) for name in _NUMBERS}
    said |= {name: fields.integer(name) for name in _INTEGERS}
    return Sampling(stop=_stop(fields), logit_bias=fields.raw("logit_bias"), logprobs=fields.flag("logprobs"), **said)


def _stop(fields: Fields) -> tuple[str, ...] | None:
    raw = fields.peek("stop")
    if raw is not None and is_text(raw):
        return (fields.required("stop"),)
    listed = fields.strings("stop")
    return None if listed is None else tuple(listed)


def _reasoning(fields: Fields) -> ReasoningWish | None:
    """The wish to think, in whichever words: reasoning_effort (OpenAI), reasoning{} (OpenRouter), thinking{} (DeepSeek,
    Z.ai, Ark, Kimi), enable_thinking and thinking_budget (DashScope, SiliconFlow)."""
    said: dict[str, Any] = {"effort": fields.text("reasoning_effort")}
    for read in (_asked_switch, _asked_thinking, _asked_openrouter):
        said |= {name: value for name, value in read(fields).items() if value is not None and value != {}}
    wish = ReasoningWish(**said)
    return None if replace(wish, form="") == ReasoningWish() else wish


def _asked_switch(fields: Fields) -> dict[str, Any]:
    if "enable_thinking" not in fields and "thinking_budget" not in fields:
        return {}
    mode = _switched(fields.flag("enable_thinking"))
    return {"mode": mode, "budget": fields.integer("thinking_budget"), "form": "enable_thinking"}


def _asked_thinking(fields: Fields) -> dict[str, Any]:
    raw = fields.peek("thinking")
    if raw is None or is_text(raw):
        return {}
    inner = fields.object("thinking")
    if inner is None:
        return {}
    kind = inner.text("type")
    if kind is not None and kind not in _THINKING:
        raise inner.wrong("type", f"{kind!r} is no way to think; use {', '.join(_THINKING)}")
    mode, budget = None if kind is None else _THINKING[kind], inner.integer("budget_tokens")
    return {"mode": mode, "budget": budget, "form": "thinking", "extras": extras_of(NAME, inner.rest())}


def _asked_openrouter(fields: Fields) -> dict[str, Any]:
    inner = fields.object("reasoning")
    if inner is None:
        return {}
    return {
        "mode": _switched(inner.flag("enabled")),
        "effort": inner.text("effort"),
        "budget": inner.integer("max_tokens"),
        "summary": inner.text("summary"),
        "exclude": inner.flag("exclude"),
        "extras": extras_of(NAME, inner.rest()),
    }


def _switched(on: bool | None) -> Literal["enabled", "disabled"] | None:
    return None if on is None else "enabled" if on else "disabled"


def _output(fields: Fields) -> OutputFormat | None:
    """response_format; a kind that only some server knows (grammar, regex) stays an unknown field."""
    raw = fields.raw("response_format")
    if raw is None:
        return None
    inner = Fields(raw, f"{fields.path}.response_format")
    kind = inner.required("type")
    if kind == "json_schema":
        return _json_schema(inner)
    if kind == "json_object":  # Together, Fireworks and llama.cpp put a schema beside it
        return OutputFormat(kind="json_object", schema=inner.raw("schema"))
    if kind == "text":
        return OutputFormat(kind="text")
    fields.put("response_format", raw)
    return None


def _json_schema(inner: Fields) -> OutputFormat:
    schema = inner.object("json_schema")
    if schema is None:
        raise inner.wrong("json_schema", "json_schema is required")
    return OutputFormat(
        kind="json_schema",
        name=schema.text("name"),
        description=schema.text("description"),
        schema=schema.raw("schema"),
        strict=schema.flag("strict"),
    )
