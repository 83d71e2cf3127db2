"""Messages' `fallbacks` with parameters of their own, through a whole gateway, as Anthropic's own SDK asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from server.client import call
from server.judges import client
from server.running import Gateway, gateway, providers
from server.upstream import Upstream, Visit
from server.wire import CHAT, LAST, MESSAGES, PATHS, STREAM, answer, ask, chunk, ending, opening, piece, refusal, whole

SETTINGS = """
[aliases]
spare = "u_msgs/patched"
[chains]
"u_msgs/chained" = ["u_msgs/behind"]
[retry]
base = 0.02
"""
QUIRK = """
[providers.u_patch]
auth = { kind = "none" }
[[providers.u_patch.endpoints]]
protocol = "anthropic_messages"
base_url = "%s/v1"
quirks = { clamp = { max_tokens = [1, 400] } }
"""
SAID = {"max_tokens": 500, "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}


async def down(visit: Visit) -> None:
    await visit.write(refusal(visit.protocol, 500))


async def fine(visit: Visit) -> None:
    if not visit.stream:
        await visit.write(whole(visit.protocol))
        return
    said = opening(visit.protocol) + piece(visit.protocol, "Hello.") + ending(visit.protocol, "Hello.")
    await visit.write(STREAM + chunk(said) + LAST)


WORDS = {MESSAGES: (b'"end_turn"', b'"refusal"'), CHAT: (b'"stop"', b'"content_filter"')}
"""How an answer ends that was given, and one that the model declined to give."""


async def declines(visit: Visit) -> None:
    if not visit.stream:
        body = whole(visit.protocol).partition(b"\r\n\r\n")[2]
        await visit.write(answer(200, body.replace(*WORDS[visit.protocol])))
        return
    said = opening(visit.protocol) + ending(visit.protocol, "").replace(*WORDS[visit.protocol])
    await visit.write(STREAM + chunk(said) + LAST)


async def breaks_off(visit: Visit) -> None:
    said = piece(visit.protocol, "I") + ending(visit.protocol, "I").replace(*WORDS[visit.protocol])
    await visit.write(STREAM + chunk(opening(visit.protocol) + said) + LAST)


@pytest.fixture(scope="module")
def door(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    text = SETTINGS + providers(_upstream.url) + QUIRK % _upstream.url
    with gateway(tmp_path_factory.mktemp("fallbacks"), text) as running:
        yield running


def bodies(upstream: Upstream) -> list[Any]:
    return [visit.asked for visit in upstream.visits]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("provider", "lane"), [("u_msgs", "verbatim"), ("u_patch", "patch"), ("u_chat", "hub")])
def test_each_attempt_as_its_entry_has_it(
    provider: str, lane: str, stream: bool, upstream: Upstream, door: Gateway
) -> None:
    """The first is asked as the request says, a bare entry likewise, the last as its entry does, in the books too."""
    first, second, third = upstream.play(down), upstream.play(down), upstream.play(fine)
    sdk = client(door.url, MESSAGES)
    assert isinstance(sdk, anthropic.Anthropic)
    asked: dict[str, Any] = {
        "model": f"u_msgs/{first}",
        "max_tokens": 64,
        "output_config": {"effort": "low"},
        "messages": [{"role": "user", "content": "Hello"}],
        "fallbacks": [{"model": f"u_msgs/{second}"}, {"model": f"{provider}/{third}", **SAID}],
        "betas": ["server-side-fallback-2026-07-01"],
    }
    upstream.visits.clear()
    if stream:
        with sdk.beta.messages.stream(**asked) as heard:
            text, answer_id = heard.get_final_text(), heard.response.headers["x-request-id"]
    else:
        raw = sdk.beta.messages.with_raw_response.create(**asked)
        text, answer_id = raw.parse().content[0].text, raw.headers["x-request-id"]  # type: ignore[union-attr]
    assert text == "Hello."
    one, *_, two, three = bodies(upstream)
    for body in (one, two):
        assert (body["max_tokens"], body["output_config"], "thinking" in body) == (64, {"effort": "low"}, False)
    if lane == "hub":
        assert (three["max_tokens"], three["reasoning_effort"]) == (500, "high")
    else:
        assert {name: three[name] for name in SAID} == (SAID | {"max_tokens": 400} if lane == "patch" else SAID)
    assert not any("fallbacks" in body for body in bodies(upstream))
    attempts = door.generation(answer_id)["attempts"]
    assert [each["model"] for each in (attempts[0], *attempts[-2:])] == [first, second, third]
    assert [each["overrides"] for each in (attempts[0], *attempts[-2:])] == [[], [], list(SAID)]
    assert attempts[-1]["lane"] == lane


def test_a_wrong_entry_is_refused_before_anybody_is_asked(upstream: Upstream, door: Gateway) -> None:
    """With the place that Anthropic's SDK shows."""
    first = upstream.play(fine)
    body = ask(MESSAGES, f"u_msgs/{first}", fallbacks=[{"model": "u_chat/x", "thinking": {"type": "deep"}}])
    heard = call(door.url, PATHS[MESSAGES], body)
    assert (heard.status, heard.error["type"]) == (400, "invalid_request_error")
    assert "fallbacks[0].thinking.type" in heard.error["message"]
    assert not upstream.visits


def test_a_route_tells_what_is_asked_otherwise(upstream: Upstream, door: Gateway) -> None:
    """Before it is taken, with what is lost of it."""
    first, second = upstream.play(fine), upstream.play(fine)
    entry = {"model": f"u_chat/{second}", "speed": "fast"}
    told = call(door.url, "/v1/route", ask(MESSAGES, f"u_chat/{first}", fallbacks=[entry])).json
    assert [each["overrides"] for each in told["candidates"]] == [[], ["speed"]]
    assert [[loss["field"] for loss in each["losses"]] for each in told["candidates"]] == [
        [],
        ["extras.anthropic_messages.speed"],
    ]


def test_an_alias_and_a_chain(upstream: Upstream, door: Gateway) -> None:
    """A name of one's own is asked by its entry; what a chain puts behind it, as the request says."""
    first = upstream.play(down)
    upstream.play(down, "patched"), upstream.play(down, "chained"), upstream.play(fine, "behind")
    entries = [{"model": "spare", "max_tokens": 7}, {"model": "u_msgs/chained", "max_tokens": 8}]
    heard = call(door.url, PATHS[MESSAGES], ask(MESSAGES, f"u_msgs/{first}", fallbacks=entries))
    assert heard.status == 200, heard.body
    limits = {body["model"]: body["max_tokens"] for body in bodies(upstream)}
    assert limits == {first: 64, "patched": 7, "chained": 8, "behind": 64}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", ["u_msgs", "u_chat"])
def test_a_model_that_declines_is_followed_by_the_next(
    provider: str, stream: bool, upstream: Upstream, door: Gateway
) -> None:
    """Who declined is paid for and stands in the books; when all decline, the client hears the last one say so."""
    first, second, third = upstream.play(declines), upstream.play(fine), upstream.play(declines)

    def asked(*others: str) -> anthropic.types.Message:
        entries = [{"model": f"{provider}/{other}"} for other in others]
        return _heard(door, f"{provider}/{first}", stream, extra_body={"fallbacks": entries})

    served = asked(second)
    assert [part.text for part in served.content if part.type == "text"] == ["Hello."]
    assert served.stop_reason == "end_turn"
    declined = asked(third)
    assert declined.stop_reason == "refusal"
    assert asked().stop_reason == "refusal"


def test_what_was_declined_is_in_the_books(upstream: Upstream, door: Gateway) -> None:
    first, second = upstream.play(declines), upstream.play(fine)
    body = ask(MESSAGES, f"u_msgs/{first}", fallbacks=[{"model": f"u_msgs/{second}"}])
    heard = call(door.url, PATHS[MESSAGES], body)
    one, two = door.generation(heard.headers["x-request-id"])["attempts"]
    assert (one["outcome"], two["outcome"]) == ("content_filter", "ok")
    assert one["usage"]["input"] == 3


def test_nobody_follows_where_content_was_heard_or_nobody_was_named(upstream: Upstream, door: Gateway) -> None:
    """A text that has begun is the answer; `models` are for models that fail."""
    begun, first, second = upstream.play(breaks_off), upstream.play(declines), upstream.play(fine)
    entries = {"fallbacks": [{"model": f"u_msgs/{second}"}]}
    assert _heard(door, f"u_msgs/{begun}", True, extra_body=entries).stop_reason == "refusal"
    others = {"models": [f"u_msgs/{second}"]}
    assert _heard(door, f"u_msgs/{first}", False, extra_body=others).stop_reason == "refusal"


def _heard(door: Gateway, model: str, stream: bool, **more: Any) -> anthropic.types.Message:
    """The answer as Anthropic's SDK has it."""
    sdk = client(door.url, MESSAGES)
    assert isinstance(sdk, anthropic.Anthropic)
    asked: dict[str, Any] = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "?"}], **more}
    if not stream:
        return sdk.messages.create(**asked)
    with sdk.messages.stream(**asked) as events:
        return events.get_final_message()
