"""Which turn gets its thought back, and which does not."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.structs import replace

from hexapla.ir.content import HUNG, AnyPart, Origin, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.request import GenerateRequest, Message
from hexapla.ir.target import Target
from hexapla.routing.memory import Memory
from hexapla.translate.recalled import recalled, remember
from hexapla.translate.thoughts import Thoughts

MESSAGES = Origin("anthropic_messages")
HERE = Target(origin=Origin("anthropic_messages", "p"), model="m")
ID = "toolu_01A09q90qw90lq917835lq9"
CALL = ToolCall(id=ID, name="read", arguments='{"path": "a", "n": 1}')
THOUGHT = Reasoning(text="First.\n\nThen.", signature="c2ln", form="thinking", origin=MESSAGES)
SEALED = Reasoning(encrypted="c2Vj", form="redacted_thinking", origin=MESSAGES)
SAID = Text(text="Let me look.")


def asked(*turn: AnyPart, words: str = "Read a.") -> GenerateRequest:
    user = Message(role="user", content=(Text(text=words),), plain=True)
    if not turn:
        return GenerateRequest(protocol="openai_chat", model="m", messages=(user,))
    results = tuple(ToolResult(call_id=part.id) for part in turn if isinstance(part, ToolCall))
    messages = (user, Message(role="assistant", content=turn), Message(role="tool", content=results))
    return GenerateRequest(protocol="openai_chat", model="m", messages=messages)


def kept(*parts: AnyPart, words: str = "Read a.") -> Thoughts:
    thoughts = Thoughts(lambda: 0.0, Memory(), 10**6)
    remember(thoughts, "me", lambda: asked(words=words), HERE, parts)  # type: ignore[arg-type]
    return thoughts


def back(thoughts: Thoughts, request: GenerateRequest) -> list[AnyPart]:
    """The assistant's turn as it is sent, without the provider that was put down for it."""
    turn = recalled(thoughts, "me", request, HERE).messages[1].content
    return [replace(part, origin=MESSAGES) if isinstance(part, Reasoning) else part for part in turn]


def test_each_thought_stands_where_it_stood() -> None:
    """Before what was said, between that and a call, before each of several calls, and at the end."""
    other = replace(CALL, id="toolu_01B09q90qw90lq917835lq9")
    marks = [replace(SEALED, encrypted=name) for name in ("b", "c", "d")]
    thoughts = kept(THOUGHT, SAID, marks[0], CALL, marks[1], other, marks[2])
    turn = [THOUGHT, SAID, marks[0], CALL, marks[1], other, marks[2]]
    assert back(thoughts, asked(SAID, CALL, other)) == turn
    assert back(thoughts, asked(CALL, other)) == [part for part in turn if part is not SAID]


def test_it_comes_back_with_every_later_request() -> None:
    """The history holds the turn to the end."""
    thoughts = kept(THOUGHT, CALL)
    assert back(thoughts, asked(CALL)) == back(thoughts, asked(CALL)) == [THOUGHT, CALL]
    assert thoughts.returned == 2


@pytest.mark.parametrize("text", ["First.\n\nThen.", "First. Then."])
def test_the_text_that_everybody_saw_is_nothing_of_ones_own(text: str) -> None:
    """It gives way to the thought that it is a part of."""
    shown = Reasoning(text=text, form="reasoning_content", origin=Origin("openai_chat"))
    assert back(kept(THOUGHT, SEALED, CALL), asked(shown, CALL)) == [THOUGHT, SEALED, CALL]


@pytest.mark.parametrize(
    "own",
    [
        Reasoning(text="Something else.", form="reasoning_content", origin=Origin("openai_chat")),
        replace(THOUGHT, signature="b3du"),
        Reasoning(encrypted="b3du", origin=MESSAGES),
        Reasoning(details=Raw(b'[{"type":"reasoning.text"}]'), origin=Origin("openai_chat")),
        Reasoning(form=HUNG, id=ID, origin=Origin("openai_chat")),
    ],
)
def test_who_brings_something_is_not_overruled(own: Reasoning) -> None:
    """Be it another thought, or another proof of this one."""
    request = asked(own, CALL)
    assert recalled(kept(THOUGHT, CALL), "me", request, HERE) is request


def test_it_goes_to_nobody_else() -> None:
    """No other provider, no other dialect, no other client."""
    thoughts, request = kept(THOUGHT, CALL), asked(CALL)
    for origin in (Origin("anthropic_messages", "q"), Origin("openai_chat", "p")):
        assert recalled(thoughts, "me", request, replace(HERE, origin=origin)) is request
    assert recalled(thoughts, "you", request, HERE) is request
    assert thoughts.returned == 0


def test_what_is_sealed_goes_to_the_same_model() -> None:
    """Another one was asked without it before, and answered; what can be read is for any."""
    request, other = asked(CALL), replace(HERE, model="n")
    assert recalled(kept(THOUGHT, CALL), "me", request, other) is request
    told = recalled(kept(replace(THOUGHT, signature=None), CALL), "me", request, other)
    assert isinstance(told.messages[1].content[0], Reasoning)


def test_nothing_is_kept_of_an_answer_without_calls_or_thought() -> None:
    """The one ends a loop, the other has nothing to bring back."""
    assert kept(THOUGHT, SAID).held == 0
    assert kept(SAID, CALL).held == 0


def test_an_id_that_was_drawn_needs_no_proof() -> None:
    """Programs shorten old arguments and put reminders into what the user said."""
    thoughts = kept(THOUGHT, CALL)
    assert back(thoughts, asked(replace(CALL, arguments="{}"), words="Read a. And hurry."))[0] == THOUGHT


@pytest.mark.parametrize("call_id", ["functions.read:0", "call_0", "D681PevKs", "8f2b1a3c", ""])
def test_an_id_that_may_come_again_needs_the_same_call_and_words(call_id: str) -> None:
    """Two agents under one key begin with the same id, and often with the same file."""
    call = replace(CALL, id=call_id)
    thoughts = kept(THOUGHT, call)
    again = replace(call, arguments='{"n":1,"path":"a"}')
    assert back(thoughts, asked(again)) == [THOUGHT, again]
    for other in (asked(again, words="Read b."), asked(replace(again, arguments='{"path":"b","n":1}'))):
        assert recalled(thoughts, "me", other, HERE) is other


def test_parallel_calls_that_come_back_as_two_turns_have_one_thought() -> None:
    """A block of thought that stands twice in a conversation is refused."""
    other = replace(CALL, id="toolu_01B09q90qw90lq917835lq9")
    thoughts = kept(THOUGHT, CALL, other)
    request = asked(CALL)
    request = replace(request, messages=request.messages + asked(other).messages[1:])
    told = recalled(thoughts, "me", request, HERE)
    assert sum(isinstance(part, Reasoning) for message in told.messages for part in message.content) == 1


def test_arguments_that_are_no_json_prove_what_they_are() -> None:
    """A freeform call's input is text."""
    call = replace(CALL, id="c1", arguments="*** Begin", kind="custom")
    assert back(kept(THOUGHT, call), asked(call)) == [THOUGHT, call]
