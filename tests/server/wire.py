"""What upstreams of the three dialects say, byte for byte, and how their clients ask."""

from __future__ import annotations

import json
from typing import Any

CHAT, RESPONSES, MESSAGES, GEMINI = "openai_chat", "openai_responses", "anthropic_messages", "gemini_generate"
DIALECTS = (CHAT, RESPONSES, MESSAGES)

"""Those that name the model in the body; Gemini names it in the path (test_gemini.py)."""

PATHS = {CHAT: "/v1/chat/completions", RESPONSES: "/v1/responses", MESSAGES: "/v1/messages"}
TERMINATORS = {CHAT: b"[DONE]", RESPONSES: b"response.completed", MESSAGES: b"message_stop"}
"""What only a stream that succeeded may hold."""

OK = b"HTTP/1.1 200 OK\r\n"
STREAM = OK + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def ask(protocol: str, model: str, *, stream: bool = False, **more: Any) -> bytes:
    """The smallest valid request of a dialect."""
    body: dict[str, Any] = {"model": model, "stream": stream}
    if protocol == RESPONSES:
        body["input"] = "Hello"
    else:
        body["messages"] = [{"role": "user", "content": "Hello"}]
    if protocol == MESSAGES:
        body["max_tokens"] = 64
    return json.dumps(body | more).encode()


def whole(protocol: str, text: str = "Hello.", model: str = "m") -> bytes:
    """A complete HTTP answer that is not a stream."""
    return answer(200, json.dumps(_WHOLE[protocol](text, model)).encode())


def answer(status: int, body: bytes, *headers: str) -> bytes:
    """A complete HTTP answer with a JSON body."""
    lines = [f"HTTP/1.1 {status} Said", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def refusal(protocol: str, status: int, *headers: str) -> bytes:
    """A vendor's error answer."""
    return answer(status, json.dumps(_error(protocol, "the upstream refuses")).encode(), *headers)


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST = b"0\r\n\r\n"


def opening(protocol: str) -> bytes:
    """Everything that a stream says before its first content."""
    return _frames(protocol, _OPENING[protocol])


def piece(protocol: str, text: str) -> bytes:
    """One piece of text."""
    return _frames(protocol, [_PIECE[protocol](text)])


def ending(protocol: str, text: str) -> bytes:
    """Everything after the last piece of `text`, terminator included."""
    done = b"data: [DONE]\n\n" if protocol == CHAT else b""
    return _frames(protocol, _ENDING[protocol](text)) + done


def broken(protocol: str) -> bytes:
    """The dialect's own error event."""
    if protocol == RESPONSES:
        said = {"type": "error", "code": "server_error", "message": "the upstream broke", "sequence_number": 9}
        return _frames(protocol, [said])
    return _frames(protocol, [_error(protocol, "the upstream broke")])


def _error(protocol: str, message: str) -> dict[str, Any]:
    if protocol == MESSAGES:
        return {"type": "error", "error": {"type": "api_error", "message": message}}
    if protocol == GEMINI:
        return {"error": {"code": 500, "message": message, "status": "INTERNAL"}}
    return {"error": {"message": message, "type": "server_error", "param": None, "code": "server_error"}}


def _frames(protocol: str, events: list[dict[str, Any]]) -> bytes:
    if protocol in (CHAT, GEMINI):
        return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def _chat(**choice: Any) -> dict[str, Any]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1790000000, "model": "m"}
    return head | {"choices": [{"index": 0, "finish_reason": None} | choice]}


def _response(status: str, output: list[Any]) -> dict[str, Any]:
    usage = {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 5,
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1790000000,
        "status": status,
        "model": "m",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "usage": usage if status == "completed" else None,
    }


def _item(text: str, status: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}] if status == "completed" else []
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}


def _candidate(text: str, **more: Any) -> dict[str, Any]:
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5} if more else {}
    said = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    return {"candidates": [said | more], "modelVersion": "m", "responseId": "r1"} | (
        {"usageMetadata": usage} if usage else {}
    )


def _message(text: str, model: str) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": "end_turn" if text else None,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }


_WHOLE: dict[str, Any] = {
    CHAT: lambda text, model: {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1790000000,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    },
    RESPONSES: lambda text, model: _response("completed", [_item(text, "completed")]) | {"model": model},
    MESSAGES: _message,
    GEMINI: lambda text, model: _candidate(text, finishReason="STOP"),
}

_PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
_EMPTY_PART = {"type": "output_text", "text": "", "annotations": []}

_OPENING: dict[str, list[dict[str, Any]]] = {
    CHAT: [_chat(delta={"role": "assistant", "content": ""})],
    RESPONSES: [
        {"type": "response.created", "sequence_number": 0, "response": _response("in_progress", [])},
        {"type": "response.in_progress", "sequence_number": 1, "response": _response("in_progress", [])},
        {
            "type": "response.output_item.added",
            "sequence_number": 2,
            "output_index": 0,
            "item": _item("", "in_progress"),
        },
        {"type": "response.content_part.added", "sequence_number": 3, **_PLACE, "part": _EMPTY_PART},
    ],
    MESSAGES: [
        {"type": "message_start", "message": _message("", "m")},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ],
    GEMINI: [],
}

_PIECE: dict[str, Any] = {
    CHAT: lambda text: _chat(delta={"content": text}),
    RESPONSES: lambda text: {
        "type": "response.output_text.delta",
        "sequence_number": 4,
        **_PLACE,
        "delta": text,
        "logprobs": [],
    },
    MESSAGES: lambda text: {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": text},
    },
    GEMINI: _candidate,
}

_ENDING: dict[str, Any] = {
    CHAT: lambda text: [_chat(delta={}, finish_reason="stop")],
    RESPONSES: lambda text: [
        {"type": "response.output_text.done", "sequence_number": 5, **_PLACE, "text": text, "logprobs": []},
        {"type": "response.content_part.done", "sequence_number": 6, **_PLACE, "part": _EMPTY_PART | {"text": text}},
        {
            "type": "response.output_item.done",
            "sequence_number": 7,
            "output_index": 0,
            "item": _item(text, "completed"),
        },
        {
            "type": "response.completed",
            "sequence_number": 8,
            "response": _response("completed", [_item(text, "completed")]),
        },
    ],
    MESSAGES: lambda text: [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
    ],
    GEMINI: lambda text: [_candidate("", finishReason="STOP")],
}
