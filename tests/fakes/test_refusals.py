"""The fake refuses what the vendors refuse: a judge that accepts everything proves nothing."""

from __future__ import annotations

import copy
from types import ModuleType
from typing import Any

import pytest

from fakes import chat, messages, responses
from fakes.check import RequestError, closed_schema, sample
from fakes.scripts import THOUGHT, play
from fakes.values import seal

HEADERS = {"authorization": "Bearer k", "anthropic-version": "2023-06-01"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CALL = {"type": "function", "id": "call_1", "function": {"name": "f", "arguments": "{}"}}
CHAT: dict[str, Any] = {
    "model": "plain",
    "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
    "messages": [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "fine"},
    ],
}
RESPONSES: dict[str, Any] = {
    "model": "plain",
    "tools": [{"type": "function", "name": "f", "parameters": SCHEMA}],
    "input": [
        {"role": "user", "content": "Hello"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": seal("thought")},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "fine"},
    ],
}
MESSAGES: dict[str, Any] = {
    "model": "plain",
    "max_tokens": 100,
    "tools": [{"name": "f", "input_schema": SCHEMA}],
    "messages": [
        {"role": "user", "content": "Hello"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "thought", "signature": seal("thought")},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "fine"}]},
    ],
}
GOOD = {chat: CHAT, responses: RESPONSES, messages: MESSAGES}

WRONG: list[tuple[ModuleType, str, Any, str]] = [
    (chat, "top_k", 5, "unknown key 'top_k'"),
    (chat, "temperature", 3, "temperature"),
    (chat, "stream_options", {"include_usage": True}, "stream_options"),
    (chat, "messages", [], "too short"),
    (chat, "messages.0.role", "robot", "role"),
    (chat, "messages.0.content", [{"type": "image"}], "image"),
    (chat, "messages.0.cache_control", {"type": "ephemeral"}, "cache_control"),
    (chat, "messages.1.tool_calls.0.id", "x" * 41, "does not match"),
    (chat, "messages.1.tool_calls.0.id", "call_2", "must be a response"),
    (chat, "messages.1.tool_calls.0.function.name", "a.b", "does not match"),
    (chat, "messages.1.tool_calls.0.function.arguments", {}, "expected a string"),
    (chat, "messages.1.tool_calls", [], "content or tool_calls"),
    (chat, "messages.2.role", "user", "must be followed by tool messages"),
    (chat, "tools.0.function.strict", True, "additionalProperties"),
    (responses, "messages", [], "unknown key 'messages'"),
    (responses, "max_output_tokens", 1, "max_output_tokens"),
    (responses, "input.0.content", [{"type": "text", "text": "x"}], "type"),
    (responses, "input.1.encrypted_content", None, "not persisted"),
    (responses, "input.1.encrypted_content", "hxp1.abc", "could not be verified"),
    (responses, "input.1.id", "msg_1", "begins with 'rs'"),
    (responses, "input.2.id", "call_1", "begins with 'fc'"),
    (responses, "input.2.call_id", "call_2", "No tool call found"),
    (responses, "input.3", {"role": "user", "content": "x"}, "No tool output found"),
    (messages, "max_tokens", None, "max_tokens"),
    (messages, "store", False, "unknown key 'store'"),
    (messages, "temperature", 1.5, "temperature"),
    (messages, "thinking", {"type": "enabled", "budget_tokens": 500}, "1024"),
    (messages, "thinking", {"type": "enabled", "budget_tokens": 2000}, "greater than"),
    (messages, "tools.0.input_schema", {}, "input_schema.type"),
    (messages, "messages.0.role", "assistant", "first message"),
    (messages, "messages.0.content", "", "non-empty"),
    (messages, "messages.0.content", [{"type": "text", "text": ""}], "non-empty"),
    (messages, "messages.1.content.0.signature", "hxp1.abc", "Invalid `signature`"),
    (messages, "messages.1.content.0.thinking", "changed", "Invalid `signature`"),
    (messages, "messages.1.content.1.id", "call.1", "does not match"),
    (messages, "messages.1.content.1.input", "{}", "valid dictionary"),
    (messages, "messages.2.content.0.tool_use_id", "toolu_2", "unexpected `tool_use_id`"),
    (messages, "messages.2.content", "fine", "without `tool_result`"),
    (messages, "messages.2.content.0.content", [{"type": "text"}], "text"),
]


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of `body` with `value` at a dotted path."""
    body = copy.deepcopy(body)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = body
    for step in steps:
        place = place[step]
    place[last] = value
    return body


def check(dialect: ModuleType, body: dict[str, Any]) -> None:
    """Read a request as the server does."""
    dialect.read(body, HEADERS)
    if dialect is messages:
        messages.check_limits(body, HEADERS)


@pytest.mark.parametrize("dialect", GOOD, ids=lambda dialect: dialect.__name__)
def test_good_request_is_read(dialect: ModuleType) -> None:
    """A tool loop is taken, and its call and result are seen."""
    check(dialect, GOOD[dialect])
    view = dialect.read(GOOD[dialect], HEADERS)
    assert (view.user, [call.name for _, call in view.calls], list(view.results.values())) == ("Hello", ["f"], ["fine"])


@pytest.mark.parametrize(
    ("dialect", "path", "value", "words"), WRONG, ids=lambda value: getattr(value, "__name__", str(value))[:40]
)
def test_wrong_request_is_refused(dialect: ModuleType, path: str, value: Any, words: str) -> None:
    """Each mistake is refused in words that name it."""
    with pytest.raises(RequestError) as refused:
        check(dialect, changed(GOOD[dialect], path, value))
    assert words in refused.value.message


def test_thought_between_calls_has_a_budget_of_its_own() -> None:
    """What is refused of a thought before the answer is taken of one that goes on between tools."""
    body = MESSAGES | {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    messages.check_limits(body, HEADERS | {"anthropic-beta": "interleaved-thinking-2025-05-14"})


@pytest.mark.parametrize("dialect", GOOD, ids=lambda dialect: dialect.__name__)
def test_key_is_demanded(dialect: ModuleType) -> None:
    """No key, no answer."""
    with pytest.raises(RequestError):
        dialect.read(GOOD[dialect], {})


@pytest.mark.parametrize("dialect", GOOD, ids=lambda dialect: dialect.__name__)
def test_lost_thought_is_noticed(dialect: ModuleType) -> None:
    """The thinking model refuses a tool's result without its own thought, and under a foreign call id."""
    view = dialect.read(GOOD[dialect] | {"model": "think-tool"}, HEADERS)
    view.thoughts = []
    with pytest.raises(RequestError, match="did not come back"):
        play(view)
    view.thoughts = [THOUGHT]
    with pytest.raises(RequestError, match="was given the id"):
        play(view)


def test_samples_fit_their_schema() -> None:
    """References, choices and arrays are followed."""
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"anyOf": [{"type": "null"}, {"type": "string"}]}},
        "$defs": {"A": {"type": "array", "items": {"enum": ["x"]}}},
    }
    assert sample(schema) == {"a": ["x"], "b": None}
    with pytest.raises(RequestError, match="additionalProperties"):
        closed_schema(schema, "schema", demand_all=False)
