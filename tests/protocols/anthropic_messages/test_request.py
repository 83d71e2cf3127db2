"""Messages bodies as SDKs and agents send them: every field finds its place, or is carried, or is refused with its path."""

from __future__ import annotations

import json
from typing import Any

import pytest
from messageswire import CLAUDE, OPENAI, PNG, again, parsed
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import CacheMark, Media, Opaque, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.envelope import seal
from hexapla.ir.request import Message, OutputFormat, ReasoningWish, Sampling, ServerTool, Tool, ToolChoice
from hexapla.protocols.anthropic_messages import history
from hexapla.protocols.anthropic_messages.history import parse_turns

MARK = {"type": "ephemeral"}
CALLED = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]}


PICTURE = {"type": "base64", "media_type": "image/png", "data": PNG}


def block(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [*content]}


def said(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": [*content]}


def document(**source: Any) -> dict[str, Any]:
    return {"type": "document", "source": source}


def answered(*content: Any, **fields: Any) -> dict[str, Any]:
    """A user turn with the result of the call t1."""
    result = {"type": "tool_result", "tool_use_id": "t1", **({"content": content[0]} if content else {}), **fields}
    return {"role": "user", "content": [result]}


def test_fields_find_their_places() -> None:
    request = parsed(
        system="Be brief.", temperature=0.5, top_p=0.9, top_k=4, stop_sequences=["END"], stream=True,
        metadata={"user_id": "u"}, service_tier="auto", cache_control={"type": "ephemeral", "ttl": "1h"},
        tool_choice={"type": "any", "disable_parallel_tool_use": True}, tools=[{"name": "f", "input_schema": {}}],
    )  # fmt: skip
    assert request.messages[0] == Message(role="system", content=(Text(text="Be brief."),), plain=True)
    assert request.sampling == Sampling(temperature=0.5, top_p=0.9, top_k=4, stop=("END",))
    assert (request.max_tokens, request.stream, request.user, request.service_tier) == (9, True, "u", "auto")
    assert request.cache == CacheMark(ttl="1h") and request.parallel_tool_calls is False
    assert request.tool_choice == ToolChoice(mode="required")


def test_nothing_is_said_for_the_client() -> None:
    """Absent means absent."""
    assert json.loads(json.dumps(again())) == {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
    }


@pytest.mark.parametrize(
    "fields",
    [
        {
            "system": [
                block("text", text="x-anthropic-billing-header: v=1"),
                block("text", text="a", cache_control=MARK),
            ]
        },
        {"context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}, "safeguards": {"a": 1}},
        {"thinking": {"type": "adaptive", "display": "updates"}, "output_config": {"effort": "high"}},
        {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 4096},
        {"thinking": {"type": "disabled"}},
        {"output_config": {"effort": "max", "format": block("json_schema", schema={"b": 1, "a": 2}), "task_budget": 5}},
        {"container": "c1", "mcp_servers": [{"type": "url", "url": "https://m", "name": "m"}], "inference_geo": "us"},
        {
            "tools": [block("web_search_20250305", name="web_search", max_uses=8)],
            "tool_choice": block("tool", name="web_search"),
        },
        {"tools": [{"name": "f", "input_schema": {"type": "object"}, "defer_loading": True, "cache_control": MARK}]},
        {"tools": [{"name": "f", "input_schema": {"type": "object"}, "strict": True, "input_examples": [{}]}]},
        {"metadata": {"user_id": '{"device_id":"d"}'}},
    ],
    ids=" ".join,
)
def test_what_is_its_own_comes_back_as_it_was(fields: dict[str, Any]) -> None:
    """Through the interlingua and back into the same dialect nothing changes and nothing is lost."""
    body = again(**fields)
    assert {name: body[name] for name in fields} == fields


@pytest.mark.parametrize(
    "turns",
    [
        ["hi", {"role": "system", "content": "Now."}, "go"],
        ["hi", {"role": "system", "content": [block("text", text="a", cache_control=MARK)]}, "go"],
        ["hi", {"role": "system", "content": "Now.", "output_config": {"effort": "low"}}, "go"],
        [user(block("text", text="a", cache_control={"type": "ephemeral", "ttl": "5m"}))],
        [user(block("image", source=PICTURE), block("image", source={"type": "url", "url": "https://a/b.png"}))],
        [user(document(type="file", file_id="file_1") | {"title": "T", "context": "C"})],
        [user(document(type="text", media_type="text/plain", data="x") | {"citations": {"enabled": True}})],
        [user(document(type="content", content=[block("text", text="x")]))],
        [user(block("search_result", source="s", title="t", content=[block("text", text="x")]))],
        ["hi", CALLED, answered("ok")],
        ["hi", CALLED, answered("bad", is_error=True)],
        ["hi", CALLED, answered()],
        ["hi", CALLED, answered("ok") | {"output_config": {"effort": "low"}}],
        ["hi", CALLED, answered([block("text", text="a"), block("image", source=PICTURE)])],
        ["hi", CALLED, answered([block("tool_reference", tool_name="WebFetch")], cache_control=MARK)],
        ["hi", said(block("thinking", thinking="Hm.", signature="s"), block("redacted_thinking", data="x"))],
        ["hi", said(block("server_tool_use", id="s1", name="web_search", input={"q": 1}),
                    block("web_search_tool_result", tool_use_id="s1", content=[]),
                    block("text", text="A", citations=[block("char_location", cited_text="c")]))],
        ["hi", said(block("compaction", content="All.")), "go"],
        ["hi", {"role": "assistant", "content": "Begun"}],
    ],
)  # fmt: skip
def test_turns_come_back_as_they_were(turns: list[Any]) -> None:
    expected = [{"role": "user", "content": turn} if isinstance(turn, str) else turn for turn in turns]
    assert again(*turns)["messages"] == expected


TURNS: list[dict[str, Any]] = [
    {"role": "user", "content": "hi"},
    {"role": "system", "content": [block("text", text="later")]},
    user(block("text", text="a", cache_control=MARK), block("image", source=PICTURE), block("text", text="")),
    said(
        block("thinking", thinking="so", signature="s"), block("redacted_thinking", data="x"), block("text", text="b")
    ),
    said(block("text", text="c", citations=[{"type": "char_location", "cited_text": "x"}])),
    said(block("thinking", thinking="", signature=f"{seal(Reasoning(text='t', origin=OPENAI))}")),
    CALLED,
    answered("done", is_error=False),
    answered([block("text", text="one"), block("image", source=PICTURE)], cache_control=MARK),
    answered([block("text", text="one", odd=1), block("tool_reference", tool_name="f")]),
    user(*answered("done")["content"], block("text", text="and now?")),
    user(document(type="text", media_type="text/plain", data="d"), block("odd", of="ours")),
]


@pytest.mark.parametrize("turn", TURNS, ids=range(len(TURNS)))
def test_the_quick_way_reads_what_the_long_way_reads(turn: dict[str, Any]) -> None:
    """A turn among turns in which nothing is unknown, read with them at once, and by itself, block by block."""
    raw = Raw(json.dumps(turn).encode())
    alone = history._turn(*history._ANY_TURN.read(raw, ""), "")
    assert parse_turns(Raw(json.dumps([TURNS[0], turn]).encode()))[1:] == alone


def test_results_come_first() -> None:
    """A user turn that answers calls and says more is two messages of the interlingua and one turn on the wire."""
    turn = {"role": "user", "content": [{"type": "text", "text": "Tool loaded."}, *answered("ok")["content"]]}
    request = parsed("hi", CALLED, turn)
    assert [message.role for message in request.messages] == ["user", "assistant", "tool", "user"]
    kinds = [block["type"] for block in again("hi", CALLED, turn)["messages"][2]["content"]]
    assert kinds == ["tool_result", "text"]


def test_calls_and_results() -> None:
    request = parsed("hi", CALLED, answered([{"type": "text", "text": "a"}], is_error=True))
    assert request.messages[1].content == (ToolCall(id="t1", name="f", arguments='{"a": 1}'),)
    expected = ToolResult(call_id="t1", content=(Text(text="a"),), plain=False, is_error=True)
    assert request.messages[2].content == (expected,)


def test_our_envelopes_are_opened() -> None:
    """Foreign thought becomes what it was; a broken envelope is nobody's thought and is left out."""
    foreign = Reasoning(summary=("One.",), encrypted="gAA", id="rs_1", form="reasoning", origin=OPENAI)
    sealed = seal(foreign)
    blocks = [block("thinking", thinking="One.", signature=sealed), block("redacted_thinking", data=sealed),
              block("thinking", thinking="x", signature=sealed[:-9]), block("redacted_thinking", data="hxp1.x"),
              block("thinking", thinking="own", signature="s")]  # fmt: skip
    own = Reasoning(text="own", signature="s", form="thinking", origin=CLAUDE)
    assert parsed("hi", said(*blocks)).messages[1].content == (foreign, foreign, own)


def test_media() -> None:
    sources = [{"type": "base64", "media_type": "image/png", "data": PNG}, {"type": "url", "url": "https://a"}]
    content = [{"type": "image", "source": source} for source in sources]
    assert parsed({"role": "user", "content": content}).messages[0].content == (
        Media(kind="image", data=PNG, media_type="image/png"),
        Media(kind="image", url="https://a"),
    )


def test_tools() -> None:
    tools = [
        {"name": "f", "description": "d", "input_schema": {"type": "object"}, "type": "custom"},
        {"type": "bash_20250124", "name": "bash"},
    ]
    ours, theirs = parsed(tools=tools).tools
    assert ours == Tool(name="f", description="d", parameters=Raw(b'{"type": "object"}'))
    assert isinstance(theirs, ServerTool) and (theirs.type, theirs.name) == ("bash_20250124", "bash")


@pytest.mark.parametrize(
    ("fields", "wish"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, ReasoningWish(mode="enabled", budget=5)),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "x"}}, ReasoningWish(mode="adaptive", effort="x")),
        ({"output_config": {"effort": "max"}}, ReasoningWish(effort="max")),
        ({"thinking": {"type": "disabled"}}, ReasoningWish(mode="disabled")),
        ({"thinking": None}, None),
    ],
)  # fmt: skip
def test_the_wish_to_think(fields: dict[str, Any], wish: ReasoningWish | None) -> None:
    assert parsed(**fields).reasoning == wish


def test_output_format_in_its_two_places() -> None:
    shape = {"type": "json_schema", "schema": {"b": 1, "a": 2}}
    expected = OutputFormat(kind="json_schema", schema=Raw(b'{"b": 1, "a": 2}'))
    assert parsed(output_config={"format": shape}).output == parsed(output_format=shape).output == expected


def test_unknown_blocks_are_carried_whole() -> None:
    upload = {"type": "container_upload", "file_id": "f", "cache_control": MARK}
    part = parsed({"role": "user", "content": [upload]}).messages[0].content[0]
    assert isinstance(part, Opaque) and json.loads(bytes(part.data)) == upload and part.cache == CacheMark()


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [user({"text": "x"})]}, "messages[0].content[0].type"),
        ({"messages": [user(block("text"))]}, "messages[0].content[0].text"),
        ({"messages": [said(block("tool_use", name="f"))]}, "messages[0].content[0].id"),
        ({"messages": [said(block("tool_use", id="t", name="f", input="x"))]}, "messages[0].content[0].input"),
        ({"messages": [said(block("tool_result", tool_use_id="t"))]}, "messages[0].content"),
        ({"messages": [user(block("image", source=PICTURE | {"data": "%%"}))]}, "messages[0].content[0].source.data"),
        ({"messages": [user(block("image", source={"type": "x"}))]}, "messages[0].content[0].source.type"),
        ({"thinking": {"type": "lots"}}, "thinking.type"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"output_config": {"format": {"type": "yaml"}}}, "output_config.format.type"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_path(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parsed(**fields)
    assert caught.value.path == f"$.{path}"


def test_the_user_in_the_metadata() -> None:
    """The user's id is the request's user; what else stands there is metadata that only Messages knows."""
    request = parsed(metadata={"user_id": "u", "x": 1})
    assert (request.user, request.metadata) == ("u", Raw(b'{"x":1}'))
    assert again(metadata={"user_id": "u", "x": 1})["metadata"] == {"user_id": "u", "x": 1}
    assert parsed(metadata={"user_id": None}).metadata is None
