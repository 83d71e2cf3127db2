"""What is said again at a seam is cut off, however long it is and however it is cut."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexapla.translate.overlap import LOOKS, Lap, Repetition


@pytest.mark.parametrize(
    ("before", "least", "pieces", "new"),
    [
        ("Once upon a time", 4, ["a time there", " was"], " there was"),
        ("Once upon a time", 4, ["a ", "ti", "me there"], " there"),
        ("Once upon a time", 4, [" there", " was"], " there was"),
        ("Once upon a ", 4, [" time"], "time"),
        ("Once upon a ", 4, ["time"], "time"),
        ("a row | --- |", 32, [" --- |"], " --- |"),
        ("ha", 4, ["ha", "ha"], "haha"),
        ("从前有一座山", 4, ["有一座山，山里"], "，山里"),
        ("x" * 40, 32, ["x" * 40, "!"], "!"),
        ("Once", 4, [], ""),
        ("Once ", 4, ["Once", " more"], "more"),
        ("Once ", 4, ["Once\n", "more"], "\nmore"),
        ("Once\n\n", 4, ["\n", "\n\nmore"], "\nmore"),
        ("one two one three", 4, ["one t", "wo one", " three four"], " four"),
        ("one two one three", 4, ["one t", "hree four"], " four"),
    ],
)
def test_what_is_said_again_is_cut_off(before: str, least: int, pieces: list[str], new: str) -> None:
    """The longest repetition of the end at the beginning; a few letters are none."""
    lap = Lap(before, least)
    assert "".join(lap.feed(piece) for piece in pieces) + lap.rest() == new


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[begin:end] for begin, end in pairwise(places)]


def without_repetition(before: str, least: int, text: str) -> str:
    """The definition: `text` without the longest end of `before` with which it begins."""
    sizes = range(min(len(before), len(text)), least - 1, -1)
    return text[next((size for size in sizes if text.startswith(before[len(before) - size :])), 0) :]


TEXT = st.text("ab ", max_size=40)  # a small alphabet is full of itself


@given(before=TEXT, again=st.integers(0, 40), more=TEXT, cuts=st.lists(st.integers(0, 99), max_size=8))
@pytest.mark.parametrize("least", [1, 4])
def test_the_longest_repetition_is_found(least: int, before: str, again: int, more: str, cuts: list[int]) -> None:
    """As its definition says, whatever pieces the new text comes in; and nothing is told that is taken back later."""
    new = before[len(before) - min(again, len(before)) :] + more
    found = Repetition(before, least)
    assert "".join(map(found.feed, pieces_of(new, cuts))) + found.rest() == without_repetition(before, least, new)


@given(before=TEXT, more=TEXT, cuts=st.lists(st.integers(0, 99), max_size=8))
def test_the_end_is_compared_without_its_white_space(before: str, more: str, cuts: list[int]) -> None:
    """First what was told, then the white space that was not."""
    told = before.rstrip()
    lap = Lap(before, 4)
    expected = without_repetition(before[len(told) :], 1, without_repetition(told, 4, more))
    assert "".join(map(lap.feed, pieces_of(more, cuts))) + lap.rest() == expected


WORDS = " ".join(f"{number * 7919 % 10007} word" for number in range(20_000))  # some 200,000 characters


@pytest.mark.parametrize("again", [1, 399, 400, 401, 5_000, 150_000, len(WORDS)])
def test_a_repetition_may_be_as_long_as_the_answer(again: int) -> None:
    """Vendors that begin with all that they were told included; in pieces of about a token."""
    new = WORDS[len(WORDS) - again :] + " and more" if again > 1 else " and more"
    lap = Lap(WORDS, 32)
    assert "".join(lap.feed(new[at : at + 4]) for at in range(0, len(new), 4)) + lap.rest() == " and more"


@pytest.mark.parametrize(
    ("before", "new"),
    [("a" * 200_000, "a" * 199_999 + "b"), ("ab" * 100_000, ("ab" * 500 + "a") * 200), ("aab" * 60_000, "aa" * 90_000)],
    ids=["one", "two", "never"],
)
def test_the_cost_is_bounded(before: str, new: str) -> None:
    """Texts that are full of themselves: quadratic work would take minutes here."""
    began, found = time.thread_time(), Repetition(before, 4)
    said = "".join(found.feed(new[at : at + 4]) for at in range(0, len(new), 4)) + found.rest()
    assert new.endswith(said)
    assert time.thread_time() - began < 5


def test_after_so_many_false_hopes_nothing_is_a_repetition() -> None:
    """Places that cease to fit one after the other: the bound is kept, and the text passed on as it is."""
    row = "x" * 2 * LOOKS
    before = "".join("x" * size + "y" for size in range(1, len(row))) + row
    found = Repetition(before, 4)
    assert "".join(map(found.feed, row + "!")) + found.rest() == row + "!"
    near = Repetition(before[-LOOKS:], 4)
    assert "".join(map(near.feed, row[-LOOKS:] + "!")) + near.rest() == "!"
