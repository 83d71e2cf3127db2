"""The beginning of an answer that the client itself put at the end of its request, as each vendor is told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.catalog.quirks import merge, target_of
from hexapla.catalog.schema import Quirks
from hexapla.config import builtin_providers
from hexapla.ir.content import Origin, Text
from hexapla.ir.fold import fold
from hexapla.ir.target import Target
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek
from hexapla.translate.resume import Telling
from server.wire import CHAT, MESSAGES, RESPONSES

Json = dict[str, Any]
PROVIDERS = builtin_providers()
BEGUN = "A tale in which much is told of six columns:"
QUESTION = {"role": "user", "content": "Tell"}
CLIENTS = (CHAT, MESSAGES, RESPONSES)
WAYS: list[tuple[str, str, Json, Json]] = [
    # provider, model, fields of the begun turn, top-level fields
    ("mistral", "mistral-large-latest", {"prefix": True}, {}),
    ("deepseek", "deepseek-v4-pro", {"prefix": True}, {}),
    ("moonshot", "kimi-k2.6", {"partial": True}, {}),
    ("vllm", "any", {}, {"continue_final_message": True, "add_generation_prompt": False}),
]


def asking(client: str, *turns: Json, stream: bool = False, **more: Any) -> Translation:
    """A client's request with these turns."""
    name = "input" if client == RESPONSES else "messages"
    limit = {"max_tokens": 99} if client == MESSAGES else {}
    body = {"model": "m", name: [*turns], "stream": stream, **limit, **more}
    peeked = peek(client, json.dumps(body).encode())
    return Translation(peeked, Reply(id="g", created=1, model="m"), telling=Telling())


def opened(request: Translation, provider: str, model: str) -> Lane:
    endpoint = next(each for each in PROVIDERS[provider].endpoints if each.protocol == CHAT)
    quirks = merge(endpoint.quirks, model)
    return request.open(target_of(PROVIDERS[provider], endpoint, quirks, None, model), quirks)


def begun(**more: Any) -> Json:
    return {"role": "assistant", "content": BEGUN, **more}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("provider", "model", "fields", "more"), WAYS, ids=[way[0] for way in WAYS])
def test_the_vendor_is_told_in_its_own_way(
    provider: str, model: str, fields: Json, more: Json, client: str, stream: bool
) -> None:
    """Whatever the client speaks, and whether or not its answer may be continued elsewhere."""
    lane = opened(asking(client, QUESTION, begun(), stream=stream), provider, model)
    body = json.loads(lane.body)
    assert body["messages"][-1] == begun(**fields)
    assert more.items() <= body.items()
    assert lane.begun is not None and not lane.begun.refused


@pytest.mark.parametrize("turns", [[QUESTION], [QUESTION, begun(), QUESTION], [QUESTION, begun(content=" ")]], ids=str)
@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_is_begun(client: str, turns: list[Json]) -> None:
    lane = opened(asking(client, *turns), "deepseek", "deepseek-v4-pro")
    assert b"prefix" not in lane.body and lane.begun is None


def test_calls_that_wait_are_no_beginning() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    lane = opened(asking(CHAT, QUESTION, begun(tool_calls=[call])), "mistral", "mistral-large-latest")
    assert b"prefix" not in lane.body


def test_who_is_not_known_to_go_on_gets_the_turn_as_it_came() -> None:
    lane = opened(asking(MESSAGES, QUESTION, begun()), "openai", "gpt-4.1")
    assert json.loads(lane.body)["messages"][-1] == begun() and lane.begun is None


def test_who_refuses_is_asked_without_the_word() -> None:
    """The exchange asks once more; another vendor is still told."""
    request = asking(MESSAGES, QUESTION, begun())
    first = opened(request, "deepseek", "deepseek-v4-pro")
    assert first.begun is not None
    first.begun.refused = True
    again = opened(request, "deepseek", "deepseek-v4-pro")
    assert json.loads(again.body)["messages"][-1] == begun() and again.begun is None
    assert opened(request, "mistral", "mistral-large-latest").begun


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("said", "heard"), [(f"{BEGUN} once", " once"), ("once", "once"), (BEGUN, "")])
def test_an_echo_is_no_news(client: str, stream: bool, said: str, heard: str) -> None:
    """Mistral's answers begin with the turn; the client has it already."""
    lane = opened(asking(client, QUESTION, begun(), stream=stream), "mistral", "mistral-large-latest")
    protocol = PROTOCOLS[client]
    if not stream:
        whole = {"id": "c", "choices": [{"message": {"content": said}, "finish_reason": "stop"}]}
        answer = protocol.parse_response(lane.answer(json.dumps(whole).encode()))
    else:
        chunks = [{"id": "c", "choices": [{"delta": {"content": said[at : at + 7]}}]} for at in range(0, len(said), 7)]
        chunks.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        telling = lane.stream()
        data = b"".join(telling.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n") for chunk in chunks)
        decoder = protocol.decoder()
        answer = fold([*decoder.feed(data + telling.feed(b"data: [DONE]\n\n") + telling.close()), *decoder.close()])
    assert "".join(part.text for part in answer.content if isinstance(part, Text)) == heard


def test_who_says_the_vendors_word_hears_all_that_the_vendor_says() -> None:
    lane = opened(asking(CHAT, QUESTION, begun(prefix=True)), "mistral", "mistral-large-latest")
    assert lane.name == "patch"
    assert json.loads(lane.body)["messages"][-1] == begun(prefix=True)


def test_the_vendors_word_finds_the_vendors_path() -> None:
    """DeepSeek goes on at another path, whoever says the word."""
    lane = opened(asking(CHAT, QUESTION, begun(prefix=True)), "deepseek", "deepseek-v4-pro")
    assert json.loads(lane.body)["messages"][-1] == begun(prefix=True) and lane.begun


def test_vendors_of_which_nothing_is_said_pass_verbatim() -> None:
    request = asking(CHAT, QUESTION, begun())
    assert request.open(Target(origin=Origin(CHAT, "u"), model="m"), Quirks()).name == "verbatim"
