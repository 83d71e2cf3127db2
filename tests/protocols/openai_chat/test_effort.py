"""How each family of Chat servers is asked to think."""

from __future__ import annotations

from typing import Any

import pytest
from chatwire import asking, parsed, rendered, target

from hexapla.ir.content import Text
from hexapla.ir.request import Message, ReasoningWish

HI = Message(role="user", content=(Text(text="hi"),), plain=True)


def asked(wish: ReasoningWish, style: str = "", max_tokens: int | None = None, **flags: Any) -> tuple[Any, list[str]]:
    """(the fields that ask for thought, parts of the wish that were lost)."""
    request = asking(HI, reasoning=wish, max_tokens=max_tokens)
    body, losses = rendered(request, target(reasoning_style=style, **flags))
    known = {"model", "messages", "max_tokens"}
    return {name: value for name, value in body.items() if name not in known}, [loss.field for loss in losses]


W = ReasoningWish
CASES: list[tuple[ReasoningWish, str, dict[str, Any], list[str]]] = [
    (W(effort="high"), "", {"reasoning_effort": "high"}, []),
    (W(mode="disabled"), "", {"reasoning_effort": "none"}, ["reasoning.mode"]),
    (W(mode="adaptive"), "", {}, ["reasoning.mode"]),
    (W(mode="adaptive", effort="low"), "", {"reasoning_effort": "low"}, ["reasoning.mode"]),
    (W(mode="enabled"), "", {"reasoning_effort": "medium"}, ["reasoning.mode"]),
    (W(budget=800), "", {"reasoning_effort": "high"}, ["reasoning.budget"]),
    (W(budget=90), "", {"reasoning_effort": "minimal"}, ["reasoning.budget"]),
    (W(effort="low", exclude=True, summary="auto"), "", {"reasoning_effort": "low"},
     ["reasoning.summary", "reasoning.exclude"]),
    (W(effort="high", exclude=True), "openrouter", {"reasoning": {"effort": "high", "exclude": True}}, []),
    (W(budget=9, mode="enabled"), "openrouter", {"reasoning": {"max_tokens": 9, "enabled": True}}, []),
    (W(mode="disabled"), "openrouter", {"reasoning": {"enabled": False}}, []),
    (W(mode="adaptive", effort="high"), "openrouter", {"reasoning": {"effort": "high", "enabled": True}},
     ["reasoning.mode"]),
    (W(budget=9, effort="high"), "openrouter", {"reasoning": {"max_tokens": 9}}, ["reasoning.effort"]),
    (W(mode="enabled", budget=9), "enable_thinking", {"enable_thinking": True, "thinking_budget": 9}, []),
    (W(mode="disabled"), "enable_thinking", {"enable_thinking": False}, []),
    (W(effort="none"), "enable_thinking", {"enable_thinking": False}, ["reasoning.mode", "reasoning.effort"]),
    (W(effort="low"), "enable_thinking", {"enable_thinking": True, "thinking_budget": 999},
     ["reasoning.mode", "reasoning.effort", "reasoning.budget"]),
    (W(mode="enabled"), "thinking", {"thinking": {"type": "enabled"}}, []),
    (W(mode="disabled", effort="high"), "thinking", {"thinking": {"type": "disabled"}}, ["reasoning.effort"]),
    (W(effort="high"), "thinking", {"thinking": {"type": "enabled"}}, ["reasoning.mode", "reasoning.effort"]),
    (W(effort="high"), "none", {}, ["reasoning"]),
]  # fmt: skip


@pytest.mark.parametrize(("wish", "style", "expected", "lost"), CASES)
def test_styles(wish: ReasoningWish, style: str, expected: dict[str, Any], lost: list[str]) -> None:
    """Each wish in each style, and what of it is not carried (of 1,000 tokens at most)."""
    assert asked(wish, style, 1000) == (expected, lost)


@pytest.mark.parametrize(
    ("effort", "levels", "expected"),
    [
        ("high", ("low", "high"), "high"),
        ("medium", ("low", "high"), "low"),
        ("max", ("none", "low", "high"), "high"),
        ("minimal", ("none", "low"), "low"),  # thinking a little is not thinking nothing
        ("none", ("none", "low"), "none"),
        ("none", ("low", "high"), "low"),
        ("odd", ("low",), "odd"),
    ],
)
def test_nearest_level(effort: str, levels: tuple[str, ...], expected: str) -> None:
    """A level that the model does not know becomes the nearest, which is said; an unknown word is passed on."""
    body, lost = asked(ReasoningWish(effort=effort), effort_levels=levels)
    assert body == {"reasoning_effort": expected}
    assert bool(lost) == (expected != effort)


def test_level_beside_the_switch() -> None:
    """DeepSeek and Z.ai know a switch and levels."""
    wish = ReasoningWish(mode="enabled", effort="xhigh")
    body, lost = asked(wish, "thinking", effort_levels=("high", "max"))
    assert body == {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}
    assert lost == ["reasoning.effort"]


@pytest.mark.parametrize(
    ("effort", "most", "expected"),
    [("high", 10_000, 8000), ("low", 10_000, 2000), ("minimal", 5000, 1024), ("max", 600, 599)],
)
def test_budget_of_a_level(effort: str, most: int, expected: int) -> None:
    """A level as its published share of max_tokens, at least 1,024, below max_tokens."""
    body, _ = asked(ReasoningWish(effort=effort), "enable_thinking", most)
    assert body["thinking_budget"] == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"thinking": {"type": "enabled", "budget_tokens": 9, "keep": "all"}, "reasoning_effort": "max"},
        {"thinking": {"type": "disabled"}},
        {"thinking": {"type": "auto"}},
        {"enable_thinking": False},
        {"enable_thinking": True, "thinking_budget": 9},
        {"thinking_budget": 9},
        {"reasoning_effort": "high"},
    ],
)
def test_own_words(fields: dict[str, Any]) -> None:
    """A Chat client's words reach a Chat server of which nothing is known as they are."""
    body, losses = rendered(parsed(**fields))
    assert {name: body[name] for name in body if name not in ("model", "messages")} == fields
    assert losses == ()


def test_openrouter_fields_return() -> None:
    """reasoning{} of a Chat client returns whole to OpenRouter, fields of tomorrow included."""
    said = {"reasoning": {"effort": "high", "exclude": True, "enabled": True, "context": "all"}}
    body, losses = rendered(parsed(**said), target("openrouter", reasoning_style="openrouter"))
    assert body["reasoning"] == said["reasoning"]
    assert losses == ()
