"""A failure in the middle of a stream, in whatever form the upstream says it: told in the form of the client's dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.catalog.schema import Quirks
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.translate.calls import Calls
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek
from server.wire import CHAT, GEMINI, MESSAGES, RESPONSES, TERMINATORS, ask, ending, opening, piece

Json = dict[str, Any]
ALL = (CHAT, RESPONSES, MESSAGES, GEMINI)

INNER = '{"message":"boom","type":"overloaded_error","code":"E7"}'
FORMS: dict[str, bytes] = {
    "error": f'data: {{"error":{INNER}}}\n\n'.encode(),
    "named": f'event: error\ndata: {{"error":{INNER}}}\n\n'.encode(),
    "anthropic": f'event: error\ndata: {{"type":"error","error":{INNER}}}\n\n'.encode(),
    "nameless": f'data: {{"type":"error","error":{INNER}}}\n\n'.encode(),
    "string": b'data: {"error":"boom"}\n\n',
    "flat": b'data: {"object":"error","message":"boom","code":503}\n\n',
    "text": b"event: error\ndata: boom\n\n",
    "field": f"error: {INNER}\n\n".encode(),  # llama.cpp's server
    "line": f'{{"error":{INNER}}}\n\n'.encode(),
    "unfinished": f'{{"error":{INNER}}}'.encode(),
    "list": f'data: [{{"error":{INNER}}}]\n\n'.encode(),
    "crlf": f'event: error\r\ndata: {{"error":{INNER}}}\r\n\r\n'.encode(),
    "responses": b'event: error\ndata: {"type":"error","code":"E7","message":"boom","param":null}\n\n',
}
AFTER = b'data: {"choices":[{"index":0,"delta":{"content":"ghost"}}]}\n\ndata: [DONE]\n\n'


def stream(client: str, upstream: str, *, openrouter: bool = False) -> Any:
    if client == GEMINI:
        body = json.dumps({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}).encode()
    else:
        body = ask(client, "m", stream=True)
    reply = Reply(id="gen-1", created=1, model="m", include_usage=True, openrouter=openrouter)
    opened = Translation(peek(client, body, model="m", stream=True), reply)
    return opened.open(Target(origin=Origin(upstream, "p"), model="m"), Quirks()).stream()


def told(heard: bytes) -> list[tuple[str, Json]]:
    """The events with their names."""
    found = []
    for block in heard.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = dict(line.split(": ", 1) for line in block.decode().split("\n") if ": " in line)
        if lines.get("data", "").startswith("{"):
            found.append((lines.get("event", ""), json.loads(lines["data"])))
    return found


@pytest.mark.parametrize("openrouter", [False, True], ids=["v1", "api"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("client", ALL)
@pytest.mark.parametrize("upstream", [CHAT, RESPONSES, MESSAGES, GEMINI])
def test_one_error_in_the_clients_own_form(upstream: str, client: str, form: str, openrouter: bool) -> None:
    if (upstream, form) == (GEMINI, "flat"):
        pytest.skip("nobody who speaks Gemini says it so")
    """It is the last thing that is said, it holds the provider's words, and its kind in one word for all dialects."""
    running = stream(client, upstream, openrouter=openrouter)
    heard = running.feed(opening(upstream) + piece(upstream, "Hel"))
    assert running.committed
    heard += running.feed(piece(upstream, "lo") + FORMS[form])
    heard += running.close() if form == "unfinished" else running.feed(AFTER)
    assert running.failed and running.close() == b""
    assert b"lo" in heard and b"ghost" not in heard and b"[DONE]" not in heard
    events = told(heard)
    name, last = events[-1]
    error = _SHAPE[client](name, last, openrouter)
    assert "boom" in error["message"], last
    assert sum("boom" in json.dumps(event) for _, event in events) == 1


def _chat(name: str, event: Json, openrouter: bool) -> Json:
    error: Json = event["error"]
    assert not name and error["metadata"]["error_type"] in ("provider_overloaded", "provider_unavailable")
    if openrouter:
        assert event["choices"] == [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
        assert isinstance(error["code"], int) and event["object"] == "chat.completion.chunk" and event["id"]
    else:
        assert {"message", "type", "param", "code"} <= error.keys()
    return error


def _messages(name: str, event: Json, openrouter: bool) -> Json:
    error: Json = event["error"]
    assert name == event["type"] == "error"
    assert error["type"] in ("overloaded_error", "api_error") and error["error_type"].startswith("provider_")
    return error


def _responses(name: str, event: Json, openrouter: bool) -> Json:
    response = event["response"]
    assert name == event["type"] == "response.failed" and response["status"] == "failed"
    assert response["error_type"].startswith("provider_")
    error: Json = response["error"]
    return error


def _gemini(name: str, event: Json, openrouter: bool) -> Json:
    error: Json = event["error"]
    assert isinstance(error["code"], int) and error["status"] in ("UNAVAILABLE", "INTERNAL")
    return error


_SHAPE = {CHAT: _chat, MESSAGES: _messages, RESPONSES: _responses, GEMINI: _gemini}


@pytest.mark.parametrize("protocol", [CHAT, RESPONSES, MESSAGES])
def test_whatever_follows_a_failure_is_not_told(protocol: str) -> None:
    """Nor where calls of tools are listened for; what stands before it in the same bytes is."""
    tool = {"name": "f", "parameters": {"type": "object"}, "input_schema": {"type": "object"}, "type": "function"}
    tools = [{"type": "function", "function": tool}] if protocol == CHAT else [tool]
    peeked = peek(protocol, ask(protocol, "m", stream=True, tools=tools))
    lane = Translation(peeked, Reply(id="gen-1", created=1, model="m")).open(
        Target(origin=Origin(protocol, "p"), model="m"), Quirks()
    )
    assert lane.name == "verbatim"
    lane.summary.calls = Calls(peeked, protocol, forced=False)
    running = lane.stream()
    heard = running.feed(opening(protocol) + piece(protocol, "Hel"))
    heard += running.feed(piece(protocol, "lo") + FORMS["named"] + ending(protocol, "Hello") + AFTER) + running.close()
    assert heard.count(b"boom") == 1 and b"lo" in heard
    assert TERMINATORS[protocol] not in heard and b"ghost" not in heard


def test_a_failed_response_keeps_what_it_tells() -> None:
    """Its output, its usage and its place in the sequence stand in the vendor's own event, which passes."""
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    error = {"code": "server_error", "message": "boom"}
    response = {
        "id": "resp_1",
        "object": "response",
        "status": "failed",
        "output": [{"x": 1}],
        "usage": usage,
        "error": error,
    }
    event = {"type": "response.failed", "sequence_number": 9, "response": response}
    running = stream(RESPONSES, RESPONSES)
    heard = running.feed(opening(RESPONSES) + piece(RESPONSES, "Hel"))
    heard += running.feed(f"event: response.failed\ndata: {json.dumps(event)}\n\n".encode()) + running.close()
    name, last = told(heard)[-1]
    assert name == "response.failed" and last["sequence_number"] == 9
    assert last["response"] == {**response, "error_type": "provider_unavailable"}
    assert running.summary.usage is not None and running.summary.usage.output == 2


def test_the_beginning_is_not_told_again() -> None:
    """An error of the gateway's own, in a stream that is passed on: one event, under the answer's own id."""
    running = stream(RESPONSES, RESPONSES)
    heard = running.feed(opening(RESPONSES) + piece(RESPONSES, "Hel")) + running.close()
    events = [event["type"] for _, event in told(heard)]
    assert events.count("response.created") == 1 and events[-1] == "response.failed"
    assert told(heard)[-1][1]["response"]["id"] == told(heard)[0][1]["response"]["id"]
