"""What Gemini is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ClientError
from hexapla.ir.content import Media, Origin, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.loss import LossLog
from hexapla.ir.request import GenerateRequest, Message, OutputFormat, ReasoningWish, Sampling, Tool, ToolChoice
from hexapla.ir.target import Target
from hexapla.protocols.gemini_generate.render import render_request
from hexapla.protocols.gemini_generate.turns import SKIP
from hexapla.protocols.gemini_generate.words import NAME

HI = Message(role="user", content=(Text(text="hi"),), plain=True)
TARGET = Target(origin=Origin(NAME, "g"), model="gemini-2.5-pro")
SCHEMA = Raw(
    b'{"type":"object","properties":{"z":{"$ref":"#/$defs/n"},"a":{"const":"x"}},"$defs":{"n":{"type":"integer"}}}'
)


def render(*messages: Message, target: Target = TARGET, **fields: Any) -> tuple[dict[str, Any], set[str]]:
    """(body, what was lost)."""
    losses = LossLog()
    request = GenerateRequest(protocol="openai_chat", model="m", messages=messages or (HI,), **fields)
    body: dict[str, Any] = json.loads(render_request(request, target, losses))
    return body, {loss.field for loss in losses.losses}


def model(*parts: Any) -> Message:
    return Message(role="assistant", content=parts)


def state(text: str, key: str) -> Reasoning:
    return Reasoning(encrypted=text, id=key, form="redacted_thinking", origin=Origin(NAME, "g"))


def test_results_are_named_after_their_calls() -> None:
    """All of a turn in one content; errors under error; objects as they are."""
    calls = (ToolCall(id="1", name="f", arguments='{"b":1}'), ToolCall(id="2", name="g"), ToolCall(id="3", name="h"))
    results = (
        ToolResult(call_id="1", content=(Text(text="21"),)),
        ToolResult(call_id="2", content=(Text(text="no"),), is_error=True),
        ToolResult(call_id="3", content=(Text(text='{"a": [1]}'),)),
    )
    body, lost = render(HI, model(*calls), Message(role="tool", content=results))
    assert body["contents"][1]["parts"][0]["functionCall"] == {"id": "1", "name": "f", "args": {"b": 1}}
    assert body["contents"][2]["role"] == "user"
    answers = [part["functionResponse"] for part in body["contents"][2]["parts"]]
    assert [answer["name"] for answer in answers] == ["f", "g", "h"]
    assert [answer["response"] for answer in answers] == [{"output": "21"}, {"error": "no"}, {"a": [1]}]
    assert not lost


def test_ids_that_are_counted_anew_every_turn() -> None:
    """A result is named after the call before it, not after a later one with the same id."""
    turns = [turn for name in ("f", "g") for turn in (model(ToolCall(id="1", name=name)), told("1"))]
    answers = [p["functionResponse"]["name"] for c in render(HI, *turns)[0]["contents"] for p in c["parts"] if len(p) == 1
               and "functionResponse" in p]  # fmt: skip
    assert answers == ["f", "g"]


def told(call_id: str) -> Message:
    return Message(role="tool", content=(ToolResult(call_id=call_id, content=(Text(text="ok"),)),))


def test_arguments_that_are_no_object_are_wrapped_and_said() -> None:
    """Gemini takes objects only."""
    body, lost = render(HI, model(ToolCall(id="1", name="f", arguments="[1")))
    assert body["contents"][1]["parts"][0]["functionCall"]["args"] == {"input": "[1"}
    assert "messages[1].content[0].arguments" in lost


def test_signatures_return_to_their_parts() -> None:
    """Whether they come in order (Messages) or all ahead (Chat); each to its own call, and to the text."""
    calls = (ToolCall(id="1", name="f"), ToolCall(id="2", name="f"))
    said = Text(text="So")
    ordered = model(said, state("T", "text"), calls[0], state("C2", "2"), calls[1])
    ahead = model(state("T", "text"), state("C2", "2"), said, *calls)
    for turn in (ordered, ahead):
        parts = render(HI, turn)[0]["contents"][1]["parts"]
        assert [part.get("thoughtSignature") for part in parts] == ["T", None, "C2"]


def test_a_signature_whose_id_was_changed_finds_the_first_call() -> None:
    """A client's alphabet may bend an id on the way."""
    parts = render(HI, model(state("C", "old"), ToolCall(id="new", name="f")))[0]["contents"][1]["parts"]
    assert parts[0]["thoughtSignature"] == "C"


def test_thought_goes_to_its_origin_only() -> None:
    """A summary as a thought part; another vendor's thought not at all."""
    own = Reasoning(text="Hm.", signature="S", origin=Origin(NAME, "g"))
    other = Reasoning(text="Ha.", signature="X", origin=Origin("anthropic_messages", "a"))
    body, lost = render(HI, model(own, other, Text(text="So")))
    assert body["contents"][1]["parts"][0] == {"text": "Hm.", "thought": True, "thoughtSignature": "S"}
    assert "Ha." not in json.dumps(body) and lost == {"messages[1].content[1]"}


@pytest.mark.parametrize(
    ("name", "first"), [("gemini-3-pro", SKIP), ("gemini-3.8-flash", SKIP), ("gemini-2.5-pro", None)]
)
def test_foreign_calls_are_excused_where_signatures_are_demanded(name: str, first: str | None) -> None:
    """The first call of each step of the current turn, and no call of an earlier one."""
    step = (
        model(ToolCall(id="1", name="f"), ToolCall(id="2", name="f")),
        Message(role="tool", content=(ToolResult(call_id="1"), ToolResult(call_id="2"))),
    )
    contents = render(HI, *step, HI, *step, target=replace(TARGET, model=name))[0]["contents"]
    signed = [[part.get("thoughtSignature") for part in content["parts"]] for content in contents]
    assert signed[1] == [None, None]
    assert signed[4] == [first, None]


@pytest.mark.parametrize(
    ("name", "wish", "config"),
    [
        ("gemini-2.5-pro", ReasoningWish(effort="high"), {"thinkingBudget": 24576, "includeThoughts": True}),
        ("gemini-3-pro", ReasoningWish(effort="xhigh"), {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-3-pro", ReasoningWish(effort="low", exclude=True), {"thinkingLevel": "LOW", "includeThoughts": False}),
        ("gemini-2.5-flash", ReasoningWish(mode="disabled"), {"thinkingBudget": 0}),
        ("gemini-3-flash", ReasoningWish(effort="none"), {"thinkingLevel": "MINIMAL"}),
        ("gemini-3-pro", ReasoningWish(mode="disabled"), {"thinkingLevel": "LOW"}),
        ("gemini-2.5-pro", ReasoningWish(mode="adaptive"), {"thinkingBudget": -1, "includeThoughts": True}),
        (
            "gemini-2.5-pro",
            ReasoningWish(mode="enabled", budget=99),
            {"thinkingBudget": 99, "includeThoughts": True},
        ),
    ],
)
def test_thinking(name: str, wish: ReasoningWish, config: dict[str, Any]) -> None:
    """Budgets before Gemini 3, levels since; never both."""
    body, _ = render(target=replace(TARGET, model=name), reasoning=wish)
    assert body["generationConfig"]["thinkingConfig"] == config


def test_schemas_go_as_they_are() -> None:
    """Key order and every keyword."""
    tool = Tool(name="f", parameters=SCHEMA)
    body, lost = render(tools=(tool,), output=OutputFormat(kind="json_schema", schema=SCHEMA))
    declared = body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]
    assert list(declared["properties"]) == ["z", "a"] and declared == json.loads(bytes(SCHEMA))
    assert body["generationConfig"]["responseJsonSchema"] == declared
    assert not lost


def test_schemas_in_the_subset_where_nothing_else_is_known() -> None:
    """References resolved, constants as enumerations, the rest said."""
    schema = Raw(bytes(SCHEMA)[:-1] + b',"additionalProperties":false,"minProperties":1,"if":{}}')
    target = replace(TARGET, unsupported=frozenset({"json_schema"}))
    body, lost = render(target=target, tools=(Tool(name="f", parameters=schema),))
    assert body["tools"][0]["functionDeclarations"][0]["parameters"] == {
        "type": "OBJECT",
        "properties": {"z": {"type": "INTEGER"}, "a": {"type": "STRING", "enum": ["x"]}},
        "minProperties": 1,
    }
    assert lost == {"tools[0].parameters.additionalProperties", "tools[0].parameters.if"}


def test_a_schema_that_contains_itself_ends() -> None:
    """A tree of nodes."""
    schema = Raw(b'{"type":"object","properties":{"next":{"$ref":"#"}}}')
    target = replace(TARGET, unsupported=frozenset({"json_schema"}))
    body, lost = render(target=target, output=OutputFormat(kind="json_schema", schema=schema))
    assert body["generationConfig"]["responseSchema"]["type"] == "OBJECT"
    assert any("next" in field for field in lost)


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice(mode="auto"), {"mode": "AUTO"}),
        (ToolChoice(mode="none"), {"mode": "NONE"}),
        (ToolChoice(mode="required"), {"mode": "ANY"}),
        (ToolChoice(mode="named", name="f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ToolChoice(mode="auto", origin=NAME, native=Raw(b'{"mode":"VALIDATED"}')), {"mode": "VALIDATED"}),
    ],
)
def test_tool_choice(choice: ToolChoice, config: dict[str, Any]) -> None:
    """Every mode."""
    body, lost = render(tools=(Tool(name="f"),), tool_choice=choice)
    assert body["toolConfig"]["functionCallingConfig"] == config
    assert not lost


def test_sampling_and_its_limits() -> None:
    """What has a place gets there; five stop sequences; one answer."""
    said = Sampling(top_k=5, seed=1, logprobs=True, top_logprobs=2, min_p=0.1, stop=tuple("abcdef"), n=1)
    body, lost = render(max_tokens=7, sampling=said)
    assert body["generationConfig"] == {
        "maxOutputTokens": 7,
        "topK": 5,
        "seed": 1,
        "responseLogprobs": True,
        "logprobs": 2,
        "stopSequences": list("abcde"),
        "candidateCount": 1,
    }
    assert lost == {"sampling.min_p", "sampling.stop"}
    with pytest.raises(ClientError):
        render(sampling=Sampling(n=2))


def test_media_of_a_result_stand_where_the_model_takes_them() -> None:
    """Inside the response from Gemini 3 on, beside it before."""
    picture = Media(kind="image", data="AAAA", media_type="image/png")
    turn = Message(role="tool", content=(ToolResult(call_id="1", content=(Text(text="see"), picture), plain=False),))
    called = model(ToolCall(id="1", name="f"))
    blob = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    within = render(HI, called, turn)[0]["contents"][2]["parts"]
    assert within[0]["functionResponse"]["parts"] == [blob]
    beside, lost = render(HI, called, turn, target=replace(TARGET, tool_result_media=False))
    assert beside["contents"][2]["parts"][1:] == [{"text": "Content of the tool result for call 1:"}, blob]
    assert "messages[2].content[0].content" in lost


def test_urls_that_google_reads_itself_are_taken() -> None:
    """Others are refused where the target fetches nothing."""
    target = replace(TARGET, media_urls=False)
    video = Media(kind="video", url="https://www.youtube.com/watch?v=1")
    body, _ = render(Message(role="user", content=(video,)), target=target)
    assert body["contents"][0]["parts"][0]["fileData"]["fileUri"] == video.url
    with pytest.raises(ClientError):
        render(Message(role="user", content=(replace(video, url="https://example.org/a.mp4"),)), target=target)
