"""The conversation of a client's Responses body: items and their parts.

Accepts what agents really send: items with and without type and id, reasoning with null content, results in parts, items
of tools that only the vendor knows, our own envelopes.  Items of one assistant turn are gathered into one message, results
into another, which is the canonical shape.  Kinds that nobody knows yet are carried whole.

Rules of this file: one function for each kind of item and part, found by table; what cannot be right is refused with its
path, which is a `$.input[2].content[0]` of the client's own body.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Raw

from hexapla.errors import ProtocolError
from hexapla.ir.content import AnyPart, Extras, Media, Opaque, Text, ToolResult
from hexapla.ir.request import Message, Role
from hexapla.protocols.fields import Fields, extras_of, is_text
from hexapla.protocols.openai_responses.items import parse_content, parse_item
from hexapla.protocols.openai_responses.words import NAME, ORIGIN
from hexapla.wire.media import sniff, split_data_url

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "developer"}
_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_CONTINUES = ("previous_response_id", "conversation", "prompt")
"""Fields beside which the input may be missing or empty: the conversation stands elsewhere."""


def parse_input(fields: Fields) -> tuple[Message, ...]:
    """All messages."""
    raw = fields.peek("input")
    messages: list[Message] = []
    if raw is not None and is_text(raw):
        text = fields.required("input")
        messages = [Message(role="user", content=(Text(text=text),), plain=True)] if text else []
    else:
        for path, item in fields.items("input"):
            _gather(messages, _item(item, path))
    if not messages and not any(name in fields for name in _CONTINUES):
        raise fields.wrong("input", "input is required: a string that is not empty, or a list of at least one item")
    return tuple(messages)


def _gather(messages: list[Message], message: Message) -> None:
    """Neighbouring assistant items are one turn, neighbouring results one message."""
    last = messages[-1] if messages else None
    if last is not None and last.role == message.role and message.role in ("assistant", "tool"):
        messages[-1] = Message(role=last.role, content=last.content + message.content)
    else:
        messages.append(message)


def _item(raw: Raw, path: str) -> Message:
    fields = Fields(raw, path)
    kind = fields.text("type") or ("message" if "role" in fields else "item_reference")
    build = _ITEMS.get(kind)
    if build is not None:
        return build(fields, raw, kind)
    role: Role = "tool" if kind.endswith("_output") else "assistant"
    return Message(role=role, content=(Opaque(origin=ORIGIN, type=kind, data=raw),))


# messages


def _message(fields: Fields, raw: Raw, kind: str) -> Message:
    said = fields.required("role")
    role = _ROLES.get(said)
    if role is None:
        raise fields.wrong("role", f"{said!r} is no role; use one of {', '.join(_ROLES)}")
    if "content" not in fields:
        raise fields.wrong("content", "content is required")
    content = fields.peek("content")
    if content is not None and is_text(content):
        text = fields.required("content")
        extras = extras_of(NAME, fields.rest())
        if role == "assistant":
            return Message(role=role, content=(Text(text=text, extras=extras),))
        return Message(role=role, content=(Text(text=text),), plain=True, extras=extras)
    parts = list(fields.items("content"))
    extras = extras_of(NAME, fields.rest())
    if role == "assistant":
        return Message(role=role, content=tuple([_own_part(part, path, extras) for path, part in parts]))
    return Message(role=role, content=tuple([_part(part, path) for path, part in parts]), extras=extras)


def _own_part(raw: Raw, path: str, extras: Extras) -> AnyPart:
    """A part of what the model itself said."""
    fields = Fields(raw, path)
    kind = fields.required("type")
    if kind in ("output_text", "input_text", "text"):
        fields.required("text")
    elif kind == "refusal":
        fields.required("refusal")
    elif kind in _PARTS:
        return _PARTS[kind](fields)
    return parse_content(raw, extras)


# reasoning and calls


def _reasoning(fields: Fields, raw: Raw, kind: str) -> Message:
    fields.text("id")
    fields.text("encrypted_content")
    for name in ("summary", "content"):
        for part in fields.objects(name):
            part.text("text")
    return Message(role="assistant", content=tuple(parse_item(raw, history=True)))


def _call(fields: Fields, raw: Raw, kind: str) -> Message:
    fields.required("call_id")
    fields.required("name")
    fields.text("input" if kind == "custom_tool_call" else "arguments")
    fields.text("namespace")
    return Message(role="assistant", content=tuple(parse_item(raw, history=True)))


def _result(fields: Fields, raw: Raw, kind: str) -> Message:
    call = fields.required("call_id")
    plain, content = _output(fields)
    result = ToolResult(
        call_id=call,
        content=tuple([part for part in content if isinstance(part, Text | Media | Opaque)]),
        plain=plain,
        kind="custom" if kind == "custom_tool_call_output" else "function",
        extras=extras_of(NAME, fields.rest()),
    )
    return Message(role="tool", content=(result,))


def _output(fields: Fields) -> tuple[bool, list[AnyPart]]:
    """(was a bare string or nothing, parts)."""
    raw = fields.peek("output")
    if raw is None or "output" not in fields:
        fields.drop("output")
        return True, []
    if is_text(raw):
        return True, [Text(text=fields.required("output"))]
    return False, [_part(part, path) for path, part in fields.items("output")]


_ITEMS: dict[str, Callable[[Fields, Raw, str], Message]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _call,
    "custom_tool_call": _call,
    "function_call_output": _result,
    "custom_tool_call_output": _result,
}


# parts of what the client says


def _part(raw: Raw, path: str) -> AnyPart:
    fields = Fields(raw, path)
    kind = fields.required("type")
    build = _PARTS.get(kind)
    return Opaque(origin=ORIGIN, type=kind, data=raw) if build is None else build(fields)


def _text(fields: Fields) -> Text:
    return Text(text=fields.required("text"), extras=extras_of(NAME, fields.rest()))


def _said_text(fields: Fields) -> Text:
    """output_text in a client's own message: agents quote answers so."""
    text = fields.required("text")
    fields.drop("annotations", "logprobs")
    return Text(text=text, extras=extras_of(NAME, fields.rest()))


def _image(fields: Fields) -> Media:
    url, file_id, detail = fields.text("image_url"), fields.text("file_id"), fields.text("detail")
    extras = extras_of(NAME, fields.rest())
    if url is None and file_id is None:
        raise fields.wrong("image_url", "input_image needs image_url or file_id")
    if url is None:
        return Media(kind="image", file_id=file_id, detail=detail, extras=extras)
    media_type, data = split_data_url(url)
    if data is not None:
        _check_image(media_type, data, f"{fields.path}.image_url")
        return Media(kind="image", data=data, media_type=media_type, detail=detail, extras=extras)
    if not url.startswith(("http://", "https://")):
        raise fields.wrong("image_url", "the image must be an http(s) URL or a base64 data: URL")
    return Media(kind="image", url=url, detail=detail, extras=extras)


def _check_image(media_type: str | None, data: str, path: str) -> None:
    """Raise ProtocolError for image data that is no base64 or plainly no image."""
    found = sniff(data)
    if found == "":
        raise ProtocolError("the image is not valid base64", path=path)
    if found is not None and not found.startswith("image/"):
        raise ProtocolError(f"the image says {media_type or 'image'}, but its bytes are {found}", path=path)
    if found is None and media_type in _IMAGES:
        raise ProtocolError(f"the bytes are no {media_type} image", path=path)


def _file(fields: Fields) -> Media:
    said, url, file_id = fields.text("file_data"), fields.text("file_url"), fields.text("file_id")
    filename, extras = fields.text("filename"), extras_of(NAME, fields.rest())
    if said is not None:
        media_type, data = split_data_url(said)
        bare = said if data is None else data
        return Media(kind="document", data=bare, media_type=media_type, filename=filename, extras=extras)
    if url is not None:
        return Media(kind="document", url=url, filename=filename, extras=extras)
    if file_id is None:
        raise fields.wrong("file_data", "input_file needs file_data, file_url or file_id")
    return Media(kind="document", file_id=file_id, filename=filename, extras=extras)


def _audio(fields: Fields) -> Media:
    inner = fields.object("input_audio")
    if inner is None:
        raise fields.wrong("input_audio", "input_audio is required")
    data, kind = inner.required("data"), inner.text("format")
    media_type = f"audio/{kind}" if kind else None
    return Media(kind="audio", data=data, media_type=media_type, extras=extras_of(NAME, fields.rest()))


_PARTS: dict[str, Callable[[Fields], AnyPart]] = {
    "input_text": _text,
    "text": _text,
    "output_text": _said_text,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}
