"""What clients choose is not remembered without measure."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable

import pytest

from engine.test_heads import served
from hexapla.engine.wishes import _read
from hexapla.errors import ProtocolError
from hexapla.ir.content import ToolCall
from hexapla.ir.loss import Loss, LossLog
from hexapla.ir.request import GenerateRequest, Message
from hexapla.routing.preferences import Preferences
from hexapla.translate.adapt.ids import fit_id
from hexapla.translate.adapt.names import fit_names
from hexapla.translate.cached import LONGEST, cached
from hexapla.translate.peek import LONGEST_NAME, MOST_MODELS, peek
from hexapla.upstream.head import letterhead_of
from hexapla.upstream.transport import Request

MANY = 30
LONG = 1_000_000


def names(text: str) -> None:
    call = ToolCall(id="a", name=text, arguments="{}")
    request = GenerateRequest(protocol="openai_chat", model="m", messages=(Message(role="assistant", content=(call,)),))
    fit_names(request, "^[a-z]{1,64}$", LossLog(), flatten=True)


@pytest.mark.parametrize(
    "take",
    [
        lambda text: fit_id(text, "^[a-z0-9]{9}$"),
        names,
        lambda text: _read(json.dumps({"order": [text]}).encode(), Preferences()),
        lambda text: letterhead_of(Request(url="http://h/", headers=(("anthropic-beta", text), ("x-key", text)))),
        lambda text: served("id", losses=(Loss(f"tools[0].{text}", "why"),)),
    ],
    ids=["call ids", "names of tools", "wishes", "headers", "losses"],
)
def test_long_texts_are_let_go(take: Callable[[str], object]) -> None:
    tracemalloc.start()
    try:
        for number in range(MANY):
            take(f"{number}" + "a" * LONG)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 3 * LONG


def test_short_texts_are_remembered() -> None:
    asked = []

    @cached(2)
    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    assert [length(text) for text in ("a", "a", "b" * (LONGEST + 1), "b" * (LONGEST + 1))] == [
        1,
        1,
        LONGEST + 1,
        LONGEST + 1,
    ]
    assert [text[0] for text in asked] == ["a", "b", "b"]


@pytest.mark.parametrize("more", [{}, {"tools": []}])
def test_a_models_name_has_an_end(more: dict[str, object]) -> None:
    """Whether the request says the usual or more."""
    said = {"messages": [{"role": "user", "content": "x"}], **more}
    longest = "m" * LONGEST_NAME
    assert peek("openai_chat", json.dumps({"model": longest, **said}).encode()).model == longest
    for wrong in ({"model": longest + "m"}, {"model": "m", "models": ["a", longest + "m"]}):
        with pytest.raises(ProtocolError, match="at most 512 characters"):
            peek("openai_chat", json.dumps({**wrong, **said}).encode())
    with pytest.raises(ProtocolError, match="at most 100 entries"):
        peek("openai_chat", json.dumps({"model": "m", "models": ["a"] * (MOST_MODELS + 1), **said}).encode())
    with pytest.raises(ProtocolError, match="at most 512 characters"):
        peek("gemini_generate", b'{"contents": []}', model=longest + "m")
