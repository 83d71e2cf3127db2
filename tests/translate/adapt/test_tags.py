"""Thought in the text becomes a block, however the text is cut, and text that only speaks of tags stays."""

from __future__ import annotations

import pytest

from hexapla.ir.content import Origin, Reasoning, Text, ToolCall
from hexapla.ir.event import AnyEvent, BlockDelta, BlockStart, BlockStop, MessageStart, MessageStop, TextDelta
from hexapla.ir.fold import fold
from hexapla.ir.grammar import check
from hexapla.translate.adapt.tags import Tags

ORIGIN = Origin("openai_chat", "acme")


def answer(text: str, size: int) -> list[AnyEvent]:
    """A text in pieces, and a call behind it."""
    deltas = [BlockDelta(0, TextDelta(text[at : at + size])) for at in range(0, len(text), size)]
    call = ToolCall(id="c", name="f", arguments="{}")
    inside = [BlockStart(0, Text(text="")), *deltas, BlockStop(0), BlockStart(1, call), BlockStop(1)]
    return [MessageStart(origin="openai_chat"), *inside, MessageStop(stop=None)]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
@pytest.mark.parametrize(
    ("text", "thought", "said"),
    [
        ("<think>\nI think.\n\nTwice.\n</think>\n\nWords.", "I think.\n\nTwice.", "Words."),
        ("\n<think>a</think>b", "a", "b"),
        ("<think></think>b", "", "b"),
        ("<think>1 < 2 </thin> </think>b", "1 < 2 </thin> ", "b"),
        ("Use <think> and </think>.", None, "Use <think> and </think>."),
        (" <thin", None, " <thin"),
        ("<think>never closed\n", "never closed", None),
        ("<think>a</think>b <think>c</think>", "a", "b <think>c</think>"),
    ],
)
def test_any_cut(text: str, size: int, thought: str | None, said: str | None) -> None:
    """The same blocks for every cut; what follows keeps its place behind them."""
    tags = Tags(ORIGIN)
    events = [found for event in answer(text, size) for found in tags.feed(event)]
    check(events)
    *parts, call = fold(events).content
    assert isinstance(call, ToolCall)
    assert [part.text for part in parts if isinstance(part, Reasoning)] == ([] if thought is None else [thought])
    assert [part.text for part in parts if isinstance(part, Text)] == ([] if said is None else [said])
    assert all(part.origin == ORIGIN for part in parts if isinstance(part, Reasoning))
