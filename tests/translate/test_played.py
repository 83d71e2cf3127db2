"""A whole answer told as a stream: in pieces where it is long, and not before it is asked for."""

from __future__ import annotations

import pytest

from hexapla.ir.content import Refusal, Text, ToolCall
from hexapla.ir.event import BlockDelta, TextDelta
from hexapla.ir.fold import fold, unfold
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop
from hexapla.translate.played import AT_ONCE, PIECE, ahead, in_pieces


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE])
@pytest.mark.parametrize(
    "make", [lambda text: Text(text=text), lambda text: Refusal(text=text)], ids=["text", "refusal"]
)
def test_pieces_make_the_same_answer(size: int, make: type[ResponsePart]) -> None:
    call = ToolCall(id="c", name="n", arguments='{"a":"' + "é" * size + '"}')
    answer = GenerateResponse(id="r", content=(make("é" * size), call), stop=Stop(reason="stop"))  # type: ignore[call-arg]
    told = [*in_pieces(unfold(answer))]
    assert fold(told) == answer
    deltas = [event.delta for event in told if isinstance(event, BlockDelta)]
    assert all(len(delta.text) <= PIECE for delta in deltas if isinstance(delta, TextDelta))


def test_a_short_text_stays_whole() -> None:
    answer = GenerateResponse(content=(Text(text="Hello."),), stop=Stop(reason="stop"))
    assert [*in_pieces(unfold(answer))] == [*unfold(answer)]


def test_what_is_long_is_made_when_it_is_told() -> None:
    """And what is short before, in one piece."""
    made = 0

    def pieces(count: int) -> list[bytes]:
        nonlocal made
        made = 0

        def make() -> bytes:
            nonlocal made
            made += 1
            return b"x" * (AT_ONCE // 4)

        told = ahead(make() for _ in range(count))
        before = made
        assert before == min(count, 5)
        return [*told]

    assert [len(piece) for piece in pieces(3)] == [AT_ONCE // 4 * 3]
    assert [len(piece) for piece in pieces(8)] == [AT_ONCE // 4 * 5, *[AT_ONCE // 4] * 3]
    assert made == 8
