"""What two dialects say in like words, or each in its own, goes across; and what a vendor's own words were."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.catalog.schema import Quirks
from hexapla.errors import ClientError, ProtocolError
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek

CHAT, RESPONSES, MESSAGES = "openai_chat", "openai_responses", "anthropic_messages"
HI = {"role": "user", "content": "hi"}
ASKED: dict[str, dict[str, Any]] = {
    CHAT: {"model": "p/m", "messages": [HI]},
    RESPONSES: {"model": "p/m", "input": [HI]},
    MESSAGES: {"model": "p/m", "max_tokens": 99, "messages": [HI]},
}
CACHED = {"prompt_cache_retention": "24h", "prompt_cache_options": {"mode": "explicit", "ttl": "30m"}}
JUDGED = {"moderation": {"model": "omni", "policy": {"input": {"mode": "block"}}}}


def sent(client: str, upstream: str, on_loss: str = "allow", **said: Any) -> tuple[dict[str, Any], set[str]]:
    """(the upstream's body, what is named as lost)."""
    quirks = Quirks(strip=said.pop("strip", ()), reencode=True)
    refused = frozenset(quirks.strip)
    body = json.dumps(ASKED[client] | said).encode()
    translation = Translation(peek(client, body), Reply(id="g", created=1, model="m"), on_loss=on_loss)
    lane = translation.open(Target(origin=Origin(upstream, "p"), model="m", unsupported=refused), quirks)
    return json.loads(lane.body), {loss.field for loss in lane.losses}


@pytest.mark.parametrize(("client", "upstream"), [(CHAT, RESPONSES), (RESPONSES, CHAT)])
def test_openais_dialects_share_what_they_call_alike(client: str, upstream: str) -> None:
    """How a prompt is cached and who judges it means the same in both."""
    body, lost = sent(client, upstream, "strict", **CACHED, **JUDGED, stream_options={"include_obfuscation": False})
    assert {name: body[name] for name in CACHED | JUDGED} == CACHED | JUDGED
    assert body["stream_options"]["include_obfuscation"] is False
    assert not lost


def test_what_only_one_of_them_knows_is_named() -> None:
    """Its words, its fields, and its places."""
    body, lost = sent(RESPONSES, CHAT, prompt_cache_options={"ttl": "12h", "prewarm": True, "mode": None})
    assert "prompt_cache_options" not in body
    assert lost == {f"extras.{RESPONSES}.prompt_cache_options.{name}" for name in ("ttl", "prewarm")}
    mark = {"mode": "explicit", "ttl": "12h"}
    text = {"type": "text", "text": "a", "prompt_cache_breakpoint": mark}
    body, lost = sent(
        CHAT, RESPONSES, messages=[{"role": "user", "content": [text]}, {"role": "assistant", "content": [text]}, HI]
    )
    assert body["input"][0]["content"] == [{"type": "input_text", "text": "a", "prompt_cache_breakpoint": mark}]
    assert body["input"][1] == {"type": "message", "role": "assistant", "content": "a"}
    assert lost == {f"messages[1].content[0].extras.{CHAT}.prompt_cache_breakpoint"}


@pytest.mark.parametrize("refused", ["prompt_cache_key", "prompt_cache_retention"])
def test_who_refuses_one_of_them_is_sent_none(refused: str) -> None:
    """Servers that follow OpenAI's Chat of some years ago know none."""
    body, lost = sent(RESPONSES, CHAT, **CACHED, **JUDGED, strip=(refused,))
    assert body.keys() == {"model", "messages"}
    assert lost == {f"extras.{RESPONSES}.{name}" for name in CACHED | JUDGED}


@pytest.mark.parametrize("upstream", [CHAT, RESPONSES, MESSAGES])
def test_what_an_endpoint_refuses_is_named_in_the_hub_too(upstream: str) -> None:
    """Whatever of the request it was."""
    body, lost = sent(upstream, upstream, strip=("future_field",), future_field=1)
    assert "future_field" not in body and "future_field" in lost


def test_a_grammar_is_said_in_each_dialects_form() -> None:
    """Chat puts an object around it, Responses none."""
    grammar = {"syntax": "lark", "definition": "start: /x/"}
    custom = {"name": "patch", "format": {"type": "grammar", "grammar": grammar}}
    body, _ = sent(CHAT, RESPONSES, tools=[{"type": "custom", "custom": custom}])
    assert body["tools"] == [{"type": "custom", "name": "patch", "format": {"type": "grammar", **grammar}}]


def test_an_output_that_nobody_called_for_names_its_tool() -> None:
    """It goes back to its vendor as it is; to others it is said by the user, who hears of it in the same place."""
    item = {"type": "function_call_output", "output": "21", "name": "weather"}
    assert sent(RESPONSES, RESPONSES, input=[HI, item])[0]["input"][1] == item
    body, lost = sent(RESPONSES, CHAT, input=[HI, item])
    assert body["messages"][1] == {"role": "user", "content": [{"type": "text", "text": "21"}]}
    assert lost == {"messages[1].content[0]"}
    with pytest.raises(ProtocolError, match="call_id is required"):
        sent(RESPONSES, CHAT, input=[HI, {"type": "function_call_output", "output": "21"}])


def test_what_came_of_a_vendors_own_tool_is_a_loss_in_chat() -> None:
    """A screenshot that only Responses knows."""
    item = {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "file_id": "f"}}
    assert sent(RESPONSES, CHAT, input=[HI, item])[1] == {"messages[1].content[0]"}
    with pytest.raises(ClientError, match="computer_call_output"):
        sent(RESPONSES, CHAT, "strict", input=[HI, item])


def test_thought_between_tools_goes_to_its_own_vendor() -> None:
    """A way to think that only Messages knows."""
    body, lost = sent(MESSAGES, MESSAGES, thinking={"type": "between_tools"})
    assert body["thinking"] == {"type": "between_tools"} and not lost
    assert f"reasoning.extras.{MESSAGES}.type" in sent(MESSAGES, CHAT, thinking={"type": "between_tools"})[1]


def test_one_call_at_a_time_is_heard_beside_a_choice_that_is_not() -> None:
    """The choice is lost, the other wish is not."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function"}]}}
    body, lost = sent(CHAT, MESSAGES, tools=[tool], tool_choice=choice, parallel_tool_calls=False)
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert "tool_choice" in lost


@pytest.mark.parametrize(("role", "upstream"), [("system", RESPONSES), ("system", MESSAGES), ("developer", MESSAGES)])
def test_a_system_messages_name_is_named(role: str, upstream: str) -> None:
    """Wherever the message goes."""
    assert "messages[0].name" in sent(CHAT, upstream, messages=[{"role": role, "content": "a", "name": "n"}, HI])[1]


def test_a_vendors_own_choice_of_fallbacks_is_named() -> None:
    """The gateway tries whom it is told, and no vendor's list."""
    assert sent(MESSAGES, MESSAGES, fallbacks="default")[1] == {"fallbacks"}
    assert not sent(MESSAGES, MESSAGES, fallbacks=[{"model": "m2", "speed": None}])[1]
