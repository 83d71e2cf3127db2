"""Values of the interlingua, drawn by hypothesis.

`responses(protocol)` draws answers within what a protocol can say; `requests()` draws requests with anything in them.
"""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

from hypothesis import strategies as st
from msgspec import Raw

from hexapla.ir.content import CacheMark, Media, Origin, Reasoning, Refusal, Text, ToolCall, ToolResult
from hexapla.ir.request import (
    GenerateRequest,
    Message,
    OutputFormat,
    ReasoningWish,
    Sampling,
    Tool,
    ToolChoice,
)
from hexapla.ir.response import GenerateResponse, Stop, Usage

PROTOCOL_NAMES = ("openai_chat", "openai_responses", "anthropic_messages", "gemini_generate")

words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,30}", fullmatch=True)
ids = st.from_regex(r"call_[a-zA-Z0-9]{4,20}", fullmatch=True)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(words, json_values, max_size=3)
arguments = json_objects.map(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")))
base64s = st.binary(min_size=1, max_size=12).map(lambda data: base64.b64encode(data).decode())
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value, separators=(",", ":")).encode())


# answers


def thoughts(protocol: str) -> st.SearchStrategy[Reasoning]:
    """Reasoning as the protocol's own upstreams send it."""
    origin = Origin(protocol)
    if protocol == "anthropic_messages":
        return st.builds(Reasoning, text=words, signature=words, form=st.just("thinking"), origin=st.just(origin))
    if protocol == "openai_responses":
        return st.builds(
            Reasoning,
            summary=st.lists(words, min_size=1, max_size=2).map(tuple),
            encrypted=st.none() | words,
            id=st.just("rs_1"),
            form=st.just("reasoning"),
            origin=st.just(origin),
        )
    if protocol == "gemini_generate":
        return st.builds(
            Reasoning, text=words, signature=st.none() | base64s, form=st.just("thought"), origin=st.just(origin)
        )
    return st.builds(Reasoning, text=words, form=st.just("reasoning_content"), origin=st.just(origin))


calls = st.builds(ToolCall, id=ids, name=names, arguments=arguments)
counts = st.integers(0, 10_000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    cached, fresh = draw(counts), draw(counts)
    reasoning, said = draw(counts), draw(counts)
    return Usage(input=cached + fresh, output=reasoning + said, cached=cached, reasoning=reasoning)


@st.composite
def responses(draw: st.DrawFn, protocol: str) -> GenerateResponse:
    """An answer that `protocol` can say exactly: thought, text, calls."""
    content: list[Any] = []
    if draw(st.booleans()):
        content.append(draw(thoughts(protocol)))
    if draw(st.booleans()):
        content.append(Text(text=draw(words)))
    content += draw(st.lists(calls, max_size=3, unique_by=lambda call: call.id))
    if not content:
        content.append(Text(text=draw(words)))
    reason = "tool_calls" if isinstance(content[-1], ToolCall) else draw(st.sampled_from(("stop", "length")))
    return GenerateResponse(
        id=draw(ids), model=draw(names), content=tuple(content), stop=Stop(reason=reason), usage=draw(usages())
    )


# requests

texts = st.builds(Text, text=words, cache=st.none() | st.just(CacheMark()))
images = st.builds(
    Media,
    kind=st.just("image"),
    data=st.just(PNG),
    media_type=st.just("image/png"),
    detail=st.none() | st.sampled_from(("low", "high")),
) | st.builds(Media, kind=st.just("image"), url=st.just("https://example.org/a.png"))
documents = st.builds(
    Media,
    kind=st.just("document"),
    data=st.just("JVBERi0xLjQK"),
    media_type=st.just("application/pdf"),
    filename=st.none() | st.just("a.pdf"),
)
user_parts = st.lists(texts | images | documents, min_size=1, max_size=3).map(tuple)
users = st.builds(Message, role=st.just("user"), content=user_parts) | words.map(
    lambda text: Message(role="user", content=(Text(text=text),), plain=True)
)
systems = st.builds(
    Message, role=st.sampled_from(("system", "developer")), content=st.lists(texts, min_size=1, max_size=2).map(tuple)
)


@st.composite
def tool_turns(draw: st.DrawFn) -> list[Message]:
    """An assistant turn that calls, and the results of all its calls."""
    made = draw(st.lists(calls, min_size=1, max_size=2, unique_by=lambda call: call.id))
    said = [Text(text=draw(words))] if draw(st.booleans()) else []
    thought = [draw(thoughts(draw(st.sampled_from(PROTOCOL_NAMES))))] if draw(st.booleans()) else []
    results = tuple(
        ToolResult(
            call_id=call.id,
            content=(Text(text=draw(words)), *([draw(images)] if draw(st.booleans()) else [])),
            plain=False,
            is_error=draw(st.sampled_from((None, True))),
        )
        for call in made
    )
    results = tuple(ToolResult(**_fields(r) | {"plain": len(r.content) == 1}) for r in results)
    return [
        Message(role="assistant", content=(*thought, *said, *made)),
        Message(role="tool", content=results),
    ]


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


assistants = words.map(lambda text: [Message(role="assistant", content=(Text(text=text),)), _GO_ON])
_GO_ON = Message(role="user", content=(Text(text="go on"),), plain=True)
turns = st.lists(tool_turns() | assistants | users.map(lambda m: [m]), max_size=3)

tools = st.builds(
    Tool,
    name=names,
    description=st.none() | words,
    parameters=json_objects.map(lambda p: raw({"type": "object", "properties": {}, "x": p})),
    strict=st.none() | st.booleans(),
    cache=st.none() | st.just(CacheMark(ttl="1h")),
)
samplings = st.builds(
    Sampling,
    temperature=st.none() | st.floats(0, 2, allow_nan=False).map(lambda f: round(f, 2)),
    top_p=st.none() | st.sampled_from((0.1, 0.9)),
    top_k=st.none() | st.integers(1, 50),
    min_p=st.none() | st.just(0.1),
    frequency_penalty=st.none() | st.just(0.5),
    presence_penalty=st.none() | st.just(0.5),
    seed=st.none() | st.integers(0, 99),
    stop=st.none() | st.lists(names, min_size=1, max_size=2).map(tuple),
    logprobs=st.none() | st.booleans(),
)
wishes = (
    st.none()
    | st.builds(ReasoningWish, effort=st.sampled_from(("low", "medium", "high")))
    | st.builds(ReasoningWish, mode=st.just("enabled"), budget=st.integers(1024, 4000))
    | st.just(ReasoningWish(mode="disabled"))
    | st.just(ReasoningWish(mode="adaptive"))
)
outputs = (
    st.none()
    | st.just(OutputFormat(kind="json_object"))
    | st.builds(OutputFormat, kind=st.just("json_schema"), name=names, schema=json_objects.map(raw))
)


@st.composite
def requests(draw: st.DrawFn) -> GenerateRequest:
    """Any request: system, turns, tools, sampling, thought, format, and fields of one dialect only."""
    own = draw(st.lists(tools, max_size=2, unique_by=lambda tool: tool.name))
    choice = None
    if own:
        choice = draw(st.none() | st.sampled_from([ToolChoice(mode="auto"), ToolChoice(mode="required")]))
    leading = [draw(systems)] if draw(st.booleans()) else []
    spoken = [message for turn in draw(turns) for message in turn]
    return GenerateRequest(
        protocol=draw(st.sampled_from(PROTOCOL_NAMES)),
        model=draw(names),
        messages=(*leading, draw(users), *spoken),
        tools=tuple(own),
        tool_choice=choice,
        parallel_tool_calls=draw(st.none() | st.booleans()) if own else None,
        max_tokens=draw(st.none() | st.integers(5000, 9000)),
        sampling=draw(samplings),
        reasoning=draw(wishes),
        output=draw(outputs),
        verbosity=draw(st.none() | st.just("low")),
        stream=draw(st.booleans()),
        user=draw(st.none() | names),
        service_tier=draw(st.none() | st.just("auto")),
        store=draw(st.none() | st.booleans()),
        cache_key=draw(st.none() | names),
        safety_identifier=draw(st.none() | names),
    )


@st.composite
def cuttings(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """`data` in pieces, cut anywhere."""
    places = sorted(draw(st.sets(st.integers(0, len(data)), max_size=12)))
    edges = [0, *places, len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]


refusals = st.builds(Refusal, text=words)
