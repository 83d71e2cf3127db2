"""Codex's own search for tools: another dialect knows a function, and Codex hears its search again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.ir.content import Opaque, Origin, ToolCall, ToolResult
from hexapla.ir.event import AnyEvent
from hexapla.ir.fold import fold, unfold
from hexapla.ir.grammar import check
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Tool
from hexapla.ir.response import GenerateResponse
from hexapla.ir.target import Target
from hexapla.protocols.openai_chat import OPENAI_CHAT
from hexapla.protocols.openai_responses import OPENAI_RESPONSES
from hexapla.translate.adapt.adapt import adapt
from hexapla.translate.adapt.restore import Restore

CHAT = Target(origin=Origin("openai_chat", "p"), model="m")
RESPONSES = Target(origin=Origin("openai_responses", "p"), model="m")

Json = dict[str, Any]
LOOKED_FOR: Json = {"type": "function", "name": "issues", "parameters": {"type": "object"}, "defer_loading": True}
SPACE: Json = {"type": "namespace", "name": "hub", "tools": [LOOKED_FOR]}


def search(**more: object) -> Json:
    return {"type": "tool_search", "description": "Find tools.", "parameters": {"type": "object"}, **more}


def turns(execution: str = "client") -> list[Json]:
    place = {"execution": execution, "call_id": "call_1", "status": "completed"}
    return [
        {"role": "user", "content": "Which issues?"},
        {"type": "tool_search_call", "id": "tsc_1", "arguments": {"query": "issues"}, **place},
        {"type": "tool_search_output", "id": "tso_1", "tools": [LOOKED_FOR, SPACE], **place},
    ]


def adapted(tools: list[Json], items: list[Json], to: Target = CHAT) -> tuple[GenerateRequest, Restore, list[str]]:
    losses = LossLog()
    body = {"model": "m", "input": items, "tools": tools}
    bent, restore = adapt(OPENAI_RESPONSES.parse_request(json.dumps(body).encode()), to, losses)
    return bent, restore, [loss.field for loss in losses.losses]


def test_a_search_is_a_function_and_what_it_found_a_tool() -> None:
    bent, _, lost = adapted([search(execution="client")], turns())
    tools = [tool for tool in bent.tools if isinstance(tool, Tool)]
    assert [tool.name for tool in tools] == ["tool_search", "issues", "hub__issues"] and len(tools) == len(bent.tools)
    assert (tools[0].description, tools[1].deferred) == ("Find tools.", None)
    call, result = bent.messages[1].content[0], bent.messages[2].content[0]
    assert isinstance(call, ToolCall) and (call.id, call.name) == ("call_1", "tool_search")
    assert json.loads(call.arguments) == {"query": "issues"}
    assert isinstance(result, ToolResult) and result.call_id == "call_1"
    assert lost[0] == "tools[0]" and set(call.extras["openai_responses"]) == {"id", "status"}


def test_what_a_search_finds_of_the_vendors_is_not_lost_in_silence() -> None:
    items = turns()
    items[2]["tools"] = [{"type": "mcp", "server_label": "x"}, LOOKED_FOR]
    bent, _, _ = adapted([search(execution="client")], items)
    losses = LossLog()
    OPENAI_CHAT.render_request(bent, CHAT, losses)
    assert "tools[1]" in [loss.field for loss in losses.losses]


def test_what_the_vendor_searches_stays_the_vendors() -> None:
    for tool in (search(), search(execution="server"), {**search(execution="client"), "parameters": 1, "call_id": 1}):
        bent, _, _ = adapted([tool], turns("server"))
        assert "tool_search" not in [each.name for each in bent.tools if isinstance(each, Tool)]
    bent, _, _ = adapted([search(execution="client")], turns(), RESPONSES)
    assert isinstance(bent.messages[1].content[0], Opaque)


CALL = ToolCall(id="a", name="tool_search", arguments='{"query": "x"}')


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_comes_back_as_a_search(stream: bool) -> None:
    _, restore, _ = adapted([search(execution="client")], turns())
    answer = GenerateResponse(id="r", model="m", content=(CALL, ToolCall(id="b", name="issues", arguments="{}")))
    if stream:
        events: list[AnyEvent] = [*restore.all(unfold(answer))]
        check(events)
        told: GenerateResponse | None = fold(events)
    else:
        told = restore.whole(answer)
    assert told is not None
    found, other = told.content
    assert isinstance(found, Opaque) and isinstance(other, ToolCall)
    said = json.loads(bytes(found.data))
    assert {name: said[name] for name in ("type", "call_id", "execution", "status", "arguments")} == {
        "type": "tool_search_call",
        "call_id": "a",
        "execution": "client",
        "status": "completed",
        "arguments": {"query": "x"},
    }


def test_arguments_that_are_no_object_stay_a_call() -> None:
    _, restore, _ = adapted([search(execution="client")], turns())
    odd = ToolCall(id="a", name="tool_search", arguments="[1]")
    told = fold([*restore.all(unfold(GenerateResponse(id="r", model="m", content=(odd,))))])
    assert told.content == (odd,)
