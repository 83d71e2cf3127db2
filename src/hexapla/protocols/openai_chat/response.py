"""Whole Chat Completions answers, read leniently (`answer.py` writes them).

Rules of this file: parts stand in the order in which a stream would bring them, so that a stream and its twin are one
value: thought, text, refusal, calls, what was made.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from hexapla.errors import ProtocolError
from hexapla.ir.content import Citation, Extras, Reasoning, Refusal, Text, ToolCall
from hexapla.ir.event import MessageStart
from hexapla.ir.response import GenerateResponse, ResponsePart, Usage
from hexapla.protocols.failures import classify
from hexapla.protocols.openai_chat.calls import filled, name_of
from hexapla.protocols.openai_chat.errors import choice_error, hidden_error
from hexapla.protocols.openai_chat.hung import call_extras, hung, turn_extras
from hexapla.protocols.openai_chat.parts import audio_of, call_id, cited, content_pieces, image_of, json_text
from hexapla.protocols.openai_chat.plain import plain
from hexapla.protocols.openai_chat.reasoning import ORIGIN, PART, thinks, thought_of
from hexapla.protocols.openai_chat.schema import (
    LOOK,
    NAME,
    Choice,
    Chunk,
    Delta,
    FunctionDelta,
    ToolDelta,
    decode_chunk,
    opened,
)
from hexapla.protocols.openai_chat.usage import counted, usage_of
from hexapla.protocols.openai_chat.words import FINISH, stop_of
from hexapla.wire.lenient import fit
from hexapla.wire.rawjson import UNDECODABLE, decode, dump, load
from hexapla.wire.surrogates import mend


def parse_response(body: bytes) -> GenerateResponse:
    """Upstream body -> response.  Raises ProtocolError, or UpstreamError for an error hidden in a 200."""
    answer = plain(body)
    if answer is None:
        return _looked_into(body)
    choice, usage = answer.choices[0], answer.usage
    message = choice.message
    content: list[ResponsePart] = [Text(text=message.content)] if message.content else []
    if message.tool_calls:
        content += [
            ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
            for call in message.tool_calls
        ]
    return GenerateResponse(
        id=answer.id or None,
        model=answer.model or None,
        created=answer.created,
        service_tier=answer.service_tier,
        origin=NAME,
        extras=_side(answer.system_fingerprint, answer.provider),
        content=tuple(content),
        stop=stop_of(choice, calls=bool(message.tool_calls)),
        usage=usage_of(usage) if isinstance(usage, dict) else counted(usage),
    )


def _looked_into(body: bytes) -> GenerateResponse:
    """Any answer."""
    body = body.strip()
    answer, unread = _whole(body)
    answer, choice = _judged(answer, body)
    message = choice.message or choice.delta or Delta(content=choice.text)
    content: list[ResponsePart] = [*thought_of(message)] if thinks(message) else []
    content += _said(message, choice, answer)
    calls = _tool_calls(message, answer) if message.tool_calls or message.function_call is not None else []
    content += calls
    if message.images or message.audio:
        content += _made(message)
    if message.extra_content and (extras := turn_extras(message)):
        content.append(hung(extras, None))
    start = beginning(answer, usage_of(answer.usage) or usage_of(choice.usage))
    return GenerateResponse(
        id=start.id,
        model=start.model,
        created=start.created,
        service_tier=start.service_tier,
        origin=NAME,
        extras=start.extras,
        content=tuple(content),
        stop=stop_of(choice, calls=bool(calls)),
        usage=start.usage,
        unread=unread,
    )


def _whole(body: bytes) -> tuple[Chunk, tuple[str, ...]]:
    """(the typed answer, what of it nobody reads)."""
    try:
        return LOOK.whole(body)
    except UNDECODABLE:
        return _fitted(body), ()


def checked(body: bytes) -> tuple[Chunk, Choice]:
    """The typed answer and its choice.  Raises whatever says that it is no answer."""
    body = body.strip()  # OpenRouter and DeepSeek send white space while they wait
    try:
        answer = decode_chunk.decode(body)
    except UNDECODABLE:
        answer = _fitted(body)
    return _judged(answer, body)


def _judged(answer: Chunk, body: bytes) -> tuple[Chunk, Choice]:
    if answer.output is not None:
        answer = opened(answer)
    choices = answer.choices
    if answer.error or answer.x_groq is not None or not choices:
        _refuse(answer, body)
    choice = choices[0] if choices is not None and len(choices) == 1 else _merged(choices or [])
    if choice.error or choice.finish_reason not in FINISH:
        error = choice_error(choice)
        if error is not None:
            raise error
    return answer, choice


def _refuse(answer: Chunk, body: bytes) -> None:
    """Raise what an answer says of its failure, or that it holds nothing."""
    error = hidden_error(answer, body)
    if error is not None:
        raise error
    if not answer.choices:
        if isinstance(answer.message, str):
            raise classify(200, {}, body)
        raise ProtocolError("the answer has no choices", path="$.choices")


def _fitted(body: bytes) -> Chunk:
    """The typed answer, without what does not fit.  Raises ProtocolError, or UpstreamError for a bare list or text."""
    try:
        return decode(decode_chunk, body)
    except ProtocolError:
        answer = fit(mend(body), Chunk)
        if answer is not None:
            return answer
        if not (load(body, list[Any]) or load(body, str)):
            raise
        raise classify(200, {}, body) from None


def _merged(choices: list[Choice]) -> Choice:
    """The first choice; Copilot in front of Claude cuts one answer into several (text first, calls next)."""
    first = choices[0]
    message = first.message or first.delta
    if first.finish_reason != "tool_calls" or message is None or message.tool_calls:
        return first
    message.tool_calls = [call for choice in choices[1:] for call in calls_of(choice.message or Delta())] or None
    return first


def beginning(answer: Chunk, usage: Usage | None) -> MessageStart:
    """What a first chunk says about the whole answer."""
    return MessageStart(
        id=str(answer.id) if answer.id else None,
        model=answer.model or None,
        created=int(answer.created) if isinstance(answer.created, int | float) else None,
        service_tier=answer.service_tier,
        origin=NAME,
        extras=_side(answer.system_fingerprint, answer.provider),
        usage=usage,
    )


def _side(system_fingerprint: str | None, provider: str | None) -> Extras:
    """Two fields that stand beside the answer and are carried for Chat clients."""
    side: dict[str, Raw] = {}
    if system_fingerprint is not None:
        side["system_fingerprint"] = dump(system_fingerprint)
    if provider is not None:
        side["provider"] = dump(provider)
    return {NAME: side} if side else {}


def _said(message: Delta, choice: Choice, answer: Chunk) -> list[ResponsePart]:
    """Text, thinking, refusals and media in order; neighbouring text is one part, as in a stream."""
    said: list[ResponsePart] = []
    content = message.content
    if type(content) is str:
        said = [Text(text=content)] if content else []
    else:
        for kind, piece in content_pieces(content):
            _append(said, kind, piece)
    if message.refusal:
        said.append(Refusal(text=message.refusal))
    pages = answer.citations or answer.web_search
    if message.annotations or pages or choice.logprobs is not None:
        citations = cited(message.annotations, pages, set())
        logprobs = choice.logprobs.content if choice.logprobs is not None else None
        return _decorated(said, citations, tuple([Raw(bytes(each)) for each in logprobs or ()]))
    return said


def _append(said: list[ResponsePart], kind: str, piece: Any) -> None:
    last = said[-1] if said else None
    if kind == "text" and piece:
        if isinstance(last, Text):
            said[-1] = replace(last, text=last.text + piece)
        else:
            said.append(Text(text=piece))
    elif kind == "thinking" and piece:
        if isinstance(last, Reasoning):
            said[-1] = replace(last, text=last.text + piece)
        else:
            said.append(Reasoning(text=piece, form=PART, origin=ORIGIN))
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


def _tool_calls(message: Delta, answer: Chunk) -> list[ResponsePart]:
    taken: set[str] = set()
    seed = str(answer.id) if answer.id else None
    calls = [_tool_call(seed, index, call, taken) for index, call in enumerate(calls_of(message))]
    return [part for call in calls for part in ((hung(call.extras, call.id), call) if call.extras else (call,))]


def calls_of(message: Delta) -> list[ToolDelta]:
    """The calls of a message or delta, wherever they stand."""
    if message.tool_calls:
        calls = message.tool_calls if isinstance(message.tool_calls, list) else [message.tool_calls]
        for call in calls:
            if call.function is None and (call.name or call.arguments):
                call.function = FunctionDelta(name=call.name, arguments=call.arguments)
        return calls
    legacy = message.function_call
    return [ToolDelta(function=legacy)] if legacy is not None and (legacy.name or legacy.arguments) else []


def _tool_call(seed: str | None, index: int, call: ToolDelta, taken: set[str]) -> ToolCall:
    name = name_of(call) or ""
    said = str(call.id) if call.id else ""
    unique = said if said and said not in taken else call_id(seed, index, name)
    taken.add(unique)
    freeform = call.custom if call.custom is not None and call.custom.name else None
    custom = freeform is not None or call.type == "custom"
    given = call.function.arguments if call.function is not None else ""
    arguments = freeform.input or "" if freeform else filled(json_text(given))
    return ToolCall(
        id=unique, name=name, arguments=arguments, kind="custom" if custom else "function", extras=call_extras(call)
    )


def _made(message: Delta) -> list[ResponsePart]:
    """Images and sound that the model made."""
    made: list[ResponsePart] = [image for found in message.images or () if (image := image_of(found))]
    sound = audio_of(message.audio) if message.audio else None
    return made if sound is None else [*made, sound]
