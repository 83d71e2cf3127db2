"""A client's Responses body, parsed: the fields beside the conversation.

Fields that mean something in another dialect too become fields of the request; all others (background, conversation,
client_metadata, prompt, truncation ...) travel in extras.  An explicit null is nothing said.

Rules of this file: fields only, the conversation is read by `input.py`, tools by `tools.py`; a Struct says what an object
may hold, a function what it means and what of it is left over.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import Text
from hexapla.ir.request import GenerateRequest, Message, OutputFormat, ReasoningWish, Sampling
from hexapla.protocols.openai_responses.input import parse_input
from hexapla.protocols.openai_responses.render import LOGPROBS
from hexapla.protocols.openai_responses.tools import parse_choice, parse_tools
from hexapla.protocols.openai_responses.words import NAME
from hexapla.protocols.typed import Reader, Rest, present
from hexapla.wire.rawjson import dump

_CONTINUES = frozenset({"conversation", "prompt"})
"""Fields beside which the input may be missing or empty, as beside previous_response_id: the conversation is elsewhere."""

_FORMATS: dict[str, Literal["text", "json_object", "json_schema"]] = {
    "text": "text",
    "json_object": "json_object",
    "json_schema": "json_schema",
}


class WireRequest(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    input: Raw = Raw()
    instructions: str | None = None
    tools: list[Raw] | None = None
    tool_choice: Raw = Raw()
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    include: list[str] | None = None
    reasoning: Raw = Raw()
    text: Raw = Raw()
    stream: bool | None = None
    user: str | None = None
    metadata: Raw = Raw()
    service_tier: str | None = None
    store: bool | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    previous_response_id: str | None = None
    # travels as what is unknown does; but Codex says it in every request, and to sift 32 KB for it takes 20 µs
    client_metadata: Raw = Raw()


class WireReasoning(msgspec.Struct, forbid_unknown_fields=True):
    """effort and summary, under its former name too, or OpenRouter's max_tokens, exclude and enabled."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None
    enabled: bool | None = None
    max_tokens: int | None = None
    exclude: bool | None = None


class WireText(msgspec.Struct, forbid_unknown_fields=True):
    verbosity: str | None = None
    format: Raw = Raw()


class WireKind(msgspec.Struct):
    type: str


class WireFormat(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    name: str | None = None
    description: str | None = None
    schema: Raw = Raw()
    strict: bool | None = None


_REQUEST, _REASONING = Reader(WireRequest), Reader(WireReasoning)
_TEXT, _KIND, _FORMAT = Reader(WireText), Reader(WireKind), Reader(WireFormat)


def parse_request(body: bytes) -> GenerateRequest:
    """Client body -> request.  Raises ProtocolError."""
    wire, rest = _REQUEST.read(body)
    messages = parse_input(wire.input)
    if not messages and wire.previous_response_id is None and _CONTINUES.isdisjoint(rest):
        why = "input is required: a string that is not empty, or a list of at least one item"
        raise ProtocolError(why, path="$.input")
    if wire.instructions:
        messages = (Message(role="system", content=(Text(text=wire.instructions),), plain=True), *messages)
    output, verbosity, further = _text(wire.text) if wire.text else (None, None, None)
    if further:
        rest = {**rest, "text": further}
    if (told := present(wire.client_metadata)) is not None:
        rest = {**rest, "client_metadata": told}
    include = wire.include or []
    if others := [name for name in include if name != LOGPROBS]:
        rest = {**rest, "include": dump(others)}
    return GenerateRequest(
        protocol=NAME,
        model=wire.model,
        messages=messages,
        tools=parse_tools(wire.tools) if wire.tools else (),
        tool_choice=parse_choice(wire.tool_choice) if wire.tool_choice else None,
        parallel_tool_calls=wire.parallel_tool_calls,
        max_tokens=wire.max_output_tokens,
        sampling=Sampling(
            temperature=wire.temperature,
            top_p=wire.top_p,
            top_logprobs=wire.top_logprobs,
            logprobs=True if LOGPROBS in include else None,
        ),
        reasoning=_reasoning(wire.reasoning) if wire.reasoning else None,
        output=output,
        verbosity=verbosity,
        stream=wire.stream or False,
        user=wire.user,
        metadata=present(wire.metadata),
        service_tier=wire.service_tier,
        store=wire.store,
        cache_key=wire.prompt_cache_key,
        safety_identifier=wire.safety_identifier,
        continues=wire.previous_response_id,
        extras={NAME: rest} if rest else {},
    )


def _reasoning(raw: Raw) -> ReasoningWish | None:
    wire, rest = _REASONING.maybe(raw, "$.reasoning")
    if wire is None:
        return None
    summary = wire.summary
    if not summary:
        summary = wire.generate_summary
    wish = ReasoningWish(
        mode=None if wire.enabled is None else "enabled" if wire.enabled else "disabled",
        effort=wire.effort,
        summary=summary,
        budget=wire.max_tokens,
        exclude=wire.exclude,
        extras={NAME: rest} if rest else {},
    )
    return None if wish == ReasoningWish() else wish


def _text(raw: Raw) -> tuple[OutputFormat | None, str | None, Rest | None]:
    """(format, verbosity, what else the field holds)."""
    text, rest = _TEXT.maybe(raw, "$.text")
    if text is None:
        return None, None, None
    if present(text.format) is None:
        return None, text.verbosity, rest
    output = _format(text.format)
    return output, text.verbosity, rest if output is not None else {**rest, "format": text.format}


def _format(raw: Raw) -> OutputFormat | None:
    """A format; None for one that only Responses knows."""
    path = "$.text.format"
    kind = _FORMATS.get(_KIND.read(raw, path)[0].type)
    if kind is None:
        return None
    wire, rest = _FORMAT.read(raw, path)
    return OutputFormat(
        kind=kind,
        name=wire.name,
        description=wire.description,
        schema=present(wire.schema),
        strict=wire.strict,
        extras={NAME: rest} if rest else {},
    )
