"""Clients' bodies, as their SDKs and agents write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chatwire import parsed, rendered
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import CacheMark, Media, Opaque, Origin, Reasoning, Refusal, Text, ToolCall, ToolResult
from hexapla.ir.request import OutputFormat, ReasoningWish, Sampling, ServerTool, Tool, ToolChoice
from hexapla.protocols.openai_chat import OPENAI_CHAT

PNG = "iVBORw0KGgoAAAANSUhEUg=="
NO_PNG = "data:image/png;base64,AAAA"
USER = {"role": "user", "content": "hi"}


def user_part(part: object) -> Any:
    """One part of a user message, parsed."""
    return parsed(messages=[{"role": "user", "content": [part]}]).messages[0].content[0]


PARTS: list[tuple[object, object]] = [
    ({"type": "text", "text": "a"}, Text(text="a")),
    ("a", Text(text="a")),
    ({"type": "input_text", "text": "a"}, Text(text="a")),
    ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
     Text(text="a", cache=CacheMark(ttl="1h"))),
    ({"type": "image_url", "image_url": {"url": "https://i", "detail": "low"}},
     Media(kind="image", url="https://i", detail="low")),
    ({"type": "image_url", "image_url": "https://i"}, Media(kind="image", url="https://i")),
    ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
     Media(kind="image", data=PNG, media_type="image/png")),
    ({"type": "image_url", "image_url": {"url": PNG}}, Media(kind="image", data=PNG, media_type="image/png")),
    ({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
     Media(kind="audio", data="AA", media_type="audio/wav")),
    ({"type": "input_audio", "input_audio": "AA"}, Media(kind="audio", data="AA")),
    ({"type": "input_audio", "input_audio": {"data": "https://a", "format": "mp3"}},
     Media(kind="audio", url="https://a", media_type="audio/mp3")),
    ({"type": "video_url", "video_url": {"url": "https://v"}}, Media(kind="video", url="https://v")),
    ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"}},
     Media(kind="document", data="AA", media_type="application/pdf", filename="a.pdf")),
    ({"type": "file", "file": {"file_id": "f"}}, Media(kind="document", file_id="f")),
    ({"type": "file", "file": {"file_data": "https://d"}}, Media(kind="document", url="https://d")),
]  # fmt: skip


@pytest.mark.parametrize(("part", "expected"), PARTS)
def test_parts(part: object, expected: object) -> None:
    """Each kind of part is understood in each of its spellings."""
    assert user_part(part) == expected


def test_unknown_part_stays_whole() -> None:
    """A part that only some server knows travels as it is."""
    part = {"type": "hologram", "depth": 3}
    found = user_part(part)
    assert isinstance(found, Opaque)
    assert json.loads(bytes(found.data)) == part
    body, losses = rendered(parsed(messages=[{"role": "user", "content": [part]}]))
    assert body["messages"][0]["content"] == [part]
    assert losses == ()


def test_roles() -> None:
    """Every role keeps its place; neighbouring tool messages become one, and a result is of its call's kind."""
    request = parsed(
        messages=[
            {"role": "system", "content": "s"},
            {"role": "developer", "content": "d"},
            {"role": "user", "content": "u", "name": "bob"},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "2", "type": "custom", "custom": {"name": "c", "input": "free"}},
            ]},
            {"role": "tool", "tool_call_id": "1", "content": "one"},
            {"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "two"}], "name": "c"},
        ]
    )  # fmt: skip
    assert [message.role for message in request.messages] == ["system", "developer", "user", "assistant", "tool"]
    assert request.messages[2].name == "bob"
    assert request.messages[3].content == (
        ToolCall(id="1", name="f", arguments="{}"),
        ToolCall(id="2", name="c", arguments="free", kind="custom"),
    )
    assert request.messages[4].content == (
        ToolResult(call_id="1", content=(Text(text="one"),)),
        ToolResult(call_id="2", content=(Text(text="two"),), plain=False, name="c", kind="custom"),
    )


def test_legacy_functions() -> None:
    """The functions of 2023: list, choice, call and result."""
    request = parsed(
        functions=[{"name": "f", "parameters": {"type": "object"}}],
        function_call={"name": "f"},
        messages=[USER, {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
                  {"role": "function", "name": "f", "content": "r"}],
    )  # fmt: skip
    assert isinstance(request.tools[0], Tool)
    assert request.tool_choice == ToolChoice(mode="named", name="f")
    assert request.messages[1].content == (ToolCall(id="f", name="f", arguments="{}"),)
    assert request.messages[2].content == (ToolResult(call_id="f", content=(Text(text="r"),), name="f"),)


def test_assistant_fields() -> None:
    """A turn's thought, text, refusal and calls, in this order; arguments as an object are text again."""
    message = {
        "role": "assistant", "content": "x", "refusal": "no", "reasoning_content": "hm", "audio": {"id": "a"},
        "tool_calls": [{"id": "1", "index": 0, "type": "function", "function": {"name": "f", "arguments": {"a": 1.50}}}],
    }  # fmt: skip
    (found,) = parsed(messages=[message]).messages
    assert [type(part) for part in found.content] == [Reasoning, Text, Refusal, ToolCall]
    assert found.content[3] == ToolCall(id="1", name="f", arguments='{"a": 1.5}')
    assert found.extras == {"openai_chat": {"audio": Raw(b'{"id": "a"}')}}


def test_call_fields_travel() -> None:
    """Gemini's signature, a type of its own and fields of the function come back where they stood."""
    call = {"id": "1", "type": "builtin_function", "extra_content": {"google": {"thought_signature": "s"}},
            "function": {"name": "$web_search", "arguments": "{}", "thought_signature": "t"}}  # fmt: skip
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    body, losses = rendered(parsed(messages=[USER, message]))
    assert body["messages"][1] == message
    assert losses == ()


def test_claude_block_in_content() -> None:
    """A thinking part with a signature is Claude's block, as some gateways hand it out."""
    part = {"type": "thinking", "thinking": "hm", "signature": "s"}
    (found,) = parsed(messages=[{"role": "assistant", "content": [part]}]).messages[0].content
    assert found == Reasoning(text="hm", signature="s", form="thinking", origin=Origin("anthropic_messages"))


def test_message_cache_mark() -> None:
    """A mark on a message stands on its last part."""
    message = {"role": "system", "content": "s", "cache_control": {"type": "ephemeral"}}
    (found, _) = parsed(messages=[message, USER]).messages
    assert found.content == (Text(text="s", cache=CacheMark()),)
    assert not found.plain


def test_parameters() -> None:
    """Every parameter finds its field; unknown ones travel in extras."""
    request = parsed(
        temperature=0.5, top_p=1, top_k=3, min_p=0.1, top_a=0.2, frequency_penalty=1, presence_penalty=-1,
        repetition_penalty=1.1, seed=7, stop="END", logit_bias={"1": 2}, logprobs=True, top_logprobs=2, n=1,
        max_tokens=5, max_completion_tokens=6, parallel_tool_calls=False, verbosity="low", user="u", store=True,
        service_tier="flex", prompt_cache_key="k", safety_identifier="s", metadata={"a": "b"}, stream=True,
        stream_options={"include_usage": True, "include_obfuscation": False}, cache_control={"type": "ephemeral"},
        modalities=["text"], web_search_options={}, prediction={"type": "content", "content": "x"},
    )  # fmt: skip
    assert request.sampling == Sampling(
        temperature=0.5, top_p=1.0, top_k=3, min_p=0.1, top_a=0.2, frequency_penalty=1.0, presence_penalty=-1.0,
        repetition_penalty=1.1, seed=7, stop=("END",), logit_bias=Raw(b'{"1": 2}'), logprobs=True, top_logprobs=2, n=1,
    )  # fmt: skip
    assert (request.max_tokens, request.parallel_tool_calls, request.verbosity) == (6, False, "low")
    assert (request.user, request.store, request.service_tier) == ("u", True, "flex")
    assert (request.cache_key, request.safety_identifier, request.metadata) == ("k", "s", Raw(b'{"a": "b"}'))
    assert (request.stream, request.include_usage, request.cache) == (True, True, CacheMark())
    assert set(request.extras["openai_chat"]) == {"modalities", "web_search_options", "prediction", "stream_options"}


def test_nulls_are_nothing() -> None:
    """Ark's and Z.ai's SDKs send null for every unset field."""
    names = ("temperature", "tools", "tool_choice", "stop", "response_format", "reasoning", "thinking", "stream_options",
             "max_tokens", "metadata", "stream", "anything", "cache_control", "enable_thinking")  # fmt: skip
    nothing = parsed(**dict.fromkeys(names))
    assert nothing == parsed()
    message = {"role": "user", "content": "hi", "name": None, "tool_calls": None}
    assert parsed(messages=[message]) == parsed()


@pytest.mark.parametrize(
    ("fields", "wish"),
    [
        ({"reasoning_effort": "high"}, ReasoningWish(effort="high")),
        ({"reasoning": {"effort": "low", "exclude": True, "summary": "auto"}},
         ReasoningWish(effort="low", exclude=True, summary="auto")),
        ({"reasoning": {"max_tokens": 9, "enabled": True}}, ReasoningWish(budget=9, mode="enabled")),
        ({"thinking": {"type": "disabled"}}, ReasoningWish(mode="disabled", form="thinking")),
        ({"thinking": {"type": "auto", "budget_tokens": 9}}, ReasoningWish(mode="adaptive", budget=9, form="thinking")),
        ({"thinking": {"type": "enabled", "keep": "all"}, "reasoning_effort": "max"},
         ReasoningWish(mode="enabled", effort="max", form="thinking", extras={"openai_chat": {"keep": Raw(b'"all"')}})),
        ({"enable_thinking": False}, ReasoningWish(mode="disabled", form="enable_thinking")),
        ({"enable_thinking": True, "thinking_budget": 9}, ReasoningWish(mode="enabled", budget=9, form="enable_thinking")),
        ({"thinking": {}}, None),
    ],
)  # fmt: skip
def test_wish_to_think(fields: dict[str, Any], wish: ReasoningWish | None) -> None:
    """Whichever words ask for thought, it is one wish."""
    assert parsed(**fields).reasoning == wish


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice(mode="auto")),
        ("any", ToolChoice(mode="required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice(mode="named", name="f")),
        ({"type": "function", "name": "f"}, ToolChoice(mode="named", name="f")),
        ({"type": "custom", "custom": {"name": "c"}}, ToolChoice(mode="named", name="c", kind="custom")),
        (
            {"type": "allowed_tools"},
            ToolChoice(mode="native", origin="openai_chat", native=Raw(b'{"type": "allowed_tools"}')),
        ),
    ],
)
def test_tool_choice(choice: object, expected: ToolChoice) -> None:
    """Words, named tools, and choices that only Chat understands."""
    assert parsed(tool_choice=choice).tool_choice == expected


def test_tools() -> None:
    """Functions, freeform tools and tools that the server runs; schemas stay bytes."""
    request = parsed(
        tools=[
            {"type": "function", "function": {"name": "f", "parameters": {"b": 1.0, "a": 2}, "strict": True},
             "cache_control": {"type": "ephemeral"}},
            {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}},
            {"type": "openrouter:web_search", "parameters": {"x": 1}, "cache_control": {"type": "ephemeral"}},
        ]
    )  # fmt: skip
    function, custom, server = request.tools
    assert function == Tool(name="f", parameters=Raw(b'{"b": 1.0, "a": 2}'), strict=True, cache=CacheMark())
    assert custom == Tool(name="c", kind="custom", format=Raw(b'{"type": "text"}'))
    assert isinstance(server, ServerTool)
    assert (server.type, server.cache) == ("openrouter:web_search", CacheMark())
    assert b"cache_control" not in bytes(server.data)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"type": "text"}, OutputFormat(kind="text")),
        ({"type": "json_object"}, OutputFormat(kind="json_object")),
        ({"type": "json_object", "schema": {"a": 1}}, OutputFormat(kind="json_object", schema=Raw(b'{"a": 1}'))),
        ({"type": "json_schema", "json_schema": {"name": "n", "schema": {"b": 1, "a": 2}, "strict": True}},
         OutputFormat(kind="json_schema", name="n", schema=Raw(b'{"b": 1, "a": 2}'), strict=True)),
    ],
)  # fmt: skip
def test_output(said: dict[str, Any], expected: OutputFormat) -> None:
    """The formats, with schemas as bytes: the order of keys matters to models."""
    assert parsed(response_format=said).output == expected


def test_unknown_output_travels() -> None:
    """A format that only some server knows is passed on as it is."""
    said = {"type": "grammar", "grammar": "root ::= x"}
    body, _ = rendered(parsed(response_format=said))
    assert body["response_format"] == said


def test_half_characters() -> None:
    """Agents cut tool output in the middle of an emoji; the rest of the request is not lost for it."""
    raw = rb'{"model":"m","messages":[{"role":"user","content":"a\ud83d"}],"metadata":{ "b":1.50}}'
    request = OPENAI_CHAT.parse_request(raw)
    assert request.messages[0].content == (Text(text="a\ufffd"),)
    assert request.metadata == Raw(b'{ "b":1.50}')


REFUSED = [
    ({"model": None}, "$.model"),
    ({"messages": None}, "$.messages"),
    ({"messages": []}, "$.messages"),
    ({"messages": {}}, "$.messages"),
    ({"messages": [3]}, "$.messages[0]"),
    ({"messages": [{"content": "x"}]}, "$.messages[0].role"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "$.messages[0].role"),
    ({"messages": [{"role": "user"}]}, "$.messages[0].content"),
    ({"messages": [{"role": "user", "content": 3}]}, "$.messages[0].content"),
    ({"messages": [USER, {"role": "user", "content": [{"text": "x"}]}]}, "$.messages[1].content[0].type"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "$.messages[0].content[0].image_url"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "cat"}}]}]},
     "$.messages[0].content[0].image_url.url"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": NO_PNG}}]}]},
     "$.messages[0].content[0].image_url.url"),
    ({"messages": [{"role": "assistant", "tool_calls": [{"id": "1"}]}]}, "$.messages[0].tool_calls[0].function"),
    ({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}]}, "$.messages[0].tool_calls[0].id"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "$.messages[0].tool_call_id"),
    ({"temperature": "hot"}, "$.temperature"),
    ({"n": 1.5}, "$.n"),
    ({"stop": [1]}, "$.stop"),
    ({"tools": [{"type": "function"}]}, "$.tools[0].function"),
    ({"tools": [{"type": "function", "function": {}}]}, "$.tools[0].function.name"),
    ({"tool_choice": "perhaps"}, "$.tool_choice"),
    ({"response_format": {"type": "json_schema"}}, "$.response_format.json_schema"),
    ({"thinking": {"type": "deeply"}}, "$.thinking.type"),
    ({"stream": "yes"}, "$.stream"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "path"), REFUSED)
def test_refused_with_its_path(fields: dict[str, Any], path: str) -> None:
    """What cannot be right is refused, and the first wrong field is named."""
    with pytest.raises(ProtocolError) as caught:
        parsed(**fields)
    assert caught.value.path == path


@given(st.binary(max_size=200))
def test_total_on_bytes(body: bytes) -> None:
    """Arbitrary bytes raise nothing but ProtocolError."""
    with pytest.raises(ProtocolError):
        OPENAI_CHAT.parse_request(body)


WORDS = st.sampled_from(
    ["role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name", "arguments", "id", "file",
     "reasoning_details", "thinking", "input_audio", "tool_call_id", "user", "assistant", "tool", "refusal", "data"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=10,
)


FIELDS = st.sampled_from(["tools", "tool_choice", "reasoning", "thinking", "stop", "response_format"])


@given(st.dictionaries(FIELDS, VALUES), st.lists(VALUES, max_size=3))
def test_total_on_json(fields: dict[str, Any], messages: list[Any]) -> None:
    """Arbitrary JSON gives a request or a ProtocolError."""
    try:
        parsed(messages=messages, **fields)
    except ProtocolError:
        return
