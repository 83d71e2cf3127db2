"""Whatever a client sends, it hears an error that its SDK understands, and the gateway lives on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from server.client import Heard, call
from server.judges import module, verdict
from server.running import SHORT, Gateway
from server.upstream import Upstream, Visit
from server.wire import CHAT, DIALECTS, MESSAGES, PATHS, RESPONSES, ask, whole

CROSS = {CHAT: MESSAGES, RESPONSES: CHAT, MESSAGES: RESPONSES}
WAYS = [pytest.param(client, up, id=f"{client}-{up}") for client in DIALECTS for up in (client, CROSS[client])]
"""Each client dialect to an upstream of its own protocol (verbatim) and to another (hub)."""

ways = pytest.mark.parametrize(("protocol", "provider"), WAYS)
dialects = pytest.mark.parametrize("protocol", DIALECTS)

DEEP = b"[" * 10_000 + b"]" * 10_000
NOT_AN_IMAGE = "aGVsbG8gd29ybGQsIGhlbGxvIHdvcmxk"  # base64 of words
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


async def answers(visit: Visit) -> None:
    """An upstream that is content with everything."""
    await visit.write(whole(visit.protocol))


@pytest.fixture
def fine(upstream: Upstream) -> Upstream:
    upstream.play(answers, "fine")
    return upstream


def conversation(protocol: str) -> str:
    return "input" if protocol == RESPONSES else "messages"


def limit(protocol: str) -> str:
    return "max_output_tokens" if protocol == RESPONSES else "max_tokens"


def edited(protocol: str, asked: str, /, **fields: Any) -> bytes:
    """A valid request with fields replaced; None takes one away."""
    body = json.loads(ask(protocol, asked)) | fields
    return json.dumps({name: value for name, value in body.items() if value is not None}).encode()


def refused(gateway: Gateway, protocol: str, body: bytes, status: int, *words: str) -> Heard:
    """Check that `body` is refused in the dialect, by raw bytes and by the SDK."""
    heard = call(gateway.url, PATHS[protocol], body)
    assert heard.status == status, heard.body
    assert heard.headers["x-request-id"] == heard.headers["request-id"]
    assert heard.headers["content-type"] == "application/json"
    assert (heard.json.get("type") == "error") == (protocol == MESSAGES)
    assert isinstance(heard.error["type"], str)
    for word in words:
        assert word in heard.error["message"], heard.error
    error: Any = verdict(gateway.url, protocol, body)
    names = {400: "BadRequestError", 404: "NotFoundError", 413: "APIStatusError", 401: "AuthenticationError"}
    assert isinstance(error, getattr(module(protocol), names[status]))
    assert error.status_code == status
    assert gateway.process.poll() is None
    return heard


Make = Callable[[str, str], bytes]

BODIES: dict[str, tuple[Make, str]] = {
    "nothing": (lambda p, m: b"", "empty"),
    "no_json": (lambda p, m: b"hello", "not valid JSON"),
    "cut": (lambda p, m: ask(p, m)[:-5], "not valid JSON"),
    "list": (lambda p, m: b"[1, 2]", "JSON object"),
    "number": (lambda p, m: b"3", "JSON object"),
    "utf16": (lambda p, m: ask(p, m).decode().encode("utf-16"), "UTF-8"),
    "gzip": (lambda p, m: gzip.compress(ask(p, m)), "compressed"),
    "bad_utf8": (lambda p, m: ask(p, m).replace(b"Hello", b"H\xff\xfe"), "UTF-8"),
    "lone_surrogate": (lambda p, m: ask(p, m).replace(b"Hello", b"H\\ud83d!"), "surrogate"),
    "surrogate_at_the_end": (lambda p, m: ask(p, m).replace(b"Hello", b"H\\ud83d"), "surrogate"),
    "surrogate_in_model": (lambda p, m: edited(p, m + "\ud83d"), "surrogate"),
    "deep_body": (lambda p, m: DEEP, "JSON object"),
    "deep_extra": (lambda p, m: ask(p, m)[:-1] + b',"metadata":' + DEEP + b"}", "nested"),
    "deep_conversation": (
        lambda p, m: b'{"model":"%b","%b":%b}' % (m.encode(), conversation(p).encode(), DEEP),
        "nested",
    ),
    "no_model": (lambda p, m: edited(p, m, model=None), "model"),
    "model_number": (lambda p, m: edited(p, m, model=3), "model"),
    "model_empty": (lambda p, m: edited(p, m, model=""), "model"),
    "models_number": (lambda p, m: edited(p, m, models=3), "models"),
    "stream_text": (lambda p, m: edited(p, m, stream="yes"), "stream must be true or false"),
    "limit_text": (lambda p, m: edited(p, m, **{limit(p): "x"}), "must be an integer"),
    "temperature_text": (lambda p, m: edited(p, m, temperature="hot"), "temperature must be a number"),
    "tools_text": (lambda p, m: edited(p, m, tools="x"), "tools must be a list"),
    "no_conversation": (lambda p, m: edited(p, m, **{conversation(p): None}), "is required"),
    "conversation_empty": (lambda p, m: edited(p, m, **{conversation(p): []}), "at least one"),
    "conversation_number": (lambda p, m: edited(p, m, **{conversation(p): 3}), "must be a list"),
    "conversation_of_numbers": (lambda p, m: edited(p, m, **{conversation(p): [3]}), "must be an object"),
    "conversation_text": (lambda p, m: edited(p, m, **{conversation(p): ""}), "must"),
}


@ways
@pytest.mark.parametrize("case", BODIES)
def test_malformed(case: str, protocol: str, provider: str, fine: Upstream, served: Gateway) -> None:
    """A body that cannot be right is the client's 400, names what is wrong, and no upstream hears of it."""
    make, word = BODIES[case]
    refused(served, protocol, make(protocol, f"{SHORT[provider]}/fine"), 400, word)
    assert not fine.visits


def orphan(protocol: str) -> list[Any]:
    """A tool result whose call nobody made."""
    if protocol == RESPONSES:
        return [{"type": "function_call_output", "call_id": "c1", "output": "x"}]
    if protocol == MESSAGES:
        return [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "x"}]}]
    return [{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "c1", "content": "x"}]


def calls(protocol: str, *ids: str) -> list[Any]:
    """A conversation that ends with these calls."""
    if protocol == RESPONSES:
        made = [{"type": "function_call", "call_id": one, "name": "f", "arguments": "{}"} for one in ids]
        return [{"role": "user", "content": "x"}, *made]
    if protocol == MESSAGES:
        used: list[Any] = [{"type": "tool_use", "id": one, "name": "f", "input": {}} for one in ids]
        return [{"role": "user", "content": "x"}, {"role": "assistant", "content": used}]
    called = [{"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}} for one in ids]
    return [{"role": "user", "content": "x"}, {"role": "assistant", "content": None, "tool_calls": called}]


def results(protocol: str, *ids: str) -> list[Any]:
    """The answers to calls."""
    if protocol == RESPONSES:
        return [{"type": "function_call_output", "call_id": one, "output": "x"} for one in ids]
    if protocol == MESSAGES:
        parts = [{"type": "tool_result", "tool_use_id": one, "content": "x"} for one in ids]
        return [{"role": "user", "content": parts}]
    return [{"role": "tool", "tool_call_id": one, "content": "x"} for one in ids]


def picture(protocol: str, data: str) -> list[Any]:
    """A user who shows a PNG."""
    url = f"data:image/png;base64,{data}"
    part: dict[str, Any] = {"type": "image_url", "image_url": {"url": url}}
    if protocol == RESPONSES:
        part = {"type": "input_image", "image_url": url}
    if protocol == MESSAGES:
        part = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    return [{"role": "user", "content": [part]}]


TALKS: dict[str, tuple[Callable[[str], list[Any]], str]] = {
    "orphan": (orphan, "no matching tool call"),
    "id_called_twice": (lambda p: calls(p, "c1", "c1") + results(p, "c1"), "share the id"),
    "id_answered_twice": (lambda p: calls(p, "c1") + results(p, "c1", "c1"), "answer the same tool call"),
    "no_image": (lambda p: picture(p, NOT_AN_IMAGE), "image"),
    "no_base64": (lambda p: picture(p, "!!!!"), "image"),
}


@ways
@pytest.mark.parametrize("case", TALKS)
def test_talk_that_cannot_be(case: str, protocol: str, provider: str, fine: Upstream, served: Gateway) -> None:
    """Orphan results, repeated ids and false images are refused in every lane, with words that help."""
    make, word = TALKS[case]
    body = edited(protocol, f"{SHORT[provider]}/fine", **{conversation(protocol): make(protocol)})
    refused(served, protocol, body, 400, word)
    assert not fine.visits


@ways
@pytest.mark.parametrize(
    "make",
    [
        lambda p: calls(p, "c1", "c2") + results(p, "c2", "c1"),
        lambda p: calls(p, "c1") + results(p, "c1") + calls(p, "c2") + results(p, "c2"),
        lambda p: picture(p, PIXEL),
    ],
    ids=["parallel", "rounds", "image"],
)
def test_talk_that_can_be(
    make: Callable[[str], list[Any]], protocol: str, provider: str, fine: Upstream, served: Gateway
) -> None:
    """Right conversations with results and images pass; in the verbatim lane every byte but the model's name does."""
    body = edited(protocol, f"{SHORT[provider]}/fine", **{conversation(protocol): make(protocol)})
    heard = call(served.url, PATHS[protocol], body)
    assert heard.status == 200, heard.body
    if protocol == provider:
        assert json.loads(fine.last().body) == json.loads(body) | {"model": "fine"}
        sent = json.dumps(make(protocol)).encode()
        assert sent in fine.last().body


def test_result_of_a_call_that_the_vendor_keeps(fine: Upstream, served: Gateway) -> None:
    """A Responses conversation that continues a stored one may answer calls that only the vendor knows."""
    body = edited(RESPONSES, "u_resp/fine", input=orphan(RESPONSES), previous_response_id="resp_0")
    assert call(served.url, PATHS[RESPONSES], body).status == 200


def test_words_about_results_are_no_results(fine: Upstream, served: Gateway) -> None:
    """Text that quotes the marks that the checks look for is text."""
    said = '{"tool_call_id": "x"} "tool_result" data:image/png;base64,AAAA "base64"'
    for protocol in DIALECTS:
        turns = [{"role": "user", "content": said}]
        body = edited(protocol, f"{SHORT[protocol]}/fine", **{conversation(protocol): turns})
        assert call(served.url, PATHS[protocol], body).status == 200


@dialects
def test_unknown_model(protocol: str, served: Gateway) -> None:
    """An unknown model is a 404 that names near ones and where the list is."""
    heard = refused(served, protocol, ask(protocol, "demoo/echo"), 404, "Nearest: ", "demo/echo", "/v1/models")
    assert heard.error["message"].partition("Nearest: ")[2].partition(". ")[0].count(",") <= 2


@dialects
def test_unknown_provider(protocol: str, served: Gateway) -> None:
    """An unknown provider is a 404 that names a near one of the user's own."""
    refused(served, protocol, ask(protocol, "u_chatt/zzzzzzzzzzzzzzzzzzzzzzzzz"), 404, "u_chat/")


@dialects
def test_too_large(protocol: str, served: Gateway) -> None:
    """A body over the limit is a 413 that names the limit and how to raise it."""
    body = edited(protocol, f"{SHORT[protocol]}/fine", metadata={"x": "a" * 500_000})
    refused(served, protocol, body, 413, "400000", "limits.body_bytes")


@dialects
def test_policy_that_is_none(protocol: str, served: Gateway) -> None:
    """A header of ours with a word that we do not know is refused, not ignored."""
    heard = call(served.url, PATHS[protocol], ask(protocol, "u_chat/fine"), x_hexapla_on_loss="perhaps")
    assert heard.status == 400
    assert "allow, warn or strict" in heard.error["message"]
