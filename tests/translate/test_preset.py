"""A preset is a part of a request that is merged under it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.errors import ClientError
from hexapla.translate.peek import PRESET, peek
from hexapla.translate.preset import expanded

PRESETS: dict[str, dict[str, Any]] = {
    "poet": {
        "model": "acme/poet",
        "temperature": 1.2,
        "max_tokens": 50,
        "system": "Rhyme.",
        "provider": {"sort": "price"},
        "tools": [{"type": "function", "function": {"name": "meter"}}, {"type": "openrouter:web_search"}],
    },
    "plain": {"temperature": 0.0},
}
TALK = [{"role": "user", "content": "hi"}]


def sent(protocol: str = "openai_chat", **fields: Any) -> dict[str, Any]:
    body, _ = expanded(protocol, json.dumps(fields).encode(), PRESETS)
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.mark.parametrize(
    ("fields", "model"),
    [
        ({"model": "@preset/poet"}, "acme/poet"),
        ({"model": "other/one@preset/poet"}, "other/one"),
        ({"model": "other/one", "preset": "poet"}, "other/one"),
        ({"preset": "poet"}, "acme/poet"),
    ],
)
def test_three_ways_to_name_one(fields: dict[str, Any], model: str) -> None:
    """The model of the request stands above the preset's; without one the preset's is asked."""
    body = json.dumps({**fields, "messages": TALK}).encode()
    peeked = peek("openai_chat", body)
    assert "preset" in peeked.fields or PRESET in peeked.model
    said = sent(**fields, messages=TALK)
    assert (said["model"], said["temperature"], "preset" in said) == (model, 1.2, False)


def test_the_request_wins_one_level_deep() -> None:
    """A field of the request replaces the preset's whole; a limit by any of its names is the limit."""
    said = sent(model="@preset/poet", messages=TALK, temperature=0, provider={"only": ["x"]}, max_completion_tokens=7)
    assert (said["temperature"], said["provider"], said["max_completion_tokens"]) == (0, {"only": ["x"]}, 7)
    assert "max_tokens" not in said


@pytest.mark.parametrize(
    ("protocol", "place", "words"),
    [
        ("openai_chat", "messages", [{"role": "system", "content": "Rhyme."}, *TALK]),
        ("anthropic_messages", "system", "Rhyme."),
        ("openai_responses", "instructions", "Rhyme."),
        ("gemini_generate", "systemInstruction", {"parts": [{"text": "Rhyme."}]}),
    ],
)
def test_instructions_stand_where_the_dialect_has_them(protocol: str, place: str, words: object) -> None:
    """And only where the request has none of its own."""
    assert sent(protocol, model="@preset/poet", messages=TALK)[place] == words
    own: Any = [{"role": "system", "content": "Own."}, *TALK] if place == "messages" else "Own."
    assert sent(protocol, **{"model": "@preset/poet", "messages": TALK, place: own})[place] == own


def test_limits_in_the_words_of_the_dialect() -> None:
    """Responses says max_output_tokens."""
    assert sent("openai_responses", model="@preset/poet", input="hi")["max_output_tokens"] == 50


def test_tools_are_joined_by_identity() -> None:
    """The preset's keep their order, the request's replace their namesakes and follow otherwise."""
    own = {"type": "function", "function": {"name": "meter", "description": "new"}}
    more = {"type": "function", "function": {"name": "more"}}
    tools = sent(model="@preset/poet", messages=TALK, tools=[more, own])["tools"]
    assert tools == [own, {"type": "openrouter:web_search"}, more]


def test_gemini_names_the_model_in_the_path() -> None:
    """There the preset's model is given back beside the body."""
    body = json.dumps({"contents": [{"parts": [{"text": "hi"}]}]}).encode()
    found, model = expanded("gemini_generate", body, PRESETS, "@preset/poet")
    assert model == "acme/poet" and "model" not in json.loads(found)


def test_an_unknown_preset_names_those_that_are_there() -> None:
    """404, with the names."""
    with pytest.raises(ClientError, match="plain, poet") as caught:
        sent(model="@preset/pot", messages=TALK)
    assert caught.value.status == 404
