"""Conversations that are too long."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexapla.ir.content import AnyPart, Media, Text, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message
from hexapla.plugins.middle_out import GAP, shortened, tokens

WORD = "heron "  # six letters


def said(role: str, text: str) -> Message:
    return Message(role=role, content=(Text(text=text),), plain=True)  # type: ignore[arg-type]


def called(name: str, result: str) -> tuple[Message, Message]:
    call: AnyPart = ToolCall(id=name, name=name, arguments="{}")
    return (
        Message(role="assistant", content=(call,)),
        Message(role="tool", content=(ToolResult(call_id=name, content=(Text(text=result),)),)),
    )


def request(*messages: Message, max_tokens: int | None = 100) -> GenerateRequest:
    return GenerateRequest(protocol="openai_chat", model="m", messages=messages, max_tokens=max_tokens)


LONG = request(
    said("system", "S" * 400), *(said("assistant" if n % 2 else "user", f"{n} {WORD * 100}") for n in range(21))
)


def test_what_fits_is_left() -> None:
    losses = LossLog()
    assert shortened(LONG, 100_000, losses) is LONG and losses.losses == ()


def test_the_middle_goes_first() -> None:
    """Instructions, the beginning and the end stay, and it is said how much is gone."""
    losses = LossLog()
    kept = shortened(LONG, 2_000, losses).messages
    texts = [part.text.split()[0] for message in kept for part in message.content if isinstance(part, Text)]
    assert texts[0] == "S" * 400 and texts[1] == "0" and texts[-1] == "20"
    numbers = [int(text) for text in texts[1:]]
    ends = [b - a for a, b in pairwise(numbers)]
    assert sorted(ends)[-2:] == [1, 21 - len(numbers) + 1], "one gap, in the middle"
    assert losses.losses[0].why == f"{22 - len(kept)} in the middle were left out: the model's context is 2000 tokens"
    assert losses.losses[0].severity == "cosmetic"


def test_a_call_and_its_result_go_together() -> None:
    loop = [message for n in range(30) for message in called(f"f{n}", WORD * 50)]
    kept = shortened(request(said("user", "Look!"), *loop, said("user", "Well?")), 1_500, LossLog()).messages
    calls = [part.id for message in kept for part in message.content if isinstance(part, ToolCall)]
    results = [part.call_id for message in kept for part in message.content if isinstance(part, ToolResult)]
    assert 0 < len(calls) < 30 and calls == results


def test_texts_that_are_too_long_by_themselves_lose_their_middle() -> None:
    kept = shortened(
        request(said("user", "A" + "x" * 40_000 + "Z"), said("assistant", "Yes."), said("user", "And?")),
        2_000,
        LossLog(),
    )
    first, last = (message.content[0] for message in (kept.messages[0], kept.messages[-1]))
    assert isinstance(first, Text) and first.text.startswith("Ax") and first.text.endswith("xZ") and GAP in first.text
    assert tokens(first.text) <= 1_800 and last == Text(text="And?")


@pytest.mark.parametrize(("text", "about"), [("", 0), ("heron herons", 3), ("你好", 2), ("Grüße", 2)])
def test_an_estimate(text: str, about: int) -> None:
    assert tokens(text) == about


@given(st.lists(st.sampled_from("uatTm"), max_size=30), st.integers(200, 5_000))
def test_any_conversation(plan: list[str], context: int) -> None:
    """What is left stands in its order, no result is without its call, and the last thing said is still there."""
    made: list[Message] = []
    for number, kind in enumerate(plan):
        if kind in "tT":
            made += called(f"f{number}", WORD * (400 if kind == "T" else 20))
        elif kind == "m":
            made.append(Message(role="user", content=(Media(kind="image", url=f"http://x/{number}"),)))
        else:
            made.append(said("user" if kind == "u" else "assistant", f"{number} {WORD * 90}"))
    kept = shortened(request(*made, max_tokens=None), context, LossLog()).messages
    places = [next(i for i, old in enumerate(made) if _same(old, new)) for new in kept]
    assert places == sorted(set(places)) and (not made or places[-1] == len(made) - 1)
    calls = [part.id for message in kept for part in message.content if isinstance(part, ToolCall)]
    assert calls == [part.call_id for message in kept for part in message.content if isinstance(part, ToolResult)]


def _same(old: Message, new: Message) -> bool:
    """The same message, whole or cut."""
    if old.role != new.role:
        return False
    first, second = old.content[0], new.content[0]
    if isinstance(first, Text) and isinstance(second, Text):
        return first.text.split()[0] == second.text.split()[0]
    if isinstance(first, ToolResult) and isinstance(second, ToolResult):
        return first.call_id == second.call_id
    return first == second
