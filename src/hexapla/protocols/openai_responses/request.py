"""A client's Responses body, parsed: the fields beside the conversation.

Fields that mean something in another dialect too become fields of the request; all others (background, conversation,
client_metadata, prompt, truncation ...) travel in extras.  An explicit null is nothing said.

Rules of this file: fields only; the conversation is read by `input.py`, tools by `tools.py`.
"""

from __future__ import annotations

from msgspec import Raw

from hexapla.ir.content import Text
from hexapla.ir.request import GenerateRequest, Message, OutputFormat, ReasoningWish, Sampling
from hexapla.protocols.fields import Fields, extras_of
from hexapla.protocols.openai_responses.input import parse_input
from hexapla.protocols.openai_responses.render import LOGPROBS
from hexapla.protocols.openai_responses.tools import parse_choice, parse_tools
from hexapla.protocols.openai_responses.words import NAME
from hexapla.wire.rawjson import dump

_FORMATS = frozenset({"text", "json_object", "json_schema"})


def parse_request(body: bytes) -> GenerateRequest:
    """Client body -> request.  Raises ProtocolError."""
    fields = Fields(body)
    model, instructions = fields.required("model"), fields.text("instructions")
    system = (Message(role="system", content=(Text(text=instructions),), plain=True),) if instructions else ()
    messages = (*system, *parse_input(fields))
    output, verbosity = _text(fields)
    return GenerateRequest(
        protocol=NAME,
        model=model,
        messages=messages,
        tools=parse_tools(fields),
        tool_choice=parse_choice(fields),
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        max_tokens=fields.integer("max_output_tokens"),
        sampling=_sampling(fields),
        reasoning=_reasoning(fields),
        output=output,
        verbosity=verbosity,
        stream=fields.flag("stream") or False,
        user=fields.text("user"),
        metadata=fields.raw("metadata"),
        service_tier=fields.text("service_tier"),
        store=fields.flag("store"),
        cache_key=fields.text("prompt_cache_key"),
        safety_identifier=fields.text("safety_identifier"),
        continues=fields.text("previous_response_id"),
        extras=extras_of(NAME, fields.rest()),
    )


def _sampling(fields: Fields) -> Sampling:
    """Sampling parameters; that token probabilities are wanted stands in `include`, and is taken from there."""
    include = fields.strings("include") or []
    others = [name for name in include if name != LOGPROBS]
    if others:
        fields.put("include", dump(others))
    return Sampling(
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_logprobs=fields.integer("top_logprobs"),
        logprobs=True if LOGPROBS in include else None,
    )


def _reasoning(fields: Fields) -> ReasoningWish | None:
    """effort and summary, or OpenRouter's max_tokens, exclude and enabled."""
    inner = fields.object("reasoning")
    if inner is None:
        return None
    enabled = inner.flag("enabled")
    wish = ReasoningWish(
        mode=None if enabled is None else "enabled" if enabled else "disabled",
        effort=inner.text("effort"),
        summary=inner.text("summary") or inner.text("generate_summary"),
        budget=inner.integer("max_tokens"),
        exclude=inner.flag("exclude"),
        extras=extras_of(NAME, inner.rest()),
    )
    return None if wish == ReasoningWish() else wish


def _text(fields: Fields) -> tuple[OutputFormat | None, str | None]:
    """(format, verbosity); what else the text field holds stays in it."""
    inner = fields.object("text")
    if inner is None:
        return None, None
    verbosity, said = inner.text("verbosity"), inner.peek("format")
    output = _format(inner)
    if output is None and said is not None and "format" not in inner:
        inner.put("format", said)
    rest = inner.rest()
    if rest:
        fields.put("text", dump(rest))
    return output, verbosity


def _format(text: Fields) -> OutputFormat | None:
    """A format that is known; None for none, and for one that only Responses knows."""
    inner = text.object("format")
    if inner is None:
        return None
    kind = inner.required("type")
    if kind not in _FORMATS:
        return None
    output = OutputFormat(
        kind=kind,  # type: ignore[arg-type]
        name=inner.text("name"),
        description=inner.text("description"),
        schema=inner.raw("schema"),
        strict=inner.flag("strict"),
    )
    rest: dict[str, Raw] = inner.rest()
    if rest:
        text.put("format", dump(rest))
    return output
