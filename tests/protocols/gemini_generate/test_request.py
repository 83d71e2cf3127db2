"""What a Gemini client may send, and what becomes of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import Media, Opaque, Origin, Reasoning, Text, ToolCall, ToolResult
from hexapla.ir.envelope import seal
from hexapla.ir.request import GenerateRequest, ReasoningWish, ServerTool, Tool, ToolChoice
from hexapla.protocols.gemini_generate.request import parse_request
from hexapla.protocols.gemini_generate.signature import wrap
from hexapla.protocols.gemini_generate.words import NAME

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HI: list[Any] = [{"role": "user", "parts": [{"text": "hi"}]}]


def parse(**fields: Any) -> GenerateRequest:
    return parse_request(json.dumps({"contents": HI, **fields}).encode())


def talk(*contents: Any) -> GenerateRequest:
    return parse(contents=[{"role": role, "parts": parts} for role, parts in contents])


def call(name: str, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": {}, **more}}


def response(name: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": value, **more}}


def test_both_spellings_are_one() -> None:
    """camelCase and snake_case mean the same, and explicit nulls mean nothing."""
    camel = parse(
        systemInstruction={"parts": [{"text": "Be brief."}]},
        generationConfig={"maxOutputTokens": 9, "topP": 0.5, "stopSequences": ["x"], "temperature": None},
        tools=[{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}],
    )
    snake = parse(
        system_instruction={"role": None, "parts": [{"text": "Be brief.", "thought": None}]},
        generation_config={"max_output_tokens": 9, "top_p": 0.5, "stop_sequences": ["x"], "seed": None},
        tools=[{"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object"}}]}],
        safety_settings=None,
    )
    assert camel == snake
    assert camel.max_tokens == 9 and camel.sampling.top_p == 0.5 and camel.messages[0].role == "system"


def test_arguments_and_schemas_keep_their_spelling() -> None:
    """What a program put into arguments, results and schemas is nobody's to rename."""
    found = parse(
        contents=[*HI, {"role": "model", "parts": [{"function_call": {"name": "f", "args": {"my_city": 1}}}]}],
        tools=[{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"properties": {"my_city": {}}}}]}],
    )
    made, tool = found.messages[1].content[0], found.tools[0]
    assert isinstance(made, ToolCall) and made.arguments == '{"my_city": 1}'
    assert isinstance(tool, Tool) and b"my_city" in bytes(tool.parameters or b"")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"contents": None}, "$.contents"),
        ({"contents": []}, "$.contents"),
        ({"contents": [{"role": "robot", "parts": [{"text": "x"}]}]}, "$.contents[0].role"),
        ({"contents": [{"parts": [{"text": 5}]}]}, "$.contents[0].parts[0].text"),
        ({"contents": [{"role": "model", "parts": [{"functionCall": {"args": {}}}]}]}, "functionCall.name"),
        ({"contents": [{"role": "model", "parts": [call("f", args=[])]}]}, "functionCall.args"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "%%"}}]}]}, "inlineData.data"),
        ({"contents": [{"parts": [{"text": "x", "thoughtSignature": "AAAA"}]}], "tools": {}}, "$.tools"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "SOMETIMES"}}}, "functionCallingConfig.mode"),
        ({"generationConfig": {"maxOutputTokens": "many"}}, "$.generationConfig.maxOutputTokens"),
    ],
)
def test_a_mistake_is_named_with_its_place(fields: dict[str, Any], path: str) -> None:
    """Every complaint says where."""
    with pytest.raises(ProtocolError) as caught:
        parse(**fields)
    assert path in caught.value.path


def test_calls_without_ids_get_one_that_stays() -> None:
    """The same in the next, longer turn; parallel responses find their calls by name, then in order."""
    turns: list[Any] = [
        ("user", [{"text": "hi"}]),
        ("model", [call("a"), call("b"), call("a")]),
        ("user", [response("b", {"output": "B"}), response("a", {"output": "1"}), response("a", {"output": "2"})]),
    ]
    short, long = talk(*turns), talk(*turns, ("model", [{"text": "ok"}]))
    assert short.messages == long.messages[:3]
    calls, results = short.messages[1].content, short.messages[2].content
    ids = [part.id for part in calls if isinstance(part, ToolCall)]
    answered = [(part.call_id, part.content[0]) for part in results if isinstance(part, ToolResult)]
    assert len(set(ids)) == 3
    assert answered == [(ids[1], Text(text="B")), (ids[0], Text(text="1")), (ids[2], Text(text="2"))]


def test_ids_decide_where_there_are_some() -> None:
    """Responses in another order than their calls."""
    found = talk(
        ("user", [{"text": "hi"}]),
        ("model", [call("f", id="x"), call("f", id="y")]),
        ("user", [response("f", {"output": "Y"}, id="y"), response("f", {"output": "X"}, id="x"), {"text": "and?"}]),
    )
    results = found.messages[2].content
    assert [part.call_id for part in results if isinstance(part, ToolResult)] == ["y", "x"]
    assert found.messages[3].role == "user" and found.messages[3].plain


@pytest.mark.parametrize(
    ("value", "text", "failed"),
    [
        ({"output": "21"}, "21", None),
        ({"result": {"a": 1}}, '{"a": 1}', None),
        ({"error": "no"}, "no", True),
        ({"a": 1, "b": 2}, '{"a": 1, "b": 2}', None),
    ],
)
def test_a_response_is_what_stands_in_it(value: Any, text: str, failed: bool | None) -> None:
    """output, result and error are wrappings; any other object is the result itself."""
    found = talk(("model", [call("f")]), ("user", [response("f", value)]))
    part = found.messages[1].content[0]
    assert isinstance(part, ToolResult)
    assert (part.content, part.is_error) == ((Text(text=text),), failed)


def test_media_by_kind() -> None:
    """The media type says what a file is, else its address; the URL-safe alphabet becomes the standard one."""
    safe = base64.urlsafe_b64encode(b"\xff\xfe\xfd" * 3).decode()
    found = talk(
        (
            "user",
            [
                {"inlineData": {"mimeType": "image/png", "data": PNG}},
                {"inline_data": {"mime_type": "audio/wav", "data": safe}},
                {"fileData": {"fileUri": "https://youtu.be/abc"}},
                {"fileData": {"fileUri": "gs://b/x.pdf", "mimeType": "application/pdf"}, "videoMetadata": {"fps": 1}},
            ],
        )
    )
    parts = [part for part in found.messages[0].content if isinstance(part, Media)]
    assert [part.kind for part in parts] == ["image", "audio", "video", "document"]
    assert parts[1].data == base64.b64encode(b"\xff\xfe\xfd" * 3).decode()
    assert bytes(parts[3].extras[NAME]["videoMetadata"]) == b'{"fps": 1}'


def test_signatures_are_state() -> None:
    """A thought's own, a call's before it, a text's after it; parts that only Gemini knows stay whole."""
    found = talk(
        ("user", [{"text": "hi"}]),
        (
            "model",
            [
                {"text": "Hm.", "thought": True, "thoughtSignature": "AAA="},
                {"executableCode": {"code": "1"}, "thoughtSignature": "BBB="},
                {"text": "So", "thoughtSignature": "CCC="},
                call("f", id="x") | {"thoughtSignature": "DDD="},
            ],
        ),
    )
    origin = Origin(NAME)
    thought, code, text, mark, signed, made = found.messages[1].content
    assert thought == Reasoning(text="Hm.", signature="AAA=", form="thought", origin=origin)
    assert isinstance(code, Opaque) and b"BBB=" in bytes(code.data)
    assert text == Text(text="So")
    assert mark == Reasoning(encrypted="CCC=", id="text", form="signature", origin=origin)
    assert signed == Reasoning(encrypted="DDD=", id="x", form="signature", origin=origin)
    assert isinstance(made, ToolCall)


def test_a_streamed_turn_comes_back_as_one() -> None:
    """SDKs keep a content for each chunk; foreign thought that they show again is not heard twice."""
    foreign = Reasoning(text="I need it.", signature="sig", form="thinking", origin=Origin("anthropic_messages", "p"))
    envelope = wrap([seal(foreign)]).replace("+", "-").replace("/", "_").rstrip("=")
    found = talk(
        ("user", [{"text": "hi"}]),
        ("model", [{"text": "I ", "thought": True}]),
        ("model", [{"text": "need it.", "thought": True}]),
        ("model", [{"text": "Let ", "thoughtSignature": envelope}]),
        ("model", [{"text": "me look."}]),
        ("model", [call("f", id="x")]),
        ("model", [{"text": ""}]),
    )
    assert len(found.messages) == 2
    thought, text, made = found.messages[1].content
    assert thought == foreign
    assert text == Text(text="Let me look.")
    assert isinstance(made, ToolCall)


def test_a_broken_envelope_proves_nothing() -> None:
    """It is dropped, and never sent on."""
    broken = base64.b64encode(b"hxp1.????").decode()
    found = talk(("user", [{"text": "hi"}]), ("model", [{"text": "a", "thoughtSignature": broken}]))
    assert found.messages[1].content == (Text(text="a"),)


@pytest.mark.parametrize(
    ("config", "choice", "names"),
    [
        ({"mode": "AUTO"}, ToolChoice(mode="auto"), {"f", "g"}),
        ({"mode": "none"}, ToolChoice(mode="none"), {"f", "g"}),
        ({"mode": "ANY"}, ToolChoice(mode="required"), {"f", "g"}),
        ({"mode": "ANY", "allowedFunctionNames": ["g"]}, ToolChoice(mode="named", name="g"), {"f", "g"}),
        ({"mode": "ANY", "allowed_function_names": ["g", "h"]}, ToolChoice(mode="required"), {"g"}),
    ],
)
def test_tool_choice(config: dict[str, Any], choice: ToolChoice, names: set[str]) -> None:
    """Functions that may not be called are no tools."""
    tools = [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}]
    found = parse(tools=tools, toolConfig={"functionCallingConfig": config})
    assert found.tool_choice == choice
    assert {tool.name for tool in found.tools} == names


def test_validated_is_auto_elsewhere() -> None:
    """and itself at home."""
    found = parse(
        toolConfig={"functionCallingConfig": {"mode": "VALIDATED"}, "retrievalConfig": {"languageCode": "de"}}
    )
    assert found.tool_choice is not None and found.tool_choice.mode == "auto"
    assert found.tool_choice.native is not None
    assert "retrievalConfig" in found.extras[NAME]["toolConfig"]


def test_built_in_tools_stay_whole() -> None:
    """One for each, beside functions."""
    found = parse(tools=[{"googleSearch": {}, "functionDeclarations": [{"name": "f"}]}, {"code_execution": {}}])
    assert [getattr(tool, "type", "function") for tool in found.tools] == ["function", "googleSearch", "codeExecution"]
    assert all(tool.origin == NAME for tool in found.tools if isinstance(tool, ServerTool))


@pytest.mark.parametrize(
    ("config", "wish"),
    [
        ({"thinkingBudget": 0}, ReasoningWish(mode="disabled")),
        ({"thinkingBudget": -1}, ReasoningWish(mode="adaptive")),
        ({"thinkingBudget": 2048, "includeThoughts": True}, ReasoningWish(mode="enabled", budget=2048)),
        ({"thinking_level": "HIGH", "include_thoughts": False}, ReasoningWish(effort="high", exclude=True)),
    ],
)
def test_thinking(config: dict[str, Any], wish: ReasoningWish) -> None:
    """Budgets and levels."""
    assert parse(generationConfig={"thinkingConfig": config}).reasoning == wish


def test_output_formats() -> None:
    """JSON Schema as it is; Gemini's own kind in small letters; other types of text are Gemini's business."""
    schema = {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}, "propertyOrdering": ["a"]}
    own = parse(generationConfig={"responseMimeType": "application/json", "responseSchema": schema}).output
    assert own is not None and own.schema is not None
    assert json.loads(bytes(own.schema)) == {
        "type": "object",
        "properties": {"a": {"type": ["string", "null"]}},
        "propertyOrdering": ["a"],
        "additionalProperties": False,
    }
    raw = parse(generationConfig={"responseMimeType": "application/json", "responseJsonSchema": {"z": 1, "a": 2}})
    assert raw.output is not None and bytes(raw.output.schema or b"") == b'{"z": 1, "a": 2}'
    mode = parse(generationConfig={"responseMimeType": "application/json"}).output
    assert mode is not None and mode.kind == "json_object"
    other = parse(generationConfig={"responseMimeType": "text/x.enum"})
    assert other.output is None and other.extras[NAME]["generationConfig"] == {
        "responseMimeType": Raw(b'"text/x.enum"')
    }


def test_what_only_gemini_knows_travels() -> None:
    """safetySettings, cachedContent, labels, and unknown settings."""
    found = parse(
        safetySettings=[{}], cachedContent="c", labels={"a": "b"}, generationConfig={"speechConfig": {"x": 1}}
    )
    assert set(found.extras[NAME]) == {"safetySettings", "cachedContent", "labels", "generationConfig"}
