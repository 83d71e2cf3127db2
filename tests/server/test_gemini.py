"""Gemini's dialect as the other three are held: keys, bad input, leavers, broken streams, each in its own words."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.client import Heard, begin, call, hear, hear_all
from server.running import SHORT, Gateway, gateway, providers
from server.test_bad_input import DEEP, NOT_AN_IMAGE
from server.test_broken_streams import FAULTS
from server.test_leaving import AT_ONCE, BUSY, MOMENTS, until
from server.upstream import Upstream, Visit
from server.wire import CHAT, GEMINI, LAST, STREAM, ask, chunk, ending, opening, piece, refusal, whole

ups = pytest.mark.parametrize("provider", [GEMINI, CHAT])
"""An upstream of the same protocol (verbatim) and of another (hub)."""

ways = pytest.mark.parametrize("way", ["sse", "array"])
KEY = "a-client-key"


def path(model: str, way: str = "", version: str = "v1beta") -> str:
    """Where an answer is asked for: whole, as server-sent events, or as an array that grows."""
    method = {"": "generateContent", "sse": "streamGenerateContent?alt=sse", "array": "streamGenerateContent"}[way]
    return f"/{version}/models/{model}:{method}"


def contents(*parts: Any) -> bytes:
    return json.dumps({"contents": [{"role": "user", "parts": parts or [{"text": "Hello"}]}]}).encode()


def is_error(heard: Heard, status: int, word: str, said: str = "") -> None:
    """Google's shape: the number and its word inside."""
    assert heard.status == status, heard.body
    body = heard.json[0] if isinstance(heard.json, list) else heard.json
    assert (body["error"]["code"], body["error"]["status"]) == (status, word)
    assert said in body["error"]["message"], body
    assert heard.headers["x-request-id"] == heard.headers["request-id"]


async def answers(visit: Visit) -> None:
    if not visit.stream:
        await visit.write(whole(visit.protocol))
        return
    said = opening(visit.protocol) + piece(visit.protocol, "Hello.") + ending(visit.protocol, "Hello.")
    await visit.write(STREAM + chunk(said) + LAST)


@pytest.fixture
def fine(upstream: Upstream) -> Upstream:
    upstream.play(answers, "fine")
    return upstream


@pytest.fixture(scope="module")
def locked(_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that needs a key."""
    text = f'keys = ["{KEY}"]\n' + providers(_upstream.url)
    with gateway(tmp_path_factory.mktemp("locked"), text) as running:
        yield running


@ups
@pytest.mark.parametrize("version", ["v1beta", "v1", "v1alpha"])
@pytest.mark.parametrize("way", ["", "sse", "array"])
def test_answers(way: str, version: str, provider: str, fine: Upstream, served: Gateway) -> None:
    """Whole, as events and as an array; with our headers and a record."""
    heard = call(served.url, path(f"{SHORT[provider]}/fine", way, version), contents())
    assert heard.status == 200, heard.body
    assert b"Hello." in heard.body and b'"STOP"' in heard.body
    assert way == "sse" or heard.json
    assert heard.headers["content-type"].startswith("text/event-stream" if way == "sse" else "application/json")
    assert heard.headers["x-hexapla-lane"] == ("verbatim" if provider == GEMINI else "hub")
    record = served.generation(heard.headers["x-request-id"])
    assert (record["client_protocol"], record["outcome"]) == (GEMINI, "ok")
    told = provider == GEMINI or not way  # this Chat upstream's streams say nothing of usage
    assert (record["usage"]["output"], record["estimated"]) == ((2, False) if told else (1, True))


@ups
@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
def test_a_models_name_that_is_taken_for_a_path(method: str, provider: str, fine: Upstream, served: Gateway) -> None:
    """The AI SDK leaves `models/` away where the name has a slash."""
    heard = call(served.url, f"/v1beta/{SHORT[provider]}/fine:{method}", contents())
    assert heard.status == 200 and b"Hello." in heard.body


@pytest.mark.parametrize("version", ["v1beta", "v1", "v1alpha"])
@pytest.mark.parametrize("models", ["models/", ""])
def test_counts(models: str, version: str, served: Gateway) -> None:
    """Under the same names as it answers."""
    heard = call(served.url, f"/{version}/{models}demo/echo:countTokens", contents())
    assert heard.status == 200 and heard.json["totalTokens"] > 0


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (f"?key={KEY}", {}),
        ("", {"x_goog_api_key": KEY}),
        ("", {"authorization": f"Bearer {KEY}"}),
        ("", {"x_api_key": KEY}),
        ("", {"api_key": KEY}),
    ],
)
def test_key_in_every_place(query: str, headers: dict[str, str], fine: Upstream, locked: Gateway) -> None:
    """Also in the query, where Google's examples put it; it is never passed on."""
    heard = call(locked.url, path("u_gem/fine") + query, contents(), **headers)
    assert heard.status == 200, heard.body
    assert KEY not in str(fine.last().headers) + fine.last().path + fine.last().body.decode()


def test_no_key(fine: Upstream, locked: Gateway) -> None:
    """Google's word for a key that is missing or wrong."""
    for query in ("", "?key=wrong"):
        is_error(call(locked.url, path("u_gem/fine") + query, contents()), 401, "UNAUTHENTICATED", "key")
    assert not fine.visits


RESULT = {"functionResponse": {"id": "c1", "name": "f", "response": {"x": 1}}}

BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "no_json": (b"hello", "not valid JSON"),
    "list": (b"[1]", "JSON object"),
    "bad_utf8": (contents().replace(b"Hello", b"H\xff\xfe"), "UTF-8"),
    "lone_surrogate": (contents().replace(b"Hello", b"H\\ud83d!"), "surrogate"),
    "deep_body": (DEEP, "JSON object"),
    "deep_extra": (contents()[:-1] + b',"labels":' + DEEP + b"}", "nested"),
    "no_contents": (b"{}", "contents is required"),
    "contents_empty": (b'{"contents":[]}', "at least one"),
    "contents_number": (b'{"contents":3}', "must be a list"),
    "contents_of_numbers": (b'{"contents":[3]}', "must be an object"),
    "orphan": (contents(RESULT), "matching"),
    "no_image": (contents({"inlineData": {"mimeType": "image/png", "data": NOT_AN_IMAGE}}), "image"),
    "no_base64": (contents({"inlineData": {"mimeType": "image/png", "data": "!!!!"}}), "image"),
}


@ups
@pytest.mark.parametrize("case", BODIES)
def test_bad_input(case: str, provider: str, fine: Upstream, served: Gateway) -> None:
    """What cannot be right is INVALID_ARGUMENT, says what is wrong, and no upstream hears of it."""
    body, word = BODIES[case]
    for way in ("", "sse", "array"):
        heard = call(served.url, path(f"{SHORT[provider]}/fine", way), body)
        is_error(heard, 400, "INVALID_ARGUMENT", word)
    assert not fine.visits


def test_unknown_and_too_large(served: Gateway) -> None:
    """An unknown model is NOT_FOUND with near names; a large body names its limit."""
    is_error(call(served.url, path("demoo/echo"), contents()), 404, "NOT_FOUND", "demo/echo")
    large = contents({"text": "a" * 500_000})
    heard = call(served.url, path("u_gem/fine"), large)
    assert heard.status == 413 and "limits.body_bytes" in heard.error["message"]


@ups
def test_upstreams_refusal(provider: str, upstream: Upstream, served: Gateway) -> None:
    """A limit stays one, with its hint."""

    async def limited(visit: Visit) -> None:
        await visit.write(refusal(visit.protocol, 429, "retry-after: 17"))

    heard = call(served.url, path(f"{SHORT[provider]}/{upstream.play(limited)}"), contents())
    assert heard.status == 429 and heard.headers["retry-after"] == "17"
    assert heard.headers["x-should-retry"] == "false"


@ups
@ways
@pytest.mark.parametrize("fault", FAULTS)
def test_broken_stream(fault: str, way: str, provider: str, upstream: Upstream, served: Gateway) -> None:
    """The content so far, then Google's error as the last item, a proper end, and no reason to stop."""
    where = path(f"{SHORT[provider]}/{upstream.play(FAULTS[fault])}", way)
    heard = call(served.url, where, contents())
    assert heard.status == 200
    if way == "array":
        items = heard.json
    else:
        items = [json.loads(line[6:]) for line in heard.body.splitlines() if line.startswith(b"data: {")]
    texts = [p["text"] for item in items[:-1] for c in item.get("candidates", ()) for p in c["content"]["parts"]]
    assert "".join(texts).startswith("Hel")
    assert items[-1]["error"]["message"] and items[-1]["error"]["code"] >= 500
    assert b"finishReason" not in heard.body
    assert served.generation(heard.headers["x-request-id"])["outcome"] not in ("ok", "cancelled", "open")


@ups
@ways
@pytest.mark.parametrize("moment", ["stream_before_head", "stream_mid", "stream_pouring"])
def test_leaver_ends_the_upstream(moment: str, way: str, provider: str, upstream: Upstream, served: Gateway) -> None:
    """The upstream's connection is closed within 100 ms, wherever the answer is (F62)."""
    script, _, word = MOMENTS[moment]
    sock = begin(served.url, path(f"{SHORT[provider]}/{upstream.play(script)}", way), contents())
    visit = upstream.last()
    if word:
        assert word in hear(sock, word)
    left = time.monotonic()
    sock.close()
    assert visit.over.wait(3), "the upstream's connection stayed open"
    assert visit.gone - left < AT_ONCE + BUSY
    assert until(lambda: served.running() == 0)


def test_stopping(upstream: Upstream, tmp_path: Path) -> None:
    """A stream that takes longer than a stopping gateway waits ends with Google's error."""

    async def first_only(visit: Visit) -> None:
        await visit.write(STREAM + chunk(opening(visit.protocol) + piece(visit.protocol, "first")))
        await visit.until_gone()

    with gateway(tmp_path, "[server]\ngrace_seconds = 0.3\n" + providers(upstream.url)) as running:
        with begin(running.url, path(f"u_chat/{upstream.play(first_only)}", "sse"), contents()) as sock:
            hear(sock, b"first")
            running.signal(signal.SIGTERM)
            rest = hear_all(sock)
        assert b'"UNAVAILABLE"' in rest and b"finishReason" not in rest
        assert running.process.wait(10) == 0


def test_asked_by_the_others(fine: Upstream, served: Gateway) -> None:
    """The control: the upstream of this file answers other dialects as well."""
    assert call(served.url, "/v1/chat/completions", ask(CHAT, "u_gem/fine")).status == 200
