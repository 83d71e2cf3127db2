"""Whole Responses answers."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from hexapla.errors import Kind, ProtocolError, UpstreamError
from hexapla.ir.content import ToolCall
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop
from hexapla.ir.target import Target
from hexapla.protocols.base import Reply
from hexapla.protocols.failures import classify_value
from hexapla.protocols.openai_responses.items import parse_item, render_item
from hexapla.protocols.openai_responses.render import RequestEcho
from hexapla.protocols.openai_responses.words import NAME, ORIGIN, render_usage, status_of, stop_of, usage_of
from hexapla.wire.rawjson import decode, dump, join, load

Json = dict[str, Any]


class Incomplete(msgspec.Struct):
    reason: str | None = None


class WireResponse(msgspec.Struct):
    """An answer, or the `response` of a stream event."""

    type: str | None = None
    id: str | None = None
    object: str | None = None
    model: str | None = None
    status: str | None = None
    created_at: float | None = None
    output: list[Raw] | None = None
    incomplete_details: Incomplete | None = None
    usage: Raw = Raw()
    error: Raw = Raw()
    service_tier: str | None = None


_decoder = msgspec.json.Decoder(WireResponse)

FAILED = frozenset({"failed", "cancelled"})


def parse_response(body: bytes) -> GenerateResponse:
    """Upstream body -> response.  Raises ProtocolError, or UpstreamError for an answer that failed."""
    answer = decode(_decoder, body.strip())
    if answer.status in FAILED or answer.type == "error" or (present(answer.error) and answer.output is None):
        raise failure(body, answer.status)
    if answer.output is None:
        raise ProtocolError("the answer has no output", path="$.output")
    content = tuple(part for item in answer.output for part in parse_item(item))
    return GenerateResponse(
        id=answer.id,
        model=answer.model or None,
        content=content,
        stop=stop_for(answer, content),
        usage=usage_of(answer.usage),
        created=int(answer.created_at) if answer.created_at is not None else None,
        service_tier=answer.service_tier,
        origin=NAME,
    )


def stop_for(answer: WireResponse, content: tuple[ResponsePart, ...]) -> Stop | None:
    """Why an answer ended."""
    reason = answer.incomplete_details.reason if answer.incomplete_details is not None else None
    return stop_of(answer.status, reason, calls=any(isinstance(part, ToolCall) for part in content))


def failure(body: bytes, status: str | None) -> UpstreamError:
    """The error of a failed answer or an error event."""
    value = load(body, dict[str, Any]) or {}
    inner = value.get("response")
    if isinstance(inner, dict):
        value = inner
    if value.get("error") is None and "message" not in value:
        return UpstreamError(Kind.UPSTREAM_ERROR, f"The provider's answer ended as {status or 'failed'}.")
    error = value.get("error")
    return classify_value({"error": error} if error is not None else value)


def present(raw: Raw) -> bool:
    return bool(raw) and raw != Raw(b"null")


def render_response(response: GenerateResponse, reply: Reply, losses: LossLog) -> bytes:
    """Response -> a Response object that the SDK's strict types accept."""
    answer_id = response.id or reply.id
    found = [render_item(part, answer_id, index, losses) for index, part in enumerate(response.content)]
    body = envelope(reply, answer_id, response.model, response.created, response.service_tier)
    body |= finish(response.stop)
    body["output"] = [item for item in found if item is not None]
    body["usage"] = render_usage(response.usage) if response.usage is not None else None
    return join({name: dump(value) for name, value in body.items()})


def finish(stop: Stop | None) -> Json:
    """The fields that say how an answer ended."""
    status, reason = status_of(stop)
    return {"status": status, "incomplete_details": {"reason": reason} if reason else None}


def envelope(reply: Reply, answer_id: str, model: str | None, created: int | None, service_tier: str | None) -> Json:
    """Everything of a Response object but what the model said: much of it echoes the request."""
    echo: Json = {}
    if reply.request is not None:
        target = Target(origin=ORIGIN, model=reply.request.model)
        echo = RequestEcho(reply.request, target, LossLog()).echo()
    body: Json = {
        "id": answer_id,
        "object": "response",
        "created_at": created or reply.created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": model or reply.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": {},
    }
    if service_tier is not None:
        body["service_tier"] = service_tier
    return body | echo
