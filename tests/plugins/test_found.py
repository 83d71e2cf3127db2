"""What the gateway found: the question, what the model is told, and who is cited."""

from __future__ import annotations

import json

import pytest

from hexapla.ir.content import Citation, Origin, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.fold import fold, unfold
from hexapla.ir.request import GenerateRequest, Message
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop
from hexapla.plugins.found import Cited, Led, citation, question, search_blocks, told
from hexapla.plugins.services import Hit

HERON = Hit(url="https://herons.example.org/today", title="Herons", text="Three.")
OTHER = Hit(url="https://other.net/")
LINKED = "There are [herons.example.org](https://herons.example.org/today) today."


def said(role: str, text: str) -> Message:
    return Message(role=role, content=(Text(text=text),), plain=True)  # type: ignore[arg-type]


def request(*messages: Message) -> GenerateRequest:
    return GenerateRequest(protocol="openai_chat", model="m", messages=messages)


CALL = Message(role="assistant", content=(ToolCall(id="c", name="f"),))
RESULT = Message(role="tool", content=(ToolResult(call_id="c", content=(Text(text="r"),)),))
TALK = request(said("system", "S"), said("user", "First?"), said("assistant", "Yes."), said("user", "Second?"))
TOOLS = request(said("user", "Look!"), CALL, RESULT)


def test_the_question_is_what_the_user_said_last() -> None:
    assert question(TALK, fresh=True) == "Second?"
    assert question(TOOLS, fresh=False) == "Look!"
    assert question(TOOLS, fresh=True) == "", "a tool is running: nobody has asked anything"
    assert question(request(said("system", "S")), fresh=False) == ""


def test_results_stand_before_the_question() -> None:
    """With the date and each page; the client's own words stand in the place of ours."""
    messages = told(TALK, [HERON, OTHER], "", "2026-11-28").messages
    assert [message.role for message in messages] == ["system", "user", "assistant", "user", "user"]
    text = messages[3].content[0]
    assert isinstance(text, Text) and "2026-11-28" in text.text
    assert "## Herons\nhttps://herons.example.org/today\nThree." in text.text and "## https://other.net/" in text.text
    own = told(TALK, [], "Found:", "2026-11-28").messages[3].content[0]
    assert isinstance(own, Text) and own.text == "Found:\n\nNothing was found."
    assert [message.role for message in told(TOOLS, [HERON], "", "d").messages] == ["user", "user", "assistant", "tool"]


def test_where_a_page_is_linked() -> None:
    linked = citation(HERON, LINKED)
    assert LINKED[linked.start : linked.end] == "[herons.example.org](https://herons.example.org/today)"
    assert linked.cited_text == "Three."
    assert citation(OTHER, LINKED) == Citation(url=OTHER.url, title=OTHER.url)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ((Text(text=LINKED),), 0),
        ((Reasoning(text="Hm.", origin=Origin("x")), Text(text=LINKED), ToolCall(id="c", name="f")), 1),
        ((Text(text=" "), Text(text=LINKED)), 1),
    ],
)
def test_an_answer_cites_every_page_once(content: tuple[ResponsePart, ...], place: int) -> None:
    """At its first text that says something."""
    cited = Cited([HERON, OTHER])
    whole = GenerateResponse(content=content, stop=Stop(reason="stop"))
    answer = fold([said for event in unfold(whole) for said in cited(event)])
    listed = [part.citations for part in answer.content if isinstance(part, Text)]
    assert [len(each) for each in listed] == [
        2 if answer.content.index(part) == place else 0 for part in answer.content if isinstance(part, Text)
    ]


def test_a_search_as_anthropics_clients_read_it() -> None:
    """Before the answer, whose blocks follow in their order; before anything is said there is nothing to lead."""
    blocks = search_blocks("herons?", [HERON])
    led = Led(blocks)
    whole = GenerateResponse(content=(Text(text=LINKED), ToolCall(id="c", name="f")), stop=Stop(reason="stop"))
    answer = fold([said for event in unfold(whole) for said in led(event)])
    assert answer.content == (*blocks, *whole.content)
    asked, found = (json.loads(bytes(block.data)) for block in blocks)
    assert asked["input"] == {"query": "herons?"} and asked["id"] == found["tool_use_id"]
    assert [page["url"] for page in found["content"]] == [HERON.url]
    silent = GenerateResponse(stop=Stop(reason="stop"))
    assert fold([said for event in unfold(silent) for said in Led(blocks)(event)]).content == ()


def test_an_answer_without_words_cites_nobody() -> None:
    whole = GenerateResponse(content=(ToolCall(id="c", name="f"),), stop=Stop(reason="tool_calls"))
    cited = Cited([HERON])
    assert fold([said for event in unfold(whole) for said in cited(event)]) == fold([*unfold(whole)])
