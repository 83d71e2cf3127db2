"""Thought that a client echoes comes back to the upstream that thought it, whole: the complaint that every peer gets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from carry import CLIENTS, REPLY, look

from hexapla.catalog.schema import Quirks
from hexapla.ir.content import Origin, Reasoning, Text, ToolCall
from hexapla.ir.fold import unfold
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, Stop, Usage
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.translate.adapt.adapt import CLIENT_IDS
from hexapla.translate.adapt.ids import fit_id
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation

STATE: dict[str, tuple[Reasoning, ...]] = {
    "openai_chat": (Reasoning(text="I need the weather.", form="reasoning_content", origin=Origin("openai_chat")),),
    "anthropic_messages": (
        Reasoning(text="I need it.", signature="EqRkWlc=", form="thinking", origin=Origin("anthropic_messages")),
        Reasoning(encrypted="c2VjcmV0", form="redacted_thinking", origin=Origin("anthropic_messages")),
    ),
    "openai_responses": (
        Reasoning(
            summary=("First.", "Second."),
            encrypted="gAAAAA==",
            id="rs_77",
            form="reasoning",
            origin=Origin("openai_responses"),
        ),
    ),
    "gemini_generate": (
        Reasoning(text="I need it.", form="thought", origin=Origin("gemini_generate")),
        Reasoning(encrypted="RXFSa1dsYz0=", id="call_1", form="signature", origin=Origin("gemini_generate")),
    ),
}
CALL = ToolCall(id="call_1", name="get_weather", arguments='{"city":"Paris"}')
TOOLS: dict[str, list[dict[str, Any]]] = {
    "openai_chat": [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}],
    "anthropic_messages": [{"name": "get_weather", "input_schema": {"type": "object"}}],
    "openai_responses": [{"type": "function", "name": "get_weather", "parameters": {"type": "object"}}],
    "gemini_generate": [{"functionDeclarations": [{"name": "get_weather", "parameters": {"type": "OBJECT"}}]}],
}


def first(client: str) -> dict[str, Any]:
    """The first request of a tool loop."""
    if client == "gemini_generate":
        return {"tools": TOOLS[client], "contents": [{"role": "user", "parts": [{"text": "Weather?"}]}]}
    question = {"role": "user", "content": "Weather?"}
    body: dict[str, Any] = {"model": "p/m", "tools": TOOLS[client]}
    if client == "openai_responses":
        return body | {"input": [question]}
    return body | {"messages": [question]} | ({"max_tokens": 999} if client == "anthropic_messages" else {})


def echoed(client: str, asked: dict[str, Any], answer: dict[str, Any], call_id: str = "call_1") -> dict[str, Any]:
    """The next request, as the dialect's SDKs write it: the assistant's turn as it came, and the tool's result."""
    if client == "openai_chat":
        result = {"role": "tool", "tool_call_id": call_id, "content": "21"}
        return asked | {"messages": [*asked["messages"], answer["choices"][0]["message"], result]}
    if client == "anthropic_messages":
        turn = {"role": "assistant", "content": answer["content"]}
        result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": "21"}]}
        return asked | {"messages": [*asked["messages"], turn, result]}
    if client == "gemini_generate":
        response = {"functionResponse": {"id": call_id, "name": "get_weather", "response": {"output": "21"}}}
        turns = [answer["candidates"][0]["content"], {"role": "user", "parts": [response]}]
        return asked | {"contents": [*asked["contents"], *turns]}
    output = {"type": "function_call_output", "call_id": call_id, "output": "21"}
    return asked | {"input": [*asked["input"], *answer["output"], output]}


def open_lane(client: str, upstream: str, body: dict[str, Any], provider: str = "p") -> Lane:
    target = Target(origin=Origin(upstream, provider), model="m")
    asked = {name: value for name, value in body.items() if (client, name) != ("gemini_generate", "stream")}
    return Translation(look(client, json.dumps(asked).encode(), stream="stream" in body), REPLY).open(target, Quirks())


def answered(upstream: str) -> GenerateResponse:
    content = (*STATE[upstream], Text(text="Let me look."), CALL)
    return GenerateResponse(
        id="a1", model="m", content=content, stop=Stop(reason="tool_calls"), usage=Usage(input=1, output=2)
    )


def streamed(lane: Lane, client: str, upstream: str) -> dict[str, Any]:
    """The answer that a client puts together from a stream."""
    encoder = PROTOCOLS[upstream].encoder(REPLY)
    sent = b"".join(encoder.encode(event) for event in unfold(answered(upstream)))
    stream = lane.stream()
    heard = stream.feed(sent) + stream.close()
    return GATHER[client]([json.loads(line[6:]) for line in heard.split(b"\n") if line.startswith(b"data: {")])


def gather_chat(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": []}
    for delta in (choice["delta"] for chunk in chunks for choice in chunk["choices"]):
        for name in ("content", "reasoning_content", "reasoning"):
            if delta.get(name):
                message[name] = message.get(name, "") + delta[name]
        message.setdefault("reasoning_details", []).extend(delta.get("reasoning_details", ()))
        for call in delta.get("tool_calls", ()):
            if "id" in call:
                message["tool_calls"].append({**call, "function": dict(call["function"])})
            else:
                message["tool_calls"][-1]["function"]["arguments"] += call["function"]["arguments"]
    return {"choices": [{"message": message}]}


def gather_messages(events: list[dict[str, Any]]) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    arguments: dict[int, str] = {}
    for event in events:
        if event["type"] == "content_block_start":
            content.append(dict(event["content_block"]))
        elif event["type"] == "content_block_delta":
            block, delta = content[event["index"]], event["delta"]
            name = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}.get(
                delta["type"]
            )
            if name is not None:
                block[name] += delta[name]
            else:
                arguments[event["index"]] = arguments.get(event["index"], "") + delta["partial_json"]
    for index, text in arguments.items():
        content[index]["input"] = json.loads(text)
    return {"content": content}


def gather_responses(events: list[dict[str, Any]]) -> dict[str, Any]:
    return {"output": events[-1]["response"]["output"]}


def gather_gemini(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    return {"candidates": [{"content": {"role": "model", "parts": parts}}]}


GATHER = {
    "openai_chat": gather_chat,
    "anthropic_messages": gather_messages,
    "openai_responses": gather_responses,
    "gemini_generate": gather_gemini,
}
pairs = [(client, upstream) for client in CLIENTS for upstream in CLIENTS if client != upstream]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("client", "upstream"), pairs)
def test_thought_comes_back_unchanged(client: str, upstream: str, stream: bool) -> None:
    """Text, signature, redacted data, summaries, encrypted content and item ids return to their origin as they were."""
    asked = first(client) | ({"stream": True} if stream else {})
    lane = open_lane(client, upstream, asked)
    if stream:
        answer = streamed(lane, client, upstream)
    else:
        sent = PROTOCOLS[upstream].render_response(answered(upstream), REPLY, LossLog())
        answer = json.loads(lane.answer(sent))
    again = open_lane(client, upstream, echoed(client, asked, answer))
    parsed = PROTOCOLS[upstream].parse_request(again.body)
    turn = next(message for message in parsed.messages if message.role == "assistant")
    thoughts = [part for part in turn.content if isinstance(part, Reasoning)]
    assert [_state(part) for part in thoughts] == [_state(part) for part in STATE[upstream]]
    calls = [json.loads(part.arguments) for part in turn.content if isinstance(part, ToolCall)]
    assert calls == [{"city": "Paris"}]


GOOGLE = {"google": {"thought_signature": "U2lnbmVk"}}
"""What Google's compatible endpoint hangs on the first of parallel calls, and on a turn that is text
(https://ai.google.dev/gemini-api/docs/thought-signatures, 2026-11-28)."""


def hanging(call_id: str, *, stream: bool) -> bytes:
    """Google's answer of two calls and a text, of which the first call and the turn are signed."""
    function = {"name": "get_weather", "arguments": '{"city":"Paris"}'}
    signed = {"id": call_id, "type": "function", "function": function, "extra_content": GOOGLE}
    calls = [signed, {"id": "second", "type": "function", "function": function}]
    said = {"role": "assistant", "content": "Let me look.", "extra_content": GOOGLE, "tool_calls": calls}
    name = "delta" if stream else "message"
    answer = {"id": "a1", "model": "m", "choices": [{"index": 0, name: said, "finish_reason": "tool_calls"}]}
    data = json.dumps(answer).encode()
    return b"data: %b\n\ndata: [DONE]\n\n" % data if stream else data


def next_turn(client: str, call_id: str, *, stream: bool, provider: str = "p") -> tuple[Lane, Lane]:
    """(the lane of a client's first turn, which heard that answer; that of its second turn)."""
    upstream = hanging(call_id, stream=stream)
    asked = first(client) | ({"stream": True} if stream else {})
    lane = open_lane(client, "openai_chat", asked)
    if stream:
        streaming = lane.stream()
        heard = streaming.feed(upstream) + streaming.close()
        answer = GATHER[client]([json.loads(line[6:]) for line in heard.split(b"\n") if line.startswith(b"data: {")])
    else:
        answer = json.loads(lane.answer(upstream))
    return lane, open_lane(
        client, "openai_chat", echoed(client, asked, answer, fit_id(call_id, CLIENT_IDS.get(client, ""))), provider
    )


@pytest.mark.parametrize("call_id", ["call_1", "function-call/17.3"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("client", CLIENTS)
def test_what_hangs_on_a_call_comes_back_on_it(client: str, stream: bool, call_id: str) -> None:
    """Google refuses the second turn of a tool loop without the signature of its first call, whoever speaks to it."""
    if client == "openai_chat" and stream:
        return  # passes as it is, and how SDKs join streams is their business
    lane, again = next_turn(client, call_id, stream=stream)
    turn = next(message for message in json.loads(again.body)["messages"] if message["role"] == "assistant")
    assert [call.get("extra_content") for call in turn["tool_calls"]] == [GOOGLE, None]
    assert turn["extra_content"] == GOOGLE and turn["content"] == "Let me look."
    assert not [loss for loss in (*lane.losses, *again.losses) if "extra_content" in loss.field]


@pytest.mark.parametrize("client", [client for client in CLIENTS if client != "openai_chat"])
def test_what_hangs_on_a_call_goes_to_nobody_else(client: str) -> None:
    """Another provider of the same dialect gets neither signature nor envelope, and that is said."""
    _, again = next_turn(client, "call_1", stream=False, provider="stranger")
    assert b"U2lnbmVk" not in again.body and b"hxp1." not in again.body
    assert [loss for loss in again.losses if "replayed to the provider" in loss.why]


def _state(part: Reasoning) -> tuple[object, ...]:
    return part.readable, part.signature, part.encrypted, part.id


@pytest.mark.parametrize(("client", "upstream"), pairs)
def test_thought_is_shown_to_nobody_else(client: str, upstream: str) -> None:
    """Sent to another provider, the thought stays away, and neither signature nor envelope is in the body."""
    lane = open_lane(client, upstream, first(client))
    sent = PROTOCOLS[upstream].render_response(answered(upstream), REPLY, LossLog())
    history = echoed(client, first(client), json.loads(lane.answer(sent)))
    for stranger in CLIENTS:
        body = open_lane(client, stranger, history, provider="stranger").body
        for secret in (b"hxp1.", b"EqRkWlc=", b"c2VjcmV0", b"gAAAAA=="):
            assert secret not in body or stranger == client == "openai_chat"
