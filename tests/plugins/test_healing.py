"""JSON that is almost right."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexapla.ir.content import Text, ToolCall
from hexapla.ir.event import StreamError
from hexapla.ir.fold import fold, unfold
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop
from hexapla.plugins.healing import Healed, healed

WRONG: list[tuple[str, Any]] = [
    # OpenRouter's own examples
    ('{"name": "Alice", "age": 30', {"name": "Alice", "age": 30}),
    ('```json\n{"name": "Bob"}\n```', {"name": "Bob"}),
    ('Here\'s the data you requested:\n{"name": "Charlie", "age": 25}', {"name": "Charlie", "age": 25}),
    ('{"name": "David", "age": 35,}', {"name": "David", "age": 35}),
    ('{name: "Eve", age: 40}', {"name": "Eve", "age": 40}),
    # and what else models do
    ("```\n[1, 2,]\n```\nThat is all.", [1, 2]),
    ('{"a": [1, {"b": "c"', {"a": [1, {"b": "c"}]}),
    ('{"a": [1, 2}', {"a": [1, 2]}),
    ('{"a": 1 "b": 2}', {"a": 1, "b": 2}),
    ('{"a": 1,, "b": 2}', {"a": 1, "b": 2}),
    ("{'a': 'it is', 'b': True, 'c': None}", {"a": "it is", "b": True, "c": None}),
    ('{"a": "she said "hi" to me", "b": 1}', {"a": 'she said "hi" to me', "b": 1}),
    ('{"a": "two\nlines"}', {"a": "two\nlines"}),
    ('{"a": 1 // one\n, /* two */ "b": 2}', {"a": 1, "b": 2}),
    ('{"a": yes, "b": 1.5e3, "c": -0}', {"a": "yes", "b": 1500.0, "c": 0}),
    ('{"a": "\\u00e4\\ud83d\\ude00\\n"', {"a": "ä😀\n"}),
    ('{"a":', {"a": None}),
    ('{"a": {}', {"a": {}}),
    ('Sure! {"a": 1} Anything else?', {"a": 1}),
    ('```json\n{"a": 1', {"a": 1}),
]


@pytest.mark.parametrize(("text", "meant"), WRONG)
def test_what_it_means(text: str, meant: Any) -> None:
    mended = healed(text)
    assert mended is not None and json.loads(mended) == meant


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1.0, "b": [ ]}',
        "[1]",
        '"word"',
        "12",
        "",
        "no JSON at all",
        "I cannot [do] {that}.",
        '{"a" "b"}',
        "[" * 5000,
    ],
)
def test_what_is_right_or_hopeless_is_left(text: str) -> None:
    assert healed(text) is None


def test_what_is_right_inside_keeps_its_bytes() -> None:
    """Only what stands around it goes."""
    assert healed('Here: {"b": 1.50, "a" : [ ]} ok') == '{"b": 1.50, "a" : [ ]}'


@given(st.text(alphabet="{}[]\",:'\\ u0n1ae.-/*\n", max_size=40))
def test_anything_at_all(text: str) -> None:
    """Mended text is JSON, and needs no mending."""
    mended = healed(text)
    assert mended is None or (json.loads(mended) is not None and healed(mended) is None)


def answered(*content: ResponsePart, reason: str = "stop") -> GenerateResponse:
    whole = GenerateResponse(content=content, stop=Stop(reason=reason))  # type: ignore[arg-type]
    heal = Healed()
    return fold([said for event in unfold(whole) for said in heal(event)])


def test_an_answer_is_mended_once_it_is_whole() -> None:
    assert answered(Text(text="{a: 1}")).content == (Text(text='{"a":1}'),)
    call = ToolCall(id="c", name="f", arguments="{")
    assert answered(Text(text="{a: 1}"), call).content == (Text(text='{"a":1}'), call)


@pytest.mark.parametrize(
    ("content", "reason"), [((Text(text="{a: 1"),), "length"), ((Text(text='{"a":'), Text(text="1")), "stop")]
)
def test_half_an_answer_is_not(content: tuple[ResponsePart, ...], reason: str) -> None:
    """One that was cut off by its limit, and one whose text stands in several parts."""
    assert answered(*content, reason=reason).content == content


def test_a_failure_passes() -> None:
    heal, failed = Healed(), StreamError(kind="upstream_error", message="x")
    assert list(heal(failed)) == [failed]
