"""Anthropic Messages.

Checks follow the API reference (https://platform.claude.com/docs/en/api/messages/create, 2026-11-24) and the words of the
vendor's own refusals.  A thinking block must come back with the signature that was given for its text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fakes.check import RequestError, closed_schema, keys, need, number, one_of, rows, text, words
from fakes.values import CACHED, INPUT, OUTPUT, WRITTEN, Call, Text, Turn, View, pieces, seal, token, unseal

PATH = "/messages"
STOPS = {"stop": "end_turn", "tool": "tool_use", "length": "max_tokens"}
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}

_REQUEST = words("""
    model messages max_tokens system metadata stop_sequences stream temperature top_k top_p tools tool_choice
    thinking container context_management mcp_servers output_config output_format service_tier inference_geo
    safeguards cache_control
""")
_TOOL = words("""
    name description input_schema type cache_control strict defer_loading input_examples allowed_callers
    eager_input_streaming
""")
_NAME = r"[a-zA-Z0-9_-]{1,128}"
_ID = r"[a-zA-Z0-9_-]+"  # "tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
_MARKS = 4  # "A maximum of 4 blocks with cache_control may be provided."


def call_id(model: str, count: int) -> str:
    """The id of a conversation's n-th call."""
    return "toolu_01" + token(model, count)


def read(body: Any, headers: Mapping[str, str]) -> View:
    """Check a request and say what it holds.  Raises RequestError."""
    need(
        "x-api-key" in headers or headers.get("authorization", "").startswith("Bearer "), "x-api-key header is required"
    )
    need("anthropic-version" in headers, "anthropic-version: header is required")
    keys(body, _REQUEST, "body", ("model", "messages"))
    number(body.get("temperature"), "temperature", 0, 1)
    number(body.get("top_p"), "top_p", 0, 1)
    marks = json.dumps(body).count('"cache_control": {')
    need(marks <= _MARKS, f"A maximum of {_MARKS} blocks with cache_control may be provided. Found {marks}.")
    model = text(body["model"], "model", r"[\s\S]+")
    view = View(model, lambda count: call_id(model, count), stream=bool(body.get("stream")))
    view.system = _content(body.get("system", ""), "system", {"text": _text}, view)
    _tools(body, view)
    _format(body, view)
    _messages(rows(body["messages"], "messages"), view)
    return view


def check_limits(body: dict[str, Any], headers: Mapping[str, str]) -> None:
    """What counting tokens does not ask for: the output limit, and thinking within it.

    Thinking that goes on between calls has the whole context for its budget, as Qwen Code and others make use of
    (https://platform.claude.com/docs/en/build-with-claude/extended-thinking, 2026-11-28).
    """
    need("max_tokens" in body, "max_tokens: Field required", "max_tokens")
    limit = body["max_tokens"]
    need(isinstance(limit, int) and limit >= 1, "max_tokens: must be at least 1", "max_tokens")
    thinking = keys(
        body.get("thinking") or {"type": "disabled"}, {"type", "budget_tokens", "display"}, "thinking", {"type"}
    )
    one_of(thinking["type"], {"enabled", "adaptive", "disabled"}, "thinking.type")
    if thinking["type"] == "enabled":
        budget = thinking.get("budget_tokens", 0)
        need(budget >= 1024, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        between = body.get("tools") and "interleaved-thinking" in headers.get("anthropic-beta", "")
        need(between or budget < limit, "`max_tokens` must be greater than `thinking.budget_tokens`")
    if thinking["type"] != "disabled":
        need(body.get("temperature", 1) == 1, "`temperature` may only be set to 1 when thinking is enabled")
        choice = (body.get("tool_choice") or {}).get("type", "auto")
        need(choice in ("auto", "none"), "Thinking may not be enabled when tool_choice forces tool use.", "tool_choice")


def _tools(body: dict[str, Any], view: View) -> None:
    for at, tool in enumerate(rows(body.get("tools") or [], "tools")):
        where = f"tools.{at}"
        if tool.get("type", "custom") != "custom":  # the vendor's own, run by the vendor
            continue
        keys(tool, _TOOL, where, {"name", "input_schema"})
        text(tool["name"], f"{where}.custom.name", _NAME)
        need(tool["input_schema"].get("type") == "object", f"{where}.custom.input_schema.type: Field required", where)
        view.tools[tool["name"]] = tool["input_schema"]
    choice = body.get("tool_choice")
    if choice is not None:
        keys(choice, {"type", "name", "disable_parallel_tool_use"}, "tool_choice", {"type"})
        one_of(choice["type"], {"auto", "any", "tool", "none"}, "tool_choice.type")
        need(body.get("tools") or choice["type"] == "none", "tool_choice may only be specified while providing tools")
        view.forced = choice.get("name", "")
        view.must = choice["type"] == "any"
        need(not view.forced or view.forced in view.tools, f"Tool '{view.forced}' not found in provided tools")


def _format(body: dict[str, Any], view: View) -> None:
    known = {"effort", "format", "task_budget"}
    given = keys(body.get("output_config") or {}, known, "output_config").get("format") or body.get("output_format")
    if given:
        one_of(
            keys(given, {"type", "schema"}, "output_config.format")["type"],
            {"json_schema"},
            "output_config.format.type",
        )
        closed_schema(given["schema"], "output_config.format.schema", demand_all=False)
        view.schema = given["schema"]


def _messages(messages: list[Any], view: View) -> None:
    need(messages, "messages: at least one message is required", "messages")
    waiting: set[str] = set()
    for at, message in enumerate(messages):
        where = f"messages.{at}"
        keys(message, {"role", "content", "output_config", "id"}, where, {"role", "content"})
        one_of(message["role"], {"user", "assistant", "system"}, f"{where}.role")
        need(at or message["role"] == "user", 'messages: first message must use the "user" role', where)
        need(message["content"] or at == len(messages) - 1, f"{where}: all messages must have non-empty content", where)
        results = _results(message, where, waiting)
        lost = ", ".join(sorted(waiting - results))
        need(
            not lost,
            f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after: {lost}",
            where,
        )
        said = _content(message["content"], f"{where}.content", _BLOCKS[message["role"]], view)
        if message["role"] == "user" and not results:
            view.user = said
        waiting = {block["id"] for block in _blocks(message) if block["type"] == "tool_use"}
    need(not waiting, "`tool_use` ids were found without `tool_result` blocks immediately after", "messages")


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    return message["content"] if isinstance(message["content"], list) else []


def _results(message: dict[str, Any], where: str, waiting: set[str]) -> set[str]:
    """The ids whose results stand in this message: first in it, and each answering a call just before."""
    kinds = [block.get("type") for block in _blocks(message)]
    found = {block.get("tool_use_id") for block in _blocks(message) if block.get("type") == "tool_result"}
    need(found <= waiting, f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {found - waiting}", where)
    first = kinds[: kinds.count("tool_result")]
    need(set(first) <= {"tool_result"}, f"{where}: tool_result blocks must come first in the content", where)
    return found


Reader = Callable[[dict[str, Any], str, View], str]


def _content(content: Any, where: str, readers: Mapping[str, Reader], view: View) -> str:
    if isinstance(content, str):
        return content
    found = []
    for at, block in enumerate(rows(content, where)):
        need(isinstance(block, dict), f"{where}.{at}: Input should be an object", where)
        one_of(block.get("type"), readers, f"{where}.{at}.type")
        found.append(readers[block["type"]](block, f"{where}.{at}", view))
    return "".join(found)


def _text(block: dict[str, Any], where: str, view: View) -> str:
    keys(block, {"type", "text", "cache_control", "citations"}, where, {"text"})
    need(text(block["text"], f"{where}.text"), f"{where}: text content blocks must be non-empty", where)
    return block["text"]


def _media(block: dict[str, Any], where: str, view: View) -> str:
    keys(block, {"type", "source", "cache_control", "title", "context", "citations"}, where, {"source"})
    one_of(block["source"].get("type"), {"base64", "url", "file", "text", "content"}, f"{where}.source.type")
    return f"[{block['type']}]"


def _tool_result(block: dict[str, Any], where: str, view: View) -> str:
    keys(block, {"type", "tool_use_id", "content", "is_error", "cache_control"}, where, {"tool_use_id"})
    said = _content(block.get("content", ""), f"{where}.content", _RESULT, view)
    view.results[block["tool_use_id"]] = ("ERROR " if block.get("is_error") else "") + said
    return ""


def _tool_use(block: dict[str, Any], where: str, view: View) -> str:
    keys(block, {"type", "id", "name", "input", "cache_control", "caller"}, where, {"id", "name", "input"})
    text(block["id"], f"{where}.tool_use.id", _ID)
    text(block["name"], f"{where}.tool_use.name", _NAME)
    need(isinstance(block["input"], dict), f"{where}.tool_use.input: Input should be a valid dictionary", where)
    view.calls.append((block["id"], Call(block["name"], json.dumps(block["input"], ensure_ascii=False))))
    return ""


def _thinking(block: dict[str, Any], where: str, view: View) -> str:
    keys(block, {"type", "thinking", "signature"}, where, {"thinking", "signature"})
    thought = unseal(block["signature"])
    need(
        thought is not None and thought == block["thinking"], f"{where}: Invalid `signature` in `thinking` block", where
    )
    view.thoughts.append(block["thinking"])
    return ""


def _redacted(block: dict[str, Any], where: str, view: View) -> str:
    keys(block, {"type", "data"}, where, {"data"})
    thought = unseal(block["data"])
    need(thought is not None, f"{where}: Invalid `data` in `redacted_thinking` block", where)
    view.thoughts.append(thought or "")
    return ""


def _reference(block: dict[str, Any], where: str, view: View) -> str:
    return f"[{block['type']}]"


_RESULT: dict[str, Reader] = {
    "text": _text,
    "image": _media,
    "document": _media,
    "search_result": _reference,
    "tool_reference": _reference,
}
_USER: dict[str, Reader] = _RESULT | {"tool_result": _tool_result}
_ASSISTANT: dict[str, Reader] = {
    "text": _text,
    "tool_use": _tool_use,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "server_tool_use": _reference,
    "web_search_tool_result": _reference,
}
_BLOCKS = {"user": _USER, "assistant": _ASSISTANT, "system": {"text": _text}}


def whole(view: View, turn: Turn) -> dict[str, Any]:
    """The answer as one object."""
    return _message(view) | {
        "content": _contents(view, turn),
        "stop_reason": STOPS[turn.stop],
        "usage": _USAGE | {"output_tokens": OUTPUT},
    }


def _contents(view: View, turn: Turn) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    calls = len(view.calls)
    for block in turn.blocks:
        if isinstance(block, Call):
            found.append(_use(view.given(calls), block.name, json.loads(block.arguments)))
            calls += 1
        elif isinstance(block, Text):
            found.append({"type": "text", "text": block.text})
        elif block.form == "hidden":
            found.append({"type": "redacted_thinking", "data": seal(block.text)})
        else:
            found.append({"type": "thinking", "thinking": block.text, "signature": seal(block.text)})
    return found


def _use(identity: str, name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": identity, "name": name, "input": value}


def events(view: View, turn: Turn) -> list[bytes]:
    """The answer as a stream's events.  Blocks never interleave in this dialect."""
    start = {"type": "message_start", "message": _message(view) | {"usage": _USAGE | {"output_tokens": 1}}}
    found = [start, {"type": "ping"}]
    for index, block in enumerate(_contents(view, turn)):
        opening, deltas = _streamed(block)
        found.append({"type": "content_block_start", "index": index, "content_block": opening})
        found += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        found.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": STOPS[turn.stop], "stop_sequence": None}
    found.append({"type": "message_delta", "delta": delta, "usage": _USAGE | {"output_tokens": OUTPUT}})
    return [_event(event) for event in [*found, {"type": "message_stop"}]]


def _streamed(block: dict[str, Any]) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """A block as its start and its deltas."""
    if block["type"] == "text":
        return {"type": "text", "text": ""}, ({"type": "text_delta", "text": piece} for piece in pieces(block["text"]))
    if block["type"] == "tool_use":
        texts = ["", *pieces(json.dumps(block["input"], ensure_ascii=False))]
        return block | {"input": {}}, ({"type": "input_json_delta", "partial_json": piece} for piece in texts)
    if block["type"] == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
        signature = {"type": "signature_delta", "signature": block["signature"]}
        return {"type": "thinking", "thinking": "", "signature": ""}, iter([*thoughts, signature])
    return block, iter(())


_USAGE = {
    "input_tokens": INPUT - CACHED - WRITTEN,
    "cache_creation_input_tokens": WRITTEN,
    "cache_read_input_tokens": CACHED,
    "cache_creation": {"ephemeral_5m_input_tokens": WRITTEN, "ephemeral_1h_input_tokens": 0},
    "service_tier": "standard",
}


def _message(view: View) -> dict[str, Any]:
    identity = "msg_01" + token(view.model, len(view.calls))
    head = {"id": identity, "type": "message", "role": "assistant", "model": view.model, "content": []}
    return head | {"stop_reason": None, "stop_sequence": None}


def _event(value: dict[str, Any]) -> bytes:
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"event: {value['type']}\ndata: {data}\n\n".encode()


def refused(refusal: RequestError) -> dict[str, Any]:
    """An error's body."""
    kind = ERRORS.get(refusal.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": refusal.message}, "request_id": "req_011fake"}


def broken(view: View, sent: int) -> bytes:
    """The event that reports an error in a stream."""
    return _event({"type": "error", "error": {"type": "overloaded_error", "message": "scripted failure"}})


def instead(view: View) -> dict[str, Any]:
    """An error inside a 200."""
    return {"type": "error", "error": {"type": "overloaded_error", "message": "scripted failure"}}
