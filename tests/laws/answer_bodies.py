"""Answers in which everything that a dialect can say is said, as its vendors write it, whole and as events."""

from __future__ import annotations

from typing import Any

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HTTP = "https://example.org"

Json = dict[str, Any]

LOGPROBS = {"content": [{"token": "H", "logprob": -0.1, "bytes": [72], "top_logprobs": []}], "refusal": None}
CHAT_USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 5,
    "total_tokens": 14,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
NOTE = {"type": "url_citation", "url_citation": {"url": HTTP, "title": "T", "start_index": 0, "end_index": 1}}
DETAIL = {"type": "reasoning.text", "text": "Hm.", "format": "unknown", "index": 0}

CHAT: Json = {
    "id": "a1",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hi",
                "reasoning_content": "Hm.",
                "reasoning_details": [DETAIL],
                "annotations": [NOTE],
                "images": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}],
                "tool_calls": [CALL],
            },
            "logprobs": LOGPROBS,
            "finish_reason": "tool_calls",
        }
    ],
    "usage": CHAT_USAGE,
}


def _chunk(delta: Json, **more: Any) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": None, **more}
    return {"id": "a1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


CHAT_EVENTS: list[Json] = [
    _chunk({"role": "assistant", "content": ""}),
    _chunk({"reasoning_content": "Hm.", "reasoning_details": [DETAIL]}),
    _chunk({"content": "Hi"}, logprobs=LOGPROBS),
    _chunk({"content": " you"}),
    _chunk({"annotations": [NOTE]}),
    _chunk({"tool_calls": [{**CALL, "index": 0}]}),
    _chunk({}, finish_reason="tool_calls"),
    {"id": "a1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": CHAT_USAGE},
]

CITATION = {"type": "web_search_result_location", "url": HTTP, "title": "T", "cited_text": "x", "encrypted_index": "e"}
MESSAGES_USAGE = {
    "input_tokens": 9,
    "output_tokens": 5,
    "cache_read_input_tokens": 3,
    "cache_creation_input_tokens": 1,
    "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 0},
    "server_tool_use": {"web_search_requests": 1},
}
BLOCKS: list[Json] = [
    {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
    {"type": "redacted_thinking", "data": "c2VjcmV0"},
    {"type": "text", "text": "Hi", "citations": [CITATION]},
    {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}},
    {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Rome"}},
]
MESSAGES: Json = {
    "id": "a1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": BLOCKS,
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": MESSAGES_USAGE,
    "container": {"id": "c", "expires_at": "2026-01-01T00:00:00Z"},
}


def _block(index: int, block: Json, *deltas: Json) -> list[Json]:
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


MESSAGES_EVENTS: list[Json] = [
    {"type": "message_start", "message": {**MESSAGES, "content": [], "stop_reason": None}},
    *_block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Hm."},
        {"type": "signature_delta", "signature": "c2ln"},
    ),
    *_block(
        1,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "Hi"},
        {"type": "citations_delta", "citation": CITATION},
    ),
    *_block(2, BLOCKS[3]),
    *_block(3, {**BLOCKS[4], "input": {}}, {"type": "input_json_delta", "partial_json": '{"city":"Rome"}'}),
    {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": MESSAGES_USAGE},
    {"type": "message_stop"},
]

ITEMS: list[Json] = [
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": "c2VjcmV0",
        "status": "completed",
    },
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [
            {
                "type": "output_text",
                "text": "Hi",
                "annotations": [NOTE["url_citation"] | {"type": "url_citation"}],
                "logprobs": LOGPROBS["content"],
            }
        ],
    },
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}},
    {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "c1",
        "name": "weather",
        "arguments": '{"city":"Rome"}',
        "status": "completed",
    },
]
RESPONSES: Json = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_700_000_000,
    "status": "completed",
    "model": "m",
    "output": ITEMS,
    "usage": {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 3},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 14,
    },
}


def _item(index: int, item: Json, begun: Json, *between: Json) -> list[Json]:
    where = {"output_index": index, "item_id": item["id"]}
    return [
        {"type": "response.output_item.added", "output_index": index, "item": begun},
        *(where | event for event in between),
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


_BEGUN = RESPONSES | {"status": "in_progress", "output": [], "usage": None}
_EMPTY: Json = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
RESPONSES_EVENTS: list[Json] = [
    {"type": "response.created", "response": _BEGUN},
    *_item(
        0,
        ITEMS[0],
        ITEMS[0] | {"summary": [], "status": "in_progress"},
        {
            "type": "response.reasoning_summary_part.added",
            "summary_index": 0,
            "part": {"type": "summary_text", "text": ""},
        },
        {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": "Hm."},
    ),
    *_item(
        1,
        ITEMS[1],
        ITEMS[1] | {"content": [], "status": "in_progress"},
        {"type": "response.content_part.added", "content_index": 0, "part": _EMPTY},
        {"type": "response.output_text.delta", "content_index": 0, "delta": "Hi", "logprobs": LOGPROBS["content"]},
        {
            "type": "response.output_text.annotation.added",
            "content_index": 0,
            "annotation_index": 0,
            "annotation": NOTE["url_citation"] | {"type": "url_citation"},
        },
        {"type": "response.content_part.done", "content_index": 0, "part": ITEMS[1]["content"][0]},
    ),
    *_item(2, ITEMS[2], ITEMS[2] | {"status": "in_progress"}),
    *_item(
        3,
        ITEMS[3],
        ITEMS[3] | {"arguments": "", "status": "in_progress"},
        {"type": "response.function_call_arguments.delta", "delta": '{"city":"Rome"}'},
    ),
    {"type": "response.completed", "response": RESPONSES},
]

GROUNDING = {
    "groundingChunks": [{"web": {"uri": HTTP, "title": "T"}}],
    "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 1, "text": "H"}, "groundingChunkIndices": [0]}],
}
GEMINI_USAGE = {
    "promptTokenCount": 9,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 2,
    "totalTokenCount": 16,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}],
}
PARTS: list[Json] = [
    {"text": "Hm.", "thought": True},
    {"text": "Hi"},
    {"inlineData": {"mimeType": "image/png", "data": PNG}},
    {"executableCode": {"language": "PYTHON", "code": "1"}},
    {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Rome"}}, "thoughtSignature": "c2ln"},
]


def _candidate(parts: list[Json], **more: Any) -> Json:
    return {"candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0, **more}]}


GEMINI: Json = _candidate(
    PARTS,
    finishReason="STOP",
    safetyRatings=[{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}],
    groundingMetadata=GROUNDING,
) | {"usageMetadata": GEMINI_USAGE, "modelVersion": "m", "responseId": "a1"}
GEMINI_EVENTS: list[Json] = [
    *(_candidate([part]) | {"modelVersion": "m", "responseId": "a1"} for part in PARTS),
    _candidate([{"text": ""}], finishReason="STOP", groundingMetadata=GROUNDING) | {"usageMetadata": GEMINI_USAGE},
]

WHOLE: dict[str, Json] = {
    "openai_chat": CHAT,
    "anthropic_messages": MESSAGES,
    "openai_responses": RESPONSES,
    "gemini_generate": GEMINI,
}
EVENTS: dict[str, list[Json]] = {
    "openai_chat": CHAT_EVENTS,
    "anthropic_messages": MESSAGES_EVENTS,
    "openai_responses": RESPONSES_EVENTS,
    "gemini_generate": GEMINI_EVENTS,
}
