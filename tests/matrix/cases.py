"""The golden cases: one conversation each, written once in the interlingua, with what the upstream answers.

Every case is carried from each client dialect to each upstream dialect and back, whole and
streamed.  `asks` is what the client says, `answers` what the upstream says to it.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from msgspec import Raw

from hexapla.ir.content import CacheMark, Citation, Media, Origin, Reasoning, Refusal, Text, ToolCall, ToolResult
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

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQK"


class Case(NamedTuple):
    name: str
    asks: GenerateRequest
    answers: GenerateResponse


def text(said: str, **more: Any) -> Text:
    return Text(text=said, **more)


def user(*parts: Any) -> Message:
    if len(parts) == 1 and isinstance(parts[0], str):
        return Message(role="user", content=(text(parts[0]),), plain=True)
    return Message(role="user", content=tuple(text(p) if isinstance(p, str) else p for p in parts))


def system(said: str, role: Any = "system", **more: Any) -> Message:
    return Message(role=role, content=(text(said, **more),), plain=not more)


def assistant(*parts: Any) -> Message:
    return Message(role="assistant", content=tuple(text(p) if isinstance(p, str) else p for p in parts))


def result(call_id: str, *parts: Any, **more: Any) -> ToolResult:
    content = tuple(text(p) if isinstance(p, str) else p for p in parts)
    return ToolResult(call_id=call_id, content=content, plain=len(parts) == 1 and isinstance(parts[0], str), **more)


def results(*all_of: ToolResult) -> Message:
    return Message(role="tool", content=all_of)


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value, separators=(",", ":")).encode())


def tool(name: str = "get_weather", **more: Any) -> Tool:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return Tool(name=name, description=f"Runs {name}.", parameters=raw(schema), **more)


def call(name: str = "get_weather", number: int = 1, arguments: str = '{"city":"Paris"}') -> ToolCall:
    return ToolCall(id=f"call_{number}", name=name, arguments=arguments)


def answer(*parts: Any, reason: Any = None, usage: Usage | None = None) -> GenerateResponse:
    content = tuple(text(p) if isinstance(p, str) else p for p in parts)
    if reason is None:
        reason = "tool_calls" if any(isinstance(p, ToolCall) for p in content) else "stop"
    return GenerateResponse(
        id="ans_1",
        model="served-model",
        content=content,
        stop=Stop(reason=reason),
        usage=usage or Usage(input=11, output=7),
        created=1_700_000_000,
    )


HELLO = answer("Hello.")


def asks(*messages: Any, **more: Any) -> GenerateRequest:
    said = tuple(user(m) if isinstance(m, str) else m for m in messages)
    return GenerateRequest(protocol="", model="p/m", messages=said, **{"max_tokens": 4096, **more})


def tried(*parts: Any, **more: Any) -> GenerateRequest:
    """A finished tool round: question, call, result."""
    return asks("Weather?", assistant(call()), results(result("call_1", *parts, **more)), tools=(tool(),))


def sampled(**values: Any) -> GenerateRequest:
    return asks("Hi", sampling=Sampling(**values))


image = Media(kind="image", data=PNG, media_type="image/png")
image_link = Media(kind="image", url="https://example.org/a.png")
pdf = Media(kind="document", data=PDF, media_type="application/pdf", filename="a.pdf")
schema = OutputFormat(
    kind="json_schema", name="answer", schema=raw({"type": "object", "properties": {"b": {}, "a": {}}})
)
long_name = "mcp__a_server_with_a_long_name__" + "a_tool_with_a_longer_name_" * 3
LONG = ToolCall(id="call_1", name=long_name, arguments="{}")


def own(**state: Any) -> Reasoning:
    """Thought as the upstream itself sends it; its origin is set when the upstream is known."""
    return Reasoning(origin=Origin(""), **state)


CASES: tuple[Case, ...] = (
    Case("plain", asks("Hi"), HELLO),
    Case("system", asks(system("Be brief."), "Hi"), HELLO),
    Case("developer", asks(system("Be brief.", "developer"), "Hi"), HELLO),
    Case("system in the middle", asks("Hi", assistant("Hello"), "More", system("Be brief."), "Go on"), HELLO),
    Case("several turns", asks("Hi", assistant("Hello"), "How are you?"), HELLO),
    Case("neighbours of one role", asks("One", "Two"), HELLO),
    Case("several parts", asks(user("One", "Two")), HELLO),
    Case("white space", asks("  a\n\n b\t"), answer("  x \n")),
    Case("emoji", asks("👩‍👩‍👧 ok"), answer("😀👍🏽 fine")),
    Case("empty answer", asks("Hi"), answer("")),
    Case("image", asks(user("What?", image)), HELLO),
    Case("image by URL", asks(user("What?", image_link)), HELLO),
    Case(
        "image detail", asks(user("What?", Media(kind="image", data=PNG, media_type="image/png", detail="low"))), HELLO
    ),
    Case("document", asks(user("Read", pdf)), HELLO),
    Case("sound", asks(user("Hear", Media(kind="audio", data="UklGRg==", media_type="audio/wav"))), HELLO),
    Case("video", asks(user("See", Media(kind="video", url="https://example.org/v.mp4"))), HELLO),
    Case("tool offered", asks("Weather?", tools=(tool(),)), answer(call())),
    Case("text and tool", asks("Weather?", tools=(tool(),)), answer("Let me look.", call())),
    Case(
        "parallel tools", asks("Weather?", tools=(tool(),)), answer(call(), call(number=2, arguments='{"city":"Rome"}'))
    ),
    Case("no arguments", asks("Time?", tools=(tool("now"),)), answer(call("now", arguments="{}"))),
    Case("big numbers", asks("Id?", tools=(tool(),)), answer(call(arguments='{"z":1.0e0,"a":12345678901234567890}'))),
    Case("tool result", tried("21 degrees"), HELLO),
    Case("tool result in parts", tried("21", "degrees"), HELLO),
    Case("tool result with image", tried("Look:", image), HELLO),
    Case("tool error", tried("No such city", is_error=True), HELLO),
    Case(
        "several results",
        asks(
            "Weather?",
            assistant(call(), call(number=2)),
            results(result("call_1", "a"), result("call_2", "b")),
            "And now?",
            tools=(tool(),),
        ),
        HELLO,
    ),
    Case("choice auto", asks("Hi", tools=(tool(),), tool_choice=ToolChoice(mode="auto")), HELLO),
    Case("choice none", asks("Hi", tools=(tool(),), tool_choice=ToolChoice(mode="none")), HELLO),
    Case("choice required", asks("Hi", tools=(tool(),), tool_choice=ToolChoice(mode="required")), answer(call())),
    Case(
        "choice named",
        asks("Hi", tools=(tool(),), tool_choice=ToolChoice(mode="named", name="get_weather")),
        answer(call()),
    ),
    Case(
        "one call at a time",
        asks("Hi", tools=(tool(),), tool_choice=ToolChoice(mode="auto"), parallel_tool_calls=False),
        answer(call()),
    ),
    Case("strict tool", asks("Hi", tools=(tool(strict=True),)), answer(call())),
    Case("long tool name", asks("Hi", tools=(tool(long_name),)), answer(LONG)),
    Case(
        "long tool name in history",
        asks("Hi", assistant(LONG), results(result("call_1", "ok")), tools=(tool(long_name),)),
        HELLO,
    ),
    Case("foreign tool name", asks("Hi", tools=(tool("天气.查询"),)), answer(ToolCall(id="call_1", name="天气.查询"))),
    Case(
        "freeform tool",
        asks("Patch", tools=(Tool(name="apply_patch", kind="custom", description="Patches."),)),
        answer(ToolCall(id="call_1", name="apply_patch", kind="custom", arguments='*** Begin\n+"x"\n')),
    ),
    Case(
        "tool namespace",
        asks("Go", tools=(tool("spawn", namespace="agents"),)),
        answer(ToolCall(id="call_1", name="spawn", namespace="agents", arguments="{}")),
    ),
    Case("call without result", asks("Weather?", assistant(call()), "Never mind", tools=(tool(),)), HELLO),
    Case("effort", asks("Think", reasoning=ReasoningWish(effort="high")), answer(own(text="Hm."), "Done.")),
    Case(
        "budget",
        asks("Think", reasoning=ReasoningWish(mode="enabled", budget=2048)),
        answer(own(text="Hm."), "Done."),
    ),
    Case("adaptive", asks("Think", reasoning=ReasoningWish(mode="adaptive")), answer(own(text="Hm."), "Done.")),
    Case("no thinking", asks("Hi", reasoning=ReasoningWish(mode="disabled")), HELLO),
    Case("thought", asks("Think"), answer(own(text="First this.\nThen that."), "Done.")),
    Case("thought and tool", asks("Think", tools=(tool(),)), answer(own(text="I need it."), call())),
    Case("hidden thought", asks("Think"), answer(own(encrypted="c2VjcmV0"), "Done.")),
    Case("temperature", sampled(temperature=0.5), HELLO),
    Case("hot temperature", sampled(temperature=1.8), HELLO),
    Case("top_p", sampled(top_p=0.9), HELLO),
    Case("top_k", sampled(top_k=40), HELLO),
    Case("penalties", sampled(frequency_penalty=0.5, presence_penalty=0.5), HELLO),
    Case("seed", sampled(seed=7), HELLO),
    Case("stop sequences", sampled(stop=("END", "STOP")), HELLO),
    Case("logprobs", sampled(logprobs=True, top_logprobs=2), HELLO),
    Case("user", asks("Hi", user="u-1"), HELLO),
    Case("service tier", asks("Hi", service_tier="auto"), HELLO),
    Case("cache key", asks("Hi", cache_key="k"), HELLO),
    Case("cache mark on system", asks(system("Long.", cache=CacheMark()), "Hi"), HELLO),
    Case("cache mark on text", asks(user(text("Long.", cache=CacheMark(ttl="1h")))), HELLO),
    Case("cache mark on tool", asks("Hi", tools=(tool(cache=CacheMark()),)), HELLO),
    Case("JSON mode", asks("Hi", output=OutputFormat(kind="json_object")), answer('{"a":1}')),
    Case("JSON schema", asks("Hi", output=schema), answer('{"b":1,"a":2}')),
    Case("verbosity", asks("Hi", verbosity="low"), HELLO),
    Case("refusal", asks("Hi"), answer(Refusal(text="I cannot."), reason="content_filter")),
    Case("citation", asks("Hi"), answer(text("See.", citations=(Citation(url="https://example.org", title="T"),)))),
    Case("stopped by length", asks("Hi"), answer("Hel", reason="length")),
    Case("filtered", asks("Hi"), answer("Hel", reason="content_filter")),
    Case("cached tokens", asks("Hi"), answer("Hi", usage=Usage(input=100, output=5, cached=80))),
    Case("written tokens", asks("Hi"), answer("Hi", usage=Usage(input=100, output=5, cached=10, cache_write=50))),
    Case("thought tokens", asks("Hi"), answer("Hi", usage=Usage(input=10, output=50, reasoning=40))),
)
