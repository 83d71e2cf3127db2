"""Requests of other dialects as Responses bodies: what the published types demand, what has no place, and who is told."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw
from responseswire import CLAUDE, OPENAI, PNG, again, asking, parsed, rendered, target

from hexapla.errors import ClientError
from hexapla.ir.content import CacheMark, Media, Opaque, Origin, Reasoning, Refusal, Text, ToolCall, ToolResult
from hexapla.ir.request import Message, OutputFormat, ReasoningWish, Sampling, ServerTool, Tool, ToolChoice
from hexapla.ir.target import Target
from hexapla.protocols.openai_responses.render import LEAST_LIMIT

HI = Message(role="user", content=(Text(text="hi"),), plain=True)
TOOL = Tool(name="f", parameters=Raw(b'{"type":"object"}'))
IMAGE = Media(kind="image", data=PNG, media_type="image/png")


def said(role: Any, *parts: Any, plain: bool = False) -> Message:
    return Message(role=role, content=tuple(Text(text=p) if isinstance(p, str) else p for p in parts), plain=plain)


def of(*messages: Message, to: Target | None = None, **more: Any) -> dict[str, Any]:
    return rendered(asking(*(messages or (HI,)), **more), to)[0]


def lost(*messages: Message, to: Target | None = None, **more: Any) -> list[str]:
    return [loss.field for loss in rendered(asking(*(messages or (HI,)), **more), to)[1]]


def test_nothing_is_said_for_the_client() -> None:
    assert of() == {"model": "m", "input": [{"type": "message", "role": "user", "content": "hi"}]}


def test_system_and_developer() -> None:
    """A leading system text is the instructions, every other one keeps its place."""
    turns = (said("system", "One.", plain=True), said("developer", "Two."), HI, said("system", "Three.", plain=True))
    body = of(*turns)
    assert body["instructions"] == "One."
    assert [item["role"] for item in body["input"]] == ["developer", "user", "system"]
    assert of(turns[0])["input"] == [{"type": "message", "role": "system", "content": "One."}], "somebody has to speak"
    old = target(developer_role=False, mid_system=False)
    assert [item["role"] for item in of(*turns, to=old)["input"]] == ["system", "user", "user"]
    assert lost(*turns, to=old) == ["messages[1].role", "messages[3]"]


def test_what_an_assistant_said() -> None:
    """Text that never had an item's id is an easy message, a refusal is said as text; both as the types allow them."""
    items = of(HI, said("assistant", "Hello", Refusal(text="No.")))["input"]
    assert items[1:] == [
        {"type": "message", "role": "assistant", "content": "Hello"},
        {"type": "message", "role": "assistant", "content": "No."},
    ]
    assert lost(HI, said("assistant", Refusal(text="No."))) == ["messages[1].content[0]"]


def test_own_items_keep_their_form() -> None:
    """What came with an id goes back with it, parts of one item together."""
    parts = [
        {"type": "output_text", "text": "a"},
        {"type": "output_text", "text": "b"},
        {"type": "refusal", "refusal": "c"},
    ]
    item = {"type": "message", "role": "assistant", "id": "msg_1", "phase": "final_answer", "content": parts[:2]}
    refused = {"type": "message", "role": "assistant", "content": parts[2:]}
    reference = {"id": "msg_0"}  # an item_reference may stand without its type
    assert again(input=[reference, item, refused])["input"] == [reference, item, refused]


def test_calls_and_results() -> None:
    call = said("assistant", ToolCall(id="c1", name="f"), ToolCall(id="c2", name="p", arguments="x", kind="custom"))
    image = ToolResult(call_id="c2", content=(Text(text="See"), IMAGE), plain=False, kind="custom")
    failed = ToolResult(call_id="c1", content=(Text(text="bad"),), is_error=True)
    items = of(HI, call, said("tool", failed, image))["input"][1:]
    assert [item["type"] for item in items] == [
        "function_call", "custom_tool_call", "function_call_output", "custom_tool_call_output"]  # fmt: skip
    assert items[0]["arguments"] == "{}" and items[1]["input"] == "x" and items[2]["output"] == "Error: bad"
    assert [part["type"] for part in items[3]["output"]] == ["input_text", "input_image"]


def test_media_of_results_may_have_to_move() -> None:
    """They follow in a user message that says whose they are."""
    result = ToolResult(call_id="c1", content=(Text(text="See"), IMAGE), plain=False)
    turns = (HI, said("assistant", ToolCall(id="c1", name="f")), said("tool", result))
    items = of(*turns, to=target(tool_result_media=False))["input"]
    assert items[2]["output"] == "See" and items[3]["role"] == "user"
    assert [part["type"] for part in items[3]["content"]] == ["input_text", "input_image"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (IMAGE, {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PNG}"}),
        (Media(kind="image", url="https://a", detail="low"), {"type": "input_image", "detail": "low", "image_url": "https://a"}),
        (Media(kind="document", url="https://a"), {"type": "input_file", "file_url": "https://a"}),
        (
            Media(kind="document", data="JVBERi0="),
            {"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
        ),
        (
            Media(kind="audio", data="AAAA", media_type="audio/mpeg"),
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        ),
        (Media(kind="document", text="x"), {"type": "input_text", "text": "x"}),
    ],
)  # fmt: skip
def test_media(part: Media, expected: dict[str, Any]) -> None:
    assert of(said("user", part))["input"][0]["content"] == [expected]


@pytest.mark.parametrize(
    "part",
    [
        Media(kind="video", url="https://a"),
        Media(kind="image", file_id="file_1"),
        Media(kind="audio", url="https://a"),
        Opaque(origin=CLAUDE, type="search_result", data=Raw(b"{}")),
    ],
)
def test_what_has_no_place_is_a_loss_of_content(part: Any) -> None:
    losses = rendered(asking(said("user", "a", part)))[1]
    assert [(loss.field, loss.severity) for loss in losses] == [("messages[0].content[1]", "content")]


def test_a_client_of_responses_need_not_say_a_detail() -> None:
    part = {"type": "input_image", "image_url": "https://a"}
    assert again(input=[{"type": "message", "role": "user", "content": [part]}])["input"][0]["content"] == [part]


def test_thought_goes_back_to_its_own() -> None:
    own = Reasoning(summary=("One.",), encrypted="gAA", id="rs_1", form="reasoning", origin=OPENAI)
    foreign = Reasoning(text="Hm.", signature="s", origin=CLAUDE)
    items = of(HI, said("assistant", own, foreign, "A"))["input"]
    assert [item["type"] for item in items] == ["message", "reasoning", "message"]
    assert (items[1]["encrypted_content"], items[1]["id"]) == ("gAA", "rs_1")
    other = Reasoning(summary=("One.",), encrypted="gAA", origin=Origin("openai_responses", "azure"))
    assert lost(HI, said("assistant", other, foreign), to=target("openai")) == [
        f"messages[1].content[{i}]" for i in (0, 1)
    ]


def test_thought_is_asked_to_come_back() -> None:
    """For clients of other dialects that want thought, whatever `store` says; unasked only of a model that thinks anyway,
    where a tool's result will want it."""
    asked = ["reasoning.encrypted_content"]
    assert of(reasoning=ReasoningWish(effort="low"))["include"] == asked
    assert "include" not in of() and "include" not in of(reasoning=ReasoningWish(mode="disabled"))
    thinking = target(thinks=True)
    assert of(to=thinking, tools=(TOOL,))["include"] == asked
    assert "include" not in of(to=thinking) and "include" not in of(tools=(TOOL,))
    assert "include" not in of(to=thinking, tools=(TOOL,), reasoning=ReasoningWish(effort="none"))


def test_nobody_is_reminded_by_an_id_of_what_he_does_not_keep() -> None:
    """ "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false", says OpenAI."""
    bare = Reasoning(summary=("One.",), id="rs_1", form="reasoning", origin=OPENAI)
    turns = (HI, said("assistant", bare, "A"))

    def kinds(*, to: Target | None = None, **more: Any) -> list[str]:
        return [item["type"] for item in of(*turns, to=to, **more)["input"]]

    assert kinds() == kinds(to=target(stores=True), store=False) == ["message", "message"]
    assert kinds(to=target(stores=True)) == ["message", "reasoning", "message"]
    assert kinds(protocol="openai_responses") == ["message", "reasoning", "message"]
    assert kinds(protocol="openai_responses", store=False) == ["message", "message"]
    assert lost(*turns) == ["messages[1].content[0]"]
    open_model = Reasoning(text="Hm.", id="rs_1", form="reasoning", origin=OPENAI)
    assert [item["type"] for item in of(HI, said("assistant", open_model))["input"]] == ["message", "reasoning"]


def test_tools() -> None:
    """The types demand parameters and strict of a function; a namespace is put together again."""
    spaced = [Tool(name=n, parameters=Raw(b"{}"), namespace="n", namespace_description="d") for n in ("a", "b")]
    freeform = Tool(name="p", kind="custom", format=Raw(b'{"type":"text"}'))
    hosted = ServerTool(origin="anthropic_messages", type="web_search", data=Raw(b"{}"))
    body, losses = rendered(asking(HI, tools=(Tool(name="f"), spaced[0], freeform, spaced[1], hosted)))
    first, space, custom = body["tools"]
    assert first == {
        "type": "function",
        "name": "f",
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    }
    assert [tool["name"] for tool in space["tools"]] == ["a", "b"] and space["description"] == "d"
    assert custom == {"type": "custom", "name": "p", "format": {"type": "text"}}
    assert [loss.field for loss in losses] == ["tools[4]"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(mode="auto"), "auto"),
        (ToolChoice(mode="none"), "none"),
        (ToolChoice(mode="required"), "required"),
        (ToolChoice(mode="named", name="f"), {"type": "function", "name": "f"}),
        (ToolChoice(mode="named", name="f", kind="custom"), {"type": "custom", "name": "f"}),
        (ToolChoice(mode="native", origin="anthropic_messages", native=Raw(b"{}")), None),
    ],
)
def test_tool_choice(choice: ToolChoice, expected: Any) -> None:
    assert of(tools=(TOOL,), tool_choice=choice, parallel_tool_calls=False).get("tool_choice") == expected


def test_a_choice_among_no_tools_is_not_said() -> None:
    required = ToolChoice(mode="required")
    assert "tool_choice" not in of(tool_choice=required) and lost(tool_choice=required) == ["tool_choice"]
    kept = parsed(input="x", tool_choice="required", previous_response_id="resp_1")
    assert rendered(kept)[0]["tool_choice"] == "required", "the vendor may know of tools"


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (ReasoningWish(effort="high"), {"effort": "high", "summary": "auto"}),
        (ReasoningWish(mode="enabled", budget=1024), {"effort": "minimal", "summary": "auto"}),
        (ReasoningWish(mode="enabled", budget=9000), {"effort": "xhigh", "summary": "auto"}),
        (ReasoningWish(mode="adaptive"), {"summary": "auto"}),
        (ReasoningWish(mode="disabled"), {"effort": "none"}),
        (ReasoningWish(effort="low", exclude=True), {"effort": "low"}),
        (None, None),
    ],
)
def test_the_wish_to_think(wish: ReasoningWish | None, expected: Any) -> None:
    """Clients of other dialects see thought unless they say otherwise, so a summary is asked for."""
    assert of(reasoning=wish, max_tokens=10_000).get("reasoning") == expected


def test_levels_that_the_model_knows() -> None:
    to = target(effort_levels=("low", "high"))
    assert of(reasoning=ReasoningWish(effort="xhigh"), to=to)["reasoning"]["effort"] == "high"
    assert lost(reasoning=ReasoningWish(effort="none"), to=to) == ["reasoning.effort"]


@pytest.mark.parametrize(("limit", "expected"), [(1, LEAST_LIMIT), (15, LEAST_LIMIT), (16, 16), (9000, 9000)])
def test_the_least_limit(limit: int, expected: int) -> None:
    """Claude Code warms up with one token, which Responses refuses; a client of Responses is told so by the vendor."""
    assert of(max_tokens=limit)["max_output_tokens"] == expected
    assert ("max_tokens" in lost(max_tokens=limit)) == (limit < LEAST_LIMIT)
    assert again(max_output_tokens=limit)["max_output_tokens"] == limit


def test_sampling() -> None:
    everything = Sampling(
        temperature=0.5, top_p=0.9, top_k=4, seed=1, stop=("END",), logprobs=True, top_logprobs=2, n=1
    )
    body, losses = rendered(asking(HI, sampling=everything))
    assert (body["temperature"], body["top_p"], body["top_logprobs"]) == (0.5, 0.9, 2)
    assert body["include"] == ["message.output_text.logprobs"]
    assert sorted(loss.field for loss in losses) == [f"sampling.{name}" for name in ("n", "seed", "stop", "top_k")]
    with pytest.raises(ClientError):
        of(sampling=Sampling(n=2))
    assert lost(sampling=Sampling(stop=())) == []


def test_output() -> None:
    shape = OutputFormat(kind="json_schema", name="x", schema=Raw(b'{"b":1,"a":2}'), strict=True)
    expected = {"type": "json_schema", "name": "x", "schema": {"b": 1, "a": 2}, "strict": True}
    assert of(output=shape, verbosity="low")["text"] == {"format": expected, "verbosity": "low"}
    assert of(output=OutputFormat(kind="json_object"))["text"] == {"format": {"type": "json_object"}}


def test_what_others_have() -> None:
    marked = said("user", Text(text="a", cache=CacheMark()))
    assert lost(marked, cache=CacheMark(), service_tier="standard_only") == [
        "cache", "messages[0].content[0].cache", "service_tier"]  # fmt: skip


def test_a_target_may_refuse_fields() -> None:
    to = target("codex", unsupported=frozenset({"max_tokens", "sampling.temperature", "verbosity"}))
    more: dict[str, Any] = {"max_tokens": 99, "sampling": Sampling(temperature=1.0), "verbosity": "low"}
    assert of(to=to, **more) == of()
    assert lost(to=to, **more) == sorted(to.unsupported)


def test_nothing_to_say_is_refused() -> None:
    """Of what only another vendor understands nothing is left; a Responses client may continue without input."""
    hosted = Opaque(origin=CLAUDE, type="server_tool_use", data=Raw(b"{}"))
    with pytest.raises(ClientError, match="Nothing of this conversation"):
        of(said("assistant", hosted))
    assert rendered(parsed(input=None, previous_response_id="resp_1"))[0]["input"] == []
