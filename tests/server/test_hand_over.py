"""A second endpoint in a running gateway: beside a late one, and after one that broke off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from server import judges
from server.client import call
from server.running import SHORT, Gateway, gateway, providers
from server.upstream import Upstream, Visit
from server.wire import (
    CHAT,
    DIALECTS,
    LAST,
    MESSAGES,
    PATHS,
    STREAM,
    TERMINATORS,
    ask,
    chunk,
    ending,
    opening,
    piece,
    refusal,
)

TWO = """
[providers.two]
auth = { kind = "none" }
[[providers.two.endpoints]]
protocol = "openai_chat"
base_url = "URL/v1"
[[providers.two.endpoints]]
protocol = "openai_chat"
base_url = "URL/v1"
[[models.two]]
id = "s"
price = { input = 2.0, output = 8.0 }
[providers.beta]
auth = { kind = "none" }
[[providers.beta.endpoints]]
protocol = "openai_chat"
base_url = "URL/v1"
[providers.beta.endpoints.quirks]
continuation = { message = { prefix = true }, path = "/beta/chat/completions", echoes = true }
"""


@pytest.fixture(scope="module")
def handing(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with two addresses for one model."""
    text = providers(_upstream.url) + TWO.replace("URL", _upstream.url, 1).replace(
        "URL", other(_upstream.url), 1
    ).replace("URL", _upstream.url)
    with gateway(tmp_path_factory.mktemp("handing"), "[retry]\nbase = 0.02\n" + text) as running:
        yield running


def other(url: str) -> str:
    return url.replace("127.0.0.1", "localhost")


async def answers(visit: Visit) -> None:
    said = opening(visit.protocol) + piece(visit.protocol, "Hello.") + ending(visit.protocol, "Hello.")
    await visit.write(STREAM + chunk(said) + LAST)


def test_a_late_endpoint_is_raced(upstream: Upstream, handing: Gateway) -> None:
    """The second one is heard, the first one's connection is closed, and both stand in the record with their cost."""
    late = False

    async def script(visit: Visit) -> None:
        nonlocal late
        if late:
            late = False
            await visit.write(STREAM + chunk(opening(visit.protocol)))
            await visit.until_gone()
        else:
            await answers(visit)

    upstream.play(script, "s")
    body = ask(CHAT, "two/s", stream=True)
    for _ in range(20):  # which earns one hedge
        assert b"Hello." in call(handing.url, PATHS[CHAT], body).body
    late = True
    upstream.visits.clear()
    heard = call(handing.url, PATHS[CHAT], body, x_hexapla_hedge="true")
    assert b"Hello." in heard.body and heard.headers["x-hexapla-attempts"] == "2"
    first, second = upstream.visits
    assert first.over.wait(3) and first.headers["host"] != second.headers["host"]
    record = handing.generation(heard.headers["x-request-id"])
    lost, won = record["attempts"]
    assert (lost["outcome"], won["outcome"]) == ("cancelled", "ok")
    assert lost["cost"]["nanos"] > 0 and record["cost"]["nanos"] > lost["cost"]["nanos"]


async def breaks(visit: Visit) -> None:
    await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "Once upon a time")))
    visit.reset()


async def goes_on(visit: Visit) -> None:
    assert "Once upon a time" in json.dumps(visit.asked)
    said = piece(visit.protocol, " there was a gateway.")
    await visit.write(STREAM + chunk(opening(visit.protocol) + said + ending(visit.protocol, "")) + LAST)


TALE = "Once upon a time there was a gateway."


@pytest.fixture
def models(upstream: Upstream) -> list[str]:
    """One that breaks off, and another provider's that goes on."""
    first, second = upstream.play(breaks), upstream.play(goes_on)
    return [f"{SHORT[CHAT]}/{first}", f"{SHORT[MESSAGES]}/{second}"]


@pytest.mark.parametrize("client", DIALECTS)
def test_a_broken_answer_is_continued(client: str, models: list[str], handing: Gateway) -> None:
    """Another provider goes on in the middle of a sentence; the client hears one answer, the record knows of both."""
    body = ask(client, models[0], stream=True, models=models)
    heard = call(handing.url, PATHS[client], body, x_hexapla_resume="true")
    events = [json.loads(line[6:]) for line in heard.body.splitlines() if line.startswith(b"data: {")]
    assert "".join(_DELTA[client](event) for event in events) == TALE
    assert TERMINATORS[client] in heard.body and b": resumed at u_msgs/" in heard.body
    record = handing.generation(heard.headers["x-request-id"])
    assert record["outcome"] == "ok" and record["resumed"] == 1 and record["provider"] == SHORT[MESSAGES]
    assert record["attempts"][0]["outcome"] == "upstream_truncated" and record["estimated"]
    assert record["usage"]["output"] == 4 + 2

    plain = call(handing.url, PATHS[client], body)
    assert TERMINATORS[client] not in plain.body and b"gateway" not in plain.body


async def echoes(visit: Visit) -> None:
    """DeepSeek's way to go on, at a path of its own, and Mistral's habit to begin with all that it was told."""
    if "/beta/" not in visit.path:
        await breaks(visit)
        return
    last = visit.asked["messages"][-1]
    assert visit.path == "/v1/beta/chat/completions" and last.pop("prefix") is True
    assert last == {"role": "assistant", "content": "Once upon a time"}
    said = opening(CHAT) + piece(CHAT, TALE) + ending(CHAT, "")
    await visit.write(STREAM + chunk(said) + LAST)


@pytest.mark.parametrize("client", [CHAT, MESSAGES])
def test_a_vendor_is_asked_to_go_on_in_its_own_way(client: str, upstream: Upstream, handing: Gateway) -> None:
    """The only endpoint goes on itself, where and as its quirks say; what it repeats is cut off."""
    body = ask(client, f"beta/{upstream.play(echoes)}", stream=True)
    for _ in range(2):  # of which the second finds its plan made
        upstream.visits.clear()
        heard = call(handing.url, PATHS[client], body, x_hexapla_resume="true")
        events = [json.loads(line[6:]) for line in heard.body.splitlines() if line.startswith(b"data: {")]
        assert "".join(_DELTA[client](event) for event in events) == TALE
        assert [visit.path for visit in upstream.visits] == ["/v1/chat/completions", "/v1/beta/chat/completions"]


async def declines(visit: Visit) -> None:
    """A model that takes no begun turn, though the catalogue says so."""
    if "/beta/" in visit.path:
        await visit.write(refusal(visit.protocol, 400))
    elif visit.asked["messages"][-1]["role"] == "user" and len(visit.asked["messages"]) > 1:
        await goes_on(visit)
    else:
        await breaks(visit)


def test_who_takes_no_begun_turn_is_asked_in_words(upstream: Upstream, handing: Gateway) -> None:
    """Once more, at the usual place; the client hears nothing of it."""
    body = ask(CHAT, f"beta/{upstream.play(declines)}", stream=True)
    heard = call(handing.url, PATHS[CHAT], body, x_hexapla_resume="true")
    events = [json.loads(line[6:]) for line in heard.body.splitlines() if line.startswith(b"data: {")]
    assert "".join(_DELTA[CHAT](event) for event in events) == TALE and TERMINATORS[CHAT] in heard.body
    paths = ["/v1/chat/completions", "/v1/beta/chat/completions", "/v1/chat/completions"]
    assert [visit.path for visit in upstream.visits] == paths


def test_the_official_sdks_take_it_for_one_answer(models: list[str], handing: Gateway) -> None:
    """The seam, its comment and the usage of two attempts included."""
    more: Any = {"extra_body": {"models": models}, "extra_headers": {"x-hexapla-resume": "true"}}
    hello: Any = [{"role": "user", "content": "Hello"}]
    chat: Any = judges.client(handing.url, CHAT)
    pieces = chat.chat.completions.create(model=models[0], messages=hello, stream=True, **more)
    assert "".join(each.choices[0].delta.content or "" for each in pieces if each.choices) == TALE
    with chat.responses.stream(model=models[0], input="Hello", **more) as stream:
        response = stream.get_final_response()
    assert response.output_text == TALE and response.usage.output_tokens == 4 + 2
    messages: Any = judges.client(handing.url, MESSAGES)
    with messages.messages.stream(model=models[0], max_tokens=64, messages=hello, **more) as stream:
        message = stream.get_final_message()
    assert message.content[0].text == TALE and message.usage.output_tokens == 4 + 2


_DELTA = {
    CHAT: lambda event: "".join(choice["delta"].get("content") or "" for choice in event["choices"]),
    MESSAGES: lambda event: event.get("delta", {}).get("text", ""),
    "openai_responses": lambda event: event["delta"] if event["type"] == "response.output_text.delta" else "",
}


def test_a_switch_is_true_or_false(handing: Gateway) -> None:
    """Anything else is the client's mistake, and is named."""
    heard = call(handing.url, PATHS[CHAT], ask(CHAT, "two/s"), x_hexapla_resume="maybe")
    assert heard.status == 400 and b"x-hexapla-resume" in heard.body
