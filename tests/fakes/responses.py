"""OpenAI Responses, without stored conversations.

Checks follow the API reference (https://platform.openai.com/docs/api-reference/responses/create, 2026-11-24) and the
words of the vendor's own refusals.  A reasoning item comes back by its encrypted content, where the request asked for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, zip_longest
from typing import Any

from fakes.check import RequestError, closed_schema, keys, need, number, one_of, rows, text, words
from fakes.values import CACHED, INPUT, OUTPUT, REASONING, Call, Text, Thought, Turn, View, pieces, seal, token, unseal

PATH = "/responses"
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}

_REQUEST = words("""
    model input background client_metadata context_management conversation include instructions
    max_output_tokens max_tool_calls metadata parallel_tool_calls previous_response_id prompt prompt_cache_key
    prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier store stream
    stream_options temperature text tool_choice tools top_logprobs top_p truncation user
""")
_NAME = r"[a-zA-Z0-9_-]{1,64}"
_ID = r"[\s\S]{1,64}"
_ENCRYPTED = "reasoning.encrypted_content"


def call_id(model: str, count: int) -> str:
    """The id of a conversation's n-th call."""
    return "call_" + token(model, count)


def read(body: Any, headers: Mapping[str, str]) -> View:
    """Check a request and say what it holds.  Raises RequestError."""
    need(headers.get("authorization", "").startswith("Bearer "), "You didn't provide an API key.")
    keys(body, _REQUEST, "body", ("model", "input"))
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1), ("max_output_tokens", 16, 1e6)):
        number(body.get(name), name, low, high)
    need(not body.get("previous_response_id"), "Previous response not found.", "previous_response_id")
    model = text(body["model"], "model", r"[\s\S]+")
    view = View(model, lambda count: call_id(model, count), stream=bool(body.get("stream")))
    view.encrypted = _ENCRYPTED in (body.get("include") or [])
    view.system = body.get("instructions") or ""
    _tools(body, view)
    _format(body, view)
    given = body["input"]
    _items([{"role": "user", "content": given}] if isinstance(given, str) else rows(given, "input"), view)
    return view


def _tools(body: dict[str, Any], view: View) -> None:
    for at, tool in enumerate(rows(body.get("tools") or [], "tools")):
        need(
            isinstance(tool, dict) and "type" in tool,
            f"Missing required parameter: 'tools[{at}].type'.",
            f"tools[{at}]",
        )
        if tool["type"] == "namespace":
            for inner, member in enumerate(tool["tools"]):
                _function(member, f"tools[{at}].tools[{inner}]", view)
        if tool["type"] == "function":
            _function(tool, f"tools[{at}]", view)
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        keys(choice, {"type", "name", "mode", "tools"}, "tool_choice", {"type"})
        view.forced = choice.get("name", "")
        need(
            not view.forced or view.forced in view.tools, f"Tool choice '{view.forced}' not found in 'tools' parameter."
        )
    else:
        one_of(choice, {None, "auto", "none", "required"}, "tool_choice")
        view.must = choice == "required"


def _function(tool: dict[str, Any], where: str, view: View) -> None:
    known = {"type", "name", "description", "parameters", "strict", "defer_loading", "output_schema"}
    keys(tool, known, where, {"name", "parameters"})
    text(tool["name"], f"{where}.name", _NAME)
    if tool.get("strict"):
        closed_schema(tool["parameters"], f"{where}.parameters")
    view.tools[tool["name"]] = tool["parameters"] or {"type": "object", "properties": {}}


def _format(body: dict[str, Any], view: View) -> None:
    given = keys(body.get("text") or {}, {"format", "verbosity"}, "text").get("format") or {"type": "text"}
    one_of(given.get("type"), {"text", "json_object", "json_schema"}, "text.format.type")
    if given["type"] == "json_schema":
        keys(given, {"type", "name", "description", "schema", "strict"}, "text.format", {"name", "schema"})
        text(given["name"], "text.format.name", _NAME)
        view.schema = given["schema"]
        if given.get("strict"):
            closed_schema(view.schema, "text.format.schema")


def _items(items: list[Any], view: View) -> None:
    need(items, "One of 'input' or 'previous_response_id' must be provided.", "input")
    kinds = []
    for at, item in enumerate(items):
        need(isinstance(item, dict), f"input[{at}]: expected an object", f"input[{at}]")
        kind = item.get("type", "message")
        one_of(kind, _ITEMS, f"input[{at}].type")
        _ITEMS[kind](item, f"input[{at}]", view)
        kinds.append("message" if item.get("role") in ("user", "system", "developer") else kind)
    for kind, after in zip_longest(kinds, kinds[1:], fillvalue=None):
        followed = (
            kind != "reasoning" or after not in (None, "message") or "assistant" in [i.get("role") for i in items]
        )
        need(followed, "Item of type 'reasoning' was provided without its required following item.", "input")
    open_calls = {key for key, _ in view.calls} - set(view.results)
    need(not open_calls, f"No tool output found for function call {', '.join(sorted(open_calls))}.", "input")


def _message(item: dict[str, Any], where: str, view: View) -> None:
    keys(item, {"type", "role", "content", "id", "status", "phase"}, where, {"role", "content"})
    role = item["role"]
    one_of(role, {"user", "assistant", "system", "developer"}, f"{where}.role")
    known = {"output_text", "refusal"} if role == "assistant" else {"input_text", "input_image", "input_file"}
    said = _content(item["content"], f"{where}.content", known)
    if role in ("system", "developer"):
        view.system += said
    elif role == "user":
        view.user = said


def _content(content: Any, where: str, known: set[str]) -> str:
    if isinstance(content, str):
        return content
    found = []
    for at, part in enumerate(rows(content, where)):
        need(isinstance(part, dict), f"{where}[{at}]: expected an object", where)
        one_of(part.get("type"), known, f"{where}[{at}].type")
        found.append(part["text"] if part["type"] in ("input_text", "output_text") else f"[{part['type']}]")
    return "".join(found)


def _function_call(item: dict[str, Any], where: str, view: View) -> None:
    known = {"type", "id", "call_id", "name", "arguments", "status", "namespace", "caller"}
    keys(item, known, where, {"call_id", "name", "arguments"})
    _identity(item, where, "fc")
    text(item["name"], f"{where}.name", _NAME)
    text(item["arguments"], f"{where}.arguments")
    view.calls.append((text(item["call_id"], f"{where}.call_id", _ID), Call(item["name"], item["arguments"])))


def _function_output(item: dict[str, Any], where: str, view: View) -> None:
    keys(item, {"type", "id", "call_id", "output", "status", "caller"}, where, {"call_id", "output"})
    key = item["call_id"]
    known = [call for call, _ in view.calls]
    need(key in known, f"No tool call found for function call output with call_id {key}.", where)
    view.results[key] = _content(item["output"], f"{where}.output", {"input_text", "input_image", "input_file"})


def _reasoning(item: dict[str, Any], where: str, view: View) -> None:
    keys(item, {"type", "id", "summary", "content", "encrypted_content", "status"}, where, {"summary"})
    _identity(item, where, "rs")
    for at, part in enumerate(rows(item["summary"], f"{where}.summary")):
        keys(part, {"type", "text"}, f"{where}.summary[{at}]", {"type", "text"})
    state = item.get("encrypted_content")
    need(state, f"Item '{item.get('id')}' not found. Items are not persisted when `store` is set to false.", where)
    thought = unseal(state)
    need(thought is not None, f"The encrypted content for item {item.get('id')} could not be verified.", where)
    view.thoughts.append(thought or "")


def _identity(item: dict[str, Any], where: str, prefix: str) -> None:
    value = item.get("id")
    right = value is None or (isinstance(value, str) and value.startswith(prefix))
    need(right, f"Invalid '{where}.id': {value!r}. Expected an ID that begins with '{prefix}'.", f"{where}.id")


def _other(item: dict[str, Any], where: str, view: View) -> None:
    """An item that no script needs; the vendor knows it."""


_ITEMS: dict[str, Callable[[dict[str, Any], str, View], None]] = {
    "message": _message,
    "function_call": _function_call,
    "function_call_output": _function_output,
    "reasoning": _reasoning,
    "custom_tool_call": _other,
    "custom_tool_call_output": _other,
    "web_search_call": _other,
}


def whole(view: View, turn: Turn) -> dict[str, Any]:
    """The answer as one object."""
    if turn.fault and turn.fault.kind == "instead":
        return instead(view)
    return _finished(view, turn, [item for item, _ in _output(view, turn)])


def events(view: View, turn: Turn) -> list[bytes]:
    """The answer as a stream's events."""
    begun = _response(view)
    opening = [{"type": "response.created", "response": begun}, {"type": "response.in_progress", "response": begun}]
    output = _output(view, turn)
    streams = [_item_events(item, at, deltas) for at, (item, deltas) in enumerate(output)]
    rounds = zip_longest(*streams) if turn.interleave else streams
    finished = _finished(view, turn, [item for item, _ in output])
    closing = {"type": f"response.{finished['status']}", "response": finished}
    found = [*opening, *(event for event in chain.from_iterable(rounds) if event), closing]
    return [_event(event, number) for number, event in enumerate(found)]


def _output(view: View, turn: Turn) -> list[tuple[dict[str, Any], Iterator[dict[str, Any]]]]:
    """Every output item, with the events between its start and its end."""
    found = []
    calls = len(view.calls)
    for at, block in enumerate(turn.blocks):
        key = token(view.model, len(view.calls), at)
        if isinstance(block, Text):
            found.append(_text_item(block, f"msg_{key}", at))
        elif isinstance(block, Call):
            found.append(_call_item(block, f"fc_{key}", at, view.given(calls)))
            calls += 1
        else:
            found.append(_reasoning_item(block, f"rs_{key}", at, view.encrypted))
    return found


def _text_item(block: Text, key: str, at: int) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": block.text}
    item = {"id": key, "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    place = {"item_id": key, "output_index": at, "content_index": 0}

    def between() -> Iterator[dict[str, Any]]:
        yield {"type": "response.content_part.added", **place, "part": part | {"text": ""}}
        for piece in pieces(block.text):
            yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **place, "text": block.text, "logprobs": []}
        yield {"type": "response.content_part.done", **place, "part": part}

    return item, between()


def _call_item(block: Call, key: str, at: int, call: str) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    item = {"id": key, "type": "function_call", "status": "completed", "call_id": call, "name": block.name}
    place = {"item_id": key, "output_index": at}

    def between() -> Iterator[dict[str, Any]]:
        for piece in pieces(block.arguments):
            yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
        done = {"name": block.name, "arguments": block.arguments}
        yield {"type": "response.function_call_arguments.done", **place, **done}

    return item | {"arguments": block.arguments}, between()


def _reasoning_item(
    block: Thought, key: str, at: int, encrypted: bool
) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    summary = [] if block.form == "hidden" else [{"type": "summary_text", "text": block.text}]
    item: dict[str, Any] = {"id": key, "type": "reasoning", "summary": summary}
    place = {"item_id": key, "output_index": at, "summary_index": 0}

    def between() -> Iterator[dict[str, Any]]:
        for part in summary:
            yield {"type": "response.reasoning_summary_part.added", **place, "part": part | {"text": ""}}
            for piece in pieces(block.text):
                yield {"type": "response.reasoning_summary_text.delta", **place, "delta": piece}
            yield {"type": "response.reasoning_summary_text.done", **place, "text": block.text}
            yield {"type": "response.reasoning_summary_part.done", **place, "part": part}

    return item | ({"encrypted_content": seal(block.text)} if encrypted else {}), between()


_EMPTY = {
    "message": {"status": "in_progress", "content": []},
    "function_call": {"status": "in_progress", "arguments": ""},
}


def _item_events(item: dict[str, Any], at: int, between: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    begun = item | _EMPTY.get(item["type"], {"summary": []})
    yield {"type": "response.output_item.added", "output_index": at, "item": begun}
    yield from between
    yield {"type": "response.output_item.done", "output_index": at, "item": item}


def _response(view: View) -> dict[str, Any]:
    return {
        "id": "resp_" + token(view.model, len(view.calls)),
        "object": "response",
        "created_at": 1790000000,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": view.system or None,
        "max_output_tokens": None,
        "metadata": {},
        "model": view.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": None,
    }


def _finished(view: View, turn: Turn, output: list[dict[str, Any]]) -> dict[str, Any]:
    cut = turn.stop == "length"
    return _response(view) | {
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "output": output,
        "usage": _usage(turn),
    }


def _usage(turn: Turn) -> dict[str, Any]:
    thought = any(isinstance(block, Thought) for block in turn.blocks)
    return {
        "input_tokens": INPUT,
        "input_tokens_details": {"cached_tokens": CACHED, "cache_write_tokens": 0},
        "output_tokens": OUTPUT,
        "output_tokens_details": {"reasoning_tokens": REASONING if thought else 0},
        "total_tokens": INPUT + OUTPUT,
    }


def _event(value: dict[str, Any], number: int) -> bytes:
    data = json.dumps(value | {"sequence_number": number}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {value['type']}\ndata: {data}\n\n".encode()


def refused(refusal: RequestError) -> dict[str, Any]:
    """An error's body."""
    kind = ERRORS.get(refusal.status, "server_error")
    return {"error": {"message": refusal.message, "type": kind, "param": refusal.param or None, "code": None}}


def broken(view: View, sent: int) -> bytes:
    """The event that reports an error in a stream."""
    failed = instead(view)
    if sent:
        return _event({"type": "response.failed", "response": failed}, sent)
    return _event({"type": "error", "code": "server_error", "message": "scripted failure", "param": None}, 0)


def instead(view: View) -> dict[str, Any]:
    """An error inside a 200."""
    return _response(view) | {"status": "failed", "error": {"code": "server_error", "message": "scripted failure"}}
