"""Chat calls get what a client needs of them, whole and in pieces; everything else passes byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from hexapla.ir.content import ToolCall
from hexapla.ir.fold import fold
from hexapla.protocols.openai_chat import OPENAI_CHAT
from hexapla.translate.callids import CallIds, with_ids


def call(name: str | None = None, arguments: str = "", **fields: Any) -> dict[str, Any]:
    typed = {"type": "function"} if name or fields.get("id") else {}
    return {**typed, "function": {"arguments": arguments, **({"name": name} if name else {})}, **fields}


def whole(*calls: dict[str, Any]) -> bytes:
    message = {"role": "assistant", "content": None, "tool_calls": list(calls)}
    return json.dumps(
        {"id": "c1", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    ).encode()


HEAD = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def stream(*deltas: dict[str, Any]) -> bytes:
    chunks = [HEAD | {"choices": [{"index": 0, "delta": {"tool_calls": [delta]}}]} for delta in deltas]
    end = HEAD | {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in [*chunks, end]) + b"data: [DONE]\n\n"


def ids(data: bytes) -> list[tuple[str, str]]:
    """(id, arguments) as a client puts them together: by index, ids joined as text."""
    found: dict[int, list[str]] = {}
    for line in data.splitlines():
        if not line.startswith(b"data: {"):
            continue
        for piece in json.loads(line[6:])["choices"][0]["delta"].get("tool_calls", ()):
            known = found.setdefault(piece.get("index", len(found)), ["", ""])
            known[0] += piece.get("id") or ""
            known[1] += piece["function"]["arguments"]
    return [(ident, arguments) for ident, arguments in found.values()]


@pytest.mark.parametrize(
    "data",
    [
        whole(call("f", "{}", id="a"), call("f", "{}", id="b")),
        stream(call("f", id="a", index=0), call(None, "{}", index=0), call("g", "{}", id="b", index=1)),
        stream(call("f", id="a", index=0), call(None, "{}", id="", index=0)),
        stream(call(id="a", index=0), call("f", "{}", index=0)),  # the name comes after the id
        stream(call("get_", id="a", index=0), call("weather", index=0), call(None, "{}", index=0)),  # or in pieces
        b'data: {"choices":[{"delta":{"content":"\\"tool_calls\\":[{"}}]}\n\n',
        b'data: {"tool_calls":[{"broken\n\n',
        b"",
    ],
)
def test_what_has_ids_passes_byte_for_byte(data: bytes) -> None:
    assert CallIds().stream(data) == data and with_ids(data) == data


@pytest.mark.parametrize("missing", [{}, {"id": ""}, {"id": None}])
def test_whole_answers(missing: dict[str, Any]) -> None:
    """The made ids are those of the Hub lane, each its own."""
    body = whole(call("f", "{}", **missing), call("f", "{}", **missing))
    made = [each["id"] for each in json.loads(with_ids(body))["choices"][0]["message"]["tool_calls"]]
    parsed = [part.id for part in OPENAI_CHAT.parse_response(body).content if isinstance(part, ToolCall)]
    assert made == parsed and len(set(made)) == 2 and all(made)


def test_numbers_elsewhere_stay_as_they_are() -> None:
    """Only the call is written anew: numbers that no number of ours can hold pass beside it."""
    numbers = b"[1e400, 1.50, 123456789012345678901234567890]"
    body = whole(call("f", "{}")).replace(b'"id": "c1"', b'"id": "c1", "x": ' + numbers)
    assert numbers in with_ids(body) and b'"call_' in with_ids(body)


def test_a_whole_call_without_a_type_gets_one() -> None:
    """Mistral says none, and programs ask for it before they look at the function."""
    untyped = {"function": {"name": "f", "arguments": "{}"}, "id": "3sKXImamX"}
    [made] = json.loads(with_ids(whole(untyped)))["choices"][0]["message"]["tool_calls"]
    assert made == {**untyped, "type": "function"}


def test_ids_that_two_calls_share() -> None:
    body = whole(call("f", "{}", id="x"), call("g", "{}", id="x"))
    made = [each["id"] for each in json.loads(with_ids(body))["choices"][0]["message"]["tool_calls"]]
    assert made[0] == "x" and made[1] not in ("", "x")


@pytest.mark.parametrize(
    "deltas",
    [
        [call("f", index=0), call(None, '{"a":', index=0), call(None, "1}", index=0)],
        [call("f", index=0), call("f", '{"a":1}', index=0)],
        [call("f", '{"a":1}', index=0, id="")],
        [call("f", index=0), call(None, '{"a":1}', index=0, id="late")],
        [call("f", '{"a":1}', index=0), call("f", "{}", index=1)],
    ],
    ids=["pieces", "name repeated", "empty", "late", "two"],
)
def test_streams(deltas: list[dict[str, Any]]) -> None:
    """One id for each call, said once, the same that the decoder makes; however the events are cut."""
    data = stream(*deltas)
    made = CallIds()
    mended = b"".join(made.stream(event + b"\n\n") for event in data.split(b"\n\n") if event)
    decoder = OPENAI_CHAT.decoder()
    answer = fold([*decoder.feed(data), *decoder.close()])
    expected = [(part.id, part.arguments) for part in answer.content if isinstance(part, ToolCall)]
    assert ids(mended) == expected and all(ident for ident, _ in expected)
    assert CallIds().stream(data) == mended


@pytest.mark.parametrize(
    "deltas",
    [
        [call("f", "{}", id="a", type=None, index=0)],
        [call("f", "{}", id="a"), call("g", "{}", id="b")],
        [call("f", "{}", id="a", index=5), call("g", "{}", id="b", index=2)],
        [call("f", '{"x":1}', id="a", index=0), call("f", '{"x":2}', id="b", index=0)],
        [call("f", id="a", index=0), call("f", "{", id="a", index=0), call("f", "}", id="a", index=0)],
        [call(id="a", index=0), call("f", "{}", id="a", index=0)],
    ],
    ids=["no type", "no index", "index from 5", "one index", "said again", "name later"],
)
def test_the_sdk_puts_the_calls_together(deltas: list[dict[str, Any]]) -> None:
    """The official SDK's own accumulation, which fails on these or joins what is said twice."""
    data = stream(*deltas)
    state = ChatCompletionStreamState()
    for line in CallIds().stream(data).splitlines():
        if line.startswith(b"data: {"):
            state.handle_chunk(ChatCompletionChunk.model_validate_json(line[6:]))
    decoder = OPENAI_CHAT.decoder()
    answer = fold([*decoder.feed(data), *decoder.close()])
    made = state.current_completion_snapshot.choices[0].message.tool_calls or []
    assert [(each.id, each.type, each.function.name, each.function.arguments) for each in made] == [
        (part.id, "function", part.name, part.arguments) for part in answer.content if isinstance(part, ToolCall)
    ]


def test_a_piece_says_nothing_of_what_is_null() -> None:
    """Some programs take any value for the last word, and a call without a name is nobody's."""
    null = {"index": 0, "id": None, "type": None, "function": {"name": None, "arguments": "{}"}}
    data = CallIds().stream(stream(call("f", id="a", index=0), null, null | {"function": {"arguments": None}}))
    chunks = [json.loads(line[6:]) for line in data.splitlines() if line.startswith(b"data: {")]
    pieces = [piece for chunk in chunks for piece in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert pieces[1:] == [{"index": 0, "function": {"arguments": "{}"}}, {"index": 0, "function": {}}]


def test_each_choice_counts_its_own_calls() -> None:
    """Of several answers in one stream each has a first call; what is right in one is not what is wrong in another."""
    right = call("f", "{}", id="a", index=0)
    first, second = ({"index": place, "delta": {"tool_calls": [right | {"id": f"c{place}"}]}} for place in (0, 1))
    data = b"".join(
        b"data: %b\n\n" % json.dumps(HEAD | {"choices": choices}).encode()
        for choices in ([first], [second], [first | {"index": 2}, second | {"index": 3}])
    )
    assert CallIds().stream(data) == data
    both = CallIds().stream(data.replace(b'"type": "function", ', b""))
    found = [choice for line in both.splitlines() if line for choice in json.loads(line[6:])["choices"]]
    assert [c["delta"]["tool_calls"][0]["type"] for c in found] == ["function"] * 4
    assert [c["delta"]["tool_calls"][0]["index"] for c in found] == [0] * 4


def test_a_call_that_stands_in_no_list() -> None:
    """text-generation-inference 2 streams a bare object; the SDKs iterate over a list."""
    begun, rest = call("f", '{"a":', index=0, id=""), call(None, "1}", index=0, id="")
    data = stream(begun, rest).replace(b'"tool_calls": [{', b'"tool_calls": {').replace(b"}]}}]}", b"}}}]}")
    [(ident, arguments)] = ids(CallIds().stream(data))
    assert ident and arguments == '{"a":1}'
