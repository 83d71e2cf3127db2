"""What is not read again means what it would have meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexapla.ir.event import AnyEvent, BlockDelta, TextDelta
from hexapla.protocols.openai_chat.alike import Alike
from hexapla.protocols.openai_chat.decode import ChatDecoder


def chunk(delta: dict[str, Any], index: Any = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": None} | more.pop("choice", {})
    return {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]} | more


def said(pieces: list[bytes], *, reading: bool = False) -> list[AnyEvent]:
    """The events of a stream, by a decoder that reads every chunk, or as the Hub lane hears them."""
    decoder = ChatDecoder()
    decoder.look()
    if reading:
        decoder._alike.patience = 0
    events: list[AnyEvent] = []
    for data in pieces:
        text = decoder.piece(data)
        events += [BlockDelta(decoder.text_index, TextDelta(text))] if text else decoder.feed(data)
    return [*events, *decoder.close()]


def cut(data: bytes, draw: Callable[[st.SearchStrategy[int]], int], how: int) -> list[bytes]:
    """An event as it arrives: whole, in two pieces, behind other lines of its own, or with other line ends."""
    if how > 3:
        return [b": beat\n" if how == 4 else b"event: other\n", data]
    if how == 1:
        place = draw(st.integers(1, len(data) - 1))
        return [data[:place], data[place:]]
    return [data.replace(b"\n", b"\r\n" if how == 2 else b"\r") if how > 1 else data]


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


@given(st.data(), st.lists(RUNS, max_size=6), st.booleans())
def test_both_ways_hear_the_same(data: st.DataObject, runs: list[list[dict[str, Any]]], ascii_only: bool) -> None:
    pieces: list[bytes] = []
    for each in (each for run in runs for each in run):
        text = json.dumps(each, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
        pieces += cut(b"data: %b\n\n" % text, data.draw, data.draw(st.sampled_from([0, 0, 0, 0, 0, 1, 2, 3, 4, 5])))
    together = data.draw(st.booleans())  # two arrive at once
    pieces = [b"".join(pieces[i : i + 2]) for i in range(0, len(pieces), 2)] if together else pieces
    assert said(pieces) == said(pieces, reading=True)


@pytest.mark.parametrize("more", [{}, {"usage": None, "system_fingerprint": "f"}], ids=["bare", "with nulls"])
def test_the_usual_chunk_is_known_again(more: dict[str, Any]) -> None:
    alike, data = Alike(), [json.dumps(chunk({"content": text}, **more)).encode() for text in ("a", "b\n", "c")]
    alike.learn(data[0], 0)
    assert [alike.text(each) for each in data] == ["a", "b\n", "c"]
    assert [alike.framed(b"data: %b\n\n" % each) for each in data] == ["a", "b\n", "c"]
    assert not any(alike.framed(b"data: %b\n" % each) or alike.framed(each) for each in data)
    assert not alike.text(data[0].replace(b'"a"', b'\n"a"'))
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


@pytest.mark.parametrize(
    "line", [b": beat\n", b"event: other\n", b"data: 1\n", b"\r"], ids=["beat", "name", "data", "CR"]
)
def test_an_event_that_has_begun_is_heard_to_its_end(line: bytes) -> None:
    """What comes next looks like a chunk, and is the rest of something else."""
    events = [b"data: %b\n\n" % json.dumps(chunk({"content": text})).encode() for text in ("a", "b", "c", "d")]
    pieces = [*events[:3], line, *events[3:]]
    assert said(pieces) == said(pieces, reading=True)
