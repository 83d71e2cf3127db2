"""What the tests of Messages share: streams, decoding in cuts, a client's frames, one reply and one target."""

from __future__ import annotations

import json
from typing import Any

from anthropic.types import Message as SdkMessage
from anthropic.types import RawMessageStreamEvent
from pydantic import TypeAdapter

from hexapla.ir.content import Origin
from hexapla.ir.event import AnyEvent, Ping, StreamError
from hexapla.ir.fold import fold, unfold
from hexapla.ir.grammar import check
from hexapla.ir.loss import Loss, LossLog
from hexapla.ir.request import GenerateRequest, Message
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop
from hexapla.ir.target import Target
from hexapla.protocols.anthropic_messages import ANTHROPIC_MESSAGES
from hexapla.protocols.base import Reply
from hexapla.wire.sse import SSEDecoder

REPLY = Reply(id="gen-1", created=1_700_000_000, model="m")
CLAUDE = Origin("anthropic_messages")
OPENAI = Origin("openai_responses", "openai")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WHOLE = TypeAdapter(SdkMessage)
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
USAGE = {"input_tokens": 3, "output_tokens": 1}


# an upstream's streams


def sse(*events: dict[str, Any], named: bool = True) -> bytes:
    """A stream of these events."""
    return b"".join(_frame(event, named=named) for event in events)


def _frame(event: dict[str, Any], *, named: bool) -> bytes:
    head = f"event: {event['type']}\n" if named else ""
    return f"{head}data: {json.dumps(event)}\n\n".encode()


def start(**fields: Any) -> dict[str, Any]:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "up", "content": [], "usage": USAGE}
    return {"type": "message_start", "message": message | fields}


def begin(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": f"{kind}_delta", **fields}}


def end(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def finish(reason: str | None = "end_turn", usage: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    counts = {"output_tokens": 2} if usage is None else usage
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None, **fields}, "usage": counts}


STOP = {"type": "message_stop"}


def text(index: int, *pieces: str) -> list[dict[str, Any]]:
    """A whole text block."""
    return [begin(index, type="text", text=""), *(delta(index, "text", text=piece) for piece in pieces), end(index)]


def events(stream: bytes, cut: int | None = None) -> list[AnyEvent]:
    """The stream decoded, in pieces of `cut` bytes; the grammar must accept what comes."""
    decoder = ANTHROPIC_MESSAGES.decoder()
    found: list[AnyEvent] = []
    for at in range(0, len(stream), cut or max(1, len(stream))):
        found += decoder.feed(stream[at : at + (cut or len(stream))])
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


def twin(*content: dict[str, Any], **fields: Any) -> GenerateResponse:
    """A whole answer, parsed."""
    body = {"id": "msg_1", "type": "message", "model": "up", "content": list(content), "stop_reason": "end_turn"}
    return ANTHROPIC_MESSAGES.parse_response(json.dumps(body | fields).encode())


# a client's answers


def encoded(found: list[AnyEvent], reply: Reply = REPLY) -> bytes:
    """These events as a client's stream."""
    encoder = ANTHROPIC_MESSAGES.encoder(reply)
    return b"".join([encoder.encode(event) for event in found]) + encoder.close()


def playing(*parts: ResponsePart, stop: Stop | None = Stop(reason="stop")) -> list[AnyEvent]:  # noqa: B008
    """A stream of these parts."""
    return [*unfold(GenerateResponse(id="r1", model="m", content=parts, stop=stop))]


def frames(stream: bytes) -> list[dict[str, Any]]:
    """The events of a client's stream, each under its own name, each allowed by the SDK's strict types."""
    found = SSEDecoder().feed(stream)
    bodies = [json.loads(frame.data) for frame in found]
    assert [frame.event for frame in found] == [body["type"] for body in bodies]
    for frame in found:
        if frame.event not in ("error", "ping"):
            EVENT.validate_json(frame.data, strict=True)
    return bodies


def said(response: GenerateResponse) -> dict[str, Any]:
    """The Message that a client gets, which the SDK's strict types allow."""
    body = ANTHROPIC_MESSAGES.render_response(response, REPLY, LossLog())
    WHOLE.validate_json(body, strict=True)
    return dict(json.loads(body))


# requests


def target(provider: str = "", **fields: Any) -> Target:
    """A Messages target."""
    return Target(origin=Origin("anthropic_messages", provider), model="up", **fields)


def rendered(request: GenerateRequest, to: Target | None = None) -> tuple[dict[str, Any], tuple[Loss, ...]]:
    """(body, losses) of a rendering."""
    losses = LossLog()
    body = ANTHROPIC_MESSAGES.render_request(request, to or target(), losses)
    return json.loads(body), losses.losses


def parsed(*messages: Any, **fields: Any) -> GenerateRequest:
    """A parsed body."""
    turns = [{"role": "user", "content": turn} if isinstance(turn, str) else turn for turn in messages or ("hi",)]
    body = {"model": "m", "max_tokens": 9, "messages": turns, **fields}
    return ANTHROPIC_MESSAGES.parse_request(json.dumps(body).encode())


def again(*messages: Any, **fields: Any) -> dict[str, Any]:
    """A body parsed and rendered for its own dialect, which must not lose anything."""
    body, losses = rendered(parsed(*messages, **fields))
    assert not losses
    return body


def asking(*messages: Message, protocol: str = "openai_chat", **fields: Any) -> GenerateRequest:
    """A request of another dialect."""
    return GenerateRequest(protocol=protocol, model="m", messages=messages, **fields)
