"""What the tests of Responses share: streams from events, decoding in cuts, one reply and one target, the SDK's judges."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
from msgspec import Raw
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from hexapla.ir.content import Citation, Media, Origin, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import AnyEvent, Ping, StreamError
from hexapla.ir.fold import fold, unfold
from hexapla.ir.grammar import check
from hexapla.ir.loss import Loss, LossLog
from hexapla.ir.request import GenerateRequest, Message
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop, Usage
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.protocols.openai_responses import OPENAI_RESPONSES
from hexapla.wire.sse import SSEDecoder

REPLY = Reply(id="gen-1", created=1_700_000_000, model="m")
CLAUDE = Origin("anthropic_messages", "anthropic")
OPENAI = Origin("openai_responses")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PROBS = Raw(b'{"token":"x","logprob":-0.5,"bytes":[120],"top_logprobs":[]}')
WHOLE = TypeAdapter(Response)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)

EVERYTHING = GenerateResponse(
    id="msg_1",
    model="claude",
    content=(
        Reasoning(text="hm", signature="sig", form="thinking", origin=CLAUDE),
        Reasoning(encrypted="xyz", form="redacted_thinking", origin=CLAUDE),
        Reasoning(summary=("One.", "Two."), encrypted="gAA", id="rs_9", form="reasoning", origin=OPENAI),
        Text(text="Hi", citations=(Citation(url="https://a", title="A"),), logprobs=(PROBS,)),
        Refusal(text="No."),
        ToolCall(id="t1", name="f", arguments='{"a":1}'),
        ToolCall(id="t2", name="g", namespace="space"),
        ToolCall(id="t3", name="c", arguments="free", kind="custom"),
        Media(kind="image", data="AAAA", media_type="image/png"),
    ),
    stop=Stop(reason="tool_calls", native="tool_use"),
    usage=Usage(input=10, output=5, cached=4, reasoning=2),
)
"""An answer with a part of every kind that has an item."""


# an upstream's streams


def sse(*events: dict[str, Any], named: bool = True) -> bytes:
    """A stream of these events."""
    return b"".join(_frame(event, named=named) for event in events)


def _frame(event: dict[str, Any], *, named: bool) -> bytes:
    head = f"event: {event['type']}\n" if named else ""
    return f"{head}data: {json.dumps(event)}\n\n".encode()


def created(**fields: Any) -> dict[str, Any]:
    return {"type": "response.created", "response": {"id": "resp_1", "model": "up", "created_at": 7, **fields}}


def completed(*output: dict[str, Any], status: str = "completed", **fields: Any) -> dict[str, Any]:
    answer = {"id": "resp_1", "model": "up", "created_at": 7, "status": status, "output": list(output), **fields}
    return {"type": f"response.{status}", "response": answer}


def added(index: int | None, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "item": item, **_at(index)}


def done(index: int | None, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "item": item, **_at(index)}


def delta(kind: str, index: int | None, text: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "delta": text, **_at(index), **fields}


def _at(index: int | None) -> dict[str, int]:
    return {} if index is None else {"output_index": index}


def message(text: str, item_id: str | None = "msg_1", **fields: Any) -> dict[str, Any]:
    """A whole message item."""
    part = {"type": "output_text", "text": text, "annotations": []}
    own = {} if item_id is None else {"id": item_id}
    return {"type": "message", "role": "assistant", "status": "completed", "content": [part], **own, **fields}


def call(arguments: str, name: str = "f", number: int = 1, **fields: Any) -> dict[str, Any]:
    """A whole function_call item."""
    ids = {"id": f"fc_{number}", "call_id": f"call_{number}"}
    return {"type": "function_call", "status": "completed", "name": name, "arguments": arguments, **ids, **fields}


def events(stream: bytes, cut: int | None = None) -> list[AnyEvent]:
    """The stream decoded, in pieces of `cut` bytes; the grammar must accept what comes."""
    decoder = OPENAI_RESPONSES.decoder()
    found: list[AnyEvent] = []
    for start in range(0, len(stream), cut or max(1, len(stream))):
        found += decoder.feed(stream[start : start + (cut or len(stream))])
    found += decoder.close()
    check(found)
    assert decoder.done
    return [event for event in found if not isinstance(event, Ping)]


def answer(*found: dict[str, Any], named: bool = True) -> GenerateResponse:
    """These events, decoded and folded."""
    return fold(events(sse(*found, named=named)))


def failure(stream: bytes) -> StreamError:
    """The error that the stream ends in."""
    last = events(stream)[-1]
    assert isinstance(last, StreamError)
    return last


def twin(*output: dict[str, Any], status: str = "completed", **fields: Any) -> GenerateResponse:
    """A whole answer, parsed."""
    return OPENAI_RESPONSES.parse_response(json.dumps(completed(*output, status=status, **fields)["response"]).encode())


# a client's answers


def encoded(found: list[AnyEvent], reply: Reply = REPLY) -> bytes:
    """These events as a client's stream."""
    encoder = OPENAI_RESPONSES.encoder(reply)
    return b"".join([encoder.encode(event) for event in found]) + encoder.close()


def playing(*parts: ResponsePart, stop: Stop | None = Stop(reason="stop")) -> list[AnyEvent]:  # noqa: B008
    """A stream of these parts."""
    return [*unfold(GenerateResponse(id="r1", model="m", content=parts, stop=stop))]


def frames(stream: bytes) -> list[dict[str, Any]]:
    """The events of a client's stream, each under its own name."""
    found = SSEDecoder().feed(stream)
    bodies = [json.loads(frame.data) for frame in found]
    assert [frame.event for frame in found] == [body["type"] for body in bodies]
    return bodies


def final(stream: bytes) -> dict[str, Any]:
    """The response of the last event."""
    return dict(frames(stream)[-1]["response"])


def said(response: GenerateResponse, reply: Reply = REPLY) -> dict[str, Any]:
    """The Response object that a client gets."""
    return dict(json.loads(OPENAI_RESPONSES.render_response(response, reply, LossLog())))


def client(stream: bytes) -> openai.OpenAI:
    """The official SDK in front of this stream."""

    def respond(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    return openai.OpenAI(
        api_key="k", base_url="http://test/v1", http_client=httpx2.Client(transport=httpx2.MockTransport(respond))
    )


# requests


def target(provider: str = "", **fields: Any) -> Target:
    """A Responses target."""
    return Target(origin=Origin("openai_responses", provider), model="up", **fields)


def rendered(request: GenerateRequest, to: Target | None = None) -> tuple[dict[str, Any], tuple[Loss, ...]]:
    """(body, losses) of a rendering."""
    losses = LossLog()
    body = OPENAI_RESPONSES.render_request(request, to or target(), losses)
    return json.loads(body), losses.losses


def parsed(**fields: Any) -> GenerateRequest:
    """A parsed body."""
    return OPENAI_RESPONSES.parse_request(json.dumps({"model": "m", "input": "hi", **fields}).encode())


def again(**fields: Any) -> dict[str, Any]:
    """A body parsed and rendered for its own dialect, which must not lose anything."""
    body, losses = rendered(parsed(**fields))
    assert not losses
    return body


def asking(*messages: Message, protocol: str = "anthropic_messages", **fields: Any) -> GenerateRequest:
    """A request of another dialect."""
    return GenerateRequest(protocol=protocol, model="m", messages=messages, **fields)
