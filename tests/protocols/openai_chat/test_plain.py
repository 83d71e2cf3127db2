"""What is read at once is what reading it closely gives, whatever stands in an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexapla.errors import GatewayError, ProtocolError
from hexapla.protocols.openai_chat.plain import plain
from hexapla.protocols.openai_chat.response import _looked_into, parse_response
from hexapla.protocols.openai_chat.schema import Choice, Chunk, Delta, FunctionDelta, ToolDelta
from hexapla.protocols.openai_chat.words import FINISH

Json = dict[str, Any]
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
VALUES = st.sampled_from(
    [None, "", "a", 0, 7, 1.5, True, [], ["a"], {}, {"a": 1}, "stop", "length", "error", [CALL], {"prompt_tokens": 3}]
)
NAMES = {
    "answer": sorted({*Chunk.__struct_fields__, "odd"}),
    "choice": sorted({*Choice.__struct_fields__, "odd"}),
    "message": sorted({*Delta.__struct_fields__, "role", "odd"}),
    "call": sorted({*ToolDelta.__struct_fields__, "odd"}),
    "function": sorted({*FunctionDelta.__struct_fields__, "odd"}),
}


def answer(**message: Any) -> Json:
    said = {"role": "assistant", "content": "Hi", "refusal": None, "annotations": []} | message
    choice = {"index": 0, "message": said, "logprobs": None, "finish_reason": "stop"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "m"}
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    return head | {"choices": [choice], "usage": usage, "service_tier": "default", "system_fingerprint": "fp"}


USUAL = [answer(), answer(content=None, tool_calls=[CALL, CALL | {"id": "call_2"}]), answer(tool_calls=[CALL])]


@pytest.mark.parametrize("said", USUAL, ids=["text", "calls", "both"])
def test_usual_answers_are_read_at_once(said: Json) -> None:
    body = json.dumps(said).encode()
    assert plain(b"\n " + body) is not None
    assert parse_response(body) == _looked_into(body)


@given(data=st.data())
def test_whatever_stands_there(data: st.DataObject) -> None:
    """Any field anywhere with any value: what is read at once is what the closer look finds."""
    said = json.loads(json.dumps(data.draw(st.sampled_from(USUAL))))
    choice = said["choices"][0]
    call = (choice["message"].get("tool_calls") or [{"function": {}}])[0]
    places = {
        "answer": said,
        "choice": choice,
        "message": choice["message"],
        "call": call,
        "function": call["function"],
    }
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from(sorted(places)))
        places[place][data.draw(st.sampled_from(NAMES[place]))] = data.draw(VALUES)
    if data.draw(st.booleans()):
        choice["finish_reason"] = data.draw(st.sampled_from(sorted(FINISH)))
    body = json.dumps(said).encode()
    if plain(body) is None:
        return
    try:
        close = _looked_into(body)
    except (GatewayError, ProtocolError) as error:
        pytest.fail(f"read at once: {body!r}, {error}")
    assert parse_response(body) == close
