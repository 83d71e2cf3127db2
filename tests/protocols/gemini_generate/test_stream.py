"""Gemini's answers, both ways: chunks decoded, events encoded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from hexapla.errors import Kind, UpstreamError
from hexapla.ir.content import Citation, Media, Opaque, Origin, Reasoning, Text, ToolCall
from hexapla.ir.envelope import open_envelope
from hexapla.ir.event import AnyEvent, MessageStop, Ping, StreamError
from hexapla.ir.fold import fold, unfold
from hexapla.ir.grammar import check
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, Stop, Usage
from hexapla.protocols.base import Reply
from hexapla.protocols.gemini_generate.decode import GeminiDecoder
from hexapla.protocols.gemini_generate.encode import GeminiEncoder
from hexapla.protocols.gemini_generate.response import parse_response, render_response
from hexapla.protocols.gemini_generate.signature import unwrap
from hexapla.protocols.gemini_generate.words import NAME

REPLY = Reply(id="gen-1", created=1, model="m")
ORIGIN = Origin(NAME)


def body(*parts: Any, **more: Any) -> dict[str, Any]:
    """An answer, or a chunk of one."""
    top = {name: more.pop(name) for name in ("usageMetadata", "promptFeedback") if name in more}
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, **more}], "responseId": "r", **top}


def sse(*chunks: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)


def decode(data: bytes) -> list[AnyEvent]:
    decoder = GeminiDecoder()
    events = [*decoder.feed(data), *decoder.close()]
    check(events)
    return events


def answer(*chunks: Any) -> GenerateResponse:
    return fold(decode(sse(*chunks)))


def whole(*parts: Any, **more: Any) -> GenerateResponse:
    return parse_response(json.dumps(body(*parts, **more)).encode())


def streamed(response: GenerateResponse) -> list[dict[str, Any]]:
    encoder = GeminiEncoder(REPLY)
    data = b"".join(encoder.encode(event) for event in unfold(response)) + encoder.close()
    return [json.loads(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: ")]


def parts_of(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]


def test_pieces_are_one_block_and_calls_are_whole() -> None:
    """Thought, text, two calls without ids: four blocks, distinct ids, the reason of calls."""
    found = answer(
        body({"text": "H", "thought": True}),
        body({"text": "m", "thought": True}),
        body({"text": "So "}),
        body({"text": "then", "thoughtSignature": "S"}),
        body({"functionCall": {"name": "f", "args": {"a": 1.0}}, "thoughtSignature": "C"}),
        body({"functionCall": {"name": "f"}}, finishReason="STOP"),
    )
    thought, text, mark, signed, first, second = found.content
    assert thought == Reasoning(text="Hm", form="thought", origin=ORIGIN)
    assert text == Text(text="So then")
    assert mark == Reasoning(encrypted="S", id="text", form="signature", origin=ORIGIN)
    assert isinstance(first, ToolCall) and isinstance(second, ToolCall) and first.id != second.id
    assert signed == Reasoning(encrypted="C", id=first.id, form="signature", origin=ORIGIN)
    assert (first.arguments, second.arguments) == ('{"a": 1.0}', "{}")
    assert found.stop == Stop(reason="tool_calls", native="STOP")


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        (2, "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("SOMETHING_NEW", "stop"),
    ],
)
def test_reasons(native: str | int, reason: str) -> None:
    """By word, by number, and unknown."""
    found = whole({"text": "a"}, finishReason=native)
    assert found.stop is not None and found.stop.reason == reason


def test_a_blocked_prompt_is_a_filtered_answer() -> None:
    """No candidates, but a reason, which a Gemini client hears as it was."""
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}}
    for found in (answer(blocked), parse_response(json.dumps(blocked).encode())):
        assert found.stop is not None and found.stop.reason == "content_filter" and not found.content
        said = json.loads(render_response(found, REPLY, LossLog()))
        assert said["promptFeedback"] == blocked["promptFeedback"] and "candidates" not in said
        assert streamed(found)[-1]["promptFeedback"] == blocked["promptFeedback"]


def test_without_a_reason_it_is_truncation() -> None:
    """A clean end of the bytes is no end of the answer; an old model's STOP in every chunk is none either way."""
    assert isinstance(decode(sse(body({"text": "a"})))[-1], StreamError)
    events = decode(sse(body({"text": "a"}, finishReason="STOP"), body({"text": "b"}, finishReason="STOP")))
    assert isinstance(events[-1], MessageStop) and fold(events).content == (Text(text="ab"),)


def test_settled_only_after_the_last_word() -> None:
    """A chunk without a reason after one with it says that more may come."""
    decoder = GeminiDecoder()
    decoder.feed(sse(body({"text": "a"}, finishReason="STOP")))
    assert decoder.settled
    decoder.feed(sse(body({"text": "b"})))
    assert not decoder.settled


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({"promptTokenCount": 9, "candidatesTokenCount": 5, "thoughtsTokenCount": 3, "totalTokenCount": 17}, (9, 8)),
        ({"promptTokenCount": 9, "candidatesTokenCount": 5, "thoughtsTokenCount": 3, "totalTokenCount": 14}, (9, 5)),
        ({"promptTokenCount": 9, "toolUsePromptTokenCount": 4, "candidatesTokenCount": 5}, (13, 5)),
        ({"promptTokenCount": 9, "thoughtsTokenCount": 3}, (9, 3)),
        ({"promptTokenCount": 9, "totalTokenCount": 11}, (9, 2)),
        ({"promptTokenCount": 9}, (9, None)),
    ],
)
def test_counts(said: dict[str, int], counts: tuple[int, int | None]) -> None:
    """Thought beside the candidates or among them, tools beside the prompt, and what only the total tells."""
    usage = whole({"text": "a"}, finishReason="STOP", usageMetadata=said).usage
    assert usage is not None and (usage.input, usage.output) == counts


def test_counts_return_as_they_came() -> None:
    """Cached, thought, tools and modalities."""
    said = {
        "promptTokenCount": 9,
        "candidatesTokenCount": 5,
        "totalTokenCount": 21,
        "cachedContentTokenCount": 2,
        "thoughtsTokenCount": 3,
        "toolUsePromptTokenCount": 4,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 6}],
    }
    found = whole({"text": "a"}, finishReason="STOP", usageMetadata=said)
    assert found.usage is not None and (found.usage.cached, found.usage.audio_input) == (2, 6)
    assert json.loads(render_response(found, REPLY, LossLog()))["usageMetadata"] == said


def test_sources_are_citations() -> None:
    """Places in bytes become places in characters; pages that no passage names are sources all the same."""
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}, {"web": {"uri": "https://b"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 3, "endIndex": 6, "text": "die"}, "groundingChunkIndices": [0]}
        ],
    }
    found = answer(body({"text": "é die"}), body({"text": ""}, finishReason="STOP", groundingMetadata=grounding))
    (text,) = found.content
    assert isinstance(text, Text)
    first, second = text.citations
    assert (first.url, first.title, first.start, first.end, first.cited_text) == ("https://a", "A", 2, 5, "die")
    assert second.url == "https://b" and second.start is None
    assert json.loads(render_response(found, REPLY, LossLog()))["candidates"][0]["groundingMetadata"] == grounding


def test_sources_of_an_answer_that_ends_with_a_call() -> None:
    """They come last, and have an empty text to stand on."""
    grounding = {"groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}]}
    call = {"functionCall": {"name": "f", "args": {}}}
    found = whole({"text": "a"}, call, finishReason="STOP", groundingMetadata=grounding)
    assert [type(part) for part in found.content] == [Text, ToolCall, Text]
    last = found.content[-1]
    assert isinstance(last, Text) and (last.text, [citation.url for citation in last.citations]) == ("", ["https://a"])


def test_citations_of_others_become_grounding() -> None:
    """Each page once."""
    cited = [
        Citation(url="https://a", title="A", start=2, end=5, origin="openai_chat"),
        Citation(url="https://a", title="A", origin="openai_chat"),
    ]
    response = GenerateResponse(content=(Text(text="é die", citations=tuple(cited)),), stop=Stop(reason="stop"))
    for said in (json.loads(render_response(response, REPLY, LossLog())), streamed(response)[-1]):
        assert said["candidates"][0]["groundingMetadata"] == {
            "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
            "groundingSupports": [
                {"segment": {"startIndex": 3, "endIndex": 6, "text": "die"}, "groundingChunkIndices": [0]}
            ],
        }


def test_pictures_and_code() -> None:
    """Files are media with their signature in them; code stays whole."""
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA-_"}, "thoughtSignature": "S"}
    code = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "X"}
    found = whole(picture, code, finishReason="STOP")
    media, opaque = found.content
    assert isinstance(media, Media) and (media.kind, media.data) == ("image", "AA+/")
    assert isinstance(opaque, Opaque) and opaque.type == "executableCode"
    again = json.loads(render_response(found, REPLY, LossLog()))["candidates"][0]["content"]["parts"]
    assert again[0]["thoughtSignature"] == "S" and again[1] == code


def test_an_error_in_a_stream_and_in_a_200() -> None:
    """Google's object, alone or in a list; the hint in RetryInfo is heard."""
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}
    error = {"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED", "details": [info]}}
    last = decode(sse(body({"text": "a"}), error))[-1]
    assert isinstance(last, StreamError)
    assert (last.kind, last.retry_after, last.status) == (Kind.RATE_LIMIT, 34.0, 429)
    for hidden in (error, [error]):
        with pytest.raises(UpstreamError):
            parse_response(json.dumps(hidden).encode())


def test_a_list_of_chunks_is_a_whole_answer() -> None:
    """What an upstream sends that does not know alt=sse."""
    found = parse_response(json.dumps([body({"text": "a"}), body({"text": "b"}, finishReason="STOP")]).encode())
    assert found.content == (Text(text="ab"),)


def test_comments_are_life_and_half_an_event_is_no_event() -> None:
    """Heartbeats of gateways; a cut inside the last event."""
    assert isinstance(decode(b": ping\n\n")[0], Ping)
    cut = sse(body({"text": "a"}), body({"text": "b"}, finishReason="STOP"))[:-12]
    assert isinstance(decode(cut)[-1], StreamError)


def test_foreign_thought_reaches_a_client_that_keeps_signatures_only() -> None:
    """The text as a thought, the envelope on the part that follows, in base64 as SDKs demand."""
    foreign = Reasoning(text="Hm.", signature="s", form="thinking", origin=Origin("anthropic_messages", "a"))
    hidden = Reasoning(encrypted="e", form="redacted_thinking", origin=Origin("anthropic_messages", "a"))
    call = ToolCall(id="1", name="f", arguments='{"a":1}')
    response = GenerateResponse(content=(foreign, hidden, call), stop=Stop(reason="tool_calls"), usage=Usage())
    one = json.loads(render_response(response, REPLY, LossLog()))["candidates"][0]["content"]["parts"]
    for parts in (one, parts_of(streamed(response))):
        assert parts[0] == {"text": "Hm.", "thought": True}
        assert parts[1]["functionCall"] == {"id": "1", "name": "f", "args": {"a": 1}}
        seals = unwrap(parts[1]["thoughtSignature"]) or []
        assert [open_envelope(seal) for seal in seals] == [foreign, hidden]


def test_thought_without_anything_after_it_still_returns() -> None:
    """An answer cut off while the model thought."""
    foreign = Reasoning(text="Hm.", signature="s", form="thinking", origin=Origin("anthropic_messages", "a"))
    response = GenerateResponse(content=(foreign,), stop=Stop(reason="length"))
    last = parts_of(streamed(response))[-1]
    assert last["thought"] and [open_envelope(seal) for seal in unwrap(last["thoughtSignature"]) or []] == [foreign]


def test_the_last_chunk_has_a_part() -> None:
    """google-genai takes a content without parts for no content."""
    chunks = streamed(
        GenerateResponse(content=(Text(text="a"),), stop=Stop(reason="stop"), usage=Usage(input=1, output=2))
    )
    assert chunks[0]["candidates"][0]["content"]["parts"] == [{"text": "a"}]
    assert chunks[-1]["candidates"][0]["content"]["parts"] == [{"text": ""}]
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    assert chunks[-1]["usageMetadata"]["totalTokenCount"] == 3


def test_log_probabilities_both_ways() -> None:
    """Token by token with the alternatives."""
    said = {
        "chosenCandidates": [{"token": "a", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "a", "logProbability": -0.5}]}],
    }
    found = whole({"text": "a"}, finishReason="STOP", logprobsResult=said)
    (text,) = found.content
    assert isinstance(text, Text) and isinstance(text.logprobs[0], Raw)
    assert json.loads(render_response(found, REPLY, LossLog()))["candidates"][0]["logprobsResult"] == said
