"""Requests as each kind of Chat server takes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chatwire import CLAUDE, asking, parsed, rendered, target
from msgspec import Raw

from hexapla.errors import ClientError
from hexapla.ir.content import (
    CacheMark,
    Citation,
    Media,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from hexapla.ir.loss import LossLog
from hexapla.ir.request import Message, OutputFormat, ReasoningWish, Sampling, ServerTool, Tool, ToolChoice
from hexapla.protocols.openai_chat import OPENAI_CHAT
from hexapla.wire.rawjson import dump

HI = Message(role="user", content=(Text(text="hi"),), plain=True)
TOOL = Tool(name="f", parameters=Raw(b'{"b":1.0,"a":2}'))


def message_of(message: Message, **flags: Any) -> tuple[Any, list[str]]:
    """(what a message becomes, fields that were lost)."""
    body, losses = rendered(asking(HI, message), target(**flags))
    said = body["messages"][1:]
    return said[0] if len(said) == 1 else said, [loss.field for loss in losses]


def test_only_what_was_said() -> None:
    """A bare request has no field that nobody asked for."""
    body, losses = rendered(asking(HI))
    assert body == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    assert losses == ()


FULL = {
    "temperature": 0.5, "top_p": 0.9, "top_k": 3, "min_p": 0.1, "top_a": 0.2, "frequency_penalty": 1.0,
    "presence_penalty": -1.0, "repetition_penalty": 1.1, "seed": 7, "stop": ["a", "b"], "logit_bias": {"1": 2},
    "logprobs": True, "top_logprobs": 2, "n": 1, "max_tokens": 6, "parallel_tool_calls": False, "verbosity": "low",
    "user": "u", "store": True, "service_tier": "flex", "prompt_cache_key": "k", "safety_identifier": "s",
    "metadata": {"a": "b"}, "stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False},
    "cache_control": {"type": "ephemeral", "ttl": "1h"}, "modalities": ["text"], "reasoning_effort": "high",
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"b": 1.0, "a": 2}}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"b": 1, "a": 2}, "strict": True}},
}  # fmt: skip


def test_all_parameters_return() -> None:
    """What a Chat client says, a Chat server hears, to the letter of the schemas."""
    request = parsed(**FULL)
    body, losses = rendered(request)
    assert body == {"model": "m", "messages": [{"role": "user", "content": "hi"}], **FULL}
    assert losses == ()
    raw = OPENAI_CHAT.render_request(request, target(), LossLog())
    assert b'"parameters":{"b": 1.0, "a": 2}' in raw


def test_limit_field() -> None:
    """The limit goes by the name that the target knows."""
    request = asking(HI, max_tokens=5)
    assert rendered(request)[0]["max_tokens"] == 5
    assert rendered(request, target(max_tokens_field="max_completion_tokens"))[0]["max_completion_tokens"] == 5


def test_stream_options() -> None:
    """Usage is asked for on every stream, unless the target does not know how."""
    request = asking(HI, stream=True)
    assert rendered(request)[0]["stream_options"] == {"include_usage": True}
    assert "stream_options" not in rendered(request, target(stream_usage=False))[0]
    assert "stream_options" not in rendered(asking(HI))[0]


def test_several_answers_are_refused() -> None:
    """One answer can be carried across; more are refused, not faked."""
    with pytest.raises(ClientError, match="n must be 1"):
        rendered(asking(HI, sampling=Sampling(n=2)))


@pytest.mark.parametrize(
    ("path", "fields", "gone"),
    [
        ("sampling.seed", {"sampling": Sampling(seed=1)}, "seed"),
        ("max_tokens", {"max_tokens": 5}, "max_tokens"),
        ("output", {"output": OutputFormat(kind="json_object")}, "response_format"),
        ("reasoning", {"reasoning": ReasoningWish(effort="low")}, "reasoning_effort"),
        ("cache_key", {"cache_key": "k"}, "prompt_cache_key"),
        ("parallel_tool_calls", {"parallel_tool_calls": False, "tools": (TOOL,)}, "parallel_tool_calls"),
    ],
)
def test_unsupported(path: str, fields: dict[str, Any], gone: str) -> None:
    """A field that the provider refuses is left out under its IR path."""
    assert gone in rendered(asking(HI, **fields))[0]
    body, losses = rendered(asking(HI, **fields), target(unsupported=frozenset({path})))
    assert gone not in body
    assert [loss.field for loss in losses] == [path]


def test_model_without_sampling() -> None:
    """A model that refuses sampling gets none; other parameters stay."""
    body, losses = rendered(asking(HI, sampling=Sampling(temperature=1.0, seed=1)), target(sampling=False))
    assert (body.get("temperature"), body["seed"]) == (None, 1)
    assert [loss.field for loss in losses] == ["sampling.temperature"]


# conversation


def test_developer_role() -> None:
    """Developer messages are system messages where the target knows no developer."""
    message = Message(role="developer", content=(Text(text="d"),), plain=True)
    assert message_of(message) == ({"role": "developer", "content": "d"}, [])
    found = message_of(message, developer_role=False)
    assert found == ({"role": "system", "content": "d"}, ["messages[1].role"])


def test_system_role() -> None:
    """System messages are the developer's where the target knows no system."""
    message = Message(role="system", content=(Text(text="s"),), plain=True)
    assert message_of(message) == ({"role": "system", "content": "s"}, [])
    found = message_of(message, system_role=False)
    assert found == ({"role": "developer", "content": "s"}, ["messages[1].role"])


def test_late_system_messages() -> None:
    """A system message in between becomes a reminder where the target wants none there."""
    message = Message(role="system", content=(Text(text="s"),))
    said, lost = message_of(message, mid_system=False)
    assert said == {"role": "user", "content": "<system-reminder>\ns\n</system-reminder>"}
    assert lost == ["messages[1]"]
    first = rendered(asking(message, HI), target(mid_system=False))[0]["messages"][0]
    assert first["role"] == "system"


def test_content_strings() -> None:
    """Text in parts is one string for servers that take nothing else; cache marks on it are lost."""
    message = Message(role="user", content=(Text(text="a", cache=CacheMark()), Text(text="b")))
    said, lost = message_of(message, content_strings=True)
    assert said["content"] == "a\n\nb"
    assert lost == ["messages[1].content", "messages[1].content[0].cache"]
    said, lost = message_of(message)
    assert [part["text"] for part in said["content"]] == ["a", "b"]
    assert lost == []


def test_cache_marks() -> None:
    """Marks stay on parts, tools, calls and results; a target that takes none gets none."""
    mark = CacheMark(ttl="1h")
    request = asking(
        Message(role="user", content=(Text(text="hi", cache=mark),)),
        Message(role="assistant", content=(ToolCall(id="1", name="f", cache=mark),)),
        Message(role="tool", content=(ToolResult(call_id="1", content=(Text(text="r"),), cache=mark),)),
        tools=(Tool(name="f", cache=mark),),
        cache=mark,
    )
    body, losses = rendered(request)
    assert json.dumps(body).count('{"type": "ephemeral", "ttl": "1h"}') == 5
    assert losses == ()
    body, losses = rendered(request, target(cache_marks=0))
    assert "cache_control" not in json.dumps(body)
    assert len(losses) == 5


def test_prefill() -> None:
    """A begun answer is left out for targets that do not continue it."""
    begun = Message(role="assistant", content=(Text(text="{"),))
    assert message_of(begun) == ({"role": "assistant", "content": "{"}, [])
    assert message_of(begun, prefill=False) == ([], ["messages[1]"])


def test_assistant_turns() -> None:
    """Text is a string where it can be one; calls alone leave null; a refusal has its field."""
    call = ToolCall(id="1", name="f")
    rendered_call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        ((Text(text="x"), call), {"content": "x", "tool_calls": [rendered_call]}),
        ((call,), {"content": None, "tool_calls": [rendered_call]}),
        ((Refusal(text="no"),), {"content": None, "refusal": "no"}),
        ((Text(text="a"), Text(text="b")), {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
        ((Text(text="a"), Refusal(text="no")),
         {"content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]}),
    ]  # fmt: skip
    for content, expected in turns:
        assert message_of(Message(role="assistant", content=content)) == ({"role": "assistant", **expected}, [])


def test_order_of_a_turn() -> None:
    """Text after a call moves before it, which is said."""
    content = (ToolCall(id="1", name="f"), Text(text="x"))
    said, lost = message_of(Message(role="assistant", content=content))
    assert said["content"] == "x"
    assert lost == ["messages[1].content"]


def test_custom_and_namespaced_calls() -> None:
    """Freeform calls keep their text; a namespace has no place."""
    call = ToolCall(id="1", name="c", arguments="free", kind="custom", namespace="n")
    said, lost = message_of(Message(role="assistant", content=(call,)))
    assert said["tool_calls"] == [{"id": "1", "type": "custom", "custom": {"name": "c", "input": "free"}}]
    assert lost == ["messages[1].content[0].namespace"]


# tool results


def test_results() -> None:
    """One tool message a result: a string where it was one, parts where they were."""
    results = (
        ToolResult(call_id="1", content=(Text(text="one"),)),
        ToolResult(call_id="2", content=(Text(text="a"), Text(text="b")), plain=False, name="f"),
        ToolResult(call_id="3"),
    )
    said, lost = message_of(Message(role="tool", content=results))
    assert said == [
        {"role": "tool", "tool_call_id": "1", "content": "one"},
        {"role": "tool", "tool_call_id": "2", "name": "f",
         "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "tool", "tool_call_id": "3", "content": ""},
    ]  # fmt: skip
    assert lost == []


def test_failed_results() -> None:
    """A failure has no field; the text says it."""
    said, lost = message_of(
        Message(role="tool", content=(ToolResult(call_id="1", content=(Text(text="x"),), is_error=True),))
    )
    assert said["content"] == "Error: x"
    assert lost == ["messages[1].content[0].is_error"]


IMAGE = Media(kind="image", data="AAAA", media_type="image/png")
SHOWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def test_media_of_results() -> None:
    """Images of all results of a turn follow in one user message that says whose they are."""
    results = (
        ToolResult(call_id="1", content=(Text(text="see"), IMAGE), plain=False),
        ToolResult(call_id="2", content=(IMAGE,), plain=False),
    )
    said, lost = message_of(Message(role="tool", content=results))
    assert [message["role"] for message in said] == ["tool", "tool", "user"]
    assert [message["content"] for message in said[:2]] == ["see", ""]
    assert [part.get("text", part.get("image_url")) for part in said[2]["content"]] == [
        "Content of the tool result for call 1:", SHOWN["image_url"],
        "Content of the tool result for call 2:", SHOWN["image_url"],
    ]  # fmt: skip
    assert lost == ["messages[1].content[0].content", "messages[1].content[1].content"]


def test_media_that_a_chat_client_put_there() -> None:
    """A Chat client that puts an image into a tool message knows its server; a target that takes none overrules it."""
    message = {
        "role": "tool",
        "tool_call_id": "1",
        "content": [{"type": "image_url", "image_url": {"url": "https://i"}}],
    }
    request = parsed(messages=[{"role": "user", "content": "hi"}, message])
    assert rendered(request)[0]["messages"][1] == message
    assert len(rendered(request, target(tool_result_media=False))[0]["messages"]) == 3


# parts

MEDIA: list[tuple[Media, Any, list[str]]] = [
    (IMAGE, SHOWN, []),
    (Media(kind="image", url="https://i", detail="low"),
     {"type": "image_url", "image_url": {"url": "https://i", "detail": "low"}}, []),
    (Media(kind="image", file_id="f"), None, [""]),
    (Media(kind="audio", data="AA", media_type="audio/wav"),
     {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}, []),
    (Media(kind="audio", data="AA", media_type="audio/mpeg"),
     {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}}, []),
    (Media(kind="audio", data="AA"), {"type": "input_audio", "input_audio": "AA"}, []),
    (Media(kind="video", url="https://v"), {"type": "video_url", "video_url": {"url": "https://v"}}, []),
    (Media(kind="document", data="AA", media_type="application/pdf", title="T", context="c"),
     {"type": "file", "file": {"filename": "T", "file_data": "data:application/pdf;base64,AA"}}, [".title", ".context"]),
    (Media(kind="document", url="https://d/a.pdf"),
     {"type": "file", "file": {"file_data": "https://d/a.pdf", "filename": "a.pdf"}}, []),
    (Media(kind="document", file_id="f"), {"type": "file", "file": {"file_id": "f"}}, []),
    (Media(kind="document", text="plain"), {"type": "text", "text": "plain"}, [""]),
]  # fmt: skip


@pytest.mark.parametrize(("part", "expected", "lost"), MEDIA)
def test_media(part: Media, expected: Any, lost: list[str]) -> None:
    """Each kind of media in Chat's form, with a loss for what has no place."""
    said, fields = message_of(Message(role="user", content=(Text(text="x"), part)))
    assert said["content"][1:] == ([] if expected is None else [expected])
    assert fields == [f"messages[1].content[1]{end}" for end in lost]


def test_addresses_that_the_target_does_not_fetch() -> None:
    """An address for a target that takes base64 only is refused, with its place."""
    message = Message(role="user", content=(Text(text="x"), Media(kind="image", url="https://i")))
    with pytest.raises(ClientError, match="base64") as caught:
        message_of(message, media_urls=False)
    assert caught.value.param == "messages[1].content[1]"


def test_foreign_parts() -> None:
    """Parts and fields of other dialects are losses of content or parameter."""
    parts = (
        Text(text="x", citations=(Citation(url="u"),), extras={"anthropic_messages": {"y": Raw(b"1")}}),
        Opaque(origin=CLAUDE, type="server_tool_use", data=Raw(b"{}")),
    )
    said, lost = message_of(Message(role="user", content=parts))
    assert said["content"] == [{"type": "text", "text": "x"}]
    assert lost == [
        "messages[1].content[0].citations",
        "messages[1].content[0].extras.anthropic_messages.y",
        "messages[1].content[1]",
    ]


# tools


def test_tools() -> None:
    """Functions, freeform tools, own server tools; what Chat lacks is named."""
    tools = (
        Tool(name="f", description="d", parameters=Raw(b"{}"), strict=True, deferred=True, namespace="n"),
        Tool(name="c", kind="custom", format=Raw(b'{"type":"text"}')),
        ServerTool(origin="openai_chat", type="web", data=Raw(b'{"type":"web","x":1}')),
        ServerTool(origin="anthropic_messages", type="web_search", data=Raw(b"{}")),
    )
    body, losses = rendered(asking(HI, tools=tools), target(strict_tools=False))
    assert body["tools"] == [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {}}},
        {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}},
        {"type": "web", "x": 1},
    ]
    assert [loss.field for loss in losses] == ["tools[0].namespace", "tools[0].deferred", "tools[0].strict", "tools[3]"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(mode="auto"), "auto"),
        (ToolChoice(mode="required"), "required"),
        (ToolChoice(mode="named", name="f"), {"type": "function", "function": {"name": "f"}}),
        (ToolChoice(mode="named", name="c", kind="custom"), {"type": "custom", "custom": {"name": "c"}}),
        (ToolChoice(mode="native", origin="openai_chat", native=Raw(b'{"type":"x"}')), {"type": "x"}),
        (ToolChoice(mode="native", origin="openai_responses", native=Raw(b"{}")), None),
    ],
)
def test_tool_choice(choice: ToolChoice, expected: object) -> None:
    """Choices in Chat's words; one of another dialect is a loss."""
    body, losses = rendered(asking(HI, tools=(TOOL,), tool_choice=choice))
    assert body.get("tool_choice") == expected
    assert bool(losses) == (expected is None)


def test_choice_without_power() -> None:
    """A target that cannot be made to call is asked to decide; a choice without tools means nothing."""
    request = asking(HI, tools=(TOOL,), tool_choice=ToolChoice(mode="required"))
    body, losses = rendered(request, target(tool_choice_required=False))
    assert (body["tool_choice"], [loss.field for loss in losses]) == ("auto", ["tool_choice"])
    body, losses = rendered(asking(HI, tool_choice=ToolChoice(mode="auto"), parallel_tool_calls=True))
    assert "tool_choice" not in body
    assert [loss.field for loss in losses] == ["tool_choice", "parallel_tool_calls"]


def test_foreign_request_fields() -> None:
    """Stored conversations, betas, foreign tiers and extras are named."""
    request = asking(HI, continues="resp_1", betas=("b",), service_tier="standard_only",
                     extras={"anthropic_messages": {"container": Raw(b"1")}})  # fmt: skip
    body, losses = rendered(request)
    assert set(body) == {"model", "messages"}
    assert {loss.field for loss in losses} == {
        "continues",
        "betas",
        "service_tier",
        "extras.anthropic_messages.container",
    }


def test_foreign_thought_is_dropped_cosmetically() -> None:
    """Most models do not need strangers' thoughts: no strict policy stumbles over them."""
    thought = Reasoning(text="hm", signature="s", origin=Origin("anthropic_messages"))
    _, losses = rendered(asking(HI, Message(role="assistant", content=(thought, Text(text="x")))))
    assert [(loss.field, loss.severity) for loss in losses] == [("messages[1].content[0]", "cosmetic")]


def test_a_turn_of_which_nothing_is_left() -> None:
    """A stranger's thought alone leaves an assistant turn without content, which Chat refuses; an empty text is a text."""
    thought = Message(role="assistant", content=(Reasoning(text="Hm.", origin=CLAUDE),))
    empty = Message(role="assistant", content=(Text(text=""),), plain=True)
    body, losses = rendered(asking(HI, thought, empty))
    assert [message["role"] for message in body["messages"]] == ["user", "assistant"]
    assert [loss.field for loss in losses] == ["messages[1].content[0]", "messages[1]"]


def test_pictures_that_a_model_made() -> None:
    """Another dialect's assistant turn may hold one; Chat's assistant speaks text only."""
    picture = Media(kind="image", url="https://a")
    body, losses = rendered(asking(HI, Message(role="assistant", content=(Text(text="See"), picture))))
    assert body["messages"][1]["content"] == "See"
    assert [(loss.field, loss.severity) for loss in losses] == [("messages[1].content[1]", "content")]


def test_an_empty_list_of_stop_sequences_is_left_out() -> None:
    assert "stop" not in rendered(asking(HI, sampling=Sampling(stop=())))[0]


def test_fields_of_a_result_message_are_said_to_be_lost() -> None:
    result = Message(role="tool", content=(ToolResult(call_id="a"),), extras={"anthropic_messages": {"x": Raw(b"1")}})
    assert [loss.field for loss in rendered(asking(HI, result))[1]] == ["messages[1].extras.anthropic_messages.x"]


def test_nothing_to_say_is_refused() -> None:
    """Where everything stands elsewhere or is another vendor's own, an empty list would be refused in worse words."""
    hosted = Opaque(origin=CLAUDE, type="server_tool_use", data=Raw(b"{}"))
    with pytest.raises(ClientError, match="Nothing of this conversation"):
        rendered(asking(Message(role="assistant", content=(hosted,))))


@pytest.mark.parametrize(
    ("wishes", "lost"),
    [
        ({"include": ["reasoning.encrypted_content"], "background": False, "truncation": "disabled"}, []),
        ({"include": ["reasoning.encrypted_content", "file_search_call.results"]}, ["include"]),
        ({"background": True, "truncation": "auto"}, ["background", "truncation"]),
    ],
)
def test_what_is_done_anyway_is_no_loss(wishes: dict[str, Any], lost: list[str]) -> None:
    """Codex and the Agents SDK ask for thought that can come back, which it can from everywhere."""
    extras = {"openai_responses": {name: dump(value) for name, value in wishes.items()}}
    _, losses = rendered(asking(Message(role="user", content=(Text(text="hi"),)), extras=extras))
    assert [loss.field.rpartition(".")[2] for loss in losses] == lost
