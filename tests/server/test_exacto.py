"""Who calls tools badly is asked later by requests with tools (OpenRouter's Auto Exacto), and by nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hexapla.routing.health import LEAST_CALLS
from server.client import Heard, call
from server.running import Gateway, gateway, providers
from server.upstream import Upstream, Visit
from server.wire import CHAT, LAST, MESSAGES, STREAM, answer, ask, chunk, whole

PRICED = "".join(
    f'[[models.{name}]]\nid = "heron"\nprice = {{ input = {price}, output = {price} }}\n'
    for name, price in (("u_chat", 1), ("u_msgs", 1000))
)
TOOLS = [
    {
        "type": "function",
        "function": {"name": "find", "parameters": {"type": "object", "properties": {"what": {"type": "string"}}}},
    }
]


@pytest.fixture(scope="module")
def shop(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A cheap provider and a dear one of the same model."""
    with gateway(tmp_path_factory.mktemp("exacto"), PRICED + providers(_upstream.url)) as running:
        yield running


def calls(visit: Visit) -> dict[str, Any]:
    """An answer that calls a tool: right where it costs most."""
    if visit.protocol == MESSAGES:
        used = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {"what": "it"}}
        said = json.loads(whole(MESSAGES).partition(b"\r\n\r\n")[2])
        return {**said, "content": [used], "stop_reason": "tool_use"}
    function = {"name": "find", "arguments": '{"what": "it'}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "function", "function": function}],
    }
    return {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}


async def calling(visit: Visit) -> None:
    if not visit.asked.get("tools"):
        await visit.write(whole(visit.protocol))
    elif not visit.stream:
        await visit.write(answer(200, json.dumps(calls(visit)).encode()))
    else:
        assert visit.protocol == CHAT
        (choice,) = calls(visit)["choices"]
        (said,) = choice["message"]["tool_calls"]
        deltas = [
            {"role": "assistant", "content": "Let me see."},
            {"tool_calls": [{"index": 0, **said, "function": {"name": "find", "arguments": ""}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": said["function"]["arguments"]}}]},
        ]
        chunks: list[dict[str, Any]] = [{"delta": delta} for delta in deltas]
        chunks.append({"delta": {}, "finish_reason": "tool_calls"})
        said_all = (json.dumps({"id": "c", "choices": [{"index": 0, **each}]}) for each in chunks)
        body = "".join(f"data: {each}\n\n" for each in said_all) + "data: [DONE]\n\n"
        await visit.write(STREAM + chunk(body.encode()) + LAST)


def asked(shop: Gateway, **more: Any) -> str:
    """Who answered."""
    heard: Heard = call(shop.url, "/v1/chat/completions", ask(CHAT, "heron", **more))
    assert heard.status == 200
    return heard.headers["x-hexapla-provider"]


def test_whoever_calls_tools_badly_is_asked_later(upstream: Upstream, shop: Gateway) -> None:
    """The cheap one is drawn first as long as nothing is known; then only by those who have no tools or ask for it."""
    upstream.play(calling, "heron")
    assert asked(shop, tools=TOOLS) == "u_chat"
    for name in ("u_chat", "u_msgs") * LEAST_CALLS:
        asked(shop, tools=TOOLS, stream=name == "u_chat", provider={"only": [name]})
    route = call(shop.url, "/v1/route", ask(CHAT, "heron", tools=TOOLS)).json
    assert [(each["provider"], each["tool_call_errors"]) for each in route["candidates"]] == [
        ("u_msgs", 0.0),
        ("u_chat", 1.0),
    ]
    assert asked(shop, tools=TOOLS) == "u_msgs"
    assert asked(shop) == "u_chat"
    assert asked(shop, tools=TOOLS, provider={"sort": "price"}) == "u_chat"
    assert asked(shop, tools=TOOLS, provider={"order": ["u_chat"]}) == "u_chat"
    assert asked(shop, provider={"sort": "exacto"}) == "u_msgs"
