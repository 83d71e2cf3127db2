"""Which lane a request takes, what is sent in it, and what `strict` refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.catalog.schema import Quirks
from hexapla.errors import ClientError, Kind, UpstreamError
from hexapla.ir.content import Origin, Reasoning
from hexapla.ir.envelope import seal
from hexapla.ir.event import StreamError
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek

REPLY = Reply(id="gen-1", created=1, model="m", include_usage=True)
HI = [{"role": "user", "content": "hi"}]
CHUNK = b'data: {"id":"c","object":"chat.completion.chunk",'
USAGE = CHUNK + b'"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
TEXT = b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
END = b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def opened(
    body: dict[str, Any],
    to: str = "openai_chat",
    client: str = "openai_chat",
    quirks: Quirks = Quirks(),  # noqa: B008
    on_loss: str = "allow",
    **flags: Any,
) -> Lane:
    translation = Translation(peek(client, json.dumps(body).encode()), REPLY, on_loss=on_loss)
    return translation.open(Target(origin=Origin(to, "p"), model="up", **flags), quirks)


def sent(lane: Lane) -> dict[str, Any]:
    return dict(json.loads(lane.body))


def asked(**fields: Any) -> dict[str, Any]:
    return {"model": "p/m", "messages": HI, **fields}


@pytest.mark.parametrize(
    ("body", "quirks", "flags", "lane"),
    [
        (asked(), Quirks(), {}, "verbatim"),
        (asked(), Quirks(rename={"max_completion_tokens": "max_tokens"}), {}, "patch"),
        (asked(), Quirks(think_tags=True), {}, "hub"),
        (asked(messages=[{"role": "developer", "content": "x"}]), Quirks(), {"developer_role": False}, "hub"),
        (asked(), Quirks(), {"developer_role": False}, "verbatim"),  # nothing that the quirk is about
        (asked(messages=[{"role": "system", "content": "x"}]), Quirks(), {"system_role": False}, "hub"),
        (asked(reasoning_effort="low"), Quirks(), {"reasoning_style": "thinking"}, "hub"),
        (asked(temperature=1), Quirks(), {"sampling": False}, "hub"),
        (asked(tools=[{"type": "custom", "custom": {"name": "f"}}]), Quirks(), {"custom_tools": False}, "hub"),
    ],
)
def test_the_first_lane_that_fits(body: dict[str, Any], quirks: Quirks, flags: dict[str, Any], lane: str) -> None:
    assert opened(body, quirks=quirks, **flags).name == lane


def test_a_foreign_envelope_leaves_the_verbatim_lane() -> None:
    """The vendor would refuse our envelope as a signature that it never made."""
    foreign = seal(Reasoning(text="Hm.", origin=Origin("openai_chat", "q")))
    turn = {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": foreign}, TEXT_BLOCK]}
    body = {"model": "p/m", "max_tokens": 9, "messages": [*HI, turn, *HI]}
    lane = opened(body, to="anthropic_messages", client="anthropic_messages")
    assert lane.name == "hub" and sent(lane)["messages"][1]["content"] == [TEXT_BLOCK]


TEXT_BLOCK = {"type": "text", "text": "A"}


def test_keys_that_speak_to_the_gateway_stay_here() -> None:
    body = asked(models=["a/b"], plugins=[], x_unknown=1)
    assert sent(opened(body)) == {"model": "up", "messages": HI, "x_unknown": 1}
    assert sent(opened(body | {"max_tokens": 5}, to="anthropic_messages")).keys() == {"model", "messages", "max_tokens"}


def test_usage_is_asked_for_and_taken_out_again() -> None:
    """The ledger wants it; a client that did not ask for the chunk does not get it."""
    lane = opened(asked(stream=True))
    assert sent(lane)["stream_options"] == {"include_usage": True}
    stream = lane.stream()
    heard = b"".join(stream.feed(piece) for piece in (TEXT, END, USAGE, DONE)) + stream.close()
    assert heard == TEXT + END + DONE
    assert lane.summary.usage is not None and lane.summary.usage.input == 3
    wanted = opened(asked(stream=True, stream_options={"include_usage": True})).stream()
    assert wanted.feed(TEXT + END + USAGE + DONE) == TEXT + END + USAGE + DONE


LATE = b"".join([TEXT, END, DONE, USAGE])


@pytest.mark.parametrize("said", [TEXT + END + USAGE.replace(b"[]", b"null") + DONE, LATE, LATE + DONE])
def test_usage_is_counted_and_hidden_wherever_it_stands(said: bytes) -> None:
    """Without a choice, or after the last word: in the books, and not in the client's stream."""
    stream = opened(asked(stream=True)).stream()
    assert stream.feed(said) + stream.close() == TEXT + END + DONE and stream.done
    assert stream.summary.usage is not None and stream.summary.usage.output == 2


def test_usage_that_is_said_again_after_the_end_is_said_once() -> None:
    stream = opened(asked(stream=True, stream_options={"include_usage": True})).stream()
    assert stream.feed(TEXT + END + USAGE + DONE + USAGE + DONE) == TEXT + END + USAGE + DONE


def test_usage_after_the_end_in_another_read_is_nobodys() -> None:
    """The client's end does not wait for it, and hears nothing after it."""
    stream = opened(asked(stream=True, stream_options={"include_usage": True})).stream()
    assert stream.feed(TEXT + END + DONE) == TEXT + END + DONE
    assert stream.done and stream.feed(USAGE) == b"" and stream.close() == b""


def test_the_last_word_is_said_where_the_upstream_forgets_it() -> None:
    """An answer with its stop reason is whole; programs that wait for the end of the envelope get it."""
    begun = b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1"}}\n\n'
    said = b'{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}'
    ended = b"event: message_delta\ndata: %b\n\n" % said
    for dialect, said, last in (
        ("openai_chat", TEXT + END, DONE),
        ("anthropic_messages", begun + ended, b'event: message_stop\ndata: {"type":"message_stop"}\n\n'),
    ):
        stream = opened(asked(stream=True, max_tokens=9), to=dialect, client=dialect).stream()
        assert stream.feed(said) + stream.close() == said + last and not stream.failed


@pytest.mark.parametrize("to", ["openai_chat", "anthropic_messages"])
def test_a_cut_stream_is_told_as_one(to: str) -> None:
    """In the client's dialect, without a terminator, whichever lane it came through."""
    lane = opened(asked(stream=True), to=to)
    begun = TEXT if to == "openai_chat" else b'event: message_start\ndata: {"type":"message_start","message":{}}\n\n'
    stream = lane.stream()
    heard = stream.feed(begun) + stream.close()
    assert stream.failed and b'"error"' in heard and b"[DONE]" not in heard


def test_what_a_stream_cannot_carry_is_a_loss() -> None:
    """As in a whole answer: a server tool's result has no place in Chat, and the record says so."""
    block = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    events = [
        {"type": "message_start", "message": {"id": "msg_1"}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_stop", "index": 0},
    ]
    lane = opened(asked(stream=True), to="anthropic_messages")
    lane.stream().feed(b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events))
    assert [(loss.field, loss.severity) for loss in lane.losses] == [("content[0]", "content")]
    whole = opened(asked(), to="anthropic_messages")
    whole.answer(json.dumps({"type": "message", "content": [block], "stop_reason": "end_turn"}).encode())
    assert whole.losses == lane.losses


def test_what_only_a_vendor_says_of_a_call_is_a_loss_for_other_dialects() -> None:
    """Who called a tool, Messages says and a Chat client is not told."""
    call = {"type": "tool_use", "id": "c1", "name": "f", "input": {}, "caller": {"type": "direct"}}
    start = {"type": "content_block_start", "index": 0, "content_block": call}
    lane = opened(asked(stream=True), to="anthropic_messages")
    lane.stream().feed(b'data: {"type":"message_start","message":{}}\n\ndata: %b\n\n' % json.dumps(start).encode())
    whole = opened(asked(), to="anthropic_messages")
    whole.answer(json.dumps({"type": "message", "content": [call], "stop_reason": "tool_use"}).encode())
    for each in (whole, lane):
        assert [loss.field for loss in each.losses] == ["content[0].extras.anthropic_messages.caller"]
    assert not opened(asked(), quirks=Quirks(think_tags=True)).losses


def test_the_gateways_own_failure_is_said_once() -> None:
    stream = opened(asked(stream=True)).stream()
    error = StreamError(kind=Kind.TIMEOUT, message="too slow")
    assert b"too slow" in stream.fail(error) and stream.fail(error) == b""


def test_strict_minds_neither_names_of_items_nor_how_something_is_cached() -> None:
    """A Responses client sends items back with their ids; what they say arrives."""
    said = {"type": "output_text", "text": "yo", "annotations": []}
    item = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [said]}
    body = {"model": "p/m", "input": [{"role": "user", "content": "hi"}, item, {"role": "user", "content": "so?"}]}
    lane = opened(body, client="openai_responses", to="openai_chat", on_loss="strict")
    assert {loss.field.rpartition(".")[2] for loss in lane.losses} == {"id", "status"}


def test_strict_refuses_what_would_not_be_carried() -> None:
    """Before anything is sent, by the name of the field; what is cosmetic passes."""
    with pytest.raises(ClientError, match=r"sampling\.seed") as caught:
        opened(asked(seed=1), to="anthropic_messages", on_loss="strict")
    assert caught.value.param == "sampling.seed"
    lane = opened(asked(store=True), to="anthropic_messages", on_loss="strict")
    assert [loss.field for loss in lane.losses] == ["store"]


def test_answers_of_the_wrong_form() -> None:
    """A whole answer where a stream was asked for becomes one, a stream where none was becomes whole."""
    whole = {"id": "msg_1", "type": "message", "model": "up", "content": [TEXT_BLOCK], "stop_reason": "end_turn"}
    lane = opened(asked(stream=True), to="anthropic_messages")
    assert b"".join(lane.simulate(json.dumps(whole).encode())).endswith(DONE)
    assert json.loads(opened(asked()).gather(TEXT + END + DONE))["choices"][0]["message"]["content"] == "Hi"


@pytest.mark.parametrize("to", ["openai_chat", "openai_responses", "anthropic_messages", "gemini_generate"])
@pytest.mark.parametrize("body", [b"", b"<html>", b'"x"', b"[]"])
def test_what_is_no_answer(to: str, body: bytes) -> None:
    with pytest.raises(UpstreamError):
        opened(asked(), to=to).answer(body)


@pytest.mark.parametrize("to", ["openai_chat", "anthropic_messages"])
def test_what_the_gateway_does_not_do_is_a_loss(to: str) -> None:
    """A plugin that is not known here; an empty list asks for nothing."""
    body = asked(plugins=[{"id": "fusion"}], transforms=[], max_tokens=5)
    lane = opened(body, to=to)
    assert [loss.field for loss in lane.losses] == ["plugins"]
    with pytest.raises(ClientError, match="plugins: there is no plugin 'fusion' here"):
        opened(body, to=to, on_loss="strict")


def test_a_gateway_that_knows_plugins_is_told() -> None:
    translation = Translation(peek("openai_chat", json.dumps(asked(plugins=[{"id": "web"}])).encode()), REPLY)
    known = Target(origin=Origin("openai_chat", "p"), model="up")
    lane = translation.open(known, Quirks(), keep=frozenset({"plugins"}))
    assert lane.losses == () and sent(lane)["plugins"] == [{"id": "web"}]


HOSTED = [{"type": "openrouter:datetime"}, {"type": "openrouter:fusion"}]
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def test_tools_that_openrouter_runs_are_lost_elsewhere() -> None:
    """In every lane, with what depends on them; at OpenRouter they pass; `strict` refuses to lose them."""
    body = asked(tools=[HOSTED[0], FUNCTION, HOSTED[1]], tool_choice="auto")
    for quirks in (Quirks(), Quirks(strip=("user",)), Quirks(think_tags=True)):
        lane = opened(body, quirks=quirks)
        assert sent(lane)["tools"] == [FUNCTION] and sent(lane)["tool_choice"] == "auto"
        assert [loss.field for loss in lane.losses] == ["tools[0]", "tools[2]"]
    alone = opened(asked(tools=HOSTED, tool_choice="auto"))
    assert sent(alone).keys().isdisjoint({"tools", "tool_choice"})
    there = Translation(peek("openai_chat", json.dumps(body).encode()), REPLY)
    target = Target(origin=Origin("openai_chat", "openrouter"), model="up")
    assert sent(there.open(target, Quirks(), keep=frozenset({"plugins"})))["tools"] == body["tools"]
    with pytest.raises(ClientError, match="openrouter:datetime is a tool that OpenRouter runs"):
        opened(body, on_loss="strict")
