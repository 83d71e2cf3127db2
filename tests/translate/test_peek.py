"""Which models a request names, and what may stand beside them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.errors import ProtocolError
from hexapla.translate.peek import LARGE, check_conversation, peek

MESSAGES = "anthropic_messages"


def models(**fields: Any) -> tuple[str, ...]:
    return peek(MESSAGES, json.dumps(fields).encode()).models


def test_models_follow_the_model() -> None:
    """In order and without repetition; without `model` the first of them is asked for, as if it stood there."""
    assert models(model="a", models=["b", "a", "c"]) == ("a", "b", "c")
    peeked = peek("openai_chat", b'{"models":["b","c"]}')
    assert (peeked.model, peeked.models, bytes(peeked.fields["model"])) == ("b", ("b", "c"), b'"b"')


def test_fallbacks_of_messages() -> None:
    """Objects with a model each; Anthropic's own word for a choice of its own names nobody."""
    assert models(model="a", fallbacks=[{"model": "b"}, {"model": "c"}]) == ("a", "b", "c")
    assert models(model="a", fallbacks="default") == ("a",)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"fallbacks": {"model": "b"}}, "a list of objects"),
        ({"fallbacks": [{"model": name} for name in "bcde"]}, "at most 3"),
        ({"fallbacks": [{"model": "b"}], "models": ["c"]}, "beside models"),
        ({"models": "b"}, "models must be a list"),
    ],
)
def test_what_fallbacks_may_not_be(fields: dict[str, Any], says: str) -> None:
    """OpenRouter's limits of `fallbacks`, each a 400 that names the field."""
    with pytest.raises(ProtocolError, match=says) as caught:
        models(model="a", **fields)
    assert caught.value.path in ("$.fallbacks", "$.models")


@pytest.mark.parametrize("fields", [{}, {"models": []}, {"model": ""}])
def test_nobody_is_named(fields: dict[str, Any]) -> None:
    """An error about the model."""
    with pytest.raises(ProtocolError) as caught:
        models(**fields)
    assert caught.value.path == "$.model"


def test_a_large_conversation_is_not_looked_through() -> None:
    """Its first item is, and it may hold anything but texts."""
    long = "word " * LARGE
    peeked = peek(
        "openai_chat", json.dumps({"model": "m", "messages": [{"role": "user", "content": long}, 7]}).encode()
    )
    check_conversation(peeked)
    assert not peeked.only_texts
    peeked = peek("openai_chat", json.dumps({"model": "m", "messages": [long]}).encode())
    with pytest.raises(ProtocolError, match="every item must be an object"):
        check_conversation(peeked)


@pytest.mark.parametrize("protocol", ["openai_chat", "anthropic_messages", "openai_responses"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"stream": None},
        {"stream": True},
        {"max_tokens": None, "temperature": 1},
        {"models": ["n"]},
        {"tools": None},
    ],
    ids=str,
)
def test_what_is_usual_is_seen_as_everything_else(protocol: str, more: dict[str, Any]) -> None:
    """The short look at a usual request finds what the long one does."""
    name = "input" if protocol == "openai_responses" else "messages"
    body = json.dumps({"model": "m", name: [{"role": "user", "content": "hi"}], **more}).encode()
    short = peek(protocol, body)
    longer = peek(protocol, body[:-1] + b', "x": "' + b"x" * LARGE + b'"}')
    assert (short.model, short.models, short.stream) == (longer.model, longer.models, longer.stream)
    check_conversation(short)
    assert short.only_texts


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": ""}, "model must be a non-empty string"),
        ({"model": 7}, "model must be a non-empty string"),
        ({"messages": []}, "at least one item"),
        ({"messages": [7]}, "every item must be an object"),
        ({"stream": 1}, "stream must be true or false"),
        ({"max_tokens": "1"}, "max_tokens must be an integer"),
        ({"input": "hi", "messages": None}, "messages is required"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], said: str) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], **wrong}).encode()
    with pytest.raises(ProtocolError, match=said):
        check_conversation(peek("openai_chat", body))


def test_messages_are_no_input() -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
    with pytest.raises(ProtocolError, match="input is required"):
        check_conversation(peek("openai_responses", body))
