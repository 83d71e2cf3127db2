"""The three client dialects: how they ask, what they understand, and what they send back.

Strict where an SDK is: an envelope that is out of order, a block that is not closed, a stream without its end is an
error here.  Everything is read from raw bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from providers.script import TOOL

Json = dict[str, Any]

CHAT, RESPONSES, MESSAGES = "openai_chat", "openai_responses", "anthropic_messages"
DIALECTS = (CHAT, RESPONSES, MESSAGES)
PATHS = {CHAT: "/v1/chat/completions", RESPONSES: "/v1/responses", MESSAGES: "/v1/messages"}

_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
_ABOUT = "The weather of a city"
TOOLS = {
    CHAT: {"type": "function", "function": {"name": TOOL, "description": _ABOUT, "parameters": _SCHEMA}},
    RESPONSES: {"type": "function", "name": TOOL, "description": _ABOUT, "parameters": _SCHEMA, "strict": False},
    MESSAGES: {"name": TOOL, "description": _ABOUT, "input_schema": _SCHEMA},
}

THINKING: dict[str, Json] = {
    CHAT: {"reasoning_effort": "high"},
    RESPONSES: {
        "reasoning": {"effort": "high", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    },
    MESSAGES: {"thinking": {"type": "enabled", "budget_tokens": 2048}},
}
"""How the model is asked to think."""

EVERYTHING: dict[str, Json] = {
    CHAT: {
        "temperature": 0.7,
        "top_p": 0.9,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.1,
        "seed": 7,
        "stop": ["X"],
        "logit_bias": {"1": 1},
        "logprobs": True,
        "top_logprobs": 2,
        "n": 1,
        "user": "u",
        "store": False,
        "metadata": {"a": "b"},
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "service_tier": "auto",
        "max_completion_tokens": 500,
        "reasoning_effort": "medium",
        "verbosity": "medium",
        "prompt_cache_key": "k",
        "safety_identifier": "s",
    },
    RESPONSES: {
        "instructions": "Be brief.",
        "max_output_tokens": 500,
        "temperature": 0.7,
        "top_p": 0.9,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "store": False,
        "metadata": {"a": "b"},
        "user": "u",
        "truncation": "disabled",
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "medium", "summary": "auto"},
        "service_tier": "auto",
        "prompt_cache_key": "k",
        "safety_identifier": "s",
        "top_logprobs": 2,
        "max_tool_calls": 5,
        "text": {"verbosity": "medium", "format": {"type": "text"}},
    },
    MESSAGES: {
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "temperature": 0.7,
        "top_p": 0.9,
        "top_k": 5,
        "stop_sequences": ["X"],
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": False},
    },
}
"""Every parameter that an SDK would let a program set."""


@dataclass
class Call:
    id: str
    name: str
    arguments: str


@dataclass
class Said:
    """What a client understood.  `turn`: what it sends back as the model's turn."""

    text: str = ""
    thought: str = ""
    calls: list[Call] = field(default_factory=list)
    stop: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    model: str = ""
    turn: list[Json] = field(default_factory=list)


def ask(dialect: str, model: str, scene: str, *, stream: bool = False, tools: bool = False, **more: Any) -> Json:
    """A request in `dialect`."""
    said = f"scene={scene}"
    body: Json = {"model": model, "stream": stream}
    if dialect == RESPONSES:
        body["input"] = [{"role": "user", "content": said}]
    else:
        body["messages"] = [{"role": "user", "content": said}]
    if dialect == MESSAGES:
        body["max_tokens"] = 4096
    if dialect == CHAT and stream:
        body["stream_options"] = {"include_usage": True}
    if tools:
        body["tools"] = [TOOLS[dialect]]
    return body | more


def answered(dialect: str, body: Json, said: Said, results: list[str]) -> Json:
    """The next request: `body` with the model's turn and what its tools said."""
    name = "input" if dialect == RESPONSES else "messages"
    given = list(zip((call.id for call in said.calls), results))
    if dialect == CHAT:
        more = [{"role": "tool", "tool_call_id": key, "content": result} for key, result in given]
    elif dialect == RESPONSES:
        more = [{"type": "function_call_output", "call_id": key, "output": result} for key, result in given]
    else:
        blocks = [{"type": "tool_result", "tool_use_id": key, "content": result} for key, result in given]
        more = [{"role": "user", "content": blocks}]
    return body | {name: [*body[name], *said.turn, *more]}


def understood(dialect: str, body: bytes, *, stream: bool) -> Said:
    """What a successful answer says."""
    if stream:
        return _STREAMS[dialect](body)
    return _WHOLES[dialect](json.loads(body))


def error_of(dialect: str, body: bytes) -> Json:
    """The error object of a refusal."""
    said = json.loads(body)
    assert dialect != MESSAGES or said["type"] == "error"
    error: Json = said["error"]
    assert error["message"] and error["type"]
    return error


def error_in(dialect: str, body: bytes) -> str:
    """The message of the error that ends a stream; nothing in it may look like a success."""
    last = _events(body)[-1][1]
    if dialect == RESPONSES:
        assert last["type"] in ("error", "response.failed") and b"response.completed" not in body
        return str(last["message"] if last["type"] == "error" else last["response"]["error"]["message"])
    assert b"[DONE]" not in body and b"message_stop" not in body
    return str(last["error"]["message"])


def numbers(body: bytes) -> list[int]:
    """How the events of a Responses stream are numbered."""
    return [data["sequence_number"] for _, data in _events(body)]


# whole answers

_THOUGHT = ("reasoning_content", "reasoning", "reasoning_text")


def _chat(answer: Json) -> Said:
    choice = answer["choices"][0]
    message = choice["message"]
    calls = [_called(call["id"], call["function"]) for call in message.get("tool_calls") or ()]
    return Said(
        text=message["content"] or "",
        thought=next((message[name] for name in _THOUGHT if message.get(name)), ""),
        calls=calls,
        stop=choice["finish_reason"],
        usage=_chat_usage(answer["usage"] or {}),
        model=answer["model"],
        turn=[message],
    )


def _called(key: str, function: Json) -> Call:
    return Call(key, function["name"], function["arguments"])


def _chat_usage(usage: Json) -> dict[str, int]:
    return {
        "input": usage.get("prompt_tokens", 0),
        "output": usage.get("completion_tokens", 0),
        "cached": (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
        "reasoning": (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0,
    }


def _responses(answer: Json) -> Said:
    said = Said(model=answer["model"], turn=answer["output"])
    for item in answer["output"]:
        if item["type"] == "message":
            said.text += "".join(part["text"] for part in item["content"])
        elif item["type"] == "reasoning":
            said.thought += "".join(part["text"] for part in (*item["summary"], *(item.get("content") or ())))
        elif item["type"] == "function_call":
            said.calls.append(Call(item["call_id"], item["name"], item["arguments"]))
    reason = (answer.get("incomplete_details") or {}).get("reason", "")
    said.stop = reason or ("tool_calls" if said.calls else "stop")
    usage = answer["usage"]
    said.usage = {
        "input": usage["input_tokens"],
        "output": usage["output_tokens"],
        "cached": (usage.get("input_tokens_details") or {}).get("cached_tokens") or 0,
        "reasoning": (usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0,
    }
    return said


def _messages(answer: Json) -> Said:
    said = Said(model=answer["model"], stop=answer["stop_reason"])
    said.turn = [{"role": "assistant", "content": answer["content"]}]
    for block in answer["content"]:
        if block["type"] == "text":
            said.text += block["text"]
        elif block["type"] == "thinking":
            said.thought += block["thinking"]
        elif block["type"] == "tool_use":
            said.calls.append(Call(block["id"], block["name"], json.dumps(block["input"], ensure_ascii=False)))
    said.usage = _messages_usage(answer["usage"])
    return said


def _messages_usage(usage: Json) -> dict[str, int]:
    cached = usage.get("cache_read_input_tokens") or 0
    return {
        "input": usage["input_tokens"] + cached + (usage.get("cache_creation_input_tokens") or 0),
        "output": usage["output_tokens"],
        "cached": cached,
        "reasoning": 0,
    }


_WHOLES = {CHAT: _chat, RESPONSES: _responses, MESSAGES: _messages}

# streams


def _events(body: bytes) -> list[tuple[str, Json]]:
    """(event name, data) of a stream, comments and [DONE] left out."""
    found = []
    for block in body.decode().replace("\r\n", "\n").split("\n\n"):
        lines = [line.partition(":")[::2] for line in block.split("\n") if line and not line.startswith(":")]
        fields = {name: value.removeprefix(" ") for name, value in lines}
        if fields.get("data", "[DONE]") != "[DONE]":
            found.append((fields.get("event", ""), json.loads(fields["data"])))
    return found


def _chat_stream(body: bytes) -> Said:
    assert body.rstrip().endswith(b"data: [DONE]")
    message: Json = {"role": "assistant", "content": None}
    calls: dict[int, Json] = {}
    details: dict[int, Json] = {}
    last: Json = {}
    usage: Json = {}
    for _, chunk in _events(body):
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            assert choice["index"] == 0 and not (last and choice.get("finish_reason"))
            last = choice if choice.get("finish_reason") else last
            _join_delta(message, calls, details, choice["delta"])
    if calls:
        message["tool_calls"] = [calls[at] for at in sorted(calls)]
    if details:
        message["reasoning_details"] = [details[at] for at in sorted(details)]
    choice = {"message": message, "finish_reason": last["finish_reason"]}
    return _chat({"choices": [choice], "usage": usage, "model": chunk["model"]})


def _join_delta(message: Json, calls: dict[int, Json], details: dict[int, Json], delta: Json) -> None:
    for name in ("content", "reasoning_content", "reasoning", "reasoning_text", "reasoning_opaque"):
        if isinstance(delta.get(name), str):
            message[name] = (message.get(name) or "") + delta[name]
        elif delta.get(name):
            message[name] = [*(message.get(name) or ()), *delta[name]]
    for piece in delta.get("reasoning_details") or ():
        entry = details.setdefault(piece["index"], {})
        for name, value in piece.items():
            joins = name in ("text", "summary", "data")
            entry[name] = entry.get(name, "") + value if joins else value
    for place, piece in enumerate(delta.get("tool_calls") or ()):
        call = calls.setdefault(piece.get("index", len(calls) + place), {"function": {"name": "", "arguments": ""}})
        for name in ("name", "arguments"):
            call["function"][name] += (piece.get("function") or {}).get(name) or ""
        call |= {name: piece[name] for name in ("id", "type", "extra_content") if piece.get(name)}


def _responses_stream(body: bytes) -> Said:
    events = _events(body)
    assert [data["type"] for _, data in events[:2]] == ["response.created", "response.in_progress"]
    opened, text, arguments = list[int](), "", dict[int, str]()
    items: list[Json] = []
    for name, data in events:
        kind = data["type"]
        assert name in (kind, "")  # SDKs read the type in the data
        if kind == "response.output_item.added":
            opened.append(data["output_index"])
        elif kind == "response.output_item.done":
            opened.remove(data["output_index"])
            items.append(data["item"])
        elif kind == "response.output_text.delta":
            text += data["delta"]
        elif kind == "response.function_call_arguments.delta":
            at = data["output_index"]
            arguments[at] = arguments.get(at, "") + data["delta"]
    final = events[-1][1]
    assert final["type"] in ("response.completed", "response.incomplete") and not opened
    said = _responses(final["response"] | {"output": items})
    assert said.text == text and [call.arguments for call in said.calls] == [arguments[at] for at in sorted(arguments)]
    return said


def _messages_stream(body: bytes) -> Said:
    events = [(name, data) for name, data in _events(body) if name != "ping"]
    assert events[0][0] == "message_start" and events[-1][0] == "message_stop" and events[-2][0] == "message_delta"
    answer: Json = dict(events[0][1]["message"])
    blocks: list[Json] = []
    open_block: Json | None = None
    pieces = ""
    for name, data in events[1:-2]:
        assert name == data["type"]
        if name == "content_block_start":
            assert open_block is None and data["index"] == len(blocks)
            open_block, pieces = dict(data["content_block"]), ""
        elif name == "content_block_delta":
            assert open_block is not None and data["index"] == len(blocks)
            pieces += _into(open_block, data["delta"])
        else:
            assert name == "content_block_stop" and open_block is not None
            if open_block["type"] == "tool_use":
                open_block["input"] = json.loads(pieces or "{}")
            blocks.append(open_block)
            open_block = None
    assert open_block is None
    delta = events[-2][1]
    answer |= {"content": blocks, "stop_reason": delta["delta"]["stop_reason"]}
    answer["usage"] = answer["usage"] | {name: value for name, value in delta["usage"].items() if value is not None}
    return _messages(answer)


def _into(block: Json, delta: Json) -> str:
    """Join a delta to its block; the text of pieces of JSON is returned."""
    for name in ("text", "thinking", "signature"):
        if name in delta:
            block[name] = block.get(name, "") + delta[name]
    return str(delta.get("partial_json", ""))


_STREAMS = {CHAT: _chat_stream, RESPONSES: _responses_stream, MESSAGES: _messages_stream}
