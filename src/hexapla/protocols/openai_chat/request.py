"""A client's Chat Completions body, parsed.

Accepts a superset of the published types: OpenRouter's and vLLM's further sampling fields, three ways to ask for thought,
tools that only some server knows, explicit nulls.  Unknown fields travel in extras.  What cannot be right is refused
with the path of the first wrong field.

Rules of this file: top-level fields only (`history.py` reads the conversation, `tools.py` the tools, `wish.py` the wish to
think); a Struct says what an object may hold, a function what it means; an absent field stays None.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import CacheMark
from hexapla.ir.request import GenerateRequest, OutputFormat, Sampling
from hexapla.protocols.openai_chat.history import parse_messages
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.openai_chat.tools import parse_choice, parse_tools
from hexapla.protocols.openai_chat.wish import Asked, parse_wish
from hexapla.protocols.typed import Reader, is_text, present
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


class WireSchema(msgspec.Struct, forbid_unknown_fields=True):
    name: str | None = None
    description: str | None = None
    schema: Raw = Raw()
    strict: bool | None = None


class WireFormat(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    json_schema: WireSchema | None = None
    schema: Raw = Raw()


_REQUEST, _OPTIONS, _FORMAT = Reader(WireRequest), Reader(WireOptions), Reader(WireFormat)


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
    wish, old = parse_wish(wire), bool(wire.functions) and not wire.tools
    untaken = {
        "response_format": wire.response_format if output is None else Raw(),
        "thinking": wire.thinking if wire.thinking and is_text(wire.thinking) else Raw(),
    }
    rest = rest | {name: found for name, raw in untaken.items() if (found := present(raw)) is not None}
    if further:
        rest["stream_options"] = further
    return GenerateRequest(
        protocol=NAME,
        model=wire.model,
        messages=parse_messages(wire.messages),
        tools=parse_tools(wire.tools or (), wire.functions or ()),
        tool_choice=parse_choice(wire.tool_choice, wire.function_call),
        parallel_tool_calls=False if old else wire.parallel_tool_calls,  # an answer has room for one function_call
        functions=old,
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


def _output(raw: Raw) -> OutputFormat | None:
    """response_format; None for a kind that only some server knows (grammar, regex), which stays an unknown field."""
    found, rest = _FORMAT.maybe(raw, "$.response_format")
    if found is None:
        return None
    extras = {NAME: rest} if rest else {}
    if found.type == "text":
        return OutputFormat(kind="text", extras=extras)
    if found.type == "json_object":  # Together, Fireworks and llama.cpp put a schema beside it
        return OutputFormat(kind="json_object", schema=present(found.schema), extras=extras)
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
        extras=extras,
    )
