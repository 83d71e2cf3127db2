"""Whole Chat Completions answers, written strictly, and what a stream says of an answer in the same words.

Rules of this file: what Chat has no place for is a Loss.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from hexapla.ir.content import Extras, Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import MessageStart, MessageStop
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, Stop
from hexapla.protocols.base import Reply
from hexapla.protocols.extras import lose_extras
from hexapla.protocols.openai_chat.old import as_function, speaks_old
from hexapla.protocols.openai_chat.parts import in_answer, render_audio, render_call, render_citation, render_image
from hexapla.protocols.openai_chat.schema import NAME
from hexapla.protocols.openai_chat.thought import whole_thought
from hexapla.protocols.openai_chat.usage import render_usage
from hexapla.protocols.openai_chat.words import SAID, TIERS
from hexapla.wire.rawjson import join

Json = dict[str, Any]


def render_response(response: GenerateResponse, reply: Reply, losses: LossLog) -> bytes:
    """Response -> a ChatCompletion that the SDK's strict types accept."""
    message = _message(response, losses)
    if speaks_old(reply) and "tool_calls" in message:
        message = as_function(message, losses)
    choice = {
        "index": 0,
        "message": message,
        "logprobs": _logprobs(response),
        "finish_reason": finish_of(response.stop, reply),
        **native_of(response.stop, reply, losses),
    }
    body = head_of(response, reply, "chat.completion", losses) | {"choices": [choice]}
    if reply.openrouter:
        body.setdefault("system_fingerprint", None)
    if response.usage is not None:
        body["usage"] = render_usage(response.usage)
    return join(body)


def head_of(answer: GenerateResponse | MessageStart, reply: Reply, kind: str, losses: LossLog) -> Json:
    """The fields that stand before the choices, in a whole answer and in every chunk."""
    head: Json = {
        "id": answer.id or reply.id,
        "object": kind,
        "created": answer.created or reply.created,
        "model": answer.model or reply.model,
    }
    if reply.openrouter:
        head["provider"] = reply.provider
    _foreign(answer.extras, losses)
    return head | tier_of(answer, losses) | dict(answer.extras.get(NAME, {}))


def tier_of(answer: GenerateResponse | MessageStart | MessageStop, losses: LossLog) -> Json:
    """The service tier, if it was told and Chat knows it."""
    tier = answer.service_tier
    if tier in TIERS:
        return {"service_tier": tier}
    if tier is not None:
        losses.add("service_tier", f"{tier} is no service tier of Chat Completions", "cosmetic")
    return {}


def _foreign(extras: Extras, losses: LossLog) -> None:
    for origin, fields in extras.items():
        for name in fields if origin != NAME else ():
            losses.add(f"extras.{origin}.{name}", f"{name} is a field of {origin} only", "cosmetic")


def finish_of(stop: Stop | None, reply: Reply) -> str:
    """The finish reason that a Chat client knows."""
    said = "stop" if stop is None else SAID[stop.reason]
    return "function_call" if said == "tool_calls" and speaks_old(reply) else said


def native_of(stop: Stop | None, reply: Reply, losses: LossLog) -> Json:
    """The upstream's own word, where it is another one or OpenRouter's clients look for it, and the sequence that
    stopped it."""
    said: Json = {}
    if stop is not None and stop.native is not None and (reply.openrouter or stop.native != SAID[stop.reason]):
        said["native_finish_reason"] = stop.native
    if stop is not None and stop.sequence is not None:
        said["stop_reason"] = stop.sequence
    if stop is not None and stop.extras:
        lose_extras(stop.extras, "stop.", "Chat Completions has no field for more about the end", losses, "cosmetic")
    return said


def _message(response: GenerateResponse, losses: LossLog) -> Json:
    texts = [part.text for part in response.content if isinstance(part, Text)]
    refusals = [part.text for part in response.content if isinstance(part, Refusal)]
    calls = [render_call(part) for part in response.content if isinstance(part, ToolCall)]
    message: Json = {
        "role": "assistant",
        "content": "".join(texts) if texts or not (calls or refusals) else None,
        "refusal": "".join(refusals) if refusals else None,
        **whole_thought([part for part in response.content if isinstance(part, Reasoning)]),
    }
    annotations = _annotations(response)
    if annotations:
        message["annotations"] = annotations
    if calls:
        message["tool_calls"] = calls
    for index, part in enumerate(response.content):
        if isinstance(part, Media | Opaque):
            for name, value in media_fields(part, f"content[{index}]", losses).items():
                message[name] = [*message.get(name, []), *value] if isinstance(value, list) else value
    return message


def _annotations(response: GenerateResponse) -> list[Raw]:
    """All citations; each text has its place in the one that they become."""
    said: list[Raw] = []
    begin = 0
    for part in response.content:
        if isinstance(part, Text):
            end = begin + len(part.text)
            said += [render_citation(in_answer(citation, begin, end)) for citation in part.citations]
            begin = end
    return said


def media_fields(part: Media | Opaque, path: str, losses: LossLog) -> Json:
    """The fields that carry an image or sound; nothing, and a loss, for what Chat has no place for."""
    if isinstance(part, Media) and part.kind == "image":
        return {"images": [render_image(part)]}
    if isinstance(part, Media) and part.kind == "audio":
        return {"audio": render_audio(part)}
    what = part.type if isinstance(part, Opaque) else part.kind
    losses.add(path, f"Chat Completions has no place for {what} in an answer", "content")
    return {}


def _logprobs(response: GenerateResponse) -> Json | None:
    content = [probs for part in response.content if isinstance(part, Text) for probs in part.logprobs]
    return {"content": content, "refusal": None} if content else None
