"""Half characters in JSON text."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexapla.wire.surrogates import Halves, mend


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rb'{"a":"x\ud83d"}', "x\ufffd"),
        (rb'{"a":"\ude00x"}', "\ufffdx"),
        (rb'{"a":"\ud83d\ude00"}', "\U0001f600"),
        (rb'{"a":"\ud83d\ud83d\ude00"}', "\ufffd\U0001f600"),
        (rb'{"a":"\\ud83d"}', "\\ud83d"),
        (rb'{"a":"\"\ud83d\""}', '"\ufffd"'),
        (rb'{"a":"\u00e9\n"}', "\u00e9\n"),
    ],
)
def test_lone_halves_are_replaced(text: bytes, expected: str) -> None:
    """Whole characters and escaped backslashes stay; halves become the replacement character."""
    assert msgspec.json.decode(mend(text)) == {"a": expected}


def test_the_rest_is_untouched() -> None:
    """Spacing, numbers and order of everything else survive to the byte."""
    assert mend(rb'{ "b":1.50, "a" : "\ud83d" }') == rb'{ "b":1.50, "a" : "\ufffd" }'


def test_halves_of_two_chunks_are_joined() -> None:
    """A character that was cut between two chunks is whole again, in every field that carries it."""
    halves = Halves()
    first = msgspec.json.decode(halves.mend(rb'{"a":"x\ud83d","b":"x\ud83d"}'))
    second = msgspec.json.decode(halves.mend(rb'{"a":"\ude00y","b":"\ude00y"}'))
    assert (first, second) == ({"a": "x", "b": "x"}, {"a": "\U0001f600y", "b": "\U0001f600y"})


def test_a_half_that_nobody_continues() -> None:
    """A kept half is not glued to a later stranger."""
    halves = Halves()
    halves.mend(rb'{"a":"\ud83d"}')
    halves.mend(rb'{"a":"\ud83dx"}')
    assert msgspec.json.decode(halves.mend(rb'{"a":"\ude00"}')) == {"a": "\ufffd"}


@given(st.lists(st.text(st.characters(codec=None, categories=["Cs", "Lu", "So"]), max_size=8), max_size=4))
def test_whatever_is_mended_decodes(texts: list[str]) -> None:
    """Any mixture of halves becomes decodable JSON."""
    halves = Halves()
    for text in texts:
        data = json.dumps({"a": text}).encode()
        msgspec.json.decode(mend(data))
        msgspec.json.decode(halves.mend(data))


@given(st.binary(max_size=60))
def test_total(data: bytes) -> None:
    """Arbitrary bytes never raise."""
    mend(data)
    Halves().mend(data)
