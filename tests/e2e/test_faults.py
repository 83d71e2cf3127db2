"""What the official SDKs see of an upstream that fails: never a false success, never a storm of retries."""

from __future__ import annotations

import time
from typing import Any

import anthropic
import openai
import pytest

from e2e.doors import Door
from e2e.talks import TALKS, Talk
from fakes.running import Fake
from fakes.scripts import GREETING
from fakes.values import INPUT

pytestmark = pytest.mark.e2e

MAX_TRIES = 3  # the first one and the two retries of the default policy

talks = pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.dialect)
ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def failure(talk: type[Talk], door: Door, script: str, stream: bool) -> Any:
    """The SDK's error for a script that must end in one."""
    with pytest.raises(talk.Error) as caught:
        talk(door.url, door.model(script), stream).say("Hello")
    return caught.value


@talks
@ways
def test_refusal_arrives_in_its_own_words(talk: type[Talk], stream: bool, door: Door, fake: Fake) -> None:
    """An upstream's 400 is the client's 400, with its message, after one try."""
    error = failure(talk, door, "error-400", stream)
    assert error.status_code == 400
    assert "scripted 400" in str(error)
    assert len(fake.asked()) == 1


@talks
@ways
def test_refused_upstream_key_is_told_in_the_upstreams_words(
    talk: type[Talk], stream: bool, inside: Door, fake: Fake
) -> None:
    """An upstream that refuses our key is quoted, status and all, after one try."""
    error = failure(talk, inside, "error-401", stream)
    assert error.status_code == 401
    assert "scripted 401" in str(error)
    assert len(fake.asked()) == 1


@talks
def test_limit_arrives_with_its_hint(talk: type[Talk], inside: Door, fake: Fake) -> None:
    """A lasting 429 stays a 429, says when to come back and that coming back at once is no use."""
    error = failure(talk, inside, "error-429", stream=True)
    assert error.status_code == 429
    assert float(error.response.headers["retry-after"]) >= 1
    assert error.response.headers["x-should-retry"] == "false"
    assert 1 <= len(fake.asked()) <= MAX_TRIES


@talks
@ways
@pytest.mark.parametrize("status", [500, 529])
def test_lasting_failure(talk: type[Talk], stream: bool, status: int, inside: Door, fake: Fake) -> None:
    """A lasting failure is told as one after a bounded number of tries."""
    assert failure(talk, inside, f"error-{status}", stream).status_code >= 500
    assert 1 <= len(fake.asked()) <= MAX_TRIES


@talks
@ways
@pytest.mark.parametrize("script", ["once-429", "once-500", "once-529", "once-in-200"])
def test_passing_failure_is_not_seen(talk: type[Talk], stream: bool, script: str, inside: Door, fake: Fake) -> None:
    """One failure before the first content is retried; the client hears only the answer."""
    assert talk(inside.url, inside.model(script), stream).say("Hello").text == GREETING
    assert len(fake.asked()) == 2


@talks
@ways
def test_error_inside_a_200(talk: type[Talk], stream: bool, inside: Door, fake: Fake) -> None:
    """An error that an upstream hides in a 200 is an HTTP error for the client."""
    assert failure(talk, inside, "error-in-200", stream).status_code >= 500
    assert 1 <= len(fake.asked()) <= MAX_TRIES


@talks
@pytest.mark.parametrize("script", ["error-mid-stream", "cut", "abort", "stall"])
def test_broken_stream_is_an_error(talk: type[Talk], script: str, inside: Door, fake: Fake) -> None:
    """A stream that ends before its end, however it does, is an error that the SDK raises, and is not begun again."""
    failure(talk, inside, script, stream=True)
    assert len(fake.asked()) == 1


@talks
def test_unknown_model(talk: type[Talk], inside: Door, fake: Fake) -> None:
    """A provider that does not exist is refused here, in the client's dialect; no upstream is asked."""
    nowhere = Door("nowhere", inside.url)
    assert failure(talk, nowhere, "plain", stream=False).status_code in (400, 404)
    assert not fake.asked()


def test_client_that_leaves_ends_the_upstream(inside: Door, fake: Fake) -> None:
    """When the client hangs up, the upstream's connection is closed at once, not at its time-out."""
    with openai.OpenAI(base_url=f"{inside.url}/v1", api_key="x", max_retries=0, timeout=30) as client:
        asking: Any = {"model": inside.model("stall"), "messages": [{"role": "user", "content": "Hello"}]}
        stream = client.chat.completions.create(**asking, stream=True)
        next(iter(stream))
        left = time.monotonic()
        stream.close()
    while not fake.last().gone and time.monotonic() < left + 1.5:
        time.sleep(0.01)
    assert fake.last().gone


def test_tokens_are_counted(inside: Door) -> None:
    """count_tokens answers at every upstream: the vendor's own count, or an estimate that is near."""
    with anthropic.Anthropic(base_url=inside.url, api_key="x", max_retries=0) as client:
        messages: Any = [{"role": "user", "content": "Hello " * 100}]
        counted = client.messages.count_tokens(model=inside.model("plain"), messages=messages).input_tokens
    assert counted == INPUT or 50 <= counted <= 400
