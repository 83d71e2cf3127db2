"""Chat chunks say what they are, so that the SDK puts them together; those that do pass byte for byte."""

from __future__ import annotations

import json

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from hexapla.translate.named import named

CHUNK = {"id": "1", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"content": "hi"}}]}
RIGHT = {"object": "chat.completion.chunk"}


def event(**fields: object) -> bytes:
    return b"data: " + json.dumps(CHUNK | fields).encode() + b"\n\n"


@pytest.mark.parametrize("said", [{}, {"object": ""}, {"object": None}, {"object": "chat.completion"}])
@pytest.mark.parametrize("before", [b"", b": keep-alive\n\n", b'data: {"choices":[]}\n\n'])
def test_the_sdk_hears_every_chunk(said: dict[str, object], before: bytes) -> None:
    data, right = named(before + event(**said) + event(**said))
    state = ChatCompletionStreamState()
    for line in data.splitlines():
        if b'"index"' in line:
            state.handle_chunk(ChatCompletionChunk.model_validate_json(line.removeprefix(b"data: ")))
    assert not right and state.current_completion_snapshot.choices[0].message.content == "hihi"


@pytest.mark.parametrize(
    ("data", "right"),
    [
        (event(**RIGHT), True),
        (event(choices=[], object="") + event(**RIGHT), True),  # Azure's filters are heard by nobody
        (event(choices=[], object=""), False),
        (b": PROCESSING\n\n", False),
        (b'data: {"error":{"object":"error","message":"boom"}}\n\n', False),
        (b"data: [DONE]\n\n", False),
    ],
)
def test_what_is_right_passes_byte_for_byte(data: bytes, right: bool) -> None:
    assert named(data) == (data, right)


def test_a_chunk_is_named_whatever_follows_it() -> None:
    """However a stream is cut, the same chunks get a name: those before the first that has one."""
    nameless, right = event(), event(**RIGHT)
    alone, _ = named(nameless)
    assert named(nameless + right + nameless) == (alone + right + nameless, True) and alone != nameless


def test_a_count_without_a_choice_is_heard() -> None:
    data, _ = named(event(choices=[], usage={"prompt_tokens": 1}))
    assert b'"object":"chat.completion.chunk"' in data


def test_a_text_that_speaks_of_names_is_a_text() -> None:
    data, _ = named(event(choices=[{"index": 0, "delta": {"content": '"object":"chat.completion.chunk"'}}]))
    assert json.loads(data[6:]) == RIGHT | CHUNK | {
        "choices": [{"index": 0, "delta": {"content": '"object":"chat.completion.chunk"'}}]
    }
