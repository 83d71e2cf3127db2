"""What is looked for in conversations that nobody parses; everything else is the vendor's to judge."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.errors import ClientError, ProtocolError
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.translate.checks import MAX_BYTES, check, check_thread
from hexapla.translate.peek import Peek, peek

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CALLS = {
    "openai_chat": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}]}],
    "anthropic_messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f"}]}],
    "openai_responses": [{"type": "function_call", "call_id": "a", "name": "f"}],
}
RESULTS = {
    "openai_chat": {"role": "tool", "tool_call_id": "a", "content": "ok"},
    "anthropic_messages": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
    "openai_responses": {"type": "function_call_output", "call_id": "a", "output": "ok"},
}
dialects = pytest.mark.parametrize("protocol", CALLS)


def looked(protocol: str, turns: list[Any], **fields: Any) -> Peek:
    name = "input" if protocol == "openai_responses" else "messages"
    return peek(protocol, json.dumps({"model": "m", name: turns, **fields}).encode())


@dialects
def test_a_result_with_its_call_passes(protocol: str) -> None:
    check(looked(protocol, [*CALLS[protocol], RESULTS[protocol]]))


@dialects
def test_a_result_without_a_call(protocol: str) -> None:
    with pytest.raises(ClientError, match="no matching tool call"):
        check(looked(protocol, [RESULTS[protocol]]))


@dialects
def test_two_results_of_one_call(protocol: str) -> None:
    with pytest.raises(ClientError, match="Two results"):
        check(looked(protocol, [*CALLS[protocol], RESULTS[protocol], RESULTS[protocol]]))


def test_two_calls_with_one_id() -> None:
    twice = [{"role": "assistant", "tool_calls": CALLS["openai_chat"][0]["tool_calls"] * 2}, RESULTS["openai_chat"]]
    with pytest.raises(ClientError, match="share the id"):
        check(looked("openai_chat", twice))


@pytest.mark.parametrize(
    ("protocol", "beside"),
    [
        ("openai_responses", {"previous_response_id": "resp_1"}),
        ("openai_responses", {"conversation": "conv_1"}),
        ("anthropic_messages", {"thread": {"type": "continue", "previous_message_id": "msg_1"}}),
    ],
)
def test_the_call_may_stand_where_the_vendor_keeps_it(protocol: str, beside: dict[str, Any]) -> None:
    check(looked(protocol, [RESULTS[protocol]], **beside))


PICTURES = {
    "openai_chat": lambda data: {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
    "openai_responses": lambda data: {"type": "input_image", "image_url": f"data:image/png;base64,{data}"},
    "anthropic_messages": lambda data: {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": data},
    },
}


@dialects
def test_pictures(protocol: str) -> None:
    """One that is none is told; one whose type is none of the four is the vendor's to judge."""
    check(looked(protocol, [{"role": "user", "content": [PICTURES[protocol](PNG)]}]))
    for data in ("%%", "aGVsbG8gd29ybGQ="):
        with pytest.raises(ProtocolError, match="image"):
            check(looked(protocol, [{"role": "user", "content": [PICTURES[protocol](data)]}]))


def test_what_is_not_looked_into() -> None:
    """Large bodies, and shapes that the types do not fit."""
    check(looked("openai_chat", [RESULTS["openai_chat"] | {"content": "x" * MAX_BYTES}]))
    check(looked("openai_chat", [RESULTS["openai_chat"], {"role": "user", "content": 5}]))


THREAD = {"type": "create"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_thread_needs_somebody_who_keeps_it(protocol: str) -> None:
    """Refused with the code on which Anthropic's SDK sends the whole conversation instead."""
    asked = looked("anthropic_messages", [{"role": "user", "content": "hi"}], thread=THREAD)
    with pytest.raises(ClientError) as caught:
        check_thread(asked, Target(origin=Origin(protocol, "p")))
    error = json.loads(PROTOCOLS["anthropic_messages"].render_error(caught.value)[1])["error"]
    assert caught.value.status == 400 and error["type"] == "invalid_request_error"
    assert error["details"]["error_code"] == "thread_unsupported_request"


@pytest.mark.parametrize(
    ("protocol", "thread", "keeps"),
    [("anthropic_messages", THREAD, True), ("anthropic_messages", None, False), ("openai_chat", THREAD, False)],
)
def test_other_threads(protocol: str, thread: Any, keeps: bool) -> None:
    """Anthropic itself keeps them, null is none, and the same word in another dialect is another thing."""
    asked = looked(protocol, [{"role": "user", "content": "hi"}], thread=thread)
    check_thread(asked, Target(origin=Origin("anthropic_messages", "p"), threads=keeps))
