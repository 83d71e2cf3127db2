"""The quick way to write a turn or a tool says what the long way says, and loses nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from hexapla.ir.content import (
    CacheMark,
    Citation,
    Media,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message, ServerTool, Tool
from hexapla.ir.target import Target
from hexapla.protocols.openai_chat.render import _Body
from hexapla.protocols.openai_chat.turns import Turns
from hexapla.protocols.openai_chat.usual import usual_tool, usual_turn

HERE, THERE = Origin("openai_chat", "u"), Origin("anthropic_messages")
MARKS = st.sampled_from([None] * 6 + [CacheMark()])
EXTRAS = st.sampled_from([{}] * 6 + [{"openai_chat": {"x": Raw(b"1")}}, {"anthropic_messages": {"x": Raw(b"1")}}])
NAMES = st.sampled_from([None] * 6 + ["n"])
WORDS = st.sampled_from(["", "a", "words"])

texts = st.builds(
    Text,
    text=WORDS,
    cache=MARKS,
    extras=EXTRAS,
    citations=st.sampled_from([()] * 6 + [(Citation(url="https://a"),)]),
    logprobs=st.sampled_from([()] * 6 + [(Raw(b"{}"),)]),
)
calls = st.builds(
    ToolCall,
    id=st.just("c1"),
    name=st.just("f"),
    arguments=st.sampled_from(["", "{}", '{"a":1}']),
    kind=st.sampled_from(["function"] * 5 + ["custom"]),
    namespace=NAMES,
    cache=MARKS,
    extras=EXTRAS,
)
odd = st.sampled_from(
    [
        Refusal(text="no"),
        Reasoning(text="hm", origin=THERE),
        Media(kind="image", url="https://a/b.png"),
        Opaque(origin=THERE, type="odd", data=Raw(b"{}")),
    ]
)
results = st.builds(
    ToolResult,
    call_id=st.just("c1"),
    content=st.lists(texts | texts | odd, max_size=2).map(tuple),
    plain=st.booleans(),
    is_error=st.sampled_from([None, None, False, True]),
    name=NAMES,
    cache=MARKS,
    extras=EXTRAS,
)


def turns(role: str, parts: st.SearchStrategy[Any], plain: st.SearchStrategy[bool]) -> st.SearchStrategy[Message]:
    content = st.lists(parts, max_size=3).map(tuple)
    return st.builds(Message, role=st.just(role), content=content, plain=plain, name=NAMES, extras=EXTRAS)


spoken = texts | texts | texts | calls | odd
messages = (
    turns("user", texts | texts | odd, st.booleans())
    | turns("assistant", spoken, st.booleans())
    | turns("tool", results, st.just(False))
    | turns("system", texts, st.booleans())
)
tools = st.builds(
    Tool,
    name=st.just("f"),
    description=NAMES,
    parameters=st.sampled_from([None, Raw(b"{}")]),
    strict=st.sampled_from([None, None, False]),
    kind=st.sampled_from(["function"] * 5 + ["custom"]),
    namespace=NAMES,
    deferred=st.sampled_from([None, None, True]),
    cache=MARKS,
    extras=EXTRAS,
) | st.just(ServerTool(origin="openai_chat", type="odd", data=Raw(b"{}")))


@given(message=messages, strings=st.booleans())
def test_turns(message: Message, strings: bool) -> None:
    said = usual_turn(message, strings=strings)
    if said is not None:
        losses = LossLog()
        target = Target(origin=HERE, content_strings=strings)
        long = Turns(GenerateRequest(protocol="anthropic_messages", model="m"), target, losses)
        assert said == long._message("messages[0]", message)
        assert not losses.losses


@given(tool=tools)
def test_tools(tool: Tool | ServerTool) -> None:
    said = usual_tool(tool)
    if said is not None:
        losses = LossLog()
        long = _Body(GenerateRequest(protocol="anthropic_messages", model="m"), Target(origin=HERE), losses)
        assert said == long._tool("tools[0]", tool)
        assert not losses.losses
