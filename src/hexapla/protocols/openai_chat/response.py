"""Whole Chat Completions answers, read leniently and written strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import Kind, ProtocolError, UpstreamError
from hexapla.ir.content import Citation, Media, Opaque, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.loss import LossLog
from hexapla.ir.response import GenerateResponse, ResponsePart, Stop
from hexapla.protocols.base import Reply
from hexapla.protocols.failures import classify_value
from hexapla.protocols.openai_chat.parts import (
    audio_of,
    call_id,
    citation_of,
    content_pieces,
    image_of,
    json_text,
    render_citation,
    signature_extras,
)
from hexapla.protocols.openai_chat.reasoning import FORMS, ORIGIN, details_of, merge_details, readable
from hexapla.protocols.openai_chat.schema import NAME, Choice, Chunk, Delta, Logprobs, ToolDelta, decode_chunk
from hexapla.protocols.openai_chat.words import FAILED, SAID, render_usage, stop_of, usage_of
from hexapla.wire.media import data_url
from hexapla.wire.rawjson import decode, dump, join, load

Json = dict[str, Any]


def parse_response(body: bytes) -> GenerateResponse:
    """Upstream body -> response.  Raises ProtocolError, or UpstreamError for an error hidden in a 200."""
    answer = decode(decode_chunk, body.strip())
    if _present(answer.error) or (not answer.choices and _failed_base(body)):
        raise classify_value(msgspec.json.decode(body))
    if not answer.choices:
        raise ProtocolError("the answer has no choices", path="$.choices")
    choice = _merged(answer.choices)
    if _present(choice.error):
        raise classify_value({"error": msgspec.json.decode(choice.error)})
    if choice.finish_reason and choice.finish_reason.lower() in FAILED:
        raise UpstreamError(Kind.UPSTREAM_ERROR, f"The provider ended the answer with {choice.finish_reason!r}.")
    return _response(answer, choice)


def _merged(choices: list[Choice]) -> Choice:
    """The first choice; Copilot in front of Claude cuts one answer into several (text first, calls next)."""
    first = choices[0]
    message = first.message or first.delta
    if len(choices) < 2 or first.finish_reason != "tool_calls" or (message and message.tool_calls):
        return first
    calls = [call for choice in choices[1:] for call in _calls(choice.message or Delta())]
    if calls and message is not None:
        message.tool_calls = calls
    return first


def _response(answer: Chunk, choice: Choice) -> GenerateResponse:
    message = choice.message or choice.delta or Delta(content=choice.text)
    content = [*_thoughts(message), *_said(message, choice, answer), *_tool_calls(message), *_made(message)]
    calls = any(isinstance(part, ToolCall) for part in content)
    usage = usage_of(answer.usage) or usage_of(choice.usage)
    return GenerateResponse(
        id=str(answer.id) if answer.id else None,
        model=answer.model or None,
        content=tuple(content),
        stop=stop_of(choice.finish_reason, calls=calls),
        usage=usage,
        created=int(answer.created) if isinstance(answer.created, int | float) else None,
        service_tier=answer.service_tier,
        origin=NAME,
    )


def _thoughts(message: Delta) -> list[ResponsePart]:
    form, text = readable(message)
    details = merge_details(message.reasoning_details or [])
    if not text and not details and not message.reasoning_opaque:
        return []
    return [
        Reasoning(
            text=text,
            encrypted=message.reasoning_opaque,
            details=dump(details) if details else None,
            form=form or "reasoning_details",
            origin=ORIGIN,
        )
    ]


def _said(message: Delta, choice: Choice, answer: Chunk) -> list[ResponsePart]:
    """Text, thinking, refusals and media in order; neighbouring text is one part, as in a stream."""
    said: list[ResponsePart] = []
    for kind, piece in content_pieces(message.content):
        _append(said, kind, piece)
    if message.refusal:
        said.append(Refusal(text=message.refusal))
    citations = [citation_of(note) for note in message.annotations or ()]
    citations += [citation_of(url) for url in answer.citations or ()]
    probs = load(choice.logprobs, Logprobs) if _present(choice.logprobs) else None
    return _decorated(said, citations, tuple(probs.content or ()) if probs is not None else ())


def _append(said: list[ResponsePart], kind: str, piece: Any) -> None:
    last = said[-1] if said else None
    if kind == "text" and piece:
        if isinstance(last, Text):
            said[-1] = replace(last, text=last.text + piece)
        else:
            said.append(Text(text=piece))
    elif kind == "thinking":
        if isinstance(last, Reasoning):
            said[-1] = replace(last, text=last.text + piece)
        else:
            said.append(Reasoning(text=piece, form="thinking_part", origin=ORIGIN))
    elif kind == "refusal":
        said.append(Refusal(text=piece))
    elif kind == "media":
        said.append(piece)
    elif kind == "citation":
        if not isinstance(last, Text):
            said.append(last := Text(text=""))
        said[-1] = replace(last, citations=(*last.citations, piece))


def _decorated(said: list[ResponsePart], citations: list[Citation], logprobs: tuple[Raw, ...]) -> list[ResponsePart]:
    """Citations and logprobs stand on the (first) text."""
    if not citations and not logprobs:
        return said
    place = next((i for i, part in enumerate(said) if isinstance(part, Text)), None)
    if place is None:
        return [*said, Text(text="", citations=tuple(citations), logprobs=logprobs)]
    text = said[place]
    assert isinstance(text, Text)
    said[place] = replace(text, citations=(*text.citations, *citations), logprobs=logprobs)
    return said


def _tool_calls(message: Delta) -> list[ResponsePart]:
    taken: set[str] = set()
    return [_tool_call(index, call, taken) for index, call in enumerate(_calls(message))]


def _calls(message: Delta) -> list[ToolDelta]:
    if message.tool_calls:
        return message.tool_calls if isinstance(message.tool_calls, list) else [message.tool_calls]
    if message.function_call is not None and message.function_call.name:
        return [ToolDelta(function=message.function_call)]
    return []


def _tool_call(index: int, call: ToolDelta, taken: set[str]) -> ToolCall:
    name = (call.function.name if call.function else None) or (call.custom.name if call.custom else None) or ""
    said = str(call.id) if call.id else ""
    unique = said if said and said not in taken else call_id(index, name)
    taken.add(unique)
    freeform = call.custom if call.custom is not None and call.custom.name else None
    custom = freeform is not None or call.type == "custom"
    arguments = freeform.input or "" if freeform else json_text(call.function.arguments if call.function else "")
    return ToolCall(
        id=unique,
        name=name,
        arguments=arguments,
        kind="custom" if custom else "function",
        extras=signature_extras(call),
    )


def _made(message: Delta) -> list[ResponsePart]:
    """Images and sound that the model made."""
    made: list[ResponsePart] = [image for found in message.images or () if (image := image_of(found))]
    if message.audio:
        made.append(audio_of(message.audio))
    return made


def render_response(response: GenerateResponse, reply: Reply, losses: LossLog) -> bytes:
    """Response -> a ChatCompletion that the SDK's strict types accept."""
    choice = {
        "index": 0,
        "message": _message(response, losses),
        "logprobs": _logprobs(response),
        "finish_reason": finish_of(response.stop),
    }
    if response.stop is not None and (native := native_of(response.stop)) is not None:
        choice["native_finish_reason"] = native
    body: Json = {
        "id": response.id or reply.id,
        "object": "chat.completion",
        "created": response.created or reply.created,
        "model": response.model or reply.model,
        "choices": [choice],
    }
    if response.usage is not None:
        body["usage"] = render_usage(response.usage)
    if response.service_tier is not None:
        body["service_tier"] = response.service_tier
    return join({name: dump(value) for name, value in body.items()})


def finish_of(stop: Stop | None) -> str:
    """The finish reason that a Chat client knows."""
    return "stop" if stop is None else SAID[stop.reason]


def native_of(stop: Stop) -> str | None:
    """The upstream's own word, where it is another one."""
    return stop.native if stop.native is not None and stop.native != SAID[stop.reason] else None


def _message(response: GenerateResponse, losses: LossLog) -> Json:
    texts = [part.text for part in response.content if isinstance(part, Text)]
    refusals = [part.text for part in response.content if isinstance(part, Refusal)]
    message: Json = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    thoughts = [part for part in response.content if isinstance(part, Reasoning)]
    if thoughts:
        message |= _thought(thoughts)
    citations = [c for part in response.content if isinstance(part, Text) for c in part.citations]
    if citations:
        message["annotations"] = [render_citation(citation) for citation in citations]
    calls = [render_call(part) for part in response.content if isinstance(part, ToolCall)]
    if calls:
        message["tool_calls"] = calls
    return message | _media(response, losses)


def _thought(thoughts: list[Reasoning]) -> Json:
    """Readable thought in both fields that clients look for, and what must come back in reasoning_details."""
    text = "".join(part.readable for part in thoughts)
    fields: Json = dict.fromkeys(("reasoning_content", "reasoning"), text) if text else {}
    details = [detail for part in thoughts for detail in load(details_of(part, with_text=True) or b"", list[Raw]) or ()]
    if details and any(part.form not in FORMS or part.details is not None for part in thoughts):
        fields["reasoning_details"] = details
    return fields


def render_call(part: ToolCall) -> Json:
    """A tool call as Chat writes it."""
    if part.kind == "custom":
        body: Json = {"id": part.id, "type": "custom", "custom": {"name": part.name, "input": part.arguments}}
    else:
        function: Mapping[str, str] = {"name": part.name, "arguments": part.arguments or "{}"}
        body = {"id": part.id, "type": "function", "function": function}
    return body | dict(part.extras.get(NAME, {}))


def _media(response: GenerateResponse, losses: LossLog) -> Json:
    fields: Json = {}
    for index, part in enumerate(response.content):
        if isinstance(part, Media) and part.kind == "image":
            fields.setdefault("images", []).append(render_image(part))
        elif isinstance(part, Media) and part.kind == "audio":
            fields["audio"] = {"data": part.data, **part.extras.get(NAME, {})}
        elif isinstance(part, Media | Opaque):
            what = part.type if isinstance(part, Opaque) else part.kind
            losses.add(f"content[{index}]", f"Chat Completions has no place for {what} in an answer", "content")
    return fields


def render_image(part: Media) -> Json:
    """An image that the model made, in OpenRouter's form."""
    url = part.url or data_url(part.media_type, part.data or "")
    return {"type": "image_url", "image_url": {"url": url}}


def _logprobs(response: GenerateResponse) -> Json | None:
    content = [probs for part in response.content if isinstance(part, Text) for probs in part.logprobs]
    return {"content": content, "refusal": None} if content else None


def _present(raw: Raw) -> bool:
    return bool(raw) and raw != Raw(b"null")


class _Base(msgspec.Struct, frozen=True):
    status_code: int = 0


class _WithBase(msgspec.Struct):
    base_resp: _Base = _Base()
    success: bool = True


def _failed_base(body: bytes) -> bool:
    """Errors that MiniMax and Zhipu hide in a 200: a status of their own, or success false."""
    found = load(body, _WithBase)
    return found is not None and (found.base_resp.status_code != 0 or not found.success)
