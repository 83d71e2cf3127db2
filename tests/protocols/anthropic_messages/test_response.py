"""Whole Messages answers, and errors of every form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from messageswire import CLAUDE, twin

from hexapla.errors import ClientError, GatewayError, Kind, ProtocolError, UpstreamError
from hexapla.ir.content import Opaque, Reasoning, Text, ToolCall
from hexapla.ir.response import Stop, Usage
from hexapla.protocols.anthropic_messages import ANTHROPIC_MESSAGES


def test_blocks() -> None:
    response = twin(
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "A", "citations": None},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1.0e0}, "caller": {"type": "direct"}},
        {"type": "tool_use", "id": "t2", "name": "g", "input": '{"a":1}'},
        {"type": "code_execution_tool_result", "content": {}},
        stop_reason="tool_use",
        usage={"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5},
    )
    first, second, text, call, other, hosted = response.content
    assert first == Reasoning(text="Hm.", signature="s", form="thinking", origin=CLAUDE)
    assert second == Reasoning(encrypted="x", form="redacted_thinking", origin=CLAUDE)
    assert text == Text(text="A") and isinstance(call, ToolCall) and call.arguments == '{"a": 1.0}'
    assert other == ToolCall(id="t2", name="g", arguments='{"a":1}') and isinstance(hosted, Opaque)
    assert response.stop == Stop(reason="tool_calls", native="tool_use")
    assert response.usage == Usage(input=7, output=5, cached=4)


@pytest.mark.parametrize("said", [{}, {"input": None}, {"input": ""}])
def test_a_call_without_arguments_has_none(said: dict[str, Any]) -> None:
    """Compatible servers say null for a call of a tool that takes nothing; `null` is no object for the client's tool."""
    [call] = twin({"type": "tool_use", "id": "t", "name": "f", **said}, stop_reason="tool_use").content
    assert isinstance(call, ToolCall) and call.arguments == ""


def test_what_only_messages_has_is_kept() -> None:
    said = {"container": {"id": "c"}, "context_management": {"applied_edits": []}}
    extras = twin(stop_details={"type": "refusal"}, **said).extras["anthropic_messages"]
    assert {name: json.loads(bytes(raw)) for name, raw in extras.items()} == said


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "boom"}}, Kind.OVERLOADED),
        ({"error": {"code": 429, "message": "boom"}}, Kind.RATE_LIMIT),
        ({"error": "boom"}, Kind.UPSTREAM_ERROR),
        ({"detail": "boom"}, Kind.UPSTREAM_ERROR),
        ({"base_resp": {"status_code": 1004, "status_msg": "boom"}}, Kind.UPSTREAM_AUTH),
    ],
)
def test_errors_hidden_in_a_200(body: Any, kind: Kind) -> None:
    with pytest.raises(UpstreamError) as caught:
        ANTHROPIC_MESSAGES.parse_response(b" \n" + json.dumps(body).encode())
    assert caught.value.kind == kind and "boom" in caught.value.message


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"content":"x"}'])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        ANTHROPIC_MESSAGES.parse_response(body)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ClientError(Kind.INVALID_REQUEST, "bad"), 400, "invalid_request_error"),
        (ClientError(Kind.CLIENT_AUTH, "bad"), 401, "authentication_error"),
        (ClientError(Kind.NOT_FOUND, "bad"), 404, "not_found_error"),
        (ClientError(Kind.TOO_LARGE, "bad"), 413, "request_too_large"),
        (UpstreamError(Kind.RATE_LIMIT, "bad", type="requests"), 429, "rate_limit_error"),
        (UpstreamError(Kind.OVERLOADED, "bad"), 529, "overloaded_error"),
        (UpstreamError(Kind.OVERLOADED, "bad", status=498), 529, "overloaded_error"),
        (UpstreamError(Kind.TIMEOUT, "bad"), 504, "timeout_error"),
        (UpstreamError(Kind.UPSTREAM_CONNECT, "bad"), 502, "api_error"),
    ],
)
def test_errors_as_the_sdk_knows_them(error: GatewayError, status: int, kind: str) -> None:
    found, body = ANTHROPIC_MESSAGES.render_error(error)
    assert (found, json.loads(body)) == (status, {"type": "error", "error": {"type": kind, "message": "bad"}})


def test_an_error_names_its_field() -> None:
    body = ANTHROPIC_MESSAGES.render_error(ClientError(Kind.INVALID_REQUEST, "bad", param="messages[0]"))[1]
    assert json.loads(body)["error"]["message"] == "messages[0]: bad"
