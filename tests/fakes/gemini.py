"""Google Gemini's generateContent.

Checks follow the API reference (https://ai.google.dev/api/generate-content, 2026-11-24) and the words of the vendor's own
refusals.  Unknown names are refused as Google's JSON parser does; calls and responses must match turn by turn; thought
comes back as the signature of the part that it was given with.  Calls get an id where the model's name says parallel, and
none elsewhere, as both happen.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from fakes.check import RequestError, keys, need, number, one_of, rows, text, words
from fakes.values import CACHED, INPUT, OUTPUT, REASONING, Call, Text, Turn, View, pieces, seal, token, unseal

STOPS = {"stop": "STOP", "tool": "STOP", "length": "MAX_TOKENS"}
STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    529: "UNAVAILABLE",
}

_REQUEST = words("""
    contents tools toolConfig safetySettings systemInstruction generationConfig cachedContent serviceTier store
""")
_CONFIG = words("""
    stopSequences responseMimeType responseSchema responseJsonSchema responseModalities candidateCount maxOutputTokens
    temperature topP topK seed presencePenalty frequencyPenalty responseLogprobs logprobs thinkingConfig speechConfig
    mediaResolution imageConfig
""")
_PART = words("""
    text thought thoughtSignature inlineData fileData functionCall functionResponse executableCode codeExecutionResult
    videoMetadata mediaResolution
""")
_DATA = words("text inlineData fileData functionCall functionResponse executableCode codeExecutionResult")
_FUNCTION = words("name description parameters parametersJsonSchema response responseJsonSchema behavior")
_NAME = r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}"
_LEVELS = frozenset({"THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH"})


def call_id(model: str, count: int) -> str:
    """The id of a conversation's n-th call, given or counted."""
    return "fc" + token(model, count, size=12)


def read(body: Any, headers: Mapping[str, str], model: str = "plain", *, stream: bool = False) -> View:
    """Check a request and say what it holds.  Raises RequestError."""
    need("x-goog-api-key" in headers or "authorization" in headers, "Method doesn't allow unregistered callers")
    keys(body, _REQUEST, "body", ("contents",))
    view = View(model, lambda count: call_id(model, count), stream=stream)
    if body.get("systemInstruction") is not None:
        system = keys(body["systemInstruction"], {"parts", "role"}, "system_instruction", {"parts"})
        view.system = "".join(_part(part, "system_instruction", view, "user") for part in system["parts"])
    _tools(body, view)
    _config(body.get("generationConfig") or {}, view)
    _contents(rows(body["contents"], "contents"), view)
    return view


def _tools(body: dict[str, Any], view: View) -> None:
    for at, tool in enumerate(rows(body.get("tools") or [], "tools")):
        for place, function in enumerate(tool.get("functionDeclarations", [])):
            where = f"tools[{at}].function_declarations[{place}]"
            keys(function, _FUNCTION | {"parameters_json_schema"}, where, {"name"})
            text(function["name"], f"{where}.name", _NAME)
            schema = function.get("parametersJsonSchema") or function.get("parameters_json_schema")
            view.tools[function["name"]] = schema or _lower(function.get("parameters") or {})
    config = keys(body.get("toolConfig") or {}, {"functionCallingConfig", "retrievalConfig"}, "tool_config")
    choice = keys(config.get("functionCallingConfig") or {}, {"mode", "allowedFunctionNames"}, "tool_config")
    one_of(choice.get("mode", "AUTO"), {"AUTO", "ANY", "NONE", "VALIDATED"}, "tool_config.mode")
    names = choice.get("allowedFunctionNames") or []
    need(not names or choice["mode"] in ("ANY", "VALIDATED"), "allowed_function_names: only with mode ANY")
    need(set(names) <= set(view.tools), "allowed_function_names: not found in provided functions")
    view.forced = names[0] if len(names) == 1 else ""
    view.must = choice.get("mode") == "ANY"


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _lower(schema: Any) -> Any:
    """An OpenAPI schema's capital types in small letters."""
    if isinstance(schema, list):
        return [_lower(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    said = {name: _lower(inner) for name, inner in schema.items()}
    return said | ({"type": said["type"].lower()} if isinstance(said.get("type"), str) else {})


def _config(config: Any, view: View) -> None:
    where = "generation_config"
    keys(config, _CONFIG, where)
    number(config.get("temperature"), f"{where}.temperature", 0, 2)
    number(config.get("topP"), f"{where}.top_p", 0, 1)
    need(config.get("maxOutputTokens", 1) > 0, f"{where}.max_output_tokens: must be positive")
    said = {_camel(name): value for name, value in (config.get("thinkingConfig") or {}).items()}  # the SDK's own words
    thinking = keys(said, words("includeThoughts thinkingBudget thinkingLevel"), where)
    need(len(thinking.keys() & {"thinkingBudget", "thinkingLevel"}) < 2, "You can only set one of budget and level")
    if "thinkingLevel" in thinking:
        one_of(thinking["thinkingLevel"], _LEVELS, f"{where}.thinking_level")
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    if schema is not None:
        need(config.get("responseMimeType") == "application/json", "response_mime_type must be application/json")
        view.schema = _lower(schema)


def _contents(contents: list[Any], view: View) -> None:
    need(contents, "* GenerateContentRequest.contents: contents is not specified", "contents")
    waiting: list[tuple[str, str | None, str]] = []  # the last turn's calls: our key, their id, their name
    for at, content in enumerate(contents):
        where = f"contents[{at}]"
        keys(content, {"role", "parts"}, where, {"parts"})
        role = content.get("role", "user")
        one_of(role, {"user", "model"}, f"{where}.role")
        need(rows(content["parts"], where), f"{where}.parts must not be empty.", where)
        responses = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
        if waiting and role == "user":
            need(
                len(responses) == len(waiting),
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn.",
                where,
            )
            _results(responses, waiting, where, view)
            waiting = []
        need(not responses or role == "user", f"{where}: function responses come from the user", where)
        said = "".join(_part(part, f"{where}.parts", view, role) for part in content["parts"])
        if role == "user" and not responses and not said.endswith("</system-reminder>"):
            view.user = said  # a reminder is the system's word on the user's side
        waiting += [_call(part["functionCall"], where, view) for part in content["parts"] if "functionCall" in part]
    need(not waiting, "Please ensure that a function call turn is followed by its function responses")


def _call(call: dict[str, Any], where: str, view: View) -> tuple[str, str | None, str]:
    keys(call, {"id", "name", "args"}, where, {"name"})
    text(call["name"], f"{where}.function_call.name", _NAME)
    need(isinstance(call.get("args", {}), dict), f"{where}.function_call.args: expected a struct", where)
    key = view.given(len(view.calls))
    if "parallel" in view.model:
        need(call.get("id") == key, f"{where}: the call was given the id {key}, it came back as {call.get('id')}")
    view.calls.append((key, Call(call["name"], json.dumps(call.get("args", {}), ensure_ascii=False))))
    return key, call.get("id"), call["name"]


def _results(
    responses: list[dict[str, Any]], waiting: list[tuple[str, str | None, str]], where: str, view: View
) -> None:
    """Responses belong to calls by id, else by their order."""
    for response, (key, _, _) in zip(responses, waiting, strict=True):
        keys(response, {"id", "name", "response", "parts"}, where, {"name", "response"})
        by_id = next((call for call in waiting if call[1] and call[1] == response.get("id")), None)
        one_of(response["name"], {name for _, _, name in waiting}, f"{where}.function_response.name")
        said = response["response"]
        need(isinstance(said, dict), f"{where}.function_response.response: expected a struct", where)
        told = "ERROR " + str(said["error"]) if "error" in said else said.get("output", said.get("result", said))
        view.results[by_id[0] if by_id else key] = told if isinstance(told, str) else json.dumps(told)


def _part(part: Any, where: str, view: View, role: str) -> str:
    keys(part, _PART, where)
    held = part.keys() & _DATA
    need(len(held) == 1, f"{where}: required oneof field 'data' must have one initialized field", where)
    if "thoughtSignature" in part:
        need(role == "model", f"{where}.thought_signature: only on a model's part", where)
        thought = unsign(part["thoughtSignature"])
        need(thought is not None, "Thought signature is not valid", where)
        view.thoughts.append(thought or "")
    if "inlineData" in part or "fileData" in part:
        data = part.get("inlineData") or part["fileData"]
        need("mimeType" in data, f"{where}: mime_type is missing", where)
        return "[file]"
    return "" if part.get("thought") or "text" not in part else text(part["text"], where)


def sign(thought: str) -> str:
    """A thought as a signature, which is bytes."""
    return base64.b64encode(seal(thought).encode()).decode()


def unsign(signature: Any) -> str | None:
    """The thought in a signature; either alphabet is taken, as protocol buffers do."""
    try:
        return unseal(base64.urlsafe_b64decode(str(signature).replace("+", "-").replace("/", "_")).decode())
    except ValueError:
        return None


def whole(view: View, turn: Turn) -> dict[str, Any]:
    """The answer as one object."""
    return _body(view, _contents_of(view, turn), finishReason=STOPS[turn.stop]) | {"usageMetadata": _USAGE}


def _contents_of(view: View, turn: Turn) -> list[dict[str, Any]]:
    """The parts; a thought's state stands on the part after it."""
    found: list[dict[str, Any]] = []
    calls, state = len(view.calls), ""
    for block in turn.blocks:
        if isinstance(block, Call):
            part = {"functionCall": _use(view, calls, block)}
            calls += 1
        elif isinstance(block, Text):
            part = {"text": block.text}
        else:
            state = sign(block.text)
            if block.form != "hidden":
                found.append({"text": block.text, "thought": True})
            continue
        found.append(part | ({"thoughtSignature": state} if state else {}))
        state = ""
    return found


def _use(view: View, count: int, call: Call) -> dict[str, Any]:
    said = {"name": call.name, "args": json.loads(call.arguments)}
    return {"id": view.given(count), **said} if "parallel" in view.model else said


def events(view: View, turn: Turn) -> list[bytes]:
    """The answer as a stream's events."""
    parts = [piece for part in _contents_of(view, turn) for piece in _streamed(part)]
    bodies = [_body(view, [part]) | {"usageMetadata": _EARLY} for part in parts]
    bodies.append(_body(view, [{"text": ""}], finishReason=STOPS[turn.stop]) | {"usageMetadata": _USAGE})
    return [_event(body) for body in bodies]


def _streamed(part: dict[str, Any]) -> list[dict[str, Any]]:
    """A part as its pieces: text is cut, and its signature comes last, on no text."""
    if "text" not in part:
        return [part]
    thought = {"thought": True} if part.get("thought") else {}
    found: list[dict[str, Any]] = [{"text": piece, **thought} for piece in pieces(part["text"])]
    if "thoughtSignature" in part:
        found.append({"text": "", "thoughtSignature": part["thoughtSignature"]})
    return found


_EARLY = {"promptTokenCount": INPUT, "totalTokenCount": INPUT}
_USAGE = {
    "promptTokenCount": INPUT,
    "cachedContentTokenCount": CACHED,
    "candidatesTokenCount": OUTPUT - REASONING,
    "thoughtsTokenCount": REASONING,
    "totalTokenCount": INPUT + OUTPUT,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": INPUT}],
}


def _body(view: View, parts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0, **more}
    response = token("response", view.model, len(view.calls))
    return {"candidates": [candidate], "modelVersion": view.model, "responseId": response}


def _event(value: dict[str, Any]) -> bytes:
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"data: {data}\r\n\r\n".encode()


def refused(refusal: RequestError) -> dict[str, Any]:
    """An error's body."""
    status = STATUS.get(refusal.status, "INTERNAL")
    return {"error": {"code": refusal.status, "message": refusal.message, "status": status}}


def broken(view: View, sent: int) -> bytes:
    """The event that reports an error in a stream."""
    return _event(instead(view))


def instead(view: View) -> dict[str, Any]:
    """An error inside a 200."""
    return {"error": {"code": 503, "message": "scripted failure", "status": "UNAVAILABLE"}}
