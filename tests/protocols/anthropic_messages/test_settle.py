"""What is in force after the last turn is what another dialect is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.errors import ProtocolError
from hexapla.ir.content import Origin
from hexapla.ir.loss import LossLog
from hexapla.ir.target import Target
from hexapla.protocols.anthropic_messages import ANTHROPIC_MESSAGES
from hexapla.protocols.anthropic_messages.settle import settle
from hexapla.translate.adapt.adapt import adapt

MESSAGES = Target(origin=Origin("anthropic_messages", "p"), model="m")
CHAT = Target(origin=Origin("openai_chat", "p"), model="m")
ONE, TWO = ({"name": name, "input_schema": {"type": "object"}} for name in ("one", "two"))

Json = dict[str, Any]


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def system(*content: Json, **more: object) -> Json:
    return {"role": "system", "content": list(content), **more}


def text(said: str) -> Json:
    return {"type": "text", "text": said}


def offered(name: str) -> Json:
    return {"type": "tool_addition", "tool": {"type": "tool_reference", "name": name}}


def removed(name: str) -> Json:
    return {"type": "tool_removal", "tool": {"type": "tool_reference", "name": name}}


def settled(*messages: Json, **more: object) -> Json:
    """The body that is left, as Messages would say it."""
    body = {"model": "m", "max_tokens": 9, "messages": messages, **more}
    request = settle(ANTHROPIC_MESSAGES.parse_request(json.dumps(body).encode()))
    said: Json = json.loads(ANTHROPIC_MESSAGES.render_request(request, MESSAGES, LossLog()))
    return said


LOW: Json = {"output_config": {"effort": "low"}}
NOW: Json = {"clear_at": "next_user_message"}


@pytest.mark.parametrize("turn", [system(**LOW), {"role": "system", **LOW}], ids=["empty", "left out"])
def test_the_last_effort_counts(turn: Json) -> None:
    body = settled(
        user("a"), system(output_config={"effort": "max"}), turn, user("b"), output_config={"effort": "high"}
    )
    assert body["output_config"] == {"effort": "low"}
    assert body["messages"] == [user("a"), user("b")]


def test_what_else_a_turn_says_stays() -> None:
    kept = settled(user("a"), system(text("Be brief."), output_config={"effort": "low", "x": 1}))
    assert kept["messages"][1] == system(text("Be brief."), output_config={"x": 1})
    nothing = settled(user("a"), system(x=1))
    assert nothing["messages"] == [user("a")], "Messages refuses a turn that says nothing"
    with pytest.raises(ProtocolError, match="content is required"):
        settled(user("a"), {"role": "system"})


def test_text_for_one_turn_goes_with_it() -> None:
    reminder = system(text("Today."), **NOW)
    assert settled(user("a"), reminder)["messages"] == [user("a"), system(text("Today."))]
    assert settled(user("a"), reminder, user("b"))["messages"] == [user("a"), user("b")]
    assert settled(user("a"), system(text("x"), clear_at="never"), user("b"))["messages"][1] == system(text("x"))


def test_tools_come_and_go() -> None:
    tools: list[Json] = [ONE, {**TWO, "defer_loading": True}]
    gone = settled(user("a"), system(removed("one"), text("No one.")), tools=tools)
    assert [tool["name"] for tool in gone["tools"]] == ["two"]
    assert gone["messages"][1] == system(text("No one."))
    back = settled(user("a"), system(removed("one")), system(offered("one"), offered("two")), tools=tools)
    assert back["tools"] == [ONE, TWO] or back["tools"] == [TWO, ONE]
    three = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {**ONE, "name": "three"}}}
    assert [tool["name"] for tool in settled(user("a"), system(three), tools=[ONE])["tools"]] == ["one", "three"]
    none = settled(user("a"), system(removed("one")), tools=[ONE], tool_choice={"type": "auto"})
    assert "tool_choice" not in none and not none.get("tools")
    unknown = system(removed("nobody"))
    assert settled(user("a"), unknown, tools=[ONE])["messages"][1] == unknown


def test_another_dialect_hears_the_sum_and_nothing_is_lost() -> None:
    body = {
        "model": "m",
        "max_tokens": 9,
        "tools": [ONE, TWO],
        "messages": [user("a"), system(removed("one"), **LOW), system(text("x"), **NOW), user("b")],
    }
    losses = LossLog()
    bent, _ = adapt(ANTHROPIC_MESSAGES.parse_request(json.dumps(body).encode()), CHAT, losses)
    assert [message.role for message in bent.messages] == ["user", "user"]
    assert (bent.reasoning and bent.reasoning.effort, [tool.name for tool in bent.tools]) == ("low", ["two"])
    assert not losses.losses
