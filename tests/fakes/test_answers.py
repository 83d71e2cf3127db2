"""The fake's answers are what the vendors' own types allow, whole and as events."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from google.genai.types import GenerateContentResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from fakes import chat, gemini, messages, responses
from fakes.scripts import SCRIPTS
from fakes.values import Call, Turn, View, pieces, seal, unseal

TYPES: dict[ModuleType, tuple[Any, Any]] = {
    chat: (ChatCompletion, ChatCompletionChunk),
    responses: (Response, ResponseStreamEvent),
    messages: (Message, RawMessageStreamEvent),
    gemini: (GenerateContentResponse, GenerateContentResponse),
}
dialects = pytest.mark.parametrize("dialect", TYPES, ids=lambda dialect: dialect.__name__)
TALKING = sorted(
    name for name in SCRIPTS if not name.startswith(("error-4", "error-5", "once-4", "once-5", "structured"))
)
scripts = pytest.mark.parametrize("script", TALKING)


def played(dialect: ModuleType, script: str) -> tuple[View, Turn]:
    """A view with a tool, and what the script says to it."""
    view = View(script, lambda count: dialect.call_id(script, count), usage_chunk=True, encrypted=True)
    view.tools["get_weather"] = {"type": "object", "properties": {"city": {"type": "string"}}}
    return view, SCRIPTS[script](view)


def data(frame: bytes) -> Any:
    """The JSON of one event."""
    return frame.split(b"data: ", 1)[1].strip()


@dialects
@scripts
def test_whole_answer(dialect: ModuleType, script: str) -> None:
    """The SDK's type takes the answer, field by field."""
    view, turn = played(dialect, script)
    kind = TYPES[dialect][0]
    answer = json.dumps(dialect.whole(view, turn))
    assert TypeAdapter(kind).validate_json(answer, strict=True)


@dialects
@scripts
def test_events(dialect: ModuleType, script: str) -> None:
    """The SDK's types take every event, and Chat's end marker stands at the end."""
    view, turn = played(dialect, script)
    adapter = TypeAdapter(TYPES[dialect][1])
    frames = dialect.events(view, turn)
    if dialect is chat:
        assert frames.pop() == b"data: [DONE]\n\n"
    for frame in frames:
        if data(frame) != b'{"type":"ping"}':
            adapter.validate_json(data(frame), strict=True)


@pytest.mark.parametrize("dialect", [chat, responses], ids=lambda dialect: dialect.__name__)
def test_interleaved_calls_alternate(dialect: ModuleType) -> None:
    """Both calls are open at the same time."""
    view, turn = played(dialect, "interleaved")
    first, second = [], []
    assert sum(isinstance(block, Call) for block in turn.blocks) == 2
    for number, frame in enumerate(dialect.events(view, turn)):
        if b'"index":0,"function"' in frame or b'"output_index":0' in frame:
            first.append(number)
        if b'"index":1,"function"' in frame or b'"output_index":1' in frame:
            second.append(number)
    assert second[0] < first[-1]


def test_seals_open_only_unchanged() -> None:
    """A state opens to its text, and to nothing when one character is another."""
    state = seal("thought 是")
    assert unseal(state) == "thought 是"
    assert unseal(state[:-6] + "AAAA==") is None
    assert unseal("sealed/" + "AAAA") is None
    assert "".join(pieces("abcdefghij")) == "abcdefghij"
