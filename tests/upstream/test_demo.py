"""What may be asked of the demo beside an answer, judged by the official SDKs: several choices, and probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from server.running import Gateway, gateway

HELLO: Any = [{"role": "user", "content": "Hello 你好 there"}]
SAID = "You said: Hello 你好 there"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("demo"), "") as running:
        yield running


@pytest.fixture
def client(served: Gateway) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="any", max_retries=0)


def test_several_choices(client: openai.OpenAI) -> None:
    """As many as are asked for, with the tokens of all of them."""
    one = client.chat.completions.create(model="demo/echo", messages=HELLO)
    three = client.chat.completions.create(model="demo/echo", messages=HELLO, n=3)
    assert [(each.index, each.message.content) for each in three.choices] == [(n, SAID) for n in range(3)]
    assert one.usage and three.usage
    assert three.usage.completion_tokens == 3 * one.usage.completion_tokens
    assert three.usage.total_tokens == three.usage.prompt_tokens + three.usage.completion_tokens


def test_several_choices_of_a_stream(client: openai.OpenAI) -> None:
    """Each of them is said to its end."""
    asked = {"model": "demo/echo", "messages": HELLO, "n": 2, "stream_options": {"include_usage": True}}
    texts, reasons, used = ["", ""], ["", ""], 0
    for chunk in client.chat.completions.create(stream=True, **asked):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            reasons[choice.index] += choice.finish_reason or ""
        used += chunk.usage.completion_tokens if chunk.usage else 0
    assert texts == [SAID, SAID] and reasons == ["stop", "stop"] and used == 10


@pytest.mark.parametrize("number", [0, -1, 129])
def test_a_number_that_nobody_gives_is_refused(number: int, client: openai.OpenAI) -> None:
    """As OpenAI does."""
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="demo/echo", messages=HELLO, n=number)
    assert caught.value.param == "n"


@pytest.mark.parametrize("top", [None, 2])
def test_probabilities(top: int | None, client: openai.OpenAI) -> None:
    """One for each word, whole and streamed; each was certain, and there is no alternative to it."""
    more: dict[str, Any] = {"logprobs": True} | ({"top_logprobs": top} if top else {})
    whole = client.chat.completions.create(model="demo/echo", messages=HELLO, **more).choices[0]
    stream = client.chat.completions.create(model="demo/echo", messages=HELLO, stream=True, **more)
    pieces = [each.logprobs for chunk in stream for each in chunk.choices if each.logprobs]
    assert whole.logprobs and whole.logprobs.content
    streamed = [token for piece in pieces for token in piece.content or ()]
    assert streamed == whole.logprobs.content
    assert (
        "".join(each.token for each in streamed) == SAID == bytes(b for t in streamed for b in t.bytes or ()).decode()
    )
    assert {each.logprob for each in streamed} == {0.0}
    assert all([top.token for top in each.top_logprobs] == ([each.token] if top else []) for each in streamed)


def test_probabilities_of_a_response(client: openai.OpenAI) -> None:
    """Responses asks for them in its own words."""
    asked = client.responses.create(
        model="demo/echo", input="Hello", include=["message.output_text.logprobs"], top_logprobs=1
    )
    (part,) = asked.output[0].content  # type: ignore[union-attr]
    assert [each.token for each in part.logprobs] == ["You ", "said: ", "Hello"]  # type: ignore[union-attr]


def test_nothing_that_was_not_asked_for(client: openai.OpenAI) -> None:
    """No probabilities and one choice."""
    (choice,) = client.chat.completions.create(model="demo/echo", messages=HELLO).choices
    assert choice.logprobs is None
