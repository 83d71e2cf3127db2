"""Streams as providers really send them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chatwire import DONE, answer, call, chunk, events, failure, sse, twin

from hexapla.ir.content import HUNG, Citation, Media, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import BlockDelta, BlockStart, BlockStop, MessageStart, ReasoningDelta, TextDelta
from hexapla.ir.fold import fold
from hexapla.ir.grammar import check
from hexapla.ir.response import Stop, Usage
from hexapla.protocols.openai_chat import OPENAI_CHAT
from hexapla.protocols.openai_chat.decode import ChatDecoder

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
STOP = chunk(finish="stop")


def calls(stream: bytes) -> list[tuple[str, str, str]]:
    """(id, name, arguments) of the calls."""
    return [(p.id, p.name, p.arguments) for p in answer(stream).content if isinstance(p, ToolCall)]


def test_text_and_usage() -> None:
    """The plain case: text in pieces, a finish chunk, usage in a chunk without choices."""
    stream = sse(chunk({"role": "assistant", "content": ""}), chunk({"content": "Hel"}), chunk({"content": "lo"}), STOP,
                 {"id": "c1", "choices": [], "usage": USAGE})  # fmt: skip
    response = answer(stream)
    assert response.content == (Text(text="Hello"),)
    assert (response.id, response.model, response.created) == ("c1", "up", 1)
    assert response.stop == Stop(reason="stop", native="stop")
    assert response.usage == Usage(input=3, output=2)


TRAPPED = [
    chunk({"role": "assistant", "reasoning": "hm ", "content": None}),
    chunk({"content": "a\u00e9\U0001f600"}),
    chunk(call(0, "f", "", id="1")),
    chunk(call(0, None, '{"a":')),
    chunk(call(0, None, "1}", id="")),
    chunk(finish="tool_calls", usage=USAGE),
]


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_split_invariance(cut: int, line_end: bytes) -> None:
    """However the bytes are cut and the lines end, the events are the same."""
    stream = b": hello" + b"\n\n" + sse(*TRAPPED)
    assert events(stream.replace(b"\n", line_end), cut) == events(sse(*TRAPPED))


def test_start_waits_for_a_choice() -> None:
    """Azure's first chunk (no choices, empty id, no model) begins nothing."""
    stream = sse({"id": "", "model": "", "choices": [], "prompt_filter_results": []}, chunk({"content": "x"}), STOP)
    start = events(stream)[0]
    assert isinstance(start, MessageStart)
    assert (start.id, start.model) == ("c1", "up")


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (sse(chunk({"content": "x"}), done=False), "upstream_truncated"),
        (sse(chunk({"content": "x"}), done=False) + b'data: {"choices":[{"delta":{"con', "upstream_truncated"),
        (sse(chunk(call(0, "f", '{"a":1}', id="1")), done=False), "upstream_truncated"),
        (b"", "upstream_truncated"),
        (b": keep-alive\n\n", "upstream_truncated"),
        (sse(), "upstream_empty"),
        (sse({"id": "c1", "choices": [], "usage": USAGE}), "upstream_empty"),
        (sse(chunk({"content": "x"}, "error")), "upstream_error"),
        (sse(chunk({"content": "x"}, "network_error")), "upstream_error"),
        (sse(chunk({}, "insufficient_system_resource")), "upstream_error"),
    ],
)
def test_failures_of_the_stream(stream: bytes, kind: str) -> None:
    """A stream that only ends, holds nothing, or says that the provider failed is an error, never a success."""
    assert failure(stream).kind == kind


def test_finish_without_done() -> None:
    """A finish reason is success, with or without [DONE], and even when the usage chunk is cut off."""
    whole = sse(chunk({"content": "x"}), STOP, done=False)
    assert (
        fold(events(whole)).stop
        == fold(events(whole + b'data: {"usage":{"pro')).stop
        == fold(events(whole + DONE)).stop
    )


def test_done_without_finish() -> None:
    """[DONE] without a finish reason ends cleanly, without a reason."""
    assert answer(sse(chunk({"content": "x"}))).stop is None
    assert answer(sse(chunk({"content": "x"}, ""))).stop is None


def test_nothing_after_done() -> None:
    """What follows the terminator is ignored."""
    decoder = OPENAI_CHAT.decoder()
    decoder.feed(sse(chunk({"content": "x"}), STOP))
    assert decoder.feed(sse(chunk({"content": "y"}))) == []
    assert decoder.close() == []


def test_settled() -> None:
    """With a finish reason and usage nothing more is worth waiting for."""
    decoder = OPENAI_CHAT.decoder()
    decoder.feed(sse(chunk({"content": "x"}), STOP, done=False))
    assert (decoder.settled, decoder.done) == (False, False)
    decoder.feed(sse({"choices": [], "usage": USAGE}, done=False))
    assert (decoder.settled, decoder.done) == (True, False)


@pytest.mark.parametrize(
    ("data", "kind", "message", "status"),
    [
        (b'data: {"error":{"message":"slow down","code":429}}\n\n', "rate_limit", "slow down", 429),
        (b'event: error\ndata: {"message":"broken","code":"x"}\n\n', "upstream_error", "broken", None),
        (b"event: error\ndata: plain words\n\n", "upstream_error", "plain words", None),
        (b'data: {"error":"no words"}\n\n', "upstream_error", "no words", None),
        (b'data: [{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]\n\n', "overloaded", "busy", 503),
        (b'data: {"x_groq":{"error":{"message":"over"}},"choices":[]}\n\n', "upstream_error", "over", None),
        (b'data: {"object":"error","message":"bad","code":400}\n\n', "invalid_request", "bad", 400),
        (b'data: {"code":"DataInspectionFailed","message":"no"}\n\n', "content_filter", "no", None),
        (b'data: {"base_resp":{"status_code":1002,"status_msg":"rpm"}}\n\n', "rate_limit", "rpm", None),
        (b'data: {"choices":[{"error":{"code":502,"message":"down"}}]}\n\n', "upstream_error", "down", 502),
        (
            b'data: {"choices":[{"error":{"message":"x"},"delta":{"content":"y"},"finish_reason":"error"}]}\n\n',
            "upstream_error",
            "x",
            None,
        ),
        (sse(chunk({}, "error", error={"code": 502, "message": "died"})), "upstream_error", "died", 502),
    ],
)
def test_errors_inside(data: bytes, kind: str, message: str, status: int | None) -> None:
    """Every form of error inside a stream ends it, with the provider's words."""
    error = failure(sse(chunk({"content": "x"}), done=False) + data + sse(STOP))
    assert (error.kind, error.message, error.status) == (kind, message, status)


def test_noise_is_skipped() -> None:
    """Lines that are no JSON do not end a stream that goes on."""
    found = ChatDecoder().feed(b"data: nonsense\n\ndata: \n\n" + sse(chunk({"content": "x"}), STOP))
    check(found)
    assert fold(found).content == (Text(text="x"),)


def test_a_cut_chunk_is_a_failure() -> None:
    """What it said is lost, so the answer is not whole."""
    error = failure(sse(chunk({"content": "x"}), done=False) + b'data: {"choices\n\n' + sse(STOP))
    assert error.kind == "upstream_protocol"


def test_wrong_types_cost_only_themselves() -> None:
    """A field of a wrong type is left out; the rest of the chunk is heard."""
    odd = chunk({"content": "x", "refusal": 7, "tool_calls": [None, {"index": "0"}]}, system_fingerprint=3)
    odd["choices"].append(None)
    assert answer(sse(odd, STOP)).content == (Text(text="x"),)


def test_half_characters() -> None:
    """An emoji that somebody cut between two chunks is whole again; a half that stays alone costs only itself."""
    pieces = [rb'{"content":"a\ud83d"}', rb'{"content":"\ude00b"}', rb'{"content":"c\ud83d d"}']
    stream = b"".join(b'data: {"choices":[{"index":0,"delta":%b}]}\n\n' % piece for piece in pieces) + sse(STOP)
    assert answer(stream).content == (Text(text="a\U0001f600bc\ufffd d"),)


CALLS = [
    # (deltas, expected calls)
    ([call(0, "f", "", id="1"), call(0, None, '{"a"'), call(0, None, ":1}")], [("1", "f", '{"a":1}')]),
    ([call(0, "f", '{"a":1}', id="1"), call(1, "g", "{}", id="2")], [("1", "f", '{"a":1}'), ("2", "g", "{}")]),
    ([call(0, "f", "", id="1"), call(0, "", '{"a":1}', id="")], [("1", "f", '{"a":1}')]),  # emptied later (DashScope)
    ([call(0, "f", "", id="1"), call(0, "f", '{"a":1}', id="1")], [("1", "f", '{"a":1}')]),  # repeated (SiliconFlow)
    ([call(0, "f", '{"a":1}', id="1"), call(0, "g", "{}", id="2")], [("1", "f", '{"a":1}'), ("2", "g", "{}")]),
    ([call(None, "f", '{"a":1}', id="1"), call(None, "f", "{}", id="2")], [("1", "f", '{"a":1}'), ("2", "f", "{}")]),
    ([call(None, "f", '{"a"', id="1"), call(None, None, ":1}")], [("1", "f", '{"a":1}')]),
    ([call(5, "f", "{}", id="1"), call(9, "g", "{}", id="2")], [("1", "f", "{}"), ("2", "g", "{}")]),
    ([call(0, "f", {"a": 1}, id="1")], [("1", "f", '{"a": 1}')]),  # an object (Ollama)
    ([call(0, "f", None, id=17)], [("17", "f", "")]),
    ([{"tool_calls": {"index": 0, "id": "1", "function": {"name": "f", "arguments": "{}"}}}], [("1", "f", "{}")]),
    ([{"tool_calls": [call(0, "f", "{", id="1")["tool_calls"][0], call(1, "g", "{", id="2")["tool_calls"][0]]},
      call(0, None, "}"), call(1, None, "}")], [("1", "f", "{}"), ("2", "g", "{}")]),
    ([{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}], [(None, "f", "{}")]),
    ([call(0, "f", "{}", id="1"), call(1, "g", "{}", id="1")], [("1", "f", "{}"), (None, "g", "{}")]),  # one id twice
    ([call(0, "f", '{"a":1}'), call(0, "f", '{"a":2}')], [(None, "f", '{"a":1}'), (None, "f", '{"a":2}')]),  # no ids
    ([call(0, "f", '{"a"'), {"content": "so "}, call(0, None, ":1}")], [(None, "f", '{"a":1}')]),  # text between
    ([call(0, None, None, custom={"name": "c", "input": "fr"}, id="1", type="custom"),
      call(0, None, None, custom={"input": "ee"})], [("1", "c", "free")]),
]  # fmt: skip


@pytest.mark.parametrize(("deltas", "expected"), CALLS)
def test_calls(deltas: list[dict[str, object]], expected: list[tuple[str | None, str, str]]) -> None:
    """Calls are told apart and put together, however they are numbered; ids are unique and never empty."""
    found = calls(sse(*[chunk(delta) for delta in deltas], STOP))
    assert [(name, arguments) for _, name, arguments in found] == [(n, a) for _, n, a in expected]
    assert all(wanted is None or wanted == got for (got, _, _), (wanted, _, _) in zip(found, expected))
    assert len({each for each, _, _ in found} - {""}) == len(found)


def test_made_ids_are_stable() -> None:
    """A call without id gets the same one each time it is read, and another in another answer."""
    one, again = (calls(sse(chunk(call(0, "f", "{}"), "stop"))) for _ in range(2))
    other = calls(sse(chunk(call(0, "f", "{}"), "stop", id="c2")))
    assert one == again != other


def test_stop_beside_calls() -> None:
    """`stop` (or no reason) beside calls is tool_calls; the native word stays."""
    assert answer(sse(chunk(call(0, "f", "{}", id="1")), STOP)).stop == Stop(reason="tool_calls", native="stop")
    assert answer(sse(chunk(call(0, "f", "{}", id="1")))).stop == Stop(reason="tool_calls")


def test_calls_interleave() -> None:
    """A whole call closes when the next begins; one that is not whole stays open beside it."""
    stream = sse(
        chunk(call(0, "f", "{", id="1")), chunk(call(1, "g", "{}", id="2")), chunk(call(2, "h", "{", id="3")),
        chunk(call(0, None, "}")), chunk(call(2, None, "}")), STOP,
    )  # fmt: skip
    shape = [(type(e).__name__, e.index) for e in events(stream) if isinstance(e, BlockStart | BlockStop)]
    opened = [("BlockStart", 0), ("BlockStart", 1), ("BlockStop", 1), ("BlockStart", 2)]
    assert shape == [*opened, ("BlockStop", 0), ("BlockStop", 2)]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("eos", "stop"),
        ("tool_call", "tool_calls"),
        ("max_tokens", "length"),
        ("SAFETY", "content_filter"),
        ("odd", "stop"),
    ],
)
def test_finish_words(reason: str, expected: str) -> None:
    """Words of relatives are understood, unknown ones are a stop; the word is kept."""
    assert answer(sse(chunk({"content": "x"}, reason))).stop == Stop(reason=expected, native=reason)


def test_finish_twice() -> None:
    """OpenRouter says the finish reason twice; the last one, and the vendor's own word, count."""
    last = chunk(finish="stop")
    last["choices"][0]["native_finish_reason"] = "stop_sequence"
    found = answer(sse(chunk({"content": "x"}, "stop"), last)).stop
    assert found == Stop(reason="stop_sequence", native="stop_sequence")


def test_stop_sequence_of_vllm() -> None:
    """vLLM names the sequence that stopped it."""
    last = chunk({"content": "x"}, "stop")
    last["choices"][0]["stop_reason"] = "END"
    assert answer(sse(last)).stop == Stop(reason="stop_sequence", native="stop", sequence="END")


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "reasoning_text", "thinking"])
def test_thought_fields(field: str) -> None:
    """Thought is heard in every field, before the text, and remembers its field."""
    response = answer(sse(chunk({field: "a"}), chunk({field: "b", "content": ""}), chunk({"content": "c"}), STOP))
    thought, text = response.content
    assert isinstance(thought, Reasoning)
    assert (thought.text, thought.form, text) == ("ab", field, Text(text="c"))


def test_thought_in_two_fields_counts_once() -> None:
    """The same thought in two fields is one thought."""
    response = answer(sse(chunk({"reasoning": "a", "reasoning_content": "a"}), STOP))
    assert [part.readable for part in response.content if isinstance(part, Reasoning)] == ["a"]


def test_details_arrive_whole_and_in_pieces() -> None:
    """Details are joined for whoever folds, and passed on as they came for whoever streams."""
    first = [{"type": "reasoning.text", "text": "a", "format": "anthropic-claude-v1", "index": 0}]
    last = [{"type": "reasoning.text", "signature": "sig", "format": "anthropic-claude-v1", "index": 0}]
    found = events(sse(chunk({"reasoning": "a", "reasoning_details": first}), chunk({"reasoning_details": last}), STOP))
    pieces = [e.delta.pieces for e in found if isinstance(e, BlockDelta) and isinstance(e.delta, ReasoningDelta)]
    assert [json.loads(bytes(raw)) for raw in pieces if raw is not None] == [first, last]
    (part,) = fold(found).content
    assert isinstance(part, Reasoning)
    assert part.details is not None
    assert json.loads(bytes(part.details)) == [{**first[0], "signature": "sig"}]


def test_details_alone_are_readable() -> None:
    """Thought that stands in the details only is heard all the same."""
    details = [{"type": "reasoning.summary", "summary": "s", "index": 0}]
    (part,) = answer(sse(chunk({"reasoning_details": details}), STOP)).content
    assert isinstance(part, Reasoning)
    assert (part.text, part.form) == ("s", "reasoning_details")


def test_encrypted_details_open_a_thought() -> None:
    """Encrypted thought without a word to read is still a thought."""
    details = [{"type": "reasoning.encrypted", "data": "x", "id": "rs_1", "index": 0}]
    (part,) = answer(sse(chunk({"reasoning_details": details}), STOP)).content
    assert isinstance(part, Reasoning)
    assert part.readable == ""
    assert part.details is not None


def test_mistral_content_list() -> None:
    """Content as a list of thinking and text parts, with references."""
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    text = [{"type": "text", "text": "so"}, {"type": "reference", "reference_ids": [1]}]
    thought, said = answer(sse(chunk({"content": thinking}), chunk({"content": text}), STOP)).content
    assert isinstance(thought, Reasoning)
    assert (thought.text, thought.form) == ("hm", "thinking_part")
    assert isinstance(said, Text)
    assert (said.text, len(said.citations)) == ("so", 1)


def test_object_content_is_json_text() -> None:
    """Cloudflare sends the object itself when a schema was asked for."""
    assert answer(sse(chunk({"content": {"a": "\u00e9"}}), STOP)).content == (Text(text='{"a": "\u00e9"}'),)


def test_message_instead_of_delta() -> None:
    """Some send `message`, or bare `text`, where a delta belongs; text beside a delta only repeats it."""
    odd = {"choices": [{"index": 0, "message": {"content": "a"}}]}
    bare = {"choices": [{"text": "b"}]}
    both = {"choices": [{"index": 0, "delta": {"content": "c"}, "text": "c", "finish_reason": "stop"}]}
    assert answer(sse(odd, both)).content == (Text(text="ac"),)
    assert answer(sse(bare, chunk(finish="stop"))).content == (Text(text="b"),)


def test_one_choice_is_followed() -> None:
    """Of several choices the first is followed, and 0 wins when it comes before another said a word."""
    second = {"choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": None}]}
    empty = {"choices": [{"index": 1, "delta": {"role": "assistant"}, "finish_reason": None}]}
    assert answer(sse(chunk({"content": "a"}), second, chunk({"content": "b"}, "stop"))).content == (Text(text="ab"),)
    assert answer(sse(empty, chunk({"content": "a"}, "stop"))).content == (Text(text="a"),)


USAGES = [
    ({"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1}},
     Usage(input=3, output=2, cached=1)),
    ({"prompt_tokens": 3, "completion_tokens": 2, "prompt_cache_hit_tokens": 1}, Usage(input=3, output=2, cached=1)),
    ({"prompt_tokens": 3, "completion_tokens": 2, "cached_tokens": 1}, Usage(input=3, output=2, cached=1)),
    ({"prompt_tokens": 3, "completion_tokens": 2, "reasoning_tokens": 1}, Usage(input=3, output=2, reasoning=1)),
    # xAI leaves reasoning out of the completion
    ({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 4}},
     Usage(input=3, output=6, reasoning=4)),
    ({"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.5}, Usage(input=3, output=2, cost=0.5)),
    ({"prompt_tokens": "3", "completion_tokens": -1, "total_tokens": True}, None),
]  # fmt: skip


@pytest.mark.parametrize(("said", "expected"), USAGES)
@pytest.mark.parametrize("place", ["top", "finish", "choice", "groq", "first"])
def test_usage(said: dict[str, object], expected: Usage | None, place: str) -> None:
    """Usage is the same wherever it stands, and brought to one arithmetic."""
    stop = chunk({"content": "x"}, "stop")
    late: list[dict[str, object]] = []
    if place == "top":
        late = [{"choices": [], "usage": said}]
    elif place == "choice":
        stop["choices"][0]["usage"] = said
    elif place == "groq":
        stop["x_groq"] = {"usage": said}
    else:
        stop["usage"] = said
    before = [{"choices": [], "usage": said}] if place == "first" else []
    assert answer(sse(*before, stop, *late)).usage == expected


def test_later_usage_wins() -> None:
    """Of several reports the later counts; what it does not know stays."""
    early = {"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}}
    stream = sse(chunk({"content": "x"}, usage=early), chunk(finish="stop", usage=USAGE))
    assert answer(stream).usage == Usage(input=3, output=2, cached=2)


def test_citations() -> None:
    """A list of addresses that every chunk repeats is heard once, also when it comes before the text."""
    urls = ["https://a", "https://b"]
    stream = sse(chunk({}, citations=urls), chunk({"content": "x"}, citations=urls), chunk({}, "stop", citations=urls))
    (text,) = answer(stream).content
    assert isinstance(text, Text)
    assert [citation.url for citation in text.citations] == urls


def test_annotations() -> None:
    """Annotations are citations with their place."""
    note = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 1, "end_index": 2}}
    (text,) = answer(sse(chunk({"content": "x", "annotations": [note]}), STOP)).content
    assert isinstance(text, Text)
    (citation,) = text.citations
    assert (citation.url, citation.title, citation.start, citation.end) == ("u", "t", 1, 2)


def test_citations_without_text_survive() -> None:
    """Citations for which no text came have an empty one to stand on."""
    (text,) = answer(sse(chunk({}, "stop", citations=["u"]))).content
    assert text == Text(text="", citations=(Citation(url="u", origin="openai_chat"),))


def test_images_and_sound() -> None:
    """Images come whole, sound in pieces."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    stream = sse(chunk({"images": [image]}), chunk({"audio": {"id": "a", "data": "AA", "transcript": "h"}}),
                 chunk({"audio": {"data": "BB", "transcript": "i"}}), chunk({"audio": {}}), STOP)  # fmt: skip
    picture, sound = answer(stream).content
    assert picture == Media(kind="image", data="AAAA", media_type="image/png")
    assert isinstance(sound, Media)
    assert (sound.kind, sound.data, bytes(sound.extras["openai_chat"]["transcript"])) == ("audio", "AABB", b'"hi"')


def test_empty_audio_is_none() -> None:
    """Snowflake sends the object with nothing in it."""
    assert answer(sse(chunk({"content": "x", "audio": {"id": "", "data": ""}}), STOP)).content == (Text(text="x"),)


def test_refusal_and_logprobs() -> None:
    """A refusal has its own block, log probabilities stand on the text."""
    probs = {"token": "x", "logprob": -0.5, "bytes": [120], "top_logprobs": []}
    first = chunk({"content": "x"})
    first["choices"][0]["logprobs"] = {"content": [probs], "refusal": None}
    text, refusal = answer(sse(first, chunk({"refusal": "no"}), STOP)).content
    assert isinstance(text, Text)
    assert [json.loads(bytes(raw)) for raw in text.logprobs] == [probs]
    assert refusal == Refusal(text="no")


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([call(0, "f", "{}", id="1"), call(0, None, '{"a":1}')], [("1", "f", '{"a":1}')]),
        ([call(0, "f", "{}", id="1"), call(0, None, '{"a":'), call(0, None, "1}")], [("1", "f", '{"a":1}')]),
        ([call(0, "f", "{}", id="1"), call(0, "f", '{"a":1}', id="1")], [("1", "f", '{"a":1}')]),
        ([call(0, "f", "{}", id="1"), call(0, None, "{}")], [("1", "f", "{}")]),
        ([call(0, "f", "{}", id="1"), call(1, "g", "{}", id="2")], [("1", "f", "{}"), ("2", "g", "{}")]),
        ([call(0, "f", "{}", id="1"), call(0, "g", '{"a":1}', id="2")], [("1", "f", "{}"), ("2", "g", '{"a":1}')]),
    ],
)
def test_an_empty_object_may_stand_for_arguments_that_come(
    pieces: list[dict[str, Any]], expected: list[tuple[str, str, str]]
) -> None:
    """Relays of Claude say its block's empty input first; where nothing follows, it is the arguments."""
    assert calls(sse(*map(chunk, pieces), chunk(finish="tool_calls"))) == expected


def test_an_empty_object_is_said_once() -> None:
    """Also where something else begins after the calls: citations, or probabilities, that had no text to stand on."""
    stream = sse(
        chunk(call(0, "f", "{}", id="1")), chunk(finish="tool_calls", usage=USAGE) | {"citations": ["https://a"]}
    )
    assert calls(stream) == [("1", "f", "{}")]


def probable(token: str, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    """A chunk with the probability of a token."""
    found = chunk(delta, finish)
    found["choices"][0]["logprobs"] = {"content": [{"token": token, "logprob": -0.5, "bytes": [], "top_logprobs": []}]}
    return found


@pytest.mark.parametrize(
    "stream",
    [
        (probable("a", {"content": ""}), probable("b", {"content": "x"}), probable("c", {"content": ""}), STOP),
        (probable("a", {"content": "x"}), chunk(call(0, "f", "{}", id="1")), probable("b", {}), probable("c", {}, "stop")),
        (chunk(call(0, "f", "{}", id="1")), *(probable(token, {}) for token in "abc"), STOP),
    ],
)  # fmt: skip
def test_probabilities_of_tokens_without_text(stream: tuple[dict[str, Any], ...]) -> None:
    """Half a character says nothing until its other half comes, and the end of the turn says nothing at all."""
    texts = [part for part in answer(sse(*stream)).content if isinstance(part, Text)]
    assert [json.loads(bytes(raw))["token"] for text in texts for raw in text.logprobs] == ["a", "b", "c"]


def test_the_tier_that_a_later_chunk_names() -> None:
    """Groq names it in the last."""
    assert (
        answer(sse(chunk({"content": "x"}), chunk(finish="stop", service_tier="on_demand"))).service_tier == "on_demand"
    )


def test_gemini_signature_stays_with_its_call() -> None:
    """A thought signature on a call is kept, to come back with it, and stands before it for clients of other dialects."""
    extra = {"google": {"thought_signature": "s"}}
    beside, part = answer(sse(chunk(call(0, "f", "{}", id="1", extra_content=extra)), STOP)).content
    assert isinstance(beside, Reasoning) and (beside.form, beside.id, beside.readable) == (HUNG, "1", "")
    assert isinstance(part, ToolCall)
    assert json.loads(bytes(part.extras["openai_chat"]["extra_content"])) == extra


PAIRS = [
    ([{"content": "x"}], {"content": "x"}),
    ([{"reasoning_content": "a"}, {"content": "x"}], {"reasoning_content": "a", "content": "x"}),
    ([{"content": "x"}, call(0, "f", "{}", id="1", type="function")], {"content": "x", **call(0, "f", "{}", id="1")}),
    ([{"refusal": "no"}], {"content": None, "refusal": "no"}),
    ([{"content": "x", "annotations": [{"url": "u"}]}], {"content": "x", "annotations": [{"url": "u"}]}),
    ([{"reasoning": "a", "reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}]}],
     {"reasoning": "a", "reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}]}),
    ([{"content": [{"type": "thinking", "thinking": "a"}]}, {"content": "x"}],
     {"content": [{"type": "thinking", "thinking": "a"}, {"type": "text", "text": "x"}]}),
    ([call(0, "f", "{}"), call(1, "f", "{}")],
     {"tool_calls": [*call(0, "f", "{}")["tool_calls"], *call(1, "f", "{}")["tool_calls"]]}),
]  # fmt: skip


@pytest.mark.parametrize(("deltas", "message"), PAIRS)
def test_stream_and_twin_are_one(deltas: list[dict[str, object]], message: dict[str, object]) -> None:
    """A folded stream equals its non-stream twin."""
    stream = sse(*[chunk(delta) for delta in deltas], STOP, {"choices": [], "usage": USAGE})
    assert answer(stream) == twin(message, usage=USAGE)


def test_text_events_are_whole_deltas() -> None:
    """One content delta is one event: nothing is held back, joined or split."""
    found = events(sse(chunk({"content": "a"}), chunk({"content": " b"}), STOP))
    assert [e.delta for e in found if isinstance(e, BlockDelta)] == [TextDelta("a"), TextDelta(" b")]
