"""Errors in Chinese, for a client that asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from hexapla.chinese import in_chinese
from hexapla.wire.sse import MAX_EVENT
from server.client import call
from server.running import SHORT, Gateway, gateway, providers
from server.upstream import Script, Upstream, Visit
from server.wire import CHAT, GEMINI, LAST, MESSAGES, PATHS, RESPONSES, STREAM, ask, chunk, opening, piece

KEY = "sk-of-a-client"
CHINESE = re.compile("[\u4e00-\u9fff]").search

WRONG: dict[str, tuple[str, bytes]] = {
    "an unknown model": (PATHS[CHAT], ask(CHAT, "nope/x")),
    "an unknown model, Messages": (PATHS[MESSAGES], ask(MESSAGES, "nope/x")),
    "an unknown model, Responses": (PATHS[RESPONSES], ask(RESPONSES, "nope/x")),
    "an unknown model, OpenRouter": ("/api" + PATHS[CHAT], ask(CHAT, "nope/x")),
    "an unknown model, Gemini": ("/v1beta/models/nope/x:generateContent", b'{"contents": []}'),
    "no key for a provider": (PATHS[CHAT], ask(CHAT, "openai/gpt-4o")),
    "no JSON": (PATHS[CHAT], b"nothing"),
    "nothing": (PATHS[MESSAGES], b""),
    "a list": (PATHS[CHAT], b"[]"),
    "no model": (PATHS[CHAT], b'{"messages": []}'),
    "a wrong type": (PATHS[CHAT], ask(CHAT, f"{SHORT[MESSAGES]}/m", max_tokens="many")),
    "no messages": (PATHS[CHAT], ask(CHAT, f"{SHORT[MESSAGES]}/m", messages=[])),
    "a role that is none": (PATHS[CHAT], ask(CHAT, f"{SHORT[MESSAGES]}/m", messages=[{"role": "x", "content": ""}])),
    "a result without its call": (
        PATHS[CHAT],
        ask(CHAT, f"{SHORT[MESSAGES]}/m", messages=[{"role": "tool", "tool_call_id": "a", "content": "1"}]),
    ),
    "too much": (PATHS[RESPONSES], b" " * 500_000),
    "a wrong header": (PATHS[CHAT], ask(CHAT, "demo/echo")),
    "a path that is none": ("/v1/nowhere", b"{}"),
    "a count": ("/v1/messages/count_tokens", ask(MESSAGES, "nope/x")),
}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("locked"), f'keys = ["{KEY}"]\n') as running:
        yield running


def told(value: Any) -> Any:
    """An error without what differs from one answer to the next, and its message."""
    message = value["error"].pop("message")
    value.pop("request_id", None)
    return message, value


@pytest.mark.parametrize("case", WRONG)
def test_an_error_is_said_in_the_clients_language(case: str, served: Gateway) -> None:
    """Its message alone: what programs read is the same."""
    path, body = WRONG[case]
    more = {"x_hexapla_on_loss": "perhaps"} if case == "a wrong header" else {}
    english = call(served.url, path, body, accept_language="en, zh;q=0.5", **more)
    chinese = call(served.url, path, body, accept_language="zh-CN,zh;q=0.9,en;q=0.8", **more)
    assert english.status == chinese.status >= 400
    (here, rest), (there, other) = told(english.json), told(chinese.json)
    assert CHINESE(there) and not CHINESE(here) and rest == other


def test_what_a_provider_fails_at(upstream: Upstream, served: Gateway) -> None:
    async def silent(visit: Visit) -> None:
        visit.reset()

    for protocol in (CHAT, GEMINI):
        model = f"{SHORT[protocol]}/{upstream.play(silent)}"
        heard = call(served.url, PATHS[CHAT], ask(CHAT, model), accept_language="zh")
        assert heard.status >= 500 and CHINESE(heard.error["message"])


async def cut(visit: Visit) -> None:
    """The body ends without the dialect's end."""
    await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "Hel")) + LAST)


async def reset(visit: Visit) -> None:
    await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "Hel")))
    visit.reset()


async def silent(visit: Visit) -> None:
    await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "Hel")))
    await visit.until_gone()


async def endless(visit: Visit) -> None:
    """An event without an end."""
    said = b"data: " + b"x" * MAX_EVENT
    await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "Hel")) + chunk(said))
    await visit.until_gone()


MESSAGE = re.compile(rb'"message":\s?"([^"]+)"')


@pytest.fixture(scope="module")
def hasty(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that waits half a second for more of an answer."""
    with gateway(tmp_path_factory.mktemp("hasty"), "[timeouts]\nidle = 0.5\n" + providers(_upstream.url)) as running:
        yield running


@pytest.mark.parametrize(("script", "resume"), [(cut, ""), (cut, "true"), (reset, ""), (silent, ""), (endless, "")])
@pytest.mark.parametrize(
    ("client", "provider"),
    [(CHAT, CHAT), (MESSAGES, MESSAGES), (RESPONSES, RESPONSES), (CHAT, MESSAGES), (MESSAGES, CHAT)],
)
def test_a_stream_that_breaks(
    client: str, provider: str, script: Script, resume: str, upstream: Upstream, hasty: Gateway
) -> None:
    """In every lane the event says why in the client's language, and is the same otherwise."""
    body = ask(client, f"{SHORT[provider]}/{upstream.play(script)}", stream=True)
    more = {"x_hexapla_resume": resume} if resume else {}
    english = call(hasty.url, PATHS[client], body, accept_language="en", **more)
    chinese = call(hasty.url, PATHS[client], body, accept_language="zh", **more)
    (here,), (there,) = (MESSAGE.findall(heard.body) for heard in (english, chinese))
    assert CHINESE(there.decode()) and not CHINESE(here.decode())
    assert in_chinese(here.decode()) == there.decode()


def test_a_client_without_a_key(locked: Gateway) -> None:
    for path in (PATHS[CHAT], "/v1/models"):
        heard = call(locked.url, path, ask(CHAT, "demo/echo") if path == PATHS[CHAT] else None, accept_language="zh")
        assert heard.status == 401 and CHINESE(heard.error["message"])
