"""Each bend does one thing, says what it cost, and the way back undoes it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ClientError
from hexapla.ir.content import CacheMark, Origin, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.event import BlockDelta, BlockStart, BlockStop, MessageStart, MessageStop, TextDelta
from hexapla.ir.fold import fold, unfold
from hexapla.ir.grammar import check
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message, OutputFormat, Tool, ToolChoice
from hexapla.ir.response import GenerateResponse, Stop
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.translate.adapt.adapt import adapt
from hexapla.translate.adapt.custom import bridge_custom
from hexapla.translate.adapt.ids import fit_id, given_id
from hexapla.translate.adapt.names import fit_name
from hexapla.translate.adapt.pairs import NO_RESULT

CHAT = Target(origin=Origin("openai_chat", "p"), model="m")
MESSAGES = Target(origin=Origin("anthropic_messages", "p"), model="m")
NAME = CHAT.tool_name_pattern


def user(text: str) -> Message:
    return Message(role="user", content=(Text(text=text),))


def asking(*messages: Message, **fields: object) -> GenerateRequest:
    return GenerateRequest(protocol="openai_responses", model="m", messages=messages, **fields)  # type: ignore[arg-type]


def answered(response: GenerateResponse, restore: object) -> GenerateResponse:
    events = [*restore.all(unfold(response))]  # type: ignore[attr-defined]
    check(events)
    return fold(events)


@pytest.mark.parametrize("to", [MESSAGES, Target(origin=Origin("gemini_generate", "p"), model="m")])
def test_the_user_says_what_nobody_else_says(to: Target) -> None:
    """Chat answers a lone system message; where system text stands apart, somebody has to speak."""
    alone = Message(role="system", content=(Text(text="Tell a joke."),), plain=True)
    losses = LossLog()
    bent, _ = adapt(asking(alone, alone), to, losses)
    assert [message.role for message in bent.messages] == ["system", "user"]
    assert [loss.field for loss in losses.losses] == ["messages[1].role"]
    spoken = asking(user("hi"), alone)
    assert adapt(spoken, to, LossLog())[0] == spoken
    assert b"Tell a joke." in PROTOCOLS[to.origin.protocol].render_request(bent, to, losses)


def test_every_tool_is_offered_at_once() -> None:
    """Nobody would find one that is kept back for a search of another dialect."""
    tools = (Tool(name="one", deferred=False), Tool(name="two", deferred=True))
    losses = LossLog()
    bent, _ = adapt(asking(user("hi"), tools=tools), MESSAGES, losses)
    assert bent.tools == (Tool(name="one"), Tool(name="two"))
    assert [loss.field for loss in losses.losses] == ["tools[1].deferred"]
    own = Target(origin=Origin("openai_responses", "p"), model="m")
    assert adapt(asking(user("hi"), tools=tools), own, LossLog())[0].tools == tools


@given(st.text(min_size=1, max_size=200))
def test_fitted_names_fit_and_never_change(name: str) -> None:
    """Any name gets a form the target takes; a form that fits is its own form."""
    fitted = fit_name(name, NAME)
    assert re.match(NAME, fitted)
    assert fit_name(fitted, NAME) == fitted
    assert fit_name(name, NAME) == fitted


def test_names_that_differ_after_the_cut_stay_different() -> None:
    """Two long names with the same beginning do not collide."""
    assert fit_name("x" * 70 + "a", NAME) != fit_name("x" * 70 + "b", NAME)


@given(st.text(min_size=1, max_size=500), st.sampled_from([r"^[a-zA-Z0-9_-]{1,64}$", r"^[a-zA-Z0-9]{9}$"]))
def test_fitted_ids_fit(call_id: str, pattern: str) -> None:
    """Any id gets a stand-in in the target's alphabet, the same one every time."""
    fitted = fit_id(call_id, pattern)
    assert re.match(pattern, fitted) and fit_id(call_id, pattern) == fitted


@given(st.text(min_size=1, max_size=60))
def test_carried_ids_come_back(call_id: str) -> None:
    """As the vendor gave them, as long as there is room; what only looks so is left alone."""
    fitted = fit_id(call_id, r"^[a-zA-Z0-9_-]{1,64}$")
    assert given_id(fitted) in (call_id, fitted)
    assert given_id(fitted) == call_id or len(call_id.encode("utf-8", "surrogatepass")) > 45
    assert given_id(call_id) == call_id or call_id.startswith("hxi_")


@pytest.mark.parametrize("call_id", ["", "hxi_", "hxi_Zg=", "hxi_Zh", "hxi_%", "hxi_é"])
def test_what_only_looks_as_if_it_carried_an_id_carries_none(call_id: str) -> None:
    assert given_id(call_id) == call_id


def test_kimis_ids_return_through_clients_of_another_alphabet() -> None:
    """Claude Code cannot keep `functions.f:0`; Kimi sees it again all the same, and its numbers are counted on."""
    answer = GenerateResponse(id="a", content=(ToolCall(id="functions.f:0", name="f", arguments="{}"),))
    asked = replace(asking(user("hi"), tools=(Tool(name="f"),)), protocol="anthropic_messages")
    _, restore = adapt(asked, CHAT, LossLog())
    (first,) = answered(answer, restore).content
    assert isinstance(first, ToolCall) and re.match(r"^[a-zA-Z0-9_-]{1,64}$", first.id)
    result = ToolResult(call_id=first.id, content=(Text(text="r"),))
    turns = (Message(role="assistant", content=(first,)), Message(role="tool", content=(result,)))
    bent, restore = adapt(replace(asked, messages=(*asked.messages, *turns)), CHAT, LossLog())
    call, told = bent.messages[1].content[0], bent.messages[2].content[0]
    assert isinstance(call, ToolCall) and isinstance(told, ToolResult)
    assert call.id == told.call_id == "functions.f:0"
    (second,) = answered(answer, restore).content
    assert isinstance(second, ToolCall) and given_id(second.id) == "functions.f:1"


def test_long_names_are_fitted_everywhere_and_restored() -> None:
    """Definition, choice, history and answer agree on one short name; the client sees its own."""
    long = "mcp__server__" + "x" * 80
    request = asking(
        user("hi"),
        Message(role="assistant", content=(ToolCall(id="c1", name=long, arguments="{}"),)),
        Message(role="tool", content=(ToolResult(call_id="c1", content=(Text(text="ok"),)),)),
        tools=(Tool(name=long),),
        tool_choice=ToolChoice(mode="named", name=long),
    )
    losses = LossLog()
    bent, restore = adapt(request, CHAT, losses)
    short = bent.tools[0].name
    assert short is not None and len(short) <= 64
    assert bent.tool_choice is not None and bent.tool_choice.name == short
    call = bent.messages[1].content[0]
    assert isinstance(call, ToolCall) and call.name == short
    back = answered(GenerateResponse(content=(ToolCall(id="x", name=short),)), restore)
    assert isinstance(back.content[0], ToolCall) and back.content[0].name == long
    assert {loss.severity for loss in losses.losses} == {"cosmetic"}


def test_namespaced_tools_are_flattened_and_restored() -> None:
    """A Responses namespace becomes part of the name and comes back as a namespace."""
    request = asking(user("hi"), tools=(Tool(name="spawn", namespace="agents"),))
    bent, restore = adapt(request, CHAT, LossLog())
    assert bent.tools[0].name == "agents__spawn"
    back = answered(GenerateResponse(content=(ToolCall(id="x", name="agents__spawn"),)), restore)
    assert back.content[0] == ToolCall(id="x", name="spawn", namespace="agents")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (None, "Patch."),
        (b'{"type":"text"}', "Patch."),
        (
            b'{"type":"grammar","syntax":"lark","definition":"start: \\"a\\"\\nb: c"}',
            'Patch.\n\nThe input must follow this lark grammar:\nstart: "a"\nb: c',
        ),
        (b'{"type":"new"}', 'Patch.\n\nThe input must follow this format:\n{"type":"new"}'),
    ],
)
def test_a_bridged_tool_says_its_grammar_in_plain_text(form: bytes | None, said: str) -> None:
    """As its author wrote it: Codex's patch grammar as JSON is a riddle of escapes."""
    tool = Tool(name="apply_patch", description="Patch.", kind="custom", format=Raw(form) if form else None)
    (bridged,) = bridge_custom(GenerateRequest(protocol="openai_responses", model="m", tools=(tool,)), LossLog()).tools
    assert isinstance(bridged, Tool) and bridged.description == said


def test_freeform_tools_are_bridged_and_restored_in_a_stream() -> None:
    """A custom tool is a function upstream; its streamed JSON comes back as free text."""
    patch = '*** Begin Patch\n+"quoted" é\n'
    request = asking(
        user("hi"),
        Message(role="assistant", content=(ToolCall(id="c", name="apply_patch", kind="custom", arguments=patch),)),
        Message(role="tool", content=(ToolResult(call_id="c", kind="custom", content=(Text(text="done"),)),)),
        tools=(Tool(name="apply_patch", kind="custom", format=Raw(b'{"type":"grammar"}')),),
    )
    bent, restore = adapt(request, CHAT, LossLog())
    call = bent.messages[1].content[0]
    assert isinstance(call, ToolCall) and call.kind == "function" and "Begin Patch" in call.arguments
    pieces = [call.arguments[:9], call.arguments[9:]]
    events = [
        MessageStart(),
        BlockStart(0, ToolCall(id="n", name="apply_patch")),
        *(BlockDelta(0, TextDelta(piece)) for piece in pieces),
        BlockStop(0),
        MessageStop(stop=Stop(reason="tool_calls")),
    ]
    back = fold(restore.all(events))
    assert back.content == (ToolCall(id="n", name="apply_patch", kind="custom", arguments=patch),)


def test_structured_output_as_a_forced_tool_comes_back_as_text() -> None:
    """The schema travels as a tool; its arguments are the answer's text and the stop reason is stop."""
    target = Target(origin=Origin("anthropic_messages", "p"), json_schema="tool")
    schema = Raw(b'{"type":"object","properties":{"b":{},"a":{}}}')
    request = asking(user("hi"), output=OutputFormat(kind="json_schema", name="Answer", schema=schema))
    bent, restore = adapt(request, target, LossLog())
    assert bent.output is None and bent.tool_choice == ToolChoice(mode="named", name="Answer")
    tool = bent.tools[0]
    assert isinstance(tool, Tool) and tool.parameters == schema
    call = ToolCall(id="x", name="Answer", arguments='{"b":1}')
    back = answered(GenerateResponse(content=(call,), stop=Stop(reason="tool_calls")), restore)
    assert back.content == (Text(text='{"b":1}'),)
    assert back.stop == Stop(reason="stop")


@pytest.mark.parametrize(
    "target",
    [Target(origin=Origin("openai_chat", "p"), json_object=False), Target(origin=Origin("anthropic_messages"))],
)
def test_json_by_instruction_counts_as_a_lost_parameter(target: Target) -> None:
    """A target without a JSON mode, as all of Messages, is asked in words, after the system message; that is said."""
    system = Message(role="system", content=(Text(text="S"),))
    losses = LossLog()
    bent, _ = adapt(asking(system, user("hi"), output=OutputFormat(kind="json_object")), target, losses)
    texts = [part.text for message in bent.messages if message.role == "system" for part in message.content]
    assert [texts[0], texts[1][:12], bent.messages[-1].role] == ["S", "Answer with ", "user"]
    assert losses.losses[0].field == "output" and losses.losses[0].severity == "parameter"


def test_what_is_for_anthropics_billing_goes_nowhere_else() -> None:
    """It changes with every request, and a prompt that begins with it is cached by nobody."""
    bill, word = Text(text="x-anthropic-billing-header: cc_version=2; cch=fa690;"), Text(text="Be brief.")
    for content, left in (((bill, word), (word,)), ((bill,), None), ((word, bill), (word, bill))):
        request = replace(asking(Message(role="system", content=content), user("hi")), protocol="anthropic_messages")
        losses = LossLog()
        bent, _ = adapt(request, CHAT, losses)
        assert bent.messages[0] == (user("hi") if left is None else Message(role="system", content=left))
        assert bool(losses.losses) is (content[0] is bill)
        assert adapt(request, MESSAGES, LossLog())[0].messages[0].content == content


def test_a_result_without_a_call_is_a_clear_error() -> None:
    """The message names the id and says what to send."""
    orphan = Message(role="tool", content=(ToolResult(call_id="nope", content=(Text(text="x"),)),))
    with pytest.raises(ClientError, match=r"nope.*assistant turn") as caught:
        adapt(asking(user("hi"), orphan), MESSAGES, LossLog())
    assert caught.value.param == "messages[1]"


def test_repeated_ids_are_a_clear_error() -> None:
    """Two calls of one turn with one id cannot be told apart."""
    call = ToolCall(id="same", name="f")
    with pytest.raises(ClientError, match="same"):
        adapt(asking(user("hi"), Message(role="assistant", content=(call, call))), CHAT, LossLog())


def told(*ids: str) -> Message:
    """Results of these calls."""
    return Message(role="tool", content=tuple([ToolResult(call_id=i, content=(Text(text=f"of {i}"),)) for i in ids]))


def calling(*ids: str) -> Message:
    return Message(role="assistant", content=tuple([ToolCall(id=i, name="f", arguments="{}") for i in ids]))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((calling("a"), user("wait"), told("a")), (calling("a"), told("a"), user("wait"))),
        (
            (calling("a"), user("wait"), calling("b"), told("a", "b"), user("on")),
            (calling("a"), told("a"), user("wait"), calling("b"), told("b"), user("on")),
        ),
        (
            (calling("a", "b"), told("b"), user("wait"), told("a"), user("on")),
            (calling("a", "b"), told("b", "a"), user("wait"), user("on")),
        ),
        (
            (calling("a"), user("one"), told("a"), calling("a"), user("two"), told("a")),
            (calling("a"), told("a"), user("one"), calling("a"), told("a"), user("two")),
        ),
    ],
)
def test_a_result_stands_behind_its_call(said: tuple[Message, ...], expected: tuple[Message, ...]) -> None:
    """Codex may be told more while a tool runs; no vendor but OpenAI takes a word between a call and its result."""
    losses = LossLog()
    bent, _ = adapt(asking(user("q"), *said), CHAT, losses)
    assert bent.messages == (user("q"), *expected)
    assert {loss.severity for loss in losses.losses} == {"cosmetic"}


def test_many_results_of_one_id_take_no_time() -> None:
    """They are looked for where they may stand, and not from the beginning."""
    turns = [turn for _ in range(20_000) for turn in (calling("a"), user("x"), told("a"))]
    bent, _ = adapt(asking(user("q"), *turns), CHAT, LossLog())
    assert len(bent.messages) == 60_001


def test_a_call_without_result_gets_a_stand_in() -> None:
    """An interrupted agent turn is completed, and the loss is said."""
    calls = (ToolCall(id="a", name="f"), ToolCall(id="b", name="f"))
    one = Message(role="tool", content=(ToolResult(call_id="a", content=(Text(text="x"),)),))
    losses = LossLog()
    bent, _ = adapt(asking(user("q"), Message(role="assistant", content=calls), one, user("go on")), CHAT, losses)
    results = [part for part in bent.messages[2].content if isinstance(part, ToolResult)]
    assert [result.call_id for result in results] == ["a", "b"]
    assert results[1].content == (Text(text=NO_RESULT),)
    assert [loss.severity for loss in losses.losses] == ["content"]


def test_system_messages_are_joined_in_order() -> None:
    """A target that takes one system message gets all of them, in order, first."""
    target = Target(origin=Origin("openai_chat", "p"), single_system=True)
    request = asking(
        Message(role="system", content=(Text(text="A"),)),
        user("hi"),
        Message(role="developer", content=(Text(text="B"),)),
    )
    bent, _ = adapt(request, target, LossLog())
    assert [message.role for message in bent.messages] == ["system", "user"]
    assert bent.messages[0].content == (Text(text="A\n\nB"),)


def test_neighbours_of_one_role_are_joined_for_alternation() -> None:
    """Content stays whole and in order."""
    target = Target(origin=Origin("openai_chat", "p"), alternation=True)
    bent, _ = adapt(asking(user("a"), user("b")), target, LossLog())
    assert bent.messages[0].content == (Text(text="a"), Text(text="b")) and len(bent.messages) == 1


def test_the_last_cache_marks_win() -> None:
    """Of six marks a target that takes four keeps the last four; each one dropped is a cosmetic loss."""
    marked = tuple(user(str(n)) for n in range(6))
    marked = tuple(Message(role="user", content=(Text(text=str(n), cache=CacheMark()),)) for n in range(len(marked)))
    losses = LossLog()
    bent, _ = adapt(asking(*marked), MESSAGES, losses)
    kept = [part.cache is not None for message in bent.messages for part in message.content if isinstance(part, Text)]
    assert kept == [False, False, True, True, True, True]
    assert {loss.severity for loss in losses.losses} == {"cosmetic"} and len(losses.losses) == 2


def test_reasoning_is_stamped_with_its_provider() -> None:
    """Thought gets the name of who thought it, so that it is replayed to nobody else."""
    _, restore = adapt(asking(user("hi")), CHAT, LossLog())
    back = answered(GenerateResponse(content=(Reasoning(text="t", origin=Origin("openai_chat")),)), restore)
    thought = back.content[0]
    assert isinstance(thought, Reasoning) and thought.origin == Origin("openai_chat", "p")


def test_a_request_that_fits_is_not_touched() -> None:
    """What needs no bending comes out as the same value, without losses."""
    request = asking(user("hi"), tools=(Tool(name="f"),))
    losses = LossLog()
    bent, _ = adapt(request, CHAT, losses)
    assert bent == request and not losses.losses


def test_a_long_name_of_a_user_is_hashed() -> None:
    """OpenAI takes 64 characters and Claude Code's name has 150; the same user gets the same hash, in the client's own
    dialect nothing changes."""
    name = '{"device_id":"' + "d" * 64 + '","account_uuid":"","session_id":"' + "s" * 36 + '"}'
    request = asking(user("hi"), user=name)
    losses = LossLog()
    fitted = adapt(request, CHAT, losses)[0].user
    assert fitted is not None and len(fitted) == 64 and fitted == adapt(request, CHAT, LossLog())[0].user
    assert [(loss.field, loss.severity) for loss in losses.losses] == [("user", "cosmetic")]
    assert adapt(request, MESSAGES, LossLog())[0].user == name
    own = Target(origin=Origin("openai_responses", "p"), model="m")
    assert adapt(request, own, LossLog())[0].user == name


def test_foreign_blocks_are_said_in_words() -> None:
    """A loaded tool, a search result and a document in pieces stay what they are at home, and are text elsewhere."""
    reference = {"type": "tool_reference", "tool_name": "WebFetch"}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [reference]}
    found = {"type": "search_result", "source": "https://a", "title": "A", "content": [{"type": "text", "text": "x"}]}
    pieces = {
        "type": "document",
        "title": "T",
        "source": {"type": "content", "content": [{"type": "text", "text": "y"}]},
    }
    plain = {"type": "document", "source": {"type": "content", "content": "z"}}
    turns: list[object] = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "ToolSearch", "input": {}}]},
        {"role": "user", "content": [result, found, pieces, plain]},
    ]
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": turns}).encode()
    request = PROTOCOLS["anthropic_messages"].parse_request(body)
    losses = LossLog()
    results, others = adapt(request, CHAT, losses)[0].messages[1:]
    assert isinstance(results.content[0], ToolResult)
    assert results.content[0].content == (Text(text="Tool loaded: WebFetch"),)
    assert [part.text for part in others.content if isinstance(part, Text)] == ["A\nhttps://a\nx", "T\ny", "z"]
    assert [loss.severity for loss in losses.losses] == ["cosmetic"] * 4
    assert adapt(request, MESSAGES, LossLog())[0].messages == request.messages


@pytest.mark.parametrize(
    "said", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}, {"prompt": {"id": "p"}}]
)
def test_what_a_vendor_keeps_is_not_left_out(said: dict[str, object]) -> None:
    """An answer to half a conversation would look like one to the whole; the vendor's own dialect may know the rest."""
    body = json.dumps({"model": "m", "input": "And then?", **said}).encode()
    request = PROTOCOLS["openai_responses"].parse_request(body)
    with pytest.raises(ClientError, match="Send the whole conversation") as caught:
        adapt(request, CHAT, LossLog())
    assert caught.value.param == next(iter(said))
    own = Target(origin=Origin("openai_responses", "p"), model="m")
    assert adapt(request, own, LossLog())[0].messages == request.messages


@pytest.mark.parametrize(
    ("asked", "most", "sent"), [(32_000, 8192, 8192), (100, 8192, 100), (32_000, None, 32_000), (None, 8192, None)]
)
def test_no_more_is_asked_than_the_model_can_say(asked: int | None, most: int | None, sent: int | None) -> None:
    """A guess of a client of another dialect; in its own it is the vendor's to judge."""
    request, losses = asking(user("hi"), max_tokens=asked), LossLog()
    to = Target(origin=Origin("openai_chat", "p"), model="m", max_output=most)
    assert adapt(request, to, losses)[0].max_tokens == sent
    assert [(loss.field, loss.severity) for loss in losses.losses] == (
        [("max_tokens", "cosmetic")] if sent != asked else []
    )
    own = Target(origin=Origin("openai_responses", "p"), model="m", max_output=most)
    assert adapt(request, own, LossLog())[0].max_tokens == asked
