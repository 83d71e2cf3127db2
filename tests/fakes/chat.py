"""Chat Completions.

Checks follow the API reference (https://platform.openai.com/docs/api-reference/chat/create, 2026-11-24); the additions of
other vendors are DeepSeek's `reasoning_content` (https://api-docs.deepseek.com/guides/thinking_mode) and OpenRouter's
`reasoning_details` (https://openrouter.ai/docs/guides/best-practices/reasoning-tokens).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from fakes.check import RequestError, closed_schema, keys, need, number, one_of, rows, text, words
from fakes.values import CACHED, INPUT, OUTPUT, REASONING, Call, Text, Thought, Turn, View, pieces, seal, token, unseal

PATH = "/chat/completions"
STOPS = {"stop": "stop", "tool": "tool_calls", "length": "length"}
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}

_REQUEST = words("""
    model messages audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens
    max_tokens metadata modalities n parallel_tool_calls prediction presence_penalty prompt_cache_key
    prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store
    stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options
    reasoning
""")
_NAME = r"[a-zA-Z0-9_-]{1,64}"
_ID = r"[\s\S]{1,40}"  # "string too long. Expected a string with maximum length 40", says OpenAI


def call_id(model: str, count: int) -> str:
    """The id of a conversation's n-th call."""
    return "call_" + token(model, count)


def read(body: Any, headers: Mapping[str, str]) -> View:
    """Check a request and say what it holds.  Raises RequestError."""
    need(headers.get("authorization", "").startswith("Bearer "), "You didn't provide an API key.")
    keys(body, _REQUEST, "body", ("model", "messages"))
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1), ("max_tokens", 1, 1e6), ("n", 1, 1)):
        number(body.get(name), name, low, high)
    number(body.get("max_completion_tokens"), "max_completion_tokens", 1, 1e6)
    need(
        "stream_options" not in body or body.get("stream"),
        "stream_options is only allowed with stream",
        "stream_options",
    )
    model = text(body["model"], "model", r"[\s\S]+")
    view = View(model, lambda count: call_id(model, count), stream=bool(body.get("stream")))
    view.usage_chunk = bool((body.get("stream_options") or {}).get("include_usage"))
    _tools(body, view)
    _format(body.get("response_format"), view)
    _messages(rows(body["messages"], "messages"), view)
    return view


def _tools(body: dict[str, Any], view: View) -> None:
    for at, tool in enumerate(rows(body.get("tools") or [], "tools")):
        where = f"tools[{at}]"
        one_of(keys(tool, {"type", "function"}, where, {"type", "function"})["type"], {"function"}, f"{where}.type")
        function = keys(
            tool["function"], {"name", "description", "parameters", "strict"}, f"{where}.function", {"name"}
        )
        text(function["name"], f"{where}.function.name", _NAME)
        schema = function.get("parameters") or {"type": "object", "properties": {}}
        if function.get("strict"):
            closed_schema(schema, f"{where}.function.parameters")
        view.tools[function["name"]] = schema
    choice = body.get("tool_choice")
    need(
        choice is None or body.get("tools"), "'tool_choice' is only allowed when 'tools' are specified.", "tool_choice"
    )
    if isinstance(choice, dict):
        view.forced = keys(choice, {"type", "function"}, "tool_choice", {"type", "function"})["function"]["name"]
        one_of(view.forced, view.tools, "tool_choice.function.name")
    else:
        one_of(choice, {None, "auto", "none", "required"}, "tool_choice")
        view.must = choice == "required"


def _format(given: Any, view: View) -> None:
    if given is None:
        return
    keys(given, {"type", "json_schema"}, "response_format", {"type"})
    one_of(given["type"], {"text", "json_object", "json_schema"}, "response_format.type")
    if given["type"] == "json_schema":
        inner = keys(given["json_schema"], {"name", "description", "schema", "strict"}, "response_format.json_schema")
        text(inner.get("name"), "response_format.json_schema.name", _NAME)
        view.schema = inner.get("schema")
        if inner.get("strict"):
            closed_schema(view.schema, "response_format.json_schema.schema")


def _messages(messages: list[Any], view: View) -> None:
    need(messages, "[] is too short - 'messages'", "messages")
    waiting: list[str] = []
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        need(isinstance(message, dict), f"{where}: expected an object", where)
        one_of(message.get("role"), _ROLES, f"{where}.role")
        need(
            not waiting or message["role"] == "tool",
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
            f"The following tool_call_ids did not have response messages: {', '.join(waiting)}",
            where,
        )
        _ROLES[message["role"]](message, where, view, waiting)
    need(not waiting, f"tool_call_ids did not have response messages: {', '.join(waiting)}", "messages")


def _system(message: dict[str, Any], where: str, view: View, waiting: list[str]) -> None:
    keys(message, {"role", "content", "name"}, where, {"content"})
    view.system += _content(message["content"], f"{where}.content", {"text"})


def _user(message: dict[str, Any], where: str, view: View, waiting: list[str]) -> None:
    keys(message, {"role", "content", "name"}, where, {"content"})
    view.user = _content(message["content"], f"{where}.content", {"text", "image_url", "input_audio", "file"})


def _assistant(message: dict[str, Any], where: str, view: View, waiting: list[str]) -> None:
    known = "role content name refusal audio annotations tool_calls reasoning reasoning_content reasoning_details"
    keys(message, known.split(), where)
    need(
        message.get("content") is not None or message.get("tool_calls"), f"{where}: content or tool_calls needed", where
    )
    if message.get("content") is not None:
        _content(message["content"], f"{where}.content", {"text", "refusal"})
    view.thoughts += _thought(message, "details" in view.model or "hidden" in view.model)
    need("tool_calls" not in message or message["tool_calls"], "[] is too short - 'tool_calls'", f"{where}.tool_calls")
    for at, call in enumerate(rows(message.get("tool_calls", []), f"{where}.tool_calls")):
        inside = f"{where}.tool_calls[{at}]"
        keys(call, {"id", "type", "function", "index"}, inside, {"id", "type", "function"})
        one_of(call["type"], {"function"}, f"{inside}.type")
        function = keys(call["function"], {"name", "arguments"}, f"{inside}.function", {"name", "arguments"})
        text(function["name"], f"{inside}.function.name", _NAME)
        text(function["arguments"], f"{inside}.function.arguments")
        waiting.append(text(call["id"], f"{inside}.id", _ID))
        view.calls.append((call["id"], Call(function["name"], function["arguments"])))


def _tool(message: dict[str, Any], where: str, view: View, waiting: list[str]) -> None:
    keys(message, {"role", "content", "tool_call_id", "name"}, where, {"content", "tool_call_id"})
    key = message["tool_call_id"]
    need(
        key in waiting, "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'", where
    )
    waiting.remove(key)
    view.results[key] = _content(message["content"], f"{where}.content", {"text"})


_ROLES: dict[str, Callable[[dict[str, Any], str, View, list[str]], None]] = {
    "system": _system,
    "developer": _system,
    "user": _user,
    "assistant": _assistant,
    "tool": _tool,
}


def _content(content: Any, where: str, known: set[str]) -> str:
    if isinstance(content, str):
        return content
    found = []
    for at, part in enumerate(rows(content, where)):
        need(isinstance(part, dict), f"{where}[{at}]: expected an object", where)
        one_of(part.get("type"), known, f"{where}[{at}].type")
        need(part["type"] in part, f"{where}[{at}]: {part['type']!r} is missing", where)
        found.append(part["text"] if part["type"] == "text" else f"[{part['type']}]")
    return "".join(found)


def _thought(message: dict[str, Any], signed: bool) -> list[str]:
    details = message.get("reasoning_details") or []
    states = [unseal(detail.get("signature") or detail.get("data")) for detail in details]
    if signed or any(states):
        return [state for state in states if state]
    open_thought = message.get("reasoning_content") or message.get("reasoning")
    return [open_thought] if open_thought else []


def whole(view: View, turn: Turn) -> dict[str, Any]:
    """The answer as one object."""
    message: dict[str, Any] = {"role": "assistant", "content": _said(turn) or None, "refusal": None}
    for block in turn.blocks:
        if isinstance(block, Thought):
            message |= _thought_fields(block)
    calls = [
        {"id": view.given(number), "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for number, call in _numbered(view, turn)
    ]
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": STOPS[turn.stop]}
    return _frame(view, "chat.completion") | {"choices": [choice], "usage": _usage(turn)}


def _thought_fields(block: Thought) -> dict[str, Any]:
    if block.form == "open":
        return {"reasoning_content": block.text}
    if block.form == "hidden":
        return {"reasoning": None, "reasoning_details": [_hidden(block)]}
    return {
        "reasoning": block.text,
        "reasoning_details": [_DETAIL | {"text": block.text, "signature": seal(block.text)}],
    }


_DETAIL = {"type": "reasoning.text", "format": "x-fake-v1", "index": 0}


def _hidden(block: Thought) -> dict[str, Any]:
    return {"type": "reasoning.encrypted", "data": seal(block.text), "format": "x-fake-v1", "index": 0}


def events(view: View, turn: Turn) -> list[bytes]:
    """The answer as a stream's events."""
    frame = _frame(view, "chat.completion.chunk") | ({"usage": None} if view.usage_chunk else {})
    deltas = [{"role": "assistant", "content": "", "refusal": None}, *_deltas(view, turn)]
    chunks = [_choice(frame, delta, None) for delta in deltas]
    chunks.append(_choice(frame, {}, STOPS[turn.stop]))
    if view.usage_chunk:
        chunks.append(frame | {"choices": [], "usage": _usage(turn)})
    return [*(_event(chunk) for chunk in chunks), b"data: [DONE]\n\n"]


def _deltas(view: View, turn: Turn) -> Iterator[dict[str, Any]]:
    for block in turn.blocks:
        if isinstance(block, Thought):
            yield from _thinking(block)
        elif isinstance(block, Text):
            yield from ({"content": piece} for piece in pieces(block.text))
    streams = [_calling(at, number, call, view) for at, (number, call) in enumerate(_numbered(view, turn))]
    rounds = zip_longest(*streams) if turn.interleave else [tuple(delta for stream in streams for delta in stream)]
    yield from (delta for together in rounds for delta in together if delta)


def _thinking(block: Thought) -> Iterator[dict[str, Any]]:
    if block.form == "hidden":
        yield {"reasoning": None, "reasoning_details": [_hidden(block)]}
    elif block.form == "open":
        yield from ({"content": None, "reasoning_content": piece} for piece in pieces(block.text))
    else:
        for piece in pieces(block.text):
            yield {"reasoning": piece, "reasoning_details": [_DETAIL | {"text": piece}]}
        yield {"reasoning_details": [_DETAIL | {"signature": seal(block.text)}]}


def _calling(at: int, number: int, call: Call, view: View) -> Iterator[dict[str, Any]]:
    head = {"index": at, "id": view.given(number), "type": "function", "function": {"name": call.name, "arguments": ""}}
    yield {"tool_calls": [head]}
    for piece in pieces(call.arguments):
        yield {"tool_calls": [{"index": at, "function": {"arguments": piece}}]}


def _numbered(view: View, turn: Turn) -> list[tuple[int, Call]]:
    return list(enumerate((block for block in turn.blocks if isinstance(block, Call)), len(view.calls)))


def _said(turn: Turn) -> str:
    return "".join(block.text for block in turn.blocks if isinstance(block, Text))


def _frame(view: View, kind: str) -> dict[str, Any]:
    identity = "chatcmpl-" + token(view.model, len(view.calls))
    return {"id": identity, "object": kind, "created": 1790000000, "model": view.model, "system_fingerprint": "fp_fake"}


def _choice(frame: dict[str, Any], delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return frame | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}


def _usage(turn: Turn) -> dict[str, Any]:
    thought = any(isinstance(block, Thought) for block in turn.blocks)
    return {
        "prompt_tokens": INPUT,
        "completion_tokens": OUTPUT,
        "total_tokens": INPUT + OUTPUT,
        "prompt_tokens_details": {"cached_tokens": CACHED},
        "completion_tokens_details": {"reasoning_tokens": REASONING if thought else 0},
    }


def _event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def refused(refusal: RequestError) -> dict[str, Any]:
    """An error's body."""
    kind = ERRORS.get(refusal.status, "server_error")
    return {"error": {"message": refusal.message, "type": kind, "param": refusal.param or None, "code": None}}


def broken(view: View, sent: int) -> bytes:
    """The event that reports an error in a stream."""
    return _event({"error": {"message": "scripted failure", "type": "server_error", "param": None, "code": 502}})


def instead(view: View) -> dict[str, Any]:
    """An error inside a 200, as OpenRouter gives it."""
    return {"error": {"message": "scripted failure", "code": 502}}
