"""What is heard of a stream for the turn that comes back."""

from __future__ import annotations

from hexapla.ir.content import Origin, Reasoning, Text, ToolCall
from hexapla.ir.event import BlockStart, MessageStop
from hexapla.ir.fold import unfold
from hexapla.ir.response import GenerateResponse, ResponsePart
from hexapla.translate.hearing import Hearing

ORIGIN = Origin("anthropic_messages", "p")
THOUGHT = Reasoning(text="Hm.", signature="s", origin=ORIGIN)
CALL = ToolCall(id="c", name="f", arguments="{}")


def heard(*parts: ResponsePart, most: int = 100, end: bool = True) -> list[tuple[ResponsePart, ...]]:
    found: list[tuple[ResponsePart, ...]] = []
    hearing = Hearing(lambda said: found.append(tuple(said)), most)
    for event in unfold(GenerateResponse(content=parts)):
        if end or type(event) is not MessageStop:
            hearing.hear(event)
    return found


def test_thought_and_calls_are_heard_whole_and_text_for_its_place() -> None:
    assert heard(THOUGHT, Text(text="So."), THOUGHT, CALL) == [(THOUGHT, Text(text=""), THOUGHT, CALL)]


def test_a_block_may_begin_out_of_turn() -> None:
    """A call that was held back begins when the next block is over already."""
    found: list[ResponsePart] = []
    hearing = Hearing(found.extend, 100)
    for event in (BlockStart(1, Text(text="So.")), BlockStart(0, CALL), MessageStop()):
        hearing.hear(event)
    assert found == [Text(text=""), CALL]


def test_what_does_not_end_or_is_too_much_is_not_kept() -> None:
    """The memory of an endless thought would be counted by nobody."""
    assert heard(THOUGHT, CALL, end=False) == []
    assert heard(THOUGHT, CALL, most=2) == [] == heard(THOUGHT, CALL, THOUGHT, CALL, most=8)
    assert heard(THOUGHT, CALL, most=5) == [(THOUGHT, CALL)]
