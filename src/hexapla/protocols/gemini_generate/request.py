"""A client's Gemini body, parsed.

The model and the wish to stream stand in the path, so neither is looked for here.  Unknown fields travel in extras,
built-in tools whole.  Explicit nulls are nothing, both spellings are one, and what cannot be right is refused with its
path.

Rules of this file: fields beside the conversation (`history.py` reads that); each field is taken once, what nobody took
travels.
"""

from __future__ import annotations

from msgspec import Raw

from hexapla.ir.request import (
    GenerateRequest,
    OutputFormat,
    ReasoningWish,
    Sampling,
    ServerTool,
    Tool,
    ToolChoice,
)
from hexapla.protocols.gemini_generate.fields import Camel, extras_of
from hexapla.protocols.gemini_generate.history import parse_contents, parse_system
from hexapla.protocols.gemini_generate.schema import from_subset
from hexapla.protocols.gemini_generate.words import NAME
from hexapla.protocols.typed import Rest
from hexapla.wire.rawjson import dump, join

_JSON = "application/json"
_TEXT_ONLY = Raw(b'["TEXT"]')
_NOTHING = Raw(b"{}")


def parse_request(body: bytes) -> GenerateRequest:
    """Client body -> request.  Raises ProtocolError."""
    fields = Camel(body)
    model = (fields.text("model") or "").removeprefix("models/")
    system, messages = parse_system(fields), parse_contents(fields)
    config = fields.object("generationConfig") or Camel(_NOTHING, "$.generationConfig")
    tools = _tools(fields)
    choice, allowed, rest = _tool_choice(fields)
    if allowed:  # tools that may not be called are none
        tools = tuple(tool for tool in tools if not isinstance(tool, Tool) or tool.name in allowed)
    service_tier = fields.text("serviceTier")
    return GenerateRequest(
        protocol=NAME,
        model=model,
        messages=(*system, *messages),
        tools=tools,
        tool_choice=choice,
        max_tokens=config.integer("maxOutputTokens"),
        sampling=_sampling(config),
        reasoning=_reasoning(config),
        output=_output(config),
        service_tier=service_tier.lower() if service_tier is not None else None,
        store=fields.flag("store"),
        extras=extras_of(NAME, fields.rest() | rest | _left(config)),
    )


def _left(config: Camel) -> Rest:
    """What generationConfig holds beside ours; text as the only modality is what every dialect means."""
    rest = {name: raw for name, raw in config.rest().items() if (name, raw) != ("responseModalities", _TEXT_ONLY)}
    return {"generationConfig": rest} if rest else {}


def _sampling(config: Camel) -> Sampling:
    stop = config.strings("stopSequences")
    return Sampling(
        temperature=config.number("temperature"),
        top_p=config.number("topP"),
        top_k=config.integer("topK"),
        presence_penalty=config.number("presencePenalty"),
        frequency_penalty=config.number("frequencyPenalty"),
        seed=config.integer("seed"),
        stop=tuple(stop) if stop is not None else None,
        logprobs=config.flag("responseLogprobs"),
        top_logprobs=config.integer("logprobs"),
        n=config.integer("candidateCount"),
    )


def _reasoning(config: Camel) -> ReasoningWish | None:
    """thinkingConfig: a budget of 0 is off, of -1 is the model's own choice."""
    inner = config.object("thinkingConfig")
    if inner is None:
        return None
    budget, level, shown = inner.integer("thinkingBudget"), inner.text("thinkingLevel"), inner.flag("includeThoughts")
    effort = None if level is None or level.endswith("UNSPECIFIED") else level.lower()
    extras = extras_of(NAME, inner.rest())
    exclude = True if shown is False else None
    if budget == 0:
        return ReasoningWish(mode="disabled", exclude=exclude, extras=extras)
    if budget is not None and budget < 0:
        return ReasoningWish(mode="adaptive", effort=effort, exclude=exclude, extras=extras)
    if budget is None:
        return ReasoningWish(effort=effort, exclude=exclude, extras=extras)
    return ReasoningWish(mode="enabled", effort=effort, budget=budget, exclude=exclude, extras=extras)


def _output(config: Camel) -> OutputFormat | None:
    """responseMimeType and one of two schemas.  Types beside JSON and plain text (text/x.enum) are Gemini's own."""
    media = config.text("responseMimeType")
    if media is not None and media not in (_JSON, "text/plain"):
        config.put("responseMimeType", dump(media))
        return None
    schema, subset = config.raw("responseJsonSchema"), config.raw("responseSchema")
    if schema is None and subset is not None:
        schema = from_subset(subset, close=True)
    if media != _JSON and schema is None:
        return None
    return OutputFormat(kind="json_object" if schema is None else "json_schema", schema=schema)


def _tools(fields: Camel) -> tuple[Tool | ServerTool, ...]:
    """Function declarations one by one; every other key of a tool is a tool that the vendor runs."""
    found: list[Tool | ServerTool] = []
    for tool in fields.objects("tools"):
        found += [_function(each) for each in tool.objects("functionDeclarations")]
        for name, raw in tool.rest().items():
            found.append(ServerTool(origin=NAME, type=name, data=Raw(join({name: raw}))))
    return tuple(found)


def _function(fields: Camel) -> Tool:
    schema, subset = fields.raw("parametersJsonSchema"), fields.raw("parameters")
    if schema is None and subset is not None:
        schema = from_subset(subset)
    return Tool(
        name=fields.required("name"),
        description=fields.text("description"),
        parameters=schema,
        extras=extras_of(NAME, fields.rest()),
    )


def _tool_choice(fields: Camel) -> tuple[ToolChoice | None, frozenset[str], Rest]:
    """(choice, the only functions that may be called; none: all, what else toolConfig holds)."""
    config = fields.object("toolConfig")
    if config is None:
        return None, frozenset(), {}
    inner = config.object("functionCallingConfig")
    choice, allowed = _choice(inner) if inner is not None else (None, frozenset[str]())
    left = inner.rest() if inner is not None and choice is None else {}
    rest: Rest = config.rest() | ({"functionCallingConfig": left} if left else {})
    return choice, allowed, {"toolConfig": rest} if rest else {}


def _choice(config: Camel) -> tuple[ToolChoice | None, frozenset[str]]:
    """VALIDATED is AUTO with arguments that fit their schema; a choice carries its native words for its own dialect."""
    mode, names = (config.text("mode") or "").upper(), config.strings("allowedFunctionNames") or []
    allowed = frozenset(names)
    if mode in ("", "MODE_UNSPECIFIED"):
        return None, frozenset()
    extras = extras_of(NAME, config.rest())
    if mode == "NONE":
        return ToolChoice(mode="none", extras=extras), frozenset()
    if mode == "ANY":
        if len(allowed) == 1:
            return ToolChoice(mode="named", name=names[0], extras=extras), frozenset()
        return ToolChoice(mode="required", extras=extras), allowed
    if mode == "AUTO":
        return ToolChoice(mode="auto", extras=extras), allowed
    if mode == "VALIDATED":
        return ToolChoice(mode="auto", origin=NAME, native=Raw(b'{"mode":"VALIDATED"}'), extras=extras), allowed
    raise config.wrong("mode", f"{mode!r} is no mode; use AUTO, ANY, NONE or VALIDATED")
