"""The fields beside the conversation, and tools: parsed, and rendered for their own dialect without loss."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from responseswire import again, parsed

from hexapla.errors import ProtocolError
from hexapla.ir.request import OutputFormat, ReasoningWish, ServerTool, Tool, ToolChoice
from hexapla.protocols.openai_responses import OPENAI_RESPONSES
from hexapla.protocols.openai_responses.words import NAME

FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}
CUSTOM = {"type": "custom", "name": "apply_patch", "description": "d", "format": GRAMMAR}


def test_fields_find_their_places() -> None:
    """Every field that another dialect has too becomes a field of the request."""
    request = parsed(
        max_output_tokens=99,
        temperature=0.5,
        top_p=0.9,
        top_logprobs=3,
        parallel_tool_calls=True,
        stream=True,
        user="u",
        metadata={"k": "v"},
        service_tier="flex",
        store=False,
        prompt_cache_key="key",
        safety_identifier="safe",
        previous_response_id="resp_0",
        text={"verbosity": "low"},
        include=["message.output_text.logprobs"],
    )
    assert (request.max_tokens, request.sampling.temperature, request.sampling.top_p) == (99, 0.5, 0.9)
    assert (request.sampling.logprobs, request.sampling.top_logprobs) == (True, 3)
    assert (request.parallel_tool_calls, request.stream, request.user) == (True, True, "u")
    assert (request.metadata, request.service_tier, request.store) == (Raw(b'{"k": "v"}'), "flex", False)
    assert (request.cache_key, request.safety_identifier, request.continues) == ("key", "safe", "resp_0")
    assert request.verbosity == "low" and request.extras == {}


def test_what_nobody_else_has_travels_in_extras() -> None:
    """background, conversation, client_metadata and the like come back byte for byte; null is nothing said."""
    own: dict[str, Any] = {
        "background": True,
        "conversation": {"id": "conv"},
        "client_metadata": {"x": "1"},
        "truncation": "auto",
        "max_tool_calls": 3,
        "stream_options": {"include_obfuscation": False},
        "not_yet_invented": [1.50],
        "include": ["reasoning.encrypted_content"],
    }
    assert set(parsed(**own, prompt=None).extras["openai_responses"]) == set(own)
    body = again(**own)
    assert {name: body[name] for name in own} == own


def test_what_codex_sends() -> None:
    """A request of Codex CLI 0.169: no instructions, developer messages, all its kinds of tools, and back the same."""
    body = {
        "model": "gpt-5.5",
        "stream": True,
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "d"}], "id": "msg_1"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "u"}], "id": "msg_2"},
        ],
        "tools": [
            FUNCTION,
            {
                "type": "namespace",
                "name": "agents",
                "description": "n",
                "tools": [FUNCTION | {"name": "spawn"}, CUSTOM],
            },
            {"type": "web_search", "external_web_access": True},
            CUSTOM | {"name": "patch"},
            {"type": "tool_search", "execution": "client", "description": "t", "parameters": {}},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"summary": "auto"},
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "k",
        "client_metadata": {"x-codex": "1"},
        "text": {"verbosity": "low"},
    }
    assert again(**body) == body


def test_tools() -> None:
    """Functions, freeform tools and namespaces are ours; hosted ones travel whole."""
    request = parsed(
        tools=[FUNCTION, CUSTOM, {"type": "mcp", "server_label": "s", "name": "n"}], tool_choice="required"
    )
    function, custom, hosted = request.tools
    assert isinstance(function, Tool) and isinstance(custom, Tool) and isinstance(hosted, ServerTool)
    assert (function.kind, function.parameters, function.strict) == ("function", Raw(b'{"type": "object"}'), False)
    assert (custom.kind, custom.name) == ("custom", "apply_patch")
    assert (hosted.origin, hosted.type, hosted.name) == ("openai_responses", "mcp", "n")
    assert request.tool_choice == ToolChoice(mode="required")


def test_namespaces_are_opened_and_closed_again() -> None:
    """Each tool of a namespace names it; rendered, they stand together, with fields that nobody knows."""
    space = {"type": "namespace", "name": "crm", "description": "d", "fresh": 1, "tools": [FUNCTION, CUSTOM]}
    tools = parsed(tools=[space]).tools
    assert [(t.name, t.namespace, t.namespace_description) for t in tools if isinstance(t, Tool)] == [
        ("f", "crm", "d"),
        ("apply_patch", "crm", "d"),
    ]
    assert again(tools=[space])["tools"] == [space]


def test_a_namespace_with_a_hosted_tool_travels_whole() -> None:
    """A namespace that holds what we do not understand is left as it is."""
    space = {"type": "namespace", "name": "crm", "tools": [FUNCTION, {"type": "web_search"}]}
    (tool,) = parsed(tools=[space]).tools
    assert isinstance(tool, ServerTool)
    assert again(tools=[space])["tools"] == [space]


@pytest.mark.parametrize(
    ("said", "choice"),
    [
        ("none", ToolChoice(mode="none")),
        ({"type": "function", "name": "f"}, ToolChoice(mode="named", name="f")),
        ({"type": "custom", "name": "c"}, ToolChoice(mode="named", name="c", kind="custom")),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": []},
            ToolChoice(
                mode="native",
                origin="openai_responses",
                native=Raw(b'{"type": "allowed_tools", "mode": "auto", "tools": []}'),
            ),
        ),
    ],
)
def test_tool_choice(said: Any, choice: ToolChoice) -> None:
    """A mode, one tool, or a choice that only Responses understands, there and back."""
    assert parsed(tools=[FUNCTION], tool_choice=said).tool_choice == choice
    assert again(tools=[FUNCTION], tool_choice=said)["tool_choice"] == said


def test_reasoning() -> None:
    """Effort and summary, OpenRouter's budget and switch, and what only Responses knows."""
    wish = {"effort": "high", "summary": "auto", "context": "all_turns"}
    assert parsed(reasoning=wish).reasoning == ReasoningWish(
        effort="high", summary="auto", extras={"openai_responses": {"context": Raw(b'"all_turns"')}}
    )
    assert again(reasoning=wish)["reasoning"] == wish
    assert parsed(reasoning={"max_tokens": 2000, "enabled": True, "exclude": True}).reasoning == ReasoningWish(
        mode="enabled", budget=2000, exclude=True
    )
    assert parsed(reasoning={}).reasoning is None


def test_text_format() -> None:
    """A schema stays raw, and fields that nobody knows stay beside it."""
    schema = '{"type":"object","properties":{"b":{},"a":{}}}'
    form = f'{{"type":"json_schema","name":"n","strict":true,"schema":{schema},"fresh":1}}'
    body = f'{{"model":"m","input":"hi","text":{{"format":{form},"verbosity":"high","new":2}}}}'.encode()
    request = OPENAI_RESPONSES.parse_request(body)
    assert request.output == OutputFormat(
        kind="json_schema", name="n", strict=True, schema=Raw(schema.encode()), extras={NAME: {"fresh": Raw(b"1")}}
    )
    assert again(**json.loads(body))["text"] == json.loads(body)["text"]


def test_a_format_of_tomorrow_is_carried() -> None:
    """A text format that nobody knows yet is not refused, and is rendered as it was."""
    text = {"format": {"type": "lark", "definition": "x"}}
    assert parsed(text=text).output is None
    assert again(text=text)["text"] == text


def test_explicit_nulls_are_nothing() -> None:
    """Ark's and Z.ai's SDKs send null for every unset field."""
    names = (
        "instructions",
        "tools",
        "tool_choice",
        "reasoning",
        "text",
        "store",
        "metadata",
        "include",
        "stream",
        "user",
    )
    assert parsed(**dict.fromkeys(names)) == parsed()


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"model": None}, "$.model"),
        ({"instructions": 7}, "$.instructions"),
        ({"stream": "yes"}, "$.stream"),
        ({"temperature": "hot"}, "$.temperature"),
        ({"max_output_tokens": 1.5}, "$.max_output_tokens"),
        ({"include": "x"}, "$.include"),
        ({"tools": {}}, "$.tools"),
        ({"tools": [{}]}, "$.tools[0].type"),
        ({"tools": [FUNCTION, {"type": "function", "function": {"name": "f"}}]}, "$.tools[1].name"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "function"}]}]}, "$.tools[0].tools[0].name"),
        ({"tool_choice": "sometimes"}, "$.tool_choice"),
        ({"tool_choice": {"type": "function"}}, "$.tool_choice.name"),
        ({"reasoning": "high"}, "$.reasoning"),
        ({"reasoning": {"effort": 3}}, "$.reasoning.effort"),
        ({"text": {"format": {}}}, "$.text.format.type"),
        ({"text": {"format": {"type": "json_schema", "strict": "yes"}}}, "$.text.format.strict"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_path(fields: dict[str, Any], path: str) -> None:
    """Every complaint names the place in the client's own body."""
    with pytest.raises(ProtocolError) as caught:
        parsed(**fields)
    assert caught.value.path == path


def test_a_nesting_bomb_is_an_error() -> None:
    """Deep nesting is refused, not a crash."""
    with pytest.raises(ProtocolError):
        OPENAI_RESPONSES.parse_request(b'{"model":"m","input":' + b"[" * 100_000)
