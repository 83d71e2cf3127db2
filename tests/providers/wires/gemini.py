"""Gemini's generateContent, at the Gemini API and on Vertex AI."""

from __future__ import annotations

import json
from typing import Any

from providers.facts import Wire
from providers.script import SECRET, THOUGHT, TOOL, Turn, pieces
from providers.wires.frames import Heard, dumps, event

Json = dict[str, Any]

STOPS = {"stop": "STOP", "tool": "STOP", "length": "MAX_TOKENS"}
COUNTS = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 800,
    "candidatesTokenCount": 50,
    "thoughtsTokenCount": 20,
    "totalTokenCount": 1070,
}
BROKEN = 'data: {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}\n\n'


def hear(body: Json, wire: Wire) -> Heard:
    """What a request says.  Calls have no ids here: they are known by their order."""
    heard = Heard()
    answered = 0
    for content in body["contents"]:
        heard.roles.append(content["role"])
        for part in content["parts"]:
            if "functionCall" in part:
                heard.calls.append(str(len(heard.calls)))
                if part.get("thoughtSignature") == SECRET:
                    heard.thoughts.append(THOUGHT)
            elif "functionResponse" in part:
                said = part["functionResponse"]["response"]
                heard.results[str(answered)] = str(next(iter(said.values())))
                answered += 1
    return heard


def whole(turn: Turn, wire: Wire, model: str) -> bytes:
    """The answer as one object."""
    return dumps(_answer(_parts(turn, wire), turn, model, last=True)).encode()


def stream(turn: Turn, wire: Wire, model: str, *, counted: bool) -> list[bytes]:
    """The answer as events: text in pieces, calls whole, a final event with the reason."""
    said: list[list[Json]] = []
    for part in _parts(turn, wire):
        if "text" in part:
            said += ([part | {"text": piece}] for piece in pieces(part["text"]))
        else:
            said.append([part])
    answers = [_answer(parts, turn, model, last=False) for parts in said]
    answers.append(_answer([{"text": ""}], turn, model, last=True))
    return [event(wire, dumps(answer)) for answer in answers]


def _parts(turn: Turn, wire: Wire) -> list[Json]:
    parts: list[Json] = []
    if turn.thought and wire.reasoning:
        parts.append({"text": turn.thought, "thought": True})
    if turn.text:
        parts.append({"text": turn.text})
    for at, arguments in enumerate(turn.calls):
        call: Json = {"functionCall": {"name": TOOL, "args": json.loads(arguments)}}
        parts.append(call | ({"thoughtSignature": SECRET} if turn.thought and at == 0 and wire.signed else {}))
    return parts


def _answer(parts: list[Json], turn: Turn, model: str, *, last: bool) -> Json:
    candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if last:
        candidate["finishReason"] = STOPS[turn.stop]
    answer = {"candidates": [candidate], "modelVersion": model, "responseId": "hjF2aQ"}
    return answer | {"usageMetadata": COUNTS if last else {"promptTokenCount": 1000, "totalTokenCount": 1000}}
