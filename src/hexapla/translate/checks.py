"""Cheap checks of a conversation that nobody parses: tool results without a call, repeated ids, images that are none.

In the Verbatim and Patch lanes the vendor judges the conversation.  Three mistakes are worth finding here all the same,
because they are common among agents and because some vendors answer them with a 500 or with nonsense.  They are looked
for only where one substring search says that there is anything to look at, in bodies of moderate size, and by
types that decode no more than ids and the first bytes of images.  Whatever these types do not fit is left to the vendor:
a check that does not understand a request never refuses it.

Rules of this file: in doubt nothing is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Raw

from hexapla.errors import ClientError, Kind
from hexapla.ir.target import Target
from hexapla.protocols.images import KNOWN, check_image
from hexapla.translate.adapt.pairs import answered_twice, called_twice, not_called
from hexapla.translate.peek import CONVERSATION, LARGE, Peek
from hexapla.wire.media import split_data_url
from hexapla.wire.rawjson import NULL, load

MAX_BYTES = LARGE  # a larger body is not looked into: reading it would cost more than a vendor's own refusal

Step = tuple[str, str, str]
"""("call" | "result", its id, where it stands)"""

Picture = tuple[str | None, str, str]
"""(media type, base64 text, where it stands)"""


class _Id(msgspec.Struct):
    id: str = ""


class _Source(msgspec.Struct):
    type: str = ""
    media_type: str | None = None
    data: str = ""


class _Url(msgspec.Struct):
    url: str = ""


class _Blob(msgspec.Struct, rename="camel"):
    mime_type: str | None = None
    data: str = ""


class _Part(msgspec.Struct):
    """A part of content in any dialect."""

    type: str = ""
    id: str | None = None
    tool_use_id: str | None = None
    functionCall: _Id | None = None  # noqa: N815 - Gemini's names
    functionResponse: _Id | None = None  # noqa: N815
    inlineData: _Blob | None = None  # noqa: N815
    source: Raw = Raw()
    image_url: Raw = Raw()
    content: Raw = Raw()


class _Message(msgspec.Struct):
    """A message of Chat or Messages, or an item of Responses."""

    role: str = ""
    type: str = ""
    tool_calls: list[_Id] | None = None
    tool_call_id: str | None = None
    call_id: str | None = None
    content: list[_Part] | str | None = None
    output: list[_Part] | str | None = None
    parts: list[_Part] | None = None


def check_thread(peeked: Peek, target: Target) -> None:
    """Raise ClientError for a Messages thread, which the vendor keeps, at a target that keeps none.

    Anthropic's SDK (anthropic-python 2.13, lib/threads, 2026-11) begins one whenever it runs tools, and sends its next
    turns without what was said before.  On this code it sends the whole conversation instead, now and from then on.
    """
    thread = peeked.fields.get("thread", NULL) if peeked.protocol == "anthropic_messages" else NULL
    if thread != NULL and not target.threads:
        message = "This target keeps no threads; send the whole conversation in messages, without thread."
        raise ClientError(Kind.UNSUPPORTED, message, param="thread", code="thread_unsupported_request")


def check(peeked: Peek) -> None:
    """Raise ClientError or ProtocolError for a conversation that holds one of the three mistakes."""
    look = _LOOK.get(peeked.protocol)
    body = peeked.body
    if look is None or peeked.only_texts or len(body) > MAX_BYTES:
        return
    results, images = look.result_mark in body, look.image_mark in body
    if not (results or images):
        return
    name = CONVERSATION[peeked.protocol]
    messages = load(peeked.fields.get(name, Raw()), list[_Message])
    if messages is None:
        return
    if results and not _continued(peeked, messages):
        _check_steps(look.steps(messages, name))
    if images:
        _check_pictures(_pictures(messages, name))


def called_in(peeked: Peek) -> frozenset[str]:
    """The ids of the calls in a conversation, as far as it can be read."""
    look, name = _LOOK[peeked.protocol], CONVERSATION[peeked.protocol]
    messages = load(peeked.fields.get(name, Raw()), list[_Message]) or []
    return frozenset(ident for kind, ident, _ in look.steps(messages, name) if kind == "call")


def _continued(peeked: Peek, messages: list[_Message]) -> bool:
    """Part of the conversation is kept by the vendor, so a call may stand there."""
    kept = peeked.fields.keys() & {"previous_response_id", "conversation", "thread"}
    return bool(kept) or any(message.type == "item_reference" for message in messages)


def _check_steps(steps: Iterator[Step]) -> None:
    called: set[str] = set()
    turn: set[str] = set()
    last = ""
    for kind, ident, where in steps:
        if kind != last:
            turn.clear()
            last = kind
        if kind == "result" and ident not in called:
            raise not_called(ident, where)
        if ident in turn:
            raise called_twice(ident, where) if kind == "call" else answered_twice(ident, where)
        turn.add(ident)
        if kind == "call":
            called.add(ident)


def _chat_steps(messages: list[_Message], name: str) -> Iterator[Step]:
    for index, message in enumerate(messages):
        where = f"{name}[{index}]"
        for call in message.tool_calls or ():
            yield "call", call.id, where
        if message.role == "tool" and message.tool_call_id is not None:
            yield "result", message.tool_call_id, where


def _messages_steps(messages: list[_Message], name: str) -> Iterator[Step]:
    for index, message in enumerate(messages):
        where = f"{name}[{index}]"
        for part in message.content if isinstance(message.content, list) else ():
            if part.type == "tool_result":
                yield "result", part.tool_use_id or "", where
            elif part.type.endswith("tool_use"):
                yield "call", part.id or "", where


def _responses_steps(messages: list[_Message], name: str) -> Iterator[Step]:
    for index, item in enumerate(messages):
        if item.call_id is None:
            continue
        if item.type.endswith("_call_output"):
            yield "result", item.call_id, f"{name}[{index}]"
        elif item.type.endswith("_call"):
            yield "call", item.call_id, f"{name}[{index}]"


def _gemini_steps(messages: list[_Message], name: str) -> Iterator[Step]:
    """Calls and responses that have ids; those without are matched by the vendor, in order."""
    calls = [part.functionCall for content in messages for part in content.parts or () if part.functionCall is not None]
    named = all(call.id for call in calls)
    for index, content in enumerate(messages):
        for part in content.parts or ():
            if part.functionCall is not None and part.functionCall.id:
                yield "call", part.functionCall.id, f"{name}[{index}]"
            elif part.functionResponse is not None and part.functionResponse.id and named:
                yield "result", part.functionResponse.id, f"{name}[{index}]"


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """How a dialect is looked into: bytes without which there is nothing to see, and what reads calls and results."""

    result_mark: bytes
    image_mark: bytes
    steps: Callable[[list[_Message], str], Iterator[Step]]


_LOOK: dict[str, _Look] = {
    "openai_chat": _Look(result_mark=b'"tool_call_id"', image_mark=b";base64,", steps=_chat_steps),
    "anthropic_messages": _Look(result_mark=b'"tool_result"', image_mark=b'"base64"', steps=_messages_steps),
    "gemini_generate": _Look(result_mark=b'"functionResponse"', image_mark=b'"inlineData"', steps=_gemini_steps),
    "openai_responses": _Look(result_mark=b'_call_output"', image_mark=b";base64,", steps=_responses_steps),
}


def _check_pictures(pictures: Iterator[Picture]) -> None:
    for media_type, data, where in pictures:
        if media_type in KNOWN:
            check_image(media_type, data, f"$.{where}")


def _pictures(messages: list[_Message], name: str) -> Iterator[Picture]:
    for index, message in enumerate(messages):
        yield from _pictures_of(message.content, f"{name}[{index}].content")
        yield from _pictures_of(message.output, f"{name}[{index}].output")
        yield from _pictures_of(message.parts, f"{name}[{index}].parts")


def _pictures_of(content: list[_Part] | str | None, where: str) -> Iterator[Picture]:
    for index, part in enumerate(content if isinstance(content, list) else ()):
        here = f"{where}[{index}]"
        if part.type == "image" and (source := load(part.source, _Source)) and source.type == "base64":
            yield source.media_type, source.data, here
        elif part.inlineData is not None:
            blob = part.inlineData  # Google takes either alphabet
            yield blob.mime_type, blob.data.replace("-", "+").replace("_", "/"), here
        elif part.image_url:
            url = load(part.image_url, str) or (load(part.image_url, _Url) or _Url()).url
            media_type, data = split_data_url(url)
            if data is not None:
                yield media_type, data, here
        if part.content:
            yield from _pictures_of(load(part.content, list[_Part]), f"{here}.content")
