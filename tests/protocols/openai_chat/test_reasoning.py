"""Thought that leaves through a Chat client and comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chatwire import CLAUDE, asking, chunk, client, encoded, frames, parsed, rendered, said, sse, target
from msgspec import Raw

from hexapla.ir.content import Origin, Reasoning, Text
from hexapla.ir.fold import unfold
from hexapla.ir.request import Message
from hexapla.ir.response import GenerateResponse, ResponsePart
from hexapla.protocols.openai_chat import OPENAI_CHAT
from hexapla.protocols.openai_chat.reasoning import merge_details

OPENAI = Origin("openai_responses", "openai")

FOREIGN: list[tuple[Reasoning, ...]] = [
    (Reasoning(text="hm", signature="sig", form="thinking", origin=CLAUDE),),
    (Reasoning(encrypted="xyz", form="redacted_thinking", origin=CLAUDE),),
    (
        Reasoning(text="a", signature="s1", form="thinking", origin=CLAUDE),
        Reasoning(encrypted="x", form="redacted_thinking", origin=CLAUDE),
        Reasoning(text="b", signature="s2", form="thinking", origin=CLAUDE),
    ),
    (Reasoning(summary=("a", "b"), encrypted="x", id="rs_1", form="thinking", origin=OPENAI),),
    (
        Reasoning(summary=("a",), encrypted="x", id="rs_1", form="thinking", origin=OPENAI),
        Reasoning(encrypted="y", id="rs_2", form="redacted_thinking", origin=OPENAI),
        Reasoning(text="t", encrypted="z", id="rs_3", form="thinking", origin=OPENAI),
    ),
]


def stored(stream: bytes) -> dict[str, Any]:
    """The message that a client keeps from a stream: strings appended, lists joined, details merged."""
    message: dict[str, Any] = {"role": "assistant"}
    for frame in frames(stream):
        for name, value in (frame["choices"] or [{"delta": {}}])[0]["delta"].items():
            if isinstance(value, list):
                message[name] = message.get(name, []) + value
            elif name != "role":
                message[name] = message.get(name, "") + value
    if "reasoning_details" in message:
        message["reasoning_details"] = merge_details(message["reasoning_details"])
    return message


def thoughts(message: dict[str, Any]) -> tuple[Reasoning, ...]:
    """The thought of an assistant message in a history."""
    request = parsed(messages=[{"role": "user", "content": "hi"}, message])
    return tuple(part for part in request.messages[1].content if isinstance(part, Reasoning))


@pytest.mark.parametrize("parts", FOREIGN)
def test_foreign_state_returns_through_json(parts: tuple[Reasoning, ...]) -> None:
    """Signature, redacted data, item id and order come back as they left."""
    assert thoughts(said(GenerateResponse(content=(*parts, Text(text="x"))))) == parts


@pytest.mark.parametrize("parts", FOREIGN)
def test_foreign_state_returns_through_a_stream(parts: tuple[Reasoning, ...]) -> None:
    """The same through a stream, for a client that joins the entries as OpenRouter's clients do."""
    content: tuple[ResponsePart, ...] = (*parts, Text(text="x"))
    assert thoughts(stored(encoded([*unfold(GenerateResponse(content=content))]))) == parts


@pytest.mark.parametrize("parts", FOREIGN)
def test_foreign_state_returns_through_the_sdk(parts: tuple[Reasoning, ...]) -> None:
    """The same through the official SDK's stream helper, whose message is sent back as it dumps it."""
    stream = encoded([*unfold(GenerateResponse(content=(*parts, Text(text="x"))))])
    with client(stream).chat.completions.stream(model="m", messages=[{"role": "user", "content": "hi"}]) as helper:
        message = helper.get_final_completion().choices[0].message
    assert thoughts(message.model_dump(exclude={"parsed"})) == parts


def test_raw_pieces_return_too() -> None:
    """A client that keeps every piece unjoined loses nothing."""
    (parts,) = FOREIGN[:1]
    stream = encoded([*unfold(GenerateResponse(content=parts))])
    message: dict[str, Any] = {"role": "assistant", "content": "x", "reasoning_details": []}
    for frame in frames(stream):
        message["reasoning_details"] += (frame["choices"] or [{"delta": {}}])[0]["delta"].get("reasoning_details", [])
    assert thoughts(message) == parts


def test_text_that_was_kept_elsewhere() -> None:
    """A client that keeps the text in reasoning_content and the signature in the details has both joined again."""
    details = [{"type": "reasoning.text", "text": "", "signature": "sig", "format": "anthropic-claude-v1",
                "origin": "anthropic_messages/anthropic"}]  # fmt: skip
    found = thoughts({"role": "assistant", "content": "x", "reasoning_content": "hm", "reasoning_details": details})
    assert found == (Reasoning(text="hm", signature="sig", form="thinking", origin=CLAUDE),)


def test_foreign_thought_is_not_sent_to_chat() -> None:
    """What Claude thought is nothing to a Chat provider; the loss is named."""
    message = said(GenerateResponse(content=(*FOREIGN[0], Text(text="x"))))
    body, losses = rendered(parsed(messages=[{"role": "user", "content": "hi"}, message]))
    assert body["messages"][1] == {"role": "assistant", "content": "x"}
    assert [loss.field for loss in losses] == ["messages[1].content[0]"]


RELAYED = [
    {"type": "reasoning.text", "text": "hm", "signature": "sig", "format": "anthropic-claude-v1", "index": 0},
    {"type": "reasoning.encrypted", "data": "d", "format": "anthropic-claude-v1", "index": 1},
    {"type": "reasoning.summary", "summary": "s", "format": "openai-responses-v1", "index": 2},
    {"type": "reasoning.encrypted", "data": "e", "id": "rs_1", "format": "openai-responses-v1", "index": 2},
    {"type": "reasoning.encrypted", "data": "g", "id": "call_1", "format": "google-gemini-v1", "index": 3},
    {"type": "reasoning.text", "text": "u", "format": "unknown", "index": 4},
    {"type": "reasoning.encrypted", "data": "x", "format": "xai-responses-v1", "index": 5},
]


def test_relayed_state_finds_its_vendor() -> None:
    """Details that OpenRouter relays name their vendor by format, so that they can be replayed there directly."""
    found = thoughts({"role": "assistant", "content": "x", "reasoning_details": RELAYED})
    assert [(p.origin.protocol, p.readable, p.signature, p.encrypted, p.id) for p in found] == [
        ("anthropic_messages", "hm", "sig", None, None),
        ("anthropic_messages", "", None, "d", None),
        ("openai_responses", "s", None, "e", "rs_1"),
        ("gemini_generate", "", None, "g", "call_1"),
        ("openai_chat", "u", None, None, None),
    ]


def test_relayed_state_goes_back_to_the_relay() -> None:
    """For a Chat target the same details are sent verbatim and in order."""
    message = {"role": "assistant", "content": "x", "reasoning": "hm s u", "reasoning_details": RELAYED}
    body, losses = rendered(parsed(messages=[{"role": "user", "content": "hi"}, message]), target("openrouter"))
    assert body["messages"][1]["reasoning_details"] == RELAYED
    assert losses == ()


def test_answer_details_are_kept_whole() -> None:
    """In an answer the details are one thought of the Chat provider, verbatim."""
    raw = {"choices": [{"message": {"content": "x", "reasoning": "hm", "reasoning_details": RELAYED}}]}
    (part, _) = OPENAI_CHAT.parse_response(json.dumps(raw).encode()).content
    assert isinstance(part, Reasoning)
    assert part.details is not None
    assert json.loads(bytes(part.details)) == RELAYED
    assert (part.form, part.origin.protocol) == ("reasoning", "openai_chat")


@pytest.mark.parametrize("form", ["reasoning_content", "reasoning", "reasoning_text", "thinking"])
def test_own_field_is_used_again(form: str) -> None:
    """Thought goes back in the field in which it came."""
    message = {"role": "assistant", "content": "x", form: "hm"}
    body, losses = rendered(parsed(messages=[{"role": "user", "content": "hi"}, message]))
    assert body["messages"][1] == message
    assert losses == ()


def test_copilot_state() -> None:
    """Copilot's opaque state comes and goes with its text."""
    message = {"role": "assistant", "content": "x", "reasoning_text": "hm", "reasoning_opaque": "o"}
    body, _ = rendered(parsed(messages=[{"role": "user", "content": "hi"}, message]))
    assert body["messages"][1] == message
    stream = sse(chunk({"reasoning_text": "hm", "reasoning_opaque": "o"}), chunk({"content": "x"}, "stop"))
    decoder = OPENAI_CHAT.decoder()
    kept = stored(encoded([*decoder.feed(stream)]))
    assert (kept["reasoning"], kept["reasoning_opaque"]) == ("hm", "o")


def test_mistral_parts_stay_parts() -> None:
    """Thinking parts go back as parts of the content, with their further fields."""
    content = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "closed": True},
               {"type": "text", "text": "x"}]  # fmt: skip
    message = {"role": "assistant", "content": content}
    body, losses = rendered(parsed(messages=[{"role": "user", "content": "hi"}, message]))
    assert body["messages"][1] == message
    assert losses == ()


POLICIES = [
    ("origin", "deepseek", {"reasoning_content": "hm"}, 0),
    ("origin", "groq", {}, 1),
    ("always", "groq", {"reasoning_content": "hm"}, 1),
    ("always", "deepseek", {"reasoning_content": "hm"}, 0),
    ("never", "deepseek", {}, 1),
]


@pytest.mark.parametrize(("policy", "provider", "expected", "lost"), POLICIES)
def test_replay_policy(policy: Any, provider: str, expected: dict[str, str], lost: int) -> None:
    """Replayed to its origin; to others only where a target demands some thought; never where it is refused."""
    thought = Reasoning(text="hm", form="reasoning_content", origin=Origin("openai_chat", "deepseek"))
    message = Message(role="assistant", content=(thought, Text(text="x")))
    user = Message(role="user", content=(Text(text="hi"),), plain=True)
    request = asking(user, message, protocol="openai_chat")
    body, losses = rendered(request, target(provider, replay_reasoning=policy))
    assert body["messages"][1] == {"role": "assistant", "content": "x", **expected}
    assert len(losses) == lost


@pytest.mark.parametrize("details", [b"3", b'"x"', b'[null,3,{"type":7}]', b'[{"text":5,"origin":9,"format":[]}]'])
def test_odd_details(details: bytes) -> None:
    """Details of any shape are survived."""
    raw = b'{"model":"m","messages":[{"role":"assistant","content":"x","reasoning_details":%b}]}' % details
    assert OPENAI_CHAT.parse_request(raw).messages[0].content[-1] == Text(text="x")


def test_merge_keeps_strangers_apart() -> None:
    """Only fragments of one entry are joined: same type and index, no other id, no signature before."""
    entries: list[dict[str, Any]] = [
        {"type": "reasoning.text", "text": "a", "index": 0},
        {"type": "reasoning.text", "text": "b", "index": 0, "signature": "s"},
        {"type": "reasoning.text", "text": "c", "index": 0},
        {"type": "reasoning.text", "text": "d", "index": 1},
        {"type": "reasoning.encrypted", "data": "x", "index": 1},
        {"type": "reasoning.encrypted", "data": "y", "index": 1},
    ]
    assert [e.get("text", e.get("data")) for e in merge_details(entries)] == ["ab", "c", "d", "x", "y"]


def test_details_bytes_survive() -> None:
    """A signature's letters are not touched by the way through."""
    signature = 'a+/="\\u00e9'
    raw = Raw(json.dumps([{"type": "reasoning.text", "text": "t", "signature": signature}]).encode())
    part = Reasoning(text="t", details=raw, form="reasoning_details", origin=Origin("openai_chat"))
    assert said(GenerateResponse(content=(part,)))["reasoning_details"][0]["signature"] == signature
