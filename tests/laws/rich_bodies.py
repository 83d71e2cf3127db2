"""Requests in which everything that a dialect can say is said, as its clients write it.

One body names most nested objects of its dialect; several bodies where one place can hold only one of two things.
"""

from __future__ import annotations

from typing import Any

from hexapla.ir.content import Origin, Reasoning
from hexapla.ir.envelope import seal
from hexapla.protocols.gemini_generate.signature import wrap

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQK"
WAV = "UklGRg=="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
MARK = {"type": "ephemeral", "ttl": "1h"}
HTTP = "https://example.org"
SEAL = seal(Reasoning(text="Hm.", form="reasoning_content", origin=Origin("elsewhere")))
"""Thought of somebody else, as a client brings it back."""

Body = dict[str, Any]


def chat(messages: list[Any], **more: Any) -> Body:
    return {"model": "p/m", "messages": messages, **more}


CHAT: dict[str, Body] = {
    "parts": chat(
        [
            {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": MARK}]},
            {"role": "developer", "content": "And kind.", "name": "dev"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "See", "cache_control": MARK},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
                    {"type": "image_url", "image_url": {"url": f"{HTTP}/a.png"}, "cache_control": MARK},
                    {"type": "video_url", "video_url": {"url": f"{HTTP}/v.mp4"}},
                    {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
                    {"type": "file", "file": {"file_id": "file-1"}},
                    {"type": "future_part", "future": {"a": 1}},
                ],
                "name": "ann",
            },
            {"role": "user", "content": "On.", "cache_control": MARK},
        ]
    ),
    "tools": chat(
        [
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "Let me look."}, {"type": "refusal", "refusal": "Not that."}],
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}},
                    {
                        "id": "c2",
                        "type": "custom",
                        "custom": {"name": "patch", "input": "*** Begin"},
                        "cache_control": MARK,
                    },
                    {"id": "c3", "type": "builtin_function", "function": {"name": "$web", "arguments": "{}"}},
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "21", "cache_control": MARK}]},
            {"role": "tool", "tool_call_id": "c2", "content": "done", "cache_control": MARK},
            {"role": "tool", "tool_call_id": "c3", "content": "found", "name": "$web"},
            {"role": "assistant", "content": "It is warm."},
            {"role": "user", "content": "And?"},
        ],
        tools=[
            {
                "type": "function",
                "function": {"name": "weather", "description": "Tells.", "parameters": SCHEMA, "strict": True},
                "cache_control": MARK,
            },
            {
                "type": "custom",
                "custom": {
                    "name": "patch",
                    "description": "Patches.",
                    "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /.+/"}},
                },
            },
            {"type": "web_search", "web_search": {"enable": True}, "cache_control": MARK},
        ],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        parallel_tool_calls=False,
    ),
    "fields": chat(
        [{"role": "user", "content": "Hi"}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "answer", "description": "D", "schema": SCHEMA, "strict": True},
        },
        stream=True,
        stream_options={"include_usage": True},
        reasoning={"effort": "high"},
        metadata={"k": "v"},
        logit_bias={"50256": -100},
        web_search_options={"user_location": {"type": "approximate", "approximate": {"city": "Rome"}}},
        prediction={"type": "content", "content": [{"type": "text", "text": "x"}]},
        audio={"voice": "alloy", "format": "mp3"},
        cache_control=MARK,
        max_completion_tokens=4096,
    ),
    "JSON mode": chat(
        [{"role": "user", "content": "Hi"}],
        response_format={"type": "json_object", "schema": SCHEMA},
        thinking={"type": "enabled", "budget_tokens": 2048},
    ),
    "text": chat([{"role": "user", "content": "Hi"}], response_format={"type": "text"}),
    "2023": chat(
        [
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}},
            {"role": "function", "name": "weather", "content": "21"},
        ],
        functions=[{"name": "weather", "description": "Tells.", "parameters": SCHEMA}],
        function_call={"name": "weather"},
    ),
    "freeform choice": chat(
        [{"role": "user", "content": "Hi"}],
        tools=[{"type": "custom", "custom": {"name": "patch"}}],
        tool_choice={"type": "custom", "custom": {"name": "patch"}},
    ),
    "allowed tools": chat(
        [{"role": "user", "content": "Hi"}],
        tools=[{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}],
        tool_choice={
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "weather"}}]},
        },
    ),
    "thought": chat(
        [
            {"role": "user", "content": "Think"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                    {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                    {"type": "text", "text": "So."},
                ],
                "reasoning_content": "First.",
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "First.", "format": "unknown", "index": 0},
                ],
            },
            {"role": "user", "content": "On"},
        ]
    ),
}


def messages(turns: list[Any], **more: Any) -> Body:
    return {"model": "p/m", "max_tokens": 4096, "messages": turns, **more}


MESSAGES: dict[str, Body] = {
    "blocks": messages(
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "See", "cache_control": MARK},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": PNG},
                        "cache_control": MARK,
                    },
                    {"type": "image", "source": {"type": "url", "url": f"{HTTP}/a.png"}},
                    {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
                    {
                        "type": "document",
                        "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                        "title": "T",
                        "context": "C",
                        "citations": {"enabled": True},
                    },
                    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "plain"}},
                    {
                        "type": "document",
                        "source": {"type": "content", "content": [{"type": "text", "text": "block"}]},
                    },
                    {
                        "type": "search_result",
                        "source": HTTP,
                        "title": "T",
                        "content": [{"type": "text", "text": "found"}],
                        "citations": {"enabled": True},
                    },
                ],
            },
        ],
        system=[{"type": "text", "text": "Be brief.", "cache_control": MARK}],
    ),
    "tools": messages(
        [
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                    {"type": "redacted_thinking", "data": "c2VjcmV0"},
                    {
                        "type": "text",
                        "text": "Look.",
                        "citations": [
                            {
                                "type": "char_location",
                                "cited_text": "x",
                                "document_index": 0,
                                "document_title": "T",
                                "start_char_index": 0,
                                "end_char_index": 1,
                            }
                        ],
                    },
                    {
                        "type": "tool_use",
                        "id": "t1",
                        "name": "weather",
                        "input": {"city": "Rome"},
                        "cache_control": MARK,
                    },
                    {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}},
                    {
                        "type": "web_search_tool_result",
                        "tool_use_id": "s1",
                        "content": [
                            {"type": "web_search_result", "url": HTTP, "title": "T", "encrypted_content": "e"},
                        ],
                    },
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t1",
                        "content": [
                            {"type": "text", "text": "21", "cache_control": MARK},
                            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                            {"type": "tool_reference", "tool_name": "weather"},
                        ],
                        "is_error": True,
                        "cache_control": MARK,
                    },
                    {"type": "text", "text": "So?"},
                ],
            },
        ],
        tools=[
            {
                "name": "weather",
                "description": "Tells.",
                "input_schema": SCHEMA,
                "strict": True,
                "cache_control": MARK,
                "input_examples": [{"city": "Rome"}],
            },
            {
                "type": "web_search_20250305",
                "name": "web_search",
                "user_location": {"type": "approximate", "city": "Rome"},
                "cache_control": MARK,
            },
        ],
        tool_choice={"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
    ),
    "fields": messages(
        [{"role": "user", "content": "Hi"}],
        thinking={"type": "enabled", "budget_tokens": 2048, "display": "summarized"},
        output_config={"effort": "high", "format": {"type": "json_schema", "schema": SCHEMA}},
        metadata={"user_id": "u"},
        context_management={"edits": [{"type": "clear_tool_uses_20250919"}]},
        container={"skills": [{"type": "anthropic", "skill_id": "x"}]},
        mcp_servers=[{"type": "url", "url": HTTP, "name": "n", "tool_configuration": {"enabled": True}}],
        cache_control=MARK,
    ),
    "beta format": messages(
        [{"role": "user", "content": "Hi"}, {"role": "system", "content": [{"type": "text", "text": "Now."}]}],
        output_format={"type": "json_schema", "schema": SCHEMA},
        thinking={"type": "adaptive"},
        tool_choice={"type": "auto"},
        tools=[{"type": "custom", "name": "weather", "input_schema": SCHEMA}],
    ),
    "envelopes": messages(
        [
            {"role": "user", "content": "Think"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": SEAL},
                    {"type": "redacted_thinking", "data": SEAL},
                    {"type": "text", "text": "So."},
                ],
            },
            {"role": "user", "content": "On"},
        ]
    ),
    "disabled": messages(
        [{"role": "user", "content": "Hi"}],
        thinking={"type": "disabled"},
        tool_choice={"type": "none"},
        tools=[{"name": "weather", "input_schema": SCHEMA}],
    ),
}


def responses(items: list[Any], **more: Any) -> Body:
    return {"model": "p/m", "input": items, **more}


RESPONSES: dict[str, Body] = {
    "parts": responses(
        [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "See"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "low"},
                    {"type": "input_image", "file_id": "file-1"},
                    {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
                    {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
                    {"type": "future_part", "future": {"a": 1}},
                ],
            },
        ],
        instructions="Be kind.",
    ),
    "items": responses(
        [
            {"type": "message", "role": "user", "content": "Weather?"},
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "Hm."}],
                "content": [{"type": "reasoning_text", "text": "First."}],
                "encrypted_content": "c2VjcmV0",
            },
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [
                    {
                        "type": "output_text",
                        "text": "Look.",
                        "annotations": [
                            {"type": "url_citation", "url": HTTP, "title": "T", "start_index": 0, "end_index": 1}
                        ],
                        "logprobs": [{"token": "L", "logprob": -0.1, "bytes": [76], "top_logprobs": []}],
                    },
                    {"type": "refusal", "refusal": "Not that."},
                ],
            },
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "weather", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "*** Begin"},
            {
                "type": "web_search_call",
                "id": "ws_1",
                "status": "completed",
                "action": {"type": "search", "query": "x"},
            },
            {
                "type": "function_call_output",
                "call_id": "c1",
                "output": [
                    {"type": "input_text", "text": "21"},
                    {"type": "input_image", "image_url": f"{HTTP}/a.png"},
                ],
            },
            {"type": "custom_tool_call_output", "call_id": "c2", "output": "done"},
            {"role": "user", "content": "So?"},
        ],
        tools=[
            {"type": "function", "name": "weather", "description": "Tells.", "parameters": SCHEMA, "strict": True},
            {
                "type": "custom",
                "name": "patch",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
            },
            {
                "type": "namespace",
                "name": "agents",
                "description": "D",
                "tools": [{"type": "function", "name": "spawn", "parameters": SCHEMA}],
            },
            {"type": "web_search", "filters": {"allowed_domains": ["example.org"]}},
        ],
        tool_choice={"type": "function", "name": "weather"},
    ),
    "fields": responses(
        [{"role": "user", "content": "Hi"}],
        reasoning={"effort": "high", "summary": "auto"},
        text={
            "verbosity": "low",
            "format": {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True},
        },
        metadata={"k": "v"},
        include=["reasoning.encrypted_content"],
        stream=True,
        stream_options={"include_obfuscation": False},
        client_metadata={"k": "v"},
    ),
    "JSON mode": responses(
        [{"role": "user", "content": "Hi"}],
        text={"format": {"type": "json_object"}},
        tools=[{"type": "function", "name": "weather", "parameters": SCHEMA}],
        tool_choice={
            "type": "allowed_tools",
            "mode": "auto",
            "tools": [{"type": "function", "name": "weather"}],
        },
    ),
    "envelope": responses(
        [
            {"role": "user", "content": "Think"},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": SEAL},
            {"role": "assistant", "content": "It is so."},
            {"role": "user", "content": "On"},
        ],
    ),
    "several thoughts": responses(
        [
            {"role": "user", "content": "Think"},
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "Hm."}, {"type": "summary_text", "text": "So."}],
                "content": [{"type": "reasoning_text", "text": "First."}, {"type": "reasoning_text", "text": "Then."}],
            },
            {"role": "assistant", "content": "It is so."},
            {"role": "user", "content": "On"},
        ],
    ),
}


def gemini(contents: list[Any], **more: Any) -> Body:
    return {"contents": contents, **more}


GEMINI: dict[str, Body] = {
    "parts": gemini(
        [
            {
                "role": "user",
                "parts": [
                    {"text": "See"},
                    {"inlineData": {"mimeType": "image/png", "data": PNG}},
                    {"fileData": {"mimeType": "application/pdf", "fileUri": f"{HTTP}/a.pdf", "displayName": "a"}},
                    {"inlineData": {"mimeType": "audio/wav", "data": WAV}, "videoMetadata": {"fps": 1}},
                ],
            }
        ],
        systemInstruction={"parts": [{"text": "Be brief."}]},
    ),
    "tools": gemini(
        [
            {"role": "user", "parts": [{"text": "Weather?"}]},
            {
                "role": "model",
                "parts": [
                    {"text": "Hm.", "thought": True},
                    {"text": "Look.", "thoughtSignature": "c2ln"},
                    {
                        "functionCall": {"id": "c1", "name": "weather", "args": {"city": "Rome"}},
                        "thoughtSignature": "c2ln",
                    },
                    {"executableCode": {"language": "PYTHON", "code": "1"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {
                        "functionResponse": {
                            "id": "c1",
                            "name": "weather",
                            "response": {"output": "21"},
                            "parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}],
                        }
                    }
                ],
            },
            {"role": "model", "parts": [{"text": "It is warm."}]},
            {"role": "user", "parts": [{"text": "And?"}]},
        ],
        tools=[
            {"functionDeclarations": [{"name": "weather", "description": "Tells.", "parametersJsonSchema": SCHEMA}]},
            {"functionDeclarations": [{"name": "time", "parameters": {"type": "OBJECT", "properties": {}}}]},
            {"googleSearch": {"timeRangeFilter": {"startTime": "2026-01-01T00:00:00Z"}}},
        ],
        toolConfig={
            "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]},
            "retrievalConfig": {"latLng": {"latitude": 1, "longitude": 1}},
        },
    ),
    "fields": gemini(
        [{"role": "user", "parts": [{"text": "Hi"}]}],
        generationConfig={
            "maxOutputTokens": 4096,
            "responseMimeType": "application/json",
            "responseJsonSchema": SCHEMA,
            "thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": True},
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
        },
        safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        labels={"k": "v"},
    ),
    "envelopes": gemini(
        [
            {"role": "user", "parts": [{"text": "Think"}]},
            {
                "role": "model",
                "parts": [
                    {"text": "Hm.", "thought": True},
                    {"text": "So.", "thoughtSignature": wrap([SEAL])},
                    {"text": "", "thought": True, "thoughtSignature": wrap([SEAL])},
                ],
            },
            {"role": "user", "parts": [{"text": "On"}]},
        ]
    ),
    "validated": gemini(
        [{"role": "user", "parts": [{"text": "Hi"}]}],
        tools=[{"functionDeclarations": [{"name": "weather"}]}],
        toolConfig={"functionCallingConfig": {"mode": "VALIDATED"}},
        generationConfig={"responseMimeType": "application/json", "thinkingConfig": {"thinkingLevel": "HIGH"}},
    ),
    "auto": gemini(
        [{"role": "user", "parts": {"text": "Hi"}}],
        tools=[{"functionDeclarations": [{"name": "weather"}]}],
        toolConfig={"functionCallingConfig": {"mode": "AUTO"}},
        generationConfig={"thinkingConfig": {"thinkingBudget": 0}},
    ),
}

RICH: dict[str, dict[str, Body]] = {
    "openai_chat": CHAT,
    "anthropic_messages": MESSAGES,
    "openai_responses": RESPONSES,
    "gemini_generate": GEMINI,
}
