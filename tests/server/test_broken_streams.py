"""Streams that break after content, with the official SDKs as judges: an error, and never a success."""

from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest

from server.client import begin, call
from server.judges import client
from server.running import SHORT, Gateway
from server.upstream import Script, Upstream, Visit
from server.wire import (
    CHAT,
    DIALECTS,
    LAST,
    MESSAGES,
    PATHS,
    RESPONSES,
    STREAM,
    TERMINATORS,
    answer,
    ask,
    broken,
    chunk,
    ending,
    opening,
    piece,
)


def said(protocol: str) -> bytes:
    return opening(protocol) + piece(protocol, "Hel") + piece(protocol, "lo")


async def fine(visit: Visit) -> None:
    """The control: the same stream with its end."""
    await visit.write(STREAM + chunk(said(visit.protocol) + ending(visit.protocol, "Hello")) + LAST)


async def cut(visit: Visit) -> None:
    """The body ends, by its framing, without the dialect's end."""
    await visit.write(STREAM + chunk(said(visit.protocol)) + LAST)


async def cut_in_an_event(visit: Visit) -> None:
    """The body ends inside an event."""
    await visit.write(STREAM + chunk(said(visit.protocol) + piece(visit.protocol, "half")[:-9]) + LAST)


async def closed(visit: Visit) -> None:
    """The connection closes inside the framing."""
    await visit.write(STREAM + chunk(said(visit.protocol)))
    visit.writer.close()


async def reset(visit: Visit) -> None:
    """The connection is reset."""
    await visit.write(STREAM + chunk(said(visit.protocol)))
    visit.reset()


async def error_event(visit: Visit) -> None:
    """The upstream says that it failed, and ends properly."""
    await visit.write(STREAM + chunk(said(visit.protocol) + broken(visit.protocol)) + LAST)


async def error_then_reset(visit: Visit) -> None:
    """The upstream says that it failed, and falls over."""
    await visit.write(STREAM + chunk(said(visit.protocol) + broken(visit.protocol)))
    visit.reset()


async def bad_framing(visit: Visit) -> None:
    """What follows is no chunk."""
    await visit.write(STREAM + chunk(said(visit.protocol)) + b"zz\r\nnonsense")


async def no_json(visit: Visit) -> None:
    """An event that is no JSON, then the end."""
    await visit.write(STREAM + chunk(said(visit.protocol) + b"data: {nonsense\n\n") + LAST)


FAULTS: dict[str, Script] = {
    script.__name__: script
    for script in (cut, cut_in_an_event, closed, reset, error_event, error_then_reset, bad_framing, no_json)
}

pairs = pytest.mark.parametrize("provider", DIALECTS)
clients = pytest.mark.parametrize("protocol", DIALECTS)


def consume(url: str, protocol: str, model: str) -> tuple[str, list[str]]:
    """The text of a stream and the types of its events, as the SDK sees them; raises what the SDK raises."""
    sdk: Any = client(url, protocol)
    asked = [{"role": "user", "content": "Hello"}]
    if protocol == CHAT:
        chunks = list(sdk.chat.completions.create(model=model, messages=asked, stream=True))
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        return text, [str(c.choices[0].finish_reason) for c in chunks if c.choices]
    if protocol == RESPONSES:
        events = list(sdk.responses.create(model=model, input="Hello", stream=True))
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        return text, [e.type for e in events]
    events = list(sdk.messages.create(model=model, max_tokens=64, messages=asked, stream=True))
    text = "".join(e.delta.text for e in events if e.type == "content_block_delta")
    return text, [e.type for e in events]


@clients
@pairs
def test_control(protocol: str, provider: str, upstream: Upstream, served: Gateway) -> None:
    """The stream that is broken below is a good one when it is not broken."""
    text, events = consume(served.url, protocol, f"{SHORT[provider]}/{upstream.play(fine)}")
    assert text == "Hello"
    assert events[-1] == {CHAT: "stop", RESPONSES: "response.completed", MESSAGES: "message_stop"}[protocol]


@clients
@pairs
@pytest.mark.parametrize("fault", FAULTS)
def test_sdk_hears_of_it(fault: str, protocol: str, provider: str, upstream: Upstream, served: Gateway) -> None:
    """openai raises APIError, anthropic APIError, Responses yields response.failed or raises; one attempt was made."""
    model = f"{SHORT[provider]}/{upstream.play(FAULTS[fault])}"
    errors = (openai.APIError, anthropic.APIError)
    if protocol == RESPONSES:
        try:
            _, events = consume(served.url, protocol, model)
        except openai.APIError:
            events = ["response.failed"]
        assert events[-1] in ("response.failed", "error")
        assert "response.completed" not in events
    else:
        with pytest.raises(errors) as caught:
            consume(served.url, protocol, model)
        assert not isinstance(caught.value, openai.APIConnectionError | anthropic.APIConnectionError)
    assert len(upstream.visits) == 1


@pairs
@pytest.mark.parametrize("fault", ["cut", "reset", "error_event"])
def test_sdk_helper_hears_of_it(fault: str, provider: str, upstream: Upstream, served: Gateway) -> None:
    """The strict helper of Responses, which refuses a failure that names another response, yields the failure."""
    sdk: Any = client(served.url, RESPONSES)
    model = f"{SHORT[provider]}/{upstream.play(FAULTS[fault])}"
    with sdk.responses.stream(model=model, input="Hello") as stream:
        kinds = [event.type for event in stream]
    assert kinds[-1] in ("response.failed", "error")


@clients
@pairs
@pytest.mark.parametrize("fault", FAULTS)
def test_bytes_hold_no_success(fault: str, protocol: str, provider: str, upstream: Upstream, served: Gateway) -> None:
    """On the wire: the content so far, one error event, a proper end of the body, no success terminator."""
    model = f"{SHORT[provider]}/{upstream.play(FAULTS[fault])}"
    with begin(served.url, PATHS[protocol], ask(protocol, model, stream=True)) as sock:
        sock.settimeout(5)
        heard = b""
        while not heard.endswith(b"0\r\n\r\n"):
            got = sock.recv(65536)
            assert got, "the body was not ended properly"
            heard += got
    assert heard.startswith(b"HTTP/1.1 200 ")
    assert b"Hel" in heard
    assert TERMINATORS[protocol] not in heard
    assert b"nonsense" not in heard or protocol == provider
    answer_id = heard.partition(b"x-request-id: ")[2].partition(b"\r\n")[0].decode()
    record = served.generation(answer_id)
    assert record["outcome"] not in ("ok", "cancelled", "open")
    assert [attempt["outcome"] for attempt in record["attempts"]] == [record["outcome"]]


async def _unterminated(visit: Visit) -> None:
    """All of a Chat stream but its [DONE]."""
    end = ending(CHAT, "Hello").replace(b"data: [DONE]\n\n", b"")
    await visit.write(STREAM + chunk(said(CHAT) + end))


async def ends_properly(visit: Visit) -> None:
    await _unterminated(visit)
    await visit.write(LAST)


async def closes_behind(visit: Visit) -> None:
    await _unterminated(visit)
    visit.writer.close()


async def resets_behind(visit: Visit) -> None:
    await _unterminated(visit)
    visit.reset()


@pytest.mark.parametrize("protocol", [CHAT, MESSAGES])
@pytest.mark.parametrize(
    ("script", "outcome"),
    [(ends_properly, "ok"), (closes_behind, "upstream_truncated"), (resets_behind, "upstream_truncated")],
    ids=["ends", "closes", "resets"],
)
def test_f49_behind_a_finish_reason(
    script: Script, outcome: str, protocol: str, upstream: Upstream, served: Gateway
) -> None:
    """The body's own end is the answer's; a connection that breaks is no end (decisions/2026-11-28-what-cannot-be-read)."""
    body = ask(protocol, f"{SHORT[CHAT]}/{upstream.play(script)}", stream=True)
    heard = call(served.url, PATHS[protocol], body)
    assert served.generation(heard.headers["x-request-id"])["outcome"] == outcome
    assert (TERMINATORS[protocol] in heard.body) == (outcome == "ok")


@clients
@pairs
def test_error_before_content_is_an_http_error(
    protocol: str, provider: str, upstream: Upstream, served: Gateway
) -> None:
    """An error event as the first thing of a 200 is a status that the SDK raises, after the retries of the table."""

    async def error_first(visit: Visit) -> None:
        await visit.write(STREAM + chunk(broken(visit.protocol)) + LAST)

    model = f"{SHORT[provider]}/{upstream.play(error_first)}"
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        consume(served.url, protocol, model)
    assert caught.value.status_code >= 500
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert len(upstream.visits) >= 2


@clients
@pairs
@pytest.mark.parametrize("body", [b"", b"<html>oops</html>", b"{}", b"[]", b'{"error":{"message":"hidden"}}', b"null"])
def test_whole_answer_that_is_none(
    body: bytes, protocol: str, provider: str, upstream: Upstream, served: Gateway
) -> None:
    """A 200 whose body is no answer is an error with a dialect's body, not a success."""

    async def says(visit: Visit) -> None:
        await visit.write(answer(200, body))

    heard = call(served.url, PATHS[protocol], ask(protocol, f"{SHORT[provider]}/{upstream.play(says)}"))
    assert heard.status in (502, 503, 529), heard.body
    assert heard.error["message"]


INNER = b'{"message":"boom","type":"overloaded_error"}'
SAID = {
    "as OpenAI": b'data: {"error":%b}\n\n' % INNER,
    "as Anthropic": b'event: error\ndata: {"type":"error","error":%b}\n\n' % INNER,
    "without a name": b'data: {"type":"error","error":%b}\n\n' % INNER,
    "in a word": b'data: {"error":"boom"}\n\n',
    "as a field": b"error: %b\n\n" % INNER,
    "as a line": b'{"error":%b}\n\n' % INNER,
}


@clients
@pairs
@pytest.mark.parametrize("door", ["", "/api"])
@pytest.mark.parametrize("form", SAID)
def test_whatever_form_a_failure_has(
    form: str, door: str, protocol: str, provider: str, upstream: Upstream, served: Gateway
) -> None:
    """The SDK raises its own exception with the provider's words; one word for it is the same in all dialects."""

    async def fails(visit: Visit) -> None:
        await visit.write(STREAM + chunk(said(visit.protocol) + SAID[form]) + LAST)

    sdk: Any = client(served.url + door, protocol)
    model = f"{SHORT[provider]}/{upstream.play(fails)}"
    hello: Any = [{"role": "user", "content": "Hello"}]
    if protocol == RESPONSES:
        failed = list(sdk.responses.create(model=model, input="Hello", stream=True))[-1]
        assert failed.type == "response.failed" and "boom" in failed.response.error.message
        assert failed.response.error_type.startswith("provider_")
        return
    with pytest.raises(openai.APIError if protocol == CHAT else anthropic.APIStatusError) as caught:
        if protocol == CHAT:
            list(sdk.chat.completions.create(model=model, messages=hello, stream=True))
        else:
            list(sdk.messages.create(model=model, max_tokens=64, messages=hello, stream=True))
    body: Any = caught.value.body
    error = body if protocol == CHAT else body["error"]
    assert "boom" in error["message"] and "boom" in str(caught.value)
    word = error["metadata"]["error_type"] if protocol == CHAT else error["error_type"]
    assert word == ("provider_unavailable" if form == "in a word" else "provider_overloaded")
