"""Programs of 2023 ask with `functions` and look for a function_call; those of today never hear of one."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest

from hexapla.catalog.schema import Quirks
from hexapla.ir.content import Origin, Text, ToolCall
from hexapla.ir.fold import unfold
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, Stop
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek

REPLY = Reply(id="gen-1", created=1, model="m", include_usage=True)
RUN = {"name": "run", "description": "d", "parameters": {"type": "object"}}
OLD: dict[str, Any] = {"functions": [RUN]}
NEW: dict[str, Any] = {"tools": [{"type": "function", "function": RUN}]}
HI = [{"role": "user", "content": "hi"}]
UPSTREAMS = ("anthropic_messages", "openai_responses", "gemini_generate")
ANSWER = GenerateResponse(
    id="r1",
    model="m",
    content=(Text(text="Look."), ToolCall(id="a", name="run", arguments='{"a":1}')),
    stop=Stop(reason="tool_calls"),
)
TWICE = GenerateResponse(
    id="r1", model="m", content=(*ANSWER.content, ToolCall(id="b", name="run", arguments="{}")), stop=ANSWER.stop
)


def opened(upstream: str, **fields: Any) -> Lane:
    body = json.dumps({"model": "p/m", "messages": HI, **fields}).encode()
    return Translation(peek("openai_chat", body), REPLY).open(
        Target(origin=Origin(upstream, "p"), model="up"), Quirks()
    )


def whole(lane: Lane, upstream: str, answer: GenerateResponse = ANSWER) -> dict[str, Any]:
    body = lane.answer(PROTOCOLS[upstream].render_response(answer, REPLY, LossLog()))
    return dict(json.loads(body)["choices"][0])


def streamed(lane: Lane, upstream: str, answer: GenerateResponse = ANSWER) -> dict[str, Any]:
    """The choice that the SDK's own helper puts together."""
    encoder = PROTOCOLS[upstream].encoder(REPLY)
    sent = b"".join(encoder.encode(event) for event in unfold(answer)) + encoder.close()
    stream = lane.stream()
    data = stream.feed(sent) + stream.close()

    def respond(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=data)

    transport = httpx2.Client(transport=httpx2.MockTransport(respond))
    client = openai.OpenAI(api_key="k", base_url="http://t/v1", http_client=transport)
    asked: Any = {"model": "m", "messages": HI}
    with client.chat.completions.stream(**asked) as events:
        for _ in events:
            pass
        return dict(events.current_completion_snapshot.choices[0].to_dict())


@pytest.mark.parametrize("hear", [whole, streamed])
@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_a_program_of_2023(upstream: str, hear: Any) -> None:
    lane = opened(upstream, **OLD, stream=hear is streamed)
    choice = hear(lane, upstream)
    assert choice["finish_reason"] == "function_call" and choice["message"]["content"] == "Look."
    assert choice["message"]["function_call"] == {"name": "run", "arguments": '{"a":1}'}
    assert not choice["message"].get("tool_calls")


@pytest.mark.parametrize("hear", [whole, streamed])
@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_a_program_of_today(upstream: str, hear: Any) -> None:
    choice = hear(opened(upstream, **NEW, stream=hear is streamed), upstream)
    assert choice["finish_reason"] == "tool_calls" and not choice["message"].get("function_call")
    [call] = choice["message"]["tool_calls"]
    assert (call["function"]["name"], call["function"]["arguments"]) == ("run", '{"a":1}') and call["id"]


@pytest.mark.parametrize("hear", [whole, streamed])
def test_a_second_call_is_a_loss(hear: Any) -> None:
    """No more than one is asked for, and a model that makes two all the same is told of."""
    lane = opened("anthropic_messages", **OLD, stream=hear is streamed)
    assert json.loads(lane.body)["tool_choice"]["disable_parallel_tool_use"] is True
    choice = hear(lane, "anthropic_messages", TWICE)
    assert choice["message"]["function_call"] == {"name": "run", "arguments": '{"a":1}'}
    assert [loss.field for loss in lane.losses if loss.severity == "content"] == ["tool_calls[1]"]


OLD_CALL = {"role": "assistant", "content": None, "function_call": {"name": "run", "arguments": "{}"}}
OLD_RESULT = {"role": "function", "name": "run", "content": "ok"}


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_a_history_of_2023(upstream: str) -> None:
    """Calls and results without ids, one function twice: each result stands with its call, under an id of its own."""
    body = opened(upstream, **OLD, messages=[*HI, OLD_CALL, OLD_RESULT, OLD_CALL, OLD_RESULT]).body
    request = PROTOCOLS[upstream].parse_request(body)
    parts = [part for message in request.messages for part in message.content]
    calls = [part.id for part in parts if isinstance(part, ToolCall)]
    results = [part.call_id for part in parts if hasattr(part, "call_id")]
    assert calls == results and len(calls) == 2
    assert upstream == "gemini_generate" or len({*calls}) == 2


@pytest.mark.parametrize(("asks", "heard"), [(OLD, "function_call"), (NEW, "tool_calls"), ({}, "function_call")])
@pytest.mark.parametrize("finish", ["function_call", "length"])
def test_an_old_call_that_passes(asks: dict[str, Any], heard: str, finish: str) -> None:
    """In the Verbatim lane a function_call reaches whoever spoke of functions, or of nothing, byte for byte."""
    message = {"role": "assistant", "content": None, "function_call": {"name": "run", "arguments": "{}"}}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    body = json.dumps({"id": "c", "object": "chat.completion", "choices": [choice]}).encode()
    answered = opened("openai_chat", **asks).answer(body)
    assert (answered == body) == (heard == "function_call")
    found = json.loads(answered)["choices"][0]
    assert heard in found["message"] and (finish == "length" or found["finish_reason"] == heard)
