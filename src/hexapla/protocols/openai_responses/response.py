"""Whole Responses answers: an upstream's, parsed, and ours for a client.

An answer that failed is an error, whatever its HTTP status was.  What a client gets is a complete Response object, since
the SDK's types demand most of its fields: they echo the request (`echo.py`), and output and usage are the answer's own.

Rules of this file: read leniently, written strictly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from hexapla.errors import Kind, ProtocolError, UpstreamError
from hexapla.ir.content import Opaque, ToolCall
from hexapla.ir.event import MessageStart, MessageStop
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop, Usage
from hexapla.protocols.base import Reply
from hexapla.protocols.extras import lose_extras
from hexapla.protocols.failures import classify_value
from hexapla.protocols.openai_responses.echo import echo
from hexapla.protocols.openai_responses.items import parse_item
from hexapla.protocols.openai_responses.output import whole_item
from hexapla.protocols.openai_responses.schema import WHOLE, WireResponse
from hexapla.protocols.openai_responses.words import (
    ACTIONS,
    FAILED,
    NAME,
    TIERS,
    UNFINISHED,
    Ids,
    render_usage,
    status_of,
    stop_of,
    usage_of,
)
from hexapla.protocols.typed import present
from hexapla.wire.lenient import fit
from hexapla.wire.rawjson import UNDECODABLE, decode, join, load

Json = dict[str, Any]

SEARCH = "web_search_call"
"""The item of a search that the vendor made."""

_decoder = msgspec.json.Decoder(WireResponse)


def parse_response(body: bytes) -> GenerateResponse:
    """Upstream body -> response.  Raises ProtocolError, or UpstreamError for an answer that failed."""
    try:
        answer, unread = WHOLE.whole(body.strip())
    except UNDECODABLE:
        answer, unread = _decoded(body.strip()), ()
    if failed(answer):
        raise failure(body, answer.status)
    if answer.output is None and answer.status not in UNFINISHED:
        raise ProtocolError("the answer has no output", path="$.output")
    content = tuple([part for item in answer.output or () for part in parse_item(item)])
    usage = usage_of(answer.usage)
    return GenerateResponse(
        id=answer.id,
        model=answer.model or None,
        content=content,
        stop=stop_for(answer, content),
        usage=with_searches(usage, content) if len(content) > 1 else usage,
        created=answer.created,
        service_tier=answer.service_tier or None,
        origin=NAME,
        unread=unread,
    )


def _decoded(body: bytes) -> WireResponse:
    try:
        return decode(_decoder, body)
    except ProtocolError:
        fitted = fit(body, WireResponse)
        if fitted is None:
            raise
        return fitted


def failed(answer: WireResponse) -> bool:
    """Whether an answer says that it is none."""
    return (
        answer.status in FAILED or answer.type == "error" or (present(answer.error) is not None and not answer.output)
    )


def failure(body: bytes, status: str | None) -> UpstreamError:
    """The error of a failed answer or of an event that says so."""
    value = load(body, dict[str, Any]) or {}
    inner = value.get("response")
    if isinstance(inner, dict):
        value = inner
    error = value.get("error")
    if error is None and not value.get("message"):
        return UpstreamError(Kind.UPSTREAM_ERROR, f"The provider's answer ended as {status or 'failed'}.")
    return classify_value({"error": error} if error is not None else value)


def stop_for(answer: WireResponse, content: Sequence[ResponsePart]) -> Stop | None:
    """Why an answer ended."""
    reason = answer.incomplete_details.reason if answer.incomplete_details is not None else None
    return stop_of(answer.status, reason, calls=_waits(content))


def with_searches(usage: Usage | None, content: Sequence[ResponsePart]) -> Usage | None:
    """`usage` with the searches of the web that an answer tells, which are billed apart by the call
    (https://platform.openai.com/docs/pricing, 2026-11)."""
    made = sum(isinstance(part, Opaque) and part.type == SEARCH for part in content)
    return replace(usage, searches=made) if usage is not None and made else usage


def _waits(content: Sequence[ResponsePart]) -> bool:
    """Whether the answer holds calls, or items that the client must act on and the vendor did not."""
    if any(isinstance(part, ToolCall) for part in content):
        return True
    kinds = {part.type for part in content if isinstance(part, Opaque)}
    return any(f"{kind}_output" not in kinds for kind in kinds & ACTIONS)


def render_response(response: GenerateResponse, reply: Reply, losses: LossLog) -> bytes:
    """Response -> a Response object that the SDK's strict types accept."""
    body = envelope(response, reply, losses)
    ids = Ids(body["id"])
    found = [whole_item(part, ids, index, losses) for index, part in enumerate(response.content)]
    body["output"] = [item for item in found if item is not None]
    body["usage"] = render_usage(response.usage) if response.usage is not None else None
    body |= ending(response.stop, losses)
    return join(body)


def envelope(answer: GenerateResponse | MessageStart, reply: Reply, losses: LossLog) -> Json:
    """Everything of a Response object but what the model said, as it stands while the answer is made."""
    said: Json = {
        "id": answer.id or reply.id,
        "object": "response",
        "created_at": answer.created or reply.created,
        "status": "in_progress",
        "completed_at": None,  # when it was is nowhere said; OpenRouter's SDK wants the field
        "error": None,
        "incomplete_details": None,
        "model": answer.model or reply.model,
        "output": [],
        "usage": None,
    }
    if reply.openrouter:
        said |= {"presence_penalty": None, "frequency_penalty": None}
    said |= tier_of(answer, losses)
    for origin in answer.extras:
        for name in answer.extras[origin]:
            losses.add(f"extras.{origin}.{name}", f"{name} is a field of {origin} only", "cosmetic")
    return said | echo(reply.request)


def tier_of(answer: GenerateResponse | MessageStart | MessageStop, losses: LossLog) -> Json:
    """The service tier, if it was told and Responses knows it."""
    tier = answer.service_tier
    if tier in TIERS:
        return {"service_tier": tier}
    if tier is not None:
        losses.add("service_tier", f"{tier} is no service tier of Responses", "cosmetic")
    return {}


def ending(stop: Stop | None, losses: LossLog) -> Json:
    """The fields that say how an answer ended."""
    if stop is not None and stop.sequence is not None:
        losses.add("stop.sequence", "Responses names no stop sequence", "cosmetic")
    if stop is not None and stop.extras:
        lose_extras(stop.extras, "stop.", "Responses has no field for more about the end", losses, "cosmetic")
    status, reason = status_of(stop)
    said: Json = {"status": status, "incomplete_details": {"reason": reason} if reason else None}
    if status == "failed":
        said["error"] = {"code": "server_error", "message": "The provider ended the answer with an error."}
    return said
