"""Requests of other dialects as Messages bodies: what the API demands, what it has no place for, and who is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from messageswire import CLAUDE, OPENAI, PNG, asking, rendered, target
from msgspec import Raw

from hexapla.errors import ClientError
from hexapla.ir.content import CacheMark, Media, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult
from hexapla.ir.loss import Loss
from hexapla.ir.request import (
    GenerateRequest,
    Message,
    OutputFormat,
    ReasoningWish,
    Sampling,
    ServerTool,
    Tool,
    ToolChoice,
)
from hexapla.ir.target import Target
from hexapla.protocols.anthropic_messages.render import DEFAULT_MAX_TOKENS

HI = Message(role="user", content=(Text(text="hi"),), plain=True)
TOOL = Tool(name="f", parameters=Raw(b'{"type":"object"}'))


def said(role: Any, *texts: str, plain: bool = False) -> Message:
    return Message(role=role, content=tuple(Text(text=text) for text in texts), plain=plain)


def results(*calls: str) -> Message:
    return Message(role="tool", content=tuple(ToolResult(call_id=call, content=(Text(text="ok"),)) for call in calls))


def fields(losses: tuple[Loss, ...]) -> list[str]:
    return [loss.field for loss in losses]


def of(*messages: Message, to: Target | None = None, **more: Any) -> dict[str, Any]:
    return rendered(asking(*(messages or (HI,)), **more), to)[0]


def lost(*messages: Message, to: Target | None = None, **more: Any) -> list[str]:
    return fields(rendered(asking(*(messages or (HI,)), **more), to)[1])


def test_max_tokens_is_the_clients_else_the_models_else_a_constant() -> None:
    known = target(max_output=8192)
    assert of(max_tokens=5)["max_tokens"] == of(max_tokens=5, to=known)["max_tokens"] == 5
    assert (of(to=known)["max_tokens"], of()["max_tokens"]) == (8192, DEFAULT_MAX_TOKENS)
    assert of(max_tokens=0)["max_tokens"] == 0


def test_nothing_else_is_said_for_the_client() -> None:
    assert of() == {"model": "m", "max_tokens": DEFAULT_MAX_TOKENS, "messages": [{"role": "user", "content": "hi"}]}


def test_system_and_developer() -> None:
    """Leading ones become `system`; later ones stay in place, or are said to the user's side."""
    turns = (
        said("system", "One.", plain=True),
        said("developer", "Two."),
        HI,
        said("system", "Three.", plain=True),
        HI,
    )
    body, losses = rendered(asking(*turns))
    assert body["system"] == [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    assert body["messages"][1] == {"role": "system", "content": "Three."}
    assert fields(losses) == ["messages[1].role"]
    old, losses = rendered(asking(*turns), target(mid_system=False))
    assert old["messages"][1] == {"role": "user", "content": "<system-reminder>\nThree.\n</system-reminder>"}
    assert "messages[3].role" in fields(losses)


def test_results_stand_in_the_user_turn_that_follows() -> None:
    """All results of a turn first, then what else is said; neighbouring result messages are one turn."""
    calls = Message(role="assistant", content=(ToolCall(id="a", name="f"), ToolCall(id="b", name="f", arguments="{}")))
    turns = of(HI, calls, results("a"), results("b"), HI, HI)["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "user"]
    assert [block["type"] for block in turns[2]["content"]] == ["tool_result", "tool_result", "text"]
    assert [block["input"] for block in turns[1]["content"]] == [{}, {}]


def test_a_turn_that_says_nothing_is_left_out() -> None:
    """The API refuses empty turns; a stranger's thought leaves one behind, and so does an empty answer."""
    thought = Message(role="assistant", content=(Reasoning(text="Hm.", origin=OPENAI),))
    body, losses = rendered(asking(HI, thought, HI, said("assistant", ""), HI))
    assert [turn["role"] for turn in body["messages"]] == ["user"] * 3
    assert fields(losses) == ["messages[1].content[0]", "messages[1]", "messages[3]"]
    assert all(loss.severity == "cosmetic" for loss in losses)


def test_a_choice_among_no_tools_is_a_loss() -> None:
    body, losses = rendered(asking(HI, tool_choice=ToolChoice(mode="required"), parallel_tool_calls=False))
    assert "tool_choice" not in body and [loss.field for loss in losses] == ["tool_choice", "parallel_tool_calls"]


def test_white_space_alone_says_nothing() -> None:
    """The API refuses it as it does an empty text."""
    blank = Message(role="assistant", content=(Text(text=" \n"),), plain=True)
    parts = Message(role="user", content=(Text(text="\t"), Text(text="a ")))
    body, losses = rendered(asking(HI, blank, parts))
    assert [turn["content"] for turn in body["messages"]] == ["hi", [{"type": "text", "text": "a "}]]
    assert [loss.field for loss in losses] == ["messages[1]"]


@pytest.mark.parametrize("plain", [True, False])
def test_an_answer_to_go_on_with_ends_in_a_word(plain: bool) -> None:
    """The last turn alone: earlier ones are as they were said."""
    begun = Message(role="assistant", content=(Text(text="Once \n"),), plain=plain)
    body, losses = rendered(asking(HI, begun, HI, begun))
    told = [turn["content"] for turn in body["messages"] if turn["role"] == "assistant"]
    assert told == [said if plain else [{"type": "text", "text": said}] for said in ("Once \n", "Once")]
    assert [loss.field for loss in losses] == ["messages[3]"]


def test_results_that_follow_an_empty_turn_keep_their_place() -> None:
    call = Message(role="assistant", content=(ToolCall(id="a", name="f"),))
    turns = of(HI, call, results("a"), said("assistant", ""), HI)["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]


def test_thought_goes_back_to_its_own() -> None:
    own = Reasoning(text="Hm.", signature="s", form="thinking", origin=CLAUDE)
    foreign = Reasoning(text="Hm.", origin=OPENAI)
    turn = Message(role="assistant", content=(own, foreign, Text(text="A")))
    body, losses = rendered(asking(HI, turn, HI))
    expected = [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": "A"}]
    assert body["messages"][1]["content"] == expected
    assert fields(losses) == ["messages[1].content[1]"]


def test_arguments_that_are_no_object_are_wrapped_and_said() -> None:
    call = Message(role="assistant", content=(ToolCall(id="a", name="f", arguments="[1]"),))
    body, losses = rendered(asking(HI, call, results("a")))
    assert body["messages"][1]["content"][0]["input"] == {"input": "[1]"}
    assert [(loss.field, loss.severity) for loss in losses] == [("messages[1].content[0].arguments", "content")]


@pytest.mark.parametrize(
    ("part", "block", "loss"),
    [
        (Media(kind="image", data=PNG, media_type="image/png", detail="low"), "image", "detail"),
        (Media(kind="image", url="https://a"), "image", None),
        (Media(kind="document", data="JVBERi0=", filename="a.pdf"), "document", None),
        (Media(kind="document", text="x"), "document", None),
        (Media(kind="document", file_id="file_1"), None, ""),
        (Media(kind="audio", data="AAAA"), None, ""),
        (Media(kind="video", url="https://a"), None, ""),
        (Refusal(text="No."), "text", ""),
        (Opaque(origin=OPENAI, type="x", data=Raw(b"{}")), None, ""),
    ],
)
def test_parts(part: Any, block: str | None, loss: str | None) -> None:
    """What the API takes, and the field or part that is lost where it takes none."""
    body, losses = rendered(asking(Message(role="user", content=(Text(text="a"), part))))
    assert [b["type"] for b in body["messages"][0]["content"][1:]] == ([block] if block else [])
    path = "messages[0].content[1]"
    assert fields(losses) == ([] if loss is None else [f"{path}.{loss}" if loss else path])


def test_tools() -> None:
    """A schema is the client's own text; one that is missing or says no type becomes an object's."""
    ordered = Tool(
        name="g", description="d", parameters=Raw(b'{"type":"object","properties":{"b":{},"a":{}}}'), strict=True
    )
    foreign = ServerTool(origin="openai_responses", type="web_search", data=Raw(b"{}"))
    tools = (ordered, Tool(name="h"), Tool(name="i", parameters=Raw(b'{"properties":{}}'), namespace="n"), foreign)
    body, losses = rendered(asking(HI, tools=tools))
    assert [tool["name"] for tool in body["tools"]] == ["g", "h", "i"]
    assert list(body["tools"][0]["input_schema"]["properties"]) == ["b", "a"] and body["tools"][0]["strict"] is True
    assert all(tool["input_schema"]["type"] == "object" for tool in body["tools"])
    assert fields(losses) == ["tools[2].namespace", "tools[3]"]
    assert lost(tools=(ordered,), to=target(strict_tools=False)) == ["tools[0].strict"]
    assert lost(tools=(Tool(name="j", parameters=Raw(b"5")),)) == ["tools[0].parameters"]


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="auto"), True, {"type": "auto", "disable_parallel_tool_use": False}),
        (ToolChoice(mode="required"), None, {"type": "any"}),
        (ToolChoice(mode="named", name="f"), False, {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="none"), False, {"type": "none"}),
    ],
)
def test_tool_choice(choice: ToolChoice | None, parallel: bool | None, expected: Any) -> None:
    assert of(tools=(TOOL,), tool_choice=choice, parallel_tool_calls=parallel).get("tool_choice") == expected


def test_a_model_that_thinks_is_not_forced_to_call() -> None:
    """The API refuses both together; the thought stays and the loss is said."""
    more: dict[str, Any] = {
        "tools": (TOOL,),
        "reasoning": ReasoningWish(effort="low"),
        "tool_choice": ToolChoice(mode="required"),
    }
    assert of(**more)["tool_choice"] == {"type": "auto"} and "tool_choice" in lost(**more)


@pytest.mark.parametrize(
    ("wish", "thinking"),
    [
        (ReasoningWish(effort="high"), {"type": "enabled", "budget_tokens": 8000}),
        (ReasoningWish(effort="minimal"), {"type": "enabled", "budget_tokens": 1024}),
        (ReasoningWish(mode="enabled"), {"type": "enabled", "budget_tokens": 5000}),
        (ReasoningWish(budget=2048), {"type": "enabled", "budget_tokens": 2048}),
        (ReasoningWish(budget=99_999), {"type": "enabled", "budget_tokens": 9999}),
        (ReasoningWish(effort="none"), {"type": "disabled"}),
        (ReasoningWish(mode="disabled"), {"type": "disabled"}),
        (ReasoningWish(summary="auto"), None),  # how to see thought is no wish for it
        (None, None),
    ],
)
def test_the_wish_to_think(wish: ReasoningWish | None, thinking: Any) -> None:
    """OpenRouter's shares of max_tokens, at least 1,024 and below max_tokens."""
    assert of(reasoning=wish, max_tokens=10_000).get("thinking") == thinking


def test_no_room_for_thought() -> None:
    assert "thinking" not in of(reasoning=ReasoningWish(effort="high"), max_tokens=500)
    assert "reasoning" in lost(reasoning=ReasoningWish(effort="high"), max_tokens=500)


CALL = ToolCall(id="c", name="f", arguments="{}")
OWN = Reasoning(text="hm", signature="s", origin=CLAUDE)


@pytest.mark.parametrize(
    ("messages", "thinks"),
    [
        ((Message(role="assistant", content=(CALL,)), results("c")), False),
        ((Message(role="assistant", content=(CALL,)), results("c"), said("user", "and?")), False),
        ((Message(role="assistant", content=(msgspec.structs.replace(OWN, origin=OPENAI), CALL)), results("c")), False),
        ((Message(role="assistant", content=(OWN, CALL)), results("c")), True),
        ((Message(role="assistant", content=(CALL,)), results("c"), said("assistant", "done"), HI), True),
    ],
    ids=["no thought", "words beside results", "a stranger's thought", "its own", "the turn is over"],
)
def test_no_budget_where_the_thought_of_an_open_call_is_missing(messages: tuple[Message, ...], thinks: bool) -> None:
    """The API would refuse the turn; a model that thinks adaptively takes it."""
    more: dict[str, Any] = {"reasoning": ReasoningWish(effort="high"), "tools": (TOOL,)}
    body, losses = rendered(asking(HI, *messages, **more), None)
    assert ("thinking" in body) is thinks
    assert any("is missing" in loss.why for loss in losses) is not thinks
    assert of(HI, *messages, to=target(adaptive_only=True), **more)["thinking"] == {"type": "adaptive"}


def test_models_that_think_adaptively() -> None:
    """They take an effort and no budget."""
    to = target(adaptive_only=True)
    body = of(reasoning=ReasoningWish(effort="low", budget=2000), to=to)
    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "low"})
    assert lost(reasoning=ReasoningWish(budget=2000), to=to) == ["reasoning.budget"]


def test_sampling() -> None:
    everything = Sampling(
        temperature=1.5, top_p=0.9, top_k=4, seed=1, min_p=0.1, presence_penalty=1.0, stop=("END", " ")
    )
    body, losses = rendered(asking(HI, sampling=everything))
    assert (body["temperature"], body["top_p"], body["top_k"], body["stop_sequences"]) == (1.0, 0.9, 4, ["END"])
    assert sorted(fields(losses)) == [
        f"sampling.{n}" for n in ("min_p", "presence_penalty", "seed", "stop", "temperature")
    ]
    assert not of(sampling=everything, to=target(sampling=False)).keys() & {"temperature", "top_p", "top_k"}
    thinking = of(sampling=everything, reasoning=ReasoningWish(effort="low"))
    assert "temperature" not in thinking and "top_k" not in thinking and thinking["top_p"] == 0.95
    one = of(sampling=everything, to=target(both_samplings=False))
    assert one["temperature"] == 1.0 and "top_p" not in one


def test_several_answers_are_refused() -> None:
    with pytest.raises(ClientError):
        of(sampling=Sampling(n=2))


def test_output() -> None:
    shape = OutputFormat(kind="json_schema", name="x", schema=Raw(b'{"b":1,"a":2}'))
    body, losses = rendered(asking(HI, output=shape))
    assert body["output_config"]["format"] == {"type": "json_schema", "schema": {"b": 1, "a": 2}}
    assert fields(losses) == ["output.name"]
    assert lost(output=OutputFormat(kind="json_object")) == ["output"]


def test_an_objects_schema_is_closed_unless_a_messages_client_wrote_it() -> None:
    """Messages refuses one that is not, and a Chat client need not say it."""
    shape = OutputFormat(kind="json_schema", schema=Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}'))
    for protocol, is_closed in (("openai_chat", True), ("anthropic_messages", False)):
        body, _ = rendered(asking(HI, protocol=protocol, output=shape))
        assert ("additionalProperties" in body["output_config"]["format"]["schema"]) is is_closed


def test_users_and_tiers() -> None:
    assert of(user="u")["metadata"] == {"user_id": "u"}
    assert lost(user="u", metadata=Raw(b"{}")) == ["metadata"]
    assert of(service_tier="auto")["service_tier"] == "auto" and lost(service_tier="flex") == ["service_tier"]


def test_cache_marks() -> None:
    marked = Message(role="user", content=(Text(text="a", cache=CacheMark(ttl="1h")),))
    assert of(marked)["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert lost(marked, to=target(cache_marks=0)) == ["messages[0].content[0].cache"]


@pytest.mark.parametrize(
    ("field", "value", "severity"),
    [
        ("verbosity", "low", "parameter"),
        ("continues", "resp_1", "content"),
        ("store", True, "cosmetic"),
        ("cache_key", "k", "cosmetic"),
        ("safety_identifier", "s", "cosmetic"),
    ],
)
def test_what_other_dialects_have(field: str, value: Any, severity: str) -> None:
    losses = rendered(asking(HI, **{field: value}))[1]
    assert [(loss.field, loss.severity) for loss in losses] == [(field, severity)]


def test_foreign_extras_are_said() -> None:
    request = GenerateRequest(
        protocol="openai_chat",
        model="m",
        messages=(Message(role="tool", content=(ToolResult(call_id="a"),), extras={"openai_chat": {"y": Raw(b"1")}}),),
        extras={"openai_chat": {"x": Raw(b"1")}},
    )
    assert fields(rendered(request)[1]) == ["messages[0].extras.openai_chat.y", "extras.openai_chat.x"]


def test_nothing_to_say_is_refused() -> None:
    hosted = Opaque(origin=OPENAI, type="web_search_call", data=Raw(b"{}"))
    with pytest.raises(ClientError, match="Nothing of this conversation"):
        of(Message(role="assistant", content=(hosted,)))
