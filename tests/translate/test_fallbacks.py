"""What an entry of Messages' `fallbacks` says for its own attempt, and what it cannot say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.errors import ProtocolError
from hexapla.translate.fallbacks import MESSAGES
from hexapla.translate.peek import Peek, peek

OURS = {
    "model": "a",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "hi"}],
    "thinking": {"type": "adaptive"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
    "speed": "fast",
}


def looked(fallbacks: Any, protocol: str = MESSAGES, **more: Any) -> Peek:
    return peek(protocol, json.dumps({**OURS, **more, "fallbacks": fallbacks}).encode())


@pytest.mark.parametrize(
    ("said", "laid"),
    [
        ({"max_tokens": 9}, {"max_tokens": 9}),
        ({"max_tokens": None, "speed": "standard"}, {"speed": "standard"}),
        ({"speed": None}, {"speed": None}),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        ),
        ({"thinking": None}, {"thinking": None}),
        ({"output_config": None}, {"output_config": None}),
        ({"output_config": {"effort": None, "format": None}}, {"output_config": None}),
        ({"output_config": {"effort": "max"}}, {"output_config": {**OURS["output_config"], "effort": "max"}}),
        ({"output_config": {"format": None}}, {"output_config": {"effort": "low"}}),
        ({"output_config": {"new": 1}}, {"output_config": {**OURS["output_config"], "new": 1}}),
    ],
)
def test_what_an_entry_lays_over_the_request(said: dict[str, Any], laid: dict[str, Any]) -> None:
    """Field by field; null is as if the request were silent, and nothing else changes."""
    peeked = looked([{"model": "b"}, {"model": "c", **said}])
    assert peeked.models == ("a", "b", "c")
    (entry,) = peeked.entries
    expected = {name: value for name, value in {**OURS, **laid}.items() if value is not None}
    assert json.loads(peeked.by(entry).body) == expected
    assert json.loads(peeked.body)["thinking"] == OURS["thinking"]


@pytest.mark.parametrize(("said", "kept"), [(None, False), ({"format": None}, False), ({"effort": "low"}, True)])
def test_a_format_in_its_betas_place(said: Any, kept: bool) -> None:
    """Whoever takes the format away means that one as well."""
    peeked = looked([{"model": "b", "output_config": said}], output_format={"type": "json_schema", "schema": {}})
    assert ("output_format" in peeked.by(peeked.entries[0]).fields) == kept


@pytest.mark.parametrize(
    ("entry", "field", "says"),
    [
        ({"max_tokens": 5}, "", "model"),
        ({"model": ""}, ".model", "length"),
        ({"model": "b", "max_tokens": 0}, ".max_tokens", ">= 1"),
        ({"model": "b", "max_tokens": "9"}, ".max_tokens", "int"),
        ({"model": "b", "speed": "slow"}, ".speed", "slow"),
        ({"model": "b", "thinking": {"type": "deep"}}, ".thinking.type", "no kind of thinking"),
        ({"model": "b", "thinking": 7}, ".thinking", "object"),
        ({"model": "b", "output_config": {"effort": 7}}, ".output_config.effort", "str"),
        ({"model": "b", "temperature": 1}, "", "temperature"),
        ({"model": "a", "max_tokens": 9}, ".model", "named before"),
        (7, "", "object"),
    ],
)
def test_a_wrong_entry(entry: Any, field: str, says: str) -> None:
    """It is named with its place and its field, whoever would have been asked first."""
    with pytest.raises(ProtocolError, match=says) as caught:
        looked([{"model": "fine"}, entry])
    assert caught.value.path == f"$.fallbacks[1]{field}"
    assert caught.value.message.startswith(f"fallbacks[1]{field}: ")


def test_other_dialects_name_models_only() -> None:
    """These fields are called otherwise there, or mean nothing."""
    assert looked([{"model": "b", "max_tokens": None}], "openai_chat").models == ("a", "b")
    with pytest.raises(ProtocolError, match=r"fallbacks\[0\]\.speed: only a Messages request"):
        looked([{"model": "b", "speed": "fast"}], "openai_chat")
