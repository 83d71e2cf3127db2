"""What is not read again means what it would have meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexapla.ir.event import AnyEvent
from hexapla.protocols.openai_chat.alike import Alike
from hexapla.protocols.openai_chat.decode import ChatDecoder


def chunk(delta: dict[str, Any], index: Any = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": None} | more.pop("choice", {})
    return {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]} | more


def said(chunks: list[dict[str, Any]], *, reading: bool = False, ascii_only: bool = True) -> list[AnyEvent]:
    """The events of a stream, by a decoder that reads every chunk, or by the usual one."""
    decoder = ChatDecoder()
    decoder.look()
    if reading:
        decoder._alike.patience = 0
    events: list[AnyEvent] = []
    for each in chunks:
        events += decoder.feed(
            b"data: " + json.dumps(each, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") + b"\n\n"
        )
    return [*events, *decoder.close()]


TEXT = st.text(max_size=4) | st.sampled_from(['"', '\\"', "\\", "\u2028", "😀", "\ud83d", "\ude00", '","role":"x'])
DELTAS: list[Callable[[str], dict[str, Any]]] = [
    lambda text: {"content": text},
    lambda text: {"content": text},
    lambda text: {"role": "assistant", "content": text},
    lambda text: {"content": text, "reasoning_content": None},
    lambda text: {"content": text, "refusal": "no"},
    lambda text: {"content": text, "audio": {"data": "AA"}},
    lambda text: {"content": [{"type": "text", "text": text}]},
    lambda text: {"reasoning_content": text},
    lambda text: {"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": text}}]},
]
MORE: list[dict[str, Any]] = [
    *({}, {}, {}, {"usage": None}, {"usage": {"prompt_tokens": 1}}, {"obfuscation": "ab"}, {"content": "x"}),
    *({"citations": ["https://a"]}, {"choice": {"logprobs": {"content": [{"token": "x"}]}}}),
    {"choice": {"finish_reason": "stop"}},
]
RUNS = st.builds(
    lambda delta, index, more, texts: [chunk(delta(text), index, **dict(more)) for text in texts],
    st.sampled_from(DELTAS),
    st.sampled_from([0, 0, 0, 1, None]),
    st.sampled_from(MORE),
    st.lists(TEXT, min_size=1, max_size=4),
)


@given(st.lists(RUNS, max_size=6), st.booleans())
def test_both_ways_hear_the_same(runs: list[list[dict[str, Any]]], ascii_only: bool) -> None:
    chunks = [each for run in runs for each in run]
    assert said(chunks, ascii_only=ascii_only) == said(chunks, reading=True, ascii_only=ascii_only)


@pytest.mark.parametrize("more", [{}, {"usage": None, "system_fingerprint": "f"}], ids=["bare", "with nulls"])
def test_the_usual_chunk_is_known_again(more: dict[str, Any]) -> None:
    alike, data = Alike(), [json.dumps(chunk({"content": text}, **more)).encode() for text in ("a", "b\n", "c")]
    alike.learn(data[0], 0)
    assert [alike.text(each) for each in data] == ["a", "b\n", "c"]
    assert not alike.text(data[1].replace(b"}", b'},"usage":{}', 1))


@pytest.mark.parametrize(
    "data",
    [
        b'{"choices":[{"index":1,"delta":{"content":"x"}}]}',
        b'{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}',
        b'{"choices":[{"index":0,"delta":{"content":"x","audio":{"data":"A"}}}]}',
        b'{"choices":[{"index":0,"delta":{"content" : "x"}}],"content":"x"}',
        b'{"choices":[{"index":0,"delta":{"content":"x","content":"y"}}]}',
        b'{"choices":[{"index":0,"delta":{"content":"x"}},{"index":1,"delta":{"content":"x"}}]}',
    ],
    ids=["another choice", "finish", "sound", "another content", "said twice", "two choices"],
)
def test_what_says_more_is_read_each_time(data: bytes) -> None:
    alike = Alike()
    alike.learn(data, 0)
    assert alike.text(data) == ""
