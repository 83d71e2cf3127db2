"""What we emit is what the vendors' published types allow, strictly: every case, whole and streamed, in every dialect."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import Message as AnthropicMessage
from anthropic.types import RawMessageStreamEvent
from carry import CLIENTS, REPLY, _own
from cases import CASES, Case
from google.genai.types import GenerateContentResponse
from msgspec.structs import replace
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from hexapla.ir.content import Media, ToolCall
from hexapla.ir.fold import unfold
from hexapla.ir.loss import LossLog
from hexapla.protocols import PROTOCOLS
from hexapla.wire.sse import SSEDecoder

WHOLE: dict[str, TypeAdapter[Any]] = {
    "openai_chat": TypeAdapter(ChatCompletion),
    "anthropic_messages": TypeAdapter(AnthropicMessage),
    "openai_responses": TypeAdapter(Response),
    "gemini_generate": TypeAdapter(GenerateContentResponse),
}
EVENT: dict[str, TypeAdapter[Any]] = {
    "openai_chat": TypeAdapter(ChatCompletionChunk),
    "anthropic_messages": TypeAdapter(RawMessageStreamEvent),
    "openai_responses": TypeAdapter(ResponseStreamEvent),
    "gemini_generate": TypeAdapter(GenerateContentResponse),
}
PAIRS = [(dialect, origin) for dialect in CLIENTS for origin in CLIENTS]


def said(case: Case, dialect: str, origin: str) -> Any:
    """The case's answer as it comes from an upstream of `origin`, in what the SDK's types of `dialect` know."""
    answer = _own(case.answers, origin)
    if dialect == "openai_chat":
        # the SDK's chunk type knows no custom calls
        content = tuple(replace(p, kind="function") if isinstance(p, ToolCall) else p for p in answer.content)
        answer = replace(answer, content=content)
    return replace(answer, content=tuple(p for p in answer.content if not isinstance(p, Media)))


@pytest.mark.parametrize(("dialect", "origin"), PAIRS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_whole_answers_are_strictly_valid(case: Case, dialect: str, origin: str) -> None:
    """The rendered answer passes the SDK's own type with strict validation."""
    reply = replace(REPLY, request=replace(case.asks, protocol=dialect))
    body = PROTOCOLS[dialect].render_response(said(case, dialect, origin), reply, LossLog())
    WHOLE[dialect].validate_json(body, strict=True)


@pytest.mark.parametrize(("dialect", "origin"), PAIRS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_stream_events_are_strictly_valid(case: Case, dialect: str, origin: str) -> None:
    """Every event of the stream passes the SDK's own type with strict validation."""
    reply = replace(REPLY, request=replace(case.asks, protocol=dialect))
    encoder = PROTOCOLS[dialect].encoder(reply)
    stream = b"".join(encoder.encode(event) for event in unfold(said(case, dialect, origin))) + encoder.close()
    frames = [frame.data for frame in SSEDecoder().feed(stream) if frame.data != b"[DONE]"]
    assert frames
    for data in frames:
        EVENT[dialect].validate_json(data, strict=True)
