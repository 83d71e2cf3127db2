"""How each vendor is asked to go on in an answer that somebody else began, as the catalogue says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hexapla.catalog.quirks import merge, target_of
from hexapla.catalog.schema import Continuation, Endpoint, Quirks, When
from hexapla.config import builtin_providers
from hexapla.ir.content import Text
from hexapla.ir.event import AnyEvent, BlockDelta, BlockStart, MessageStart, TextDelta
from hexapla.ir.fold import fold
from hexapla.protocols import PROTOCOLS
from hexapla.protocols.base import Reply
from hexapla.translate.continuation import GO_ON
from hexapla.translate.lane import Lane
from hexapla.translate.open import Translation
from hexapla.translate.peek import peek
from hexapla.translate.resume import Telling
from server.wire import CHAT, MESSAGES, RESPONSES, ask

Json = dict[str, Any]
PROVIDERS = builtin_providers()
SAID = "Once upon a time "


def endpoint_of(provider: str, protocol: str) -> Endpoint:
    return next(each for each in PROVIDERS[provider].endpoints if each.protocol == protocol)


def opened(request: Translation, provider: str, protocol: str, model: str) -> Lane:
    endpoint = endpoint_of(provider, protocol)
    quirks = merge(endpoint.quirks, model)
    return request.open(target_of(PROVIDERS[provider], endpoint, quirks, None, model), quirks)


def broken(*, said: str = SAID, **more: object) -> Translation:
    """A request whose first answer broke off after `said`."""
    peeked = peek(CHAT, ask(CHAT, "m", stream=True, **more))
    request = Translation(peeked, Reply(id="g", created=1, model="m"), telling=Telling())
    first = opened(request, "openai", CHAT, "gpt-4.1")
    assert not first.begun
    stream = first.stream()
    stream.feed(told(said))
    assert stream.breaks()
    return request


def told(text: str, *, protocol: str = CHAT) -> bytes:
    encoder = PROTOCOLS[protocol].encoder(Reply(id="up", created=1, model="m"))
    events: list[AnyEvent] = [MessageStart(id="up", model="m"), BlockStart(0, Text(text=""))]
    events += [BlockDelta(0, TextDelta(text[at : at + 5])) for at in range(0, len(text), 5)]
    return b"".join(map(encoder.encode, events))


PREFIX, PARTIAL = {"prefix": True}, {"partial": True}
UNTHINKING = {"enable_thinking": False}

WAYS: list[tuple[str, str, str, Json, Json]] = [
    # provider, protocol, model, fields of the begun turn, top-level fields
    ("mistral", CHAT, "mistral-large-latest", PREFIX, {}),
    ("moonshot", CHAT, "kimi-k2.6", PARTIAL, {}),
    ("deepseek", CHAT, "deepseek-v4-pro", PREFIX, {}),
    ("dashscope", CHAT, "qwen3-coder-plus", PARTIAL, {}),
    ("dashscope", CHAT, "qwen3.7-plus", PARTIAL, UNTHINKING),
    ("openrouter", CHAT, "anthropic/claude-sonnet-4.5", {}, {}),
    ("openrouter", MESSAGES, "anthropic/claude-sonnet-4.5", {}, {}),
    ("openrouter", CHAT, "deepseek/deepseek-v4-pro", {}, {}),
    ("groq", CHAT, "llama-3.3-70b-versatile", {}, {}),
    ("vllm", CHAT, "any", {}, {"continue_final_message": True, "add_generation_prompt": False}),
    ("anthropic", MESSAGES, "claude-sonnet-4-5", {}, {}),
    ("vertex_anthropic", MESSAGES, "claude-haiku-4-5@20251001", {}, {}),
]


@pytest.mark.parametrize(("provider", "protocol", "model", "fields", "more"), WAYS, ids=lambda each: str(each)[:24])
def test_a_vendor_that_goes_on_is_told_in_its_own_way(
    provider: str, protocol: str, model: str, fields: Json, more: Json
) -> None:
    """The last turn is the beginning, without the white space at its end; nobody is asked in words."""
    lane = opened(broken(), provider, protocol, model)
    body = json.loads(lane.body)
    last = body["messages"][-1]
    content = last["content"]
    assert last["role"] == "assistant" and GO_ON not in str(body) and lane.begun
    assert (content if isinstance(content, str) else content[0]["text"]) == SAID.rstrip()
    assert {name: value for name, value in last.items() if name not in ("role", "content")} == fields
    assert more.items() <= body.items()


ASKED = [
    ("openai", CHAT, "gpt-4.1"),
    ("openai", RESPONSES, "gpt-4.1"),
    ("gemini", "gemini_generate", "gemini-3-pro"),
    ("anthropic", MESSAGES, "claude-opus-4-6"),
    ("anthropic", MESSAGES, "claude-sonnet-5-5"),
    ("vertex_anthropic", MESSAGES, "claude-fable-5"),
    ("openrouter", CHAT, "openai/gpt-5.2"),
    ("openrouter", CHAT, "anthropic/claude-opus-4.6"),
    ("openrouter", MESSAGES, "anthropic/claude-sonnet-5.5"),
    ("moonshot", MESSAGES, "kimi-k2.6"),
    ("deepseek", MESSAGES, "deepseek-v4-pro"),
    ("dashscope", CHAT, "qwq-plus"),
    ("dashscope", CHAT, "llama-4"),
    ("groq", CHAT, "openai/gpt-oss-120b"),
]


@pytest.mark.parametrize(("provider", "protocol", "model"), ASKED)
def test_who_does_not_go_on_is_asked_in_words(provider: str, protocol: str, model: str) -> None:
    """Who refuses a begun turn, begins anew all the same, or says nothing of it."""
    lane = opened(broken(), provider, protocol, model)
    assert GO_ON in lane.body.decode() and not lane.begun
    assert b'"prefix"' not in lane.body and b'"partial"' not in lane.body


def test_nobody_goes_on_in_a_turn_while_it_thinks() -> None:
    """Thought stands before the turn's text, where it cannot be begun."""
    lane = opened(broken(reasoning_effort="high"), "dashscope", CHAT, "qwen3.7-plus")
    assert GO_ON in lane.body.decode() and b'"partial"' not in lane.body and not lane.begun


def test_white_space_is_no_beginning() -> None:
    """Nothing was said that could be continued: the question is put once more."""
    lane = opened(broken(said=" \n"), "deepseek", CHAT, "deepseek-v4-pro")
    assert b'"prefix"' not in lane.body and not lane.begun


@pytest.mark.parametrize("said", ["Hm", SAID, "Once upon a time there was a gateway with six columns. " * 40])
def test_an_echo_of_everything_is_no_news(said: str) -> None:
    """Mistral's answers begin with the turn, however short or long it is."""
    request = broken(said=said)
    lane = opened(request, "mistral", CHAT, "mistral-large-latest")
    assert heard(lane, said.rstrip() + " and so on") == " and so on"[len(said) - len(said.rstrip()) :]


def test_a_short_word_said_twice_is_meant_where_nothing_is_echoed() -> None:
    """Kimi goes on behind the turn: what looks like its end is what follows."""
    assert heard(opened(broken(said="Hm"), "moonshot", CHAT, "kimi-k2.6"), "Hm, yes") == "Hm, yes"


def test_the_clients_own_beginning_belongs_to_the_turn() -> None:
    """It is told together with what was said, and is no news when it is echoed."""
    messages = [{"role": "user", "content": "Tell"}, {"role": "assistant", "content": "A tale:"}]
    request = broken(said=" Once", messages=messages)
    lane = opened(request, "mistral", CHAT, "mistral-large-latest")
    begun = {"role": "assistant", "content": "A tale: Once", "prefix": True}
    assert json.loads(lane.body)["messages"] == [messages[0], begun]
    assert heard(lane, "A tale: Once more") == " more"


def heard(lane: Lane, text: str) -> str:
    """What the client hears of an attempt that says `text`."""
    stream = lane.stream()
    data = stream.feed(told(text)) + stream.feed(
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    )
    decoder = PROTOCOLS[CHAT].decoder()
    events = [*decoder.feed(b'data: {"id":"g","choices":[{"delta":{"role":"assistant"}}]}\n\n' + data + stream.close())]
    return "".join(part.text for part in fold([*events, *decoder.close()]).content if isinstance(part, Text))


def test_whoever_writes_quirks_can_say_it() -> None:
    """A server of one's own with a word of its own, for some of its models."""
    go_on = {"go_on": {"really": True}}
    quirks = Quirks(when=(When(model="big-*", continuation=Continuation(message=go_on)),))
    endpoint = endpoint_of("vllm", CHAT)

    def asked(model: str) -> Json:
        merged = merge(quirks, model)
        target = target_of(PROVIDERS["vllm"], endpoint, merged, None, model)
        body: Json = json.loads(broken().open(target, merged).body)
        return body

    assert asked("big-1")["messages"][-1].items() >= go_on.items()
    assert asked("small-1")["messages"][-1]["content"] == GO_ON
