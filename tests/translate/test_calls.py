"""What an answer's tool calls are worth, whatever dialect they come in, whole or in pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.catalog.schema import Quirks
from hexapla.ir.content import Origin, Text, ToolCall
from hexapla.ir.fold import unfold
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, Stop, StopReason
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate import calls
from hexapla.translate.calls import Calls
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek

CHAT, RESPONSES, MESSAGES, GEMINI = "openai_chat", "openai_responses", "anthropic_messages", "gemini_generate"
REPLY = Reply(id="gen-1", created=1, model="m", include_usage=True)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
HI: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]
ASKED: dict[str, dict[str, Any]] = {
    CHAT: {"messages": HI, "tools": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]},
    RESPONSES: {"input": "hi", "tools": [{"type": "function", "name": "weather", "parameters": SCHEMA}]},
    MESSAGES: {"max_tokens": 9, "messages": HI, "tools": [{"name": "weather", "input_schema": SCHEMA}]},
    GEMINI: {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": SCHEMA}]}],
    },
}
REQUIRED: dict[str, dict[str, Any]] = {
    CHAT: {"tool_choice": "required"},
    RESPONSES: {"tool_choice": {"type": "function", "name": "weather"}},
    MESSAGES: {"tool_choice": {"type": "any"}},
    GEMINI: {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
}
RIGHT = ToolCall(id="call_1", name="weather", arguments='{"city": "Ulm"}')
CASES = {
    "": RIGHT,
    "InvalidJson": ToolCall(id="call_1", name="weather", arguments='{"city": "Ulm'),
    "UnknownName": ToolCall(id="call_1", name="wetter", arguments='{"city": "Ulm"}'),
    "SchemaMismatch": ToolCall(id="call_1", name="weather", arguments="{}"),
}
dialects = pytest.mark.parametrize("client", ASKED)
upstreams = pytest.mark.parametrize("upstream", ASKED)


def answered(*parts: Text | ToolCall, reason: StopReason = "tool_calls") -> GenerateResponse:
    return GenerateResponse(id="a", model="m", content=parts, stop=Stop(reason=reason))


def heard(client: str, upstream: str, answer: GenerateResponse, *, stream: bool, **more: Any) -> str | None:
    """The verdict on what a lane has passed on."""
    body = ASKED[client] | more
    if client != GEMINI:
        body = {"model": "m", "stream": stream} | body
    peeked = peek(client, json.dumps(body).encode(), model="m", stream=stream)
    lane = Translation(peeked, REPLY).open(Target(origin=Origin(upstream, "p"), model="m", stream=stream), Quirks())
    lane.summary.calls = Calls(peeked, upstream)
    protocol = PROTOCOLS[upstream]
    if stream:
        encoder, flow = protocol.encoder(REPLY), lane.stream()
        for event in unfold(answer):
            for piece in encoder.encode(event).split(b"\n\n"):
                flow.feed(piece + b"\n\n" if piece else b"")
        flow.feed(encoder.close())
        flow.close()
    else:
        lane.answer(protocol.render_response(answer, REPLY, LossLog()))
    return lane.summary.calls.flaw()


@dialects
@upstreams
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("flaw", CASES)
def test_every_flaw_in_every_lane(client: str, upstream: str, stream: bool, flaw: str) -> None:
    """Beside text, and behind a call that is right.  (Arguments that are objects on the wire cannot be half of one.)"""
    if flaw == "InvalidJson" and (upstream == GEMINI or (upstream == MESSAGES and not stream)):
        pytest.skip("cannot be said")
    answer = answered(Text(text="Let me see."), RIGHT, CASES[flaw])
    assert heard(client, upstream, answer, stream=stream) == flaw


@dialects
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_call_that_was_demanded(client: str, stream: bool) -> None:
    """An answer that ends without one is flawed; without the demand, or where it was dropped, there is nothing to tell."""
    text = answered(Text(text="It is fine."), reason="stop")
    assert heard(client, CHAT, text, stream=stream, **REQUIRED[client]) == "NoCall"
    assert heard(client, CHAT, text, stream=stream) is None
    assert heard(client, CHAT, answered(RIGHT), stream=stream, **REQUIRED[client]) == ""


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_what_was_cut_short_tells_nothing(reason: StopReason) -> None:
    for answer in (answered(CASES["InvalidJson"], reason=reason), answered(Text(text="It"), reason=reason)):
        assert heard(CHAT, CHAT, answer, stream=True, **REQUIRED[CHAT]) is None


def test_what_is_not_certain_is_not_judged() -> None:
    """A vendor's own tools have names of their own, a schema that is none fits everything, free text is free."""
    served = {"tools": [{"type": "web_search"}, *ASKED[RESPONSES]["tools"]]}
    assert heard(RESPONSES, RESPONSES, answered(CASES["UnknownName"]), stream=False, **served) == ""
    bare = {"tools": [{"type": "function", "function": {"name": "weather"}}]}
    assert heard(CHAT, CHAT, answered(CASES["SchemaMismatch"]), stream=False, **bare) == ""
    free = {"tools": [{"type": "custom", "custom": {"name": "weather"}}]}
    said = ToolCall(id="c", name="weather", arguments="Ulm, please", kind="custom")
    assert heard(CHAT, CHAT, answered(said), stream=True, **free) == ""
    silent = ToolCall(id="c", name="weather")
    assert heard(CHAT, CHAT, answered(silent), stream=True, **bare) == "", "no arguments are none"
    assert heard(CHAT, CHAT, answered(RIGHT), stream=False, tools=[{"type": "function"}]) is None


@pytest.mark.parametrize("arguments", ["\ud800", "[" * 5000, "NaN", '{"city": "Ulm"} and more'])
def test_arguments_that_are_anything(arguments: str) -> None:
    """Whatever a model writes is judged and raises nothing."""
    judged = Calls(peek(CHAT, json.dumps({"model": "m"} | ASKED[CHAT]).encode()), CHAT)
    judged.take((ToolCall(id="c", name="weather", arguments=arguments),))
    assert judged.flaw() == "InvalidJson"


PIECES = {
    "one": ((0, "wea", None), (0, "ther", None), (0, None, '{"city": "Ulm"}')),
    "the last with arguments": ((0, "weat", ""), (0, "her", '{"city": "Ulm"}')),
    "in turns": (
        (0, "wea", ""),
        (1, "w", ""),
        (0, "ther", ""),
        (1, "eather", ""),
        *((i, None, RIGHT.arguments) for i in (0, 1)),
    ),
}


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("name", PIECES)
def test_a_name_that_comes_in_pieces(name: str, text: bool) -> None:
    """In a stream that passes by as it is, a call is judged by its whole name."""
    peeked = peek(CHAT, json.dumps({"model": "m", "stream": True} | ASKED[CHAT]).encode())
    lane = Translation(peeked, REPLY).open(Target(origin=Origin(CHAT, "p"), model="m", stream=True), Quirks())
    lane.summary.calls = Calls(peeked, CHAT)
    assert lane.name == "verbatim"
    stream = lane.stream()
    deltas: list[dict[str, object]] = [{"content": "Let me see."}] if text else []
    for index, piece, arguments in PIECES[name]:
        said = {key: value for key, value in (("name", piece), ("arguments", arguments)) if value is not None}
        deltas.append({"tool_calls": [{"index": index, "id": f"c{index}", "type": "function", "function": said}]})
    for delta in deltas:
        stream.feed(b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode())
    stream.feed(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n')
    assert lane.summary.calls.flaw() == ""


def test_arguments_without_end_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MOST", 20)
    long = ToolCall(id="c", name="weather", arguments='{"city": "%s' % ("U" * 20))
    assert heard(CHAT, CHAT, answered(long), stream=True) is None
