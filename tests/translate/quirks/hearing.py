"""What a client hears of an upstream's answer, told by the vendor's own SDK and its strictest helper.

The answer goes through the lane that a request of the client's dialect opens; its bytes come in pieces of any size.  What
is compared is what a person would: words, thought, calls, why it ended, what was used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import anthropic
import httpx2
import openai
from google.genai.types import GenerateContentResponse

from hexapla.catalog.schema import Quirks
from hexapla.errors import GatewayError
from hexapla.ir.content import Origin
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek
from hexapla.translate.summary import Summary
from hexapla.wire.sse import SSEDecoder

CHAT, MESSAGES, RESPONSES, GEMINI = "openai_chat", "anthropic_messages", "openai_responses", "gemini_generate"
CLIENTS = (CHAT, MESSAGES, RESPONSES, GEMINI)
REPLY = Reply(id="gen-1", created=1_700_000_000, model="m", include_usage=True)
BOM = b"\xef\xbb\xbf"
TOOLS = ("get_weather", "get", "run")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


class Call(NamedTuple):
    name: str
    arguments: Any


class Heard(NamedTuple):
    """An answer as a program has it at the end.  error: what went wrong; everything else is what was heard before."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    stop: str = "stop"
    thought: str = ""
    usage: tuple[int, int] | None = None
    error: str = ""


def asked(client: str, *, stream: bool) -> dict[str, Any]:
    """A request with tools, as a client of this dialect says it."""
    hi = [{"role": "user", "content": "hi"}]
    named = [{"name": name, "description": "d"} for name in TOOLS]
    if client == CHAT:
        tools = [{"type": "function", "function": each | {"parameters": SCHEMA}} for each in named]
        options = {"stream_options": {"include_usage": True}} if stream else {}
        return {"model": "p/m", "messages": hi, "tools": tools, "stream": stream, **options}
    if client == MESSAGES:
        tools = [each | {"input_schema": SCHEMA} for each in named]
        return {"model": "p/m", "max_tokens": 99, "messages": hi, "tools": tools, "stream": stream}
    if client == RESPONSES:
        tools = [{"type": "function", **each, "parameters": SCHEMA} for each in named]
        return {"model": "p/m", "input": "hi", "tools": tools, "stream": stream}
    declared = [each | {"parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}} for each in named]
    return {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "tools": [{"functionDeclarations": declared}]}


def opened(client: str, upstream: str, *, stream: bool, body: dict[str, Any] | None = None) -> Lane:
    """The lane of such a request."""
    said = json.dumps(asked(client, stream=stream) if body is None else body).encode()
    peeked = peek(client, said, model="p/m", stream=stream) if client == GEMINI else peek(client, said)
    return Translation(peeked, REPLY).open(Target(origin=Origin(upstream, "p"), model="up"), Quirks())


def carried(lane: Lane, data: bytes, cut: int) -> bytes:
    """A stream's bytes for the client, as the exchange carries them: nothing is heard after the end."""
    stream, out = lane.stream(), b""
    for at in range(0, len(data), cut):
        out += stream.feed(data[at : at + cut])
        if stream.done or stream.failed:
            break
    return out if stream.failed else out + stream.close()


def whole(client: str, upstream: str, data: bytes) -> tuple[Heard, Summary]:
    """A whole answer as the client has it, and what the books have of it."""
    lane = opened(client, upstream, stream=False)
    try:
        return _WHOLE[client](lane.answer(data.removeprefix(BOM)), client != upstream), lane.summary
    except GatewayError as error:
        return Heard(stop="", error=error.message), lane.summary


def streamed(client: str, upstream: str, data: bytes, cut: int) -> tuple[Heard, Summary]:
    """A stream as the client has it, and what the books have of it."""
    lane = opened(client, upstream, stream=True)
    return _STREAMED[client](carried(lane, data, cut), client != upstream), lane.summary


def gathered(client: str, upstream: str, data: bytes) -> Heard:
    """A stream that nobody asked for, as the client has it whole."""
    try:
        body = opened(client, upstream, stream=False).gather(data.removeprefix(BOM))
        return _WHOLE[client](body, client != upstream)
    except GatewayError as error:
        return Heard(stop="", error=error.message)


def simulated(client: str, upstream: str, data: bytes) -> Heard:
    """A whole answer where a stream was asked for, as the client has it streamed."""
    try:
        said = b"".join(opened(client, upstream, stream=True).simulate(data.removeprefix(BOM)))
        return _STREAMED[client](said, client != upstream)
    except GatewayError as error:
        return Heard(stop="", error=error.message)


def _sdk_transport(data: bytes, kind: str) -> httpx2.Client:
    def respond(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": kind}, content=data)

    return httpx2.Client(transport=httpx2.MockTransport(respond))


def _openai(data: bytes, kind: str, strict: bool) -> openai.OpenAI:
    return openai.OpenAI(
        api_key="k", base_url="http://t/v1", http_client=_sdk_transport(data, kind), max_retries=0,
        _strict_response_validation=strict,
    )  # fmt: skip


def _anthropic(data: bytes, kind: str, strict: bool) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        api_key="k", base_url="http://t", http_client=_sdk_transport(data, kind), max_retries=0,
        _strict_response_validation=strict,
    )  # fmt: skip


_JSON, _SSE = "application/json", "text/event-stream"
_ASK: Any = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def _chat_whole(data: bytes, strict: bool) -> Heard:
    return _of_chat(_openai(data, _JSON, strict).chat.completions.create(**_ASK))


def _chat_stream(data: bytes, strict: bool) -> Heard:
    assert len(re.findall(rb"data: ?\[DONE\]", data)) == (b'"error"' not in data), data[-300:]
    try:
        with _openai(data, _SSE, strict).chat.completions.stream(**_ASK) as events:
            for _ in events:
                pass
            final = events.current_completion_snapshot
    except openai.APIError as error:
        return Heard(stop="", error=error.message)
    return _of_chat(final)


def _of_chat(answer: Any) -> Heard:
    (choice,) = answer.choices
    message = choice.message
    extra = message.model_extra or {}
    ids = [call.id for call in message.tool_calls or ()]
    assert all(ids) and len({*ids}) == len(ids), ids
    assert message.function_call is None
    assert all(call.type == "function" for call in message.tool_calls or ())
    usage = answer.usage
    return Heard(
        text=message.content or message.refusal or "",
        calls=tuple(Call(call.function.name, _arguments(call.function.arguments)) for call in message.tool_calls or ()),
        stop=choice.finish_reason,
        thought=extra.get("reasoning_content") or extra.get("reasoning") or "",
        usage=None if usage is None else (usage.prompt_tokens, usage.completion_tokens),
    )


def _arguments(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _messages_whole(data: bytes, strict: bool) -> Heard:
    return _of_messages(_anthropic(data, _JSON, strict).messages.create(max_tokens=9, **_ASK))


def _messages_stream(data: bytes, strict: bool) -> Heard:
    try:
        with _anthropic(data, _SSE, strict).messages.stream(max_tokens=9, **_ASK) as events:
            for _ in events:
                pass
            final = events.get_final_message()
    except anthropic.APIError as error:
        return Heard(stop="", error=error.message)
    except ValueError as error:  # the SDK parses a call's arguments as they come
        return Heard(stop="", error=str(error))
    frames = [json.loads(frame.data) for frame in SSEDecoder().feed(data)]
    _nested(frames)
    return _of_messages(final)


def _nested(frames: list[dict[str, Any]]) -> None:
    """Blocks are begun and ended one after the other, and the answer ends once."""
    kinds = [frame["type"] for frame in frames if frame["type"] != "ping"]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"], kinds
    opened: int | None = None
    for frame in frames:
        if frame["type"] == "content_block_start":
            assert opened is None
            opened = frame["index"]
        elif frame["type"] in ("content_block_delta", "content_block_stop"):
            assert frame["index"] == opened
            opened = None if frame["type"] == "content_block_stop" else opened
    assert opened is None


_STOPS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls",
          "refusal": "content_filter", "pause_turn": "pause"}  # fmt: skip


def _of_messages(answer: Any) -> Heard:
    blocks = answer.content
    ids = [block.id for block in blocks if block.type == "tool_use"]
    assert all(ids) and len({*ids}) == len(ids), ids
    used = answer.usage
    cached = (used.cache_read_input_tokens or 0) + (used.cache_creation_input_tokens or 0)
    return Heard(
        text="".join(block.text for block in blocks if block.type == "text"),
        calls=tuple(Call(block.name, block.input) for block in blocks if block.type == "tool_use"),
        stop=_STOPS[answer.stop_reason],
        thought="".join(block.thinking for block in blocks if block.type == "thinking"),
        usage=(used.input_tokens + cached, used.output_tokens),
    )


def _responses_whole(data: bytes, strict: bool) -> Heard:
    return _of_responses(_openai(data, _JSON, strict).responses.create(model="m", input="hi"))


def _responses_stream(data: bytes, strict: bool) -> Heard:
    try:
        with _openai(data, _SSE, strict).responses.stream(model="m", input="hi") as events:
            final = [*events][-1].response
    except openai.APIError as error:
        return Heard(stop="", error=error.message)
    if final.status == "failed":
        return Heard(stop="", error=final.error.message)
    if strict:
        frames = [json.loads(frame.data) for frame in SSEDecoder().feed(data)]
        assert [frame["sequence_number"] for frame in frames] == [*range(len(frames))]
    return _of_responses(final)


def _of_responses(answer: Any) -> Heard:
    calls = [item for item in answer.output if item.type == "function_call"]
    ids = [call.call_id for call in calls]
    assert all(ids) and len({*ids}) == len(ids), ids
    thoughts = [item for item in answer.output if item.type == "reasoning"]
    reason = answer.incomplete_details.reason if answer.incomplete_details else None
    stop = {"max_output_tokens": "length", "content_filter": "content_filter", None: "stop"}[reason]
    texts = [part for item in answer.output if item.type == "message" for part in item.content]
    return Heard(
        text="".join(part.text if part.type == "output_text" else part.refusal for part in texts),
        calls=tuple(Call(call.name, _arguments(call.arguments)) for call in calls),
        stop="tool_calls" if calls and stop == "stop" else stop,
        thought="".join(part.text for item in thoughts for part in (item.content or item.summary)),
        usage=None if answer.usage is None else (answer.usage.input_tokens, answer.usage.output_tokens),
    )


def _gemini_whole(data: bytes, strict: bool) -> Heard:
    return _of_gemini([json.loads(data)])


def _gemini_stream(data: bytes, strict: bool) -> Heard:
    return _of_gemini([json.loads(frame.data) for frame in SSEDecoder().feed(data)])


_ENDS = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter", "PROHIBITED_CONTENT": "content_filter"}


def _of_gemini(chunks: list[dict[str, Any]]) -> Heard:
    for chunk in chunks:
        if "error" in chunk:
            return Heard(stop="", error=chunk["error"]["message"])
        GenerateContentResponse.model_validate(chunk)
    candidates = [candidate for chunk in chunks for candidate in chunk.get("candidates", ())]
    parts = [part for each in candidates for part in each.get("content", {}).get("parts", ())]
    made = [part["functionCall"] for part in parts if "functionCall" in part]
    ends = [each["finishReason"] for each in candidates if each.get("finishReason")]
    assert len(ends) == 1, ends
    counts = [chunk["usageMetadata"] for chunk in chunks if "usageMetadata" in chunk]
    used = counts[-1] if counts else None
    calls = tuple(Call(call["name"], call.get("args", {})) for call in made)
    return Heard(
        text="".join(part.get("text", "") for part in parts if not part.get("thought")),
        calls=calls,
        stop="tool_calls" if calls and _ENDS[ends[0]] == "stop" else _ENDS[ends[0]],
        thought="".join(part.get("text", "") for part in parts if part.get("thought")),
        usage=None if used is None else (
            used.get("promptTokenCount", 0), used.get("candidatesTokenCount", 0) + used.get("thoughtsTokenCount", 0)
        ),
    )  # fmt: skip


_WHOLE: dict[str, Callable[[bytes, bool], Heard]] = {
    CHAT: _chat_whole,
    MESSAGES: _messages_whole,
    RESPONSES: _responses_whole,
    GEMINI: _gemini_whole,
}
_STREAMED: dict[str, Callable[[bytes, bool], Heard]] = {
    CHAT: _chat_stream,
    MESSAGES: _messages_stream,
    RESPONSES: _responses_stream,
    GEMINI: _gemini_stream,
}
