"""What the tests of Chat Completions share: streams from chunks, decoding in cuts, one reply and one target."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
from msgspec import Raw

from hexapla.ir.content import Citation, Media, Opaque, Origin, Reasoning, Text, ToolCall
from hexapla.ir.event import AnyEvent, Ping, StreamError
from hexapla.ir.fold import fold
from hexapla.ir.grammar import check
from hexapla.ir.loss import Loss, LossLog
from hexapla.ir.request import GenerateRequest, Message
from hexapla.ir.response import GenerateResponse, Stop, Usage
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.protocols.openai_chat import OPENAI_CHAT

REPLY = Reply(id="gen-1", created=1_700_000_000, model="m", include_usage=True)
DONE = b"data: [DONE]\n\n"
CLAUDE = Origin("anthropic_messages", "anthropic")
PROBS = Raw(b'{"token":"x","logprob":-0.5,"bytes":[120],"top_logprobs":[]}')

EVERYTHING = GenerateResponse(
    id="msg_1",
    model="claude",
    content=(
        Reasoning(text="hm", signature="sig", form="thinking", origin=CLAUDE),
        Reasoning(encrypted="xyz", form="redacted_thinking", origin=CLAUDE),
        Text(text="Hi", citations=(Citation(url="https://a", title="A"),), logprobs=(PROBS,)),
        ToolCall(id="t1", name="f", arguments='{"a":1}'),
        ToolCall(id="t2", name="g"),
        ToolCall(id="t3", name="c", arguments="free", kind="custom"),
        Media(kind="image", data="AAAA", media_type="image/png"),
        Media(kind="audio", data="BBBB"),
        Opaque(origin=CLAUDE, type="server_tool_use", data=Raw(b"{}")),
    ),
    stop=Stop(reason="tool_calls", native="tool_use"),
    usage=Usage(input=10, output=5, cached=4, reasoning=2, cost=0.1),
    service_tier="standard",
)
"""An answer with a part of every kind."""


def sse(*chunks: object, done: bool = True) -> bytes:
    """A stream of these chunks."""
    return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks) + (DONE if done else b"")


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """One chunk of choice 0."""
    choice: dict[str, Any] = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "up", "choices": [choice], **fields}


def call(index: int | None = None, name: str | None = None, arguments: Any = None, **fields: Any) -> dict[str, Any]:
    """A delta with one piece of a tool call."""
    function = {n: v for n, v in (("name", name), ("arguments", arguments)) if v is not None}
    piece = {"function": function, **fields} if index is None else {"index": index, "function": function, **fields}
    return {"tool_calls": [piece]}


def events(stream: bytes, cut: int | None = None) -> list[AnyEvent]:
    """The stream decoded, in pieces of `cut` bytes; the grammar must accept what comes."""
    decoder = OPENAI_CHAT.decoder()
    found: list[AnyEvent] = []
    for start in range(0, len(stream), cut or max(1, len(stream))):
        found += decoder.feed(stream[start : start + (cut or len(stream))])
    found += decoder.close()
    check(found)
    assert decoder.done
    return [event for event in found if not isinstance(event, Ping)]


def answer(stream: bytes) -> GenerateResponse:
    """The folded stream."""
    return fold(events(stream))


def failure(stream: bytes) -> StreamError:
    """The error that the stream ends in."""
    last = events(stream)[-1]
    assert isinstance(last, StreamError)
    return last


def twin(message: dict[str, Any], finish: str | None = "stop", **fields: Any) -> GenerateResponse:
    """A whole answer, parsed."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "up", "choices": [choice], **fields}
    return OPENAI_CHAT.parse_response(json.dumps(body).encode())


def encoded(found: list[AnyEvent], reply: Reply = REPLY) -> bytes:
    """These events as a client's stream."""
    encoder = OPENAI_CHAT.encoder(reply)
    return b"".join([encoder.encode(event) for event in found]) + encoder.close()


def frames(stream: bytes) -> list[dict[str, Any]]:
    """The JSON chunks of a stream."""
    return [json.loads(block[6:]) for block in stream.split(b"\n\n") if block.startswith(b"data: {")]


def said(response: GenerateResponse) -> dict[str, Any]:
    """The message that a client gets."""
    body = json.loads(OPENAI_CHAT.render_response(response, REPLY, LossLog()))
    return dict(body["choices"][0]["message"])


def target(provider: str = "", **fields: Any) -> Target:
    """A Chat target."""
    return Target(origin=Origin("openai_chat", provider), model="up", **fields)


def rendered(request: GenerateRequest, to: Target | None = None) -> tuple[dict[str, Any], tuple[Loss, ...]]:
    """(body, losses) of a rendering."""
    losses = LossLog()
    body = OPENAI_CHAT.render_request(request, to or target(), losses)
    return json.loads(body), losses.losses


def parsed(**fields: Any) -> GenerateRequest:
    """A parsed body."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}
    return OPENAI_CHAT.parse_request(json.dumps(body).encode())


def asking(*messages: Message, protocol: str = "anthropic_messages", **fields: Any) -> GenerateRequest:
    """A request of another dialect."""
    return GenerateRequest(protocol=protocol, model="m", messages=messages, **fields)


def client(stream: bytes) -> openai.OpenAI:
    """The official SDK in front of this stream."""

    def respond(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    return openai.OpenAI(
        api_key="k", base_url="http://test/v1", http_client=httpx2.Client(transport=httpx2.MockTransport(respond))
    )
