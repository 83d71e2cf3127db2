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
        ({"fallbacks": [{"model": "b", "max_tokens": 5}]}, "nothing but a model"),
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
