"""Whole answers, as providers send them and as clients get them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chatwire import CLAUDE, EVERYTHING, REPLY, answer, call, chunk, said, sse, twin
from msgspec import Raw
from openai.types.chat import ChatCompletion
from pydantic import TypeAdapter

from hexapla.errors import Kind, ProtocolError, UpstreamError
from hexapla.ir.content import Media, Opaque, Origin, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, Stop
from hexapla.protocols.openai_chat import OPENAI_CHAT

STRICT = TypeAdapter(ChatCompletion)


def body(**fields: Any) -> bytes:
    """A raw answer."""
    return json.dumps({"id": "c1", "object": "chat.completion", "created": 1, "model": "up", **fields}).encode()


def test_keep_alive_before_the_answer() -> None:
    """White space that OpenRouter sends while it waits is no part of the answer."""
    whole = body(choices=[{"message": {"content": "x"}, "finish_reason": "stop"}])
    assert OPENAI_CHAT.parse_response(b"\n   \n\n" + whole).content == (Text(text="x"),)


@pytest.mark.parametrize(
    ("message", "content"),
    [
        ({"content": None}, ()),
        ({}, ()),
        ({"content": ""}, ()),
        ({"content": [{"type": "text", "text": "a"}, "b"]}, (Text(text="ab"),)),
        ({"content": {"a": [1, "\u00e9"]}}, (Text(text='{"a": [1, "\u00e9"]}'),)),
        ({"content": None, "refusal": "no"}, (Refusal(text="no"),)),
        ({"content": [{"type": "image_url", "image_url": "https://i"}]}, (Media(kind="image", url="https://i"),)),
        ({"function_call": {"name": "f", "arguments": {"a": 1}}}, None),
    ],
)
def test_content_forms(message: dict[str, Any], content: tuple[object, ...] | None) -> None:
    """Content is null, missing, empty, a string, a list or an object."""
    found = twin(message).content
    if content is not None:
        assert found == content
    else:
        (part,) = found
        assert isinstance(part, ToolCall)
        assert (part.name, part.arguments) == ("f", '{"a": 1}')


def test_copilot_splits_choices() -> None:
    """Copilot in front of Claude cuts one answer into choices: text in the first, calls in the next."""
    first = {"index": 0, "message": {"content": "x"}, "finish_reason": "tool_calls"}
    second = {"index": 1, "message": {"content": None, **call(0, "f", "{}", id="1")}, "finish_reason": "tool_calls"}
    text, tool = OPENAI_CHAT.parse_response(body(choices=[first, second])).content
    assert text == Text(text="x")
    assert isinstance(tool, ToolCall)
    assert tool.id == "1"


def test_other_choices_are_left() -> None:
    """Without that sign only the first choice counts."""
    choices = [{"index": i, "message": {"content": str(i)}, "finish_reason": "stop"} for i in range(2)]
    assert OPENAI_CHAT.parse_response(body(choices=choices)).content == (Text(text="0"),)


@pytest.mark.parametrize(
    ("said", "expected"),
    [('{}{"a":1}', '{"a":1}'), ("{}", "{}"), ("{}{", "{}{"), ("{}{}", "{}{}"), ('{}{"a"', '{}{"a"'), ("{} ", "{} ")],
)
def test_an_empty_object_before_the_arguments_is_none_of_them(said: str, expected: str) -> None:
    """As in a stream, where it comes first."""
    (part,) = twin(call(0, "f", said, id="1"), "tool_calls").content
    assert isinstance(part, ToolCall) and part.arguments == expected


def test_custom_beside_function() -> None:
    """An empty `custom` beside a function (Snowflake) does not make it freeform."""
    calls = {
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "custom": {}}]
    }
    (part,) = twin(calls).content
    assert isinstance(part, ToolCall)
    assert (part.kind, part.name, part.arguments) == ("function", "f", "{}")


@pytest.mark.parametrize(
    ("raw", "kind", "message"),
    [
        (body(error={"message": "no money", "code": 402}), Kind.UPSTREAM_BILLING, "no money"),
        (body(choices=[{"error": {"message": "down", "code": 502}, "message": {}}]), Kind.UPSTREAM_ERROR, "down"),
        (body(choices=[{"message": {"content": "x"}, "finish_reason": "error"}]), Kind.UPSTREAM_ERROR, "'error'"),
        (b'{"base_resp":{"status_code":1004,"status_msg":"auth"}}', Kind.UPSTREAM_AUTH, "auth"),
        (b'{"success":false,"msg":"nope","code":500}', Kind.UPSTREAM_ERROR, "nope"),
        (b'{"object":"error","message":"gone","code":404}', Kind.NOT_FOUND, "gone"),
        (b'[{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}]', Kind.RATE_LIMIT, "slow"),
        (b'{"message":"try later"}', Kind.UPSTREAM_ERROR, "try later"),
        (b'{"detail":"Not authenticated"}', Kind.UPSTREAM_ERROR, "Not authenticated"),
    ],
)
def test_errors_in_a_200(raw: bytes, kind: Kind, message: str) -> None:
    """An error that hides in a 200 is raised, not answered."""
    with pytest.raises(UpstreamError, match=message) as caught:
        OPENAI_CHAT.parse_response(raw)
    assert caught.value.kind is kind


@pytest.mark.parametrize("raw", [b"", b"<html>", b"{}", b'{"choices":[]}', b"3", b'"x', b"[" * 5000, b"[]"])
def test_no_answer(raw: bytes) -> None:
    """What is no answer at all is a protocol error."""
    with pytest.raises(ProtocolError):
        OPENAI_CHAT.parse_response(raw)


def test_wrong_types_cost_only_themselves() -> None:
    """One wrong field does not cost the answer."""
    found = twin({"content": "x", "refusal": 1, "audio": []}, created="soon", service_tier=4)
    assert (found.content, found.created, found.service_tier) == ((Text(text="x"),), None, None)


def test_half_characters() -> None:
    """A half of an emoji costs only itself."""
    raw = rb'{"choices":[{"message":{"content":"a\ud83d"},"finish_reason":"stop"}]}'
    assert OPENAI_CHAT.parse_response(raw).content == (Text(text="a\ufffd"),)


def test_strict_types() -> None:
    """An answer with everything in it passes the strict types of the official SDK."""
    losses = LossLog()
    answer = STRICT.validate_json(OPENAI_CHAT.render_response(EVERYTHING, REPLY, losses), strict=True)
    message = answer.choices[0].message
    assert (message.content, answer.choices[0].finish_reason, answer.id) == ("Hi", "tool_calls", "msg_1")
    assert message.annotations is not None
    assert message.annotations[0].url_citation.url == "https://a"
    assert message.audio is not None
    assert message.audio.data == "BBBB"
    assert {loss.field for loss in losses.losses} == {"content[8]", "service_tier"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ((), ""),
        ((Text(text=""),), ""),
        ((ToolCall(id="1", name="f"),), None),
        ((Refusal(text="no"),), None),
        ((Text(text="a"), Opaque(origin=CLAUDE, type="x", data=Raw(b"{}")), Text(text="b")), "ab"),
    ],
)
def test_content_of_an_answer(content: tuple[Any, ...], expected: str | None) -> None:
    """Content is a string wherever a client may expect one, and null only beside calls and refusals."""
    assert said(GenerateResponse(content=content, stop=Stop(reason="stop")))["content"] == expected


def test_native_words() -> None:
    """The upstream's own word stands beside ours where it is another one."""
    raw = OPENAI_CHAT.render_response(
        GenerateResponse(stop=Stop(reason="stop_sequence", native="stop_sequence", sequence="END")), REPLY, LossLog()
    )
    choice = json.loads(raw)["choices"][0]
    assert (choice["finish_reason"], choice["native_finish_reason"], choice["stop_reason"]) == (
        "stop", "stop_sequence", "END",
    )  # fmt: skip


def test_thought_of_an_answer() -> None:
    """Thought of several parts and dialects: one text, and an entry for each state."""
    other = Reasoning(summary=("a", "b"), encrypted="x", id="rs", origin=Origin("openai_responses", "openai"))
    message = said(GenerateResponse(content=(EVERYTHING.content[0], other)))  # type: ignore[arg-type]
    assert message["reasoning_content"] == message["reasoning"] == "hm\n\na\n\nb"
    assert [(e["type"], e["format"], e["index"]) for e in message["reasoning_details"]] == [
        ("reasoning.text", "anthropic-claude-v1", 0),
        ("reasoning.summary", "openai-responses-v1", 1),
        ("reasoning.summary", "openai-responses-v1", 2),
        ("reasoning.encrypted", "openai-responses-v1", 3),
    ]


def test_side_fields_survive() -> None:
    """The fingerprint and the serving provider reach a Chat client."""
    whole = twin({"content": "x"}, system_fingerprint="fp", provider="Groq")
    raw = json.loads(OPENAI_CHAT.render_response(whole, REPLY, LossLog()))
    assert (raw["system_fingerprint"], raw["provider"]) == ("fp", "Groq")


def test_foreign_extras_are_named() -> None:
    """Fields of another dialect are losses."""
    losses = LossLog()
    answer = GenerateResponse(extras={"anthropic_messages": {"container": Raw(b"{}")}})
    OPENAI_CHAT.render_response(answer, REPLY, losses)
    assert [loss.field for loss in losses.losses] == ["extras.anthropic_messages.container"]


PIECES = (
    {"type": "text", "text": "See"},
    {"type": "text", "text": " here."},
    {"type": "image_url", "image_url": {"url": "https://x/a.png"}},
    {"type": "refusal", "refusal": "No more."},
    {"type": "reference", "reference_ids": [1]},
)


def test_content_in_parts_is_the_same_whole_and_streamed() -> None:
    """Texts that follow one another are one; an image, a refusal and a reference stand where they came."""
    whole = twin({"content": [*PIECES]}).content
    assert whole[:2] == (Text(text="See here."), Media(kind="image", url="https://x/a.png"))
    assert whole[2] == Refusal(text="No more.") and isinstance(whole[3], Text) and whole[3].citations
    assert answer(sse(chunk({"content": [*PIECES]}, "stop"))).content == whole
