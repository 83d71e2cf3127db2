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
from server.wire import LAST, MESSAGES, PATHS, ask, chunk, ending, opening, piece, refusal, whole

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
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    await visit.write(head + chunk(said) + LAST)


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
