"""Thought that a client does not bring back is put back for it, as if it had: every dialect at every upstream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from carry import CLIENTS, REPLY, look
from msgspec.structs import replace
from test_thought_returns import (
    CALL,
    GATHER,
    GOOGLE,
    _state,
    answered,
    echoed,
    first,
    hanging,
    pairs,
)

from hexapla.catalog.schema import Quirks
from hexapla.ir.content import Origin, Reasoning, ToolCall
from hexapla.ir.fold import unfold
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.routing.memory import Memory
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import CONVERSATION
from hexapla.translate.resume import Telling
from hexapla.translate.thoughts import Thoughts

Json = dict[str, Any]

GEMINI, RESPONSES, MESSAGES = "gemini_generate", "openai_responses", "anthropic_messages"
BUDGET = {"thinking": {"type": "enabled", "budget_tokens": 2048}}
SECRETS = (b"hxp1.", b"EqRkWlc=", b"c2VjcmV0", b"gAAAAA==", b"RXFSa1dsYz0=")


def thoughts() -> Thoughts:
    return Thoughts(lambda: 0.0, Memory(), 10**6)


def opened(
    kept: Thoughts, client: str, upstream: str, body: Json, *, provider: str = "p", whose: str = "me", **facts: Any
) -> Lane:
    target = Target(origin=Origin(upstream, provider), model="m", **facts)
    asked = {name: value for name, value in body.items() if (client, name) != ("gemini_generate", "stream")}
    peeked = look(client, json.dumps(asked).encode(), stream="stream" in body)
    return Translation(peeked, REPLY, thoughts=kept, whose=whose).open(target, Quirks())


def said(lane: Lane, client: str, upstream: str, answer: GenerateResponse, *, stream: bool) -> Json:
    """What the client makes of an answer."""
    if not stream:
        told: Json = json.loads(lane.answer(PROTOCOLS[upstream].render_response(answer, REPLY, LossLog())))
        return told
    encoder = PROTOCOLS[upstream].encoder(REPLY)
    sent = b"".join(encoder.encode(event) for event in unfold(answer)) + encoder.close()
    passing = lane.stream()
    heard = passing.feed(sent) + passing.close()
    return GATHER[client]([json.loads(line[6:]) for line in heard.split(b"\n") if line.startswith(b"data: {")])


def without(client: str, answer: Json, *, text: bool) -> Json:
    """The answer as a client keeps it that knows nothing of thought, or nothing but its text."""
    return LOSE[client](json.loads(json.dumps(answer)), text)


def lose_chat(answer: Json, text: bool) -> Json:
    message = answer["choices"][0]["message"]
    for name in ("reasoning_details", "reasoning", *(() if text else ("reasoning_content",))):
        message.pop(name, None)
    return answer


def lose_messages(answer: Json, text: bool) -> Json:
    for block in answer["content"]:
        block.pop("signature", None)
    kept = {"text", "tool_use", *(("thinking",) if text else ())}
    return answer | {"content": [block for block in answer["content"] if block["type"] in kept]}


def lose_responses(answer: Json, text: bool) -> Json:
    for item in answer["output"]:
        item.pop("encrypted_content", None)
    return answer | {"output": [item for item in answer["output"] if text or item["type"] != "reasoning"]}


def lose_gemini(answer: Json, text: bool) -> Json:
    content = answer["candidates"][0]["content"]
    for part in content["parts"]:
        part.pop("thoughtSignature", None)
    content["parts"] = [part for part in content["parts"] if text or not part.get("thought")]
    return answer


LOSE = {
    "openai_chat": lose_chat,
    "anthropic_messages": lose_messages,
    "openai_responses": lose_responses,
    "gemini_generate": lose_gemini,
}


def turns(upstream: str, lane: Lane) -> list[list[tuple[object, ...]]]:
    """The thought of every assistant's turn in what a lane sends."""
    messages = PROTOCOLS[upstream].parse_request(lane.body).messages
    found = [message.content for message in messages if message.role == "assistant"]
    return [[_state(part) for part in content if isinstance(part, Reasoning)] for content in found]


def second(upstream: str, call_id: str = "call_2") -> GenerateResponse:
    """The answer to the tool's result: another thought, another call."""
    answer = answered(upstream)
    parts = []
    for part in answer.content:
        if isinstance(part, ToolCall) or (isinstance(part, Reasoning) and part.id == CALL.id):
            part = replace(part, id=call_id)
        elif isinstance(part, Reasoning):
            part = replace(part, text=part.text and f"{part.text} Again.", id=part.id and f"{part.id}b")
        parts.append(part)
    return replace(answer, id="a2", content=tuple(parts))


def loop(client: str, upstream: str, *, stream: bool, text: bool) -> list[Any]:
    """The thought that goes up with the third request of a tool loop."""
    kept, asked = thoughts(), first(client) | ({"stream": True} if stream else {})
    for number, answer in enumerate((answered(upstream), second(upstream)), 1):
        lane = opened(kept, client, upstream, asked)
        heard = without(client, said(lane, client, upstream, answer, stream=stream), text=text)
        asked = echoed(client, asked, heard, f"call_{number}")
    again = opened(kept, client, upstream, asked)
    assert not [loss for loss in again.losses if "came from" in loss.why]
    return turns(upstream, again)


@pytest.mark.parametrize("text", [False, True], ids=["nothing", "text"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("client", "upstream"), pairs)
def test_lost_thought_is_put_back(client: str, upstream: str, stream: bool, text: bool) -> None:
    """Both turns of a tool loop have theirs, whole, whether the client kept the text or nothing."""
    expected = [
        [_state(part) for part in answer.content if isinstance(part, Reasoning)]
        for answer in (answered(upstream), second(upstream))
    ]
    assert loop(client, upstream, stream=stream, text=text) == expected


def test_nothing_comes_back_where_nothing_is_kept() -> None:
    """`remember_bytes = 0`: the control of all of the above."""
    kept = Thoughts(lambda: 0.0, Memory(), 0)
    asked = first("openai_chat")
    heard = said(
        opened(kept, "openai_chat", "anthropic_messages", asked),
        "openai_chat",
        "anthropic_messages",
        answered("anthropic_messages"),
        stream=False,
    )
    history = echoed("openai_chat", asked, without("openai_chat", heard, text=False))
    assert turns("anthropic_messages", opened(kept, "openai_chat", "anthropic_messages", history)) == [[]]


@pytest.mark.parametrize(("client", "upstream"), pairs)
def test_lost_thought_is_shown_to_nobody_else(client: str, upstream: str) -> None:
    """A fallback in the middle of the loop, or another client with the same ids, gets nothing of it; whose it is gets it
    afterwards, and nothing of what the other thought."""
    kept, asked = thoughts(), first(client)
    heard = said(opened(kept, client, upstream, asked), client, upstream, answered(upstream), stream=False)
    asked = echoed(client, asked, without(client, heard, text=False))
    for stranger in CLIENTS:
        lane = opened(kept, client, stranger, asked, provider="stranger")
        assert not [secret for secret in SECRETS if secret in lane.body]
    assert not [secret for secret in SECRETS if secret in opened(kept, client, upstream, asked, whose="you").body]
    answer = second(upstream)
    lane = opened(kept, client, upstream, asked, provider="stranger")
    heard = said(lane, client, upstream, answer, stream=False)
    asked = echoed(client, asked, without(client, heard, text=False), "call_2")
    found = turns(upstream, opened(kept, client, upstream, asked))
    assert [bool(states) for states in found] == [True, False]
    found = turns(upstream, opened(kept, client, upstream, asked, provider="stranger"))
    assert [bool(states) for states in found] == [False, True]


@pytest.mark.parametrize("call_id", ["function-call/17.3", "x" * 80, "", "functions.get_weather:0"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("client", "upstream"), pairs)
def test_the_id_that_the_client_hears_is_the_one_that_counts(
    client: str, upstream: str, stream: bool, call_id: str
) -> None:
    """Ids that a dialect cannot say become others, missing ones are made, and one that comes again counts on."""
    kept, asked, expected = thoughts(), first(client) | ({"stream": True} if stream else {}), []
    for answer in (answered(upstream), second(upstream)):
        parts = [replace(part, id=call_id) if _named(part) else part for part in answer.content]
        answer = replace(answer, content=tuple(parts))
        expected.append([_state(part)[:3] for part in parts if isinstance(part, Reasoning)])
        lane = opened(kept, client, upstream, asked)
        heard = without(client, said(lane, client, upstream, answer, stream=stream), text=False)
        asked = echoed(client, asked, heard, _calls(client, heard)[0])
    found = turns(upstream, opened(kept, client, upstream, asked))
    assert [[state[:3] for state in states] for states in found] == expected


def _named(part: Any) -> bool:
    return isinstance(part, ToolCall) or (isinstance(part, Reasoning) and bool(part.id) and part.id.startswith("call"))


def _calls(client: str, answer: Json) -> list[str]:
    """The ids of the calls in an answer."""
    if client == "openai_chat":
        return [call["id"] for call in answer["choices"][0]["message"]["tool_calls"]]
    if client == "anthropic_messages":
        return [block["id"] for block in answer["content"] if block["type"] == "tool_use"]
    if client == "openai_responses":
        return [item["call_id"] for item in answer["output"] if item["type"] == "function_call"]
    parts = answer["candidates"][0]["content"]["parts"]
    return [part["functionCall"]["id"] for part in parts if "functionCall" in part]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_vendor_that_demands_thought_gets_it_from_its_own_clients(client: str, stream: bool) -> None:
    """DeepSeek, Kimi, Gemini: the answer passes as it is, and of the next request what is missing is put back, and nothing
    else changed."""
    kept, asked, answer = thoughts(), first(client) | ({"stream": True} if stream else {}), answered(client)
    asked |= {"include": ["reasoning.encrypted_content"]} if client == "openai_responses" else {}
    lane = opened(kept, client, client, asked, demands_thought=True)
    assert lane.name == "verbatim"
    heard = said(lane, client, client, answer, stream=stream)
    expected = [[_state(part) for part in answer.content if isinstance(part, Reasoning)]]
    history = echoed(client, asked, without(client, heard, text=False))
    again = opened(kept, client, client, history, demands_thought=True)
    assert (again.name, turns(client, again)) == ("patch", expected)
    sent = json.loads(again.body)
    untouched = sent.keys() - {CONVERSATION[client], "model", "stream_options"}
    assert {name: sent[name] for name in untouched} == {name: history[name] for name in untouched}
    brought = opened(kept, client, client, echoed(client, asked, heard), demands_thought=True)
    assert (brought.name, turns(client, brought)) == ("verbatim", expected)
    assert opened(thoughts(), client, client, history, demands_thought=True).name == "verbatim"
    assert opened(kept, client, client, history).name == "verbatim"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_gemini_client_may_leave_out_the_ids(stream: bool) -> None:
    """Then a call is known by its place, since both turns make the same; nobody else finds it there."""
    kept, asked = thoughts(), first(GEMINI) | ({"stream": True} if stream else {})
    expected = []
    for number, answer in enumerate((answered(GEMINI), second(GEMINI)), 1):
        lane = opened(kept, GEMINI, GEMINI, asked, demands_thought=True)
        heard = without(GEMINI, said(lane, GEMINI, GEMINI, answer, stream=stream), text=False)
        asked = echoed(GEMINI, asked, heard, f"call_{number}")
        expected.append([part.encrypted for part in answer.content if isinstance(part, Reasoning)])
    for content in asked["contents"]:
        for part in content["parts"]:
            part.get("functionCall", part.get("functionResponse", {})).pop("id", None)
    again = opened(kept, GEMINI, GEMINI, asked, demands_thought=True)
    assert again.name == "patch"
    assert [[state[2] for state in states] for states in turns(GEMINI, again)] == expected
    assert opened(kept, GEMINI, GEMINI, asked, demands_thought=True, whose="you").name == "verbatim"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_responses_client_that_keeps_no_reasoning(stream: bool) -> None:
    """Where nothing is stored, encrypted content is asked for, and the reasoning stands before its call again."""
    kept, asked, answer = thoughts(), first(RESPONSES) | ({"stream": True} if stream else {}), answered(RESPONSES)
    asked |= {"store": False, "include": ["web_search_call.action.sources"]}
    lane = opened(kept, RESPONSES, RESPONSES, asked, thinks=True, stores=True)
    assert lane.name == "patch"
    assert json.loads(lane.body)["include"] == [*asked["include"], "reasoning.encrypted_content"]
    heard = said(lane, RESPONSES, RESPONSES, answer, stream=stream)
    history = echoed(RESPONSES, asked, without(RESPONSES, heard, text=False))
    again = json.loads(opened(kept, RESPONSES, RESPONSES, history, thinks=True, stores=True).body)
    kinds = [item["type"] for item in again["input"] if item["type"] in ("reasoning", "function_call")]
    assert kinds == ["reasoning", "function_call"]
    assert [item["encrypted_content"] for item in again["input"] if item["type"] == "reasoning"] == ["gAAAAA=="]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_messages_client_that_keeps_no_thinking(stream: bool) -> None:
    """Claude with a budget refuses its calls without: CrewAI, AutoGen and AG2 send them so."""
    kept, asked, answer = (
        thoughts(),
        first(MESSAGES) | BUDGET | ({"stream": True} if stream else {}),
        answered(MESSAGES),
    )
    lane = opened(kept, MESSAGES, MESSAGES, asked)
    assert lane.name == "verbatim"
    heard = said(lane, MESSAGES, MESSAGES, answer, stream=stream)
    again = opened(kept, MESSAGES, MESSAGES, echoed(MESSAGES, asked, without(MESSAGES, heard, text=False)))
    expected = [[_state(part) for part in answer.content if isinstance(part, Reasoning)]]
    assert (again.name, turns(MESSAGES, again)) == ("patch", expected)
    assert json.loads(again.body)["thinking"] == BUDGET["thinking"]
    brought = opened(kept, MESSAGES, MESSAGES, echoed(MESSAGES, asked, heard))
    assert (brought.name, turns(MESSAGES, brought)) == ("verbatim", expected)


@pytest.mark.parametrize("thinking", [{}, {"thinking": {"type": "adaptive"}}, {"thinking": {"type": "disabled"}}])
def test_a_messages_target_that_asks_for_nothing_back(thinking: Json) -> None:
    """Without a budget calls are taken without thought, and nothing is heard."""
    kept = thoughts()
    lane = opened(kept, MESSAGES, MESSAGES, first(MESSAGES) | thinking)
    said(lane, MESSAGES, MESSAGES, answered(MESSAGES), stream=False)
    assert (lane.name, kept.held) == ("verbatim", 0)


@pytest.mark.parametrize(
    ("more", "facts"),
    [
        ({}, {"stores": True}),  # the vendor has it
        ({"store": False, "reasoning": {"effort": "none"}}, {}),
        ({"store": False, "tools": None}, {}),
        ({"store": False}, {"thinks": False}),
        ({"store": False}, {"unsupported": frozenset({"include"})}),
    ],
)
def test_who_has_no_reasoning_to_lose(more: Json, facts: Json) -> None:
    """Is not asked for any."""
    asked = {name: value for name, value in (first(RESPONSES) | more).items() if value is not None}
    lane = opened(thoughts(), RESPONSES, RESPONSES, asked, **{"thinks": True, **facts})
    assert lane.name == "verbatim" and "include" not in json.loads(lane.body)


@pytest.mark.parametrize("client", CLIENTS)
def test_where_nothing_is_kept_requests_pass_as_they_came(client: str) -> None:
    """`remember_bytes = 0`, at a vendor that demands thought."""
    kept = Thoughts(lambda: 0.0, Memory(), 0)
    asked = first(client) | ({"store": False} if client == RESPONSES else {})
    lane = opened(kept, client, client, asked, demands_thought=True)
    heard = without(client, said(lane, client, client, answered(client), stream=False), text=False)
    again = opened(kept, client, client, echoed(client, asked, heard), demands_thought=True)
    assert (lane.name, again.name, turns(client, again)) == ("verbatim", "verbatim", [[]])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_hung_on_a_call_hangs_there_again(stream: bool) -> None:
    """Google's compatible endpoint, whose clients keep of a call what OpenAI's calls have."""
    kept, asked = thoughts(), first("openai_chat") | ({"stream": True} if stream else {})
    lane, sent = opened(kept, "openai_chat", "openai_chat", asked, demands_thought=True), hanging("c1", stream=stream)
    if stream:
        passing = lane.stream()
        assert passing.feed(sent) + passing.close()
    else:
        assert lane.answer(sent) == sent
    calls = [
        {"id": name, "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
        for name in ("c1", "second")
    ]
    turn = {"role": "assistant", "content": "Let me look.", "tool_calls": calls}
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "21"} for call in calls]
    history = asked | {"messages": [*asked["messages"], turn, *results]}
    again = json.loads(opened(kept, "openai_chat", "openai_chat", history, demands_thought=True).body)
    assert [call.get("extra_content") for call in again["messages"][1]["tool_calls"]] == [GOOGLE, None]


def test_an_answer_that_may_go_on_elsewhere_is_remembered_as_well() -> None:
    """`resume`: the same dialect goes through the Hub, and its stream is another."""
    kept, asked = thoughts(), first("anthropic_messages") | {"stream": True}
    target = Target(origin=Origin("anthropic_messages", "p"), model="m")

    def lane(body: Json) -> Lane:
        peeked = look("anthropic_messages", json.dumps(body).encode(), stream=True)
        return Translation(peeked, REPLY, telling=Telling(), thoughts=kept).open(target, Quirks())

    answer = answered("anthropic_messages")
    heard = said(lane(asked), "anthropic_messages", "anthropic_messages", answer, stream=True)
    history = echoed("anthropic_messages", asked, without("anthropic_messages", heard, text=False))
    expected = [[_state(part) for part in answer.content if isinstance(part, Reasoning)]]
    assert turns("anthropic_messages", lane(history)) == expected


def test_an_answer_that_breaks_off_is_not_remembered() -> None:
    """Half a thought is refused by who thought it."""
    kept = thoughts()
    lane = opened(kept, "openai_chat", "anthropic_messages", first("openai_chat") | {"stream": True})
    encoder, stream = PROTOCOLS["anthropic_messages"].encoder(REPLY), lane.stream()
    events = [*unfold(answered("anthropic_messages"))][:-1]
    stream.feed(b"".join(map(encoder.encode, events)))
    stream.close()
    assert stream.failed and kept.held == 0


def test_what_we_cannot_read_passes_where_thought_is_demanded() -> None:
    """A call without a name, in a request and in an answer: the vendor judges the one, and said the other."""
    kept, asked = thoughts(), first("openai_chat")
    lane = opened(kept, "openai_chat", "openai_chat", asked, demands_thought=True)
    said(lane, "openai_chat", "openai_chat", answered("openai_chat"), stream=False)
    assert kept.held
    turn = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function"}]}
    odd = asked | {"messages": [*asked["messages"], turn, {"role": "tool", "tool_call_id": "call_1", "content": "21"}]}
    lane = opened(kept, "openai_chat", "openai_chat", odd, demands_thought=True)
    assert lane.name == "verbatim"
    held = kept.held
    said(lane, "openai_chat", "openai_chat", answered("openai_chat"), stream=False)
    assert kept.held == held
