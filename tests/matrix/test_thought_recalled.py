"""Thought that a client does not bring back is put back for it, as if it had: every dialect at every upstream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from carry import REPLY, look
from msgspec.structs import replace
from test_thought_returns import (
    CALL,
    GATHER,
    _state,
    answered,
    echoed,
    first,
    pairs,
)

from hexapla.catalog.schema import Quirks
from hexapla.ir.content import Origin, Reasoning, ToolCall
from hexapla.ir.fold import unfold
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.routing.memory import Memory
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.thoughts import Thoughts

Json = dict[str, Any]

SECRETS = (b"hxp1.", b"EqRkWlc=", b"c2VjcmV0", b"gAAAAA==", b"RXFSa1dsYz0=")


def thoughts() -> Thoughts:
    return Thoughts(lambda: 0.0, Memory(), 10**6)


def opened(
    kept: Thoughts, client: str, upstream: str, body: Json, *, provider: str = "p", whose: str = "me", **facts: Any
) -> Lane:
    target = Target(origin=Origin(upstream, provider), model="m", **facts)
    asked = {name: value for name, value in body.items() if (client, name) != ("gemini_generate", "stream")}
    peeked = look(client, json.dumps(asked).encode(), stream="stream" in body)
    return Translation(peeked, REPLY, thoughts=kept, whose=whose).open(target, Quirks())


def said(lane: Lane, client: str, upstream: str, answer: GenerateResponse, *, stream: bool) -> Json:
    """What the client makes of an answer."""
    if not stream:
        told: Json = json.loads(lane.answer(PROTOCOLS[upstream].render_response(answer, REPLY, LossLog())))
        return told
    encoder = PROTOCOLS[upstream].encoder(REPLY)
    sent = b"".join(encoder.encode(event) for event in unfold(answer)) + encoder.close()
    passing = lane.stream()
    heard = passing.feed(sent) + passing.close()
    return GATHER[client]([json.loads(line[6:]) for line in heard.split(b"\n") if line.startswith(b"data: {")])


def without(client: str, answer: Json, *, text: bool) -> Json:
    """The answer as a client keeps it that knows nothing of thought, or nothing but its text."""
    return LOSE[client](json.loads(json.dumps(answer)), text)


def lose_chat(answer: Json, text: bool) -> Json:
    message = answer["choices"][0]["message"]
    for name in ("reasoning_details", "reasoning", *(() if text else ("reasoning_content",))):
        message.pop(name, None)
    return answer


def lose_messages(answer: Json, text: bool) -> Json:
    for block in answer["content"]:
        block.pop("signature", None)
    kept = {"text", "tool_use", *(("thinking",) if text else ())}
    return answer | {"content": [block for block in answer["content"] if block["type"] in kept]}


def lose_responses(answer: Json, text: bool) -> Json:
    for item in answer["output"]:
        item.pop("encrypted_content", None)
    return answer | {"output": [item for item in answer["output"] if text or item["type"] != "reasoning"]}


def lose_gemini(answer: Json, text: bool) -> Json:
    content = answer["candidates"][0]["content"]
    for part in content["parts"]:
        part.pop("thoughtSignature", None)
    content["parts"] = [part for part in content["parts"] if text or not part.get("thought")]
    return answer


LOSE = {
    "openai_chat": lose_chat,
    "anthropic_messages": lose_messages,
    "openai_responses": lose_responses,
    "gemini_generate": lose_gemini,
}


def turns(upstream: str, lane: Lane) -> list[list[tuple[object, ...]]]:
    """The thought of every assistant's turn in what a lane sends."""
    messages = PROTOCOLS[upstream].parse_request(lane.body).messages
    found = [message.content for message in messages if message.role == "assistant"]
    return [[_state(part) for part in content if isinstance(part, Reasoning)] for content in found]


def second(upstream: str, call_id: str = "call_2") -> GenerateResponse:
    """The answer to the tool's result: another thought, another call."""
    answer = answered(upstream)
    parts = []
    for part in answer.content:
        if isinstance(part, ToolCall) or (isinstance(part, Reasoning) and part.id == CALL.id):
            part = replace(part, id=call_id)
        elif isinstance(part, Reasoning):
            part = replace(part, text=part.text and f"{part.text} Again.", id=part.id and f"{part.id}b")
        parts.append(part)
    return replace(answer, id="a2", content=tuple(parts))


def loop(client: str, upstream: str, *, stream: bool, text: bool) -> list[Any]:
    """The thought that goes up with the third request of a tool loop."""
    kept, asked = thoughts(), first(client) | ({"stream": True} if stream else {})
    for number, answer in enumerate((answered(upstream), second(upstream)), 1):
        lane = opened(kept, client, upstream, asked)
        heard = without(client, said(lane, client, upstream, answer, stream=stream), text=text)
        asked = echoed(client, asked, heard, f"call_{number}")
    again = opened(kept, client, upstream, asked)
    assert not [loss for loss in again.losses if "came from" in loss.why]
    return turns(upstream, again)


@pytest.mark.parametrize("text", [False, True], ids=["nothing", "text"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("client", "upstream"), pairs)
def test_lost_thought_is_put_back(client: str, upstream: str, stream: bool, text: bool) -> None:
    """Both turns of a tool loop have theirs, whole, whether the client kept the text or nothing."""
    expected = [
        [_state(part) for part in answer.content if isinstance(part, Reasoning)]
        for answer in (answered(upstream), second(upstream))
    ]
    assert loop(client, upstream, stream=stream, text=text) == expected
