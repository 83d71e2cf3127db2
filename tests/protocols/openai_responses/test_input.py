"""The conversation of a client's body: what agents send, the canonical shape, complaints with a path."""

from __future__ import annotations

from typing import Any

import pytest
from responseswire import CLAUDE, OPENAI, PNG, again, parsed

from hexapla.errors import ProtocolError
from hexapla.ir.content import Media, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult
from hexapla.ir.envelope import seal

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}], "content": None}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}", "status": "completed"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "21"}


def roles(*items: dict[str, Any]) -> list[str]:
    return [message.role for message in parsed(input=list(items)).messages]


def parts(*items: dict[str, Any]) -> tuple[Any, ...]:
    """The parts of the one message that these items are."""
    (message,) = parsed(input=list(items)).messages
    return message.content


def test_a_string_is_what_the_user_says() -> None:
    """A bare string is one user message, and stays recognisable as a string."""
    (message,) = parsed(input="hi").messages
    assert (message.role, message.plain, message.content) == ("user", True, (Text(text="hi"),))


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("role", ["user", "system", "developer", "assistant"])
def test_easy_messages(role: str, typed: bool) -> None:
    """Messages need neither a type nor a list of parts."""
    item = {"role": role, "content": "hi"} | ({"type": "message"} if typed else {})
    (message,) = parsed(input=[item]).messages
    assert (message.role, message.content) == (role, (Text(text="hi"),))


def test_instructions_come_first() -> None:
    """instructions are the first system message; Codex sends none and speaks as developer."""
    first, second = parsed(instructions="be kind", input=[{"role": "developer", "content": "x"}]).messages
    assert (first.role, first.plain, first.content) == ("system", True, (Text(text="be kind"),))
    assert second.role == "developer"


def test_one_turn_is_one_message() -> None:
    """Thought, text, calls and the vendor's own items of a turn are one message; neighbouring results another."""
    spoken = {"role": "assistant", "content": [{"type": "output_text", "text": "t"}]}
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    custom = {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "free"}
    answered = {"type": "custom_tool_call_output", "call_id": "c2", "output": "ok"}
    found = parsed(input=[USER, THOUGHT, search, spoken, CALL, custom, RESULT, answered, spoken]).messages
    assert [message.role for message in found] == ["user", "assistant", "tool", "assistant"]
    assert [type(part) for part in found[1].content] == [Reasoning, Opaque, Text, ToolCall, ToolCall]
    assert [(r.call_id, r.kind) for r in found[2].content if isinstance(r, ToolResult)] == [
        ("c1", "function"),
        ("c2", "custom"),
    ]


def test_reasoning_keeps_its_state() -> None:
    """Summary, text, encrypted content and id; null content (Codex) is none."""
    item = THOUGHT | {"encrypted_content": "gAA", "content": [{"type": "reasoning_text", "text": "deep"}]}
    (part,) = parts(item)
    assert part == Reasoning(
        summary=("s",), text="deep", encrypted="gAA", id="rs_1", form="reasoning", origin=OPENAI, extras={}
    )
    assert parts(THOUGHT)[0].text == ""


def test_our_envelope_is_opened() -> None:
    """Foreign thought that the client echoes is restored exactly; a broken envelope is dropped."""
    foreign = Reasoning(text="hm", signature="sig", form="thinking", origin=CLAUDE)
    assert parts(THOUGHT | {"encrypted_content": seal(foreign)}) == (foreign,)
    assert parts(THOUGHT | {"encrypted_content": "hxp1.broken"}, CALL) == parts(CALL)


def test_calls_and_results() -> None:
    """Ids, namespaces and results in parts."""
    made, result = parsed(
        input=[
            CALL | {"namespace": "crm"},
            RESULT
            | {"output": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "https://x"}]},
        ]
    ).messages
    call = made.content[0]
    assert isinstance(call, ToolCall)
    assert (call.id, call.name, call.namespace) == ("c1", "f", "crm")
    assert set(call.extras["openai_responses"]) == {"id", "status"}
    assert result.content == (
        ToolResult(call_id="c1", content=(Text(text="a"), Media(kind="image", url="https://x")), plain=False),
    )


@pytest.mark.parametrize(
    ("part", "media"),
    [
        (
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "high"},
            Media(kind="image", data=PNG, media_type="image/png", detail="high"),
        ),
        ({"type": "input_image", "image_url": "https://x"}, Media(kind="image", url="https://x")),
        ({"type": "input_image", "file_id": "file_1"}, Media(kind="image", file_id="file_1")),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
            Media(kind="document", data="JVBE", media_type="application/pdf", filename="a.pdf"),
        ),
        ({"type": "input_file", "file_url": "https://x"}, Media(kind="document", url="https://x")),
        ({"type": "input_file", "file_id": "file_1"}, Media(kind="document", file_id="file_1")),
        (
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
            Media(kind="audio", data="UklG", media_type="audio/wav"),
        ),
    ],
)
def test_media(part: dict[str, Any], media: Media) -> None:
    """Images, files and sound in every form, and back again as they were."""
    item = {"type": "message", "role": "user", "content": [part]}
    assert parts(item) == (media,)
    assert again(input=[item])["input"] == [item]


@pytest.mark.parametrize(
    "item",
    [
        {"type": "item_reference", "id": "msg_1"},
        {"type": "computer_call", "id": "cu_1", "call_id": "c", "action": {"type": "click", "x": 1.50}},
        {"type": "mcp_call", "id": "mcp_1", "name": "n", "arguments": "{}", "server_label": "s"},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAA"},
        {"type": "not_yet_invented", "payload": [1, None]},
    ],
)
def test_what_only_responses_knows_is_carried_whole(item: dict[str, Any]) -> None:
    """Items of hosted tools, references and kinds that nobody knows yet pass unharmed."""
    (part,) = parts(item)
    assert isinstance(part, Opaque) and (part.origin, part.type) == (OPENAI, item["type"])
    assert again(input=[item])["input"] == [item]


def test_outputs_of_hosted_tools_are_results() -> None:
    """What a client answers to a hosted tool stands among the results."""
    shown = {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}}
    assert roles(CALL, RESULT, shown) == ["assistant", "tool"]
    assert again(input=[CALL, RESULT, shown])["input"] == [CALL, RESULT, shown]


def test_history_comes_back_as_it_was() -> None:
    """Item ids, phases, statuses, fields that nobody knows, annotations, several parts of one item: all survive."""
    note = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 1}
    items = [
        USER | {"id": "msg_u", "status": "completed", "fresh": 1},
        THOUGHT | {"status": "completed", "encrypted_content": "gAA"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "phase": "commentary",
            "fresh": {"a": 1},
            "content": [
                {"type": "output_text", "text": "a", "annotations": [note], "logprobs": [{"token": "a"}], "new": True},
                {"type": "output_text", "text": "b"},
            ],
        },
        CALL,
        {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "free", "id": "ctc_1"},
        RESULT | {"id": "fco_1", "status": "completed"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "ok"}]},
    ]
    expected = [{k: v for k, v in item.items() if v is not None} for item in items]
    assert again(input=items)["input"] == expected


def test_thought_in_several_parts_keeps_its_bounds() -> None:
    """Reasoning text in two parts goes back in two parts."""
    content = [{"type": "reasoning_text", "text": "a"}, {"type": "reasoning_text", "text": "b"}]
    (part,) = parts(THOUGHT | {"content": content})
    assert part.text == "ab"
    assert again(input=[THOUGHT | {"content": content}])["input"][0]["content"] == content


def test_refusals() -> None:
    """A refusal in the history is one."""
    item = {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    assert parts(item) == (Refusal(text="No."),)
    assert again(input=[item])["input"] == [item]


@pytest.mark.parametrize("beside", ["previous_response_id", "conversation", "prompt"])
def test_input_may_stand_elsewhere(beside: str) -> None:
    """A stored conversation or prompt may stand alone."""
    value: Any = "resp_1" if beside == "previous_response_id" else {"id": "x"}
    assert parsed(input=None, **{beside: value}).messages == ()
    assert parsed(input=[], **{beside: value}).messages == ()


MESSAGE = {"type": "message", "role": "user"}


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (None, "$.input"),
        ("", "$.input"),
        ([], "$.input"),
        (7, "$.input"),
        ([1], "$.input[0]"),
        ([{"type": "message", "content": "x"}], "$.input[0].role"),
        ([{"role": "robot", "content": "x"}], "$.input[0].role"),
        ([MESSAGE], "$.input[0].content"),
        ([MESSAGE | {"content": None}], "$.input[0].content"),
        ([MESSAGE | {"content": 7}], "$.input[0].content"),
        ([USER, MESSAGE | {"content": [{"text": "x"}]}], "$.input[1].content[0].type"),
        ([MESSAGE | {"content": [{"type": "input_text"}]}], "$.input[0].content[0].text"),
        ([MESSAGE | {"content": [{"type": "input_text", "text": 1}]}], "$.input[0].content[0].text"),
        ([MESSAGE | {"content": [{"type": "input_image"}]}], "$.input[0].content[0].image_url"),
        ([MESSAGE | {"content": [{"type": "input_image", "image_url": "ftp://x"}]}], "$.input[0].content[0].image_url"),
        (
            [MESSAGE | {"content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]}],
            "$.input[0].content[0].image_url",
        ),
        ([MESSAGE | {"content": [{"type": "input_file"}]}], "$.input[0].content[0].file_data"),
        ([MESSAGE | {"content": [{"type": "input_audio"}]}], "$.input[0].content[0].input_audio"),
        (
            [{"role": "assistant", "content": [{"type": "output_text", "text": None}]}],
            "$.input[0].content[0].text",
        ),
        ([{"type": "function_call", "name": "f"}], "$.input[0].call_id"),
        ([{"type": "function_call", "call_id": "c"}], "$.input[0].name"),
        ([CALL | {"arguments": {}}], "$.input[0].arguments"),
        ([{"type": "function_call_output", "output": "x"}], "$.input[0].call_id"),
        ([RESULT | {"output": 7}], "$.input[0].output"),
        ([THOUGHT | {"summary": "s"}], "$.input[0].summary"),
        ([THOUGHT | {"content": [{"text": 1}]}], "$.input[0].content[0].text"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_path(given: Any, path: str) -> None:
    """Every complaint names the place in the client's own body."""
    with pytest.raises(ProtocolError) as caught:
        parsed(input=given)
    assert caught.value.path == path
